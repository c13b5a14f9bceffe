//! The [CORS-preflight fetch](https://fetch.spec.whatwg.org/#cors-preflight-fetch): whether one is needed, and whether its
//! answer permits the request.

use url::Url;

use super::cors::{Access, CorsError, cors_check};
use super::dialect::PreflightCheck;
use super::redirect::{self, Location};
use super::{Browser, Credentials, dialect, headers, method};
use crate::wire::WireResponse;

/// What a preflight asks leave for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The request's method.
    pub method: String,
    /// [CORS-unsafe request-header names](https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names), with each name as
    /// the script wrote it: lower case, sorted.
    pub names: Vec<(String, String)>,
}

impl Wanted {
    /// Whether the request is anything but a simple one: [HTTP fetch](https://fetch.spec.whatwg.org/#concept-http-fetch), step
    /// 4.2 (the method, or a header).
    pub fn needs_preflight(&self) -> bool {
        !method::is_cors_safelisted(&self.method) || !self.names.is_empty()
    }

    /// `Access-Control-Request-Headers`, where there is any to name.
    pub fn header_list(&self) -> Option<String> {
        let names: Vec<&str> = self.names.iter().map(|(lower, _)| lower.as_str()).collect();
        (!names.is_empty()).then(|| names.join(","))
    }
}

/// Steps 7 and on of the [CORS-preflight fetch](https://fetch.spec.whatwg.org/#cors-preflight-fetch).
pub fn check(
    browser: Browser,
    url: &Url,
    wanted: &Wanted,
    origin: &str,
    credentials: Credentials,
    response: &WireResponse,
) -> Result<(), CorsError> {
    // A preflight is never followed to elsewhere.
    let redirect = || match redirect::location_url(browser, response, url) {
        Location::None => Ok(()),
        Location::Invalid | Location::Url(_) => Err(CorsError::PreflightRedirect { status: response.status }),
    };
    // Step 7: the CORS check, and an ok status.
    let status = || match response.status {
        200..=299 => Ok(()),
        status => Err(CorsError::PreflightStatus { status }),
    };
    let access = || {
        cors_check(origin, credentials, &response.headers)
            .map_err(|why: Access| CorsError::Access { preflight: true, why })
    };
    for check in dialect::preflight_order(browser) {
        match check {
            PreflightCheck::Access => access()?,
            PreflightCheck::Status => status()?,
            PreflightCheck::Redirect => redirect()?,
        }
    }
    // Steps 7.1 to 7.3.
    let methods = headers::token_list(response.headers.all("access-control-allow-methods")).map_err(|token| {
        CorsError::AllowMethodsSyntax { value: joined(response, "access-control-allow-methods"), token }
    })?;
    let names = headers::token_list(response.headers.all("access-control-allow-headers")).map_err(|token| {
        CorsError::AllowHeadersSyntax { value: joined(response, "access-control-allow-headers"), token }
    })?;
    let wildcard = credentials != Credentials::Include;
    // Step 7.5: the method, compared with case.
    let permitted = method::is_cors_safelisted(&wanted.method)
        || methods.iter().any(|method| *method == wanted.method || (wildcard && *method == "*"));
    if !permitted {
        return Err(CorsError::MethodDisallowed { method: wanted.method.clone() });
    }
    // Steps 7.6 and 7.7: each header by name, without case; in the standard `*` covers all but Authorization.
    let any = wildcard && names.contains(&"*");
    for (name, written) in &wanted.names {
        let listed = names.iter().any(|listed| listed.eq_ignore_ascii_case(name));
        if !listed && (!any || (headers::is_non_wildcard(name) && !dialect::wildcard_covers_authorization(browser))) {
            return Err(CorsError::HeaderDisallowed { header: name.clone(), written: written.clone() });
        }
    }
    Ok(())
}

/// Whether a good answer permits an `Authorization` by its `*` alone.
pub fn leans_on_wildcard(wanted: &Wanted, response: &WireResponse) -> bool {
    let listed = headers::token_list(response.headers.all("access-control-allow-headers")).unwrap_or_default();
    let unlisted = |(name, _): &(String, String)| !listed.iter().any(|listed| listed.eq_ignore_ascii_case(name));
    wanted.names.iter().any(|name| headers::is_non_wildcard(&name.0) && unlisted(name))
}

fn joined(response: &WireResponse, name: &str) -> String {
    response.headers.joined(name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Headers, HttpVersion};

    fn answered(status: u16, fields: &str) -> WireResponse {
        let headers: Headers = fields
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (format!("Access-Control-Allow-{name}"), value.trim().to_owned()))
            .collect();
        let reason = String::new();
        WireResponse {
            version: HttpVersion::Http11,
            status,
            reason,
            headers,
            body: Default::default(),
            body_size: 0,
            transfer: Default::default(),
        }
    }

    #[track_caller]
    fn refused(credentials: Credentials, status: u16, fields: &str, expected: &str) {
        let response = answered(status, fields);
        let url = Url::parse("https://api.test/").unwrap();
        let wanted = Wanted {
            method: "PUT".into(),
            names: ["authorization", "x-a"].map(|name| (name.to_owned(), name.to_owned())).into(),
        };
        let got = match check(Browser::Chrome, &url, &wanted, "https://app.test", credentials, &response) {
            Ok(()) => "ok",
            Err(error) => error.code(),
        };
        assert_eq!(got, expected, "{fields}");
    }

    #[test]
    fn the_wildcard_covers_every_name() {
        refused(Credentials::SameOrigin, 204, "Origin: *\nMethods: *\nHeaders: *", "ok");
    }

    #[test]
    fn the_wildcard_is_an_ordinary_word_with_credentials() {
        let with = "Origin: https://app.test\nCredentials: true\n";
        let methods = format!("{with}Methods: *\nHeaders: authorization, x-a");
        refused(Credentials::Include, 204, &methods, "MethodDisallowedByPreflightResponse");
        let headers = format!("{with}Methods: PUT\nHeaders: *, authorization");
        refused(Credentials::Include, 204, &headers, "HeaderDisallowedByPreflightResponse");
    }

    #[test]
    fn the_origin_is_checked_before_the_status_and_a_redirect_before_both() {
        refused(Credentials::Omit, 404, "", "PreflightMissingAllowOriginHeader");
        refused(Credentials::Omit, 404, "Origin: *", "PreflightInvalidStatus");
        refused(Credentials::Omit, 302, "", "PreflightMissingAllowOriginHeader");
        let mut response = answered(302, "");
        response.headers.push("Location", "/elsewhere");
        let url = Url::parse("https://api.test/").unwrap();
        let got = check(Browser::Chrome, &url, &Wanted::default(), "https://app.test", Credentials::Omit, &response);
        assert_eq!(got, Err(CorsError::PreflightRedirect { status: 302 }));
    }

    #[test]
    fn one_bad_token_fails_the_whole_list() {
        refused(Credentials::Omit, 200, "Origin: *\nMethods: PUT, a b", "InvalidAllowMethodsPreflightResponse");
        refused(
            Credentials::Omit,
            200,
            "Origin: *\nMethods: PUT\nHeaders: x/y",
            "InvalidAllowHeadersPreflightResponse",
        );
    }
}
