//! Each setting with the value that holds, as text. What is secret is never part of it.

use std::path::{Path, PathBuf};

use url::Url;

use crate::connect::Desktop;
use crate::http::app::Inner;
use crate::settings::{AuditFormat, DEFAULT_DATA_DIR, LogFormat, Settings};
use crate::words::rules::meanings::Meanings;
use crate::words::rules::settings::Settings as Words;
use crate::words::{Language, with};

/// Settings that belong together.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) rows: Vec<Row>,
}

/// One setting.
pub(super) struct Row {
    pub(super) key: &'static str,
    pub(super) value: String,
    pub(super) is_set: bool,
    pub(super) meaning: &'static str,
}

/// The value of a setting, and that which it has where nobody says otherwise.
struct Told {
    value: String,
    is_set: bool,
}

/// An address, without the name and the password that it may have.
pub(super) fn without_password(address: &Url, words: &Words) -> String {
    let mut bare = address.clone();
    let had = !bare.username().is_empty() || bare.password().is_some();
    let is_bare = bare.set_username("").is_ok() && bare.set_password(None).is_ok();
    match (had, is_bare) {
        (false, _) => bare.to_string(),
        (true, true) => with(words.with_password, &[bare.as_str()]),
        (true, false) => words.not_shown.to_owned(),
    }
}

/// Tells values in words.
struct Teller<'a> {
    settings: &'a Settings,
    words: &'static Words,
    yes: &'static str,
    no: &'static str,
}

impl Teller<'_> {
    fn of(&self, value: &(impl ToString + ?Sized), is_set: bool) -> Told {
        Told { value: value.to_string(), is_set }
    }

    fn optional(&self, value: Option<impl ToString>, otherwise: &str) -> Told {
        match value {
            Some(value) => self.of(&value, true),
            None => self.of(otherwise, false),
        }
    }

    fn path(&self, path: Option<&PathBuf>) -> Told {
        self.optional(path.map(|path| path.display()), self.words.none)
    }

    fn list(&self, entries: &[String]) -> Told {
        let told = (!entries.is_empty()).then(|| entries.join(", "));
        self.optional(told, self.words.none)
    }

    fn switch(&self, is_on: bool) -> Told {
        self.of(if is_on { self.yes } else { self.no }, is_on)
    }

    fn here(&self, key: &str) -> Option<Told> {
        let settings = self.settings;
        let tls = settings.tls.as_ref();
        Some(match key {
            "listen" => self.of(&settings.listen, settings.listen.to_string() != "127.0.0.1:8080"),
            "public_listen" => self.optional(settings.public_listen, self.words.none),
            "tls_certificate" => self.path(tls.map(|tls| &tls.certificate)),
            "tls_key" => self.path(tls.map(|tls| &tls.key)),
            "issuer" => self.optional(settings.issuer.as_ref(), self.words.by_listen),
            "name" => self.of(&settings.name, settings.name != "Gatematch"),
            "trusted_proxies" => {
                self.list(&settings.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>())
            }
            _ => return None,
        })
    }

    fn data(&self, key: &str) -> Option<Told> {
        let settings = self.settings;
        let server = settings.database_server.as_ref();
        Some(match key {
            "data_dir" => self.of(&settings.data_dir.display(), settings.data_dir != Path::new(DEFAULT_DATA_DIR)),
            "database_url" => match server {
                Some(server) => self.of(&with(self.words.without_password, &[&server.to_string()]), true),
                None => {
                    let usual = settings.data_dir.join(crate::settings::DATABASE_FILE);
                    self.of(&settings.database.display(), settings.database != usual)
                }
            },
            "database_unsafe_fsync_off" => self.switch(server.is_some_and(|server| server.allows_fsync_off())),
            "master_key" => match settings.master_key {
                Some(_) => self.of(self.words.key_of_variable, true),
                None => self.of(self.words.key_of_file, false),
            },
            _ => return None,
        })
    }

    fn people(&self, key: &str) -> Option<Told> {
        let settings = self.settings;
        let domain = |(spelling, carried): (&str, Option<&str>)| match carried {
            None => with(self.words.bare_names, &[spelling]),
            Some(carried) => with(self.words.names_with, &[spelling, carried]),
        };
        Some(match key {
            "domains" => self.list(&settings.domains.spellings().map(domain).collect::<Vec<_>>()),
            "protected_groups" => self.list(&settings.protected_groups),
            "require_device_confirmation" => self.switch(settings.require_device_confirmation),
            "require_reasons" => self.switch(settings.require_reasons),
            "dormant_after_days" => {
                let days = settings.dormant_after.map(|seconds| (seconds / 86_400).to_string());
                self.optional(days.map(|days| with(self.words.days, &[&days])), self.words.never)
            }
            "max_devices" => {
                self.of(&settings.max_devices, settings.max_devices != gatematch_domain::enrollment::MAX_DEVICES)
            }
            _ => return None,
        })
    }

    fn push(&self, key: &str) -> Option<Told> {
        let settings = self.settings;
        Some(match key {
            "push_allowed_hosts" => {
                let named = settings.push_hosts.named().map(|(host, port)| format!("{host}:{port}"));
                self.list(&named.collect::<Vec<_>>())
            }
            "push_proxy" => {
                let proxy = settings.push_proxy.as_ref();
                self.optional(proxy.map(|proxy| without_password(proxy, self.words)), self.words.none)
            }
            "push_ca_file" => self.path(settings.push_ca_file.as_ref()),
            "push_subject" => self.optional(settings.push_subject.as_ref(), self.words.by_issuer),
            "places_file" => self.path(settings.places_file.as_ref()),
            "desktop_link" => match &settings.desktop {
                Some(Desktop::Link(link)) => self.of(link, true),
                _ => self.of(self.words.none, false),
            },
            "desktop_rdp_file" => match &settings.desktop {
                Some(Desktop::File(bytes)) => self.of(&with(self.words.bytes, &[&bytes.len().to_string()]), true),
                _ => self.of(self.words.none, false),
            },
            _ => return None,
        })
    }

    fn audit(&self, key: &str) -> Option<Told> {
        let settings = self.settings;
        let format = |format: AuditFormat| match format {
            AuditFormat::Json => "json",
            AuditFormat::Ocsf => "ocsf",
        };
        let of_format = |given: Option<AuditFormat>| {
            let told = given.filter(|format| *format != AuditFormat::default()).map(format);
            self.optional(told, format(AuditFormat::default()))
        };
        let (syslog, file) = (settings.audit_syslog.as_ref(), settings.audit_file.as_ref());
        Some(match key {
            "audit_checkpoint_minutes" => match settings.audit_checkpoint_seconds {
                None => self.of(self.words.on_request, true),
                Some(seconds) => self.of(&with(self.words.minutes, &[&(seconds / 60).to_string()]), seconds != 3_600),
            },
            "audit_checkpoint_file" => self.path(settings.audit_checkpoint_file.as_ref()),
            "audit_syslog" => {
                let told = syslog.map(|receiver| {
                    let scheme = if receiver.tls.is_some() { "tls" } else { "tcp" };
                    format!("{scheme}://{}:{}", receiver.host, receiver.port)
                });
                self.optional(told, self.words.none)
            }
            "audit_syslog_ca_file" => {
                self.path(syslog.and_then(|receiver| receiver.tls.as_ref()).and_then(|tls| tls.ca_file.as_ref()))
            }
            "audit_syslog_format" => of_format(syslog.map(|receiver| receiver.format)),
            "audit_file" => self.path(file.map(|file| &file.path)),
            "audit_file_format" => of_format(file.map(|file| file.format)),
            "log_format" => {
                let is_json = settings.log_format == LogFormat::Json;
                self.of(if is_json { "json" } else { "text" }, is_json)
            }
            "log" => self.of(&settings.log, settings.log != "info"),
            _ => return None,
        })
    }

    fn told(&self, key: &str) -> Option<Told> {
        let told = self.here(key).or_else(|| self.data(key)).or_else(|| self.people(key));
        told.or_else(|| self.push(key)).or_else(|| self.audit(key))
    }
}

