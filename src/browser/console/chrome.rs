//! Chromium's lines.

use std::fmt::Write as _;

use url::Url;

use super::{Failing, elided};
use crate::browser::cors::{Access, CorsError};
use crate::browser::csp::{Directive, DirectiveName, Disposition};
use crate::browser::websocket::Loss;
use crate::browser::{Api, ApiMisuse, Fault, Invalid, Misuse, Mode, Page};
use crate::wire::{Breach, NetError, Phase, WireResponse};

const SCHEMES: &str = "chrome, chrome-experimental-site-token-provider, chrome-extension, chrome-untrusted, data, http, \
                       https, isolated-app";

pub(super) fn fetch(failing: &Failing<'_>) -> Vec<String> {
    let Failing { api, page, url, .. } = failing;
    match failing.fault {
        None => {
            let Some(response) = failing.response else { return Vec::new() };
            let refused = (400 <= response.status).then(|| status_line(response));
            // The body broke off after the script had its answer.
            let broken = response.transfer.error.as_ref();
            let broken =
                broken.filter(|error| !matches!(error, NetError::BodyTooLarge { .. } | NetError::Timeout { .. }));
            let broken = broken.map(|error| format!("Failed to load resource: {}", error.code()));
            refused.into_iter().chain(broken).collect()
        }
        Some(Fault::Cors(CorsError::DisallowedByMode)) if !failing.sent => vec![match failing.mode {
            Mode::NoCors => {
                format!(
                    "Fetch API cannot load {url}. Request mode is \"no-cors\" but the redirect mode is not \"follow\"."
                )
            }
            Mode::Cors | Mode::SameOrigin => format!(
                "Fetch API cannot load {url}. Request mode is \"same-origin\" but the URL's origin is not same as the \
                 request origin {}.",
                page.origin()
            ),
        }],
        Some(Fault::Cors(CorsError::DisallowedByMode)) => vec![format!(
            "Unsafe attempt to load URL {url} from frame with URL {}. Domains, protocols and ports must match.",
            page.url
        )],
        Some(Fault::Cors(CorsError::DisabledScheme { scheme }))
            if !failing.sent && *api == Api::Xhr && scheme == "ftp" =>
        {
            vec!["FTP is not supported.".to_owned()]
        }
        Some(Fault::LocalResource) => vec![format!("Not allowed to load local resource: {url}")],
        Some(Fault::Cors(CorsError::DisabledScheme { scheme })) if !failing.sent && *api == Api::Fetch => {
            vec![format!("Fetch API cannot load {url}. URL scheme \"{scheme}\" is not supported.")]
        }
        Some(Fault::Cors(error)) => {
            let what = match api {
                Api::Fetch => "fetch",
                Api::Xhr => "XMLHttpRequest",
                Api::EventSource => "resource",
            };
            let mut line = format!("Access to {what} at '{url}'");
            if failing.first != *url {
                let _ = write!(line, " (redirected from '{}')", failing.first);
            }
            let _ =
                write!(line, " from origin '{}' has been blocked by CORS policy: {}", page.origin(), cors(*api, error));
            vec![line, "Failed to load resource: net::ERR_FAILED".to_owned()]
        }
        Some(Fault::MixedContent) => vec![format!(
            "Mixed Content: The page at '{}' was loaded over HTTPS, but requested an insecure {} '{}'. This \
             request has been blocked; the content must be served over HTTPS.",
            elided(&page.url),
            match api {
                Api::Fetch => "resource",
                Api::Xhr => "XMLHttpRequest endpoint",
                Api::EventSource => "EventSource endpoint",
            },
            elided(url)
        )],
        Some(Fault::ContentSecurityPolicy { .. }) if failing.refused_at_once => vec![format!(
            "Fetch API cannot load {}. Refused to connect because it violates the document's Content Security Policy.",
            elided(url)
        )],
        Some(
            Fault::ContentSecurityPolicy { .. }
            | Fault::Aborted
            | Fault::TypeError(_)
            | Fault::SyntaxError(_)
            | Fault::Misuse { .. },
        ) => Vec::new(),
        Some(fault) => {
            let mut lines = vec![format!("Failed to load resource: {}", fault.code())];
            // XMLHttpRequest, whose body broke: the status has been told before.
            if let (Fault::Net(error), Some(response)) = (fault, failing.response)
                && response.transfer.error.as_ref() == Some(error)
                && 400 <= response.status
            {
                lines.insert(0, status_line(response));
            }
            lines
        }
    }
}

