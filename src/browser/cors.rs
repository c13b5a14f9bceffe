//! The [CORS check](https://fetch.spec.whatwg.org/#concept-cors-check), and every way in which the CORS protocol refuses.

use std::borrow::Cow;

use url::Url;

use super::{Credentials, headers};
use crate::wire::Headers;

/// Why the CORS protocol refused, with the value in question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsError {
    /// The request's mode does not let it go there.
    DisallowedByMode,
    /// No scheme that CORS is spoken over.
    DisabledScheme { scheme: String },
    /// The CORS check of an answer failed; `preflight`: of the preflight's.
    Access { preflight: bool, why: Access },
    /// The preflight's status is not 200 to 299.
    PreflightStatus { status: u16 },
    /// The preflight was answered with a redirect.
    PreflightRedirect { status: u16 },
    /// `Access-Control-Allow-Methods` is no list of tokens.
    AllowMethodsSyntax { value: String, token: String },
    /// `Access-Control-Allow-Headers` is no list of tokens.
    AllowHeadersSyntax { value: String, token: String },
    /// The preflight does not list the method.
    MethodDisallowed { method: String },
    /// The preflight does not list the header: in lower case, and as the script wrote it.
    HeaderDisallowed { header: String, written: String },
    /// A redirect to another origin, with a username or password.
    RedirectContainsCredentials,
}

/// What was wrong with `Access-Control-Allow-Origin` or `-Credentials`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    MissingAllowOrigin,
    /// Several values: a comma or a space in it, or several fields. All of them.
    MultipleAllowOrigin {
        value: String,
        /// How many are spelt just so: Firefox counts no others.
        fields: usize,
    },
    /// No origin at all.
    InvalidAllowOrigin {
        value: String,
    },
    /// Another origin.
    AllowOriginMismatch {
        value: String,
    },
    /// `*` on a request with credentials.
    Wildcard,
    /// Not `true` on a request with credentials; empty where it is missing.
    AllowCredentials {
        value: String,
    },
}

impl CorsError {
    /// Chromium's `network.mojom.CorsError`. Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DisallowedByMode => "DisallowedByMode",
            Self::DisabledScheme { .. } => "CorsDisabledScheme",
            Self::Access { preflight: false, why } => match why {
                Access::MissingAllowOrigin => "MissingAllowOriginHeader",
                Access::MultipleAllowOrigin { .. } => "MultipleAllowOriginValues",
                Access::InvalidAllowOrigin { .. } => "InvalidAllowOriginValue",
                Access::AllowOriginMismatch { .. } => "AllowOriginMismatch",
                Access::Wildcard => "WildcardOriginNotAllowed",
                Access::AllowCredentials { .. } => "InvalidAllowCredentials",
            },
            Self::Access { preflight: true, why } => match why {
                Access::MissingAllowOrigin => "PreflightMissingAllowOriginHeader",
                Access::MultipleAllowOrigin { .. } => "PreflightMultipleAllowOriginValues",
                Access::InvalidAllowOrigin { .. } => "PreflightInvalidAllowOriginValue",
                Access::AllowOriginMismatch { .. } => "PreflightAllowOriginMismatch",
                Access::Wildcard => "PreflightWildcardOriginNotAllowed",
                Access::AllowCredentials { .. } => "PreflightInvalidAllowCredentials",
            },
            Self::PreflightStatus { .. } => "PreflightInvalidStatus",
            Self::PreflightRedirect { .. } => "PreflightDisallowedRedirect",
            Self::AllowMethodsSyntax { .. } => "InvalidAllowMethodsPreflightResponse",
            Self::AllowHeadersSyntax { .. } => "InvalidAllowHeadersPreflightResponse",
            Self::MethodDisallowed { .. } => "MethodDisallowedByPreflightResponse",
            Self::HeaderDisallowed { .. } => "HeaderDisallowedByPreflightResponse",
            Self::RedirectContainsCredentials => "RedirectContainsCredentials",
        }
    }

    /// Whether the preflight failed, so that the request itself never went out.
    pub fn is_preflight(&self) -> bool {
        matches!(
            self,
            Self::Access { preflight: true, .. }
                | Self::PreflightStatus { .. }
                | Self::PreflightRedirect { .. }
                | Self::AllowMethodsSyntax { .. }
                | Self::AllowHeadersSyntax { .. }
                | Self::MethodDisallowed { .. }
                | Self::HeaderDisallowed { .. }
        )
    }

    /// The value in question, where there is one.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Access { why, .. } => match why {
                Access::MultipleAllowOrigin { value, .. }
                | Access::InvalidAllowOrigin { value }
                | Access::AllowOriginMismatch { value }
                | Access::AllowCredentials { value } => Some(value),
                Access::MissingAllowOrigin | Access::Wildcard => None,
            },
            Self::DisabledScheme { scheme } => Some(scheme),
            Self::AllowMethodsSyntax { value, .. } | Self::AllowHeadersSyntax { value, .. } => Some(value),
            Self::MethodDisallowed { method } => Some(method),
            Self::HeaderDisallowed { header, .. } => Some(header),
            Self::DisallowedByMode
            | Self::PreflightStatus { .. }
            | Self::PreflightRedirect { .. }
            | Self::RedirectContainsCredentials => None,
        }
    }
}

