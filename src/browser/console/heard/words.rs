//! The browsers' sentences with holes, newest wording first. Quotes are straight here: see [`straight`](crate::base::template::straight).

use super::Asked;
use crate::browser::Browser::{self, Chrome, Firefox, Safari};

/// What a line begins with: what it is about.
pub(super) struct Head {
    pub words: &'static str,
    pub whose: &'static [Browser],
    pub asked: Option<Asked>,
    /// Where the head says it all.
    pub codes: &'static [&'static str],
    pub is_fatal: bool,
}

/// What a line gives as its reason.
pub(super) struct Why {
    pub words: &'static str,
    pub whose: &'static [Browser],
    pub codes: &'static [&'static str],
    pub status: Option<u16>,
}

/// The codes that a preflight's answer has, too, with `Preflight` before them.
pub(super) const ACCESS: [&str; 6] = [
    "MissingAllowOriginHeader",
    "WildcardOriginNotAllowed",
    "MultipleAllowOriginValues",
    "InvalidAllowOriginValue",
    "AllowOriginMismatch",
    "InvalidAllowCredentials",
];

const C: &[Browser] = &[Chrome];
const F: &[Browser] = &[Firefox];
const S: &[Browser] = &[Safari];
const CS: &[Browser] = &[Chrome, Safari];

const fn head(words: &'static str, whose: &'static [Browser], asked: Option<Asked>) -> Head {
    Head { words, whose, asked, codes: &[], is_fatal: true }
}

const fn all(
    words: &'static str,
    whose: &'static [Browser],
    asked: Option<Asked>,
    codes: &'static [&'static str],
) -> Head {
    Head { words, whose, asked, codes, is_fatal: true }
}

const fn note(words: &'static str, whose: &'static [Browser]) -> Head {
    Head { words, whose, asked: None, codes: &[], is_fatal: false }
}

const MIXED: &[&str] = &["MixedContent"];
const CSP: &[&str] = &["ContentSecurityPolicy"];
const MODE: &[&str] = &["DisallowedByMode"];
const SCHEME: &[&str] = &["CorsDisabledScheme"];
const CORP: &[&str] = &["net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin", "net::ERR_BLOCKED_BY_RESPONSE.NotSameSite"];
const SOCKET: Option<Asked> = Some(Asked::WebSocket);
const FETCH: Option<Asked> = Some(Asked::Fetch);
const XHR: Option<Asked> = Some(Asked::Xhr);
const STREAM: Option<Asked> = Some(Asked::EventSource);

