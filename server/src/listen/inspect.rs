//! A look at a certificate, for whoever wants to know whether phones will take it.

use gatematch_protocol::time::Timestamp;
use rustls::pki_types::CertificateDer;

use super::certificate::{Certificate, days_until};
use super::tls::{Contents, Pair, TlsFault, is_open_to_others};
use crate::settings::TlsFiles;

/// What a certificate says, for people.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// It holds until then.
    pub(crate) until: Timestamp,
    /// The names that it is for.
    pub(crate) names: String,
    /// Who certifies it.
    pub(crate) issued_by: String,
    /// Whether it certifies itself.
    pub(crate) is_root: bool,
    whole: Certificate,
}

impl Shown {
    /// Whether whoever calls the address `issuer` takes it for the right one.
    pub(crate) fn covers(&self, issuer: &str) -> bool {
        self.whole.covers(issuer)
    }

    /// How many whole days are left; negative when it is over.
    pub(crate) fn days_left(&self, now: Timestamp) -> i64 {
        days_until(self.until, now)
    }

    fn of(whole: Certificate) -> Self {
        Self {
            until: whole.not_after,
            names: whole.told_names(),
            issued_by: whole.issued_by.clone(),
            is_root: whole.is_root(),
            whole,
        }
    }
}

/// What a certificate that somebody has sent says; `None` where it cannot be read.
pub(crate) fn shown(der: &CertificateDer<'_>) -> Option<Shown> {
    Certificate::read(der).ok().map(Shown::of)
}

/// What the files hold that TLS is served with.
pub(crate) struct Inspected {
    /// The server's own certificate.
    pub(crate) own: Shown,
    /// The same, as it is sent.
    pub(crate) der: CertificateDer<'static>,
    /// All that is sent holds until then.
    pub(crate) until: Timestamp,
    /// Whether a certificate of whoever certifies it is sent along.
    pub(crate) has_issuer: bool,
    /// Whether its key is of a kind that every phone knows.
    pub(crate) has_common_key: bool,
    /// What is wrong with parts of the file that were not needed.
    pub(crate) skipped: Vec<String>,
    /// Whether everybody on this machine can read the key.
    pub(crate) is_key_open: bool,
}

/// Reads the files as the listeners do.
///
/// # Errors
/// [`TlsFault`]: with these files, nothing is served.
pub(crate) fn inspect(files: &TlsFiles, now: Timestamp) -> Result<Inspected, TlsFault> {
    let chain = Pair::of(&Contents::read(files)?, files, now)?.chain;
    let der = chain.sent.first().cloned().ok_or_else(|| TlsFault::NoCertificate(files.certificate.clone()))?;
    Ok(Inspected {
        has_common_key: chain.own.has_common_key,
        own: Shown::of(chain.own),
        der,
        until: chain.not_after,
        has_issuer: chain.has_issuer,
        skipped: chain.skipped,
        is_key_open: is_open_to_others(&files.key),
    })
}
