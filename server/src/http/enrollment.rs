//! Enrollment: a link for a person, and a phone that uses it.

use axum::Json as Answered;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use gatematch_domain::audit::Actor;
use gatematch_domain::enrollment::{Enrollment, MAX_LIFE_SECONDS, RegisterRefusal, Registration};
use gatematch_domain::fault::seconds;
use gatematch_domain::role::Role;
use gatematch_domain::text::{outside, outside_if_given};
use gatematch_domain::user::{Status, User};
use gatematch_protocol::device::PushSubscription;
use gatematch_protocol::enrollment::{
    CreateEnrollment, DeviceRegistered, EnrollmentCreated, LINK_PATH, RegisterDevice,
};
use gatematch_protocol::id::{DeviceId, EnrollmentId};
use gatematch_protocol::jwk::{JwkFault, PublicKey};
use gatematch_protocol::problem::Code;
use gatematch_protocol::proof::Proof;
use gatematch_protocol::secret::{Secret, prefix};

use super::app::{App, Inner};
use super::body::Json;
use super::guard::{Source, read_proof, spend_proof};
use super::params::TheAdmin;
use super::problem::{Answer, Problem};
use super::strangers::Kind;
use crate::store;

pub(super) async fn create(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    Json(body): Json<CreateEnrollment>,
) -> Answer<(StatusCode, Answered<EnrollmentCreated>)> {
    let username = app.settings.domains.canonical(&body.user).map_err(|_| Problem::not_found())?;
    let account = app.store.account(username).await?.ok_or_else(Problem::not_found)?;
    app.may_manage(&admin, &account.user)?;
    let life = seconds("expires_in", body.expires_in, MAX_LIFE_SECONDS, 1..=MAX_LIFE_SECONDS)?;
    let by = (admin.role == Role::Admin, None);
    let created = app.new_enrollment(app.act_of(&admin), &account.user, life, by).await?;
    Ok((StatusCode::CREATED, Answered(created)))
}

pub(super) fn qr_svg(link: &str) -> Answer<Secret> {
    let code = qrcode::QrCode::new(link).map_err(Problem::internal)?;
    Ok(Secret::new(code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(240, 240).build()))
}

/// The contract has an order of its own here: the key's form, the proof, the token, the key's owner, the rest.
pub(super) async fn register(
    State(app): State<App>,
    request: Request,
) -> Answer<(StatusCode, Answered<DeviceRegistered>)> {
    let (method, path, headers) =
        (request.method().clone(), request.uri().path().to_owned(), request.headers().clone());
    let source = request.extensions().get::<Source>().copied();
    let Json(body) = Json::<RegisterDevice>::from_request(request, &()).await?;
    let key = PublicKey::from_value(&body.public_key).map_err(|fault| match fault {
        JwkFault::Members => Problem::new(Code::MalformedBody, format!("public_key: {fault}.")),
        JwkFault::Coordinates => Problem::new(Code::InvalidKey, format!("public_key: {fault}.")),
    })?;
    let proof = read_proof(&app, &method, &path, &headers)?;
    if proof.key != key {
        return Err(Problem::new(Code::CredentialInvalid, "The proof was made with another key than public_key."));
    }
    let digest = body.enrollment_token.digest();
    let enrollment = app.store.enrollment(digest.clone()).await?;
    app.spend_new_phones_proof(&proof, enrollment.is_some(), source).await?;
    let user = app.open_enrollment(enrollment, source).await?;
    let refused = |refusal| app.known_refusal(refusal, source).about(Some(user.username.to_string()));
    if app.store.device_by_key(key.thumbprint()).await?.is_some() {
        return Err(refused(RegisterRefusal::KeyTaken));
    }
    let account = app.store.account(user.username.clone()).await?;
    if account.is_some_and(|account| account.devices.len() >= app.settings.max_devices) {
        return Err(refused(RegisterRefusal::TooMany));
    }
    let phone = app.registration(&body, key)?;
    let code = phone.code.clone();
    let registration = store::RegisterDevice { now: app.now(), token_digest: digest, phone };
    let device = app.store.register_device(registration).await?;
    let device = device.map_err(refused)?;
    let registered = DeviceRegistered {
        device_id: device.id,
        user: user.username.to_string(),
        issuer: app.issuer.clone(),
        status: device.status.as_str().to_owned(),
        server_keys: app.keys.published().clone(),
        code,
    };
    Ok((StatusCode::CREATED, Answered(registered)))
}

