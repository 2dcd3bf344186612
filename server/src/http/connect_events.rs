//! The connect page as it changes: server-sent events (WHATWG HTML, section 9.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use gatematch_domain::connect::Shown;
use gatematch_protocol::connect::SessionView;
use gatematch_protocol::id::ChallengeId;

use super::app::App;
use super::connect::Visitor;
use super::problem::Answer;
use super::waiting::LOOK_EVERY;
use crate::hub::{Topic, Waiter};

/// How often something is sent that is nothing, so that what stands between does not think that nobody is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A page that is watched.
struct Watch {
    app: App,
    visitor: Visitor,
    of_page: Waiter,
    of_login: Option<(ChallengeId, Waiter)>,
    last: Option<SessionView>,
    over: bool,
}

pub(super) async fn events(
    State(app): State<App>,
    visitor: Visitor,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let of_page = app.hub.subscribe(Topic::Page(visitor.page.session.id))?;
    let watch = Watch { app, visitor, of_page, of_login: None, last: None, over: false };
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
            self.of_login = Some((id, self.app.hub.subscribe(Topic::Challenge(id)).ok()?));
        }
        Some(())
    }

    async fn pause(&mut self) {
        let login = async {
            match &mut self.of_login {
                Some((_, waiter)) => waiter.woken().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.of_page.woken() => {}
            () = login => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = self.app.stopping.cancelled() => {}
        }
    }
}
