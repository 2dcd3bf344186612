//! A syslog receiver at the other end of a connection.
//!
//! Syslog over TCP knows no acknowledgement (RFC 6587, section 3.1): what was written may lie in a buffer when the receiver
//! dies. So each batch goes over a connection of its own. When everything is written, our side is closed, and the batch
//! counts as delivered when the receiver closes its own: it does so when it has read to the end. A receiver that closes
//! earlier, or dies with something unread, which resets the connection, is sent the batch again.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use gatematch_protocol::time::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::SiemFault;
use crate::edge::{Clock, Pending};
use crate::settings::{Receiver, ReceiverTls};

/// A receiver has nothing to say: what it says beyond this, in bytes, is not listened to.
const MOST_HEARD: usize = 64 * 1024;
/// How long it is waited at least whether the other side closes too early, or has reset the connection, in microseconds.
const SHORTEST_PAUSE: i64 = 100_000;

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

    /// Connects, sees whether it is the right one, and leaves without a word.
    pub(super) async fn reach(&self) -> io::Result<()> {
        let mut tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        match &self.tls {
            None => tcp.shutdown().await,
            Some((connector, name)) => connector.connect(name.clone(), &mut tcp).await?.shutdown().await,
        }
    }

    /// Sends `bytes`, and returns when the receiver has read all of them.
    pub(super) async fn deliver(&self, bytes: &[u8], clock: &dyn Clock) -> io::Result<()> {
        let began = clock.now();
        let mut tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let way_and_back = clock.now().micros().saturating_sub(began.micros());
        let pause = || {
            clock.sleep_until(Timestamp::from_micros(
                clock.now().micros().saturating_add(way_and_back.saturating_mul(2).max(SHORTEST_PAUSE)),
            ))
        };
        match &self.tls {
            None => hand_over(&mut tcp, bytes, pause).await?,
            Some((connector, name)) => {
                hand_over(&mut connector.connect(name.clone(), &mut tcp).await?, bytes, pause).await?;
            }
        }
        // What was not read by somebody who closed is answered by a reset.
        tcp.take_error()?.map_or(Ok(()), Err)
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

/// Gives `bytes` to the other side. `pause` is longer than they take to get there, and an answer back.
async fn hand_over(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    bytes: &[u8],
    pause: impl Fn() -> Pending<'static, ()>,
) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    // Whoever closes before we do has not read to the end: he is going away, or never was there.
    tokio::select! {
        ended = until_end(stream) => {
            ended?;
            return Err(io::Error::new(ErrorKind::ConnectionAborted, "it closed the connection before it was told the end"));
        }
        () = pause() => {}
    }
    stream.shutdown().await?;
    until_end(stream).await?;
    pause().await;
    Ok(())
}

/// Waits until the other side has closed.
async fn until_end(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt as _;
    use tokio::io::duplex;

    use super::*;

    /// No time goes by.
    fn never() -> Pending<'static, ()> {
        Box::pin(pending())
    }

    /// Time goes by at once.
    fn soon() -> Pending<'static, ()> {
        Box::pin(ready(()))
    }

    #[tokio::test]
    async fn whoever_closes_before_he_was_told_the_end_has_nothing() {
        let (mut ours, mut theirs) = duplex(1_024);
        theirs.shutdown().await.unwrap();
        let error = hand_over(&mut ours, b"events", never).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn whoever_reads_to_the_end_and_closes_has_everything() {
        let (mut ours, mut theirs) = duplex(4);
        let reading = async move {
            let mut read = Vec::new();
            theirs.read_to_end(&mut read).await.unwrap();
            read
        };
        let (given, read) = tokio::join!(hand_over(&mut ours, b"many events", soon), reading);
        given.unwrap();
        assert_eq!(read, b"many events");
    }

    #[test]
    fn whoever_does_not_close_has_nothing_yet() {
        let (mut ours, theirs) = duplex(1_024);
        assert!(hand_over(&mut ours, b"events", soon).now_or_never().is_none());
        drop(theirs);
    }
}
