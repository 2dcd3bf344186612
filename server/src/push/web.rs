//! Web Push (RFC 8030): one HTTP request to the push service of a phone, in bounded time and memory.
//!
//! The push service is a stranger that an enrolled phone has named, from a list. So nothing that it says is followed or
//! read: no redirection, no cookie, no body. All that counts is its status and `Retry-After`.

mod answer;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gatematch_domain::push::{Allowed, PushHosts};
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Certificate, Client, Proxy, Response, redirect};

use super::address::{AddressGuard, Names};
use super::seal::{self, Recipient, SealFault};
use super::vapid::Vapid;
use super::{Delivery, Outcome, Parcel, letter};
use crate::edge::{Edge, Pending};
use crate::settings::Settings;

/// A body of at most so many bytes is taken off the connection, so that the next push can use it. A longer one, or one
/// that does not say how long it is, ends the connection.
const MOST_DRAINED_BYTES: u64 = 4_096;
/// How long taking it off may take.
const DRAIN_TIME: Duration = Duration::from_millis(250);
/// How many connections to one push service are kept for later, and how long.
const KEPT_CONNECTIONS: usize = 16;
const KEPT_TIME: Duration = Duration::from_secs(60);
/// The most headers of an answer. How long they may be together is hyper's limit, about 400 KiB for each try: only a host
/// that the configuration names could send so much, since the public push services are none of a phone's choosing.
const MAX_HEADERS: usize = 64;
/// The longest fault that is told, in characters.
const MOST_FAULT_CHARACTERS: usize = 240;

/// How long one try may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until there is a connection: the name, TCP and TLS.
    pub connect: Duration,
    /// In all, until the answer's headers are there.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(10) }
    }
}

/// Why there is no push client.
#[derive(Debug, thiserror::Error)]
pub enum WebPushFault {
    /// The file of certificates cannot be read.
    #[error("push_ca_file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There are no certificates in it.
    #[error("push_ca_file {0} holds no certificate in PEM")]
    NoCertificates(PathBuf),
    /// The client cannot be built.
    #[error("no client for push can be made: {0}; install the system's root certificates (ca-certificates)")]
    Client(String),
}

/// Pushes by Web Push.
pub struct WebPush {
    client: Client,
    hosts: PushHosts,
    vapid: Vapid,
    edge: Edge,
}

impl WebPush {
    /// Pushes to the hosts, through the proxy and by the certificates of `settings`.
    ///
    /// With a proxy, the proxy looks names up and connects, so it is the proxy that must keep away from what is inside;
    /// the endpoints are held against the list of hosts all the same.
    ///
    /// # Errors
    /// [`WebPushFault`].
    pub fn new(
        settings: &Settings,
        names: Arc<dyn Names>,
        vapid: Vapid,
        edge: Edge,
        limits: Limits,
    ) -> Result<Self, WebPushFault> {
        Ok(Self { client: client(settings, names, limits)?, hosts: settings.push_hosts.clone(), vapid, edge })
    }

    async fn push(&self, parcel: Parcel) -> Outcome {
        let Ok(Allowed { url, .. }) = self.hosts.check_endpoint(parcel.to.endpoint.reveal()) else {
            return Outcome::NotAllowed;
        };
        let sealed = Recipient::of(&parcel.to).and_then(|to| seal::seal(&to, parcel.text.as_bytes(), &self.edge));
        let body = match sealed {
            Ok(body) => body,
            Err(SealFault::Keys) => return Outcome::NotAllowed,
            Err(fault) => return Outcome::Broken { why: fault.to_string() },
        };
        let now = self.edge.now();
        let authorization = match self.vapid.authorization(&letter::origin(url.as_str()), now) {
            Ok(authorization) => authorization,
            Err(fault) => return Outcome::Broken { why: fault.to_string() },
        };
        let request = self
            .client
            .post(url)
            .header("TTL", parcel.good_until.since(now).as_secs().max(1))
            .header("Urgency", "high")
            .header("Topic", parcel.topic)
            .header(CONTENT_ENCODING, "aes128gcm")
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(AUTHORIZATION, authorization)
            .body(body);
        match request.send().await {
            Ok(response) => {
                let outcome = answer::outcome(response.status(), response.headers(), self.edge.now());
                drain(response).await;
                outcome
            }
            Err(error) => Outcome::Failed { why: told(&error) },
        }
    }
}

impl Delivery for WebPush {
    fn deliver(&self, parcel: Parcel) -> Pending<'_, Outcome> {
        Box::pin(self.push(parcel))
    }
}

/// The client by which push services are called, and nobody else.
///
/// # Errors
/// [`WebPushFault`].
pub(crate) fn client(settings: &Settings, names: Arc<dyn Names>, limits: Limits) -> Result<Client, WebPushFault> {
    let fault = |error: reqwest::Error| WebPushFault::Client(told(&error));
    let proxy_host = settings.push_proxy.as_ref().and_then(|url| url.host_str()).map(str::to_owned);
    let guard = AddressGuard::new(names, settings.push_hosts.clone(), proxy_host);
    let mut builder = Client::builder()
        .user_agent("gatematch")
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .dns_resolver(guard)
        // What the environment says about proxies is said about somebody else.
        .no_proxy()
        .http1_only()
        .http1_max_headers(MAX_HEADERS)
        .connect_timeout(limits.connect)
        .timeout(limits.total)
        .pool_max_idle_per_host(KEPT_CONNECTIONS)
        .pool_idle_timeout(KEPT_TIME);
    if let Some(url) = &settings.push_proxy {
        builder = builder.proxy(Proxy::all(url.clone()).map_err(fault)?);
    }
    if let Some(path) = &settings.push_ca_file {
        let pem = std::fs::read(path).map_err(|source| WebPushFault::Read { path: path.clone(), source })?;
        let none = || WebPushFault::NoCertificates(path.clone());
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|_| none())?;
        if certificates.is_empty() {
            return Err(none());
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(fault)
}

async fn drain(mut response: Response) {
    if response.content_length().is_some_and(|bytes| bytes > 0 && bytes <= MOST_DRAINED_BYTES) {
        // What it says, and whether that comes, changes nothing.
        let _ = tokio::time::timeout(DRAIN_TIME, async { while let Ok(Some(_)) = response.chunk().await {} }).await;
    }
}

/// A fault with its causes, without the endpoint, which is a secret.
pub(crate) fn told(error: &reqwest::Error) -> String {
    let mut text = match error {
        error if error.is_timeout() => "no answer in time",
        error if error.is_connect() => "no connection",
        error if error.is_builder() => "it cannot be built",
        _ => "no sound answer",
    }
    .to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(fault) = cause {
        text = format!("{text}: {fault}");
        cause = fault.source();
    }
    text.chars().filter(|c| !c.is_control()).take(MOST_FAULT_CHARACTERS).collect()
}

#[cfg(test)]
mod tests;
