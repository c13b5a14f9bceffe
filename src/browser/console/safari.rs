//! WebKit's lines. Those of the network layer are WebKitGTK's.

use url::Url;

use super::{Failing, elided};
use crate::browser::cors::{Access, CorsError};
use crate::browser::csp::{Directive, DirectiveName, Disposition};
use crate::browser::websocket::Loss;
use crate::browser::{Api, Fault, Invalid, Misuse, Mode, Page, origin};
use crate::wire::{Breach, NetError, Phase};

pub(super) fn fetch(failing: &Failing<'_>) -> Vec<String> {
    let Failing { page, url, .. } = failing;
    let who = match failing.api {
        Api::Fetch => "Fetch API",
        Api::Xhr => "XMLHttpRequest",
        Api::EventSource => "EventSource",
    };
    let cannot_load = |url: &Url| format!("{who} cannot load {url} due to access control checks.");
    let status = failing.response.map_or(0, |response| response.status);
    match failing.fault {
        None => Vec::new(),
        Some(Fault::Cors(CorsError::DisallowedByMode)) if !failing.sent => {
            vec![format!("Fetch API cannot load {url}.")]
        }
        Some(Fault::Cors(CorsError::DisallowedByMode)) => vec![
            format!(
                "Unsafe attempt to load URL {url} from origin {}. Domains, protocols and ports must match.",
                page.origin()
            ),
            cannot_load(url),
        ],
        // Not of an opaque request.
        Some(Fault::Cors(CorsError::DisabledScheme { .. })) if failing.mode == Mode::NoCors => Vec::new(),
        Some(Fault::Cors(error)) => vec![cors(failing, error, status), cannot_load(url)],
        Some(Fault::UnsafeRedirect) if failing.mode == Mode::Cors => {
            let to = redirect_target(failing);
            let why = "not allowed to follow a cross-origin CORS redirection with non CORS scheme";
            vec![redirection(failing, why), cannot_load(&to)]
        }
        Some(Fault::MixedContent) if failing.sent => vec![blocked_insecure(page, url), cannot_load(failing.answered)],
        Some(Fault::ContentSecurityPolicy { .. }) if failing.sent => {
            vec!["Blocked by Content Security Policy.".into(), cannot_load(url)]
        }
        Some(Fault::MixedContent) => {
            vec![blocked_insecure(page, url), "Not allowed to request resource".into(), cannot_load(url)]
        }
        Some(Fault::UnsafePort { port }) => {
            let mut lines = vec![format!("Not allowed to use restricted network port {port}: {url}")];
            // No refusal by access control, which is all that the others tell of.
            if failing.api == Api::Fetch {
                lines.push(cannot_load(url));
            }
            lines
        }
        Some(Fault::RedirectRefused) => {
            vec![format!("Not allowed to follow a redirection while loading {url}"), cannot_load(url)]
        }
        Some(Fault::LocalResource) => vec![format!("Not allowed to load local resource: {url}")],
        Some(Fault::BrokenData) => vec![format!("{who} cannot load {url}.")],
        Some(Fault::TooManyRedirects) => vec!["Load cannot follow more than 20 redirections".into(), cannot_load(url)],
        // Of the network's failures only those of a preflight have a line.
        Some(Fault::Net(error)) if failing.preflight => vec![network(error, url), cannot_load(url)],
        Some(Fault::ResourcePolicySameOrigin | Fault::ResourcePolicySameSite) => vec![
            format!(
                "Cancelled load to {url} because it violates the resource's Cross-Origin-Resource-Policy response header."
            ),
            cannot_load(url),
        ],
        Some(_) => Vec::new(),
    }
}

/// A policy of the page that a connection violates.
pub(super) fn violation(disposition: Disposition, directive: &Directive, url: &Url) -> String {
    let prefix = if disposition == Disposition::Report { "[Report Only] " } else { "" };
    let place = match directive.name {
        DirectiveName::ConnectSrc => "does not appear in the connect-src directive",
        DirectiveName::DefaultSrc => "appears in neither the connect-src directive nor the default-src directive",
    };
    format!("{prefix}Refused to connect to {} because it {place} of the Content Security Policy.", elided(url))
}

