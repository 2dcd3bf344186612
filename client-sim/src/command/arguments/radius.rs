//! The command line of `gatematch-sim radius` and `gatematch-sim connect`.

use std::net::SocketAddr;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::InPlace;

#[derive(Debug, Subcommand)]
pub(crate) enum RadiusCommand {
    /// Sign somebody in as RD Gateway's NPS does, and tell what came back
    Login(RadiusLogin),
    /// Ask whether the server is there (Status-Server)
    Status(FrontDoor),
    /// Ask as often as can be, and measure how long it takes
    Load(RadiusLoad),
    /// Send junk to a server on this machine, and see whether it still hears those who ask well
    Flood(RadiusFlood),
}

/// Whom to ask.
#[derive(Debug, Args)]
pub(crate) struct FrontDoor {
    /// The RADIUS server's name or address, and port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1812")]
    pub(crate) server: String,
    /// The secret that it shares with this client [default: $GATEMATCH_RADIUS_SECRET, which others on this machine cannot see]
    #[arg(long)]
    pub(crate) secret: Option<String>,
    /// Believe answers without a Message-Authenticator, as old servers give them
    #[arg(long)]
    pub(crate) allow_unsigned: bool,
}

/// How long and how often.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Patience {
    /// How long to wait for the answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) timeout: u64,
    /// After how many seconds the same bytes are sent again; 0 for never
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub(crate) retransmit: u64,
}

#[derive(Debug, Args)]
pub(crate) struct RadiusLogin {
    #[command(flatten)]
    pub(crate) front_door: FrontDoor,
    #[command(flatten)]
    pub(crate) patience: Patience,
    /// Who wants to sign in, such as 'CONTOSO\alice'
    #[arg(long)]
    pub(crate) user: String,
    /// What the person's computer calls itself
    #[arg(long, value_name = "NAME", default_value = "CLIENT-PC")]
    pub(crate) machine: String,
    /// Whether the client can show a message and ask again; RD Gateway cannot
    #[arg(long, value_enum, default_value_t = Style::Hold)]
    pub(crate) style: Style,
    /// A password to send (PAP); RD Gateway sends none
    #[arg(long)]
    pub(crate) password: Option<String>,
    /// The address that the person calls from; RD Gateway sends none
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) calling_station_id: Option<String>,
    #[command(flatten)]
    pub(crate) in_place: InPlace,
    /// With --style challenge: what to answer, instead of waiting for Enter
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["passcode", "totp_uri"])]
    pub(crate) answer: Option<String>,
}

/// What a RADIUS client can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Style {
    /// One request, one answer
    Hold,
    /// Shows what an Access-Challenge says, and asks again
    Challenge,
    /// Has one field for the password, and sends the code in it
    Passcode,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("mode").args(["hold", "refused", "status", "pap"]))]
pub(crate) struct RadiusLoad {
    #[command(flatten)]
    pub(crate) front_door: FrontDoor,
    #[command(flatten)]
    pub(crate) patience: Patience,
    /// Open this many sign-ins at once, wait until all are on the phones, approve every second one and deny the others
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) hold: Option<u32>,
    /// Ask for users whom nobody knows
    #[arg(long)]
    pub(crate) refused: bool,
    /// Ask whether the server is there
    #[arg(long)]
    pub(crate) status: bool,
    /// Ask for one user with this password; works with any RADIUS server
    #[arg(long, value_name = "PASSWORD")]
    pub(crate) pap: Option<String>,
    /// With --pap: the user
    #[arg(long, default_value = "alice")]
    pub(crate) user: String,
    /// How many people; each gets an account and a phone
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) users: u32,
    /// How many at once
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) concurrency: u32,
    /// How many in all
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) logins: u32,
    /// How many a second; as many as there are answers where it is not given
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: Option<u32>,
    /// Where the phones find the server; for whole sign-ins and --hold
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) api: String,
    /// An administrator's key, gma_... [default: $GATEMATCH_ADMIN_KEY, which others on this machine cannot see]
    #[arg(long)]
    pub(crate) admin_key: Option<String>,
    /// Leave the accounts that were made for it
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RadiusFlood {
    /// The server's address and port, on this machine
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:1812")]
    pub(crate) server: SocketAddr,
    /// How many datagrams a second
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub(crate) rate: u32,
    /// For how long, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) seconds: u64,
    /// How many good requests a second beside it: Status-Server and unknown users in turn
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub(crate) good: u32,
    /// With --good: the secret that the server shares with this client [default: $GATEMATCH_RADIUS_SECRET]
    #[arg(long)]
    pub(crate) secret: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// Who is about to sign in
    #[arg(long)]
    pub(crate) user: String,
    /// The server's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) server: String,
    /// Answer "Is this you?" with yes
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) in_place: InPlace,
    /// Be a browser that has never been there, and remember nothing
    #[arg(long)]
    pub(crate) private: bool,
}
