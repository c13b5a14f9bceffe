//! Two layers each add CORS headers: the browser sees two values.

use crate::browser::Credentials;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::Code;

pub(super) const RULE: Rule = Rule { cause: CauseId::DuplicateCorsHeaders, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if !matches!(facts.code(), Some(Code::MultipleAllowOriginValues | Code::PreflightMultipleAllowOriginValues)) {
        return Fit::No;
    }
    let (host, value) = (facts.host(), facts.detail());
    let fields = facts.response().map_or(1, |response| response.headers.all("access-control-allow-origin").count());
    let mut listed = value.split([',', ' ']).map(str::trim).filter(|one| !one.is_empty());
    let first = listed.next();
    let repeated = first.is_some_and(|first| listed.any(|one| one == first || one == "*" || first == "*"));
    let summary =
        format!("{host} sends Access-Control-Allow-Origin more than once ({value}): two layers each add CORS headers.");
    if 1 < fields || repeated {
        return Fit::Fits(Match::new(0.97, summary).sign(format!("Access-Control-Allow-Origin: {value}")));
    }
    Fit::CantTell(Match::new(0.4, summary))
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let with = facts.credentials == Credentials::Include;
    let python = if with { "True" } else { "False" };
    vec![
        Fix::any(
            "Let one layer alone add the CORS headers and take the duplicate out of the other (the application or nginx, the middleware or a hook); the header holds one origin, never a list.",
        ),
        Fix::at(
            "flask-socketio",
            "Flask-CORS alone, in place of every after_request hook that sets the same headers.",
            format!("CORS(app, origins=[\"{origin}\"], supports_credentials={python})"),
        ),
        Fix::at(
            "node-socketio",
            "The cors package alone, in place of every res.setHeader of the same headers.",
            format!("app.use(cors({{ origin: [\"{origin}\"], credentials: {with} }}));"),
        ),
        Fix::at(
            "nginx",
            "Either nginx adds the headers and hides the application's, or nginx adds none.",
            "proxy_hide_header Access-Control-Allow-Origin;\nproxy_hide_header Access-Control-Allow-Credentials;",
        ),
        Fix::at(
            "fastapi",
            "python-socketio adds CORS headers of its own: put Socket.IO around the application in the place of mounting it within, so that CORSMiddleware does not see its path.",
            "app = socketio.ASGIApp(sio, app)   # below every route, in the place of app.mount",
        ),
        Fix::at(
            "apache",
            "Where Apache adds them itself (Header always ...): this takes the application's out.",
            "Header unset Access-Control-Allow-Origin\nHeader unset Access-Control-Allow-Credentials",
        ),
        Fix::at(
            "haproxy",
            "In the backend, where the frontend adds its own.",
            "http-response del-header Access-Control-Allow-Origin",
        ),
        Fix::at(
            "caddy",
            "Within reverse_proxy, where the site's header directive adds its own.",
            "header_down -Access-Control-Allow-Origin",
        ),
    ]
}
