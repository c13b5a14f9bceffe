//! Error logs of nginx, Apache and HAProxy.

use super::lines::Source::{Apache, HaProxy, Nginx};
use super::lines::{Line, line};
use crate::diagnosis::CauseId::*;
use crate::watch::Category;

const APP: &str =
    "Read the application's log at the same second; a restart, a worker that was killed or an exception stands there.";
const UP: &str = "See whether the application runs and listens where the proxy looks for it (ss -ltnp), and from a container whether that address is reached.";
const TIME: &str =
    "Find what the application waits for; raise the proxy's read time-out only for a path that may take long.";
const NO_CORS: &str = "The page's console calls it a CORS error, because the proxy's own error page has no CORS headers. CORS is not what is wrong.";

pub(super) const LINES: &[Line] = &[
    line("upstream timed out (110: Connection timed out) while proxying upgraded connection", Nginx, &[(ProxyIdleTimeout, 0.95)], "Nothing went over an open WebSocket for proxy_read_timeout (60 s unless set), and nginx cut it.", "Send a heartbeat more often than proxy_read_timeout, or raise it for this location.").not("The network is not bad: the cut comes after the same time each time."),
    line("upstream timed out (110: Connection timed out) while connecting to upstream", Nginx, &[(BackendDown, 0.7), (BackendTimeout, 0.3)], "The application's host did not answer nginx's connection request.", UP).not(NO_CORS),
    line("upstream timed out", Nginx, &[(BackendTimeout, 0.95)], "The application took longer than proxy_read_timeout to answer; the client got 504.", TIME).not(NO_CORS),
    line("upstream prematurely closed connection while reading response header from upstream", Nginx, &[(ServerException, 0.5), (BackendDown, 0.3), (ServiceRestart, 0.2)], "The application took the request and closed the connection before it answered: its worker died, was killed, or was restarted.", APP).not(NO_CORS),
    line("upstream prematurely closed connection", Nginx, &[(AbnormalClose, 0.6), (ServerException, 0.3)], "The application closed the connection in the midst of its answer.", APP),
    line("connect() failed (111: Connection refused) while connecting to upstream", Nginx, &[(BackendDown, 0.97)], "Nothing listens where nginx passes the request on to; the client got 502.", UP).not(NO_CORS),
    line("connect() to unix:{path} failed (13: Permission denied)", Nginx, &[(BackendDown, 0.9)], "nginx may not open the application's socket file.", "Give nginx's user the right to the socket and its folder; on SELinux: httpd_can_network_connect."),
    line("connect() to unix:{path} failed", Nginx, &[(BackendDown, 0.95)], "The application's socket file is not there, or nobody listens on it.", UP),
    line("connect() failed (", Nginx, &[(BackendDown, 0.85)], "nginx can't reach the application.", UP).not(NO_CORS),
    line("no live upstreams while connecting to upstream", Nginx, &[(BackendDown, 0.9)], "nginx holds every backend for dead after failures just before.", "Look for the first failure before it: that one has the reason."),
    line("recv() failed (104: Connection reset by peer) while proxying upgraded connection", Nginx, &[(AbnormalClose, 0.6), (ServiceRestart, 0.3)], "The application reset an open WebSocket: it crashed or was restarted.", APP),
    line("recv() failed (104: Connection reset by peer) while reading response header from upstream", Nginx, &[(ServerException, 0.5), (BackendDown, 0.3)], "The application reset the connection before it answered.", APP).not(NO_CORS),
    line("upstream sent no valid HTTP/1.0 header", Nginx, &[(PortHeldByOtherProgram, 0.5), (TlsToPlainPort, 0.3)], "What listens there does not speak HTTP, or speaks TLS.", "Check the port and the scheme of proxy_pass."),
    line("upstream sent too big header", Nginx, &[], "The answer's headers are larger than nginx's buffer; the client got 502. Large cookies are the usual reason.", "Make the cookies smaller, or raise proxy_buffer_size.").about(Category::Proxy),
    line("host not found in upstream \"{host}\"", Nginx, &[(DnsFailure, 0.7), (BackendDown, 0.3)], "The name in proxy_pass does not resolve; nginx does not even start.", "Check the name; in Docker the service has to be in the same network."),
    line("{host} could not be resolved", Nginx, &[(DnsFailure, 0.9)], "The resolver does not know the backend's name.", "Check `resolver` and the name."),
    line("client intended to send too large body: {size} bytes", Nginx, &[(BodyTooLarge, 0.97)], "The request's body is over client_max_body_size (1 MB unless set); the client got 413.", "Raise client_max_body_size in this location, and the application's limit with it.").not(NO_CORS),
    line("limiting requests, excess: {excess} by zone \"{zone}\"", Nginx, &[(ProxyRateLimit503, 0.95)], "This client asks more often than limit_req allows; it got 503, or limit_req_status.", "Give the location a burst, or slow the client down: reconnecting without back-off is the usual reason.").not("Switching the limit off is no mend."),
    line("limiting connections by zone \"{zone}\"", Nginx, &[(ConcurrentConnectionLimit, 0.6), (ProxyRateLimit503, 0.6)], "This client holds more connections than limit_conn allows.", "Count its tabs and reconnects; raise limit_conn for WebSockets, which hold theirs."),
    line("SSL_do_handshake() failed{rest}wrong version number", Nginx, &[(TlsToPlainPort, 0.9)], "TLS was spoken to a port that has none.", "Match the scheme of proxy_pass with what the backend speaks."),
    line("SSL_do_handshake() failed{rest}http request", Nginx, &[(PlainHttpToTlsPort, 0.95)], "Plain HTTP came to a TLS port.", "Use https:// or wss:// for this port."),
    line("SSL_do_handshake() failed{rest}unsupported protocol", Nginx, &[(TlsVersionUnsupported, 0.9)], "The client offers only TLS versions that are switched off.", "Compare ssl_protocols with what the client speaks."),
    line("SSL_do_handshake() failed{rest}no shared cipher", Nginx, &[(TlsVersionUnsupported, 0.7)], "Client and server have no cipher in common.", "Compare ssl_ciphers with what the client offers."),
    line("SSL_do_handshake() failed{rest}certificate verify failed", Nginx, &[(CertificateUntrusted, 0.8)], "nginx does not trust the backend's certificate.", "Give its issuer in proxy_ssl_trusted_certificate, and its name in proxy_ssl_name."),
    line("SSL_do_handshake() failed{rest}certificate expired", Nginx, &[(CertificateExpired, 0.9)], "A certificate's time is over.", "Renew it and reload."),
    line("SSL_do_handshake() failed{rest}alert certificate unknown", Nginx, &[(CertificateUntrusted, 0.6), (CertificateSelfSigned, 0.3)], "The client does not accept this server's certificate.", "Open the address in a browser and read why."),
    line("SSL_do_handshake() failed{rest}alert unknown ca", Nginx, &[(CertificateUntrusted, 0.8)], "The client does not know who issued this server's certificate.", "Serve the intermediates too (fullchain.pem)."),
    line("SSL_do_handshake() failed", Nginx, &[(TlsVersionUnsupported, 0.4), (CertificateUntrusted, 0.3)], "The TLS handshake failed; the words in brackets say how.", "openssl s_client -connect HOST:PORT -servername NAME shows it from the client's side."),
    line("client sent plain HTTP request to HTTPS port", Nginx, &[(PlainHttpToTlsPort, 0.97)], "http:// or ws:// was used for the TLS port; the client got 400.", "Use https:// or wss://."),
    line("client sent no required SSL certificate", Nginx, &[(ClientCertificateRequired, 0.97)], "This server wants a client certificate and got none.", "Install it in the client, or set ssl_verify_client for this location."),
    line("no user/password was provided for basic authentication", Nginx, &[(HttpAuthRequired, 0.9)], "HTTP authentication stands in front and the request has none; the client got 401.", "A preflight never carries credentials: let OPTIONS through before auth_basic."),
    line("password mismatch", Nginx, &[(HttpAuthRequired, 0.8)], "The user or the password of the HTTP authentication is wrong.", "Check the password file."),
    line("access forbidden by rule", Nginx, &[(RequestRefusedByPolicy, 0.85)], "An allow or deny rule refuses the client's address; it got 403.", "Behind another proxy all clients have its address: set_real_ip_from."),
    line("open() \"{path}\" failed (2: No such file or directory)", Nginx, &[(PathNotProxied, 0.7), (NotFound, 0.3)], "nginx looked for a file: no location passes this path on to the application; the client got 404.", "Add a location for the path with proxy_pass."),
    line("worker_connections are not enough", Nginx, &[(ServerOverloaded, 0.9)], "nginx has no connection left; each WebSocket takes two of them.", "Raise worker_connections, and the limit of open files with it."),
    line("accept4() failed (24: Too many open files)", Nginx, &[(ServerOverloaded, 0.9)], "nginx has no file left to open; each connection is one.", "Raise worker_rlimit_nofile."),
    line("is buffered to a temporary file while reading upstream", Nginx, &[(ProxyBuffering, 0.6)], "nginx holds the answer back to pass it on as a whole; an event stream arrives late so.", "proxy_buffering off; for streams."),
    line("bind() to {address} failed (98: ", Nginx, &[(PortHeldByOtherProgram, 0.97)], "Another program holds the port.", "ss -ltnp shows which."),
    line("AH01144: No protocol handler was valid for the URL", Apache, &[(ProxyDropsUpgrade, 0.7)], "The module for this scheme is not loaded; for ws:// it is mod_proxy_wstunnel.", "a2enmod proxy_wstunnel, or ProxyPass … upgrade=websocket from 2.4.47 on."),
    line("AH01114: HTTP: failed to make connection to backend", Apache, &[(BackendDown, 0.97)], "Nothing listens where Apache passes the request on to; the client got 503.", UP).not(NO_CORS),
    line("AH00957: {scheme}: attempt to connect to {address} failed", Apache, &[(BackendDown, 0.97)], "Nothing listens where Apache passes the request on to.", UP).not(NO_CORS),
    line("AH00957:", Apache, &[(BackendDown, 0.9)], "Apache can't connect to the application.", UP).not(NO_CORS),
    line("The timeout specified has expired", Apache, &[(BackendTimeout, 0.8), (ProxyIdleTimeout, 0.2)], "The application took longer than ProxyTimeout.", TIME).not(NO_CORS),
    line("AH01102: error reading status line from remote server", Apache, &[(ServerException, 0.5), (BackendTimeout, 0.3)], "The application closed the connection before it answered.", APP).not(NO_CORS),
    line("AH00898: Error reading from remote server", Apache, &[(ServerException, 0.5), (BackendDown, 0.3)], "The application's answer broke off; the client got 502.", APP).not(NO_CORS),
    line("AH01630: client denied by server configuration", Apache, &[(RequestRefusedByPolicy, 0.9)], "A Require rule refuses the client; it got 403.", "Read the Require lines of that path."),
    line("AH01617:", Apache, &[(HttpAuthRequired, 0.9)], "The password of the HTTP authentication is wrong.", "Check the password file."),
    line("AH01618:", Apache, &[(HttpAuthRequired, 0.9)], "The user of the HTTP authentication is not known.", "Check the password file."),
    line("is larger than the configured limit", Apache, &[(BodyTooLarge, 0.95)], "The request's body is over LimitRequestBody; the client got 413.", "Raise LimitRequestBody for this path."),
    line("AH00072: make_sock: could not bind to address", Apache, &[(PortHeldByOtherProgram, 0.97)], "Another program holds the port.", "ss -ltnp shows which."),
    line("AH02039: Certificate Verification", Apache, &[(ClientCertificateRequired, 0.8)], "The client's certificate is not accepted.", "Check SSLCACertificateFile and the client's certificate."),
    line("AH02561: Failed to configure certificate", Apache, &[], "The certificate's files can't be read; Apache does not start.", "Check their paths and rights.").about(Category::Tls),
    line("backend {name} has no server available", HaProxy, &[(BackendDown, 0.97)], "Every server of the backend failed its health check; clients get 503.", UP).not(NO_CORS),
    line("Server {name} is DOWN", HaProxy, &[(BackendDown, 0.95)], "A server failed its health check; the reason stands behind it.", UP),
    line("/<NOSRV>", HaProxy, &[(BackendDown, 0.85), (RequestRefusedByPolicy, 0.2)], "No server took the request: none is up, or a rule answered in its stead.", UP).not(NO_CORS),
    line("Layer4 connection problem, info: \"Connection refused\"", HaProxy, &[(BackendDown, 0.95)], "Nothing listens where HAProxy looks for the server.", UP),
];

