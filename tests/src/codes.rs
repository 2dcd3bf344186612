//! What people have besides their phones: apps, recovery codes, passes.

use gatematch_client_sim::totp::App;
use gatematch_protocol::authenticator::{AccessPassCreated, CreateAccessPass, CreateBypass, CreateTotp};
use gatematch_protocol::secret::Secret;
use gatematch_server::edge::Clock as _;

use crate::Site;

impl Site {
    /// Gives a user an authenticator app, confirmed by the code of the step before: the one of now still works.
    pub async fn app_of(&self, name: &str) -> App {
        let created = self.admin.add_totp(name, &CreateTotp::default()).await.unwrap();
        let app = App::from_uri(created.otpauth_uri.reveal()).unwrap();
        let before = app.code(self.clock.now().plus_seconds(-30));
        self.admin.confirm_totp(name, created.id, before.reveal()).await.unwrap();
        app
    }

    /// The code that an app shows `seconds` from now.
    pub fn code(&self, app: &App, seconds: i64) -> Secret {
        app.code(self.clock.now().plus_seconds(seconds))
    }

    /// Ten recovery codes of a user.
    pub async fn recovery_codes_of(&self, name: &str) -> Vec<Secret> {
        self.admin.recovery_codes(name, None).await.unwrap().codes
    }

    /// An access pass of a user for an hour, for so many sign-ins.
    pub async fn pass_of(&self, name: &str, max_uses: i64) -> AccessPassCreated {
        let pass = CreateAccessPass { expires_in: 3_600, max_uses: Some(max_uses), ..CreateAccessPass::default() };
        self.admin.access_pass(name, &pass).await.unwrap()
    }
}

/// A bypass for an hour.
pub fn bypass(max_uses: Option<i64>) -> CreateBypass {
    CreateBypass { reason: "the push service is down".to_owned(), expires_in: 3_600, max_uses }
}
