//! The Socket.IO client's messages, and the sentences that applications write about a connection.

use super::lines::Source::{Application, SocketIoClient};
use super::lines::{Line, line};
use crate::diagnosis::CauseId::*;
use crate::watch::Category;

const NETWORK: &str = "Open the network panel at that request: its status (or its lack of one) tells the five apart; or paste the console's own line.";
const LIST: &str =
    "Compare the page's origin letter by letter with the server's list: scheme, host, port, no slash at its end.";
const NO_CORS_ON_SOCKETS: &str = "Browsers apply no CORS to WebSockets: the server itself refused the Origin, or it did not open for another reason.";
const RATE: &str =
    "Look for a client that reconnects without back-off; raise the limit only for what is right to come so often.";
const UPGRADE: &str = "Try the WebSocket directly, beside the proxy: if that opens, the proxy drops Upgrade.";

pub(super) const LINES: &[Line] = &[
    line("xhr poll error", SocketIoClient, &[(ConnectionRefused, 0.3), (OriginNotAllowed, 0.25), (CorsHeadersMissing, 0.2), (WrongSocketioPath, 0.15), (BackendDown, 0.15), (StickySessionsMissing, 0.1)], "A polling request failed; the client is told no more than that.", NETWORK).not("It is not CORS by itself. The server may be down, the path wrong, the proxy answer 502, the session be unknown to another worker; only one of five is CORS."),
    line("xhr post error", SocketIoClient, &[(StickySessionsMissing, 0.4), (BodyTooLarge, 0.2), (ServiceRestart, 0.2)], "Polling was open, and a message could not be posted: the server no longer knows the session, or refuses the body.", NETWORK),
    line("websocket error", SocketIoClient, &[(ProxyDropsUpgrade, 0.35), (WebsocketTransportDisabled, 0.15), (ConnectionRefused, 0.2), (OriginNotAllowed, 0.15), (AbnormalClose, 0.15)], "The WebSocket did not open, or broke; the client is told no more than that.", UPGRADE).not("It is not CORS: browsers apply none to WebSockets."),
    line("io server disconnect", SocketIoClient, &[(ServerDisconnectsClient, 0.9)], "The server put the client out on purpose; the client does not come back by itself.", "The server's log says why: a token that ended, a second sign-in."),
    line("io client disconnect", SocketIoClient, &[], "The page itself called disconnect().", "Nothing is wrong with the connection.").about(Category::None),
    line("transport close", SocketIoClient, &[(AbnormalClose, 0.4), (ServiceRestart, 0.25), (ProxyIdleTimeout, 0.25)], "The connection ended beneath Socket.IO: the server went, a proxy cut it, or the network did.", "After the same time each time: a proxy's idle time-out. All clients at once: a restart."),
    line("transport error", SocketIoClient, &[(AbnormalClose, 0.4), (StickySessionsMissing, 0.2), (ConnectionReset, 0.2)], "A request or a frame of the open connection failed.", NETWORK),
    line("ping timeout", SocketIoClient, &[(NoPong, 0.4), (ServerNeverPings, 0.15), (FirewallSwallowsFrames, 0.15), (HeartbeatIntervalTooLong, 0.1)], "No heartbeat came for pingInterval + pingTimeout: the network went, the server's loop is blocked, or the machine slept.", "One client: its network or sleep. All at once: the server was busy."),
    line("forced close", SocketIoClient, &[], "The client closed its own transport, as it does when the page leaves.", "Nothing is wrong with the connection.").about(Category::None),
    line("Invalid namespace", SocketIoClient, &[(NamespaceUnknown, 0.97)], "The server has no such namespace.", "Compare the names on both sides: the path of the address that io() gets is the namespace."),
    line("Unable to connect", SocketIoClient, &[(NamespaceUnknown, 0.6), (ConnectionRefusedByHandler, 0.2)], "The server refused the namespace: it has none of that name, or its connect handler said no.", "Compare the names; then read the connect handler."),
    line("connect_error{rest}timeout", SocketIoClient, &[(ReadTimeout, 0.3), (ConnectTimeout, 0.3), (SlowConnectHandler, 0.2), (FirewallBlocksUpgrade, 0.15)], "The connection was not ready within `timeout` (20 s): nothing answered, or the connect handler is slow.", NETWORK),
    line("^timeout$", SocketIoClient, &[(ReadTimeout, 0.3), (ConnectTimeout, 0.3), (SlowConnectHandler, 0.2), (FirewallBlocksUpgrade, 0.15)], "The connection was not ready within `timeout` (20 s): nothing answered, or the connect handler is slow.", NETWORK),
    line("^Error: timeout$", SocketIoClient, &[(ReadTimeout, 0.3), (ConnectTimeout, 0.3), (SlowConnectHandler, 0.2), (FirewallBlocksUpgrade, 0.15)], "The connection was not ready within `timeout` (20 s): nothing answered, or the connect handler is slow.", NETWORK),
    line("^server error$", SocketIoClient, &[(EngineioVersionMismatch, 0.5), (RequestRefusedByPolicy, 0.3)], "The server answered with an error packet of Engine.IO's.", "The answer's body in the network panel has its code."),
    line("^Error: server error$", SocketIoClient, &[(EngineioVersionMismatch, 0.5), (RequestRefusedByPolicy, 0.3)], "The server answered with an error packet of Engine.IO's.", "The answer's body in the network panel has its code."),
    line("^parse error$", SocketIoClient, &[(EngineioVersionMismatch, 0.6), (PathServedByOtherApp, 0.3)], "What came is no packet of this protocol: an older server, or a web page in its place.", "Look at the answer's body in the network panel."),
    line("^Error: parse error$", SocketIoClient, &[(EngineioVersionMismatch, 0.6), (PathServedByOtherApp, 0.3)], "What came is no packet of this protocol: an older server, or a web page in its place.", "Look at the answer's body in the network panel."),
];