/// HAProxy's [termination state](https://docs.haproxy.org/2.6/configuration.html#8.5): its first two letters.
pub(super) const TERMINATION: &[(&str, Line)] = &[
    (
        "sH",
        line(
            "",
            HaProxy,
            &[(BackendTimeout, 0.95)],
            "The server did not answer within `timeout server`; the client got 504.",
            TIME,
        )
        .not(NO_CORS),
    ),
    (
        "SH",
        line(
            "",
            HaProxy,
            &[(ServerException, 0.6), (BackendDown, 0.3)],
            "The server closed the connection before it answered; the client got 502.",
            APP,
        )
        .not(NO_CORS),
    ),
    (
        "SC",
        line("", HaProxy, &[(BackendDown, 0.95)], "The server refused the connection; the client got 503.", UP)
            .not(NO_CORS),
    ),
    (
        "sC",
        line(
            "",
            HaProxy,
            &[(BackendDown, 0.8), (BackendTimeout, 0.2)],
            "The server did not take the connection within `timeout connect`.",
            UP,
        )
        .not(NO_CORS),
    ),
    (
        "sD",
        line(
            "",
            HaProxy,
            &[(ProxyIdleTimeout, 0.85)],
            "Nothing came from the server for `timeout server` or `timeout tunnel`, and HAProxy cut the connection.",
            "Set `timeout tunnel` for WebSockets longer than their heartbeat.",
        ),
    ),
    (
        "cD",
        line(
            "",
            HaProxy,
            &[(ProxyIdleTimeout, 0.85)],
            "Nothing came from the client for `timeout client` or `timeout tunnel`, and HAProxy cut the connection.",
            "Set `timeout tunnel` for WebSockets longer than their heartbeat.",
        ),
    ),
    (
        "SD",
        line(
            "",
            HaProxy,
            &[(AbnormalClose, 0.7), (ServiceRestart, 0.2)],
            "The server cut the connection in the midst of the data.",
            APP,
        ),
    ),
    (
        "PR",
        line(
            "",
            HaProxy,
            &[(RequestRefusedByPolicy, 0.8)],
            "A rule of HAProxy's refused the request.",
            "Read the http-request lines of that frontend.",
        ),
    ),
    (
        "cR",
        line(
            "",
            HaProxy,
            &[(ReadTimeout, 0.5)],
            "The client sent no whole request within `timeout http-request`; it got 408.",
            "Often a browser's spare connection, which is no fault.",
        ),
    ),
];

/// A line of HAProxy's HTTP log, by its termination state: `… 0/0/1/-1/5 503 212 - - SC-- 1/1/0/0/0 0/0 "GET / HTTP/1.1"`.
pub(super) fn termination(text: &str) -> Option<&'static Line> {
    let is_times = |word: &str| {
        let parts = word.split('/');
        parts.clone().count() == 5
            && parts.into_iter().all(|part| part.trim_start_matches(['+', '-']).parse::<u64>().is_ok())
    };
    let mut words = text.split_whitespace().skip_while(|word| !is_times(word)).skip(1).take(6);
    let is_state =
        |word: &&str| word.len() == 4 && word.is_ascii() && word.ends_with(|c: char| c.is_alphabetic() || c == '-');
    let state = words.find(|word| is_state(word) && word.parse::<u64>().is_err())?;
    TERMINATION.iter().find(|(known, _)| state.starts_with(known)).map(|(_, line)| line)
}
