//! A thin HTTP client: what is sent is what was asked for.

use std::time::Duration;

use gatematch_protocol::problem::{MEDIA_TYPE, ProblemDocument};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// Longer than the longest wait that the server offers (60 s).
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Less than the 10 s for which the server keeps an idle connection: none is used that it closes at that moment.
const IDLE_TIMEOUT: Duration = Duration::from_secs(8);
/// An answer that is longer is not read on.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// A connection to one server. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    client: reqwest::Client,
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/1.1, on as many connections as there are requests at once.
    #[default]
    Http1,
    /// HTTP/2, on one connection: by ALPN over TLS, by prior knowledge without.
    Http2,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Opened(reqwest::Response);

impl Api {
    /// A client of the server at `base`, such as `http://127.0.0.1:8080`. It follows no redirects and uses no
    /// proxy; nothing is connected yet.
    ///
    /// # Errors
    /// [`Failure::Address`] when `base` is none, [`Failure::Transport`] when TLS cannot be set up.
    pub fn new(base: &str) -> Result<Self, Failure> {
        Self::with(base, None, Speaks::Http1)
    }

    /// A client of the server at `base` that takes no other certificates than those that `authority` (PEM) has signed,
    /// or is.
    ///
    /// # Errors
    /// As [`Api::new`]; [`Failure::Transport`] when `authority` is no certificate.
    pub fn trusting(base: &str, authority: &str) -> Result<Self, Failure> {
        Self::with(base, Some(authority), Speaks::Http1)
    }

    /// A client of the server at `base` that speaks this version of HTTP and no other, and takes no other certificates
    /// than those of `authority` (PEM) where one is given.
    ///
    /// # Errors
    /// As [`Api::trusting`].
    pub fn with(base: &str, authority: Option<&str>, speaks: Speaks) -> Result<Self, Failure> {
        let authority = authority.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes())).transpose();
        let authority = authority.map_err(|fault| Failure::Transport(told(&fault)))?;
        let base = base.trim_end_matches('/');
        let url = reqwest::Url::parse(base).map_err(|fault| Failure::Address(format!("{base}: {fault}")))?;
        let builder = reqwest::Client::builder()
            .user_agent(concat!("gatematch-sim/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true);
        let builder = match speaks {
            Speaks::Http1 => builder.http1_only(),
            Speaks::Http2 => builder.http2_prior_knowledge(),
        };
        let builder = match url.scheme() {
            "https" => {
                let builder = builder.https_only(true);
                if let Some(authority) = authority { builder.tls_certs_only([authority]) } else { builder }
            }
            // Without TLS the system's certificates need not be there, nor be read.
            "http" => builder.tls_certs_only([]),
            other => {
                return Err(Failure::Address(format!("{base}: {other} is neither http nor https")));
            }
        };
        let client = builder.build().map_err(|fault| Failure::Transport(told(&fault)))?;
        Ok(Self { base: base.to_owned(), client })
    }

    /// The address that requests go to, without trailing slash.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends just this: no header is added but `Host`, `User-Agent`, `Accept` and the body's length. `path`
    /// may have a query; a header may stand twice.
    ///
    /// # Errors
    /// [`Failure::Transport`]; every answer, whatever its status, is an [`Answer`].
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, Failure> {
        let request = self.request(method, path, headers)?;
        let request = if body.is_empty() { request } else { request.body(body) };
        Opened(request.send().await.map_err(|fault| Failure::Transport(told(&fault)))?).read().await
    }

    /// Gets an answer whose body comes little by little, within `lifetime` in all. The same headers are sent as
    /// with [`Api::raw`].
    ///
    /// # Errors
    /// [`Failure::Transport`].
    pub async fn open(&self, path: &str, headers: &[(&str, &str)], lifetime: Duration) -> Result<Opened, Failure> {
        let request = self.request("GET", path, headers)?.timeout(lifetime);
        request.send().await.map(Opened).map_err(|fault| Failure::Transport(told(&fault)))
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<reqwest::RequestBuilder, Failure> {
        let method = reqwest::Method::from_bytes(method.as_bytes())
            .map_err(|_| Failure::Transport(format!("{method:?} is no HTTP method")))?;
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            let header =
                HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_bytes(value.as_bytes()).ok());
            let (name, value) =
                header.ok_or_else(|| Failure::Transport(format!("the header {name} cannot be sent")))?;
            request = request.header(name, value);
        }
        Ok(request)
    }

    /// Sends a body as `application/json`, or no body at all.
    ///
    /// # Errors
    /// As [`Api::raw`].
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Failure> {
        let mut headers = headers.to_vec();
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.raw(method, path, &headers, body.unwrap_or_default()).await
    }

    /// Gets a public JSON document.
    ///
    /// # Errors
    /// [`Failure`] for a refusal, no answer, or another document.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call("GET", path, &[], None).await?.json()
    }
}

