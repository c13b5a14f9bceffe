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
        CauseId::ProxyDropsUpgrade | CauseId::UpgradeIgnored | CauseId::WebsocketVersionUnsupported => vec![
            Fix::at("nginx", format!("In the location that serves {path}."), NGINX_UPGRADE),
            Fix::at(
                "apache",
                "With mod_proxy and mod_proxy_wstunnel (2.4.47 and later: upgrade= alone).",
                format!(
                    "ProxyPass \"{path}\" \"http://127.0.0.1:PORT{path}\" upgrade=websocket\n# before 2.4.47: ProxyPass \"{path}\" \"ws://127.0.0.1:PORT{path}\""
                ),
            ),
        ],
        CauseId::ErrorResponseWithoutCors => vec![
            Fix::at(
                "nginx",
                "add_header leaves errors out unless it says always.",
                format!("add_header Access-Control-Allow-Origin \"{origin}\" always;\nadd_header Vary Origin always;"),
            ),
            Fix::at(
                "fastapi",
                "Exceptions that nothing handles pass outside of CORSMiddleware: handle them in the application.",
                "@app.exception_handler(Exception)\nasync def failed(request, exc):\n    return JSONResponse({\"detail\": \"Internal Server Error\"}, 500)",
            ),
            Fix::at(
                "django-channels",
                "CorsMiddleware has to stand first, so that errors of those below have its headers.",
                "MIDDLEWARE = [\"corsheaders.middleware.CorsMiddleware\", ...]",
            ),
            Fix::at(
                "flask-socketio",
                "Let Flask-CORS cover every route, error handlers included, and no after_request hook of your own beside it.",
                format!("CORS(app, origins=[\"{origin}\"])"),
            ),
        ],
        CauseId::DuplicateCorsHeaders => vec![Fix::at(
            "nginx",
            "Either nginx adds the headers and hides the application's, or nginx adds none.",
            "proxy_hide_header Access-Control-Allow-Origin;\nproxy_hide_header Access-Control-Allow-Credentials;",
        )],
        CauseId::PreflightMethodNotAllowed | CauseId::PreflightHeaderNotAllowed => permitted(cause, facts.detail()),
        CauseId::PreflightOptions405 => vec![
            Fix::at(
                "flask-socketio",
                "Flask-CORS answers OPTIONS by itself.",
                format!("CORS(app, origins=[\"{origin}\"])"),
            ),
            Fix::at(
                "fastapi",
                "CORSMiddleware answers OPTIONS by itself, above authentication.",
                format!(
                    "app.add_middleware(CORSMiddleware, allow_origins=[\"{origin}\"], allow_methods=[\"GET\", \"POST\", \"PUT\", \"DELETE\"])"
                ),
            ),
            Fix::at(
                "nginx",
                "Where nginx adds the CORS headers, it has to answer OPTIONS too.",
                "if ($request_method = OPTIONS) { return 204; }",
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
        CauseId::ProxyIdleTimeout | CauseId::AbnormalClose => vec![
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
        CauseId::InsecureWebsocketFromHttpsPage => {
            vec![Fix::at("any", "In the page.", format!("new WebSocket(\"wss://{}{path}\")", facts.host()))]
        }
        CauseId::CertificateSelfSigned | CauseId::CertificateUntrusted => vec![Fix::at(
            "nginx",
            "The certificate with its intermediates.",
            "ssl_certificate     fullchain.pem;\nssl_certificate_key privkey.pem;",
        )],
        CauseId::TlsVersionUnsupported => vec![
            Fix::at("nginx", "In the server.", "ssl_protocols TLSv1.2 TLSv1.3;"),
            Fix::at("apache", "In the virtual host.", "SSLProtocol -all +TLSv1.2 +TLSv1.3"),
        ],
        _ => Vec::new(),
    }
}

/// A method or a header to be added to a list.
fn permitted(cause: CauseId, name: &str) -> Vec<Fix> {
    let name: String = name.chars().filter(|c| c.is_ascii_graphic() && !"\"'\\".contains(*c)).collect();
    let (flask, fastapi, django, nginx) = if cause == CauseId::PreflightMethodNotAllowed {
        ("methods", "allow_methods", "CORS_ALLOW_METHODS = (*default_methods", "Methods")
    } else {
        ("allow_headers", "allow_headers", "CORS_ALLOW_HEADERS = (*default_headers", "Headers")
    };
    vec![
        Fix::at(
            "flask-socketio",
            "In Flask-CORS, beside those that are there.",
            format!("CORS(app, {flask}=[..., \"{name}\"])"),
        ),
        Fix::at("fastapi", "In CORSMiddleware, beside those that are there.", format!("{fastapi}=[..., \"{name}\"]")),
        Fix::at("django-channels", "From corsheaders.defaults, in settings.py.", format!("{django}, \"{name}\")")),
        Fix::at(
            "nginx",
            "Where nginx answers the preflight.",
            format!("add_header Access-Control-Allow-{nginx} \"..., {name}\" always;"),
        ),
    ]
}
