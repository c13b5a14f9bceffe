//! Lines of configuration for the causes that are mended in one known place.

use super::Fix;
use crate::diagnosis::{CauseId, Facts};

const NGINX_UPGRADE: &str = "\
proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection \"upgrade\";
proxy_set_header Host $http_host;
proxy_read_timeout 3600s;";

pub(super) fn fixes(cause: CauseId, facts: &Facts<'_>) -> Vec<Fix> {
    let (origin, path) = (facts.origin(), facts.url.path());
    let name = facts.url.host_str().unwrap_or_default();
    match cause {
        CauseId::ProxyDropsUpgrade | CauseId::UpgradeIgnored => vec![
            Fix::at("nginx", format!("In the location that serves {path}."), NGINX_UPGRADE),
            Fix::at(
                "apache",
                "With mod_proxy and mod_proxy_wstunnel (2.4.47 and later: upgrade= alone).",
                format!(
                    "ProxyPass \"{path}\" \"http://127.0.0.1:PORT{path}\" upgrade=websocket\n# before 2.4.47: ProxyPass \"{path}\" \"ws://127.0.0.1:PORT{path}\""
                ),
            ),
        ],
        CauseId::HostNotAllowed => {
            vec![Fix::at("django-channels", "In settings.py.", format!("ALLOWED_HOSTS = [\"{name}\"]"))]
        }
        CauseId::BodyTooLarge => vec![Fix::at("nginx", "In the server or the location.", "client_max_body_size 20m;")],
        CauseId::BackendTimeout => vec![Fix::at("nginx", "For a path that may take long.", "proxy_read_timeout 120s;")],
        CauseId::ProxyRateLimit503 => vec![Fix::at(
            "nginx",
            "A burst for pages that load many things, and the status that says what it is.",
            "limit_req zone=one burst=20 nodelay;\nlimit_req_status 429;",
        )],
        CauseId::ProxyIdleTimeout => vec![
            Fix::at("nginx", "Longer than the heartbeat's interval.", "proxy_read_timeout 3600s;"),
            Fix::at("haproxy", "For upgraded connections.", "timeout tunnel 1h"),
        ],
        CauseId::CsrfFailed => {
            vec![Fix::at("django-channels", "In settings.py.", format!("CSRF_TRUSTED_ORIGINS = [\"{origin}\"]"))]
        }
        CauseId::SamesiteBlocksCookie => vec![
            Fix::at(
                "django-channels",
                "In settings.py, with Django's CSRF check left on.",
                "SESSION_COOKIE_SAMESITE = \"None\"\nSESSION_COOKIE_SECURE = True",
            ),
            Fix::at(
                "flask-socketio",
                "With a CSRF check on every form.",
                "app.config.update(SESSION_COOKIE_SAMESITE=\"None\", SESSION_COOKIE_SECURE=True)",
            ),
            Fix::at(
                "fastapi",
                "With a CSRF check on every route that changes something.",
                "app.add_middleware(SessionMiddleware, secret_key=SECRET, same_site=\"none\", https_only=True)",
            ),
            Fix::at(
                "node-socketio",
                "With express-session, and a CSRF check.",
                "app.use(session({ secret, cookie: { sameSite: \"none\", secure: true } }));",
            ),
        ],
        CauseId::ServerLacksWebsocketSupport => {
            vec![Fix::at("fastapi", "uvicorn needs a WebSocket library.", "pip install 'uvicorn[standard]'")]
        }
        _ => Vec::new(),
    }
}
