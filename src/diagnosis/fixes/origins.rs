//! How each stack is told to allow one page's origin, with credentials where the page sends them.

use super::{Fix, python};
use crate::browser::Credentials;
use crate::diagnosis::Facts;

/// How each stack names this page's origin in the list that the request is judged by.
pub(crate) fn named(facts: &Facts<'_>) -> Vec<Fix> {
    if facts.is_websocket() { websocket(facts) } else { http(facts) }
}

fn http(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let with = facts.credentials == Credentials::Include;
    let truth = if with { "True" } else { "False" };
    vec![
        Fix::at(
            "flask-socketio",
            "Give Flask-CORS and Flask-SocketIO the page's origin, each once.",
            format!(
                "CORS(app, origins=[\"{origin}\"], supports_credentials={truth})\n\
                 socketio = SocketIO(app, cors_allowed_origins=[\"{origin}\"])"
            ),
        ),
        Fix::at(
            "fastapi",
            "Name the page's origin in CORSMiddleware, added last so that it is outermost, beside those that are there.",
            python::middleware(facts),
        ),
        Fix::at(
            "django-channels",
            "Name the page's origin in django-cors-headers' settings; its middleware stands above CommonMiddleware.",
            format!(
                "CORS_ALLOWED_ORIGINS = [\"{origin}\"]\nCORS_ALLOW_ALL_ORIGINS = False\nCORS_ALLOW_CREDENTIALS = {truth}"
            ),
        ),
        Fix::at(
            "node-socketio",
            "Give socket.io the page's origin.",
            format!(
                "const io = new Server(httpServer, {{ cors: {{ origin: [\"{origin}\"], credentials: {with} }} }});"
            ),
        ),
        Fix::at(
            "nginx",
            "Where the application sends no CORS headers itself, let nginx add them, with `always` so that errors have them too.",
            nginx(&origin, with),
        ),
        Fix::at(
            "express",
            "Give the cors middleware the page's origin, above every route.",
            format!("app.use(cors({{ origin: [\"{origin}\"], credentials: {with} }}));"),
        ),
        Fix::at(
            "apache",
            "Where the application sends no CORS headers itself (mod_headers, mod_setenvif).",
            apache(&origin, with),
        ),
        Fix::at("caddy", "Where the application sends no CORS headers itself; in the site.", caddy(&origin, with)),
        Fix::at(
            "haproxy",
            "Where the application sends no CORS headers itself; in the frontend.",
            haproxy(&origin, with),
        ),
    ]
}

/// `$0` is the origin that matched; the variable is not set for every other page.
fn apache(origin: &str, credentials: bool) -> String {
    let allow =
        if credentials { "\nHeader always set Access-Control-Allow-Credentials true env=CORS_ORIGIN" } else { "" };
    let exact = origin.replace('.', "\\.");
    format!(
        "SetEnvIf Origin \"^{exact}$\" CORS_ORIGIN=$0\n\
         Header always set Access-Control-Allow-Origin %{{CORS_ORIGIN}}e env=CORS_ORIGIN{allow}\n\
         Header always merge Vary Origin"
    )
}

fn caddy(origin: &str, credentials: bool) -> String {
    let allow = if credentials { "\n    Access-Control-Allow-Credentials true" } else { "" };
    format!(
        "@page header Origin {origin}\nheader @page {{\n    Access-Control-Allow-Origin {origin}{allow}\n}}\nheader +Vary Origin"
    )
}

fn haproxy(origin: &str, credentials: bool) -> String {
    let page = format!("if {{ var(txn.origin) -m str {origin} }}");
    let allow = if credentials {
        format!("\nhttp-after-response set-header Access-Control-Allow-Credentials true {page}")
    } else {
        String::new()
    };
    format!(
        "http-request set-var(txn.origin) req.hdr(Origin)\n\
         http-after-response set-header Access-Control-Allow-Origin {origin} {page}{allow}\n\
         http-after-response add-header Vary Origin"
    )
}

/// One layer alone adds the headers; `$cors_origin` is empty for every other page.
fn nginx(origin: &str, credentials: bool) -> String {
    let allow = if credentials { "\nadd_header Access-Control-Allow-Credentials true always;" } else { "" };
    format!(
        "map $http_origin $cors_origin {{ \"{origin}\" $http_origin; default \"\"; }}   # in http {{}}\n\
         add_header Access-Control-Allow-Origin $cors_origin always;{allow}\nadd_header Vary Origin always;"
    )
}

fn websocket(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let (host, page) = (facts.url.host_str().unwrap_or_default(), facts.page.host_str().unwrap_or_default());
    vec![
        Fix::at(
            "flask-socketio",
            "Name the page's origin in cors_allowed_origins: it guards WebSockets too.",
            format!("socketio = SocketIO(app, cors_allowed_origins=[\"{origin}\"])"),
        ),
        Fix::at(
            "fastapi",
            "CORSMiddleware does not see WebSockets: add the page's origin to the list that the endpoint itself checks (CORS_ALLOW_ORIGINS, or whatever it is called there).",
            format!("CORS_ALLOW_ORIGINS={origin}"),
        ),
        Fix::at(
            "django-channels",
            "AllowedHostsOriginValidator takes the origin's host from ALLOWED_HOSTS; OriginValidator has a list of its own.",
            format!(
                "ALLOWED_HOSTS = [{}]\n# or: OriginValidator(application, [\"{origin}\"])",
                if page == host { format!("\"{host}\"") } else { format!("\"{host}\", \"{page}\"") }
            ),
        ),
        Fix::at(
            "node-socketio",
            "The cors option guards polling alone; check the origin of upgrades in allowRequest.",
            format!(
                "const io = new Server(httpServer, {{\n  cors: {{ origin: [\"{origin}\"] }},\n  allowRequest: (req, done) => done(null, req.headers.origin === \"{origin}\"),\n}});"
            ),
        ),
    ]
}
