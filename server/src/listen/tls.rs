//! A certificate and its key: read from their files, compared, and made into what a listener serves TLS with.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatematch_protocol::secret::sha256;
use gatematch_protocol::time::Timestamp;
use rustix::fs::OFlags;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use zeroize::Zeroizing;

use super::chain::Chain;
use super::pem;
use crate::settings::TlsFiles;

/// The longest file that is read: a chain has some kilobytes.
const MOST_BYTES: u64 = 1024 * 1024;

/// How a file that is PKCS #12 in place of PEM is turned into one.
const TO_PEM: &str =
    "A .pfx file becomes one by: openssl pkcs12 -in company.pfx -nodes -out gatematch.pem (docs/https.md).";

/// Why a certificate and a key are no good.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is something else than a file; reading it may never end.
    #[error("{0} is no file")]
    NoFile(PathBuf),
    /// The files are on a disk that does not answer.
    #[error("{0} could not be read in time")]
    TooSlow(PathBuf),
    /// It is text of Windows.
    #[error("{0} is written in UTF-16, and PEM is ASCII")]
    Utf16(PathBuf),
    /// A block of PEM is damaged.
    #[error("{path} is damaged PEM: {what}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong; nothing of what stands in the file.
        what: &'static str,
    },
    /// There is no certificate in the file.
    #[error("{0} holds no certificate in PEM (BEGIN CERTIFICATE)")]
    NoCertificate(PathBuf),
    /// A certificate cannot be understood.
    #[error("{path} holds a certificate that cannot be understood: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        what: String,
    },
    /// There is no key in the file.
    #[error("{0} holds no private key in PEM (BEGIN PRIVATE KEY)")]
    NoKey(PathBuf),
    /// The key is locked by a password.
    #[error("the private key in {0} is locked by a password, and nobody is there to type it")]
    LockedKey(PathBuf),
    /// The key is of a kind that is not served with.
    #[error("the private key in {path} cannot be used: {source}")]
    BadKey {
        /// The file.
        path: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
    /// Key and certificate belong to others.
    #[error("the private key in {key} is not that of the certificate in {certificate}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate has ended.
    #[error("the certificate in {path} has ended at {at}")]
    Expired {
        /// The file.
        path: PathBuf,
        /// When.
        at: Timestamp,
    },
    /// One that is sent with the certificate has ended.
    #[error("a certificate in {path} that certifies the server's has ended at {at}: phones would refuse both")]
    ChainExpired {
        /// The file.
        path: PathBuf,
        /// When.
        at: Timestamp,
    },
    /// The certificate does not hold yet.
    #[error("the certificate in {path} does not hold before {at}")]
    NotYet {
        /// The file.
        path: PathBuf,
        /// From when on it does.
        at: Timestamp,
    },
    /// rustls does not take them.
    #[error("the certificate in {path} cannot be served with: {source}")]
    Refused {
        /// The certificate's file.
        path: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

impl TlsFault {
    /// What to do about it.
    #[must_use]
    pub const fn todo(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => {
                "Check tls_certificate and tls_key, and that the account that runs the server may read the files."
            }
            Self::NoFile(_) => "Name files in tls_certificate and tls_key.",
            Self::TooSlow(_) => "Check the disk that they are on.",
            Self::Utf16(_) => "Write it anew: iconv -f UTF-16 -t UTF-8 old.pem > gatematch.pem",
            Self::Broken { .. } => "Copy or export it again: something was lost or changed on the way.",
            Self::NoCertificate(_) | Self::Malformed { .. } | Self::NoKey(_) => TO_PEM,
            Self::LockedKey(_) => "Write it without the password: openssl pkey -in locked.key -out gatematch.key",
            Self::BadKey { .. } | Self::Refused { .. } => {
                "Use a certificate with an RSA key of 2048 bits or more, or with one on P-256 or P-384."
            }
            Self::Mismatch { .. } => "Name the two files that were made together in tls_certificate and tls_key.",
            Self::Expired { .. } => "Renew it, or name another one in tls_certificate and tls_key.",
            Self::ChainExpired { .. } => "Get the full chain of the authority again, and leave out what has ended.",
            Self::NotYet { .. } => "Check this machine's clock, or name another one in tls_certificate and tls_key.",
        }
    }
}

/// What stands in the files.
pub(super) struct Contents {
    certificate: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
}

impl Contents {
    /// Reads both files.
    pub(super) fn read(files: &TlsFiles) -> Result<Self, TlsFault> {
        Ok(Self { certificate: contents(&files.certificate)?, key: contents(&files.key)? })
    }

    /// Two that are equal have one digest.
    pub(super) fn digest(&self) -> String {
        sha256(format!("{} {}", sha256(&*self.certificate), sha256(&*self.key)))
    }
}

/// The text of a file. Nobody is waited for who may write into a pipe some day.
fn contents(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsFault> {
    let unreadable = |source| TlsFault::Unreadable { path: path.to_owned(), source };
    let at_once = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(at_once).open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(TlsFault::NoFile(path.to_owned()));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    if pem::is_utf16(&bytes) {
        return Err(TlsFault::Utf16(path.to_owned()));
    }
    Ok(pem::without_marks(&bytes))
}

/// Whether others than the owner and the group can read the key; a file that cannot be looked at is not said to be.
pub(super) fn is_open_to_others(key: &Path) -> bool {
    std::fs::metadata(key).is_ok_and(|found| found.permissions().mode() & 0o007 != 0)
}

/// A certificate with its key, ready to serve with.
pub(super) struct Pair {
    /// What rustls serves with.
    pub(super) config: Arc<ServerConfig>,
    /// What is sent.
    pub(super) chain: Chain,
}

impl Pair {
    /// Makes one of what stands in the files.
    ///
    /// # Errors
    /// [`TlsFault`]; one that does not hold `now` is none.
    pub(super) fn of(contents: &Contents, files: &TlsFiles, now: Timestamp) -> Result<Self, TlsFault> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = private_key(contents, files)?;
        let public_key = public_key(&key, &provider, files)?;
        let chain = Chain::of(&contents.certificate, files, public_key.as_deref(), now)?;
        let path = || files.certificate.clone();
        if chain.own.not_after < now {
            return Err(TlsFault::Expired { path: path(), at: chain.own.not_after });
        }
        if chain.not_after < now {
            return Err(TlsFault::ChainExpired { path: path(), at: chain.not_after });
        }
        if chain.not_before > now {
            return Err(TlsFault::NotYet { path: path(), at: chain.not_before });
        }
        let refused = |source| TlsFault::Refused { path: path(), source };
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(refused)?;
        let mut config = builder.with_no_client_auth().with_single_cert(chain.sent.clone(), key).map_err(refused)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), chain })
    }
}

