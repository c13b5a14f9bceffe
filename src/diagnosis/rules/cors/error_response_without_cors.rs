//! Success has CORS headers and the error answer has none, so that the page can't read the error.

use super::{is_preflight, left};
use crate::diagnosis::fixes::python;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::words::status_words;
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::profile::model::Kind;
use crate::protocol::engine_io::Refusal;
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::ErrorResponseWithoutCors, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let missing =
        matches!(facts.code(), Some(Code::MissingAllowOriginHeader | Code::PreflightMissingAllowOriginHeader));
    let (Some(status @ 400..), true) = (facts.status(), missing) else { return Fit::No };
    if left(facts).is_some() || facts.kind == Kind::WebSocket {
        return Fit::No;
    }
    let preflight = is_preflight(facts);
    let by_scheme =
        facts.header("www-authenticate").is_some_and(|value| !value.to_ascii_lowercase().starts_with("bearer"));
    let body = facts.response().map(|response| &*response.body).unwrap_or_default();
    let confidence = match status {
        405 | 501 if preflight => return Fit::No,
        // What stands between says by its status what is broken: that comes first.
        407 | 413 | 429 | 502..=504 => 0.7,
        401 if by_scheme => 0.6,
        // Engine.IO's own refusals, and a path that has none, are what is wrong.
        _ if facts.kind == Kind::SocketIo && (status == 404 || Refusal::decode(body).is_some()) => 0.6,
        _ => 0.85,
    };
    let (host, origin) = (facts.host(), facts.origin());
    let what = if preflight { "the preflight with " } else { "" };
    let words = status_words(status);
    let summary = format!(
        "{host} answered {what}{words}, and the answer has no CORS headers, so the page {origin} sees a CORS error instead."
    );
    let found = Match::new(confidence, summary).sign(format!("{status} without Access-Control-Allow-Origin"));
    if confidence < 0.8 { Fit::CantTell(found) } else { Fit::Fits(found) }
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let such = facts.status().map(|status| format!(" like this {status}")).unwrap_or_default();
    vec![
        Fix::any(format!(
            "Let error answers{such} carry the CORS headers as well, so that the page {origin} can read what went wrong; then see to the error itself."
        )),
        Fix::at(
            "nginx",
            "add_header leaves errors out unless it says always.",
            format!("add_header Access-Control-Allow-Origin \"{origin}\" always;\nadd_header Vary Origin always;"),
        ),
        Fix::at(
            "fastapi",
            "An exception that nothing handles is answered outside of what add_middleware adds: put CORSMiddleware around the whole application, in its place, as the file's last line.",
            python::around(facts),
        ),
        Fix::at(
            "django-channels",
            "CorsMiddleware has to stand first, so that what those below answer by themselves has its headers.",
            "CORS = \"corsheaders.middleware.CorsMiddleware\"\nMIDDLEWARE = [CORS, *(one for one in MIDDLEWARE if one != CORS)]",
        ),
        python::express(facts),
        Fix::at(
            "flask-socketio",
            "Let Flask-CORS cover every route, error handlers included, and no after_request hook of your own beside it.",
            format!("CORS(app, origins=[\"{origin}\"])"),
        ),
    ]
}
