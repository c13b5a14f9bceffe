//! Firefox's lines.

use url::Url;

use super::Failing;
use crate::browser::cookie::{Note, Part, Remark, What, Why};
use crate::browser::cors::{Access, CorsError};
use crate::browser::csp::{self, Directive, Disposition};
use crate::browser::{Api, Fault, Mode, Page, mixed};
use crate::wire::NetError;

/// The line about one cookie, as `necko.properties` has it.
pub(super) fn cookie(note: &Note) -> String {
    let name = &note.name;
    let rejected = |why: &str| format!("Cookie “{name}” has been rejected {why}.");
    match note.what {
        What::Rejected(why) => match why {
            Why::Empty => "Cookie with an empty name and an empty value has been rejected.".to_owned(),
            Why::TooLong => format!("Cookie “{name}” is invalid because its size is too big. Max size is 4096 B."),
            Why::Characters(Part::Name) => rejected("for invalid characters in the name"),
            Why::Characters(Part::Value) => rejected("for invalid characters in the value"),
            Why::Characters(Part::Attributes) => rejected("for invalid characters in the attributes"),
            Why::NoneInsecure => format!(
                "Cookie “{name}” rejected because it has the “SameSite=None” attribute but is missing the “secure” attribute."
            ),
            Why::Domain => rejected("for invalid domain"),
            Why::Prefix => rejected("for invalid prefix"),
            Why::Path => rejected("for invalid path"),
            Why::Secure => rejected("because a non-HTTPS cookie can’t be set as “secure”"),
            Why::SameSite(_) | Why::Redirected(_) => {
                rejected("because it is in a cross-site context and its “SameSite” is “Lax” or “Strict”")
            }
            Why::PartitionedInsecure => {
                rejected("because it has the “Partitioned” attribute but is missing the “secure” attribute")
            }
            Why::ReplacesSecure => rejected("because there is an existing “secure” cookie"),
            Why::ThirdParty | Why::Partition | Why::Expired => rejected("as third-party"),
        },
        What::Remark(remark) => match remark {
            Remark::Oversize(attribute) => format!(
                "The value of the attribute “{attribute}” for the cookie “{name}” has been rejected because its size is too big. \
                 Max size is 1024 B."
            ),
            Remark::Overwritten(attribute) => {
                format!("The value of the attribute “{attribute}” for the cookie “{name}” has been overwritten.")
            }
            Remark::InvalidSameSite => {
                format!(
                    "Invalid “SameSite“ value for cookie “{name}”. The supported values are: “Lax“, “Strict“, “None“."
                )
            }
            Remark::InvalidMaxAge => {
                format!("Invalid “max-age“ value for cookie “{name}”. The attribute is ignored.")
            }
            Remark::Foreign => format!(
                "Cookie “{name}” will soon be rejected because it is foreign and does not have the “Partitioned“ attribute."
            ),
        },
        What::Withheld(_) => format!(
            "Cookie “{name}” with the “SameSite” attribute value “Lax” or “Strict” was omitted because of a cross-site redirect."
        ),
    }
}

const STATUS_LINE: &str = "The status line of the HTTP response is invalid";

