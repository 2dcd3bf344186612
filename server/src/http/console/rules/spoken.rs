//! Rules in words that people read, and what differs between two policies.

use gatematch_domain::policy::{Policy, Profile};
use gatematch_protocol::policy::{Dates, Hours, Rule, When};

use crate::words::rules::policy::Policies as Words;
use crate::words::rules::spoken::Spoken as Phrases;
use crate::words::{Language, with};

/// How many entries of a list are told.
const TOLD: usize = 8;

/// A rule in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SpokenRule {
    /// Its name.
    pub(super) name: String,
    /// Whether it is off, or only reports.
    pub(super) state: Option<&'static str>,
    /// What must hold: all of it.
    pub(super) when: Vec<String>,
    /// What becomes of the person.
    pub(super) then: &'static str,
    /// How that is shown.
    pub(super) tone: &'static str,
    /// What must be brought.
    pub(super) terms: Vec<String>,
}

/// What differs.
pub(super) struct Change {
    /// In a word.
    pub(super) mark: &'static str,
    /// How that is shown.
    pub(super) tone: &'static str,
    /// Which rule.
    pub(super) name: String,
    /// What was, where something was.
    pub(super) before: Option<String>,
    /// What is, where something is.
    pub(super) after: Option<String>,
}

impl SpokenRule {
    /// `rule` of a policy with this profile.
    pub(super) fn of(rule: &Rule, profile: Profile, language: Language) -> Self {
        let phrases = Phrases::of(language);
        let (then, tone) = match rule.then.decision.as_str() {
            "allow" => (phrases.allow, "warn"),
            "deny" => (phrases.deny, "bad"),
            _ => (phrases.ask, "good"),
        };
        let state = match (rule.enabled, rule.report_only) {
            (false, _) => Some(phrases.off),
            (true, true) => Some(phrases.only_reports),
            (true, false) => None,
        };
        Self {
            name: rule.name.clone(),
            state,
            when: when(rule, phrases),
            then,
            tone,
            terms: terms(rule, profile, phrases),
        }
    }

    /// All of it in one line.
    pub(super) fn line(&self, words: &Words) -> String {
        let when = self.when.join(&format!(" {} ", words.and));
        let terms = if self.terms.is_empty() { String::new() } else { format!(": {}", self.terms.join(", ")) };
        let state = self.state.map(|state| format!(" ({state})")).unwrap_or_default();
        format!("{when} - {}{terms}{state}", self.then)
    }
}

/// The rules of `policy`, in order.
pub(super) fn spoken(policy: &Policy, language: Language) -> Vec<SpokenRule> {
    policy.written().iter().map(|rule| SpokenRule::of(rule, policy.profile, language)).collect()
}

fn listed(entries: &[String], phrases: &Phrases) -> String {
    let told = entries.get(..TOLD).unwrap_or(entries).join(", ");
    let more = entries.len().saturating_sub(TOLD);
    if more > 0 {
        return with(phrases.and_more, &[&told, &more.to_string()]);
    }
    match told.rsplit_once(", ").filter(|_| !entries.iter().any(|entry| entry.contains(", "))) {
        Some((first, last)) => format!("{first}{}{last}", phrases.or),
        None => told,
    }
}

