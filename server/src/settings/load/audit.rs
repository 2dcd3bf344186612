//! What the audit log is signed for, and who is sent it.

use super::{Given, Sources};
use crate::settings::check::{self, Reason};
use crate::settings::{AuditFormat, LogFile, ReceiverTls, Settings, SettingsFault};

impl Sources<'_> {
    /// How often the audit log is signed, and who has a copy of it.
    pub(super) fn audit(
        &self,
        minutes: Option<i64>,
        syslog: [Option<String>; 3],
        [checkpoints, file, format]: [Option<String>; 3],
        settings: &mut Settings,
    ) -> Result<(), SettingsFault> {
        if let Some(given) = self.text("audit_checkpoint_file", checkpoints) {
            settings.audit_checkpoint_file = Some(given.place(&given.value));
        }
        if let Some(given) = self.parsed("audit_checkpoint_minutes", minutes, check::integer)? {
            settings.audit_checkpoint_seconds = given.checked(|minutes| check::checkpoint_minutes(*minutes))?;
        }
        self.syslog(syslog, settings)?;
        let format = self.format("audit_file_format", format)?;
        match (self.text("audit_file", file), format) {
            (Some(given), format) => {
                let format = format.map(|given| given.value).unwrap_or_default();
                settings.audit_file = Some(LogFile { path: given.place(&given.value), format });
                Ok(())
            }
            (None, Some(format)) => Err(format.origin.fault(check::alone("audit_file"))),
            (None, None) => Ok(()),
        }
    }

    fn syslog(
        &self,
        [receiver, authority, format]: [Option<String>; 3],
        settings: &mut Settings,
    ) -> Result<(), SettingsFault> {
        let format = self.format("audit_syslog_format", format)?;
        let authority = self.text("audit_syslog_ca_file", authority);
        let Some(given) = self.text("audit_syslog", receiver) else {
            let lonely = authority.map(|given| given.origin).or(format.map(|given| given.origin));
            return lonely.map_or(Ok(()), |origin| Err(origin.fault(check::alone("audit_syslog"))));
        };
        let mut receiver = given.checked(|text| check::receiver(text))?;
        receiver.format = format.map(|given| given.value).unwrap_or_default();
        match (authority, &mut receiver.tls) {
            (Some(given), Some(tls)) => *tls = ReceiverTls { ca_file: Some(given.place(&given.value)) },
            (Some(given), None) => return Err(given.origin.fault(check::not_tls())),
            (None, _) => {}
        }
        settings.audit_syslog = Some(receiver);
        Ok(())
    }

    fn format(&self, key: &'static str, in_file: Option<String>) -> Result<Option<Given<AuditFormat>>, SettingsFault> {
        let Some(given) = self.text(key, in_file) else { return Ok(None) };
        let value = given.checked(|word| audit_format(word))?;
        Ok(Some(Given { value, origin: given.origin }))
    }
}

fn audit_format(word: &str) -> Result<AuditFormat, Reason> {
    match word {
        "json" => Ok(AuditFormat::Json),
        "ocsf" => Ok(AuditFormat::Ocsf),
        _ => Err(check::no_format(word)),
    }
}
