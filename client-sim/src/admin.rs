//! The administrator's tool.

mod factors;
mod policy;

use gatematch_protocol::audit::AuditPage;
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::device::{ConfirmDevice, DeviceView};
use gatematch_protocol::enrollment::{CreateEnrollment, EnrollmentCreated};
use gatematch_protocol::gateway::{CreateGateway, GatewayCreated, GatewayView, Gateways};
use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::user::{Page, PutUser, UserView};
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::http::{Answer, Api, body, segment};

/// The administrator's tool in code.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The connection.
    pub api: Api,
    /// Its credential, of whatever role.
    pub key: Secret,
}

impl Admin {
    /// A tool with its key.
    #[must_use]
    pub fn new(api: Api, key: Secret) -> Self {
        Self { api, key }
    }

    /// The value of its `Authorization` header.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.key.reveal())
    }

    /// Sends a request with its key.
    ///
    /// # Errors
    /// [`Failure::Transport`]; a refusal is an [`Answer`].
    pub async fn call(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Result<Answer, Failure> {
        self.api.call(method, path, &[("authorization", &self.authorization())], body).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call("GET", path, None).await?.json()
    }

    async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.call("DELETE", path, None).await?.success()
    }

    /// Makes a user, or changes one; absent members stay as they are.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn put_user(&self, username: &str, user: &PutUser) -> Result<UserView, Failure> {
        self.call("PUT", &user_path(username), Some(body(user)?)).await?.json()
    }

    /// One user.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn get_user(&self, username: &str) -> Result<UserView, Failure> {
        self.get(&user_path(username)).await
    }

    /// A page of the users that match `query`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn list_users(
        &self,
        query: Option<&str>,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<UserView>, Failure> {
        let limit = limit.map(|limit| limit.to_string());
        self.get(&with_query("/v1/users", &[("query", query), ("limit", limit.as_deref()), ("cursor", cursor)])).await
    }

    /// Deletes a user and all that is his.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn delete_user(&self, username: &str) -> Result<(), Failure> {
        self.delete(&user_path(username)).await
    }

    /// Makes an enrollment that lives for `expires_in` seconds (the server's own default where absent).
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn create_enrollment(&self, user: &str, expires_in: Option<i64>) -> Result<EnrollmentCreated, Failure> {
        let message = CreateEnrollment { user: user.to_owned(), expires_in };
        self.call("POST", "/v1/enrollments", Some(body(&message)?)).await?.json()
    }

    /// The phones of a user.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn devices(&self, user: &str) -> Result<Vec<DeviceView>, Failure> {
        let page: Page<DeviceView> = self.get(&format!("{}/devices", user_path(user))).await?;
        Ok(page.items)
    }

    /// Revokes a phone.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn delete_device(&self, id: DeviceId) -> Result<(), Failure> {
        self.delete(&format!("/v1/devices/{id}")).await
    }

    /// Confirms a phone by the six digits that it shows.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn confirm_device(&self, id: DeviceId, code: &str) -> Result<(), Failure> {
        let message = ConfirmDevice { code: Secret::new(code) };
        self.call("POST", &format!("/v1/devices/{id}/confirm"), Some(body(&message)?)).await?.success()
    }

    /// Makes a gateway; the answer alone has its key.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn create_gateway(&self, gateway: &CreateGateway) -> Result<GatewayCreated, Failure> {
        self.call("POST", "/v1/gateways", Some(body(gateway)?)).await?.json()
    }

    /// All gateways.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn list_gateways(&self) -> Result<Vec<GatewayView>, Failure> {
        Ok(self.get::<Gateways>("/v1/gateways").await?.items)
    }

    /// Deletes a gateway.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn delete_gateway(&self, id: GatewayId) -> Result<(), Failure> {
        self.delete(&format!("/v1/gateways/{id}")).await
    }

    /// A challenge, without its number.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn challenge(&self, id: ChallengeId) -> Result<ChallengeView, Failure> {
        self.get(&format!("/v1/challenges/{id}")).await
    }

    /// The audit events after the one numbered `after` (0: from the first), at most `limit` (1 to 1000), of one
    /// user and type where given.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn audit(
        &self,
        after: u64,
        limit: Option<u32>,
        user: Option<&str>,
        kind: Option<&str>,
    ) -> Result<AuditPage, Failure> {
        let (after, limit) = (after.to_string(), limit.map(|limit| limit.to_string()));
        let query = [("after", Some(after.as_str())), ("limit", limit.as_deref()), ("user", user), ("type", kind)];
        self.get(&with_query("/v1/audit", &query)).await
    }
}

fn user_path(username: &str) -> String {
    format!("/v1/users/{}", segment(username))
}

fn with_query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some(format!("{name}={}", segment((*value)?))));
    let query = given.collect::<Vec<_>>().join("&");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_given_parameters_are_sent() {
        assert_eq!(with_query("/v1/users", &[("query", None), ("limit", None)]), "/v1/users");
        assert_eq!(with_query("/p", &[("a", Some("x&y")), ("b", None), ("c", Some("1"))]), "/p?a=x%26y&c=1");
        assert_eq!(user_path("CORP\\alice"), "/v1/users/CORP%5Calice");
    }
}