fn status_line(response: &WireResponse) -> String {
    let (status, reason) = (response.status, &response.reason);
    format!("Failed to load resource: the server responded with a status of {status} ({reason})")
}

/// A policy of the page that a connection violates.
pub(super) fn violation(disposition: Disposition, directive: &Directive, url: &Url) -> String {
    let mut line = format!(
        "Connecting to '{}' violates the following Content Security Policy directive: \"{}\".",
        elided(url),
        directive.written()
    );
    if directive.name == DirectiveName::DefaultSrc {
        line.push_str(" Note that 'connect-src' was not explicitly set, so 'default-src' is used as a fallback.");
    }
    if directive.has_star() {
        let _ = write!(
            line,
            " Note that '*' matches only URLs with network schemes ('http', 'https', 'ws', 'wss'), or URLs whose scheme \
             matches `self`'s scheme. The scheme '{}:' must be added explicitly.",
            url.scheme()
        );
    }
    line.push_str(match disposition {
        Disposition::Enforce => " The action has been blocked.",
        Disposition::Report => {
            " The policy is report-only, so the violation has been logged but no further action has been taken."
        }
    });
    line
}

fn cors(api: Api, error: &CorsError) -> String {
    match error {
        CorsError::Access { preflight: false, why } => access(api, why),
        CorsError::Access { preflight: true, why } => {
            format!("Response to preflight request doesn't pass access control check: {}", access(api, why))
        }
        CorsError::PreflightStatus { .. } => {
            "Response to preflight request doesn't pass access control check: It does \
                                              not have HTTP ok status."
                .into()
        }
        CorsError::PreflightRedirect { .. } => "Response to preflight request doesn't pass access control check: \
                                                Redirect is not allowed for a preflight request."
            .into(),
        CorsError::AllowMethodsSyntax { .. } => {
            "Cannot parse Access-Control-Allow-Methods response header field in preflight response.".into()
        }
        CorsError::AllowHeadersSyntax { .. } => {
            "Cannot parse Access-Control-Allow-Headers response header field in preflight response.".into()
        }
        CorsError::MethodDisallowed { method } => {
            format!("Method {method} is not allowed by Access-Control-Allow-Methods in preflight response.")
        }
        CorsError::HeaderDisallowed { header, .. } => {
            format!(
                "Request header field {header} is not allowed by Access-Control-Allow-Headers in preflight response."
            )
        }
        CorsError::RedirectContainsCredentials => "Redirect location '' contains a username and password, which is \
                                                   disallowed for cross-origin requests."
            .into(),
        CorsError::DisabledScheme { .. } => {
            format!("Cross origin requests are only supported for protocol schemes: {SCHEMES}.")
        }
        CorsError::DisallowedByMode => "Cross origin requests are not allowed by request mode.".into(),
    }
}

fn access(api: Api, why: &Access) -> String {
    let advice = if api == Api::Fetch { " Have the server send the header with a valid value." } else { "" };
    let attribute = if api == Api::Xhr {
        " The credentials mode of requests initiated by the XMLHttpRequest is controlled by the withCredentials attribute."
    } else {
        ""
    };
    match why {
        Access::MissingAllowOrigin => {
            "No 'Access-Control-Allow-Origin' header is present on the requested resource.".into()
        }
        Access::MultipleAllowOrigin { value, .. } => format!(
            "The 'Access-Control-Allow-Origin' header contains multiple values '{}', but only one is allowed.{advice}",
            escaped(value)
        ),
        Access::InvalidAllowOrigin { value } => {
            format!("The 'Access-Control-Allow-Origin' header contains the invalid value '{}'.{advice}", escaped(value))
        }
        Access::AllowOriginMismatch { value } => format!(
            "The 'Access-Control-Allow-Origin' header has a value '{}' that is not equal to the supplied origin.{advice}",
            escaped(value)
        ),
        Access::Wildcard => format!(
            "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' when the \
             request's credentials mode is 'include'.{attribute}"
        ),
        Access::AllowCredentials { value } => format!(
            "The value of the 'Access-Control-Allow-Credentials' header in the response is '{}' which must be 'true' when \
             the request's credentials mode is 'include'.{attribute}",
            escaped(value)
        ),
    }
}