impl Opened {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// The next part of the body; `None` at its end.
    ///
    /// # Errors
    /// [`Failure::Transport`].
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let chunk = self.0.chunk().await.map_err(|fault| Failure::Transport(told(&fault)))?;
        Ok(chunk.map(|chunk| chunk.to_vec()))
    }

    /// The whole answer.
    ///
    /// # Errors
    /// [`Failure::Transport`], or [`Failure::Unexpected`] for one that is far too long.
    pub async fn read(mut self) -> Result<Answer, Failure> {
        let mut answer = Answer { status: self.status(), headers: self.0.headers().clone(), body: Vec::new() };
        while let Some(chunk) = self.chunk().await? {
            if answer.body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(Failure::unexpected(answer.status, "the answer is far too long"));
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

impl Answer {
    /// The JSON document of a success.
    ///
    /// # Errors
    /// [`Failure::Problem`] for a refusal, [`Failure::Unexpected`] for anything else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.success()?;
        serde_json::from_slice(&self.body).map_err(|fault| Failure::unexpected(self.status, fault.to_string()))
    }

    /// Nothing, where the status is 2xx.
    ///
    /// # Errors
    /// As [`Answer::json`].
    pub fn success(&self) -> Result<(), Failure> {
        if (200..300).contains(&self.status) {
            return Ok(());
        }
        match self.problem() {
            Some(problem) => Err(Failure::Problem(Box::new(problem))),
            None => Err(Failure::unexpected(self.status, "neither a success nor a problem document")),
        }
    }

    /// The problem document: of the right media type, and with the status that the answer has.
    #[must_use]
    pub fn problem(&self) -> Option<ProblemDocument> {
        let media_type = self.header(CONTENT_TYPE.as_str())?.split(';').next()?.trim();
        let problem: ProblemDocument = serde_json::from_slice(&self.body).ok()?;
        (media_type == MEDIA_TYPE && problem.status == self.status).then_some(problem)
    }

    /// A header's value, where it is there and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A body of JSON.
///
/// # Errors
/// [`Failure::Missing`] for what JSON cannot say; no message of the contract is such.
pub fn body(message: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(message).map_err(|_| Failure::Missing("the message cannot be written as JSON"))
}

/// `text` as one segment of a path or one value of a query (RFC 3986, section 2.1).
#[must_use]
pub fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The whole chain of causes: the outermost says only that a request failed.
fn told(fault: &reqwest::Error) -> String {
    let mut text = fault.to_string();
    let mut cause = std::error::Error::source(fault);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, media_type: &'static str, body: &str) -> Answer {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        Answer { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_refusal_is_a_problem_only_in_its_own_media_type_and_status() {
        let text =
            r#"{"type":"urn:gatematch:problem:not-found","title":"t","status":404,"detail":"d","code":"not-found"}"#;
        assert_eq!(answer(404, MEDIA_TYPE, text).success().unwrap_err().status(), Some(404));
        assert!(answer(404, MEDIA_TYPE, text).success().unwrap_err().code().is_some());
        assert!(answer(404, "application/json", text).success().unwrap_err().problem().is_none());
        assert!(answer(409, MEDIA_TYPE, text).success().unwrap_err().problem().is_none());
        assert!(answer(302, "text/html", "").success().is_err());
        assert!(answer(204, "text/plain", "").success().is_ok());
    }

    #[test]
    fn segments_are_encoded() {
        assert_eq!(segment("DOMAIN\\al ice@x/..?"), "DOMAIN%5Cal%20ice%40x%2F..%3F");
        assert_eq!(segment("ａ"), "%EF%BD%81");
    }

    #[test]
    fn only_http_and_https_are_addresses() {
        assert!(Api::new("http://127.0.0.1:1/").is_ok_and(|api| api.base() == "http://127.0.0.1:1"));
        assert!(Api::new("file:///etc/passwd").is_err());
        assert!(Api::new("not an address").is_err());
    }
}
