//! Whether a person can sign in, and with what: `gatematch user show`.

use gatematch_domain::account::Account;
use gatematch_domain::limits::{COOLDOWN_SECONDS, LOCK_AT, Limited, MAX_BACKOFF_SECONDS, PROMPT_WINDOW_SECONDS};
use gatematch_domain::policy::Method;
use gatematch_domain::text::disarm;
use gatematch_domain::user::Status;
use gatematch_protocol::time::Timestamp;
use serde_json::json;

use super::fault::Fault;
use super::operator::Operator;
use super::terminal::{Terminal, Tone, shown_time};
use super::{authenticator, bypass, device, user};

/// Whether somebody can sign in now.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    code: Code,
    /// With what, or why not.
    why: String,
}

/// Whether somebody can sign in now, in a word for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Ok,
    Shut(Shut),
    NotEnrolled,
    Cooldown,
    Backoff,
    Prompts,
}

impl Code {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Shut(shut) => shut.as_str(),
            Self::NotEnrolled => "not-enrolled",
            Self::Cooldown => "cooldown",
            Self::Backoff => "backoff",
            Self::Prompts => "prompts",
        }
    }
}

/// Why an account lets nobody in, whatever he has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    Disabled,
    Locked,
    Dormant,
}

impl Shut {
    /// In the order in which a login looks at it.
    pub(super) fn of(account: &Account, dormant_after: Option<i64>, now: Timestamp) -> Option<Self> {
        let user = &account.user;
        match (user.status, &user.locked) {
            (Status::Disabled, _) => Some(Self::Disabled),
            (Status::Active, Some(_)) => Some(Self::Locked),
            (Status::Active, None) => {
                dormant_after.is_some_and(|seconds| user.is_dormant(seconds, now)).then_some(Self::Dormant)
            }
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Locked => "locked",
            Self::Dormant => "dormant",
        }
    }
}

impl Standing {
    /// In the order in which a login looks at it.
    fn of(account: &Account, dormant_after: Option<i64>, now: Timestamp) -> Self {
        let Some(shut) = Shut::of(account, dormant_after, now) else { return Self::of_open(account, now) };
        let why = match shut {
            Shut::Disabled => "the account is disabled".to_owned(),
            Shut::Locked => format!("locked ({})", account.user.locked.as_deref().unwrap_or_default()),
            Shut::Dormant => asleep(dormant_after),
        };
        Self { code: Code::Shut(shut), why }
    }

    fn of_open(account: &Account, now: Timestamp) -> Self {
        if let Some(bypass) = bypass::in_force(account, now).next() {
            let why = format!("without a second factor until {}, by a bypass", shown_time(bypass.expires_at));
            return Self { code: Code::Ok, why };
        }
        let ways = ways(account, now);
        if ways.is_empty() {
            let phones = if account.devices.is_empty() { "no phone is enrolled" } else { "no phone is confirmed yet" };
            return Self { code: Code::NotEnrolled, why: format!("{phones}, and there is no code or pass") };
        }
        let (code, why, seconds) = match limited(account, now) {
            None => return Self { code: Code::Ok, why: format!("with {}", ways.join(", ")) },
            Some((code, why, seconds)) => (code, why, seconds),
        };
        Self { code, why: format!("{why}, for {} minutes at most", seconds / 60) }
    }
}

/// What of late stands against every login: what it is, why, and how many seconds that lasts at most.
fn limited(account: &Account, now: Timestamp) -> Option<(Code, &'static str, i64)> {
    match account.user.limits.against_all(now)? {
        Limited::Cooldown => Some((Code::Cooldown, "the account cools down after failures", COOLDOWN_SECONDS)),
        Limited::Backoff => {
            Some((Code::Backoff, "asked too often of late, and he denied twice or more in a row", MAX_BACKOFF_SECONDS))
        }
        Limited::Prompts => Some((Code::Prompts, "asked too often of late", PROMPT_WINDOW_SECONDS)),
        Limited::Reported | Limited::Pending => None,
    }
}

