//! From refusals to problem documents (RFC 9457): the one place where the two meet.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatematch_domain::audit::Actor;
use gatematch_domain::device::ConfirmRefusal;
use gatematch_domain::enrollment::RegisterRefusal;
use gatematch_domain::factors::FactorRefusal;
use gatematch_domain::fault::Fault;
use gatematch_domain::redemption::RedeemRefusal;
use gatematch_domain::response::ResponseRefusal;
use gatematch_domain::text::disarm;
use gatematch_protocol::json::NotStrictJson;
use gatematch_protocol::jws::SigningFailed;
use gatematch_protocol::problem::{Code, MEDIA_TYPE, ProblemDocument};
use serde_json::Value;

use crate::edge::NoEntropy;
use crate::factors::NotMade;
use crate::hub::TooManyWaiters;
use crate::store::StoreError;

/// How long a client should wait before it tries again what was refused for load, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// A refusal on its way to the caller. Boxed, so that answers stay small.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    document: ProblemDocument,
    code: Code,
    retry_after: Option<HeaderValue>,
    actor: Option<Actor>,
    user: Option<String>,
    cause: Option<String>,
}

/// What a handler or an extractor answers.
pub type Answer<T> = Result<T, Problem>;

impl Problem {
    /// The problem `code` with what happened in this case.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry_after = (code.status() == 503).then_some(RETRY_AFTER);
        Self(Box::new(Parts {
            // It may quote the caller, and it may be shown on a terminal.
            document: ProblemDocument::new(code, disarm(&detail.into())),
            code,
            retry_after,
            actor: None,
            user: None,
            cause: None,
        }))
    }

    /// Something went wrong inside: the cause is logged, not told.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let mut problem = Self::new(
            Code::Internal,
            "Nothing was decided. The server's log tells more, under the id of this request.",
        );
        problem.0.cause = Some(cause.to_string());
        problem
    }

    /// There is no such thing, or not for this caller.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing here for this credential.")
    }

    /// What it is.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What the caller is told, in English.
    pub fn detail(&self) -> &str {
        &self.0.document.detail
    }

    /// With a further member.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.document.more.insert(name.to_owned(), value.into());
        self
    }

    /// With the true reason, for the audit log only.
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Of a caller who proved who he is by the request itself.
    pub fn by(mut self, actor: Actor) -> Self {
        self.0.actor = Some(actor);
        self
    }

    /// About a user, for the audit log only.
    pub fn about(mut self, user: Option<String>) -> Self {
        self.0.user = user;
        self
    }

    /// Not before so many seconds.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(HeaderValue::from(seconds));
        self
    }
}

/// What the layers outside a handler need to know of a refusal.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The code in the answer.
    pub code: Code,
    /// The caller, where the request itself proves him.
    pub actor: Option<Actor>,
    /// The user that it concerns, where that is not the caller.
    pub user: Option<String>,
    /// The true reason, where it is not the code.
    pub cause: Option<String>,
    /// What the caller was told, in English.
    pub detail: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { document, code, retry_after, actor, user, cause } = *self.0;
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let detail = document.detail;
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(after) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, after);
        }
        if code.status() == 401 {
            const WAYS: (HeaderName, HeaderValue) =
                (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer, DPoP algs=\"ES256\""));
            response.headers_mut().insert(WAYS.0, WAYS.1);
        }
        response.extensions_mut().insert(Refused { code, actor, user, cause, detail });
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ActorGone => {
                Self::new(Code::CredentialInvalid, "The credential is unknown, malformed, expired or withdrawn.")
                    .because(error)
            }
            StoreError::Protected => {
                Self::new(Code::RoleNotAllowed, "Managing a user of a protected group needs the role admin.")
            }
            StoreError::OwnAccount => Self::new(Code::OwnAccount, "Somebody else must do this."),
            StoreError::Overloaded => Self::new(Code::Overloaded, "Try again in a moment.").because(error),
            StoreError::Database(_) | StoreError::Unreachable(_) | StoreError::Closed => {
                Self::new(Code::Unavailable, "Nothing was decided. Try again in a moment.").because(error)
            }
            StoreError::Corrupt(_) | StoreError::UnknownKey => Self::internal(error),
        }
    }
}

impl From<SigningFailed> for Problem {
    fn from(error: SigningFailed) -> Self {
        Self::internal(error)
    }
}

impl From<NoEntropy> for Problem {
    fn from(error: NoEntropy) -> Self {
        Self::internal(error)
    }
}

impl From<TooManyWaiters> for Problem {
    fn from(_: TooManyWaiters) -> Self {
        Self::new(Code::Overloaded, "Too many requests wait already. Try again in a moment, without wait.")
    }
}

