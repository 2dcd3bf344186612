//! Enrollment links: `<issuer>/app/#enroll=<token>` (contract section 4).

use gatematch_protocol::enrollment::LINK_PATH;
use gatematch_protocol::secret::Secret;

/// A text that is not an enrollment link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an enrollment link: it looks like https://server/app/#enroll=gme_...")]
pub struct NotALink;

/// What an enrollment link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The server, without trailing slash.
    pub issuer: String,
    /// Works once.
    pub token: Secret,
}

impl Link {
    /// Takes a link apart.
    ///
    /// # Errors
    /// [`NotALink`] for everything that is not `http(s)://.../app/#enroll=` and a token.
    pub fn parse(text: &str) -> Result<Self, NotALink> {
        let (issuer, token) = text.trim().split_once(LINK_PATH).ok_or(NotALink)?;
        let url = reqwest::Url::parse(issuer).map_err(|_| NotALink)?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !plain || issuer.ends_with('/') || !is_token(token) {
            return Err(NotALink);
        }
        Ok(Self { issuer: issuer.to_owned(), token: Secret::new(token) })
    }
}

fn is_token(text: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=256).contains(&text.len()) && text.bytes().all(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_its_server_and_token() {
        for issuer in ["https://mfa.example.com", "http://127.0.0.1:8080", "https://example.com/mfa"] {
            let link = Link::parse(&format!(" {issuer}/app/#enroll=gme_aB-_9\n")).unwrap();
            assert_eq!(link.issuer, issuer);
            assert_eq!(link.token.reveal(), "gme_aB-_9");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "gme_abc",
            "https://mfa.example.com/app/#enroll=",
            "https://mfa.example.com/#enroll=gme_abc",
            "https://mfa.example.com//app/#enroll=gme_abc",
            "ftp://mfa.example.com/app/#enroll=gme_abc",
            "https://alice@mfa.example.com/app/#enroll=gme_abc",
            "https://mfa.example.com?x/app/#enroll=gme_abc",
            "https://mfa.example.com/app/#enroll=gme abc",
            "/app/#enroll=gme_abc",
        ] {
            assert_eq!(Link::parse(text), Err(NotALink), "{text}");
        }
    }
}
