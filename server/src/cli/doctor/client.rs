//! A client that looks at whoever answers: it keeps the certificate that it was shown, also where it is not believed.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatematch_protocol::time::Timestamp;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response, StatusCode, redirect};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use serde::de::DeserializeOwned;

use crate::push::address::Names;
use crate::push::web::told;

/// The longest answer that is read.
const MOST_BYTES: usize = 64 * 1024;

/// Who is believed to be the right one.
#[derive(Clone)]
pub(super) enum Trust {
    /// Whoever the system trusts, as a phone would.
    System,
    /// Everybody: only to see who is there, and to tell him nothing.
    Anybody,
    /// Whoever this one believes: tests have an authority of their own.
    #[cfg(test)]
    Given(Arc<dyn ServerCertVerifier>),
}

/// Looks at certificates for somebody else, and remembers the last.
#[derive(Debug)]
pub(super) struct Witness {
    believes: Option<Arc<dyn ServerCertVerifier>>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<CertificateDer<'static>>>,
}

impl Witness {
    /// The certificate that was shown last.
    pub(super) fn seen(&self) -> Option<CertificateDer<'static>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(own.clone().into_owned());
        let anybody = || Ok(ServerCertVerified::assertion());
        self.believes.as_ref().map_or_else(anybody, |judge| judge.verify_server_cert(own, others, name, ocsp, now))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The resolver of the client.
struct Resolver(Arc<dyn Names>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.addresses(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            // Port 0 stands for the port of the address that is called.
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Calls an address and looks at who answers.
pub(super) struct Caller {
    client: Client,
    pub(super) witness: Arc<Witness>,
}

/// What was answered.
pub(super) struct Answer<T> {
    pub(super) status: StatusCode,
    /// By the clock of whoever answered.
    pub(super) date: Option<Timestamp>,
    /// The body, where it is what was expected.
    pub(super) body: Option<T>,
}

impl Caller {
    /// One that waits so long.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub(super) fn new(names: Arc<dyn Names>, trust: &Trust, patience: Duration) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let fault = |error: Error| format!("{error}; install the system's root certificates (ca-certificates)");
        let believes: Option<Arc<dyn ServerCertVerifier>> = match trust {
            Trust::Anybody => None,
            #[cfg(test)]
            Trust::Given(judge) => Some(Arc::clone(judge)),
            Trust::System => {
                Some(Arc::new(rustls_platform_verifier::Verifier::new(Arc::clone(&provider)).map_err(fault)?))
            }
        };
        let witness = Arc::new(Witness { believes, provider: Arc::clone(&provider), seen: Mutex::default() });
        let shared: Arc<dyn ServerCertVerifier> = Arc::<Witness>::clone(&witness);
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(fault)?.dangerous().with_custom_certificate_verifier(shared).with_no_client_auth();
        let builder = Client::builder().user_agent("gatematch").redirect(redirect::Policy::none()).no_proxy();
        let builder = builder.retry(reqwest::retry::never()).http1_only().connect_timeout(patience).timeout(patience);
        let builder = builder.dns_resolver(Resolver(names)).tls_backend_preconfigured(config);
        Ok(Self { client: builder.build().map_err(|error| told(&error))?, witness })
    }

    /// What stands at `url`.
    ///
    /// # Errors
    /// Why nobody answered, in words.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<Answer<T>, String> {
        let mut response = self.client.get(url).send().await.map_err(|error| told(&error))?;
        let mut bytes = Vec::new();
        while let Ok(Some(part)) = response.chunk().await {
            bytes.extend_from_slice(&part);
            if bytes.len() > MOST_BYTES {
                break;
            }
        }
        Ok(Answer { status: response.status(), date: date(&response), body: serde_json::from_slice(&bytes).ok() })
    }
}

/// What time it is by the clock of whoever answered.
pub(super) fn date(response: &Response) -> Option<Timestamp> {
    Timestamp::from_http_date(response.headers().get(reqwest::header::DATE)?.to_str().ok()?)
}
