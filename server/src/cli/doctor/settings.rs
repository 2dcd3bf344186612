//! The settings, as the server would read them.

use super::finding::{Finding, Row};
use crate::listen::plan::Plan;
use crate::settings::{Loaded, SettingsFault};

const PART: &str = "settings";

/// There are none, and so there is nothing else to look at.
pub(super) fn unreadable(fault: &SettingsFault) -> Row {
    Row::new(PART, Finding::fail(format!("{fault}."), fault.todo()))
}

pub(super) fn rows(loaded: &Loaded) -> Vec<Row> {
    let Loaded { settings, file, warnings } = loaded;
    let from = match file {
        Some(file) => format!("{} was read, and every setting can be used.", file.display()),
        None => "There is no settings file: what the environment does not set has its default.".to_owned(),
    };
    let mut findings = vec![Finding::ok(from)];
    findings.extend(warnings.iter().map(|warning| Finding::warn(warning, "")));
    if settings.domains.is_empty() {
        findings.push(Finding::ok(
            "domains is not set: DOMAIN\\alice, alice@domain and alice are one account, whatever the domain. That is right for a company with one.",
        ));
    }
    findings.extend(about_issuer(loaded));
    findings.into_iter().map(|finding| Row::new(PART, finding)).collect()
}

fn about_issuer(loaded: &Loaded) -> Option<Finding> {
    let settings = &loaded.settings;
    let plan = Plan::of(settings).ok()?;
    let is_https = settings.issuer.as_ref().is_some_and(|issuer| issuer.starts_with("https:"));
    if !is_https {
        let shown = settings.issuer.as_deref().unwrap_or("not set");
        return Some(Finding::warn(
            format!("issuer is {shown}: no phone on another machine can be enrolled."),
            "Set issuer to the https address by which phones reach this server (docs/https.md).",
        ));
    }
    let has_proxy = !settings.trusted_proxies.is_empty();
    (!plan.has_tls() && !has_proxy).then(|| {
        Finding::warn(
            "issuer is https, nothing here serves TLS, and trusted_proxies is not set: everybody has the address of the proxy, and shares its limits.",
            "Name the proxy in trusted_proxies.",
        )
    })
}
