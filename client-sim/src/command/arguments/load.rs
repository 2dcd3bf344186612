//! The command line of `gatematch-sim load`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::Patience;

#[derive(Debug, Args)]
pub(crate) struct Load {
    /// The server's address; several times for several nodes, which take turns
    #[arg(long, value_name = "URL", required = true)]
    pub(crate) server: Vec<String>,
    /// An administrator's key, gma_... [default: $GATEMATCH_ADMIN_KEY, which others on this machine cannot see]
    #[arg(long)]
    pub(crate) admin_key: Option<String>,
    /// How many people; each gets an account and a phone
    #[arg(long, alias = "users", value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) phones: u32,
    /// How many gateways, which take turns
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) gateways: u32,
    /// How many sign-ins at once, at most one for each person
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) concurrency: u32,
    /// How many sign-ins begin each second, whether others end or not; a late begin counts as time that it took
    #[arg(long, value_name = "N", conflicts_with = "concurrency", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: Option<u32>,
    /// How many sign-ins in all [default: 1000, or as many as --for allows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) logins: Option<u64>,
    /// For how long, in seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub(crate) seconds: Option<u64>,
    /// Ring the phones by a push service that listens here; the server must name it in GATEMATCH_PUSH_ALLOWED_HOSTS
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) push: Option<SocketAddr>,
    /// Wait for the decision in the request that redeems, as the RADIUS front door does: one request less
    #[arg(long)]
    pub(crate) redeem_waits: bool,
    /// Sign in over RADIUS, at this front door; its client needs no_display = "approve_only"
    #[arg(long, value_name = "HOST:PORT", help_heading = "Over RADIUS", conflicts_with_all = ["gateways", "redeem_waits"])]
    pub(crate) radius: Option<String>,
    /// The secret that the front door shares with this client [default: $GATEMATCH_RADIUS_SECRET, which others on this machine cannot see]
    #[arg(long, requires = "radius", help_heading = "Over RADIUS")]
    pub(crate) secret: Option<String>,
    #[command(flatten, next_help_heading = "Over RADIUS")]
    pub(crate) patience: Patience,
    /// Speak HTTP/2, on few connections
    #[arg(long)]
    pub(crate) http2: bool,
    /// With --http2: how many connections to each server [default: 4; with --hold one for each 4000 sign-ins]
    #[arg(long, value_name = "N", requires = "http2", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) connections: Option<u32>,
    /// Trust this authority's certificates (PEM), and no others
    #[arg(long, value_name = "FILE")]
    pub(crate) authority: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Sign-ins that wait")]
    pub(crate) hold: Hold,
    /// Leave the accounts and the gateways that were made for it
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Sign-ins that wait, in place of sign-ins that end.
#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// Let this many sign-ins wait at once, read the server's memory, and then decide some of them
    #[arg(
        long,
        value_name = "N",
        conflicts_with_all = ["phones", "gateways", "concurrency", "rate", "logins", "seconds", "push", "redeem_waits", "radius"],
        value_parser = clap::value_parser!(u32).range(1..=100_000),
    )]
    pub(crate) hold: Option<u32>,
    /// With --hold: how many are decided, one after the other
    #[arg(long, value_name = "N", requires = "hold", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) sample: u32,
    /// With --hold: each waits at another server than its phone talks to
    #[arg(long, requires = "hold")]
    pub(crate) across: bool,
}
