//! The connect page as it changes: server-sent events (WHATWG HTML, section 9.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use gatematch_domain::connect::Shown;
use gatematch_protocol::connect::SessionView;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;

use super::app::{App, HeldStream};
use super::connect::Visitor;
use super::guard::Source;
use super::problem::{Answer, Problem};
use super::strangers::block;
use crate::hub::{Pool, Topic, Waiter};

/// How often something is sent that is nothing, so that what stands between does not think that nobody is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The safety net: how often a page is looked at without being rung for, and how often it is kept armed.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A page that is watched.
struct Watch {
    app: App,
    visitor: Visitor,
    of_page: Waiter,
    of_login: Option<(ChallengeId, Waiter)>,
    last: Option<SessionView>,
    over: bool,
    _held: HeldStream,
}

pub(super) async fn events(
    State(app): State<App>,
    Extension(Source(source)): Extension<Source>,
    visitor: Visitor,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let id = visitor.page.session.id;
    let too_many = || Problem::new(Code::Overloaded, "Too many pages are watched. Ask for the page again and again.");
    let held = app.streams.hold(id, block(source)).ok_or_else(too_many)?;
    let of_page = app.hub.subscribe_in(Pool::Pages, Topic::Page(id))?;
    let watch = Watch { app, visitor, of_page, of_login: None, last: None, over: false, _held: held };
    let views = unfold(watch, |mut watch| async move {
        let view = watch.next().await?;
        let event = Event::default().json_data(&view).ok()?;
        Some((Ok(event), watch))
    });
    Ok(Sse::new(views).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

impl Watch {
    /// The next view that differs from the last one; `None` when nothing more can come, or cannot be told: the page
    /// asks again then.
    async fn next(&mut self) -> Option<SessionView> {
        while !self.over {
            if self.last.is_some() {
                self.pause().await;
            }
            if self.app.stopping.is_cancelled() {
                return None;
            }
            // Whoever waits listens first and reads then.
            let page = self.app.store.page(self.visitor.token_digest.clone(), self.app.now()).await.ok()??;
            self.visitor.page = page;
            self.listen_to_login()?;
            self.app.sign_of_life(&self.visitor).await.ok()?;
            let (shown, view) = self.app.shown(&self.visitor.page).await.ok()?;
            self.over = matches!(shown, Shown::Approved | Shown::Refused | Shown::Collision | Shown::Expired);
            if self.last.as_ref() != Some(&view) {
                self.last = Some(view.clone());
                return Some(view);
            }
        }
        None
    }

    fn listen_to_login(&mut self) -> Option<()> {
        let served = self.visitor.page.session.challenge();
        if let Some(id) = served
            && self.of_login.as_ref().is_none_or(|(known, _)| *known != id)
        {
            self.of_login = Some((id, self.app.hub.subscribe_in(Pool::Pages, Topic::Challenge(id)).ok()?));
        }
        Some(())
    }

    async fn pause(&mut self) {
        // A session that serves a login is not kept armed: its end may be past while that goes on.
        let end = Some(self.visitor.page.session.expires_at).filter(|end| self.app.now() < *end);
        let runs_out = async {
            match end {
                Some(end) => self.app.edge.clock.sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        let login = async {
            match &mut self.of_login {
                Some((_, waiter)) => drop(waiter.woken().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.of_page.woken() => {}
            () = login => {}
            () = runs_out => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = self.app.stopping.cancelled() => {}
        }
    }
}
