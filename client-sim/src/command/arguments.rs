//! The command line.

mod code;
mod load;
mod push;
mod radius;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use gatematch_protocol::id::GatewayId;
use gatematch_protocol::response::UserVerification;

pub(crate) use self::code::{Code, Helpdesk, InPlace, OwnCommand};
pub(crate) use self::load::Load;
pub(crate) use self::push::{PushCommand, PushServe};
pub(crate) use self::radius::{
    Connect, FrontDoor, Patience, RadiusCommand, RadiusFlood, RadiusLoad, RadiusLogin, Style,
};

const AFTER_HELP: &str = "\
Exit codes: 0 done or let in; 1 refused, or over RADIUS not answered; 2 wrong usage; 3 no sound answer from the server; 4 trouble on this machine.
With --misbehave: 0 when the server answers as the contract says, 1 when it does not.";

/// The phone and the gateway of Gatematch, without a phone and a gateway.
#[derive(Debug, Parser)]
#[command(name = "gatematch-sim", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Where the phones' keys are kept [default: $GATEMATCH_SIM_STATE, else ~/.config/gatematch-sim/state.json]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Use only this phone: its name, its user, or its id
    #[arg(long, global = true, value_name = "PHONE")]
    pub(crate) phone: Option<String>,
    /// Answer in JSON, for scripts
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Do the wrong thing on purpose, and say how the server takes it
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) misbehave: Option<String>,
    /// Show the wrong things that --misbehave can do
    #[arg(long)]
    pub(crate) list_misbehaviours: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Become a phone of somebody, with the link from the helpdesk
    Enroll(Enroll),
    /// Show the sign-ins that are waiting
    List,
    /// Let a sign-in in
    Approve {
        /// The sign-in, as `list` shows it
        id: String,
        /// The number on the screen where the person signs in
        #[arg(long)]
        number: Option<String>,
        /// How the phone says that it made sure of the person
        #[arg(long, value_enum, default_value_t = Uv::None)]
        uv: Uv,
    },
    /// Refuse a sign-in
    Deny {
        /// The sign-in, as `list` shows it
        id: String,
    },
    /// Refuse a sign-in that was somebody else's
    Report {
        /// The sign-in, as `list` shows it
        id: String,
    },
    /// Wait for sign-ins and ask for the number
    Watch {
        /// How the phone says that it made sure of the person
        #[arg(long, value_enum, default_value_t = Uv::None)]
        uv: Uv,
        /// Be rung by this push service, and fetch where it does not ring: the address of `gatematch-sim push serve`
        #[arg(long, value_name = "URL")]
        push: Option<String>,
    },
    /// Show the code of an authenticator app
    Code(Code),
    /// Manage your own phones and codes, by one of your phones
    Phones {
        #[command(subcommand)]
        command: OwnCommand,
    },
    /// Show what somebody can sign in with, as an administrator's tool does
    Helpdesk(Helpdesk),
    /// Play the gateway
    Gateway {
        #[command(subcommand)]
        command: GatewayCommand,
    },
    /// Sign many simulated people in, and measure how long it takes
    Load(Load),
    /// Play the push service
    Push {
        #[command(subcommand)]
        command: PushCommand,
    },
    /// Play RD Gateway's NPS, over RADIUS
    Radius {
        #[command(subcommand)]
        command: RadiusCommand,
    },
    /// Play the connect page: show the number where the gateway has no screen
    Connect(Connect),
    /// Write what a shell needs to complete these commands, to stdout
    Completions {
        /// For which shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Enroll {
    /// The link: https://server/app/#enroll=gme_...
    pub(crate) link: String,
    /// What to call this phone
    #[arg(long, default_value = "Simulated phone")]
    pub(crate) name: String,
    /// Let the server ring by this push service: the address of `gatematch-sim push serve`
    #[arg(long, value_name = "URL")]
    pub(crate) push: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Sign somebody in: show the number, wait for the phone (or give a code in its place), redeem, check the result
    Login(Login),
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Who wants to sign in
    #[arg(long)]
    pub(crate) user: String,
    /// The server's address
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// The gateway's key, gmg_... [default: $GATEMATCH_GATEWAY_KEY, which others on this machine cannot see]
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// The gateway's id [default: the one that the result names]
    #[arg(long, value_name = "ID")]
    pub(crate) gateway_id: Option<GatewayId>,
    /// The name of the computer that the person sits at
    #[arg(long, value_name = "NAME")]
    pub(crate) client_name: Option<String>,
    /// The address of the computer that the person sits at
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) client_ip: Option<String>,
    /// How long the sign-in may take, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) expires_in: Option<i64>,
    #[command(flatten)]
    pub(crate) in_place: InPlace,
    /// The key of a second gateway, for the misbehaviours that need one
    #[arg(long, value_name = "KEY")]
    pub(crate) other_key: Option<String>,
}