impl Inner {
    /// A new enrollment of `user`, made by an `admin` or not, or by one of his own phones.
    pub(super) async fn new_enrollment(
        &self,
        act: store::Act,
        user: &User,
        life: i64,
        (by_admin, by_device): (bool, Option<DeviceId>),
    ) -> Answer<EnrollmentCreated> {
        let token = Secret::from_random(prefix::ENROLLMENT, &self.edge.random()?);
        let id = EnrollmentId::new(self.now(), self.edge.random()?);
        let mut enrollment = store::enrollment(id, user.id, token.digest(), self.now(), life);
        (enrollment.by_admin, enrollment.by_device) = (by_admin, by_device);
        let expires_at = enrollment.expires_at;
        let link = Secret::new(format!("{}{LINK_PATH}{}", self.issuer, token.reveal()));
        let qr_svg = qr_svg(link.reveal())?;
        self.store.create_enrollment(act, enrollment).await??;
        Ok(EnrollmentCreated { id, user: user.username.to_string(), token, link, qr_svg, expires_at })
    }

    /// The user whose enrollment is open. An unknown token counts against its sender; one that is used, expired or
    /// a disabled user's does not, and is remembered with its user.
    async fn open_enrollment(&self, enrollment: Option<Enrollment>, source: Option<Source>) -> Answer<User> {
        let Some(enrollment) = enrollment else {
            return Err(Problem::from(RegisterRefusal::Gone).because("unknown token"));
        };
        let user = self.store.user(enrollment.user).await?;
        let name = user.as_ref().map(|user| user.username.to_string());
        let cause = match user {
            _ if enrollment.used_at.is_some() => "used token",
            _ if !enrollment.is_open(self.now()) => "expired token",
            Some(user) if user.status == Status::Active => return Ok(user),
            _ => "token of a disabled user",
        };
        Err(self.known_refusal(RegisterRefusal::Gone, source).because(cause).about(name))
    }

    /// Spends the proof of a phone that nobody knows yet. Whoever has guessed too many tokens makes no durable write
    /// any more: he will be told to wait, whatever he proves.
    async fn spend_new_phones_proof(&self, proof: &Proof, token_is_known: bool, source: Option<Source>) -> Answer<()> {
        let guesses = |Source(source)| self.strangers.is_out_of_patience(Kind::Enrollment, source, self.now());
        if !token_is_known && source.is_some_and(guesses) {
            return Ok(());
        }
        spend_proof(self, proof).await
    }

    /// A refusal of somebody whose token is known, so that it does not count as guessing.
    fn known_refusal(&self, refusal: RegisterRefusal, source: Option<Source>) -> Problem {
        Problem::from(refusal).by(source.map_or(Actor::System, |Source(address)| Actor::Address(address)))
    }

    fn registration(&self, body: &RegisterDevice, key: PublicKey) -> Answer<Registration> {
        let code = match self.settings.require_device_confirmation {
            false => None,
            true => {
                let draw = u64::from_be_bytes(self.edge.random()?);
                Some(gatematch_domain::number::Number::draw(6, &[], draw).reveal().to_owned())
            }
        };
        Ok(Registration {
            id: DeviceId::new(self.now(), self.edge.random()?),
            key,
            name: outside("name", &body.name)?,
            platform: outside_if_given("platform", body.platform.as_deref())?,
            push: body.push.clone().map(|push| self.checked_push(push)).transpose()?,
            code,
            max_devices: self.settings.max_devices,
            protected_groups: self.settings.protected_groups.clone(),
        })
    }

    /// A push subscription that may be called.
    ///
    /// # Errors
    /// 422 `invalid-push-subscription`.
    pub(super) fn checked_push(&self, push: PushSubscription) -> Answer<PushSubscription> {
        let checked = self.settings.push_hosts.check(&push);
        checked.map_err(|fault| Problem::new(Code::InvalidPushSubscription, format!("push: {fault}.")))?;
        Ok(push)
    }
}
