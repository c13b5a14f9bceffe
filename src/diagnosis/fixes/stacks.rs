//! Lines of configuration for the causes that are mended in one known place.

use super::Fix;
use crate::diagnosis::{CauseId, Facts};

pub(super) fn fixes(cause: CauseId, facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let name = facts.url.host_str().unwrap_or_default();
    match cause {
        CauseId::HostNotAllowed => {
            vec![Fix::at("django-channels", "In settings.py.", format!("ALLOWED_HOSTS = [\"{name}\"]"))]
        }
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
