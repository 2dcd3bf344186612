//! Request bodies: strict JSON of at most 64 KiB.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use gatematch_protocol::json;
use gatematch_protocol::problem::Code;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::problem::Problem;

/// The most bytes of a body.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// A message whose members are all known. An empty body is the same as `{}`.
pub(super) struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let body = whole_in_time(body).await?;
        if body.is_empty() {
            return Ok(Self(json::parse_into(b"{}")?));
        }
        if !is_json(&parts.headers) {
            return Err(Problem::new(Code::UnsupportedMediaType, "Send the body with Content-Type: application/json."));
        }
        Ok(Self(json::parse_into(&body)?))
    }
}

/// All of a body of at most 64 KiB, which arrives in time.
///
/// # Errors
/// 400 `malformed-body`, 413.
pub(super) async fn whole_in_time(body: Body) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let too_slow = |_| Problem::new(Code::MalformedBody, "The body did not arrive in time.");
    tokio::time::timeout(PATIENCE, whole(body)).await.map_err(too_slow)?
}

/// All of a body. It is copied piece by piece: each piece keeps the whole buffer that it was read into, so whoever
/// sends single bytes would have thousands of buffers kept if the pieces were. It may hold a code, so it is wiped.
async fn whole(mut body: Body) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut whole = Zeroizing::new(Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(Code::MalformedBody, "The body ended before its time."))?;
        // What is no data is a trailer, and nobody asks for those.
        let Ok(piece) = frame.into_data() else { continue };
        if piece.len() > MAX_BYTES.saturating_sub(whole.len()) {
            return Err(Problem::new(Code::BodyTooLarge, "Send at most 65,536 bytes."));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (given.next(), given.next()) else { return false };
    let essence = only.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Bytes;
    use axum::response::IntoResponse as _;
    use futures_util::stream;

    use super::*;
    use crate::http::problem::Refused;

    /// What a body is refused with.
    async fn code(body: Body) -> Code {
        let response = whole(body).await.unwrap_err().into_response();
        response.extensions().get::<Refused>().unwrap().code
    }

    /// A body of so many single bytes, each of them in a buffer of its own, as hyper reads them. When a byte is asked
    /// for, the buffer of the one before must be free.
    fn dripping(bytes: usize) -> Body {
        let mut before: Option<Bytes> = None;
        let frames = (0..bytes).map(move |at| {
            assert!(before.as_ref().is_none_or(Bytes::is_unique), "the buffer of byte {at} is kept");
            let buffer = Bytes::from(vec![b'x'; 8 * 1024]);
            let piece = buffer.slice(..1);
            before = Some(buffer);
            Ok::<_, Infallible>(piece)
        });
        Body::from_stream(stream::iter(frames))
    }

    #[tokio::test]
    async fn a_body_of_single_bytes_keeps_no_buffer() {
        let body = whole(dripping(MAX_BYTES)).await.ok().unwrap();
        assert_eq!((body.len(), body.iter().all(|byte| *byte == b'x')), (MAX_BYTES, true));
        assert!(body.capacity() <= 2 * MAX_BYTES);
    }

    #[tokio::test]
    async fn a_body_is_too_large_from_the_first_byte_beyond() {
        for body in [dripping(MAX_BYTES + 1), Body::from(vec![b'x'; MAX_BYTES + 1])] {
            assert_eq!(code(body).await, Code::BodyTooLarge);
        }
        assert_eq!(whole(Body::from(vec![b'x'; MAX_BYTES])).await.ok().unwrap().len(), MAX_BYTES);
        assert!(whole(Body::empty()).await.ok().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_none() {
        let pieces = [Ok("{"), Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))];
        assert_eq!(code(Body::from_stream(stream::iter(pieces))).await, Code::MalformedBody);
    }
}
