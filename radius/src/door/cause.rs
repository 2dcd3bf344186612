//! Why a request was not served, and what the administrator can do about it.

use super::cure;

/// Why a request was not served: it got no answer, or an Access-Reject that nobody has decided.
///
/// The first are found by [`super::Door::receive`]; those from [`Cause::ServerUnavailable`] on by whoever decides the
/// logins that it lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// No client's network holds the source address.
    UnknownClient,
    /// It is no RADIUS packet.
    Malformed,
    /// It is neither an Access-Request nor a Status-Server.
    CodeNotSupported,
    /// It has no Message-Authenticator and should have one.
    MessageAuthenticatorMissing,
    /// Its Message-Authenticator does not hold.
    MessageAuthenticatorWrong,
    /// It has several Message-Authenticators.
    MessageAuthenticatorRepeated,
    /// It has a Proxy-State, but no Message-Authenticator that vouches for it.
    ProxyStateUnsigned,
    /// Its Proxy-States leave no room for an answer.
    ProxyStateTooLong,
    /// It has an EAP-Message.
    EapNotSupported,
    /// It has several of an attribute that says who is to be let in.
    AttributeRepeated,
    /// It has no User-Name, or an empty one.
    UserNameMissing,
    /// Its User-Name is not UTF-8.
    UserNameUnreadable,
    /// Its User-Password has a wrong length; or a code is needed and there is none, but CHAP or MS-CHAP perhaps.
    PasswordUnreadable,
    /// It has the authenticator of another request.
    AuthenticatorReused,
    /// Too many requests wait, of all clients together.
    Overloaded,
    /// Too many logins of this client wait.
    ClientOverloaded,
    /// The Gatematch server did not answer, or could not decide.
    ServerUnavailable,
    /// The Gatematch server refuses the gateway key.
    GatewayKeyRefused,
    /// The Gatematch server refuses a call.
    CallRefused,
    /// The Gatematch server's result is not to be believed.
    ResultUnbelievable,
    /// A new challenge is over by the clock of this machine.
    ClockDiffers,
    /// No upstream RADIUS server answered.
    UpstreamUnavailable,
    /// An upstream RADIUS server's answers do not prove where they come from.
    UpstreamUnauthentic,
    /// An upstream RADIUS server answered with Access-Challenge.
    UpstreamChallenge,
    /// The request cannot be passed on to an upstream RADIUS server.
    NotPassedOn,
    /// The answer with all its attributes would be longer than 4096 octets.
    AnswerTooLong,
    /// The system gave no random octets.
    NoEntropy,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 27] = [
        Self::UnknownClient,
        Self::Malformed,
        Self::CodeNotSupported,
        Self::MessageAuthenticatorMissing,
        Self::MessageAuthenticatorWrong,
        Self::MessageAuthenticatorRepeated,
        Self::ProxyStateUnsigned,
        Self::ProxyStateTooLong,
        Self::EapNotSupported,
        Self::AttributeRepeated,
        Self::UserNameMissing,
        Self::UserNameUnreadable,
        Self::PasswordUnreadable,
        Self::AuthenticatorReused,
        Self::Overloaded,
        Self::ClientOverloaded,
        Self::ServerUnavailable,
        Self::GatewayKeyRefused,
        Self::CallRefused,
        Self::ResultUnbelievable,
        Self::ClockDiffers,
        Self::UpstreamUnavailable,
        Self::UpstreamUnauthentic,
        Self::UpstreamChallenge,
        Self::NotPassedOn,
        Self::AnswerTooLong,
        Self::NoEntropy,
    ];

    /// The word for logs, metrics and audit events: letters a to z and `-`, at most 40.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownClient => "unknown-client",
            Self::Malformed => "malformed",
            Self::CodeNotSupported => "code-not-supported",
            Self::MessageAuthenticatorMissing => "message-authenticator-missing",
            Self::MessageAuthenticatorWrong => "message-authenticator-wrong",
            Self::MessageAuthenticatorRepeated => "message-authenticator-repeated",
            Self::ProxyStateUnsigned => "proxy-state-unsigned",
            Self::ProxyStateTooLong => "proxy-state-too-long",
            Self::EapNotSupported => "eap-not-supported",
            Self::AttributeRepeated => "attribute-repeated",
            Self::UserNameMissing => "user-name-missing",
            Self::UserNameUnreadable => "user-name-unreadable",
            Self::PasswordUnreadable => "password-unreadable",
            Self::AuthenticatorReused => "authenticator-reused",
            Self::Overloaded => "overloaded",
            Self::ClientOverloaded => "client-overloaded",
            Self::ServerUnavailable => "server-unavailable",
            Self::GatewayKeyRefused => "gateway-key-refused",
            Self::CallRefused => "call-refused",
            Self::ResultUnbelievable => "result-unbelievable",
            Self::ClockDiffers => "clock-differs",
            Self::UpstreamUnavailable => "upstream-unavailable",
            Self::UpstreamUnauthentic => "upstream-unauthentic",
            Self::UpstreamChallenge => "upstream-challenge",
            Self::NotPassedOn => "not-passed-on",
            Self::AnswerTooLong => "answer-too-long",
            Self::NoEntropy => "no-entropy",
        }
    }

    /// One sentence for the administrator: what to do about it.
    #[must_use]
    pub const fn cure(self) -> &'static str {
        match self {
            Self::UnknownClient => cure::UNKNOWN_CLIENT,
            Self::Malformed => cure::MALFORMED,
            Self::CodeNotSupported => cure::CODE_NOT_SUPPORTED,
            Self::MessageAuthenticatorMissing => cure::MESSAGE_AUTHENTICATOR_MISSING,
            Self::MessageAuthenticatorWrong => cure::MESSAGE_AUTHENTICATOR_WRONG,
            Self::MessageAuthenticatorRepeated => cure::MESSAGE_AUTHENTICATOR_REPEATED,
            Self::ProxyStateUnsigned => cure::PROXY_STATE_UNSIGNED,
            Self::ProxyStateTooLong => cure::PROXY_STATE_TOO_LONG,
            Self::EapNotSupported => cure::EAP_NOT_SUPPORTED,
            Self::AttributeRepeated => cure::ATTRIBUTE_REPEATED,
            Self::UserNameMissing => cure::USER_NAME_MISSING,
            Self::UserNameUnreadable => cure::USER_NAME_UNREADABLE,
            Self::PasswordUnreadable => cure::PASSWORD_UNREADABLE,
            Self::AuthenticatorReused => cure::AUTHENTICATOR_REUSED,
            Self::Overloaded => cure::OVERLOADED,
            Self::ClientOverloaded => cure::CLIENT_OVERLOADED,
            Self::ServerUnavailable => cure::SERVER_UNAVAILABLE,
            Self::GatewayKeyRefused => cure::GATEWAY_KEY_REFUSED,
            Self::CallRefused => cure::CALL_REFUSED,
            Self::ResultUnbelievable => cure::RESULT_UNBELIEVABLE,
            Self::ClockDiffers => cure::CLOCK_DIFFERS,
            Self::UpstreamUnavailable => cure::UPSTREAM_UNAVAILABLE,
            Self::UpstreamUnauthentic => cure::UPSTREAM_UNAUTHENTIC,
            Self::UpstreamChallenge => cure::UPSTREAM_CHALLENGE,
            Self::NotPassedOn => cure::NOT_PASSED_ON,
            Self::AnswerTooLong => cure::ANSWER_TOO_LONG,
            Self::NoEntropy => cure::NO_ENTROPY,
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_own_word_and_one_sentence() {
        let mut words = std::collections::HashSet::new();
        for cause in Cause::ALL {
            let word = cause.as_str();
            assert!(
                word.len() <= 40 && word.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-'),
                "{word}"
            );
            assert!(words.insert(word), "{word} twice");
            let cure = cause.cure();
            assert!(cure.ends_with('.') && !cure.contains("  ") && !cure.contains('\n'), "{cure}");
        }
    }
}