fn private_key(contents: &Contents, files: &TlsFiles) -> Result<PrivateKeyDer<'static>, TlsFault> {
    let path = files.key.clone();
    let mut broken = None;
    // What is damaged may be a certificate that stands before the key.
    for found in PrivateKeyDer::pem_slice_iter(&contents.key) {
        match found {
            Ok(key) => return Ok(key),
            Err(fault) => broken = broken.or(Some(pem::told(&fault))),
        }
    }
    let locked = [&b"ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"];
    let has = |mark: &[u8]| contents.key.windows(mark.len()).any(|found| found == mark);
    if locked.into_iter().any(has) {
        return Err(TlsFault::LockedKey(path));
    }
    Err(broken.map_or_else(|| TlsFault::NoKey(files.key.clone()), |what| TlsFault::Broken { path, what }))
}

/// The public key that belongs to a private one, as certificates have it.
fn public_key(
    key: &PrivateKeyDer<'static>,
    provider: &CryptoProvider,
    files: &TlsFiles,
) -> Result<Option<Vec<u8>>, TlsFault> {
    let loaded = provider.key_provider.load_private_key(key.clone_key());
    let loaded = loaded.map_err(|source| TlsFault::BadKey { path: files.key.clone(), source })?;
    Ok(loaded.public_key().map(|key| key.to_vec()))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};

    use super::*;

    const NOW: Timestamp = Timestamp::from_numeric_date(1_800_000_000);

    fn files() -> TlsFiles {
        TlsFiles { certificate: PathBuf::from("own.pem"), key: PathBuf::from("own.key") }
    }

    fn pair(certificate: &str, key: &str, now: Timestamp) -> Result<Pair, TlsFault> {
        let [certificate, key] = [certificate, key].map(|text| pem::without_marks(text.as_bytes()));
        let contents = Contents { certificate, key };
        Pair::of(&contents, &files(), now)
    }

    #[test]
    fn one_file_may_hold_both() {
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["mfa.example.com".to_owned()]).unwrap().self_signed(&key).unwrap();
        let one = format!("\u{feff}{}\u{feff}{}", key.serialize_pem(), own.pem());
        let made = pair(&one, &one, NOW).unwrap();
        assert_eq!(made.config.alpn_protocols, [&b"h2"[..], b"http/1.1"]);
    }

    #[test]
    fn a_chain_that_has_ended_is_told() {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "root");
        let root = CertifiedIssuer::self_signed(params.clone(), KeyPair::generate().unwrap()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "middle");
        params.not_after = rcgen::date_time_ymd(2026, 1, 1);
        let middle = CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &root).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(Vec::new()).unwrap().signed_by(&key, &middle).unwrap();
        let told = |pem: &str| pair(pem, &key.serialize_pem(), NOW).map(|_| ()).map_err(|fault| fault.to_string());
        assert_eq!(told(&own.pem()), Ok(()));
        let fault = told(&format!("{}{}", own.pem(), middle.pem())).unwrap_err();
        assert!(fault.contains("certifies the server's has ended at 2026-01-01"), "{fault}");
    }

    #[test]
    fn only_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        for path in [pipe, dir.path().to_owned()] {
            let files = TlsFiles { certificate: path.clone(), key: path };
            let fault = Contents::read(&files).map(|_| ()).unwrap_err();
            assert!(matches!(fault, TlsFault::NoFile(_)), "{fault}");
        }
    }

    #[test]
    fn what_cannot_be_served_with_is_told() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["mfa.example.com".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2027, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 2, 1);
        let own = params.self_signed(&key).unwrap().pem();
        let other = KeyPair::generate().unwrap().serialize_pem();
        let key = key.serialize_pem();
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let cut_off = key.lines().take(2).collect::<Vec<_>>().join("\n");
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let at = Timestamp::from_numeric_date;
        assert!(pair(&own, &key, NOW).is_ok());
        for (certificate, key, now, told) in [
            (&*own, &*key, at(1_801_440_001), "has ended at 2027-02-01"),
            (&own, &key, at(1_798_761_599), "does not hold before 2027-01-01"),
            (&own, &other, NOW, "own.key is not that of the certificate in own.pem"),
            (&own, "", NOW, "own.key holds no private key"),
            (&own, &own, NOW, "own.key holds no private key"),
            (&own, locked, NOW, "locked by a password"),
            (&own, &cut_off, NOW, "own.key is damaged PEM: a block has a BEGIN line, and no END"),
            (&cut_off, &key, NOW, "own.pem is damaged PEM: a block has"),
            ("", &key, NOW, "own.pem holds no certificate"),
            (&key, &key, NOW, "own.pem holds no certificate"),
            (damaged, &key, NOW, "cannot be understood"),
        ] {
            let fault = pair(certificate, key, now).map(|_| ()).unwrap_err();
            assert!(fault.to_string().contains(told), "{fault}");
            assert!(!fault.todo().is_empty());
        }
    }
}
