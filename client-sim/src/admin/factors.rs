//! What people sign in with besides their phones, locks, and who has not signed in for long (contract section 10).

use gatematch_protocol::authenticator::{
    AccessPassCreated, AuthenticatorView, Authenticators, Because, BypassCreated, BypassView, Bypasses, ConfirmTotp,
    CreateAccessPass, CreateBypass, CreateRecoveryCodes, CreateTotp, RecoveryCodesCreated, TotpConfirmed, TotpCreated,
};
use gatematch_protocol::id::{AuthenticatorId, DeviceId};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::user::{Page, UserView};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Admin, user_path, with_query};
use crate::failure::Failure;
use crate::http::{body, segment};

impl Admin {
    async fn of_user<T: DeserializeOwned>(
        &self,
        user: &str,
        what: &str,
        message: &impl Serialize,
    ) -> Result<T, Failure> {
        self.call("POST", &format!("{}/{what}", user_path(user)), Some(body(message)?)).await?.json()
    }

    /// Makes an authenticator app for a user; the answer alone has its seed. It works once it is confirmed.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn add_totp(&self, user: &str, totp: &CreateTotp) -> Result<TotpCreated, Failure> {
        self.of_user(user, "totp", totp).await
    }

    /// Confirms an authenticator app by the code that it shows now.
    ///
    /// # Errors
    /// [`Failure`], with `wrong-code` for another one.
    pub async fn confirm_totp(&self, user: &str, id: AuthenticatorId, code: &str) -> Result<TotpConfirmed, Failure> {
        let message = ConfirmTotp { code: Secret::new(code) };
        self.of_user(user, &format!("totp/{id}/confirm"), &message).await
    }

    /// Makes new recovery codes; those from before are void.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn recovery_codes(&self, user: &str, reason: Option<&str>) -> Result<RecoveryCodesCreated, Failure> {
        let message = CreateRecoveryCodes { reason: reason.map(str::to_owned) };
        self.of_user(user, "recovery-codes", &message).await
    }

    /// Makes an access pass; the one from before is void.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn access_pass(&self, user: &str, pass: &CreateAccessPass) -> Result<AccessPassCreated, Failure> {
        self.of_user(user, "access-passes", pass).await
    }

    /// Lets a user in without a second factor for a while.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn bypass(&self, user: &str, bypass: &CreateBypass) -> Result<BypassCreated, Failure> {
        self.of_user(user, "bypasses", bypass).await
    }

    /// The bypasses of a user that are in force.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn bypasses(&self, user: &str) -> Result<Vec<BypassView>, Failure> {
        Ok(self.get::<Bypasses>(&format!("{}/bypasses", user_path(user))).await?.items)
    }

    /// Ends a bypass.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn remove_bypass(&self, user: &str, id: AuthenticatorId, reason: Option<&str>) -> Result<(), Failure> {
        self.delete(&with_query(&format!("{}/bypasses/{id}", user_path(user)), &[("reason", reason)])).await
    }

    /// Locks a user out.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn lock(&self, user: &str, reason: &str) -> Result<UserView, Failure> {
        self.of_user(user, "lock", &Because { reason: reason.to_owned() }).await
    }

    /// Lifts a lock, and forgets failures.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn unlock(&self, user: &str, reason: &str) -> Result<UserView, Failure> {
        self.of_user(user, "unlock", &Because { reason: reason.to_owned() }).await
    }

    /// What a user signs in with, phones first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn authenticators(&self, user: &str) -> Result<Vec<AuthenticatorView>, Failure> {
        Ok(self.get::<Authenticators>(&format!("{}/authenticators", user_path(user))).await?.items)
    }

    /// Removes one of the [`Admin::authenticators`] by its id there; a phone too.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn remove_authenticator(&self, user: &str, id: &str, reason: Option<&str>) -> Result<(), Failure> {
        self.delete(&with_query(&format!("{}/authenticators/{}", user_path(user), segment(id)), &[("reason", reason)]))
            .await
    }

    /// Revokes a phone, and says why.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn delete_device_because(&self, id: DeviceId, reason: &str) -> Result<(), Failure> {
        self.delete(&with_query(&format!("/v1/devices/{id}"), &[("reason", Some(reason))])).await
    }

    /// The first page of those who have not signed in for `days` days.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn dormant_users(&self, days: u32) -> Result<Page<UserView>, Failure> {
        self.get(&with_query("/v1/users", &[("dormant_days", Some(&days.to_string()))])).await
    }
}

#[cfg(test)]
mod tests;
