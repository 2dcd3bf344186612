//! The command lines of codes in place of the phone, and of what a person manages himself.

use clap::{Args, Subcommand};

/// What to give in place of the phone.
#[derive(Debug, Args)]
pub(crate) struct InPlace {
    /// Give this code in place of the phone: of an authenticator app, a recovery code, or an access pass
    #[arg(long, value_name = "CODE", conflicts_with = "totp_uri")]
    pub(crate) passcode: Option<String>,
    /// Give the code that an authenticator app with this link shows now, in place of the phone
    #[arg(long, value_name = "URI")]
    pub(crate) totp_uri: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Code {
    /// The link of the app, otpauth://totp/... [default: $GATEMATCH_TOTP_URI, which others on this machine cannot see]
    #[arg(long, value_name = "URI", conflicts_with = "secret")]
    pub(crate) uri: Option<String>,
    /// The seed alone, in base32
    #[arg(long, value_name = "BASE32")]
    pub(crate) secret: Option<String>,
    /// With --secret: for how many seconds a code is shown, 30 or 60
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) period: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OwnCommand {
    /// Show what you sign in with
    List,
    /// Call one of your phones something else
    Rename {
        /// The phone, as `phones list` shows it
        id: String,
        /// The new name
        name: String,
    },
    /// Remove a phone, an authenticator app, your recovery codes or an access pass
    Remove {
        /// Which, as `phones list` shows it
        id: String,
    },
    /// Make a link for another phone of yours
    Add {
        /// How long the link lives, in seconds
        #[arg(long, value_name = "SECONDS")]
        expires_in: Option<i64>,
    },
    /// Set up an authenticator app, and confirm it
    App {
        /// What to call it
        #[arg(long)]
        name: Option<String>,
    },
    /// Make new recovery codes; the old ones are void
    Codes,
}

#[derive(Debug, Args)]
pub(crate) struct Helpdesk {
    /// Whom it is about
    #[arg(long)]
    pub(crate) user: String,
    /// The server's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) server: String,
    /// An administrator's key, gma_... [default: $GATEMATCH_ADMIN_KEY, which others on this machine cannot see]
    #[arg(long)]
    pub(crate) admin_key: Option<String>,
}