fn cors(failing: &Failing<'_>, error: &CorsError, status: u16) -> String {
    let url = failing.url;
    match error {
        CorsError::Access { preflight, why } => {
            let why = match why {
                Access::MultipleAllowOrigin { value, .. } if value.contains(',') => {
                    "Access-Control-Allow-Origin cannot contain more than one origin.".to_owned()
                }
                Access::MissingAllowOrigin
                | Access::MultipleAllowOrigin { .. }
                | Access::InvalidAllowOrigin { .. }
                | Access::AllowOriginMismatch { .. } => {
                    let origin = failing.origin;
                    format!("Origin {origin} is not allowed by Access-Control-Allow-Origin. Status code: {status}")
                }
                Access::Wildcard => {
                    "Cannot use wildcard in Access-Control-Allow-Origin when credentials flag is true.".to_owned()
                }
                Access::AllowCredentials { .. } => {
                    "Credentials flag is true, but Access-Control-Allow-Credentials is not \"true\".".to_owned()
                }
            };
            if failing.redirects && !preflight { redirection(failing, &why) } else { why }
        }
        CorsError::PreflightStatus { status } | CorsError::PreflightRedirect { status } => {
            format!("Preflight response is not successful. Status code: {status}")
        }
        CorsError::AllowMethodsSyntax { value, .. } => {
            format!("Header Access-Control-Allow-Methods has an invalid value: {}", as_latin1(value))
        }
        CorsError::AllowHeadersSyntax { value, .. } => {
            format!("Header Access-Control-Allow-Headers has an invalid value: {}", as_latin1(value))
        }
        CorsError::MethodDisallowed { method } => {
            format!("Method {method} is not allowed by Access-Control-Allow-Methods.")
        }
        CorsError::HeaderDisallowed { written, .. } => {
            format!("Request header field {written} is not allowed by Access-Control-Allow-Headers.")
        }
        CorsError::RedirectContainsCredentials => {
            let to = redirect_target(failing);
            redirection(failing, &format!("redirection URL {to} has credentials"))
        }
        CorsError::DisabledScheme { scheme } if failing.sent && scheme == "ftp" => "FTP URLs are disabled".into(),
        CorsError::DisabledScheme { .. } if failing.sent => format!(
            "Cross-origin redirection to {url} denied by Cross-Origin Resource Sharing policy: not allowed to follow a \
             cross-origin CORS redirection with non CORS scheme"
        ),
        CorsError::DisabledScheme { .. } | CorsError::DisallowedByMode => {
            "Cross origin requests are only supported for HTTP.".into()
        }
    }
}

/// libsoup makes header values UTF-8, with U+FFFD in place of what is none; WebCore then reads each byte as a character.
fn as_latin1(value: &str) -> String {
    let bytes: Result<Vec<u8>, _> = value.chars().map(|character| u8::try_from(u32::from(character))).collect();
    let made_valid = match bytes.as_deref().map(String::from_utf8_lossy) {
        Ok(lossy) => lossy.into_owned(),
        Err(_) => value.to_owned(),
    };
    made_valid.bytes().map(char::from).collect()
}

fn redirect_target(failing: &Failing<'_>) -> Url {
    failing
        .response
        .and_then(|response| response.headers.first_str("location"))
        .and_then(|location| failing.url.join(location).ok())
        .unwrap_or_else(|| failing.url.clone())
}

fn redirection(failing: &Failing<'_>, why: &str) -> String {
    let mut to = redirect_target(failing);
    let _ = (to.set_username(""), to.set_password(None));
    format!("Cross-origin redirection to {to} denied by Cross-Origin Resource Sharing policy: {why}")
}

/// For loopback hosts the sentence ends in its midst, in WebKit itself.
fn blocked_insecure(page: &Page, url: &Url) -> String {
    let end = if origin::is_loopback(url) { "must" } else { "must be served over HTTPS." };
    format!(
        "[blocked] The page at {} requested insecure content from {}. This content was blocked and {end}",
        elided(&page.url),
        elided(url)
    )
}

