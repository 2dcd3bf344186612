//! Who calls, and whether he may: in front of every handler, by the route's own entry in the table.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use gatematch_domain::audit::{Actor, Event, Outcome};
use gatematch_domain::device::Device;
use gatematch_domain::gateway::Gateway;
use gatematch_domain::role::{AdminKey, Role};
use gatematch_domain::text::disarm;
use gatematch_domain::user::User;
use gatematch_protocol::problem::Code;
use gatematch_protocol::proof::{self, Proof, ProofFault, Target};
use gatematch_protocol::secret::{prefix, sha256};

use super::app::{App, Inner, SpentHere};
use super::problem::{Answer, Problem, Refused};
use super::strangers::{Kind, Patience};
use crate::crypto::AwsLc;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anybody.
    Public,
    /// A gateway.
    Gateway,
    /// A registered phone.
    Phone,
    /// An administrator with one of these roles.
    Admin(&'static [Role]),
    /// An administrator with one of these roles, or a registered phone.
    AdminOrPhone(&'static [Role]),
    /// A gateway, or an administrator with one of these roles.
    GatewayOrAdmin(&'static [Role]),
    /// A phone that is not registered yet: the handler checks its proof against the key in the body.
    NewPhone,
    /// A browser with the connect page: the handler looks at its cookie, which proves nothing but that it is the same.
    Browser,
    /// A phone whose signature in the body is the credential: the handler checks it.
    Signer,
}

impl Who {
    /// The words in `openapi.yaml`.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        let roles = |roles: &[Role]| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>();
        match self {
            Self::Public => vec!["public"],
            Self::Browser => vec!["browser"],
            Self::Gateway => vec!["gateway"],
            Self::Phone | Self::NewPhone | Self::Signer => vec!["phone"],
            Self::Admin(allowed) => roles(allowed),
            Self::AdminOrPhone(allowed) => [roles(allowed), vec!["phone"]].concat(),
            Self::GatewayOrAdmin(allowed) => [vec!["gateway"], roles(allowed)].concat(),
        }
    }

    /// Whether the handler itself finds out who calls, or nobody needs to.
    const fn is_open(self) -> bool {
        matches!(self, Self::Public | Self::Browser | Self::NewPhone | Self::Signer)
    }

    fn admits(self, caller: &Caller) -> Answer<()> {
        let wrong_party =
            || Problem::new(Code::WrongParty, "This credential is valid, but this operation is for another party.");
        match (self, caller) {
            (Self::Gateway | Self::GatewayOrAdmin(_), Caller::Gateway(_)) => Ok(()),
            (Self::Phone | Self::AdminOrPhone(_), Caller::Phone(_)) => Ok(()),
            (Self::Admin(roles) | Self::AdminOrPhone(roles) | Self::GatewayOrAdmin(roles), Caller::Admin(key)) => {
                if roles.contains(&key.role) {
                    return Ok(());
                }
                Err(Problem::new(
                    Code::RoleNotAllowed,
                    format!("The role {} does not allow this operation.", key.role.as_str()),
                ))
            }
            (Self::Public | Self::Browser | Self::Signer, _) | (Self::NewPhone, Caller::Nobody) => Ok(()),
            _ => Err(wrong_party()),
        }
    }

    /// What a failed credential counts as where the handler finds it out.
    const fn kind(self) -> Kind {
        match self {
            Self::Signer => Kind::Response,
            Self::Browser => Kind::Session,
            Self::NewPhone | Self::Phone | Self::AdminOrPhone(_) => Kind::Proof,
            _ => Kind::Key,
        }
    }
}

/// A registered phone that calls.
#[derive(Clone, Debug)]
pub struct PhoneCaller {
    /// The phone.
    pub device: Device,
    /// Whose it is.
    pub user: User,
}

/// Who calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody that is known (yet).
    Nobody,
    /// A gateway.
    Gateway(Box<Gateway>),
    /// An administrator.
    Admin(Box<AdminKey>),
    /// A phone.
    Phone(Box<PhoneCaller>),
}

impl Caller {
    /// As the audit log names him.
    #[must_use]
    pub fn actor(&self) -> Option<Actor> {
        match self {
            Self::Nobody => None,
            Self::Gateway(gateway) => Some(Actor::Gateway(gateway.id)),
            Self::Admin(key) => Some(Actor::Admin { id: key.id, name: key.name.clone() }),
            Self::Phone(phone) => Some(Actor::Device(phone.device.id)),
        }
    }
}

/// The address that a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Source(pub IpAddr);

/// What the guard of one route knows.
#[derive(Clone)]
pub struct Guard {
    /// The server.
    pub app: App,
    /// Who may call.
    pub who: Who,
    /// The path of the route, as it stands in the table.
    pub route: &'static str,
}