pub(super) const HEADS: &[Head] = &[
    head(
        "Access to {what} at '{url}' (redirected from '{first}') from origin '{origin}' has been blocked by CORS policy",
        C,
        None,
    ),
    head("Access to {what} at '{url}' from origin '{origin}' has been blocked by CORS policy", C, None),
    all(
        "Mixed Content: The page at '{page}' was loaded over HTTPS, but attempted to connect to the insecure WebSocket endpoint '{url}'",
        C,
        SOCKET,
        MIXED,
    ),
    all(
        "Mixed Content: The page at '{page}' was loaded over HTTPS, but requested an insecure XMLHttpRequest endpoint '{url}'",
        C,
        XHR,
        MIXED,
    ),
    all(
        "Mixed Content: The page at '{page}' was loaded over HTTPS, but requested an insecure EventSource endpoint '{url}'",
        C,
        STREAM,
        MIXED,
    ),
    all(
        "Mixed Content: The page at '{page}' was loaded over HTTPS, but requested an insecure resource '{url}'",
        C,
        FETCH,
        MIXED,
    ),
    all(
        "Mixed Content: The page at '{page}' was loaded over HTTPS, but requested an insecure {what} '{url}'",
        C,
        Some(Asked::Element),
        MIXED,
    ),
    all("Connecting to '{url}' violates the following Content Security Policy directive: \"{value}\"", C, None, CSP),
    all(
        "Refused to connect to '{url}' because it violates the following Content Security Policy directive: \"{value}\"",
        C,
        None,
        CSP,
    ),
    all("Refused to connect to '{url}' because it violates the document's Content Security Policy", C, None, CSP),
    all(
        "Fetch API cannot load {url}. Refused to connect because it violates the document's Content Security Policy",
        C,
        FETCH,
        CSP,
    ),
    all("Fetch API cannot load {url}. URL scheme \"{value}\" is not supported", C, FETCH, SCHEME),
    all("Fetch API cannot load {url}. Request mode is", C, FETCH, MODE),
    all("Unsafe attempt to load URL {url} from frame with URL {page}. Domains", C, None, MODE),
    all("Unsafe attempt to load URL {url} from origin {origin}. Domains", S, None, MODE),
    head("WebSocket connection to '{url}' failed:", CS, SOCKET),
    head(
        "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at '{url}'. (Reason:",
        F,
        None,
    ),
    head(
        "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {url}. (Reason:",
        F,
        None,
    ),
    note(
        "Cross-Origin Request Warning: The Same Origin Policy will disallow reading the remote resource at {url} soon",
        F,
    ),
    note(
        "(Report-Only policy) The page's settings would block the loading of a resource ({what}) at {url} because it violates the following directive: \"{value}\"",
        F,
    ),
    all(
        "The page's settings blocked the loading of a resource ({what}) at {url} because it violates the following directive: \"{value}\"",
        F,
        None,
        CSP,
    ),
    all("The page's settings blocked the loading of a resource at {url} (\"{value}\")", F, None, CSP),
    all("Content-Security-Policy: Blocking insecure request '{url}'", F, None, CSP),
    note("Content-Security-Policy: Upgrading insecure request '{url}' to use", F),
    head("Firefox can't establish a connection to the server at {url}.", F, STREAM),
    all(
        "The connection to {url} was interrupted while the page was loading",
        F,
        SOCKET,
        &["net::ERR_WS_PROTOCOL_ERROR", "net::ERR_CONNECTION_RESET"],
    ),
    all("Blocked loading mixed active content \"{url}\"", F, None, MIXED),
    all("Security Error: Content at {page} may not load data from {url}.", F, None, MODE),
    all("Security Error: Content at {page} may not load or link to {url}.", F, None, MODE),
    all("The resource at \"{url}\" was blocked due to its Cross-Origin-Resource-Policy header", F, None, CORP),
    all("Redirecting to data: URI not allowed (Blocked loading of: \"{url}\")", F, None, &["net::ERR_UNSAFE_REDIRECT"]),
    note("Cookie \"{name}\" ", F),
    note("for cookie \"{name}\"", F),
    note("for the cookie \"{name}\"", F),
    note("Cookie with an empty name and an empty value has been rejected", F),
    head("Fetch API cannot load {url} due to access control checks", S, FETCH),
    head("XMLHttpRequest cannot load {url} due to access control checks", S, XHR),
    head("EventSource cannot load {url} due to access control checks", S, STREAM),
    all(
        "Refused to connect to {url} because it does not appear in the connect-src directive of the Content Security Policy",
        S,
        None,
        CSP,
    ),
    all(
        "Refused to connect to {url} because it appears in neither the connect-src directive nor the default-src directive",
        S,
        None,
        CSP,
    ),
    all("[blocked] The page at {page} requested insecure content from {url}. This content was blocked", S, None, MIXED),
    all("[blocked] The page at {page} was not allowed to run insecure content from {url}.", S, None, MIXED),
    all("Not allowed to use restricted network port {value}: {url}", S, None, &["net::ERR_UNSAFE_PORT"]),
    all("Not allowed to follow a redirection while loading {url}", S, FETCH, &["net::ERR_FAILED"]),
    head("Cross-origin redirection to {url} denied by Cross-Origin Resource Sharing policy", S, None),
    all("Cancelled load to {url} because it violates the resource's Cross-Origin-Resource-Policy", S, None, CORP),
    all("Not allowed to load local resource: {url}", CS, None, &["net::ERR_ABORTED"]),
    all("XMLHttpRequest cannot load {url}.", S, XHR, &[]),
    all("EventSource cannot load {url}.", S, STREAM, &[]),
    all("Fetch API cannot load {url}.", S, FETCH, &[]),
    all("Failed to construct 'EventSource': Cannot open an EventSource to '{value}'", C, STREAM, &["SyntaxError"]),
    all("Failed to construct 'WebSocket': {value}", C, SOCKET, &["SyntaxError"]),
    note("Refused to set unsafe header \"{value}\"", CS),
    note("Attempt to set a forbidden header was denied: {value}", F),
];

