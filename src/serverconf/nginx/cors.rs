//! `add_header`: who is let in, where the headers are missing, and where there are two.

use super::Nginx;
use super::sites::{Levels, Location, Server, array, scalar};
use super::variables::{Condition, Value, Variables};
use crate::serverconf::env::Environment;
use crate::serverconf::finding::{Finding, Rule, Severity};
use crate::serverconf::policy::{Allowed, Guard, Guarded, MAX_GUARDS, Origins};
use crate::serverconf::proxy::{ALLOW_ORIGIN, value_faults};
use crate::serverconf::tree::Node;

/// What lets several pages in.
const LIST: &str = "map $http_origin $cors_origin { \"https://app.example.com\" $http_origin; } and that variable here";

pub(super) fn check(servers: &[Server<'_>], variables: &Variables<'_>, app: &Environment, out: &mut Nginx) {
    for server in servers {
        let proxies = server.locations.iter().any(|location| location.proxy_pass().is_some());
        // Headers of the levels above are told once for each server: what lies below decides what they come to.
        let place = Place { levels: &server.levels, location: None, proxied: proxies };
        if adds_origin(&effective(&server.levels)) {
            guard(&place, variables, app, out);
        }
        lost(&server.levels, "server", &mut out.findings);
        for location in &server.locations {
            let own = location.levels.last().is_some_and(|level| level.iter().any(adds_in));
            let place =
                Place { levels: &location.levels, location: Some(location), proxied: location.proxy_pass().is_some() };
            if own {
                guard(&place, variables, app, out);
            }
            lost(&location.levels, &location.node.name, &mut out.findings);
        }
    }
    dedup(&mut out.guards);
}

/// A server or a location whose headers are looked at.
struct Place<'a, 'b> {
    levels: &'b Levels<'a>,
    location: Option<&'b Location<'a>>,
    proxied: bool,
}

/// The headers in force: the innermost level's own, unless nginx (1.29.3 and later) is told to merge them.
fn effective<'a>(levels: &Levels<'a>) -> Vec<&'a Node> {
    if merges(levels) {
        return levels.iter().flat_map(|level| level.iter()).filter(|node| node.name == "add_header").collect();
    }
    array(levels, "add_header").1
}

fn merges(levels: &Levels<'_>) -> bool {
    scalar(levels, "add_header_inherit").is_some_and(|node| node.arg(0) == "merge")
}

fn is_origin(node: &Node) -> bool {
    node.name == "add_header" && node.arg(0).eq_ignore_ascii_case(ALLOW_ORIGIN)
}

fn adds_origin(nodes: &[&Node]) -> bool {
    nodes.iter().any(|node| is_origin(node))
}

/// Whether a directive adds the header, in an `if` too.
fn adds_in(node: &Node) -> bool {
    is_origin(node) || (node.name == "if" && node.block().iter().any(is_origin))
}

/// A level's headers and the condition under which they are added.
type Group<'a> = (Vec<&'a Node>, Vec<Condition<'a>>);

fn guard(place: &Place<'_, '_>, variables: &Variables<'_>, app: &Environment, out: &mut Nginx) {
    let block = place.levels.last().copied().unwrap_or_default();
    let mut groups: Vec<Group<'_>> = vec![(effective(place.levels), Vec::new())];
    for node in block.iter().filter(|node| node.name == "if") {
        let headers: Vec<&Node> = node.block().iter().filter(|node| node.name == "add_header").collect();
        if adds_origin(&headers) {
            groups.push((headers, Condition::of(node).into_iter().collect()));
        }
    }
    let mut all: Vec<Allowed> = Vec::new();
    let mut open = None;
    let mut at = None;
    let (mut credentials, mut methods, mut headers) = (None, None, None);
    for (nodes, conditions) in groups.iter().filter(|(nodes, _)| adds_origin(nodes)) {
        let value =
            |name: &str| nodes.iter().find(|node| node.arg(0).eq_ignore_ascii_case(name)).map(|node| node.arg(1));
        let with = value("Access-Control-Allow-Credentials").map(|value| value == "true");
        credentials = credentials.or(with);
        methods = methods.or_else(|| value("Access-Control-Allow-Methods").map(words));
        headers = headers.or_else(|| value("Access-Control-Allow-Headers").map(words));
        let origins: Vec<&&Node> = nodes.iter().filter(|node| is_origin(node)).collect();
        for node in &origins {
            at.get_or_insert_with(|| node.at());
            let found = variables.allowed(node.arg(1), conditions, &node.arg_at(1));
            let origins = if let Value::Origins(origins) = &found { Some(origins) } else { None };
            let with = with == Some(true);
            // What a variable lists is told where it is listed.
            if !matches!(origins, Some(Origins::Listed(_))) || variables.is_new(node.arg(1), with) {
                value_faults(node.arg(1), &node.arg_at(1), origins, with, LIST, &mut out.findings);
            }
            match found {
                Value::Origins(Origins::Listed(list)) => all.extend(list),
                Value::Origins(wide) => open = Some(wide),
                Value::Other => {}
            }
        }
        whole(place, nodes, &origins, app, &mut out.findings);
    }
    let Some(at) = at.filter(|_| out.guards.len() < MAX_GUARDS) else { return };
    preflight(place, &at, &mut out.findings, credentials, headers.as_deref());
    out.guards.push(Guard {
        thing: Guarded::HttpCors,
        origins: open.unwrap_or(Origins::Listed(all)),
        credentials,
        methods,
        headers,
        path: place.location.map(|location| location.path().to_owned()),
        at,
    });
}