/// Lets a request through to its handler, or refuses it; remembers refusals.
pub async fn guard(
    State(guard): State<Guard>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let source = source_of(peer.ip(), request.headers(), &guard.app.settings.trusted_proxies);
    let asked = Asked { method: request.method().clone(), path: request.uri().path().to_owned() };
    let mut caller = Caller::Nobody;
    if guard.who == Who::NewPhone {
        caller = misplaced_key(&guard.app, request.headers()).await;
    } else if !guard.who.is_open() {
        caller = match identify(&guard, &asked, request.headers()).await {
            Ok(caller) => caller,
            Err((kind, problem)) => return guard.refuse_stranger(kind, source, None, problem.into_response()).await,
        };
    }
    let response = match guard.who.admits(&caller) {
        Err(problem) => problem.into_response(),
        Ok(()) => {
            request.extensions_mut().insert(caller.clone());
            request.extensions_mut().insert(Source(source));
            next.run(request).await
        }
    };
    guard.remember_refusal(&asked, &caller, source, response).await
}

/// The address that a request comes from: the peer's, or, behind proxies that are named in the settings, the last
/// one in `X-Forwarded-For` that is not such a proxy. What stands before it, anybody may have written.
pub(super) fn source_of(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    let mut source = peer.to_canonical();
    let mut hops = headers.get_all("x-forwarded-for").iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    while proxies.contains(&source) {
        let hop = hops.next_back().and_then(|hop| std::str::from_utf8(hop).ok());
        let Some(hop) = hop.and_then(|hop| address(hop.trim())) else { break };
        source = hop.to_canonical();
    }
    source
}

/// An address, as proxies write it: some add a port, and brackets around IPv6.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// What was asked for, for the audit log.
struct Asked {
    method: Method,
    path: String,
}

impl Guard {
    async fn remember_refusal(&self, asked: &Asked, caller: &Caller, source: IpAddr, response: Response) -> Response {
        let Some(refused) = response.extensions().get::<Refused>().cloned() else { return response };
        let status = response.status();
        if !status.is_client_error() {
            return response;
        }
        let actor = refused.actor.or_else(|| caller.actor());
        if refused.code == Code::EnrollmentGone {
            // Whoever has a token that is no good any more has proven nothing, but does not guess either.
            let kind = if actor.is_some() { Kind::SpentEnrollment } else { Kind::Enrollment };
            return self.refuse_stranger(kind, source, refused.user, response).await;
        }
        let Some(actor) = actor else {
            // A browser that has no cookie (yet) does not guess.
            let has_none = self.who == Who::Browser && refused.code == Code::CredentialMissing;
            if status.as_u16() != 401 || has_none {
                return response;
            }
            return self.refuse_stranger(self.who.kind(), source, None, response).await;
        };
        let mut event =
            Event::new("request.refused", actor, self.app.now()).ended(Outcome::Refused, refused.code.as_str());
        event.user = refused.user;
        match &event.actor {
            Actor::Device(id) => event.device = Some(*id),
            Actor::Gateway(id) => event.gateway = Some(*id),
            _ => {}
        }
        if let Caller::Phone(phone) = caller {
            event = event.user(&phone.user.username).device(phone.device.id);
        }
        if let Some(cause) = refused.cause {
            event = event.with("cause", cause);
        }
        let path: String = disarm(&asked.path).chars().take(200).collect();
        let event = event.with("method", asked.method.as_str()).with("route", self.route).with("path", path);
        self.record(vec![event.with("status", status.as_u16())]).await;
        response
    }

    async fn refuse_stranger(&self, kind: Kind, source: IpAddr, user: Option<String>, response: Response) -> Response {
        // A server that cannot tell is not a wrong credential.
        if response.status().is_server_error() {
            return response;
        }
        let (patience, ended) = self.app.strangers.count(kind, source, user, self.app.now());
        self.app.metrics.strangers.with_label_values(&[kind.as_str()]).inc();
        if let Some(event) = ended {
            self.record(vec![event]).await;
        }
        // A stale proof was signed by its key: a phone whose clock is off must hear the server's time.
        let is_stale = response.extensions().get::<Refused>().is_some_and(|refused| refused.code == Code::StaleProof);
        match patience {
            _ if is_stale => response,
            Patience::Left => response,
            Patience::Gone { seconds } => {
                let problem = Problem::new(
                    Code::TooManyFailures,
                    "Wait before you try again. A valid credential is still served.",
                );
                problem.retry_after(seconds).into_response()
            }
        }
    }

    // A refusal stays one even where it cannot be remembered.
    async fn record(&self, events: Vec<Event>) {
        if let Err(error) = self.app.store.record_events(events).await {
            tracing::error!(%error, "a refusal could not be recorded");
        }
    }
}