/// A field's values joined, each without whitespace at its ends, bytes as they are.
fn value_of<'a>(headers: &'a Headers, name: &'a str) -> Option<Cow<'a, str>> {
    let mut values = headers.all(name).map(|value| headers::isomorphic_decode(headers::normalize_value(value)));
    let mut joined = values.next()?;
    for value in values {
        joined.to_mut().extend([", ", &value]);
    }
    Some(joined)
}

/// [CORS check](https://fetch.spec.whatwg.org/#concept-cors-check). `origin` is what the request's `Origin` said.
///
/// The order of the reasons is Chromium's: the standard has none, it only refuses.
pub fn cors_check(origin: &str, credentials: Credentials, response: &Headers) -> Result<(), Access> {
    // Steps 1 and 2.
    let Some(allowed) = value_of(response, "access-control-allow-origin") else {
        return Err(Access::MissingAllowOrigin);
    };
    // Step 3: a wildcard is enough only where no credentials went out.
    if allowed == "*" {
        return match credentials {
            Credentials::Include => Err(Access::Wildcard),
            Credentials::Omit | Credentials::SameOrigin => Ok(()),
        };
    }
    // Step 4 compares bytes: no case folding, no trailing slash, no default port.
    if allowed != origin {
        let value = allowed.into_owned();
        let fields = response.iter().filter(|(name, _)| *name == "Access-Control-Allow-Origin").count();
        return Err(if value.contains([' ', ',']) {
            Access::MultipleAllowOrigin { value, fields }
        } else if value == "null" || is_url_with_authority(&value) {
            Access::AllowOriginMismatch { value }
        } else {
            Access::InvalidAllowOrigin { value }
        });
    }
    // Steps 5 to 8: the value is case-sensitive.
    match (credentials, value_of(response, "access-control-allow-credentials")) {
        (Credentials::Omit | Credentials::SameOrigin, _) => Ok(()),
        (Credentials::Include, Some(value)) if value == "true" => Ok(()),
        (Credentials::Include, value) => {
            Err(Access::AllowCredentials { value: value.unwrap_or_default().into_owned() })
        }
    }
}

/// Whether the value is a URL at all: then it is another origin rather than none.
fn is_url_with_authority(value: &str) -> bool {
    Url::parse(value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(credentials: Credentials, fields: &str, expected: &str) {
        let headers: Headers = fields
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (format!("Access-Control-Allow-{name}"), value.trim().to_owned()))
            .collect();
        let got = match cors_check("https://app.test", credentials, &headers) {
            Ok(()) => "ok",
            Err(why) => CorsError::Access { preflight: false, why }.code(),
        };
        assert_eq!(got, expected, "{fields}");
    }

    #[test]
    fn a_wildcard_is_enough_without_credentials_alone() {
        check(Credentials::SameOrigin, "Origin: *", "ok");
        check(Credentials::Include, "Origin: *\nCredentials: true", "WildcardOriginNotAllowed");
    }

    #[test]
    fn origins_compare_byte_by_byte() {
        check(Credentials::Omit, "Origin: https://app.test", "ok");
        check(Credentials::Omit, "Origin: https://APP.test", "AllowOriginMismatch");
        check(Credentials::Omit, "Origin: https://app.test/", "AllowOriginMismatch");
        check(Credentials::Omit, "Origin: https://app.test:443", "AllowOriginMismatch");
        check(Credentials::Omit, "Origin: null", "AllowOriginMismatch");
    }

    #[test]
    fn what_is_no_origin_is_told_from_another_one() {
        check(Credentials::Omit, "Origin: app.test", "InvalidAllowOriginValue");
        check(Credentials::Omit, "Origin:", "InvalidAllowOriginValue");
        check(Credentials::Omit, "Origin: https://app.test, https://b.test", "MultipleAllowOriginValues");
        check(Credentials::Omit, "Origin: https://app.test\nOrigin: https://app.test", "MultipleAllowOriginValues");
        check(Credentials::Omit, "", "MissingAllowOriginHeader");
    }

    #[test]
    fn credentials_want_the_word_true_exactly() {
        check(Credentials::Include, "Origin: https://app.test\nCredentials: true", "ok");
        check(Credentials::Include, "Origin: https://app.test\nCredentials: True", "InvalidAllowCredentials");
        check(Credentials::Include, "Origin: https://app.test", "InvalidAllowCredentials");
    }
}