/// Each key with what it means.
macro_rules! rows {
    ($teller:expr, $meanings:expr, $($key:ident)+) => {
        [$((stringify!($key), $meanings.$key)),+].into_iter().filter_map(|(key, meaning)| {
            let Told { value, is_set } = $teller.told(key)?;
            Some(Row { key, value, is_set, meaning })
        }).collect()
    };
}

/// All settings but those of the RADIUS front door.
pub(super) fn groups(app: &Inner, language: Language) -> Vec<Group> {
    of(&app.settings, language)
}

fn of(settings: &Settings, language: Language) -> Vec<Group> {
    let (words, meanings) = (Words::of(language), Meanings::of(language));
    let shell = crate::words::shell::Shell::of(language);
    let teller = Teller { settings, words, yes: shell.yes, no: shell.no };
    vec![
        Group {
            title: words.here,
            rows: rows!(teller, meanings, listen public_listen tls_certificate tls_key issuer name trusted_proxies),
        },
        Group {
            title: words.data,
            rows: rows!(teller, meanings, data_dir database_url database_unsafe_fsync_off master_key),
        },
        Group {
            title: words.people,
            rows: rows!(teller, meanings, domains protected_groups require_device_confirmation require_reasons
                dormant_after_days max_devices),
        },
        Group {
            title: words.push,
            rows: rows!(teller, meanings, push_allowed_hosts push_proxy push_ca_file push_subject),
        },
        Group { title: words.sign_in, rows: rows!(teller, meanings, places_file desktop_link desktop_rdp_file) },
        Group {
            title: words.audit,
            rows: rows!(teller, meanings, audit_checkpoint_minutes audit_checkpoint_file audit_syslog
                audit_syslog_ca_file audit_syslog_format audit_file audit_file_format),
        },
        Group { title: words.log, rows: rows!(teller, meanings, log_format log) },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_told_and_at_first_each_is_a_default() {
        let mut settings = Settings::for_data_dir(Path::new(DEFAULT_DATA_DIR));
        settings.listen = ([127, 0, 0, 1], 8080).into();
        for language in [Language::English, Language::German] {
            let rows: Vec<Row> = of(&settings, language).into_iter().flat_map(|group| group.rows).collect();
            let told: Vec<String> = rows.iter().map(|row| format!("GATEMATCH_{}", row.key.to_uppercase())).collect();
            for variable in crate::settings::variables() {
                assert!(told.contains(&variable), "{variable}");
            }
            let set: Vec<&str> = rows.iter().filter(|row| row.is_set).map(|row| row.key).collect();
            assert!(set.is_empty(), "{set:?}");
        }
    }
}
