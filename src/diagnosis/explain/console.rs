//! A browser's line → causes, by the code that its words stand for.
//!
//! A CORS line is a *split verdict*: what the page could not read may be a 502 of a proxy's. Where the line gives the status,
//! the status speaks first.

use std::borrow::Cow;

use url::Url;

use super::access::{self, status_says};
use super::{CauseId, Known, Source};
use crate::browser::console::heard::{Asked, Heard};
use crate::browser::origin;
use crate::watch::Category;

type Causes = &'static [(CauseId, f32)];
/// Causes, what it means, what it is taken for, where to look.
type Says = (Causes, &'static str, &'static str, &'static str);

pub(super) fn unless_empty(text: &'static str) -> Option<Cow<'static, str>> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

/// What the line means.
pub(super) fn known(heard: &Heard) -> Known {
    let is_socket = heard.asked == Some(Asked::WebSocket);
    let (mut causes, means, not, next) = says(heard, is_socket);
    let mut means = Cow::Borrowed(means);
    if !heard.is_fatal {
        causes.clear();
    }
    let is_cors =
        heard.codes.iter().any(|code| code.ends_with("AllowOriginHeader") || code.ends_with("AllowOriginMismatch"));
    if let Some(status) = heard.status.filter(|status| is_cors && 400 <= *status) {
        // The answer is an error that the page may not even read.
        let (behind, what, _) = status_says(status, access::Asked::Other);
        let mut first: Vec<(CauseId, f32)> = behind.iter().filter(|(_, sure)| 0.5 <= *sure).copied().collect();
        first.push((CauseId::ErrorResponseWithoutCors, 0.8));
        first.retain(|(cause, _)| *cause != CauseId::NotFound || status == 404);
        causes.retain(|(cause, _)| first.iter().all(|(known, _)| known != cause));
        causes.iter_mut().for_each(|(_, sure)| *sure /= 2.0);
        causes.splice(0..0, first);
        means = Cow::Owned(format!(
            "The answer was {status}, and carries no CORS headers for this page, so that the page can't even read the error. {what}"
        ));
    }
    twins(heard, &mut causes);
    let category = causes.first().map_or_else(|| category(heard), |(cause, _)| cause.category());
    Known {
        source: Source::Console,
        category,
        causes,
        means,
        not: unless_empty(not),
        next: unless_empty(next),
        url: heard.url.clone(),
        origin: heard.page_origin(),
        status: heard.status,
        value: heard.value.clone(),
    }
}

fn category(heard: &Heard) -> Category {
    let Some(code) = heard.codes.first().filter(|_| heard.is_fatal) else {
        return if heard.is_fatal { Category::Connection } else { Category::None };
    };
    crate::watch::Code::parse(code).map_or(Category::Configuration, crate::watch::Code::category)
}

/// One origin, spelled in two ways: the header's value beside the page's, and the two names of this machine.
fn twins(heard: &Heard, causes: &mut Vec<(CauseId, f32)>) {
    let page = heard.page_origin().and_then(|text| Url::parse(&text).ok());
    let has = |causes: &[(CauseId, f32)], cause: CauseId| causes.iter().any(|(known, _)| *known == cause);
    if !has(causes, CauseId::OriginNotAllowed) {
        return;
    }
    let told = heard.value.as_deref().and_then(|value| Url::parse(value).ok()).filter(Url::has_host);
    let twin = match (&page, &told) {
        (Some(page), Some(told)) if page.host_str() == told.host_str() && page.scheme() != told.scheme() => {
            Some(CauseId::OriginSchemeMismatch)
        }
        (Some(page), Some(told)) if page.origin() == told.origin() => {
            // The same but for its spelling: `:443`, a slash.
            let spelled = heard.value.as_deref().unwrap_or_default();
            (spelled.matches(':').count() == 2).then_some(CauseId::OriginPortMismatch)
        }
        (Some(page), Some(told))
            if origin::is_loopback(page) && origin::is_loopback(told) && page.port() == told.port() =>
        {
            Some(CauseId::Localhost127Mismatch)
        }
        _ => None,
    };
    if let Some(twin) = twin {
        causes.insert(0, (twin, 0.9));
        causes.iter_mut().skip(1).for_each(|(_, sure)| *sure /= 3.0);
    } else if let (Some(page), Some(url)) = (&page, &heard.url)
        && origin::is_loopback(page)
        && origin::is_loopback(url)
        && page.host_str() != url.host_str()
    {
        causes.push((CauseId::Localhost127Mismatch, 0.3));
    }
}

fn says(heard: &Heard, is_socket: bool) -> (Vec<(CauseId, f32)>, &'static str, &'static str, &'static str) {
    let Some(code) = heard.codes.first() else {
        let (causes, means, not, next) = without_code(heard, is_socket);
        return (causes, means, not, next);
    };
    let bare = code.strip_prefix("Preflight").filter(|bare| !["InvalidStatus", "DisallowedRedirect"].contains(bare));
    let (causes, means, not, next) = match code.as_str() {
        "HandshakeStatus" => {
            let status = heard.status.unwrap_or(403);
            let (causes, means, next) = status_says(status, access::Asked::Upgrade);
            let means = if heard.status.is_some() {
                means
            } else {
                "The server answered the upgrade with another status than 101, and this browser does not say which."
            };
            (causes, means, "It is not CORS: browsers apply none to WebSockets.", next)
        }
        "HandshakeInvalid" if heard.value.as_deref().is_some_and(|value| value.contains("Sec-WebSocket-Protocol")) => {
            const CAUSES: Causes = &[(CauseId::SubprotocolNotOffered, 0.8), (CauseId::HandshakeInvalid, 0.2)];
            let next = "Let the server choose one of those that the page offers, or offer none.";
            (CAUSES, "Page and server do not agree on a subprotocol.", "", next)
        }
        code => by_code(bare.unwrap_or(code), is_socket),
    };
    let mut causes = causes.to_vec();
    if bare.is_some() {
        // A preflight that no CORS layer answers: a sign-in or a missing route stands before it.
        causes.extend([(CauseId::PreflightOptions405, 0.25), (CauseId::AuthRequired, 0.1)]);
    }
    (causes, means, not, next)
}

/// By the code: see [`Fault::code`](crate::browser::Fault::code).
fn by_code(code: &str, is_socket: bool) -> Says {
    use CauseId::*;
    const LIST: &str =
        "Compare the page's origin letter by letter with the server's list: scheme, host, port, no slash at its end.";
    const NETWORK: &str = "It is not CORS: nothing came back at all.";
    match code {
        "MissingAllowOriginHeader" => (
            &[(OriginNotAllowed, 0.4), (CorsHeadersMissing, 0.4), (ErrorResponseWithoutCors, 0.3)],
            "The answer has no Access-Control-Allow-Origin, so that the page may not read it: the server has no CORS set up, does not know this origin, or it was an error page that carries none.",
            "It need not be the server's list of origins: a 500 or a proxy's 502 looks the same.",
            "Look at the answer's status in the network panel first.",
        ),
        "AllowOriginMismatch" => {
            (&[(OriginNotAllowed, 0.9)], "The server allows another origin than this page's.", "", LIST)
        }
        "InvalidAllowOriginValue" => (
            &[(OriginNotAllowed, 0.7)],
            "Access-Control-Allow-Origin is no origin: a host without its scheme, a list, or nothing.",
            "",
            "It has to be one whole origin, as in https://app.example.com.",
        ),
        "MultipleAllowOriginValues" => (
            &[(DuplicateCorsHeaders, 0.93)],
            "Access-Control-Allow-Origin has two values: two layers each add it, or a list was written into it.",
            "A second layer \"to be safe\" is the fault, not the mend.",
            "See which layers add it: the application, a middleware, nginx.",
        ),
        "WildcardOriginNotAllowed" => (
            &[(WildcardWithCredentials, 0.95)],
            "The server allows `*`, and a request with cookies needs its origin named.",
            "Reflecting whatever origin comes would let any site read the user's data.",
            "Name the origin in the server's list.",
        ),
        "InvalidAllowCredentials" => (
            &[(CredentialsNotAllowed, 0.95)],
            "The page sends cookies along, and the answer lacks Access-Control-Allow-Credentials: true.",
            "",
            "Switch credentials on in the server's CORS settings, for named origins.",
        ),
        "PreflightInvalidStatus" => (
            &[(PreflightOptions405, 0.6), (AuthRequired, 0.2), (NotFound, 0.1), (BackendDown, 0.1)],
            "The browser asked first (OPTIONS), and the answer is no 2xx.",
            "",
            "Send the OPTIONS by hand: 405 is a route without it, 401 a sign-in before it, 404 a wrong path, 502 a backend that is down.",
        ),
        "PreflightDisallowedRedirect" => (
            &[(PreflightOptions405, 0.3), (AuthRequired, 0.4)],
            "The browser asked first (OPTIONS) and was redirected, which it refuses.",
            "",
            "http to https, a missing slash, a sign-in page: ask the address that it leads to.",
        ),
        "MethodDisallowedByPreflightResponse" => (
            &[(PreflightMethodNotAllowed, 0.97)],
            "Access-Control-Allow-Methods does not list the method.",
            "",
            "Add it to the server's list of methods.",
        ),
        "HeaderDisallowedByPreflightResponse" => (
            &[(PreflightHeaderNotAllowed, 0.97)],
            "Access-Control-Allow-Headers does not list a header that the page sets.",
            "",
            "Add it to the server's list of headers.",
        ),
        "InvalidAllowMethodsPreflightResponse" => (
            &[(PreflightMethodNotAllowed, 0.8)],
            "Access-Control-Allow-Methods can't be read: it is no list of words parted by commas.",
            "",
            "Write it as GET, POST, PUT.",
        ),
        "InvalidAllowHeadersPreflightResponse" => (
            &[(PreflightHeaderNotAllowed, 0.8)],
            "Access-Control-Allow-Headers can't be read: it is no list of words parted by commas.",
            "",
            "Write it as Content-Type, Authorization.",
        ),
        "RedirectContainsCredentials" => (
            &[],
            "The answer redirects to an address with a user and a password in it, which browsers refuse across origins.",
            "",
            "Take them out of the redirect.",
        ),
        "DisallowedByMode" => (
            &[],
            "The page's script asks with a mode that allows no other origin.",
            "",
            "Use mode \"cors\", or ask the page's own origin.",
        ),
        "CorsDisabledScheme" => (
            &[],
            "The address has a scheme that no server is asked by: file:, ftp:.",
            "",
            "Serve the page over http, also on a development machine.",
        ),
        "MixedContent" if is_socket => (
            &[(InsecureWebsocketFromHttpsPage, 0.97)],
            "A page over https asked for ws://, which browsers refuse before anything is sent.",
            "The server never saw it: its CORS list has nothing to do with it.",
            "Use wss://.",
        ),
        "MixedContent" => (
            &[(InsecureRequestFromHttpsPage, 0.97)],
            "A page over https asked for something over http, which browsers refuse before anything is sent.",
            "The server never saw it: its CORS list has nothing to do with it.",
            "Use https://.",
        ),
        "ContentSecurityPolicy" => (
            &[],
            "The page's own Content-Security-Policy does not list this address; nothing was sent.",
            "It is not CORS: the page's server has to change, not the endpoint's.",
            "Add the address to connect-src of the page; ws and wss have to be named.",
        ),
        "LocalNetworkAccessPermissionDenied" => (
            &[(LocalNetworkAccess, 0.95)],
            "The browser asks the person before a page may reach this machine or the local network, and was told no.",
            "",
            "The icon at the left of the address takes it back.",
        ),
        "InsecureLocalNetwork" => (
            &[(LocalNetworkAccess, 0.95)],
            "A page over http may not reach the local network at all.",
            "",
            "Serve the page over https.",
        ),
        "net::ERR_CONNECTION_REFUSED" => (
            &[(ConnectionRefused, 0.95)],
            "Nothing listens on that port.",
            NETWORK,
            "See that the server runs, and on which address and port.",
        ),
        "net::ERR_NAME_NOT_RESOLVED" => (
            &[(DnsFailure, 0.95)],
            "The name does not resolve.",
            NETWORK,
            "Check its spelling, and the network that the browser is in.",
        ),
        "net::ERR_CONNECTION_RESET" => (
            &[(ConnectionReset, 0.8), (TlsToPlainPort, 0.1)],
            "The server, or something on the way, reset the connection.",
            NETWORK,
            "The server's log at that second; else a firewall.",
        ),
        "net::ERR_EMPTY_RESPONSE" | "net::ERR_CONNECTION_CLOSED" => (
            &[(ConnectionClosed, 0.75), (PlainHttpToTlsPort, 0.15)],
            "The server closed the connection without an answer.",
            NETWORK,
            "Look for a crash; http to a TLS port can look so, too.",
        ),
        "net::ERR_CONNECTION_TIMED_OUT" => (
            &[(ConnectTimeout, 0.95)],
            "No answer to the connection request: a firewall drops it, or the address is wrong.",
            NETWORK,
            "Try from another network.",
        ),
        "net::ERR_TIMED_OUT" => (
            &[(ConnectTimeout, 0.5), (ReadTimeout, 0.5)],
            "Nothing came in time.",
            NETWORK,
            "See whether the connection was made (network panel, timing).",
        ),
        "net::ERR_ADDRESS_UNREACHABLE" => (
            &[(ConnectTimeout, 0.5)],
            "There is no way to that address from here.",
            NETWORK,
            "VPN, routing, a private address seen from outside.",
        ),
        "net::ERR_INTERNET_DISCONNECTED" | "net::ERR_NETWORK_CHANGED" => (
            &[],
            "The person's machine was offline, or changed its network.",
            NETWORK,
            "Nothing of the server's is wrong by this line.",
        ),
        "net::ERR_CERT_DATE_INVALID" => (
            &[(CertificateExpired, 0.85), (CertificateNotYetValid, 0.15)],
            "The certificate's time is over, or a clock is wrong.",
            "A page's script can't be asked to accept it.",
            "Open the address itself in a tab to read the certificate.",
        ),
        "net::ERR_CERT_COMMON_NAME_INVALID" => (
            &[(CertificateWrongName, 0.97)],
            "The certificate is for other names.",
            "",
            "Use one of its names, or issue one that has this name.",
        ),
        "net::ERR_CERT_AUTHORITY_INVALID" => (
            &[(CertificateSelfSigned, 0.5), (CertificateUntrusted, 0.5)],
            "The browser does not know who issued the certificate.",
            "Accepting it in a tab helps that browser alone, and not every page in it.",
            "Serve the intermediates (fullchain), or use a public issuer.",
        ),
        "net::ERR_SSL_PROTOCOL_ERROR" => (
            &[(TlsToPlainPort, 0.65), (TlsVersionUnsupported, 0.2)],
            "What answered does not speak TLS, most often: https:// or wss:// to a plain port.",
            "",
            "Try http:// on the same port.",
        ),
        "net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH" => (
            &[(TlsVersionUnsupported, 0.93)],
            "The server speaks only TLS versions or ciphers that browsers have given up.",
            "",
            "Switch on TLS 1.2 and 1.3.",
        ),
        "net::ERR_BAD_SSL_CLIENT_AUTH_CERT" => (
            &[(ClientCertificateRequired, 0.93)],
            "The server wants a client certificate.",
            "",
            "Install it in the browser.",
        ),
        "net::ERR_TUNNEL_CONNECTION_FAILED" => (
            &[(ForwardProxyBlocksConnect, 0.75), (ProxyAuthenticationRequired, 0.2)],
            "The network's proxy refused the way to this port.",
            NETWORK,
            "Polling over plain http passes such a proxy; 443 nearly always does.",
        ),
        "net::ERR_PROXY_CONNECTION_FAILED" => (
            &[(ProxyUnreachable, 0.95)],
            "The proxy that the browser is told to use can't be reached.",
            NETWORK,
            "Look at the browser's or the system's proxy settings.",
        ),
        "net::ERR_UNEXPECTED_PROXY_AUTH" => (
            &[(ProxyAuthenticationRequired, 0.7)],
            "The server answered 407, which only a proxy should.",
            "",
            "See what stands before the server.",
        ),
        "net::ERR_INVALID_HTTP_RESPONSE" => (
            &[(PlainHttpToTlsPort, 0.5), (PortHeldByOtherProgram, 0.4)],
            "What answered does not speak HTTP: TLS on that port, or another program.",
            "",
            "See which program listens there.",
        ),
        "net::ERR_CONTENT_LENGTH_MISMATCH" | "net::ERR_INCOMPLETE_CHUNKED_ENCODING" => (
            &[(AbnormalClose, 0.4), (ServerException, 0.3), (BackendTimeout, 0.2)],
            "The answer broke off in its midst.",
            "",
            "The server's log at that second; a proxy's time-out or full disk does it, too.",
        ),
        "net::ERR_WS_PROTOCOL_ERROR" => (
            &[(InvalidFrame, 0.8), (AbnormalClose, 0.15)],
            "The WebSocket had opened, and what came then breaks its protocol, or it was reset.",
            "It is neither CORS nor the handshake: those were over.",
            "Look for a proxy that writes into the connection, or an old WebSocket library.",
        ),
        "net::ERR_BLOCKED_BY_CLIENT" => (
            &[],
            "An extension of the person's browser (an ad blocker) stopped it; nothing was sent.",
            "The server is not at fault, and sees nothing of it.",
            "Try a private window without extensions; rename a path with words like ads or track.",
        ),
        "net::ERR_UNSAFE_PORT" => {
            (&[], "Browsers do not open this port, whatever listens there.", "", "Serve it on another port.")
        }
        "net::ERR_TOO_MANY_REDIRECTS" => (
            &[],
            "The redirects lead in a circle.",
            "",
            "http to https and back behind a proxy is the usual one: X-Forwarded-Proto.",
        ),
        "net::ERR_FAILED" => (
            &[(OriginNotAllowed, 0.3), (CorsHeadersMissing, 0.3), (ConnectionRefused, 0.1)],
            "Chrome hides the reason in this line; another line beside it has it.",
            "",
            "Look for the line that begins \"Access to\", and paste that.",
        ),
        "net::ERR_ABORTED" => (
            &[],
            "The page gave the request up: it was left, or the script took it back.",
            "",
            "Nothing is wrong by this line alone.",
        ),
        code if code.starts_with("net::ERR_BLOCKED_BY_RESPONSE") => (
            &[],
            "The answer's Cross-Origin-Resource-Policy lets no other site use it.",
            "It is not CORS: another header decides.",
            "Send Cross-Origin-Resource-Policy: cross-origin with what others may load.",
        ),
        "HandshakeInvalid" => (
            &[(HandshakeInvalid, 0.85), (ProxyDropsUpgrade, 0.1)],
            "The answer to the upgrade breaks the WebSocket protocol.",
            "",
            "A proxy that changes the headers, or no WebSocket server at all.",
        ),
        "SyntaxError" | "SecurityError" | "TypeError" => (
            &[],
            "The script's own call is wrong: an address, a method or a header that the interface refuses. Nothing was sent.",
            "",
            "The line names the value.",
        ),
        _ => (
            &[],
            "The network's error has no cause of its own here.",
            NETWORK,
            "chrome://net-export records what happened.",
        ),
    }
}

/// Lines that give no reason.
fn without_code(heard: &Heard, is_socket: bool) -> (Vec<(CauseId, f32)>, &'static str, &'static str, &'static str) {
    use CauseId::*;
    if let Some(status) = heard.status {
        let asked = if is_socket { access::Asked::Upgrade } else { access::Asked::Other };
        let (causes, means, next) = status_says(status, asked);
        return (causes.to_vec(), means, "", next);
    }
    if !heard.is_fatal {
        return (Vec::new(), "The browser notes something, and refused nothing by it.", "", "");
    }
    let (causes, means, not, next): Says = if heard.line.contains("closed before the connection is established") {
        (
            &[],
            "The page itself closed the WebSocket before it had opened: it was left, or its script connects twice (React's StrictMode does in development).",
            "The server is not at fault by this line.",
            "See who calls close() or makes a second WebSocket.",
        )
    } else if is_socket {
        (
            &[
                (ConnectionRefused, 0.25),
                (OriginNotAllowed, 0.2),
                (CertificateUntrusted, 0.15),
                (WebsocketRouteMissing, 0.15),
                (ProxyDropsUpgrade, 0.15),
                (BackendDown, 0.1),
            ],
            "The WebSocket did not open, and this browser gives no reason: no server, no route, a refusal, a certificate, a proxy.",
            "It is not CORS: browsers apply none to WebSockets.",
            "The network panel has the handshake's status; a check from here finds the reason.",
        )
    } else if heard.line.contains("CORS request did not succeed") {
        (
            &[
                (ConnectionRefused, 0.35),
                (CertificateUntrusted, 0.3),
                (DnsFailure, 0.1),
                (ConnectTimeout, 0.1),
                (LocalNetworkAccess, 0.05),
            ],
            "Firefox got no answer at all, and calls it CORS: the server is down, its certificate is refused, the name does not resolve, an extension stopped it.",
            "It is not CORS, though the line says so.",
            "Open the address itself in a tab; then try a private window without extensions.",
        )
    } else {
        (
            &[
                (CorsHeadersMissing, 0.25),
                (OriginNotAllowed, 0.25),
                (ConnectionRefused, 0.2),
                (CertificateUntrusted, 0.1),
            ],
            "The script's request failed, and the exception never says why, so that pages can't spy.",
            "It may be CORS and may as well be the network.",
            "Another line of the console has the reason: paste that, too.",
        )
    };
    (causes.to_vec(), means, not, next)
}
