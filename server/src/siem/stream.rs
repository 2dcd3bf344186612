//! A syslog receiver at the other end of a connection.
//!
//! Syslog over TCP knows no acknowledgement (RFC 6587, section 3.1): what was written may lie in a buffer when the receiver
//! dies. So each batch goes over a connection of its own. When everything is written, our side is closed, and the batch
//! counts as delivered when the receiver closes its own: it does so when it has read to the end. A receiver that dies with
//! something unread resets the connection instead, and the batch is sent again.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::SiemFault;
use crate::settings::{Receiver, ReceiverTls};

/// A receiver has nothing to say: what it says beyond this, in bytes, is not listened to.
const MOST_HEARD: usize = 64 * 1024;

/// How a receiver is reached.
pub(super) struct Stream {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Stream {
    /// To this receiver.
    ///
    /// # Errors
    /// [`SiemFault`] where nobody can be trusted.
    pub(super) fn to(receiver: &Receiver) -> Result<Self, SiemFault> {
        let host = receiver.host.clone();
        let tls = receiver.tls.as_ref().map(|tls| {
            let name = ServerName::try_from(host.clone()).map_err(|_| SiemFault::Name(host.clone()))?;
            Ok::<_, SiemFault>((TlsConnector::from(Arc::new(client(tls)?)), name))
        });
        Ok(Self { host, port: receiver.port, tls: tls.transpose()? })
    }

    /// Sends `bytes`, and returns when the receiver has read all of them.
    pub(super) async fn deliver(&self, bytes: &[u8]) -> io::Result<()> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        match &self.tls {
            None => hand_over(tcp, bytes).await,
            Some((connector, name)) => hand_over(connector.connect(name.clone(), tcp).await?, bytes).await,
        }
    }
}

/// What a TLS client is that trusts those in `tls`.
fn client(tls: &ReceiverTls) -> Result<ClientConfig, SiemFault> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(SiemFault::Tls)?;
    let Some(path) = &tls.ca_file else {
        return Ok(builder.with_platform_verifier().map_err(SiemFault::Tls)?.with_no_client_auth());
    };
    let pem = std::fs::read(path).map_err(|source| SiemFault::Read { path: path.clone(), source })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| SiemFault::NoCertificates(path.clone()))?;
        roots.add(certificate).map_err(SiemFault::Tls)?;
    }
    if roots.is_empty() {
        return Err(SiemFault::NoCertificates(path.clone()));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

async fn hand_over(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.shutdown().await?;
    let mut heard = 0;
    let mut buffer = [0; 1_024];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => return Ok(()),
            Ok(count) => heard += count,
            // Receivers close the connection without the goodbye of TLS. It is closed all the same, and not reset.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
        if heard > MOST_HEARD {
            return Err(io::Error::new(ErrorKind::InvalidData, "it talks in place of listening"));
        }
    }
}