/// What the three products write.
pub(super) const PRODUCTS: &[Line] = &[
    line(
        "CORS error: Origin '{origin}' not allowed",
        Application,
        &[(OriginNotAllowed, 0.95)],
        "The server's list of origins does not have the page's.",
        LIST,
    ),
    line(
        "CORS origin validation failed for: {origin}",
        Application,
        &[(OriginNotAllowed, 0.95)],
        "The server's list of origins does not have the page's.",
        LIST,
    ),
    line(
        "CORS origin validation failed",
        Application,
        &[(OriginNotAllowed, 0.95)],
        "The server's list of origins does not have the page's.",
        LIST,
    ),
    line(
        "websocket_rejected_invalid_origin",
        Application,
        &[(OriginNotAllowed, 0.97)],
        "The server refused the upgrade for its Origin.",
        LIST,
    ),
    line(
        "WebSocket origin rejected",
        Application,
        &[(OriginNotAllowed, 0.97)],
        "The server refused the upgrade for its Origin.",
        LIST,
    ),
    line(
        "WebSocket connection failed: CORS policy violation",
        Application,
        &[(OriginNotAllowed, 0.6), (ProxyDropsUpgrade, 0.2)],
        "The page's own words for a WebSocket that did not open.",
        LIST,
    )
    .not(NO_CORS_ON_SOCKETS),
    line(
        "Method OPTIONS not allowed",
        Application,
        &[(PreflightOptions405, 0.97)],
        "The server has no answer to OPTIONS: the browser's preflight gets 405, and the request itself is never sent.",
        "Let the CORS layer answer OPTIONS before the routes and before any sign-in.",
    ),
    line(
        "Preflight request missing required headers",
        Application,
        &[(PreflightHeaderNotAllowed, 0.5), (PreflightMethodNotAllowed, 0.3)],
        "An OPTIONS came that the server does not take for a preflight, or whose headers it does not allow.",
        "Look at Access-Control-Request-Method and -Headers in the network panel.",
    ),
    line(
        "Access-Control-Allow-Methods missing required method",
        Application,
        &[(PreflightMethodNotAllowed, 0.95)],
        "The preflight's answer does not list the method.",
        "Add it to the server's list of methods.",
    ),
    line(
        "WebSocket connection timeout after {seconds} seconds",
        Application,
        &[(ProxyIdleTimeout, 0.35), (ReadTimeout, 0.25), (FirewallBlocksUpgrade, 0.2), (ConnectTimeout, 0.2)],
        "The WebSocket did not open, or was silent, for so long. 60 seconds is nginx's proxy_read_timeout where none is set.",
        "If it had opened, send heartbeats; if it had not, see whether the upgrade reaches the server.",
    ),
    line(
        "WebSocket transport failed, attempting fallback",
        Application,
        &[(ProxyDropsUpgrade, 0.5), (FirewallBlocksUpgrade, 0.2), (WebsocketTransportDisabled, 0.15)],
        "The WebSocket did not open, and polling is tried.",
        UPGRADE,
    )
    .not("It works on after it, slower: polling costs a request each way."),
    line(
        "Transport fallback activated for session",
        Application,
        &[(ProxyDropsUpgrade, 0.5), (FirewallBlocksUpgrade, 0.25)],
        "A session stays on polling because its WebSocket did not open.",
        UPGRADE,
    ),
    line(
        "Polling transport not available",
        Application,
        &[(PollingTransportDisabled, 0.95)],
        "The server offers WebSocket only and the client begins with polling.",
        "transports: [\"websocket\"] in the client, or polling on in the server.",
    ),
    line(
        "WebSocket authentication failed",
        Application,
        &[(SessionMissing, 0.6), (SamesiteBlocksCookie, 0.25), (TokenInvalid, 0.15)],
        "The WebSocket opened without a session that the server knows: the cookie was not sent, or has ended.",
        "See the handshake's Cookie in the network panel.",
    ),
    line(
        "User not authenticated for WebSocket connection",
        Application,
        &[(SessionMissing, 0.6), (AuthRequired, 0.4), (SamesiteBlocksCookie, 0.2)],
        "The WebSocket came without a signed-in user: no cookie, or one that has ended.",
        "See the handshake's Cookie in the network panel; page and server on localhost and 127.0.0.1 share none.",
    ),
    line(
        "Rate limit exceeded",
        Application,
        &[(TooManyConnections, 0.6), (RateLimitRefusedEvent, 0.4)],
        "This client connects more often than the server allows.",
        RATE,
    )
    .not("Switching the limit off is no mend."),
    line(
        "Too many connection attempts from IP",
        Application,
        &[(TooManyConnections, 0.95)],
        "This address connects more often than the server allows; behind a proxy all clients may have one address.",
        RATE,
    )
    .not("Switching the limit off is no mend."),
    line(
        "Too Many Requests",
        Application,
        &[(TooManyConnections, 0.85)],
        "The server or its proxy limits how often this client may ask.",
        RATE,
    ),
    line(
        "You do not have permission to access the requested resource",
        Application,
        &[(InsufficientPermissions, 0.5), (AuthRequired, 0.35)],
        "Safari's words for a 403: signed in or not, this user may not have it.",
        "Look at the answer's status and body in the network panel.",
    ),
    line(
        "Connection error. Trying to reconnect",
        Application,
        &[(ConnectionRefused, 0.3), (BackendDown, 0.2), (AbnormalClose, 0.2)],
        "The page's own words: the connection was lost or never made, and it tries again.",
        "The console's line before it, or the network panel, has the reason.",
    ),
];

