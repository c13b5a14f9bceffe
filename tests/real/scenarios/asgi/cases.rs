//! What runs, with which fault, and what has to be named.

use serde_json::{Value, json};

/// A token whose signature the server takes, for good; and one whose time was over in 2020.
const TOKENS: [&str; 2] = [
    "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAiYWxpY2UiLCAiZXhwIjogNDEwMjQ0NDgwMH0.9kdP_6bygje8xBlRe1skUq1YQfp0X9GMKBkEed5jA9w",
    "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAiYWxpY2UiLCAiZXhwIjogMTYwMDAwMDAwMH0.kIHsmR9OrXdNeY2r5hOv-MDcCLvzrAE0JD9V-mXGivg",
];

/// A case of our own: what stands at `url`, and what has to be named.
pub struct Case {
    pub id: &'static str,
    pub page: &'static str,
    pub url: &'static str,
    pub more: Value,
    pub causes: &'static [&'static str],
    pub category: &'static str,
    pub words: &'static [&'static str],
    pub insecure: bool,
}

impl Case {
    pub fn api(&self) -> &'static str {
        if self.url.starts_with("ws") { "websocket" } else { "http" }
    }
}

const VITE: &str = "http://localhost:5173";
const REACT: &str = "http://localhost:3000";

/// The first of the causes is the best; the others can't be told from it.
fn case(
    id: &'static str,
    page: &'static str,
    url: &'static str,
    causes: &'static [&'static str],
    category: &'static str,
) -> Case {
    Case { id, page, url, more: json!({}), causes, category, words: &[], insecure: false }
}

fn with(mut case: Case, more: Value) -> Case {
    case.more = more;
    case
}

/// With a sign-in at the same server.
fn signed_in(case: Case, login: &str) -> Case {
    with(case, json!({ "login": { "url": login, "fields": {} } }))
}

pub fn allowing(more: Value) -> Value {
    let mut cors = json!({ "allow_origins": [VITE], "allow_credentials": true });
    cors.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    json!({ "cors": cors })
}

