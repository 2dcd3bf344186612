//! What a person has sent by a form.

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use gatematch_protocol::problem::Code;

use crate::http::body::whole_in_time;
use crate::http::problem::{Answer, Problem};

/// The fields of a form, in order.
#[derive(Clone, Default)]
pub(in crate::http) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body of at most 64 KiB.
    ///
    /// # Errors
    /// As [`whole_in_time`]; 415 for another media type.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Answer<Self> {
        let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media.split(';').next().unwrap_or_default().trim();
        let body = whole_in_time(body).await?;
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") && !body.is_empty() {
            return Err(Problem::new(Code::UnsupportedMediaType, "Send the form as browsers do."));
        }
        Ok(Self(url::form_urlencoded::parse(&body).into_owned().collect()))
    }

    /// A form with these fields.
    #[cfg(test)]
    pub(in crate::http) fn of(fields: &[(&str, &str)]) -> Self {
        Self(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The text of a field without blanks around it; nothing where the field is absent or empty.
    pub(in crate::http) fn text(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The field as it was sent.
    pub(in crate::http) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box was ticked.
    pub(in crate::http) fn is_ticked(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// The fields but for those that the threshold reads.
    pub(super) fn own(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter().filter(|(name, _)| name != super::threshold::TOKEN)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Form {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::internal("no form was read for this route"))
    }
}