/// What `XMLHttpRequest` and `new EventSource` say as they throw.
pub(super) fn api_misuse(api: Api, misuse: &ApiMisuse) -> String {
    let (function, what) = match misuse {
        ApiMisuse::Url { text } if api == Api::EventSource => {
            return format!(
                "Failed to construct 'EventSource': Cannot open an EventSource to '{text}'. The URL is invalid."
            );
        }
        ApiMisuse::Url { .. } => ("open", "Invalid URL".to_owned()),
        ApiMisuse::Method { method } => ("open", format!("'{method}' is not a valid HTTP method.")),
        ApiMisuse::ForbiddenMethod { method } => ("open", format!("'{method}' HTTP method is unsupported.")),
        ApiMisuse::HeaderName { name } => {
            ("setRequestHeader", format!("'{name}' is not a valid HTTP header field name."))
        }
        ApiMisuse::HeaderValue { value } => {
            ("setRequestHeader", format!("'{value}' is not a valid HTTP header field value."))
        }
    };
    format!("Failed to execute '{function}' on 'XMLHttpRequest': {what}")
}

/// Control characters and all beyond ASCII are written as `\u00FF`.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        if character.is_ascii() && !character.is_ascii_control() {
            out.push(character);
        } else {
            let _ = write!(out, "\\u{:04X}", u32::from(character));
        }
    }
    out
}

pub(super) fn misuse(misuse: &Misuse) -> String {
    match misuse {
        Misuse::Url { text } => format!("The URL '{text}' is invalid."),
        Misuse::Scheme { url } => format!(
            "The URL's scheme must be either 'http', 'https', 'ws', or 'wss'. '{}' is not allowed.",
            url.scheme()
        ),
        Misuse::Fragment { url } => format!(
            "The URL contains a fragment identifier ('{}'). Fragment identifiers are not allowed in WebSocket URLs.",
            url.fragment().unwrap_or_default()
        ),
        Misuse::Subprotocol { protocol } => format!("The subprotocol '{}' is invalid.", super::quoted(protocol)),
        Misuse::Duplicate { protocol } => format!("The subprotocol '{}' is duplicated.", super::quoted(protocol)),
    }
}

pub(super) fn handshake(page: &Page, url: &Url, fault: &Fault) -> Vec<String> {
    if let Fault::MixedContent = fault {
        return vec![format!(
            "Mixed Content: The page at '{}' was loaded over HTTPS, but attempted to connect to the insecure WebSocket \
             endpoint '{}'. This request has been blocked; this endpoint must be available over WSS.",
            elided(&page.url),
            elided(url)
        )];
    }
    let why = match fault {
        Fault::ContentSecurityPolicy { .. } | Fault::TypeError(_) | Fault::SyntaxError(_) | Fault::Misuse { .. } => {
            return Vec::new();
        }
        Fault::HandshakeStatus { status: 401 } => {
            "HTTP Authentication failed; no valid credentials available".to_owned()
        }
        Fault::HandshakeStatus { status } => {
            format!("Error during WebSocket handshake: Unexpected response code: {status}")
        }
        Fault::HandshakeInvalid(invalid) => format!("Error during WebSocket handshake: {}", words(invalid)),
        Fault::Net(NetError::EmptyResponse) => "Connection closed before receiving a handshake response".to_owned(),
        Fault::Net(error) if Phase::Request <= error.phase() => {
            format!("Error during WebSocket handshake: {}", error.code())
        }
        Fault::RepeatedHeader { .. } => format!("Error during WebSocket handshake: {}", fault.code()),
        other => format!("Error in connection establishment: {}", other.code()),
    };
    vec![format!("WebSocket connection to '{url}' failed: {why}")]
}

