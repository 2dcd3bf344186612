//! What a challenge is asked for with.

use super::server::{Says, Server};
use super::*;

/// What was asked for, by a login with the same in its password field.
async fn body(lines: &str, more: &str) -> serde_json::Value {
    let server = Server::start(Says { method: "totp", ..Says::default() }).await;
    let front = front(&server, lines, more).await;
    let nas = Nas::of(&front).await;
    nas.send(login_with(b"123456", 1)).await;
    nas.reply(1).await;
    server.bodies().remove(0)
}

#[tokio::test]
async fn a_factor_is_required_where_nobody_has_checked_a_password_and_only_there() {
    let upstream = passcode::Upstream::start().await;
    let more =
        format!("[[upstream]]\nname = \"u\"\naddress = \"{}\"\nsecret = \"{UPSTREAM_SECRET}\"\n", upstream.address);
    for style in ["hold", "challenge", "passcode"] {
        for (factor, more) in [("none", ""), ("gateway", ""), ("radius", more.as_str())] {
            let body = body(&format!("style = \"{style}\"\nfirst_factor = \"{factor}\""), more).await;
            let required = (factor == "none").then_some(&serde_json::Value::Bool(true));
            assert_eq!(body.get("factor_required"), required, "{style} {factor}: {body}");
        }
    }
}

#[tokio::test]
async fn a_challenge_lives_as_long_as_its_client_waits_but_for_the_style_of_that_name() {
    for (lines, life) in [
        ("style = \"hold\"", 10),
        ("style = \"passcode\"", 10),
        ("style = \"challenge\"", 120),
        ("style = \"challenge\"\nchallenge_life = 600", 600),
    ] {
        assert_eq!(body(lines, "").await["expires_in"], life, "{lines}");
    }
}