fn asleep(dormant_after: Option<i64>) -> String {
    let days = match dormant_after.unwrap_or_default() / 86_400 {
        1 => "a day".to_owned(),
        days => format!("{days} days"),
    };
    format!("nobody has signed in for {days}, so the next sign-in locks the account")
}

/// What he can sign in with, the phone first.
pub(super) fn ways(account: &Account, now: Timestamp) -> Vec<&'static str> {
    let held = Method::FACTORS.into_iter().filter(|method| account.holds(*method, now));
    held.map(|method| match method {
        Method::Push => "phone",
        Method::Totp => "app or token",
        Method::RecoveryCode => "recovery codes",
        Method::AccessPass => "access pass",
        Method::Bypass => "bypass",
        // Nobody holds these.
        Method::Policy | Method::Reuse => "policy",
    })
    .collect()
}

/// Says, where that is so, that what was made is of no use before the account is open again; why that is so.
pub(super) fn note_shut(account: &Account, operator: &Operator, terminal: &mut Terminal) -> Option<Shut> {
    let name = &account.user.username;
    let dormant_after = operator.settings.dormant_after;
    let shut = Shut::of(account, dormant_after, operator.edge.now())?;
    terminal.note(&match shut {
        Shut::Disabled => format!("{name} is disabled, and cannot sign in before: gatematch user enable {name}"),
        Shut::Locked => {
            format!("{name} is locked, and cannot sign in before: gatematch user unlock {name} --reason TEXT")
        }
        Shut::Dormant => {
            let why = asleep(dormant_after);
            format!("{name} is dormant: {why}. Before that: gatematch user unlock {name} --reason TEXT")
        }
    });
    Some(shut)
}

/// Says what is left to sign in with after something was taken away.
pub(super) fn tell_left(account: &Account, now: Timestamp, terminal: &mut Terminal) -> Result<(), Fault> {
    let (name, left) = (&account.user.username, ways(account, now));
    terminal.line(&if left.is_empty() {
        format!("Nothing is left for {name} to sign in with. To enroll a phone: gatematch enroll {name}")
    } else {
        format!("Left for {name} to sign in with: {}.", left.join(", "))
    })
}

/// Shows a person.
pub(super) fn show(account: &Account, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let now = operator.edge.now();
    let standing = Standing::of(account, operator.settings.dormant_after, now);
    let bypasses: Vec<_> = bypass::in_force(account, now).collect();
    if terminal.is_json() {
        return terminal.json(&json!({
            "user": user::view(account),
            "can_sign_in": standing.code == Code::Ok,
            "why": standing.why,
            "why_code": standing.code.as_str(),
            "cools_down": account.user.limits.cools_down(now),
            "locked_because": account.user.locked,
            "devices": device::views(account),
            "authenticators": account.authenticators(now),
            "bypasses": bypasses,
        }));
    }
    facts(account, &standing, now, terminal)?;
    terminal.line("")?;
    device::show(account, terminal)?;
    let others: Vec<_> = account.factors.iter().filter_map(|factor| factor.view(now)).collect();
    if !others.is_empty() {
        terminal.line("")?;
        authenticator::table(&others, terminal)?;
    }
    if bypasses.is_empty() {
        return Ok(());
    }
    terminal.line("\nBypasses in force:")?;
    bypass::table(&bypasses, terminal)
}