/// What people shorten, and what is said of many things.
pub(super) const SHORT: &[Line] = &[
    line(
        "blocked by CORS policy",
        Application,
        &[(CorsHeadersMissing, 0.35), (OriginNotAllowed, 0.35), (ErrorResponseWithoutCors, 0.3)],
        "The browser does not let the page read the answer: it does not carry the right CORS headers for this origin.",
        "The rest of the line says which; an error page of a proxy carries none either.",
    ),
    line(
        "due to access control checks",
        Application,
        &[(CorsHeadersMissing, 0.35), (OriginNotAllowed, 0.35), (ErrorResponseWithoutCors, 0.3)],
        "Safari does not let the page read the answer; the line before it says why.",
        "Paste both lines.",
    ),
    line(
        "Mixed Content: ",
        Application,
        &[(InsecureRequestFromHttpsPage, 0.6), (InsecureWebsocketFromHttpsPage, 0.6)],
        "A page over https asked for something over http or ws, and the browser refuses that.",
        "Use https:// and wss://.",
    ),
    line(
        "Unauthorized",
        Application,
        &[(AuthRequired, 0.5), (TokenInvalid, 0.25), (SessionMissing, 0.25)],
        "The server does not know who asks.",
        "See whether the cookie or the token is sent, and whether it has ended.",
    ),
    line(
        "Forbidden",
        Application,
        &[(InsufficientPermissions, 0.35), (OriginNotAllowed, 0.3), (CsrfFailed, 0.15)],
        "The server refuses this request, whoever asks: a right, an origin, a CSRF token.",
        "The server's log at that second says which.",
    ),
    line(
        "502 Bad Gateway",
        Application,
        &[(BackendDown, 0.85)],
        "The proxy has no answer from the application.",
        "See whether the application runs; then the proxy's error log.",
    ),
    line(
        "504 Gateway Time-out",
        Application,
        &[(BackendTimeout, 0.95)],
        "The application took longer than the proxy waits.",
        "Find what it waits for.",
    ),
];