fn when(rule: &Rule, phrases: &Phrases) -> Vec<String> {
    let When { groups, users, gateways, networks, countries, hours, dates, client_names, signals } = &rule.when;
    let missing = match rule.on_missing.as_deref() {
        Some("match") => phrases.missing_matches,
        _ => phrases.missing_skips,
    };
    let list = |text: &str, entries: &Option<Vec<String>>| Some(with(text, &[&listed(entries.as_ref()?, phrases)]));
    let can_miss = |text: Option<String>| text.map(|text| format!("{text} ({missing})"));
    let of_address = |words: &Vec<String>| words.iter().any(|word| word == "new-network" || word == "new-country");
    let signals_miss = signals.as_ref().is_some_and(of_address);
    let named = signals.as_ref().map(|words| words.iter().map(|word| signal(word, phrases)).collect::<Vec<_>>());
    let signals = list(phrases.signals, &named);
    let told = [
        list(phrases.groups, groups),
        list(phrases.users, users),
        list(phrases.gateways, gateways),
        can_miss(list(phrases.networks, networks)),
        can_miss(list(phrases.countries, countries)),
        hours.as_ref().map(|hours| of_hours(hours, phrases)),
        dates.as_ref().map(|dates| of_dates(dates, phrases)),
        can_miss(list(phrases.client_names, client_names)),
        if signals_miss { can_miss(signals) } else { signals },
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    if told.is_empty() { vec![phrases.always.to_owned()] } else { told }
}

fn signal(word: &str, phrases: &Phrases) -> String {
    let told = match word {
        "new-network" => phrases.new_network,
        "new-country" => phrases.new_country,
        "recent-failures" => phrases.recent_failures,
        "new-phone" => phrases.new_phone,
        other => return other.to_owned(),
    };
    told.to_owned()
}

fn of_hours(hours: &Hours, phrases: &Phrases) -> String {
    let day = |word: &String| match word.as_str() {
        "mon" => phrases.mon,
        "tue" => phrases.tue,
        "wed" => phrases.wed,
        "thu" => phrases.thu,
        "fri" => phrases.fri,
        "sat" => phrases.sat,
        _ => phrases.sun,
    };
    let named: Vec<String> = hours.days.iter().map(|word| day(word).to_owned()).collect();
    let days = if named.len() >= 7 { phrases.every_day.to_owned() } else { listed(&named, phrases) };
    // Of one form, so that the texts can be compared.
    let text = if hours.to <= hours.from { phrases.hours_over_night } else { phrases.hours };
    with(text, &[&days, &hours.from, &hours.to, &hours.zone])
}

fn of_dates(dates: &Dates, phrases: &Phrases) -> String {
    match (&dates.from, &dates.before) {
        (Some(from), Some(before)) => with(phrases.dates_between, &[from, before, &dates.zone]),
        (Some(from), None) => with(phrases.dates_from, &[from, &dates.zone]),
        (None, before) => with(phrases.dates_before, &[before.as_deref().unwrap_or("?"), &dates.zone]),
    }
}

fn terms(rule: &Rule, profile: Profile, phrases: &Phrases) -> Vec<String> {
    let then = &rule.then;
    if then.decision != "ask" {
        return Vec::new();
    }
    let is_strict = profile == Profile::NistAal2;
    let digits = then.digits.filter(|_| !is_strict).unwrap_or_else(|| i64::from(profile.digits()));
    let mut told = vec![with(phrases.digits, &[&digits.to_string()])];
    if let Some(methods) = &then.methods {
        let methods: Vec<String> = methods.iter().map(|word| way(word, phrases).to_owned()).collect();
        told.push(with(phrases.only_by, &[&listed(&methods, phrases)]));
    }
    if then.uv.is_some() {
        told.push(phrases.uv.to_owned());
    }
    told.extend(no_display(then.no_display.as_deref(), is_strict, phrases).map(str::to_owned));
    if let Some(seconds) = then.reuse_seconds.filter(|seconds| *seconds > 0 && !is_strict) {
        told.push(with(phrases.reuse, &[&seconds.to_string()]));
    }
    told
}

/// What happens where no number can be shown, where that is said.
pub(super) fn no_display(word: Option<&str>, is_strict: bool, phrases: &Phrases) -> Option<&'static str> {
    match word {
        _ if is_strict => Some(phrases.no_display_refuse),
        Some("refuse") => Some(phrases.no_display_refuse),
        Some(_) => Some(phrases.no_display_approve),
        None => None,
    }
}

/// What a way to approve is called.
pub(super) fn way(word: &str, phrases: &Phrases) -> &'static str {
    match word {
        "push" => phrases.push,
        "totp" => phrases.totp,
        "recovery_code" => phrases.recovery_code,
        _ => phrases.access_pass,
    }
}