const fn why(words: &'static str, whose: &'static [Browser], codes: &'static [&'static str]) -> Why {
    Why { words, whose, codes, status: None }
}

const MISSING: &[&str] = &["MissingAllowOriginHeader"];
const MULTIPLE: &[&str] = &["MultipleAllowOriginValues"];
const MISMATCH: &[&str] = &["AllowOriginMismatch", "InvalidAllowOriginValue", "MultipleAllowOriginValues"];
const WILDCARD: &[&str] = &["WildcardOriginNotAllowed"];
const CREDENTIALS: &[&str] = &["InvalidAllowCredentials"];
const METHODS: &[&str] = &["InvalidAllowMethodsPreflightResponse"];
const HEADERS: &[&str] = &["InvalidAllowHeadersPreflightResponse"];
const METHOD: &[&str] = &["MethodDisallowedByPreflightResponse"];
const HEADER: &[&str] = &["HeaderDisallowedByPreflightResponse"];
const STATUS: &[&str] = &["HandshakeStatus"];
const INVALID: &[&str] = &["HandshakeInvalid"];
const FRAME: &[&str] = &["net::ERR_WS_PROTOCOL_ERROR"];
const CERTIFICATE: &[&str] =
    &["net::ERR_CERT_AUTHORITY_INVALID", "net::ERR_CERT_COMMON_NAME_INVALID", "net::ERR_CERT_DATE_INVALID"];
const REFUSED: &[&str] = &["net::ERR_CONNECTION_REFUSED"];
const DNS: &[&str] = &["net::ERR_NAME_NOT_RESOLVED"];
const RESET: &[&str] = &["net::ERR_CONNECTION_RESET"];
const CUT: &[&str] = &["net::ERR_EMPTY_RESPONSE", "net::ERR_CONNECTION_CLOSED"];