fn facts(account: &Account, standing: &Standing, now: Timestamp, terminal: &mut Terminal) -> Result<(), Fault> {
    let user = &account.user;
    let title = terminal.toned(Tone::Bold, user.username.as_str());
    terminal.line(&title)?;
    let can = if standing.code == Code::Ok { "yes" } else { "no" };
    let failures = match user.limits.failures() {
        0 => "none".to_owned(),
        count => format!("{count}; the account is locked at {LOCK_AT}"),
    };
    let facts = [
        ("can sign in", Some(format!("{can}: {}", standing.why))),
        ("name", user.display_name.clone()),
        ("email", user.email.clone()),
        ("groups", (!user.groups.is_empty()).then(|| user.groups.join(", "))),
        ("last sign-in", Some(user.last_sign_in_at.map_or_else(|| "never".to_owned(), shown_time))),
        ("failures", Some(failures)),
        ("cool-down", user.limits.cools_down(now).then(|| "yes".to_owned())),
        ("made", Some(shown_time(user.created_at))),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            terminal.line(&format!("  {name:<14}{}", disarm(&value)))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use gatematch_domain::factor::{Bypass, Factor, Kind};
    use gatematch_domain::totp::{Seed, Totp, TotpStatus};
    use gatematch_domain::user::User;
    use gatematch_domain::username::Username;
    use gatematch_protocol::id::{AuthenticatorId, GatewayId, UserId};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_numeric_date(1_000_000 + second)
    }

    fn alice(kinds: Vec<Kind>) -> Account {
        let user = UserId::new(at(0), [1; 10]);
        let mut account = Account::new(User::new(user, Username::from_stored("alice".to_owned()), at(0)));
        let factor = |(n, kind)| {
            let id = AuthenticatorId::new(at(0), [n; 10]);
            Factor { id, user, kind, created_at: at(0), last_used_at: None }
        };
        account.factors = (1..).zip(kinds).map(factor).collect();
        account
    }

    fn totp(status: TotpStatus) -> Kind {
        Kind::Totp(Totp { name: None, seed: Seed::new(&[1; 20]), period: 30, status, last_step: None })
    }

    fn bypass() -> Kind {
        let (reason, made_by) = ("outage".to_owned(), "cli:root".to_owned());
        Kind::Bypass(Bypass { reason, made_by, expires_at: at(100), max_uses: None, uses: 0 })
    }

    /// Looked at a second after it was made.
    fn told(account: &Account) -> String {
        let Standing { code, why } = Standing::of(account, Some(86_400), at(1));
        format!("{}: {why}", code.as_str())
    }

    #[test]
    fn it_is_told_as_a_login_would_find_it() {
        assert_eq!(told(&alice(vec![])), "not-enrolled: no phone is enrolled, and there is no code or pass");
        assert!(
            told(&alice(vec![totp(TotpStatus::Unconfirmed { wrong_tries: 0 })])).starts_with("not-enrolled: no phone")
        );
        let mut account = alice(vec![totp(TotpStatus::Active)]);
        assert_eq!(told(&account), "ok: with app or token");
        let asleep = Standing::of(&account, Some(86_400), at(86_400));
        assert!(asleep.code == Code::Shut(Shut::Dormant) && asleep.why.contains("for a day,"), "{asleep:?}");
        assert_eq!(Standing::of(&account, None, at(86_400)).code, Code::Ok);
        for _ in 0..5 {
            let _ = account.user.limits.failed(at(0));
        }
        assert_eq!(told(&account), "cooldown: the account cools down after failures, for 5 minutes at most");
        account.factors.extend(alice(vec![bypass()]).factors);
        assert!(told(&account).starts_with("ok: without a second factor until "), "a bypass asks for no code");
        account.user.locked = Some("lost".to_owned());
        assert_eq!(told(&account), "locked: locked (lost)");
        account.user.status = Status::Disabled;
        assert_eq!(told(&account), "disabled: the account is disabled");
    }

    #[test]
    fn who_was_asked_too_often_is_asked_later() {
        let mut account = alice(vec![totp(TotpStatus::Active)]);
        for _ in 0..10 {
            account.user.limits.prompted(at(0));
        }
        assert_eq!(told(&account), "prompts: asked too often of late, for 10 minutes at most");
        assert_eq!(Standing::of(&account, None, at(600)).code, Code::Ok);
        for _ in 0..2 {
            account.user.limits.denied(at(0));
        }
        assert!(told(&account).starts_with("backoff: asked too often of late, and he denied"), "{}", told(&account));
        account.factors.clear();
        assert!(told(&account).starts_with("not-enrolled: "), "a login looks at that first");
        // What he reported stands against one gateway and client only.
        let mut account = alice(vec![totp(TotpStatus::Active)]);
        account.user.limits.reported(GatewayId::new(at(0), [7; 10]), None, at(0));
        assert_eq!(told(&account), "ok: with app or token");
    }
}