pub(super) fn fetch(failing: &Failing<'_>) -> Vec<String> {
    let Failing { page, url, .. } = failing;
    let blocked = |reason: &str| {
        format!(
            "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {url}. (Reason: \
             {reason}"
        )
    };
    let did_not_succeed = || blocked("CORS request did not succeed). Status code: (null).");
    let status = failing.response.map_or(0, |response| response.status);
    match failing.fault {
        None => Vec::new(),
        Some(Fault::Cors(CorsError::DisallowedByMode)) => {
            vec![format!("Security Error: Content at {} may not load data from {url}.", page.url)]
        }
        Some(Fault::LocalResource) => {
            vec![format!("Security Error: Content at {} may not load or link to {url}.", page.url)]
        }
        Some(Fault::Cors(CorsError::DisabledScheme { .. })) if failing.api == Api::EventSource && !failing.sent => {
            Vec::new()
        }
        // Not of an opaque request.
        Some(Fault::Cors(CorsError::DisabledScheme { .. })) if failing.mode == Mode::NoCors => Vec::new(),
        Some(Fault::Cors(CorsError::DisabledScheme { .. })) => vec![blocked("CORS request not http).")],
        Some(Fault::Cors(CorsError::RedirectContainsCredentials)) => vec![did_not_succeed()],
        Some(Fault::Cors(error)) => {
            let mut lines = vec![match error {
                CorsError::Access { why: Access::Wildcard, .. } => format!(
                    "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at ‘{url}’. \
                     (Reason: Credential is not supported if the CORS header ‘Access-Control-Allow-Origin’ is ‘*’)."
                ),
                CorsError::Access { why, .. } => blocked(&access(why, status)),
                CorsError::PreflightRedirect { .. } => blocked("CORS request external redirect not allowed)."),
                CorsError::PreflightStatus { status } => {
                    blocked(&format!("CORS preflight response did not succeed). Status code: {status}."))
                }
                CorsError::AllowMethodsSyntax { token, .. } => blocked(&format!(
                    "invalid token ‘{}’ in CORS header ‘Access-Control-Allow-Methods’).",
                    as_utf8(token)
                )),
                CorsError::AllowHeadersSyntax { token, .. } => blocked(&format!(
                    "invalid token ‘{}’ in CORS header ‘Access-Control-Allow-Headers’).",
                    as_utf8(token)
                )),
                CorsError::MethodDisallowed { .. } => {
                    blocked("Did not find method in CORS header ‘Access-Control-Allow-Methods’).")
                }
                CorsError::HeaderDisallowed { header, .. } => blocked(&format!(
                    "header ‘{header}’ is not allowed according to header ‘Access-Control-Allow-Headers’ from CORS \
                     preflight response)."
                )),
                CorsError::DisallowedByMode
                | CorsError::DisabledScheme { .. }
                | CorsError::RedirectContainsCredentials => did_not_succeed(),
            }];
            if let CorsError::PreflightRedirect { status } = error {
                lines.push(blocked(&format!("CORS preflight response did not succeed). Status code: {status}.")));
            }
            if error.is_preflight() || (failing.redirects && failing.follows) {
                lines.push(did_not_succeed());
            }
            lines
        }
        Some(Fault::MixedContent) => {
            let mut lines = vec![format!("Blocked loading mixed active content “{url}”")];
            lines.extend(redirect_did_not_succeed(failing));
            lines
        }
        Some(Fault::ContentSecurityPolicy { directive }) => {
            let by_mixed = directive == mixed::BLOCK_ALL;
            let line = by_mixed.then(|| format!("Content-Security-Policy: Blocking insecure request ‘{url}’."));
            line.into_iter().chain(redirect_did_not_succeed(failing)).collect()
        }
        Some(Fault::ResourcePolicySameOrigin | Fault::ResourcePolicySameSite) => vec![format!(
            "The resource at “{url}” was blocked due to its Cross-Origin-Resource-Policy header (or lack thereof). See \
             https://developer.mozilla.org/docs/Web/HTTP/Cross-Origin_Resource_Policy_(CORP)#"
        )],
        // A bad port at a redirect: the line is about the answer that led there.
        Some(Fault::UnsafePort { .. }) if failing.sent && failing.mode == Mode::Cors => vec![format!(
            "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {}. (Reason: CORS \
             request did not succeed). Status code: (null).",
            failing.answered
        )],
        Some(
            Fault::UnsafePort { .. }
            | Fault::RedirectRefused
            | Fault::Aborted
            | Fault::BlobGone
            | Fault::BrokenData
            | Fault::TypeError(_)
            | Fault::SyntaxError(_)
            | Fault::Misuse { .. },
        ) => Vec::new(),
        // The answer had been handed on by then.
        Some(Fault::Net(error)) if broke_off(failing, error) => Vec::new(),
        Some(Fault::Net(NetError::InvalidStatusLine)) => {
            let refused = (failing.mode == Mode::Cors && failing.foreign).then(did_not_succeed);
            std::iter::once(STATUS_LINE.to_owned()).chain(refused).collect()
        }
        // Seen with PUT, which is not sent again: it looks for the headers of an answer that is not there.
        Some(Fault::Net(NetError::EmptyResponse)) if failing.after_preflight && failing.foreign => {
            vec![blocked("Multiple CORS header ‘Access-Control-Allow-Origin’ not allowed).")]
        }
        Some(_) if failing.mode == Mode::Cors && failing.foreign => vec![did_not_succeed()],
        Some(_) => Vec::new(),
    }
}

