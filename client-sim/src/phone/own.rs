//! What the person manages by this phone: his phones, and what else he signs in with (contract section 10).

use gatematch_protocol::authenticator::{
    AuthenticatorView, Authenticators, ConfirmTotp, CreateOwnEnrollment, CreateRecoveryCodes, CreateTotp,
    RecoveryCodesCreated, RenameDevice, TotpConfirmed, TotpCreated,
};
use gatematch_protocol::device::{PhoneView, Phones};
use gatematch_protocol::enrollment::EnrollmentCreated;
use gatematch_protocol::id::{AuthenticatorId, DeviceId};
use gatematch_protocol::secret::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Phone;
use crate::failure::Failure;
use crate::http::{body, segment};

impl Phone {
    async fn post<T: DeserializeOwned>(&self, path: &str, message: &impl Serialize) -> Result<T, Failure> {
        self.call("POST", path, Some(body(message)?)).await?.json()
    }

    /// The phones of the same user.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn phones(&self) -> Result<Vec<PhoneView>, Failure> {
        Ok(self.call("GET", "/v1/devices/self/phones", None).await?.json::<Phones>()?.items)
    }

    /// What the user signs in with, phones first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn authenticators(&self) -> Result<Vec<AuthenticatorView>, Failure> {
        Ok(self.call("GET", "/v1/self/authenticators", None).await?.json::<Authenticators>()?.items)
    }

    /// Removes one of the [`Phone::authenticators`] by its id there; a phone too.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn remove_authenticator(&self, id: &str) -> Result<(), Failure> {
        self.call("DELETE", &format!("/v1/self/authenticators/{}", segment(id)), None).await?.success()
    }

    /// Calls one of the user's phones something else.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn rename(&self, id: DeviceId, name: &str) -> Result<PhoneView, Failure> {
        let message = RenameDevice { name: name.to_owned() };
        self.call("PUT", &format!("/v1/self/devices/{id}"), Some(body(&message)?)).await?.json()
    }

    /// Removes one of the user's phones, this one too. The account is kept: [`Phone::remove_self`] forgets it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn remove_phone(&self, id: DeviceId) -> Result<(), Failure> {
        self.call("DELETE", &format!("/v1/self/devices/{id}"), None).await?.success()
    }

    /// Makes a link for another phone of the user, which lives for `expires_in` seconds (the server's own default where
    /// absent) and dies with this phone.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn enroll_another(&self, expires_in: Option<i64>) -> Result<EnrollmentCreated, Failure> {
        self.post("/v1/self/enrollments", &CreateOwnEnrollment { expires_in }).await
    }

    /// Makes an authenticator app for the user; the answer alone has its seed. It works once it is confirmed.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn add_totp(&self, name: Option<&str>) -> Result<TotpCreated, Failure> {
        self.post("/v1/self/totp", &CreateTotp { name: name.map(str::to_owned), reason: None }).await
    }

    /// Confirms an authenticator app by the code that it shows now.
    ///
    /// # Errors
    /// [`Failure`], with `wrong-code` for another one.
    pub async fn confirm_totp(&self, id: AuthenticatorId, code: &str) -> Result<TotpConfirmed, Failure> {
        self.post(&format!("/v1/self/totp/{id}/confirm"), &ConfirmTotp { code: Secret::new(code) }).await
    }

    /// Makes new recovery codes; those from before are void.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn recovery_codes(&self) -> Result<RecoveryCodesCreated, Failure> {
        self.post("/v1/self/recovery-codes", &CreateRecoveryCodes::default()).await
    }
}

#[cfg(test)]
mod tests;
