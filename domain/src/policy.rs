//! What a login must bring. The rules themselves come with the policy of contract section 11; this is the
//! ruling that they end in, and the one rule that ships.

use gatematch_protocol::challenge::{Match, MatchKind};

/// The ways in which a login can be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// A signed response from a phone.
    Push,
    /// A time-based code.
    Totp,
    /// A recovery code.
    RecoveryCode,
    /// An access pass.
    AccessPass,
    /// No factor: somebody decided beforehand that he passes for a time.
    Bypass,
}

impl Method {
    /// The ways in which a person himself can approve a login, the phone first.
    pub const FACTORS: [Self; 4] = [Self::Push, Self::Totp, Self::RecoveryCode, Self::AccessPass];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::AccessPass => "access_pass",
            Self::Bypass => "bypass",
        }
    }

    /// The method with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::FACTORS.into_iter().chain([Self::Bypass]).find(|method| method.as_str() == word)
    }
}

/// What to do where policy asks for a number and nothing can show one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoDisplay {
    /// Refuse the login.
    #[default]
    Refuse,
    /// Ask for approval alone; the audit log says `number_match: false`.
    ApproveOnly,
}

/// What a login that is asked must bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The rule that decided.
    pub rule: String,
    /// How many digits the number has, 2 to 6.
    pub digits: u8,
    /// Whether the phone must verify the person. The phone's own word: the audit log calls it `claimed`.
    pub uv_required: bool,
    /// The ways that are allowed.
    pub methods: Vec<Method>,
    /// Where the rule names it, the gateway's wish does not count.
    pub no_display: Option<NoDisplay>,
}

impl Ruling {
    /// The shipped rule `default`: ask, three digits, every method.
    #[must_use]
    pub fn shipped() -> Self {
        Self {
            rule: "default".to_owned(),
            digits: 3,
            uv_required: false,
            methods: Method::FACTORS.to_vec(),
            no_display: None,
        }
    }

    /// The `match` of a challenge whose number this ruling asks for.
    #[must_use]
    pub const fn matching(&self) -> Match {
        Match { kind: MatchKind::Number, digits: self.digits }
    }
}
