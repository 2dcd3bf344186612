//! What is sent to whoever connects: the certificate of the key, and those that certify it.

use gatematch_protocol::time::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::certificate::Certificate;
use super::pem;
use super::tls::TlsFault;
use crate::settings::TlsFiles;

type Read = (CertificateDer<'static>, Certificate);

/// The certificate of this key, then whoever certifies it, and so on. Files come in every order, and some with more in
/// them than belongs together; the root is left out, since whoever trusts it has it.
pub(super) struct Chain {
    /// All that is sent.
    pub(super) sent: Vec<CertificateDer<'static>>,
    /// The server's own.
    pub(super) own: Certificate,
    /// From then on all of them hold.
    pub(super) not_before: Timestamp,
    /// Until then all of them hold.
    pub(super) not_after: Timestamp,
    /// Whether the file holds a certificate of whoever certifies the server's own, if that is somebody else.
    pub(super) has_issuer: bool,
    /// What is wrong with parts of the file that were not needed.
    pub(super) skipped: Vec<String>,
}

impl Chain {
    /// Finds it in a file. Where several certificates are for the key, one that holds `now` is taken, and of those the
    /// one that ends last; and so for each that certifies another.
    ///
    /// # Errors
    /// [`TlsFault`]; whether it holds is not looked at.
    pub(super) fn of(
        file: &[u8],
        files: &TlsFiles,
        public_key: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Self, TlsFault> {
        let Parts { mut readable, faults } = Parts::of(file, files);
        let is_own = |read: &Certificate| public_key.is_none_or(|key| read.public_key == key);
        let Some((der, own)) = take_best(&mut readable, now, is_own) else {
            let other = || match readable.is_empty() {
                true => TlsFault::NoCertificate(files.certificate.clone()),
                false => TlsFault::Mismatch { certificate: files.certificate.clone(), key: files.key.clone() },
            };
            // It may be the key's that cannot be read.
            return Err(faults.into_iter().next().unwrap_or_else(other));
        };
        let mut chain = Self {
            sent: vec![der],
            not_before: own.not_before,
            not_after: own.not_after,
            has_issuer: own.is_root(),
            skipped: faults.iter().map(ToString::to_string).collect(),
            own,
        };
        let mut last = chain.own.clone();
        while !last.is_root() {
            let Some((der, read)) = take_best(&mut readable, now, |read| last.is_issued_by(read)) else { break };
            chain.has_issuer = true;
            if read.is_root() {
                break;
            }
            chain.sent.push(der);
            chain.not_before = chain.not_before.max(read.not_before);
            chain.not_after = chain.not_after.min(read.not_after);
            last = read;
        }
        Ok(chain)
    }
}

/// What a file holds.
struct Parts {
    readable: Vec<Read>,
    faults: Vec<TlsFault>,
}

impl Parts {
    fn of(file: &[u8], files: &TlsFiles) -> Self {
        let path = || files.certificate.clone();
        let mut parts = Self { readable: Vec::new(), faults: Vec::new() };
        for der in CertificateDer::pem_slice_iter(file) {
            let read = der.map_err(|fault| TlsFault::Broken { path: path(), what: pem::told(&fault) });
            let read = read.and_then(|der| match Certificate::read(&der) {
                Ok(read) => Ok((der, read)),
                Err(fault) => Err(TlsFault::Malformed { path: path(), what: fault.to_string() }),
            });
            match read {
                Ok(read) => parts.readable.push(read),
                Err(fault) => parts.faults.push(fault),
            }
        }
        parts
    }
}

/// Takes the best of those that fit: one that holds, then one that is no root (more phones can follow it), then the
/// one that ends last.
fn take_best(from: &mut Vec<Read>, now: Timestamp, fits: impl Fn(&Certificate) -> bool) -> Option<Read> {
    let worth = |read: &Certificate| (read.not_before <= now && now <= read.not_after, !read.is_root(), read.not_after);
    let fitting = from.iter().enumerate().filter(|(_, (_, read))| fits(read));
    let (best, _) = fitting.max_by_key(|(_, (_, read))| worth(read))?;
    Some(from.remove(best))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::*;

    const NOW: Timestamp = Timestamp::from_numeric_date(1_800_000_000);

    type Authority = CertifiedIssuer<'static, KeyPair>;

    /// What goes into the certificate of an authority that ends with this year.
    fn authority(name: &str, until: i32) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(until, 1, 1));
        params
    }

    fn root(name: &str) -> Authority {
        CertifiedIssuer::self_signed(authority(name, 2050), KeyPair::generate().unwrap()).unwrap()
    }

    fn middle(name: &str, until: i32, by: &Authority) -> Authority {
        CertifiedIssuer::signed_by(authority(name, until), KeyPair::generate().unwrap(), by).unwrap()
    }

    /// A server's certificate from and until these years.
    fn own(key: &KeyPair, (from, until): (i32, i32), by: &Authority) -> rcgen::Certificate {
        let mut params = CertificateParams::new(vec!["mfa.example.com".to_owned()]).unwrap();
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(until, 1, 1));
        params.signed_by(key, by).unwrap()
    }

    fn chain(parts: &[String], key: &KeyPair) -> Result<Chain, TlsFault> {
        let files = TlsFiles { certificate: PathBuf::from("own.pem"), key: PathBuf::from("own.key") };
        let public_key = rcgen::PublicKeyData::subject_public_key_info(key);
        Chain::of(parts.concat().as_bytes(), &files, Some(&public_key), NOW)
    }

    #[test]
    fn it_begins_with_the_certificate_of_the_key_whatever_the_order() {
        let (root, stranger) = (root("root"), root("stranger"));
        let middle = middle("middle", 2040, &root);
        let key = KeyPair::generate().unwrap();
        let own = own(&key, (2026, 2028), &middle);
        let found =
            chain(&["Bag Attributes: none\n".to_owned(), root.pem(), stranger.pem(), middle.pem(), own.pem()], &key);
        let found = found.unwrap();
        assert_eq!(found.sent, [own.der().clone(), middle.der().clone()]);
        assert!(found.own.covers("https://mfa.example.com") && !found.own.is_root());
        assert!(found.has_issuer && found.skipped.is_empty());
    }

    #[test]
    fn it_holds_as_long_as_each_of_it() {
        let root = root("root");
        let middle = middle("middle", 2029, &root);
        let key = KeyPair::generate().unwrap();
        let own = own(&key, (2021, 2040), &middle);
        let ends = |parts: &[String]| chain(parts, &key).unwrap().not_after.to_string();
        assert!(ends(&[own.pem()]).starts_with("2040-01-01"));
        assert!(ends(&[own.pem(), middle.pem()]).starts_with("2029-01-01"));
        assert!(ends(&[own.pem(), middle.pem(), root.pem()]).starts_with("2029-01-01"), "the root is not sent");
        let begins = chain(&[own.pem(), middle.pem()], &key).unwrap().not_before;
        assert!(begins.to_string().starts_with("2021-01-01"), "{begins}");
    }

    #[test]
    fn it_tells_whether_the_issuer_is_there() {
        let root = root("root");
        let (middle, other) = (middle("middle", 2040, &root), middle("middle", 2040, &root));
        let key = KeyPair::generate().unwrap();
        let own = own(&key, (2026, 2028), &middle);
        let by_root = self::own(&key, (2026, 2028), &root);
        for (parts, has) in [
            (vec![own.pem()], false),
            (vec![own.pem(), root.pem()], false),
            (vec![own.pem(), other.pem()], false),
            (vec![own.pem(), middle.pem()], true),
            (vec![by_root.pem(), root.pem()], true),
            (vec![by_root.pem()], false),
        ] {
            assert_eq!(chain(&parts, &key).unwrap().has_issuer, has);
        }
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_after = rcgen::date_time_ymd(2050, 1, 1);
        let alone = params.self_signed(&key).unwrap();
        assert!(chain(&[alone.pem()], &key).unwrap().has_issuer, "it is its own");
        // Two authorities of one name: the one whose key has signed is sent.
        let found = chain(&[own.pem(), other.pem(), middle.pem()], &key).unwrap();
        assert_eq!(found.sent, [own.der().clone(), middle.der().clone()]);
    }

    #[test]
    fn of_several_for_one_key_one_that_holds_and_ends_last_is_taken() {
        let root = root("root");
        let key = KeyPair::generate().unwrap();
        let made = [(2020, 2025), (2025, 2028), (2026, 2029), (2028, 2035)].map(|years| own(&key, years, &root));
        let [ended, holds, longer, not_yet] = made;
        for (parts, taken) in [
            ([&ended, &holds, &longer, &not_yet].as_slice(), &longer),
            (&[&not_yet, &longer, &holds, &ended], &longer),
            (&[&ended, &not_yet, &holds], &holds),
            (&[&ended, &not_yet], &not_yet),
            (&[&ended], &ended),
        ] {
            let parts: Vec<_> = parts.iter().map(|part| part.pem()).collect();
            assert_eq!(chain(&parts, &key).unwrap().sent, [taken.der().clone()]);
        }
    }

    #[test]
    fn of_several_issuers_one_that_holds_is_taken() {
        let root = root("root");
        let signer = KeyPair::generate().unwrap();
        let signed = |until| authority("middle", until).signed_by(&signer, &root).unwrap();
        let (ended, holds) = (signed(2025), signed(2040));
        let issuer = CertifiedIssuer::signed_by(authority("middle", 2025), signer, &root).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = own(&key, (2026, 2028), &issuer);
        for parts in [[&own, &ended, &holds], [&holds, &ended, &own]] {
            let found = chain(&parts.map(rcgen::Certificate::pem), &key).unwrap();
            assert_eq!(found.sent, [own.der().clone(), holds.der().clone()]);
        }
        let found = chain(&[own.pem(), ended.pem()], &key).unwrap();
        assert!(found.not_after.to_string().starts_with("2025-01-01"));
    }

    #[test]
    fn what_cannot_be_read_is_skipped_unless_it_is_the_keys() {
        let root = root("root");
        let key = KeyPair::generate().unwrap();
        let own = own(&key, (2026, 2028), &root).pem();
        let block = |text: &str| format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        let (damaged, broken) = (block("AAAA"), block("&SECRET&"));
        let found = chain(&[damaged.clone(), broken.clone(), own, root.pem()], &key).unwrap();
        assert!(found.has_issuer && found.sent.len() == 1);
        let [one, other] = <[String; 2]>::try_from(found.skipped).unwrap();
        assert!(one.contains("own.pem holds a certificate that cannot be understood"), "{one}");
        assert!(other.contains("not base64") && !other.contains("SECRET"), "{other}");
        for part in [damaged, broken] {
            let fault = chain(&[root.pem(), part], &key).map(|_| ()).unwrap_err();
            assert!(matches!(fault, TlsFault::Malformed { .. } | TlsFault::Broken { .. }), "{fault}");
        }
        assert!(matches!(chain(&[root.pem()], &key), Err(TlsFault::Mismatch { .. })));
        assert!(matches!(chain(&[], &key), Err(TlsFault::NoCertificate(_))));
    }
}