/// What differs between `was` and `is`, one thing each.
pub(super) fn changes(was: &Policy, is: &Policy, language: Language) -> Vec<Change> {
    let words = Words::of(language);
    let (old, new) = (was.written(), is.written());
    let mut changes = Vec::new();
    if was.profile != is.profile {
        changes.push(Change {
            mark: words.mark_profile,
            tone: "warn",
            name: String::new(),
            before: Some(was.profile.as_str().to_owned()),
            after: Some(is.profile.as_str().to_owned()),
        });
    }
    let line = |rule: &Rule, profile| Some(SpokenRule::of(rule, profile, language).line(words));
    let named = |rules: &[Rule], name: &str| rules.iter().find(|rule| rule.name == name).cloned();
    for rule in old.iter().filter(|rule| named(&new, &rule.name).is_none()) {
        let (name, before) = (rule.name.clone(), line(rule, was.profile));
        changes.push(Change { mark: words.mark_gone, tone: "bad", name, before, after: None });
    }
    for rule in &new {
        let (name, after) = (rule.name.clone(), line(rule, is.profile));
        match named(&old, &rule.name) {
            None => changes.push(Change { mark: words.mark_new, tone: "good", name, before: None, after }),
            Some(earlier) if earlier != *rule => {
                let before = line(&earlier, was.profile);
                let after = if before == after { Some(words.same_meaning.to_owned()) } else { after };
                changes.push(Change { mark: words.mark_changed, tone: "warn", name, before, after });
            }
            Some(_) => {}
        }
    }
    let kept = |rules: &[Rule], others: &[Rule]| -> Vec<String> {
        rules.iter().map(|rule| rule.name.clone()).filter(|name| named(others, name).is_some()).collect()
    };
    let (before, after) = (kept(&old, &new), kept(&new, &old));
    if before != after {
        let (before, after) = (Some(before.join(", ")), Some(after.join(", ")));
        changes.push(Change { mark: words.mark_order, tone: "warn", name: String::new(), before, after });
    }
    changes
}

#[cfg(test)]
mod tests {
    use gatematch_domain::policy::Names;

    use super::*;
    use crate::policy::file;

    fn policy(text: &str) -> Policy {
        let put = file::parsed(text).unwrap();
        Policy::of(2, Profile::Standard, &put.rules, Names::Stored).unwrap().policy
    }

    const RULES: &str = r#"
[[rules]]
name = "nights"
when.groups = ["OnCall", "Admins"]
when.hours = { days = ["fri", "sat"], from = "22:00", to = "06:00", zone = "Europe/Oslo" }
when.networks = ["203.0.113.0/24"]
on_missing = "skip"
then = { decision = "deny" }

[[rules]]
name = "default"
then = { decision = "ask", digits = 6, methods = ["push", "access_pass"] }
"#;

    #[test]
    fn rules_are_told_in_words() {
        let told = spoken(&policy(RULES), Language::English);
        assert_eq!(
            told[0].line(Words::of(Language::English)),
            "the account is in the group OnCall or Admins and the address is in 203.0.113.0/24 (not where that is not known) \
             and it is Friday or Saturday from 22:00 to 06:00 of the next day (Europe/Oslo) - is refused"
        );
        assert_eq!(told[1].when, ["always"]);
        assert_eq!(told[1].terms, ["a number of 6 digits", "only by phone or access pass"]);
        let told = spoken(&policy(RULES), Language::German);
        assert_eq!(told[1].then, "wird gefragt");
    }

    #[test]
    fn what_differs_is_told_once_each() {
        let was = policy(RULES);
        let is = policy(&RULES.replace("digits = 6", "digits = 5").replace("\"nights\"", "\"late\""));
        let told: Vec<_> = changes(&was, &is, Language::English).iter().map(|it| (it.mark, it.name.clone())).collect();
        let told: Vec<_> = told.iter().map(|(mark, name)| (*mark, name.as_str())).collect();
        assert_eq!(told, [("gone", "nights"), ("new", "late"), ("changed", "default")]);
        assert!(changes(&was, &was, Language::German).is_empty());
        let explicit = policy("[[rules]]\nname = \"default\"\nthen = { decision = \"ask\", digits = 3 }\n");
        let changed = changes(&Policy::shipped(), &explicit, Language::English);
        assert_eq!(changed[0].after.as_deref(), Some("It is written otherwise, and means the same."));
    }
}
