//! Codes in place of the phone, as gateways and connect pages bring them.

use std::net::IpAddr;

use axum::Json as Answered;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse as _, Response};
use gatematch_domain::account::Account;
use gatematch_domain::audit::Actor;
use gatematch_domain::challenge::State as Life;
use gatematch_domain::connect::{OnPage, Shown};
use gatematch_domain::passcode::{Passcode as Judged, StaleCode, Typed};
use gatematch_domain::username::Username;
use gatematch_protocol::challenge::{ChallengeView, Passcode};
use gatematch_protocol::problem::Code;

use super::app::{App, Inner};
use super::body::Json;
use super::challenge::view;
use super::connect::{Visitor, nothing_to_confirm};
use super::guard::Source;
use super::params::{Segment, TheGateway};
use super::problem::{Answer, Problem};
use super::strangers::{Kind, Patience};
use crate::pepper::{For, NoHash};
use crate::store::PagePasscode;

/// How often a code is hashed again because what it would open changed meanwhile.
pub(super) const MAX_HASHINGS: usize = 8;

pub(super) async fn at_gateway(
    State(app): State<App>,
    TheGateway(gateway): TheGateway,
    id: Segment,
    Json(body): Json<Passcode>,
) -> Answer<Answered<ChallengeView>> {
    let challenge = app.own(&gateway, &id).await?;
    let typed = Typed::new(&body.passcode);
    for _ in 0..MAX_HASHINGS {
        let user = match challenge.user {
            Some(user) => app.store.user(user).await?,
            None => None,
        };
        let account = match user {
            Some(user) => app.store.account(user.username).await?,
            None => None,
        };
        let passcode = app.hashed(&typed, account.as_ref(), For::Gateway).await?;
        let act = app.act(Actor::Gateway(gateway.id));
        let spent = app.store.spend_passcode(act, challenge.id, gateway.id, passcode).await?;
        // Where it must be hashed again, nothing was judged.
        if let Ok(outcome) = spent {
            let challenge = outcome?;
            if challenge.state != Life::Pending {
                app.metrics.step(&challenge);
            }
            return Ok(Answered(view(&challenge)));
        }
    }
    Err(keeps_changing())
}

/// Whoever has the page open has proven nothing. So a code is answered alike, and after the same work, whether or not
/// somebody has the name, and whether it was wrong or not looked at.
pub(super) async fn on_page(
    State(app): State<App>,
    Extension(Source(source)): Extension<Source>,
    visitor: Visitor,
    Json(body): Json<Passcode>,
) -> Answer<Response> {
    app.count_page_code(source).await?;
    // Whether a page takes a code now, it tells itself, whoever has its name: nothing slow is done before that.
    let (shown, _) = app.shown(&visitor.page).await?;
    if !matches!(shown, Shown::Armed | Shown::Number(_)) {
        return Err(nothing_to_confirm(shown.as_str()));
    }
    let typed = Typed::new(&body.passcode);
    // A name that nobody can have is kept in a form that no account has.
    let name = Username::from_stored(visitor.page.session.name.clone());
    for _ in 0..MAX_HASHINGS {
        // What a time-based code would open is looked at in the write alone.
        let account = match typed.to_hash() {
            Some(_) => app.store.account(name.clone()).await?,
            None => None,
        };
        let passcode = app.hashed(&typed, account.as_ref(), For::Page).await?;
        let token_digest = visitor.token_digest.clone();
        // Which rule the login will meet is known when it begins, and is asked again then.
        let (allowed, dormant_after) = (app.store.policy().await?.methods(), app.settings.dormant_after);
        let spend = PagePasscode { now: app.now(), token_digest, passcode, allowed, dormant_after };
        match app.store.passcode_on_page(spend).await? {
            Err(StaleCode) => {}
            Ok(OnPage::NotNow(shown)) => return Err(nothing_to_confirm(shown)),
            Ok(OnPage::Wrong) => {
                return Err(Problem::new(Code::WrongCode, "The code was not right, or nobody can use one now."));
            }
            Ok(OnPage::Right) => {
                let page = app.store.page(visitor.token_digest.clone(), app.now()).await?;
                let visitor = Visitor { page: page.ok_or_else(Problem::not_found)?, ..visitor };
                return Ok(Answered(app.shown(&visitor.page).await?.1).into_response());
            }
        }
    }
    Err(keeps_changing())
}

pub(super) fn keeps_changing() -> Problem {
    Problem::new(Code::Unavailable, "What the user signs in with keeps changing. Try again in a moment.")
}

impl Inner {
    /// A code with its hash, where `account` keeps codes like it. Where it keeps none, as much is done: how long it takes
    /// tells nobody what is kept.
    pub(super) async fn hashed(&self, typed: &Typed, account: Option<&Account>, whom: For) -> Answer<Judged> {
        let Some(code) = typed.to_hash() else { return Ok(typed.clone().ready(None)) };
        let peppers = self.keys.peppers();
        let kept = account.and_then(|account| typed.hashed_for(account));
        let Some((id, hashing)) = kept else {
            peppers.hash(vec![code.clone()], &peppers.nobodys(), whom).await?;
            return Ok(typed.clone().ready(None));
        };
        let hashes = peppers.hash(vec![code.clone()], hashing, whom).await?;
        Ok(typed.clone().ready(hashes.into_iter().next().map(|hash| (id, hash))))
    }

    /// Counts a code from a page, whatever becomes of it: each costs the server a hash.
    pub(super) async fn count_page_code(&self, source: IpAddr) -> Answer<()> {
        self.count_visitor(Kind::PageCode, source).await
    }

    /// Counts what somebody tries on a page who has proven nothing.
    pub(super) async fn count_visitor(&self, kind: Kind, source: IpAddr) -> Answer<()> {
        let (patience, ended) = self.strangers.count(kind, source, None, self.now());
        self.metrics.strangers.with_label_values(&[kind.as_str()]).inc();
        if let Some(event) = ended
            && let Err(error) = self.store.record_events(vec![event]).await
        {
            tracing::error!(%error, "what was tried on pages could not be recorded");
        }
        match patience {
            Patience::Left => Ok(()),
            Patience::Gone { seconds } => {
                let problem = Problem::new(Code::TooManyFailures, "Wait before you try again.");
                Err(problem.retry_after(seconds))
            }
        }
    }
}

impl From<NoHash> for Problem {
    fn from(error: NoHash) -> Self {
        match error {
            NoHash::Overloaded => Self::new(Code::Overloaded, "Try again in a moment.").because(error),
            NoHash::NoPepper | NoHash::Failed => Self::internal(error),
        }
    }
}