pub(super) fn handshake(page: &Page, url: &Url, fault: &Fault) -> Vec<String> {
    let why = match fault {
        Fault::MixedContent => return vec![blocked_insecure(page, url)],
        Fault::UnsafePort { port } => return vec![format!("WebSocket port {port} blocked")],
        Fault::ContentSecurityPolicy { .. } | Fault::TypeError(_) => return Vec::new(),
        Fault::SyntaxError(misuse) => {
            return vec![match misuse {
                Misuse::Url { text } => format!("Invalid url for WebSocket {text}"),
                Misuse::Scheme { url } => format!("Wrong url scheme for WebSocket {url}"),
                Misuse::Fragment { url } => format!("URL has fragment component {url}"),
                Misuse::Subprotocol { protocol } => {
                    format!("Wrong protocol for WebSocket '{}'", super::quoted(protocol))
                }
                Misuse::Duplicate { protocol } => {
                    format!("WebSocket protocols contain duplicates: '{}'", super::quoted(protocol))
                }
            }];
        }
        Fault::HandshakeStatus { .. } => "The server did not accept the WebSocket handshake.".to_owned(),
        Fault::HandshakeInvalid(invalid) => match invalid {
            Invalid::Missing { name: "Sec-WebSocket-Accept" } | Invalid::Accept => {
                "Server returned incorrect “Sec-WebSocket-Accept” key".to_owned()
            }
            Invalid::StatusLine
            | Invalid::Missing { .. }
            | Invalid::Repeated { .. }
            | Invalid::Upgrade { .. }
            | Invalid::Connection => "Server ignored WebSocket handshake".to_owned(),
            Invalid::SubprotocolUnasked { .. } | Invalid::SubprotocolMismatch { .. } | Invalid::SubprotocolMissing => {
                "Server requested unsupported protocol".to_owned()
            }
            Invalid::ExtensionSyntax { .. } | Invalid::ExtensionUnasked { .. } | Invalid::DeflateRepeated => {
                "Server requested unsupported extension".to_owned()
            }
            // Never of a handshake.
            Invalid::EventStreamType { .. } | Invalid::EventStreamCharset { .. } => invalid.detail(),
            Invalid::Deflate { what } => format!("Invalid parameter '{what}' in permessage-deflate extension header"),
        },
        Fault::Net(error) => network(error, url),
        _ => "The server did not accept the WebSocket handshake.".to_owned(),
    };
    vec![format!("WebSocket connection to '{url}' failed: {why}")]
}

/// WebKitGTK's words for the network's failures.
fn network(error: &NetError, url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match error {
        NetError::InvalidHttpResponse => "Could not parse HTTP response".to_owned(),
        NetError::ConnectionRefused => format!("Could not connect to {host}: Connection refused"),
        NetError::NameNotResolved | NetError::DnsUnavailable => {
            format!("Error resolving “{host}”: Name or service not known")
        }
        NetError::ConnectionReset { .. } => "Error receiving data: Connection reset by peer".to_owned(),
        NetError::EmptyResponse | NetError::ConnectionClosed { .. } => "Connection terminated unexpectedly".to_owned(),
        NetError::HeadersTooLarge { .. } => "Header too big".to_owned(),
        NetError::TlsProtocol => "Error performing TLS handshake: An unexpected TLS packet was received.".to_owned(),
        error if error.phase() == Phase::Tls => "Unacceptable TLS certificate".to_owned(),
        _ => "WebSocket is closed before the connection is established.".to_owned(),
    }
}

/// A WebSocket that had opened, in libsoup's words.
pub(super) fn loss(url: &Url, loss: Loss) -> String {
    let why = match loss {
        Loss::Reset => "Error receiving data: Connection reset by peer",
        Loss::Breach(Breach::NotUtf8) => "Received invalid WebSocket data from the server",
        Loss::Breach(Breach::Compression) => "Failed to uncompress incoming frame",
        Loss::Breach(Breach::RepeatedCompression) => "Received a non-first frame with RSV1 flag set",
        Loss::Breach(Breach::TooLarge) => {
            "Received WebSocket payload from the server larger than configured max-incoming-payload-size"
        }
        Loss::Breach(_) => "Received invalid WebSocket response from the server",
    };
    format!("WebSocket connection to '{url}' failed: {why}")
}