impl From<NotStrictJson> for Problem {
    fn from(fault: NotStrictJson) -> Self {
        Self::new(Code::MalformedBody, fault.to_string())
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let code = match fault {
            Fault::Type { .. } => Code::MalformedBody,
            Fault::Range { .. } => Code::InvalidValue,
            Fault::DisplayNotPossible => Code::DisplayNotPossible,
        };
        Self::new(code, fault.to_string())
    }
}

/// A challenge that is not pending any more, by the state that it is in.
fn not_pending(state: &'static str) -> Problem {
    let code = match state {
        "expired" => Code::Expired,
        "cancelled" => Code::Cancelled,
        _ => Code::AlreadyDecided,
    };
    Problem::new(code, format!("The challenge is {state}; nothing was changed.")).with("state", state)
}

impl From<ResponseRefusal> for Problem {
    fn from(refusal: ResponseRefusal) -> Self {
        match refusal {
            ResponseRefusal::DeviceGone => Self::new(Code::ResponseNotAuthentic, "The response was not believed."),
            ResponseRefusal::Unknown => Self::not_found(),
            ResponseRefusal::NotPending { state, reason } => {
                let problem = not_pending(state);
                match reason {
                    Some(reason) => problem.with("reason", reason.as_str()),
                    None => problem,
                }
            }
            ResponseRefusal::UvRequired => {
                Self::new(Code::UvRequired, "Verify the person on the phone and sign again; the challenge still waits.")
            }
            ResponseRefusal::MalformedNumber { digits } => {
                Self::new(Code::MalformedNumber, format!("The number has {digits} digits; the challenge still waits."))
            }
        }
    }
}

impl From<RedeemRefusal> for Problem {
    fn from(refusal: RedeemRefusal) -> Self {
        match refusal {
            RedeemRefusal::Unknown => Self::not_found(),
            RedeemRefusal::AlreadyRedeemed => {
                Self::new(Code::AlreadyRedeemed, "The approval was spent under another redemption_id, or too long ago.")
            }
            RedeemRefusal::Final(state) => not_pending(state),
        }
    }
}

impl From<RegisterRefusal> for Problem {
    fn from(refusal: RegisterRefusal) -> Self {
        match refusal {
            RegisterRefusal::Gone => {
                Self::new(Code::EnrollmentGone, "Ask for a new enrollment link; each works once, for ten minutes.")
            }
            RegisterRefusal::KeyTaken => {
                Self::new(Code::DeviceExists, "Make a new key; the enrollment token still works.")
            }
            RegisterRefusal::TooMany => {
                Self::new(Code::TooManyDevices, "Remove a phone first; the enrollment token still works.")
            }
        }
    }
}

impl From<FactorRefusal> for Problem {
    fn from(refusal: FactorRefusal) -> Self {
        match refusal {
            FactorRefusal::Unknown => Self::not_found(),
            FactorRefusal::TooMany => Self::new(Code::TooManyAuthenticators, "Remove one first; nothing was added."),
            FactorRefusal::SeedHeld => {
                Self::new(Code::TooManyAuthenticators, "There is an app or a token with this seed; nothing was added.")
            }
            FactorRefusal::Confirmed => Self::new(Code::AuthenticatorConfirmed, "Nothing was changed."),
            FactorRefusal::WrongCode => Self::new(
                Code::WrongCode,
                "The code is not the one that the app shows now. The fifth wrong one ends it.",
            ),
            FactorRefusal::TooOften { seconds } => {
                let problem = Self::new(Code::Overloaded, "Too much was changed of late with this person's phones.");
                problem.retry_after(u64::try_from(seconds).unwrap_or(1))
            }
            FactorRefusal::Locked => Self::new(Code::AccountLocked, "Nothing was changed."),
        }
    }
}

impl From<NotMade> for Problem {
    fn from(error: NotMade) -> Self {
        match error {
            NotMade::Entropy(error) => error.into(),
            NotMade::Hash(error) => error.into(),
        }
    }
}

impl From<ConfirmRefusal> for Problem {
    fn from(refusal: ConfirmRefusal) -> Self {
        match refusal {
            ConfirmRefusal::Unknown => Self::not_found(),
            ConfirmRefusal::Locked => FactorRefusal::Locked.into(),
            ConfirmRefusal::Confirmed => Self::new(Code::DeviceConfirmed, "Nothing was changed."),
            ConfirmRefusal::WrongCode => Self::new(
                Code::WrongCode,
                "The code is not the one that the phone shows. The third wrong try removes the phone.",
            ),
        }
    }
}
