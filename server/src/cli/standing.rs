//! Whether a person can sign in, and with what: `gatematch user show`.

use gatematch_domain::account::Account;
use gatematch_domain::limits::{LOCK_AT, Limited};
use gatematch_domain::policy::Method;
use gatematch_domain::text::disarm;
use gatematch_protocol::time::Timestamp;
use serde_json::json;

use super::fault::Fault;
use super::operator::Operator;
use super::terminal::{Terminal, Tone, shown_time};
use super::{authenticator, bypass, device, user};
use crate::standing::{Shut, Standing, bypasses, ways};

/// Why somebody can sign in now, or cannot.
fn why(standing: &Standing, account: &Account, dormant_after: Option<i64>) -> String {
    match standing {
        Standing::Passes { until } => format!("without a second factor until {}, by a bypass", shown_time(*until)),
        Standing::With(ways) => format!("with {}", words(ways)),
        Standing::Shut(Shut::Disabled) => "the account is disabled".to_owned(),
        Standing::Shut(Shut::Locked) => format!("locked ({})", account.user.locked.as_deref().unwrap_or_default()),
        Standing::Shut(Shut::Dormant) => asleep(dormant_after),
        Standing::NotEnrolled { has_phone } => {
            let phones = if *has_phone { "no phone is confirmed yet" } else { "no phone is enrolled" };
            format!("{phones}, and there is no code or pass")
        }
        Standing::Limited { by, seconds } => {
            let why = match by {
                Limited::Cooldown => "the account cools down after failures",
                Limited::Backoff => "asked too often of late, and he denied twice or more in a row",
                Limited::Prompts | Limited::Reported | Limited::Pending => "asked too often of late",
            };
            format!("{why}, for {} minutes at most", seconds / 60)
        }
    }
}

fn asleep(dormant_after: Option<i64>) -> String {
    let days = match dormant_after.unwrap_or_default() / 86_400 {
        1 => "a day".to_owned(),
        days => format!("{days} days"),
    };
    format!("nobody has signed in for {days}, so the next sign-in locks the account")
}

/// What people call ways of signing in.
fn words(ways: &[Method]) -> String {
    let word = |method: &Method| match method {
        Method::Push => "phone",
        Method::Totp => "app or token",
        Method::RecoveryCode => "recovery codes",
        Method::AccessPass => "access pass",
        Method::Bypass => "bypass",
        // Nobody holds these.
        Method::Policy | Method::Reuse => "policy",
    };
    ways.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Says, where that is so, that what was made is of no use before the account is open again; why that is so.
pub(super) fn note_shut(account: &Account, operator: &Operator, terminal: &mut Terminal) -> Option<Shut> {
    let name = &account.user.username;
    let dormant_after = operator.settings.dormant_after;
    let shut = Shut::of(&account.user, dormant_after, operator.edge.now())?;
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
        format!("Left for {name} to sign in with: {}.", words(&left))
    })
}

/// Shows a person.
pub(super) fn show(account: &Account, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let now = operator.edge.now();
    let dormant_after = operator.settings.dormant_after;
    let standing = Standing::of(account, dormant_after, now);
    let why = why(&standing, account, dormant_after);
    let bypasses: Vec<_> = bypasses(account, now).collect();
    if terminal.is_json() {
        return terminal.json(&json!({
            "user": user::view(account),
            "can_sign_in": standing.is_open(),
            "why": why,
            "why_code": standing.as_str(),
            "cools_down": account.user.limits.cools_down(now),
            "locked_because": account.user.locked,
            "devices": device::views(account),
            "authenticators": account.authenticators(now),
            "bypasses": bypasses,
        }));
    }
    let can = if standing.is_open() { "yes" } else { "no" };
    facts(account, format!("{can}: {why}"), now, terminal)?;
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

fn facts(account: &Account, can: String, now: Timestamp, terminal: &mut Terminal) -> Result<(), Fault> {
    let user = &account.user;
    let title = terminal.toned(Tone::Bold, user.username.as_str());
    terminal.line(&title)?;
    let failures = match user.limits.failures() {
        0 => "none".to_owned(),
        count => format!("{count}; the account is locked at {LOCK_AT}"),
    };
    let facts = [
        ("can sign in", Some(can)),
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
    use gatematch_domain::user::{Status, User};
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
        told_at(account, 1)
    }

    fn told_at(account: &Account, second: i64) -> String {
        let standing = Standing::of(account, Some(86_400), at(second));
        format!("{}: {}", standing.as_str(), why(&standing, account, Some(86_400)))
    }

    #[test]
    fn it_is_told_as_a_login_would_find_it() {
        assert_eq!(told(&alice(vec![])), "not-enrolled: no phone is enrolled, and there is no code or pass");
        assert!(
            told(&alice(vec![totp(TotpStatus::Unconfirmed { wrong_tries: 0 })])).starts_with("not-enrolled: no phone")
        );
        let mut account = alice(vec![totp(TotpStatus::Active)]);
        assert_eq!(told(&account), "ok: with app or token");
        assert!(told_at(&account, 86_400).starts_with("dormant: nobody has signed in for a day,"));
        assert!(Standing::of(&account, None, at(86_400)).is_open());
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
        assert!(Standing::of(&account, None, at(600)).is_open());
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
