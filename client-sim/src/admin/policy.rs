//! Policy, as the administrator's tool manages it.

use gatematch_protocol::policy::{Explain, Explained, PolicyVersions, PolicyView, PutPolicy, RollBack};

use super::Admin;
use crate::failure::Failure;
use crate::http::{Answer, body};

impl Admin {
    /// The policy that holds.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn policy(&self) -> Result<PolicyView, Failure> {
        self.get("/v1/policy").await
    }

    /// Puts `policy` in the place of `version`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn put_policy(&self, policy: &PutPolicy, version: u64) -> Result<PolicyView, Failure> {
        self.replacing(version, "PUT", "/v1/policy", body(policy)?).await?.json()
    }

    /// Lets an earlier version hold again, in the place of `version`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn roll_policy_back(&self, to: &RollBack, version: u64) -> Result<PolicyView, Failure> {
        self.replacing(version, "POST", "/v1/policy/rollback", body(to)?).await?.json()
    }

    /// What becomes of a login, and why.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn explain(&self, login: &Explain) -> Result<Explained, Failure> {
        self.call("POST", "/v1/policy/explain", Some(body(login)?)).await?.json()
    }

    /// The versions that there were, the latest first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn policy_versions(&self) -> Result<PolicyVersions, Failure> {
        self.get("/v1/policy/versions").await
    }

    async fn replacing(&self, version: u64, method: &str, path: &str, body: Vec<u8>) -> Result<Answer, Failure> {
        let tag = format!("\"{version}\"");
        let headers = [("authorization", &*self.authorization()), ("if-match", &*tag)];
        self.api.call(method, path, &headers, Some(body)).await
    }
}