fn words(value: &str) -> Vec<String> {
    value.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

/// What is wrong with the headers of a level together.
fn whole(place: &Place<'_, '_>, nodes: &[&Node], origins: &[&&Node], app: &Environment, out: &mut Vec<Finding>) {
    if let [_, second, ..] = origins {
        let text = "the header is added twice: browsers refuse two values";
        out.push(second.finding(Rule::DuplicateCorsHeaders, Severity::Error, text).instead("one of the two"));
    }
    let hides = array(place.levels, "proxy_hide_header").1;
    let hidden = hides.iter().any(|node| node.arg(0).eq_ignore_ascii_case(ALLOW_ORIGIN));
    let Some(first) = origins.first() else { return };
    if place.proxied && !hidden && app.adds_cors() {
        let text = "the application behind adds this header as well: two values, and browsers refuse both";
        let instead = "nothing here, or proxy_hide_header Access-Control-Allow-Origin; beside it";
        out.push(first.finding(Rule::DuplicateCorsHeaders, Severity::Error, text).instead(instead));
    }
    if first.args.get(2).is_none_or(|word| word.text != "always") {
        let text =
            "without `always`, answers like 401, 404 and 502 go out without the header, and the page sees a CORS error";
        let value = first.arg(1);
        let instead = format!("add_header {ALLOW_ORIGIN} {value} always;");
        out.push(first.finding(Rule::ErrorResponseWithoutCors, Severity::Warning, text).instead(instead));
    }
    let varies = nodes
        .iter()
        .any(|node| node.arg(0).eq_ignore_ascii_case("vary") && node.arg(1).to_lowercase().contains("origin"));
    if first.arg(1).starts_with('$') && !varies {
        let text = "the value follows the page's origin, and without `Vary: Origin` a cache gives one page's answer to another";
        out.push(
            first
                .finding(Rule::VaryOriginMissing, Severity::Warning, text)
                .instead("add_header Vary Origin always; beside it"),
        );
    }
}

/// Where nginx alone answers, or asks for credentials first, a preflight fails.
fn preflight(
    place: &Place<'_, '_>,
    at: &crate::serverconf::source::Place,
    out: &mut Vec<Finding>,
    credentials: Option<bool>,
    headers: Option<&[String]>,
) {
    let has_options = |nodes: &[Node]| {
        let asks = |node: &Node| node.args.iter().any(|word| word.text.to_lowercase().contains("options"));
        nodes.iter().any(|node| node.name == "if" && asks(node))
    };
    let answered = place.levels.iter().any(|level| has_options(level));
    if credentials == Some(true) && headers.is_some_and(|list| list.iter().any(|header| header == "*")) {
        let text = "with credentials the `*` in Access-Control-Allow-Headers is a header of that name, and stands for no other";
        out.push(
            Finding::new(Rule::PreflightHeaderNotAllowed, Severity::Warning, at.clone(), text)
                .instead("the headers, one by one"),
        );
    }
    let instead = "if ($request_method = OPTIONS) { return 204; } in the location";
    if let Some(auth) = scalar(place.levels, "auth_basic").filter(|auth| auth.arg(0) != "off" && !answered) {
        let text = "a preflight never carries a password: it is answered 401, and the page sees a CORS error";
        out.push(auth.finding(Rule::HttpAuthRequired, Severity::Warning, text).instead(instead));
    }
    let returns = place.levels.last().is_some_and(|level| level.iter().any(|node| node.name == "return"));
    if place.location.is_some() && !place.proxied && !answered && !returns {
        let passes = ["fastcgi_pass", "uwsgi_pass", "grpc_pass", "scgi_pass"]
            .iter()
            .any(|name| scalar(place.levels, name).is_some());
        if !passes {
            let text = "nginx answers OPTIONS with 405 here: requests that need a preflight fail";
            out.push(Finding::new(Rule::PreflightOptions405, Severity::Warning, at.clone(), text).instead(instead));
        }
    }
}

/// A level with `add_header` of its own takes none of those above.
fn lost(levels: &Levels<'_>, name: &str, out: &mut Vec<Finding>) {
    let Some((inner, outer)) = levels.split_last().filter(|_| !merges(levels)) else { return };
    let here = effective(levels);
    let conditional = inner.iter().filter(|node| node.name == "if").map(|node| (node.block(), here.clone()));
    for (block, above) in std::iter::once((*inner, effective(&outer.to_vec()))).chain(conditional) {
        let Some(above) = above.iter().find(|node| is_origin(node)) else { continue };
        let own: Vec<&Node> = block.iter().filter(|node| node.name == "add_header").collect();
        if let Some(first) = own.first().filter(|_| !adds_origin(&own)) {
            let line = above.at().line;
            let text = format!(
                "a {name} with an add_header of its own inherits none: the CORS headers of line {line} are missing here"
            );
            let words: Vec<&str> = above.args.iter().map(|word| word.text.as_str()).collect();
            out.push(
                first
                    .finding(Rule::CorsHeadersMissing, Severity::Error, text)
                    .instead(format!("add_header {}; here as well", words.join(" "))),
            );
        }
    }
}

/// A guard of the levels above stands for all servers below them.
fn dedup(guards: &mut Vec<Guard>) {
    let mut seen = Vec::new();
    guards.retain(|guard| {
        let key = (guard.at.clone(), guard.path.clone());
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
}