/// A redirect that the page's rules stop has a second line, about the answer that led there, where that was a foreign one.
fn redirect_did_not_succeed(failing: &Failing<'_>) -> Option<String> {
    (failing.sent && failing.foreign && failing.mode == Mode::Cors).then(|| {
        format!(
            "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {}. (Reason: CORS \
             request did not succeed). Status code: (null).",
            failing.answered
        )
    })
}

/// A policy of the page that a connection violates.
pub(super) fn violation(page: &Page, disposition: Disposition, directive: &Directive, url: &Url) -> String {
    let what = match disposition {
        Disposition::Enforce => "The page’s settings blocked",
        Disposition::Report => "(Report-Only policy) The page’s settings would block",
    };
    format!(
        "Content-Security-Policy: {what} the loading of a resource (connect-src) at {url} because it violates the following \
         directive: “{}”",
        directive.serialized(&page.url)
    )
}

/// `Access-Control-Allow-Headers: *` let an `Authorization` pass.
pub(super) fn wildcard(url: &Url) -> String {
    format!(
        "Cross-Origin Request Warning: The Same Origin Policy will disallow reading the remote resource at {url} soon. (Reason: \
         When the `Access-Control-Allow-Headers` is `*`, the `Authorization` header is not covered. To include the \
         `Authorization` header, it must be explicitly listed in CORS header `Access-Control-Allow-Headers`)."
    )
}

/// `upgrade-insecure-requests` at work.
pub(super) fn upgraded(url: &Url) -> String {
    let secure = csp::upgraded(url);
    format!("Content-Security-Policy: Upgrading insecure request ‘{url}’ to use ‘{}’", secure.scheme())
}

/// It was a body that broke, not in its first chunk.
fn broke_off(failing: &Failing<'_>, error: &NetError) -> bool {
    let broken = failing.response.and_then(|response| response.transfer.error.as_ref());
    broken == Some(error) && *error != NetError::InvalidChunks
}

fn access(why: &Access, status: u16) -> String {
    match why {
        Access::MissingAllowOrigin => {
            format!("CORS header ‘Access-Control-Allow-Origin’ missing). Status code: {status}.")
        }
        Access::MultipleAllowOrigin { fields: 2.., .. } => {
            "Multiple CORS header ‘Access-Control-Allow-Origin’ not allowed).".into()
        }
        Access::MultipleAllowOrigin { value, .. }
        | Access::InvalidAllowOrigin { value }
        | Access::AllowOriginMismatch { value } => {
            format!("CORS header ‘Access-Control-Allow-Origin’ does not match ‘{}’).", as_utf8(value))
        }
        Access::Wildcard => {
            "Credential is not supported if the CORS header ‘Access-Control-Allow-Origin’ is ‘*’).".into()
        }
        Access::AllowCredentials { .. } => "expected ‘true’ in CORS header ‘Access-Control-Allow-Credentials’).".into(),
    }
}

/// Header values are taken for UTF-8, whatever they are.
fn as_utf8(value: &str) -> String {
    let bytes: Vec<u8> = value.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn handshake(url: &Url, fault: &Fault) -> Vec<String> {
    match fault {
        Fault::MixedContent | Fault::ContentSecurityPolicy { .. } | Fault::TypeError(_) | Fault::SyntaxError(_) => {
            Vec::new()
        }
        fault => {
            let status_line = (*fault == Fault::Net(NetError::InvalidStatusLine)).then(|| STATUS_LINE.to_owned());
            let refused = format!("Firefox can’t establish a connection to the server at {url}.");
            status_line.into_iter().chain([refused]).collect()
        }
    }
}

/// A WebSocket that had opened: one line, whatever broke it.
pub(super) fn loss(url: &Url) -> String {
    format!("The connection to {url} was interrupted while the page was loading.")
}
