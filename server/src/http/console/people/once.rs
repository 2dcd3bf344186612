//! What is shown once: links, a pass, codes, a secret. Each page is the answer to the form that made it, and stands at no
//! address: whoever goes back to it makes another one.

use askama::Template;
use axum::extract::{Extension, State};
use axum::response::Response;
use gatematch_domain::account::Account;
use gatematch_domain::enrollment::MAX_LIFE_SECONDS;
use gatematch_domain::factor::Kind;
use gatematch_domain::role::Role;
use gatematch_domain::visit::{INVITATION_SECONDS, Invitation, Place};
use gatematch_protocol::authenticator::{AccessPassCreated, RecoveryCodesCreated, TotpCreated};
use gatematch_protocol::enrollment::EnrollmentCreated;
use gatematch_protocol::id::InvitationId;
use gatematch_protocol::secret::{Secret, prefix};

use super::scene::{Scene, Whose};
use super::shown::{At, picture};
use crate::http::app::{App, Inner};
use crate::http::enrollment::qr_svg;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Shell, TheOperator, page};
use crate::spelling::{apart, in_fours, spelled};
use crate::words::people::acts::Acts;
use crate::words::people::once::Once;
use crate::words::{Language, with};

/// A link by which a phone is enrolled.
#[derive(Template)]
#[template(path = "console/people/enroll.html")]
pub(super) struct Enroll {
    pub(super) shell: Shell,
    pub(super) words: &'static Once,
    pub(super) lead: String,
    pub(super) shut: String,
    pub(super) qr: Secret,
    pub(super) link: Secret,
    pub(super) until: At,
    /// What the operator does when his own phone is ready; empty where it is somebody else's.
    pub(super) then: &'static str,
    pub(super) back: String,
    pub(super) back_label: String,
}

#[derive(Template)]
#[template(path = "console/people/invitation.html")]
struct Invited {
    shell: Shell,
    words: &'static Once,
    name: String,
    shut: String,
    qr: Secret,
    link: Secret,
    until: At,
    back: String,
}

#[derive(Template)]
#[template(path = "console/people/pass.html")]
struct Pass {
    shell: Shell,
    words: &'static Once,
    name: String,
    shut: String,
    apart: Secret,
    spelled: Secret,
    until: At,
    often: String,
    back: String,
}

#[derive(Template)]
#[template(path = "console/people/codes.html")]
struct Codes {
    shell: Shell,
    words: &'static Once,
    name: String,
    shut: String,
    codes: Vec<Secret>,
    made: At,
    voids: bool,
    back: String,
}

#[derive(Template)]
#[template(path = "console/people/app.html")]
struct NewApp {
    shell: Shell,
    words: &'static Once,
    acts: &'static Acts,
    name: String,
    shut: String,
    qr: Secret,
    secret: Secret,
    link: Secret,
    confirm: String,
    back: String,
}

impl Inner {
    /// Whether another phone of his would be taken.
    pub(super) fn has_room(&self, account: &Account) -> bool {
        account.devices.len() < self.settings.max_devices
    }
}

/// A link for a phone of somebody else.
pub(super) async fn enroll(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    who: TheOperator,
    whose: Whose,
) -> Answer<Response> {
    let scene = Scene::managing(&app, language, who, &whose).await?;
    let by = (scene.admin.role == Role::Admin, None);
    let created = app.new_enrollment(scene.act(), &scene.account.user, MAX_LIFE_SECONDS, by).await?;
    let (words, name) = (scene.once(), scene.name());
    page(&Enroll {
        shell: scene.shell(with(words.enroll, &[&name])),
        words,
        lead: with(words.enroll_lead, &[&name]),
        shut: if app.has_room(&scene.account) { scene.shut() } else { scene.acts().fault_many.to_owned() },
        qr: picture(&created.qr_svg),
        until: created.expires_at.into(),
        link: created.link,
        then: "",
        back: scene.page(),
        back_label: with(words.done, &[&name]),
    })
}

/// The page with the link for the operator's own phone.
pub(super) fn own(shell: Shell, language: Language, created: EnrollmentCreated, has_room: bool) -> Answer<Response> {
    let words = Once::of(language);
    let full = Acts::of(language).fault_many;
    page(&Enroll {
        shell,
        words,
        lead: words.enroll_lead_me.to_owned(),
        shut: if has_room { String::new() } else { full.to_owned() },
        qr: picture(&created.qr_svg),
        until: created.expires_at.into(),
        link: created.link,
        then: words.enroll_me_then,
        back: "/console/me".to_owned(),
        back_label: words.done_me.to_owned(),
    })
}

/// A link that lets somebody into the portal.
pub(super) async fn invite(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    who: TheOperator,
    whose: Whose,
) -> Answer<Response> {
    let scene = Scene::managing(&app, language, who, &whose).await?;
    let act = scene.act();
    let token = Secret::from_random(prefix::INVITATION, &app.edge.random()?);
    let invitation = Invitation {
        id: InvitationId::new(act.now, app.edge.random()?),
        user: scene.account.user.id,
        place: Place::Portal,
        token_digest: token.digest(),
        by_admin: scene.admin.role == Role::Admin,
        created_at: act.now,
        expires_at: act.now.plus_seconds(INVITATION_SECONDS),
    };
    let until = At::from(invitation.expires_at);
    let link = Secret::new(format!("{}/portal/invitation#{}", app.issuer, token.reveal()));
    // Before anything is kept: a picture that cannot be drawn is told.
    let qr = picture(&qr_svg(link.reveal())?);
    if !app.store.invite(act, invitation).await? {
        return Err(Problem::not_found());
    }
    let (words, name) = (scene.once(), scene.name());
    page(&Invited {
        shell: scene.shell(with(words.invited, &[&name])),
        words,
        shut: scene.shut(),
        qr,
        link,
        until,
        back: scene.page(),
        name,
    })
}

/// The page with a new pass.
pub(super) fn pass(scene: &Scene, created: &AccessPassCreated, uses: u32) -> Answer<Response> {
    let (words, name) = (scene.once(), scene.name());
    let often = if uses == 1 { words.pass_once.to_owned() } else { with(words.pass_times, &[&uses.to_string()]) };
    page(&Pass {
        shell: scene.shell(with(words.pass, &[&name])),
        words,
        shut: scene.shut(),
        apart: apart(&created.pass),
        spelled: spelled(&created.pass),
        until: created.expires_at.into(),
        often,
        back: scene.page(),
        name,
    })
}

/// The page with new recovery codes.
pub(super) fn codes(scene: &Scene, created: &RecoveryCodesCreated) -> Answer<Response> {
    let (words, name) = (scene.once(), scene.name());
    page(&Codes {
        shell: scene.shell(with(words.codes, &[&name])),
        words,
        shut: scene.shut(),
        codes: created.codes.clone(),
        made: scene.app.now().into(),
        voids: scene.account.factors.iter().any(|factor| matches!(factor.kind, Kind::RecoveryCodes(_))),
        back: scene.page(),
        name,
    })
}

/// The page with the secret of a new app.
pub(super) fn app(scene: &Scene, created: &TotpCreated) -> Answer<Response> {
    let (words, name) = (scene.once(), scene.name());
    page(&NewApp {
        shell: scene.shell(with(words.app, &[&name])),
        words,
        acts: scene.acts(),
        shut: scene.shut(),
        qr: picture(&created.qr_svg),
        secret: in_fours(&created.secret),
        link: created.otpauth_uri.clone(),
        confirm: format!("{}/apps/{}", scene.page(), created.id),
        back: scene.page(),
        name,
    })
}
