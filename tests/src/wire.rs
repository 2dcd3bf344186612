//! What goes over the wire: bodies as text, requests as bytes, and what every refusal has in common.

use gatematch_client_sim::http::Answer;
use gatematch_protocol::problem::{Code, ProblemDocument};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Site;

/// A body of JSON, for the simulator's `call`.
pub fn json(value: &Value) -> Option<Vec<u8>> {
    Some(value.to_string().into_bytes())
}

/// Asserts that `answer` is the refusal `code` of a path under `/v1`, in every detail of the contract's section 1.
pub fn refused(answer: &Answer, code: Code) -> ProblemDocument {
    let text = answer.text();
    let problem = answer.problem().unwrap_or_else(|| panic!("not {code}, but {}: {text}", answer.status));
    assert_eq!((problem.code.as_str(), answer.status), (code.as_str(), code.status()), "{text}");
    assert_eq!((problem.type_uri.as_str(), problem.title.as_str()), (code.type_uri().as_str(), code.title()));
    assert!(!problem.detail.is_empty());
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{text}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.header("x-request-id").is_some_and(|id| id.len() == 36));
    assert_eq!(answer.header("www-authenticate").is_some(), code.status() == 401);
    assert_eq!(answer.header("retry-after").is_some(), matches!(code.status(), 429 | 503));
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
    problem
}

/// Sends `request` as it is over a connection of its own, and yields the answer as text. The request should say
/// `Connection: close`.
pub async fn spoken(site: &Site, request: &[u8]) -> String {
    let mut connection = TcpStream::connect(site.api().base().trim_start_matches("http://")).await.unwrap();
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}