async fn identify(guard: &Guard, asked: &Asked, headers: &HeaderMap) -> Result<Caller, (Kind, Problem)> {
    let takes_phones = matches!(guard.who, Who::Phone | Who::AdminOrPhone(_));
    let has_key = headers.contains_key(header::AUTHORIZATION);
    let has_proof = headers.contains_key("dpop");
    match (has_key, has_proof) {
        (false, false) => {
            let detail = "Send a key as Authorization: Bearer, or a proof as DPoP.";
            Err((guard.who.kind(), Problem::new(Code::CredentialMissing, detail)))
        }
        (_, true) if takes_phones || !has_key => {
            phone(&guard.app, asked, headers).await.map_err(|problem| (Kind::Proof, problem))
        }
        _ => key(&guard.app, headers).await.map_err(|problem| (Kind::Key, problem)),
    }
}

/// Whose key was sent in place of a new phone's proof. A key that is none is nobody's, and the proof is missing.
async fn misplaced_key(app: &App, headers: &HeaderMap) -> Caller {
    if headers.contains_key("dpop") || !headers.contains_key(header::AUTHORIZATION) {
        return Caller::Nobody;
    }
    key(app, headers).await.unwrap_or(Caller::Nobody)
}

/// 401: the credential does not hold (any more).
pub(super) fn invalid(cause: impl std::fmt::Display) -> Problem {
    Problem::new(Code::CredentialInvalid, "The credential is unknown, malformed, expired or withdrawn.").because(cause)
}

async fn key(app: &App, headers: &HeaderMap) -> Answer<Caller> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (given.next(), given.next()) else { return Err(invalid("more than one Authorization")) };
    let text = only.to_str().map_err(|_| invalid("not ASCII"))?;
    let (scheme, key) = text.split_once(' ').ok_or_else(|| invalid("no scheme"))?;
    // RFC 9110, section 11.1: the scheme is compared without case.
    if !scheme.eq_ignore_ascii_case("bearer") || key.len() > 128 {
        return Err(invalid("not a Bearer key"));
    }
    let caller = if key.starts_with(prefix::GATEWAY) {
        app.store.gateway_by_key(sha256(key)).await?.map(|gateway| Caller::Gateway(Box::new(gateway)))
    } else if key.starts_with(prefix::ADMIN) {
        app.store.admin_by_key(sha256(key)).await?.map(|admin| Caller::Admin(Box::new(admin)))
    } else {
        None
    };
    caller.ok_or_else(|| invalid("unknown key"))
}

async fn phone(app: &App, asked: &Asked, headers: &HeaderMap) -> Answer<Caller> {
    let proof = read_proof(app, &asked.method, &asked.path, headers)?;
    let thumbprint = proof.key.thumbprint();
    let found = app.store.device_by_key(thumbprint.clone()).await?;
    let (device, user) = found.ok_or_else(|| invalid("no phone has this key"))?;
    let reads = asked.method == Method::GET || asked.method == Method::HEAD;
    // A jti is good for one request, whatever its method.
    match app.proofs.spend(&thumbprint, &proof.jti, app.now()) {
        SpentHere::Fresh => {}
        SpentHere::Replayed => return Err(replayed()),
        SpentHere::Full if reads => return Err(Problem::new(Code::Overloaded, "Try again in a minute.")),
        SpentHere::Full => {}
    }
    if !reads {
        spend_proof(app, &proof).await?;
    }
    Ok(Caller::Phone(Box::new(PhoneCaller { device, user })))
}

/// 401: the proof was used before.
pub(super) fn replayed() -> Problem {
    Problem::new(Code::ProofReplayed, "Make a new proof, with a jti of its own, for each request.")
}

/// Checks the one proof in `headers` for this request; whose it is and whether it was used is asked elsewhere.
///
/// # Errors
/// 401: `credential-missing`, `credential-invalid`, or `stale-proof` with the server's time.
pub fn read_proof(app: &App, method: &Method, path: &str, headers: &HeaderMap) -> Answer<Proof> {
    let mut given = headers.get_all("dpop").iter();
    let Some(first) = given.next() else {
        return Err(Problem::new(Code::CredentialMissing, "Send a proof of the phone's key as DPoP."));
    };
    let text = first.to_str().map_err(|_| invalid("not ASCII"))?;
    if given.next().is_some() || text.len() > 4_096 {
        return Err(invalid("more than one DPoP, or a very long one"));
    }
    let now = app.now();
    let target = Target { method: method.as_str(), issuer: &app.issuer, path, now: now.numeric_date() };
    proof::check(text, target, &AwsLc).map_err(|fault| match fault {
        ProofFault::Stale => {
            let detail =
                "The proof's iat is more than 60 seconds from the server's clock. Keep the offset to server_time.";
            Problem::new(Code::StaleProof, detail).with("server_time", now.to_string())
        }
        fault => invalid(fault),
    })
}

/// Spends a proof across nodes and restarts.
///
/// # Errors
/// 401 `proof-replayed`; 503 when the store does not answer.
pub(super) async fn spend_proof(app: &Inner, proof: &Proof) -> Answer<()> {
    let fresh = app.store.spend_proof(app.now(), proof.key.thumbprint(), proof.jti.clone()).await?;
    if fresh { Ok(()) } else { Err(replayed()) }
}
