//! Whether the phone has decided: for the script of a page that shows a number.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use gatematch_domain::challenge::State as Life;
use gatematch_domain::login::DEFAULT_LIFE_SECONDS;
use gatematch_domain::visit::{Place, Stage, Visit};
use gatematch_protocol::id::SessionId;
use gatematch_protocol::problem::Code;
use serde_json::{Value, json};

use super::cookie::Cookie;
use crate::http::app::App;
use crate::http::params::Query;
use crate::http::problem::{Answer, Problem};
use crate::http::strangers::block;
use crate::http::waiting;
use crate::hub::{Pool, Topic};

/// `{"state": "waiting" | "decided" | "over"}`; `?wait=` seconds, as everywhere. What a phone has said is not told: that is
/// for the write that lets in.
pub(super) async fn waiting(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    headers: HeaderMap,
    query: Query,
) -> Answer<Json<Value>> {
    let wait = query.wait()?.min(25);
    let cookie = if query.text("for") == Some("proof") { Cookie::Visit(place) } else { Cookie::Knock(place) };
    let visit = match cookie.digest_of(&headers) {
        Some(digest) => app.store.visit(digest).await?.filter(|visit| visit.place == place),
        None => None,
    };
    let state = match visit {
        None => "over",
        Some(visit) => {
            let held = app.streams.hold(SessionId::from(visit.id), block(visit.address));
            let _held = held.ok_or_else(|| Problem::new(Code::Overloaded, "Too many wait. Ask again in a moment."))?;
            state(&app, &visit, wait).await?
        }
    };
    Ok(Json(json!({"state": state})))
}

/// Whether nobody was asked, or somebody has refused: a stranger sees the time run out, as if nobody had heard him. So all
/// knocks end at one time, and only an approval is told before.
async fn state(app: &App, visit: &Visit, wait: i64) -> Answer<&'static str> {
    let begun = match (visit.stage, visit.challenge) {
        (Stage::Knocking, _) => visit.created_at,
        (Stage::Inside { .. }, None) => return Ok("over"),
        (Stage::Inside { .. }, Some(id)) => waiting::current(app, id).await?.created_at,
    };
    let over = begun.plus_seconds(DEFAULT_LIFE_SECONDS);
    let end = over.min(app.now().plus_seconds(wait));
    // Where there is no place to wait, he looks once more at the end.
    let topic = visit.challenge.map(Topic::Challenge);
    let mut waiter = topic.and_then(|topic| app.hub.subscribe_in(Pool::Pages, topic).ok());
    loop {
        if let Some(id) = visit.challenge {
            let is_approved = matches!(waiting::current(app, id).await?.state, Life::Approved { .. });
            if is_approved {
                return Ok("decided");
            }
        }
        if app.now() >= end || app.stopping.is_cancelled() {
            return Ok(if app.now() < over { "waiting" } else { "over" });
        }
        let woken = async {
            match &mut waiter {
                Some(waiter) => drop(waiter.woken().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = woken => {}
            () = app.edge.clock.sleep_until(end) => {}
            () = app.stopping.cancelled() => {}
        }
    }
}