/// The applications with a fault each, and the sound ones.
pub fn apps() -> Value {
    json!([
        { "app": "origins" },
        { "app": "origins", "name": "accepts", "env": { "refuse": "accepted" } },
        { "app": "tokens", "env": { "issued": TOKENS } },
        { "app": "tokens", "name": "tokens-auto", "ws": "auto", "env": { "issued": TOKENS } },
        { "app": "cookies" },
        { "app": "cookies", "name": "samesite-none", "env": { "cookie": { "samesite": "none" } } },
        { "app": "cookies", "name": "domain", "env": { "cookie": { "domain": "other.test" } } },
        { "app": "cookies", "name": "path", "env": { "cookie": { "path": "/login" } } },
        { "app": "cookies", "name": "secure", "env": { "cookie": { "secure": true } } },
        { "app": "quiet" },
        { "app": "quiet", "name": "no-library", "ws": "none" },
        { "app": "cors", "env": allowing(json!({})) },
        { "app": "cors", "name": "star", "env": allowing(json!({ "allow_origins": ["*"] })) },
        { "app": "cors", "name": "no-cors" },
        { "app": "cors", "name": "strict", "env": allowing(json!({ "allow_methods": ["GET"] })) },
        { "app": "cors", "name": "hosts", "env": { "hosts": ["api.example.com"] } },
        { "app": "cors", "name": "literal-star",
          "env": { "headers": { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true" } } },
        { "app": "double" },
    ])
}

pub fn sites() -> Value {
    let redis = json!({ "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": { "hosts": [["127.0.0.1", 9]] } } });
    let spelled = json!(["https://app.example.test:443"]);
    json!([
        { "name": "site" },
        { "name": "spelled", "CORS_ALLOWED_ORIGINS": spelled, "origins": spelled },
        { "name": "secure-site", "SESSION_COOKIE_SECURE": true, "ALLOWED_HOSTS": ["api.example.test"],
          "CORS_ALLOWED_ORIGINS": ["http://app.example.test"], "DEBUG": true },
        { "name": "other-host", "ALLOWED_HOSTS": ["other.example.test"] },
        { "name": "redis", "CHANNEL_LAYERS": redis },
        { "name": "unchecked", "origins": false },
    ])
}

pub const LISTED: [(&str, &str); 27] = [
    ("fastapi-origin-403", "origins"),
    ("fastapi-origin-accept-1008", "accepts"),
    ("fastapi-no-origin-check", "cookies"),
    ("fastapi-jwt-missing-403", "tokens"),
    ("fastapi-jwt-invalid-1008", "tokens"),
    ("fastapi-jwt-expired-1008", "tokens"),
    ("fastapi-jwt-expired-403", "tokens"),
    ("fastapi-jwt-ok", "tokens"),
    ("fastapi-quiet-ok", "quiet"),
    ("fastapi-trailing-slash", "origins"),
    ("fastapi-http-trailing-slash", "origins"),
    ("fastapi-http-trailing-slash-preflight", "origins"),
    ("fastapi-crash-before-accept", "quiet"),
    ("fastapi-404-cors-ok", "cors"),
    ("fastapi-star-credentials-no-cookie", "star"),
    ("fastapi-cookie-host-mismatch", "cookies"),
    ("asgi-socketio-double-cors", "double"),
    ("django-ok", "site"),
    ("django-default-port-http", "spelled"),
    ("django-default-port-channels-ok", "spelled"),
    ("django-ws-no-trailing-slash", "site"),
    ("django-ws-crash", "site"),
    ("django-redis-down", "redis"),
    ("django-500-cors-ok", "site"),
    ("django-preflight-ok", "site"),
    ("django-session-secure-http", "secure-site"),
    ("django-disallowed-host-ws", "other-host"),
];

pub fn cases() -> Vec<Case> {
    let include = || json!({ "http": { "credentials": "include" } });
    let header = |name: &str, value: &str| json!({ "http": { "headers": { name: value } } });
    let names = |list: [&str; 2]| list.map(|name| format!("{name}:*:127.0.0.1"));
    let sites = names(["api.example.test", "app.other.test"]);
    let hosts = names(["api.example.test", "app.example.test"]);
    vec![
        case("pings-ok", VITE, "ws://localhost:{quiet}/ws-pings", &["ok"], "none"),
        case(
            "twin-host",
            "http://127.0.0.1:5173",
            "ws://localhost:{origins}/api/chat/ws",
            &["localhost-127-mismatch"],
            "cors",
        ),
        case(
            "twin-scheme",
            "https://localhost:5173",
            "ws://localhost:{origins}/api/chat/ws",
            &["origin-scheme-mismatch"],
            "cors",
        ),
        case("no-library", VITE, "ws://localhost:{no-library}/ws", &["server-lacks-websocket-support"], "transport"),
        case("no-route", VITE, "ws://localhost:{cors}/none", &["websocket-route-missing"], "connection"),
        case(
            "crash-after-accept",
            VITE,
            "ws://localhost:{quiet}/ws-after",
            &["abnormal-close", "server-exception"],
            "connection",
        ),
        case("token-missing-told", VITE, "ws://localhost:{tokens}/ws-accept", &["token-missing"], "authentication"),
        case(
            "token-missing-auto",
            VITE,
            "ws://localhost:{tokens-auto}/ws",
            &["token-missing", "auth-required"],
            "authentication",
        ),
        case(
            "token-unverified",
            VITE,
            "ws://localhost:{tokens}/ws?token=abc.def.ghi",
            &["token-invalid"],
            "authentication",
        ),
        case("token-opaque", VITE, "ws://localhost:{tokens}/ws?token=opaque", &["token-invalid"], "authentication"),
        case(
            "token-silent",
            VITE,
            "ws://localhost:{tokens}/ws-silent?token=a.b.c",
            &["token-invalid"],
            "authentication",
        ),
        case("no-bearer", VITE, "http://localhost:{tokens}/api/me", &["auth-required"], "authentication"),
        with(
            case("bad-bearer", VITE, "http://localhost:{tokens}/api/me", &["token-invalid"], "authentication"),
            header("Authorization", "Bearer x.y.z"),
        ),
        with(
            case(
                "no-admin",
                VITE,
                "http://localhost:{tokens}/api/admin",
                &["insufficient-permissions"],
                "authentication",
            ),
            header("Authorization", &format!("Bearer {}", TOKENS[0])),
        ),
        with(
            case("no-session", VITE, "http://localhost:{cookies}/api/me", &["session-missing"], "authentication"),
            include(),
        ),
        signed_in(
            case("session-ok", VITE, "http://localhost:{cookies}/api/me", &["ok"], "none"),
            "http://localhost:{cookies}/login",
        ),
        signed_in(
            case(
                "no-admin-by-cookie",
                VITE,
                "http://localhost:{cookies}/api/admin",
                &["insufficient-permissions"],
                "authentication",
            ),
            "http://localhost:{cookies}/login",
        ),
        signed_in(
            case("login-refused", VITE, "http://localhost:{cookies}/api/me", &["login-failed"], "authentication"),
            "http://localhost:{cookies}/refuses",
        ),
        signed_in(
            case(
                "samesite-none",
                VITE,
                "http://localhost:{samesite-none}/api/me",
                &["samesite-none-without-secure"],
                "authentication",
            ),
            "http://localhost:{samesite-none}/login",
        ),
        signed_in(
            case("domain", VITE, "http://localhost:{domain}/api/me", &["cookie-domain-mismatch"], "authentication"),
            "http://localhost:{domain}/login",
        ),
        signed_in(
            case("path", VITE, "http://localhost:{path}/api/me", &["cookie-path-mismatch"], "authentication"),
            "http://localhost:{path}/login",
        ),
        with(
            case(
                "samesite-lax",
                "http://app.other.test:5173",
                "ws://api.example.test:{cookies}/ws",
                &["samesite-blocks-cookie"],
                "authentication",
            ),
            json!({ "resolve": sites, "login": { "url": "http://api.example.test:{cookies}/login", "fields": {} } }),
        ),
        with(
            case(
                "secure",
                "http://app.example.test:5173",
                "http://api.example.test:{secure}/api/me",
                &["secure-cookie-over-http"],
                "authentication",
            ),
            json!({ "resolve": hosts, "login": { "url": "http://api.example.test:{secure}/login", "fields": {} } }),
        ),
        case("hosts", VITE, "http://localhost:{hosts}/api/ping", &["host-not-allowed"], "configuration"),
        case("no-cors", VITE, "http://localhost:{no-cors}/api/ping", &["cors-headers-missing"], "cors"),
        case(
            "other-origin",
            "http://localhost:4000",
            "http://localhost:{cors}/api/ping",
            &["origin-not-allowed"],
            "cors",
        ),
        case("crash-unread", VITE, "http://localhost:{cors}/api/boom", &["error-response-without-cors"], "cors"),
        with(
            case(
                "literal-star",
                VITE,
                "http://localhost:{literal-star}/api/ping",
                &["wildcard-with-credentials"],
                "cors",
            ),
            include(),
        ),
        with(
            case("method", VITE, "http://localhost:{strict}/api/ping", &["preflight-method-not-allowed"], "cors"),
            json!({ "http": { "method": "DELETE" } }),
        ),
        with(
            case("header", VITE, "http://localhost:{strict}/api/ping", &["preflight-header-not-allowed"], "cors"),
            header("X-Api-Key", "k"),
        ),
        case("d-origin", "http://evil.test", "ws://localhost:{site}/ws/chat/sales/", &["origin-not-allowed"], "cors"),
        case("d-route", REACT, "ws://localhost:{site}/nothing/", &["websocket-route-missing"], "connection"),
        // daphne looks for dead consumers once a second.
        with(
            case("d-crash-later", REACT, "ws://localhost:{site}/ws/crash-later/", &["server-exception"], "connection"),
            json!({ "observe_s": 2 }),
        ),
        case(
            "d-private",
            REACT,
            "ws://localhost:{site}/ws/private/",
            &["session-missing", "auth-required"],
            "authentication",
        ),
        case("d-told", REACT, "ws://localhost:{site}/ws/told/", &["auth-required"], "authentication"),
        signed_in(
            case("d-private-ok", REACT, "ws://localhost:{site}/ws/private/", &["ok"], "none"),
            "http://localhost:{site}/api/login/",
        ),
        with(
            case("d-csrf", REACT, "http://localhost:{site}/api/form/", &["csrf-failed"], "authentication"),
            json!({ "http": { "method": "POST", "body": "a=b", "credentials": "include",
                              "headers": { "Content-Type": "application/x-www-form-urlencoded" } } }),
        ),
        signed_in(
            case("d-csrf-login", REACT, "http://localhost:{site}/api/me/", &["csrf-failed"], "authentication"),
            "http://localhost:{site}/api/form/",
        ),
        with(
            case(
                "d-no-session",
                REACT,
                "http://localhost:{site}/api/me/",
                &["auth-required", "session-missing"],
                "authentication",
            ),
            include(),
        ),
        signed_in(
            case(
                "d-no-admin",
                REACT,
                "http://localhost:{site}/api/admin/",
                &["insufficient-permissions"],
                "authentication",
            ),
            "http://localhost:{site}/api/login/",
        ),
        case("d-host", REACT, "http://localhost:{other-host}/api/post/", &["host-not-allowed"], "configuration"),
        case("d-not-found", REACT, "http://localhost:{site}/api/none/", &["not-found"], "connection"),
        with(
            case("d-header", REACT, "http://localhost:{site}/api/post/", &["preflight-header-not-allowed"], "cors"),
            header("X-Api-Key", "k"),
        ),
        Case {
            insecure: true,
            ..signed_in(
                case("d-unchecked", REACT, "ws://localhost:{unchecked}/ws/private/", &["origin-not-validated"], "cors"),
                "http://localhost:{unchecked}/api/login/",
            )
        },
    ]
}