pub(super) const REASONS: &[Why] = &[
    // Chromium, fetch and XMLHttpRequest.
    why("No 'Access-Control-Allow-Origin' header is present on the requested resource", C, MISSING),
    why("must not be the wildcard '*' when the request's credentials mode is", C, WILDCARD),
    why(
        "'Access-Control-Allow-Origin' header contains multiple values '{value}', but only one is allowed",
        C,
        MULTIPLE,
    ),
    why("'Access-Control-Allow-Origin' header contains the invalid value '{value}'.", C, &["InvalidAllowOriginValue"]),
    why(
        "'Access-Control-Allow-Origin' header has a value '{value}' that is not equal to the supplied origin",
        C,
        &["AllowOriginMismatch"],
    ),
    why("'Access-Control-Allow-Credentials' header in the response is '{value}' which must be 'true'", C, CREDENTIALS),
    why("It does not have HTTP ok status", C, &["PreflightInvalidStatus"]),
    why("Redirect is not allowed for a preflight request", C, &["PreflightDisallowedRedirect"]),
    why("Cannot parse Access-Control-Allow-Methods response header field in preflight response", C, METHODS),
    why("Cannot parse Access-Control-Allow-Headers response header field in preflight response", C, HEADERS),
    why("Method {value} is not allowed by Access-Control-Allow-Methods in preflight response", C, METHOD),
    why("Request header field {value} is not allowed by Access-Control-Allow-Headers in preflight response", C, HEADER),
    why("Redirect location '{value}' contains a username and password", C, &["RedirectContainsCredentials"]),
    why("Cross origin requests are only supported for protocol schemes", C, SCHEME),
    why("Cross origin requests are not allowed by request mode", C, MODE),
    why(
        "Permission was denied for this request to access the `{value}` address space",
        C,
        &["LocalNetworkAccessPermissionDenied"],
    ),
    why("resource is in more-private address space `{value}`", C, &["InsecureLocalNetwork"]),
    why("the server responded with a status of {status} (", CS, &[]),
    why("FTP is not supported.", C, SCHEME),
    why("EventSource's response has a MIME type (\"{value}\") that is not \"text/event-stream\"", CS, INVALID),
    why("EventSource's response has a charset (\"{value}\") that is not UTF-8", CS, INVALID),
    // Chromium, WebSocket.
    Why {
        words: "HTTP Authentication failed; no valid credentials available",
        whose: C,
        codes: STATUS,
        status: Some(401),
    },
    why("Error during WebSocket handshake: Unexpected response code: {status}", C, STATUS),
    why("Error during WebSocket handshake: net::ERR_", C, &[]),
    why("Error during WebSocket handshake: {value}", C, INVALID),
    why("Error in connection establishment: net::ERR_", C, &[]),
    why("Connection closed before receiving a handshake response", C, &["net::ERR_EMPTY_RESPONSE"]),
    why("Invalid frame header", C, FRAME),
    why("One or more reserved bits are on", C, FRAME),
    why("A server must not mask any frames that it sends to the client", C, FRAME),
    why("Unrecognized frame opcode", C, FRAME),
    why("Received unexpected continuation frame", C, FRAME),
    why("Received start of new message but previous message is unfinished", C, FRAME),
    why("Could not decode a text frame as UTF-8", C, FRAME),
    why("Received a broken close frame", C, FRAME),
    why(" received after close", C, FRAME),
    why("Message size is too large", C, FRAME),
    // Firefox.
    why("CORS header 'Access-Control-Allow-Origin' missing)", F, MISSING),
    why("CORS header 'Access-Control-Allow-Origin' does not match '{value}'", F, MISMATCH),
    why("Multiple CORS header 'Access-Control-Allow-Origin' not allowed", F, MULTIPLE),
    why("Credential is not supported if the CORS header 'Access-Control-Allow-Origin' is '*'", F, WILDCARD),
    why("expected 'true' in CORS header 'Access-Control-Allow-Credentials'", F, CREDENTIALS),
    why("CORS preflight response did not succeed)", F, &["PreflightInvalidStatus"]),
    why("CORS request external redirect not allowed", F, &["PreflightDisallowedRedirect"]),
    why("invalid token '{value}' in CORS header 'Access-Control-Allow-Methods'", F, METHODS),
    why("invalid token '{value}' in CORS header 'Access-Control-Allow-Headers'", F, HEADERS),
    why(
        "header '{value}' is not allowed according to header 'Access-Control-Allow-Headers' from CORS preflight response",
        F,
        HEADER,
    ),
    why("missing token '{value}' in CORS header 'Access-Control-Allow-Headers' from CORS preflight channel", F, HEADER),
    why("Did not find method in CORS header 'Access-Control-Allow-Methods'", F, METHOD),
    why("CORS request not http)", F, SCHEME),
    why("CORS request did not succeed)", F, &[]),
    why("The status line of the HTTP response is invalid", F, &["net::ERR_INVALID_HTTP_RESPONSE"]),
    // WebKit: its core's words are Safari's.
    why(
        "Origin {origin} is not allowed by Access-Control-Allow-Origin",
        S,
        &["MissingAllowOriginHeader", "AllowOriginMismatch", "InvalidAllowOriginValue", "MultipleAllowOriginValues"],
    ),
    why("Access-Control-Allow-Origin cannot contain more than one origin", S, MULTIPLE),
    why("Cannot use wildcard in Access-Control-Allow-Origin when credentials flag is true", S, WILDCARD),
    why("Credentials flag is true, but Access-Control-Allow-Credentials is not \"true\"", S, CREDENTIALS),
    why(
        "Preflight response is not successful. Status code: {status}",
        S,
        &["PreflightInvalidStatus", "PreflightDisallowedRedirect"],
    ),
    why("Preflight response is not successful", S, &["PreflightInvalidStatus", "PreflightDisallowedRedirect"]),
    why("Header Access-Control-Allow-Methods has an invalid value: {value}", S, METHODS),
    why("Header Access-Control-Allow-Headers has an invalid value: {value}", S, HEADERS),
    why("Method {value} is not allowed by Access-Control-Allow-Methods.", S, METHOD),
    why("Request header field {value} is not allowed by Access-Control-Allow-Headers.", S, HEADER),
    why("redirection URL {to} has credentials", S, &["RedirectContainsCredentials"]),
    why(
        "not allowed to follow a cross-origin CORS redirection with non CORS scheme",
        S,
        &["net::ERR_UNSAFE_REDIRECT", "CorsDisabledScheme"],
    ),
    why("FTP URLs are disabled", S, SCHEME),
    why("Cross origin requests are only supported for HTTP", S, &["CorsDisabledScheme", "DisallowedByMode"]),
    why("Blocked by Content Security Policy", S, CSP),
    why("Not allowed to request resource", S, MIXED),
    why("Load cannot follow more than 20 redirections", S, &["net::ERR_TOO_MANY_REDIRECTS"]),
    why("WebSocket port {value} blocked", S, &["net::ERR_UNSAFE_PORT"]),
    // WebKitGTK's network layer.
    why("The server did not accept the WebSocket handshake", S, STATUS),
    why("Server ignored WebSocket handshake", S, &["HandshakeInvalid", "HandshakeStatus"]),
    why("Server returned incorrect \"Sec-WebSocket-Accept\" key", S, INVALID),
    why("Server requested unsupported protocol", S, INVALID),
    why("Server requested unsupported extension", S, INVALID),
    why("in permessage-deflate extension header", S, INVALID),
    why("Received invalid WebSocket response from the server", S, FRAME),
    why("Received invalid WebSocket data from the server", S, FRAME),
    why("Failed to uncompress incoming frame", S, FRAME),
    why("Received a non-first frame with RSV1 flag set", S, FRAME),
    why("larger than configured max-incoming-payload-size", S, FRAME),
    why("Unacceptable TLS certificate", S, CERTIFICATE),
    why("Could not connect to {host}: Connection refused", S, REFUSED),
    why("Error resolving \"{host}\"", S, DNS),
    why("Error receiving data: Connection reset by peer", S, RESET),
    why("Connection terminated unexpectedly", S, CUT),
    why("Could not parse HTTP response", S, &["net::ERR_INVALID_HTTP_RESPONSE"]),
    why("Error performing TLS handshake", S, &["net::ERR_SSL_PROTOCOL_ERROR"]),
    why("Header too big", S, &["net::ERR_RESPONSE_HEADERS_TOO_BIG"]),
    // Safari's own network layer (NSURLError's texts).
    why("There was a bad response from the server", S, &["HandshakeStatus", "HandshakeInvalid"]),
    why("The certificate for this server is invalid", S, CERTIFICATE),
    why(
        "An SSL error has occurred and a secure connection to the server cannot be made",
        S,
        &["net::ERR_SSL_PROTOCOL_ERROR", "net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH"],
    ),
    why("A server with the specified hostname could not be found", S, DNS),
    why("Could not connect to the server", S, REFUSED),
    why(
        "The network connection was lost",
        S,
        &["net::ERR_CONNECTION_RESET", "net::ERR_CONNECTION_CLOSED", "net::ERR_EMPTY_RESPONSE"],
    ),
    why("The request timed out", S, &["net::ERR_TIMED_OUT", "net::ERR_CONNECTION_TIMED_OUT"]),
    why("The Internet connection appears to be offline", S, &["net::ERR_INTERNET_DISCONNECTED"]),
    why("Socket is not connected", S, CUT),
    // The texts of exceptions, which give no reason.
    why("WebSocket is closed before the connection is established", CS, &[]),
    why("TypeError: Failed to fetch", C, &[]),
    why("TypeError: NetworkError when attempting to fetch resource", F, &[]),
    why("TypeError: Load failed", S, &[]),
    why("HTTP method is unsupported", C, &["SecurityError"]),
    why("is not a valid HTTP method", C, &["SyntaxError"]),
    why("HTTP header field", C, &["SyntaxError"]),
    why("Wrong protocol for WebSocket", S, &["SyntaxError"]),
    why("Wrong url scheme for WebSocket", S, &["SyntaxError"]),
    why("Invalid url for WebSocket", S, &["SyntaxError"]),
    why("WebSocket protocols contain duplicates", S, &["SyntaxError"]),
    why("URL has fragment component", S, &["SyntaxError"]),
    why("SecurityError: The operation is insecure", F, &["SecurityError", "MixedContent"]),
];
