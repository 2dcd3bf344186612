//! What a certificate says: until when it holds, and for which names.

use std::net::IpAddr;

use gatematch_protocol::time::Timestamp;
use rustls::pki_types::CertificateDer;
use url::{Host, Url};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectAltName, SubjectKeyIdentifier};
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::Time;

/// Any RSA key.
const RSA: &str = "1.2.840.113549.1.1.1";
/// P-256 and P-384.
const CURVES: [&str; 2] = ["1.2.840.10045.3.1.7", "1.3.132.0.34"];

/// What is read from a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// It holds from then on.
    pub(super) not_before: Timestamp,
    /// It holds until then.
    pub(super) not_after: Timestamp,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    /// Who certifies it, for people.
    pub(super) issued_by: String,
    /// The name of its key, and of the one that has signed it, where it says so.
    subject_key: Option<Vec<u8>>,
    issuer_key: Option<Vec<u8>>,
    /// The key that it certifies (SubjectPublicKeyInfo, DER).
    pub(super) public_key: Vec<u8>,
    /// Whether that is of a kind that every phone knows.
    pub(super) has_common_key: bool,
    names: Vec<String>,
    addresses: Vec<Vec<u8>>,
}

impl Certificate {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it, in the words of the decoder.
    pub(super) fn read(der: &CertificateDer<'_>) -> Result<Self, x509_cert::der::Error> {
        let whole = x509_cert::Certificate::from_der(der)?;
        let tbs = whole.tbs_certificate();
        let validity = tbs.validity();
        let (mut names, mut addresses) = (Vec::new(), Vec::new());
        let extension = tbs.get_extension::<SubjectAltName>()?;
        for name in extension.map(|(_, names)| names.0).unwrap_or_default() {
            match name {
                GeneralName::DnsName(name) => names.push(name.as_str().to_ascii_lowercase()),
                GeneralName::IpAddress(octets) => addresses.push(octets.as_bytes().to_vec()),
                _ => {}
            }
        }
        let subject_key = tbs.get_extension::<SubjectKeyIdentifier>()?.map(|(_, key)| key.0);
        let issuer_key = tbs.get_extension::<AuthorityKeyIdentifier>()?.and_then(|(_, key)| key.key_identifier);
        Ok(Self {
            not_before: moment(validity.not_before),
            not_after: moment(validity.not_after),
            subject: tbs.subject().to_der()?,
            issuer: tbs.issuer().to_der()?,
            issued_by: tbs.issuer().to_string(),
            subject_key: subject_key.map(|key| key.as_bytes().to_vec()),
            issuer_key: issuer_key.map(|key| key.as_bytes().to_vec()),
            public_key: tbs.subject_public_key_info().to_der()?,
            has_common_key: is_common(tbs.subject_public_key_info()),
            names,
            addresses,
        })
    }

    /// Whether it was certified by the holder of `other`, by the names of both and of the key.
    pub(super) fn is_issued_by(&self, other: &Self) -> bool {
        let is_other_key =
            self.issuer_key.is_some() && other.subject_key.is_some() && self.issuer_key != other.subject_key;
        self.issuer == other.subject && !is_other_key
    }

    /// Whether it certifies itself.
    pub(super) fn is_root(&self) -> bool {
        self.is_issued_by(self)
    }

    /// Whether whoever calls `issuer` takes it for the right one. An address without a host is nobody's.
    pub(super) fn covers(&self, issuer: &str) -> bool {
        let url = Url::parse(issuer).ok();
        match url.as_ref().and_then(Url::host) {
            Some(Host::Domain(host)) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                self.names.iter().any(|name| is_match(name.trim_end_matches('.'), &host))
            }
            Some(Host::Ipv4(address)) => self.has_address(address.into()),
            Some(Host::Ipv6(address)) => self.has_address(address.into()),
            None => false,
        }
    }

    fn has_address(&self, address: IpAddr) -> bool {
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        self.addresses.contains(&octets)
    }

    /// The names that it is for, for people.
    pub(super) fn told_names(&self) -> String {
        if self.names.is_empty() { "no DNS name".to_owned() } else { self.names.join(", ") }
    }
}

/// Whole days until `end`; negative when it is over.
pub(super) fn days_until(end: Timestamp, now: Timestamp) -> i64 {
    (end.numeric_date() - now.numeric_date()).div_euclid(86_400)
}

fn is_common(key: &SubjectPublicKeyInfoOwned) -> bool {
    let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
    let is_curve = |curve: ObjectIdentifier| CURVES.contains(&curve.to_string().as_str());
    key.algorithm.oid.to_string() == RSA || curve.is_some_and(is_curve)
}

/// RFC 9525 section 6.3: a star stands for one whole label, the leftmost.
fn is_match(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(rest) => host.split_once('.').is_some_and(|(label, parent)| !label.is_empty() && parent == rest),
        None => name == host,
    }
}

fn moment(time: Time) -> Timestamp {
    Timestamp::from_numeric_date(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        for (name, host, is) in [
            ("mfa.example.com", "mfa.example.com", true),
            ("mfa.example.com", "x.example.com", false),
            ("*.example.com", "mfa.example.com", true),
            ("*.example.com", "a.mfa.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("m*.example.com", "mfa.example.com", false),
        ] {
            assert_eq!(is_match(name, host), is, "{name} {host}");
        }
    }

    #[test]
    fn kinds_of_keys_that_not_every_phone_knows_are_known() {
        for (kind, is) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, true),
            (&rcgen::PKCS_ECDSA_P384_SHA384, true),
            (&rcgen::PKCS_ECDSA_P521_SHA512, false),
            (&rcgen::PKCS_ED25519, false),
            (&rcgen::PKCS_RSA_SHA256, true),
        ] {
            let key = rcgen::KeyPair::generate_for(kind).unwrap();
            let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
            assert_eq!(Certificate::read(made.der()).unwrap().has_common_key, is, "{kind:?}");
        }
    }

    #[test]
    fn it_is_read_as_it_was_made() {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = ["MFA.example.com", "*.example.org", "192.0.2.1", "2001:db8::1"].map(str::to_owned);
        let mut params = rcgen::CertificateParams::new(names.to_vec()).unwrap();
        params.not_before = rcgen::date_time_ymd(2027, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 2, 1);
        let made = params.self_signed(&key).unwrap();
        let read = Certificate::read(made.der()).unwrap();
        assert!(read.is_root());
        for issuer in [
            "https://mfa.example.com",
            "https://MFA.EXAMPLE.COM:8443/x",
            "https://a.example.org",
            "https://192.0.2.1:1",
            "https://[2001:db8::1]",
        ] {
            assert!(read.covers(issuer), "{issuer}");
        }
        for issuer in ["https://example.com", "https://a.b.example.org", "https://192.0.2.2", "https://[::1]", "", "x"]
        {
            assert!(!read.covers(issuer), "{issuer}");
        }
        let day = |seconds: i64| Timestamp::from_numeric_date(1_801_440_000 + seconds);
        assert_eq!((read.not_after, read.not_before), (day(0), day(-31 * 86_400)));
        assert_eq!([day(-86_400), day(-1), day(0), day(1)].map(|now| days_until(read.not_after, now)), [1, 0, 0, -1]);
        assert_eq!(read.told_names(), "mfa.example.com, *.example.org");
    }
}
