//! The certificate that TLS is served with, as the listeners would read it.

use gatematch_protocol::time::Timestamp;
use rustls::pki_types::CertificateDer;

use super::finding::{Finding, Row};
use crate::cli::terminal::shown_time;
use crate::listen::plan::Plan;
use crate::listen::{Inspected, inspect};
use crate::settings::Settings;

const PART: &str = "certificate";
/// From so many days before its end on it is told.
pub(super) const WARN_DAYS: i64 = 30;

/// What there is to say about it, and the certificate itself.
pub(super) fn rows(settings: &Settings, now: Timestamp) -> (Vec<Row>, Option<CertificateDer<'static>>) {
    let Some(files) = &settings.tls else { return (vec![none(settings)], None) };
    match inspect(files, now) {
        Err(fault) => (vec![Row::new(PART, Finding::fail(format!("{fault}."), fault.todo()))], None),
        Ok(found) => {
            let issuer = settings.issuer.as_deref().unwrap_or_default();
            let findings = findings(&found, issuer, &files.key.display().to_string(), now);
            (findings.into_iter().map(|finding| Row::new(PART, finding)).collect(), Some(found.der))
        }
    }
}

fn none(settings: &Settings) -> Row {
    let is_plain = Plan::of(settings).is_ok_and(|plan| !plan.has_tls());
    let what = if is_plain { "None is needed: what is served here is plain HTTP." } else { "There is none." };
    Row::new(PART, Finding::ok(what))
}

fn findings(found: &Inspected, issuer: &str, key: &str, now: Timestamp) -> Vec<Finding> {
    let Inspected { own, .. } = found;
    let days = own.days_left(now).min((found.until.numeric_date() - now.numeric_date()).div_euclid(86_400));
    let what = format!(
        "It is for {}, by {}, and ends at {}, in {days} days.",
        own.names,
        own.issued_by,
        shown_time(found.until)
    );
    let mut findings = vec![if days <= WARN_DAYS {
        Finding::warn(what, "Renew it. The server takes a new one from the same files by itself.")
    } else {
        Finding::ok(what)
    }];
    if issuer.starts_with("https:") && !own.covers(issuer) {
        let what =
            format!("It is not for the name in {issuer}: phones refuse it, unless a proxy stands before this machine.");
        findings.push(Finding::warn(what, "Get one for that name, or correct issuer."));
    }
    if !found.has_issuer {
        let what = "The file holds no certificate of the authority that has issued it: phones refuse it.";
        findings.push(Finding::warn(what, "Use the full chain."));
    }
    if own.is_root {
        findings.push(Finding::warn("It certifies itself: no phone trusts it.", "Get one of a public authority."));
    }
    if !found.has_common_key {
        let what = "Its key is neither RSA nor on P-256 or P-384: many phones refuse it.";
        findings.push(Finding::warn(what, "Get one with such a key."));
    }
    if found.is_key_open {
        findings
            .push(Finding::warn(format!("Everybody on this machine can read {key}."), format!("Run: chmod o= {key}")));
    }
    let skipped = found.skipped.iter();
    findings.extend(skipped.map(|what| Finding::warn(format!("A part of the file was left out: {what}."), "")));
    findings
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::super::finding::Verdict;
    use super::*;
    use crate::settings::TlsFiles;

    const NOW: Timestamp = Timestamp::from_numeric_date(1_800_000_000);

    fn written(dir: &std::path::Path, own: &rcgen::Certificate, key: &KeyPair) -> Settings {
        let both = dir.join("both.pem");
        std::fs::write(&both, format!("{}{}", own.pem(), key.serialize_pem())).unwrap();
        let mut settings = Settings::for_data_dir(dir);
        settings.tls = Some(TlsFiles { certificate: both.clone(), key: both });
        settings.issuer = Some("https://mfa.example.com".to_owned());
        settings
    }

    fn told(settings: &Settings, now: Timestamp) -> Vec<(Verdict, String)> {
        let (rows, _) = rows(settings, now);
        rows.into_iter().map(|row| (row.finding.verdict, row.finding.what)).collect()
    }

    #[test]
    fn its_end_its_names_and_its_rights_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["mfa.example.com".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2027, 3, 1);
        let settings = written(dir.path(), &params.self_signed(&key).unwrap(), &key);
        let found = told(&settings, NOW);
        let (verdict, what) = found.first().unwrap();
        assert!(
            *verdict == Verdict::Ok && what.contains("mfa.example.com") && what.contains("in 44 days"),
            "{found:?}"
        );
        assert!(found.iter().any(|(_, what)| what.contains("can read")), "{found:?}");
        assert!(!found.iter().any(|(_, what)| what.contains("not for the name")), "{found:?}");
        assert_eq!(told(&settings, NOW.plus_seconds(14 * 86_400)).first().unwrap().0, Verdict::Warn);
        assert_eq!(told(&settings, NOW.plus_seconds(90 * 86_400)).first().unwrap().0, Verdict::Fail, "it is over");
        let other = Settings { issuer: Some("https://x.example.com".to_owned()), ..settings };
        assert!(told(&other, NOW).iter().any(|(_, what)| what.contains("not for the name")));
        let stranger = KeyPair::generate().unwrap();
        let settings = written(dir.path(), &params.self_signed(&key).unwrap(), &stranger);
        assert!(told(&settings, NOW).first().unwrap().1.contains("is not that of the certificate"));
    }
}
