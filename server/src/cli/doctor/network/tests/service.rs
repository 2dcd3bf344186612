//! Somebody to call: by TLS or without, and a proxy before him.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Certifies.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "Example Authority");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Believes what it has certified, and nothing else.
    pub(super) fn judge(&self) -> Arc<dyn ServerCertVerifier> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap()
    }

    /// What a server for these names serves with, from the first day of one year to that of another.
    pub(super) fn certify(&self, names: &[&str], (from, until): (i32, i32)) -> Arc<ServerConfig> {
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        let key = KeyPair::generate().unwrap();
        let own = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_no_client_auth().with_single_cert(vec![own.der().clone()], key).unwrap())
    }
}

/// Answers each path with a text, and all others with 404; its clock stands in 1994.
pub(super) struct Service {
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    pub(super) async fn start(tls: Option<Arc<ServerConfig>>, answers: &[(&'static str, &str)]) -> Self {
        Self::on(std::net::TcpListener::bind("127.0.0.1:0").unwrap(), tls, answers)
    }

    pub(super) fn on(
        listener: std::net::TcpListener,
        tls: Option<Arc<ServerConfig>>,
        answers: &[(&'static str, &str)],
    ) -> Self {
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers: Arc<Vec<_>> = Arc::new(answers.iter().map(|(path, body)| (*path, (*body).to_owned())).collect());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, answers) = (tls.clone(), Arc::clone(&answers));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &answers).await,
                        Some(tls) => {
                            let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else { return };
                            serve(stream, &answers).await;
                        }
                    }
                });
            }
        });
        Self { port, task }
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answers: &[(&'static str, String)]) {
    while let Some(head) = head(&mut stream).await {
        let Some(path) = head.split(' ').nth(1) else {
            // Not HTTP: whoever speaks TLS to it sees that it does not.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
            return;
        };
        let found = answers.iter().find(|(known, _)| *known == path);
        let (status, body) = found.map_or(("404 Not Found", ""), |(_, body)| ("200 OK", body.as_str()));
        let length = body.len();
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let text = format!("HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Length: {length}\r\n\r\n{body}");
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The head of a request, or the first bytes of what is none.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
        if bytes.first() == Some(&0x16) {
            return Some(String::new());
        }
    }
    String::from_utf8(bytes).ok()
}

/// A proxy that connects whoever asks, for whatever host, to this port of this machine, or refuses.
pub(super) async fn proxy(to: Option<u16>) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let Some(asked) = head(&mut stream).await else { return };
                let Some(to) = to.filter(|_| asked.starts_with("CONNECT ")) else {
                    let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
                    return;
                };
                let mut inside = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                let _ = copy_bidirectional(&mut stream, &mut inside).await;
            });
        }
    });
    (port, task)
}
