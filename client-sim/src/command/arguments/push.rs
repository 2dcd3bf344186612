//! The command line of `gatematch-sim push`.

use std::net::SocketAddr;

use clap::{Args, Subcommand};
use gatematch_client_sim::push::service::WORDS;

#[derive(Debug, Subcommand)]
pub(crate) enum PushCommand {
    /// Be the push service for phones of this simulator, and tell what arrives
    #[command(after_help = help())]
    Serve(PushServe),
}

#[derive(Debug, Args)]
pub(crate) struct PushServe {
    /// Where to listen, on this machine only; port 0 for any
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9090", value_parser = loopback)]
    pub(crate) listen: SocketAddr,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "it looks like 127.0.0.1:9090".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("what is pushed can be read here, so it listens on this machine only: 127.0.0.1 or [::1]".to_owned())
}

fn help() -> String {
    let mut text = "\
The server pushes here only where its configuration says so; start it with:
  GATEMATCH_PUSH_ALLOWED_HOSTS=127.0.0.1:9090
Then let a phone be rung by it: gatematch-sim enroll LINK --push http://127.0.0.1:9090
                                gatematch-sim watch --push http://127.0.0.1:9090
Scripts: POST /subscriptions, GET /subscriptions/ID/messages?after=N&wait=SECONDS, PUT /misbehaviour {\"word\": WORD}

With --misbehave WORD, until it is told otherwise, it"
        .to_owned();
    for (word, what) in WORDS {
        text.push_str(&format!("\n  {word:<13} {what}"));
    }
    text
}