/// The words of [`UserVerification`].
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Uv {
    /// Face or fingerprint
    Biometric,
    /// The phone's PIN
    Pin,
    /// Not at all
    None,
}

impl From<Uv> for UserVerification {
    fn from(uv: Uv) -> Self {
        match uv {
            Uv::Biometric => Self::Biometric,
            Uv::Pin => Self::Pin,
            Uv::None => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        for line in [
            "gatematch-sim --list-misbehaviours --json",
            "gatematch-sim approve 1234abcd --number 047 --misbehave alg-none",
            "gatematch-sim --state /tmp/s gateway login --user alice --server http://127.0.0.1:8080 --key gmg_x --json",
            "gatematch-sim load --server http://127.0.0.1:8080 --users 2",
            "gatematch-sim load --server http://127.0.0.1:1 --server http://127.0.0.1:2 --phones 9 --gateways 3 --concurrency 5 --for 60",
            "gatematch-sim load --server http://127.0.0.1:1 --rate 300 --logins 10 --push 127.0.0.1:9090 --redeem-waits --json",
            "gatematch-sim load --server https://127.0.0.1:1 --radius 127.0.0.1:1812 --secret x --authority own.pem",
            "gatematch-sim load --server https://127.0.0.1:1 --http2 --connections 5 --hold 20000 --sample 500",
            "gatematch-sim enroll http://127.0.0.1:8080/app/#enroll=gme_x --push http://127.0.0.1:9090",
            "gatematch-sim watch --push http://127.0.0.1:9090 --uv pin",
            "gatematch-sim push serve",
            "gatematch-sim push serve --listen [::1]:0 --misbehave 429:5 --json",
            "gatematch-sim radius login --user CONTOSO\\alice --machine CLIENT-PC --server 127.0.0.1:1812 --secret x --style hold",
            "gatematch-sim radius login --user alice --style challenge --password p --answer 047 --timeout 9 --retransmit 0",
            "gatematch-sim radius login --user alice --calling-station-id 192.0.2.1 --json --misbehave wrong-secret",
            "gatematch-sim radius status --server localhost:1812 --allow-unsigned",
            "gatematch-sim radius load --hold 2000 --api http://127.0.0.1:8080 --admin-key gma_x",
            "gatematch-sim radius load --refused --logins 100000 --concurrency 256 --rate 5000",
            "gatematch-sim radius load --pap hunter2 --user bob --allow-unsigned",
            "gatematch-sim radius flood --server 127.0.0.1:1812 --rate 50000 --seconds 10 --good 10 --secret x",
            "gatematch-sim connect --user alice --server http://127.0.0.1:8080 --state /tmp/s --yes",
            "gatematch-sim connect --user alice --passcode 123456",
            "gatematch-sim code",
            "gatematch-sim code --secret GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ --period 60 --json",
            "gatematch-sim gateway login --user alice --server http://127.0.0.1:8080 --totp-uri otpauth://totp/x",
            "gatematch-sim radius login --user alice --style passcode --password p --passcode 123456",
            "gatematch-sim phones list --phone alice",
            "gatematch-sim phones rename 1234abcd Pixel",
            "gatematch-sim phones app --misbehave app-code-letters",
            "gatematch-sim helpdesk --user alice --misbehave bypass-no-end",
        ] {
            assert!(Arguments::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        for line in [
            "gatematch-sim load --server x --users 0",
            "gatematch-sim load",
            "gatematch-sim load --server x --rate 5 --concurrency 5",
            "gatematch-sim load --server x --hold 5 --push 127.0.0.1:9090",
            "gatematch-sim load --server x --connections 5",
            "gatematch-sim load --server x --radius 127.0.0.1:1812 --gateways 2",
            "gatematch-sim push",
            "gatematch-sim push serve --listen 0.0.0.0:9090",
            "gatematch-sim push serve --listen localhost",
            "gatematch-sim radius login",
            "gatematch-sim radius login --user alice --timeout 0",
            "gatematch-sim radius load --status --refused",
            "gatematch-sim radius load --hold 0",
            "gatematch-sim radius flood --server example.com:1812",
            "gatematch-sim radius flood --seconds 61",
            "gatematch-sim connect --server http://127.0.0.1:8080",
            "gatematch-sim code --uri otpauth://totp/x --secret GEZDGNBV",
            "gatematch-sim connect --user alice --passcode 123456 --totp-uri otpauth://totp/x",
            "gatematch-sim phones",
        ] {
            assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
