//! FastAPI's CORSMiddleware, django-cors-headers, Flask-CORS and Express's cors as this page needs them: its origin, its
//! credentials, the method and the headers that it asks for.

use crate::browser::Credentials;
use crate::diagnosis::{CauseId, Facts, Fix};

/// Added last, it is the outermost.
pub(crate) fn middleware(facts: &Facts<'_>) -> String {
    format!("app.add_middleware(\n    CORSMiddleware,\n{})", arguments(facts))
}

/// Around the whole application: what answers an exception that nothing handles stands outside of every middleware.
pub(crate) fn around(facts: &Facts<'_>) -> String {
    format!("app = CORSMiddleware(\n    app,\n{})", arguments(facts))
}

/// For a preflight that CORSMiddleware refuses.
pub(crate) fn preflight(facts: &Facts<'_>) -> Fix {
    let text =
        "CORSMiddleware answers OPTIONS by itself, above authentication, for the methods and headers in its lists.";
    Fix::at("fastapi", text, middleware(facts))
}

/// One more entry of a list of django-cors-headers.
pub(crate) fn django_list(cause: CauseId, name: &str) -> Fix {
    let (list, default) = match cause {
        CauseId::PreflightMethodNotAllowed => ("CORS_ALLOW_METHODS", "default_methods"),
        _ => ("CORS_ALLOW_HEADERS", "default_headers"),
    };
    let snippet = format!("from corsheaders.defaults import {default}\n\n{list} = [*{default}, \"{name}\"]");
    Fix::at("django-channels", "In settings.py.", snippet)
}

fn arguments(facts: &Facts<'_>) -> String {
    let (methods, headers) = (methods(facts), headers(facts));
    let credentials = if facts.credentials == Credentials::Include { "True" } else { "False" };
    format!(
        "    allow_origins=[\"{}\"],\n    allow_credentials={credentials},\n    allow_methods=[{methods}],\n    allow_headers=[{headers}],\n",
        facts.origin()
    )
}

/// The usual methods and that of the request, as the inside of a list.
pub(crate) fn methods(facts: &Facts<'_>) -> String {
    with(&["GET", "POST", "PUT", "PATCH", "DELETE"], asked(facts, "access-control-request-method"))
}

/// The usual headers and those of the request, as the inside of a list.
pub(crate) fn headers(facts: &Facts<'_>) -> String {
    let names = asked(facts, "access-control-request-headers").flat_map(|names| names.split(',').map(str::trim));
    with(&["Authorization", "Content-Type"], names)
}

fn asked<'a>(facts: &Facts<'a>, name: &'static str) -> impl Iterator<Item = &'a str> {
    facts.exchanges.iter().copied().filter_map(move |one| one.request.headers.first_str(name))
}

/// Express's cors with this page's origin, for whatever it asks.
pub(crate) fn express(facts: &Facts<'_>) -> Fix {
    let (origin, with) = (facts.origin(), facts.credentials == Credentials::Include);
    let (methods, headers) = (methods(facts), headers(facts));
    let snippet = format!(
        "app.use(cors({{ origin: [\"{origin}\"], credentials: {with}, methods: [{methods}], allowedHeaders: [{headers}] }}));"
    );
    Fix::at("express", "Above every route: it answers OPTIONS by itself.", snippet)
}

/// Flask-CORS with this page's origin, for whatever it asks.
pub(crate) fn flask(facts: &Facts<'_>) -> Fix {
    let (origin, methods, headers) = (facts.origin(), methods(facts), headers(facts));
    let truth = if facts.credentials == Credentials::Include { "True" } else { "False" };
    let snippet = format!(
        "CORS(app, origins=[\"{origin}\"], supports_credentials={truth}, methods=[{methods}], allow_headers=[{headers}])"
    );
    Fix::at("flask-socketio", "In Flask-CORS, once for the whole application.", snippet)
}

/// Those and what is asked for, as the inside of a list.
fn with<'a>(common: &[&'a str], asked: impl Iterator<Item = &'a str>) -> String {
    let mut names = common.to_vec();
    for name in asked {
        if !name.is_empty() && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