/// Chromium's words for what is wrong with a 101.
fn words(invalid: &Invalid) -> String {
    match invalid {
        Invalid::StatusLine => "Invalid status line".into(),
        Invalid::Missing { name } => format!("'{name}' header is missing"),
        Invalid::Repeated { name } => format!("'{name}' header must not appear more than once in a response"),
        Invalid::Upgrade { value } => format!("'Upgrade' header value is not 'WebSocket': {value}"),
        Invalid::Connection => "'Connection' header value must contain 'Upgrade'".into(),
        Invalid::Accept => "Incorrect 'Sec-WebSocket-Accept' header value".into(),
        Invalid::SubprotocolUnasked { value } => {
            format!("Response must not include 'Sec-WebSocket-Protocol' header if not present in request: {value}")
        }
        Invalid::SubprotocolMismatch { value } => {
            format!("'Sec-WebSocket-Protocol' header value '{value}' in response does not match any of sent values")
        }
        Invalid::SubprotocolMissing => {
            "Sent non-empty 'Sec-WebSocket-Protocol' header but no response was received".into()
        }
        Invalid::ExtensionSyntax { value } => {
            format!("'Sec-WebSocket-Extensions' header value is rejected by the parser: {value}")
        }
        Invalid::ExtensionUnasked { name } => {
            format!("Found an unsupported extension '{name}' in 'Sec-WebSocket-Extensions' header")
        }
        // Never of a handshake.
        Invalid::EventStreamType { .. } | Invalid::EventStreamCharset { .. } => invalid.detail(),
        Invalid::DeflateRepeated => "Received duplicate permessage-deflate response".into(),
        Invalid::Deflate { what } => format!("Error in permessage-deflate: {what}"),
    }
}

/// A WebSocket that had opened: every breach has a line, the connection's own end none.
pub(super) fn loss(url: &Url, loss: Loss) -> Option<String> {
    let Loss::Breach(breach) = loss else { return None };
    let why = match breach {
        Breach::FrameHeader
        | Breach::FragmentedControl
        | Breach::LongControl
        | Breach::Compression
        | Breach::RepeatedCompression => "Invalid frame header".to_owned(),
        Breach::ReservedBits { bits } => format!(
            "One or more reserved bits are on: reserved1 = {}, reserved2 = {}, reserved3 = {}",
            bits >> 2 & 1,
            bits >> 1 & 1,
            bits & 1
        ),
        Breach::Masked => "A server must not mask any frames that it sends to the client.".to_owned(),
        Breach::Opcode { opcode } => format!("Unrecognized frame opcode: {opcode}"),
        Breach::LoneContinuation => "Received unexpected continuation frame.".to_owned(),
        Breach::Interleaved => "Received start of new message but previous message is unfinished.".to_owned(),
        Breach::NotUtf8 => "Could not decode a text frame as UTF-8.".to_owned(),
        Breach::ShortClose => "Received a broken close frame with an invalid size of 1 byte.".to_owned(),
        Breach::CloseCode { .. } => "Received a broken close frame containing a reserved status code.".to_owned(),
        Breach::CloseNotUtf8 => "Received a broken close frame containing invalid UTF-8.".to_owned(),
        Breach::AfterClose { opcode } => {
            let frame = match opcode {
                0..=2 => "Data frame",
                8 => "Close",
                9 => "Ping",
                10 => "Pong",
                _ => "Unknown frame type",
            };
            format!("{frame} received after close")
        }
        Breach::TooLarge => "Message size is too large.".to_owned(),
    };
    Some(format!("WebSocket connection to '{url}' failed: {why}"))
}
