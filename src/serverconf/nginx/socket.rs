//! What a WebSocket, or Socket.IO's polling, needs of a proxy: `Upgrade`, patience, `Host`, `Origin`, room.

use std::time::Duration;

use super::sites::{Location, Server, array, header, scalar};
use crate::serverconf::env::Environment;
use crate::serverconf::finding::{Finding, Rule, Severity};
use crate::serverconf::proxy::{self, Kind};
use crate::serverconf::tree::Node;

/// nginx's own, where nothing is said.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn check(server: &Server<'_>, root: &[Node], app: &Environment, out: &mut Vec<Finding>) {
    for location in &server.locations {
        let Some(pass) = location.proxy_pass() else { continue };
        events(location, out);
        let Some(kind) = kind(server, location, app) else { continue };
        upgrade(location, pass, root, out);
        patience(location, kind, app, out);
        origin(location, out);
        if kind == Kind::SocketIo {
            polling(location, pass, root, out);
        }
        asks(location, out);
    }
    for location in server.locations.iter().filter(|location| location.proxy_pass().is_some()) {
        host(server, location, app, out);
    }
}

/// Which kind of socket a location serves, by its path, by what it passes on, or because the application's is there.
pub(super) fn kind(server: &Server<'_>, location: &Location<'_>, app: &Environment) -> Option<Kind> {
    let answers = |path: &str| server.answering(path).is_some_and(|found| std::ptr::eq(found.node, location.node));
    if app.policy.socketio.used && answers("/socket.io/") {
        return Some(Kind::SocketIo);
    }
    let named = Kind::of_path(location.path());
    let upgrades = location
        .block()
        .iter()
        .any(|node| node.name == "proxy_set_header" && node.arg(0).eq_ignore_ascii_case("upgrade"));
    let addressed = app.addresses.socket.as_ref().is_some_and(|(url, _)| answers(url.path()));
    named.or((upgrades || addressed).then_some(Kind::WebSocket))
}

fn upgrade(location: &Location<'_>, pass: &Node, root: &[Node], out: &mut Vec<Finding>) {
    let (depth, headers) = array(&location.levels, "proxy_set_header");
    let upgrade = header(&headers, "Upgrade");
    let connection = header(&headers, "Connection");
    let instead =
        "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";";
    let fault = match (upgrade, connection) {
        (Some((node, "")), _) => Some((node, "the Upgrade header is taken out: every WebSocket is refused".to_owned())),
        (None, _) | (_, None) => {
            let missing = if upgrade.is_none() { "Upgrade" } else { "Connection" };
            let above = location.levels[..depth].iter().rev().flat_map(|level| level.iter());
            let above = above
                .into_iter()
                .find(|node| node.name == "proxy_set_header" && node.arg(0).eq_ignore_ascii_case(missing));
            Some(match (above, headers.first()) {
                (Some(above), Some(first)) => {
                    let line = above.at().line;
                    let text = format!(
                        "a level with a proxy_set_header of its own inherits none: {missing} of line {line} is missing here, and every WebSocket is refused"
                    );
                    (*first, text)
                }
                _ => (pass, format!("the {missing} header is not passed on: every WebSocket is refused")),
            })
        }
        (Some(_), Some((node, value))) => {
            let right = value.eq_ignore_ascii_case("upgrade") || value == "$http_connection" || upgrades(value, root);
            (!right).then(|| (node, format!("`Connection: {value}` asks for no upgrade: every WebSocket is refused")))
        }
    };
    if let Some((node, text)) = fault {
        out.push(node.finding(Rule::ProxyDropsUpgrade, Severity::Error, text).instead(instead));
    }
    // Measured without harm with five servers behind it; the specification wants it, and nginx sends 1.0 until 1.29.7.
    if scalar(&location.levels, "proxy_http_version").is_none_or(|node| node.arg(0) == "1.0") {
        let at = scalar(&location.levels, "proxy_http_version").unwrap_or(pass);
        let text = "an upgrade is a matter of HTTP/1.1, and nginx before 1.29.7 asks with 1.0: most servers take it all the same";
        out.push(at.finding(Rule::ProxyDropsUpgrade, Severity::Note, text).instead("proxy_http_version 1.1;"));
    }
}

/// Whether a variable is `upgrade` where an upgrade is asked for.
fn upgrades(value: &str, root: &[Node]) -> bool {
    fn map<'a>(nodes: &'a [Node], name: &str) -> Option<&'a Node> {
        let found = nodes.iter().find(|node| node.name == "map" && node.arg(1) == name);
        found.or_else(|| nodes.iter().filter(|node| node.name == "http").find_map(|node| map(node.block(), name)))
    }
    // One that is not made by a map is not known.
    value.starts_with('$')
        && map(root, value)
            .is_none_or(|map| map.block().iter().any(|entry| entry.arg(0).eq_ignore_ascii_case("upgrade")))
}

fn patience(location: &Location<'_>, kind: Kind, app: &Environment, out: &mut Vec<Finding>) {
    let node = scalar(&location.levels, "proxy_read_timeout");
    let timeout = node.map_or(Some(READ_TIMEOUT), |node| time(node.arg(0)));
    let Some(timeout) = timeout else { return };
    if let Some((severity, text)) = proxy::impatient(kind, timeout, app) {
        let at = node.unwrap_or(location.node);
        out.push(at.finding(Rule::ProxyIdleTimeout, severity, text).instead("proxy_read_timeout 3600s;"));
    }
}

/// nginx's times: `90`, `90s`, `1h 30m`, `500ms`.
pub(super) fn time(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let units = rest.find(|c: char| c.is_ascii_digit() || c == ' ').unwrap_or(rest.len());
        total += number
            * match &rest[..units] {
                "" | "s" => 1.0,
                "ms" => 0.001,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                "w" => 604_800.0,
                _ => return None,
            };
        rest = rest[units..].trim_start();
    }
    Duration::try_from_secs_f64(total).ok()
}

fn origin(location: &Location<'_>, out: &mut Vec<Finding>) {
    let headers = array(&location.levels, "proxy_set_header").1;
    let Some((node, value)) = header(&headers, "Origin").filter(|(_, value)| *value != "$http_origin") else { return };
    if value.is_empty() {
        let text =
            "the page's Origin is taken out: the server can't tell whose page it is, and CORS answers are missing";
        out.push(node.finding(Rule::OriginStrippedByProxy, Severity::Error, text).instead("no such line"));
    } else {
        let text =
            "every page gets the same Origin: the server's check passes for any site's page, with the user's cookie";
        out.push(
            node.finding(Rule::OriginNotValidated, Severity::Error, text)
                .instead("no such line, and the page's origin in the server's list"),
        );
    }
}

/// What the application compares the page's origin, or its ALLOWED_HOSTS, with.
fn host(server: &Server<'_>, location: &Location<'_>, app: &Environment, out: &mut Vec<Finding>) {
    let by_host = app.compares_host();
    let socket = kind(server, location, app).is_some();
    if !socket && !by_host {
        return;
    }
    let severity = if by_host { Severity::Error } else { Severity::Warning };
    let headers = array(&location.levels, "proxy_set_header").1;
    // python-engineio takes that name too, Django doesn't.
    let otherwise = header(&headers, "X-Forwarded-Host").is_some() && !app.lists_hosts();
    let severity = if otherwise { Severity::Note } else { severity };
    let odd = server.listens().into_iter().map(|(port, _)| port).find(|port| !matches!(port, 80 | 443));
    match (header(&headers, "Host"), odd) {
        (None | Some((_, "$proxy_host")), _) => {
            let at = headers.first().copied().or(location.proxy_pass()).unwrap_or(location.node);
            let text = "the application gets the name of its own address as Host: checks of the same origin and ALLOWED_HOSTS fail";
            out.push(at.finding(Rule::HostNotForwarded, severity, text).instead("proxy_set_header Host $http_host;"));
        }
        (Some((node, "$host")), Some(port)) => {
            let text = format!("$host leaves the port :{port} out: checks of the same origin fail");
            out.push(node.finding(Rule::HostNotForwarded, severity, text).instead("proxy_set_header Host $http_host;"));
        }
        _ => {}
    }
}

/// Polling is many requests, some of them large, all of them to the same process.
fn polling(location: &Location<'_>, pass: &Node, root: &[Node], out: &mut Vec<Finding>) {
    let limits = array(&location.levels, "limit_req").1;
    if let Some(node) = limits.first() {
        let zone = node.args.iter().find_map(|word| word.text.strip_prefix("zone="));
        let rate = zone.and_then(|zone| rate(root, zone)).unwrap_or_default();
        let status = scalar(&location.levels, "limit_req_status").map_or("503", |node| node.arg(0));
        let rule = if status == "429" { Rule::TooManyConnections } else { Rule::ProxyRateLimit503 };
        let severity = if status == "429" { Severity::Note } else { Severity::Warning };
        let text = format!("each message of polling is a request and counts{rate}: one too many is answered {status}");
        out.push(node.finding(rule, severity, text).instead("a burst with nodelay, and limit_req_status 429;"));
    }
    let size = scalar(&location.levels, "client_max_body_size");
    if let Some(node) = size.filter(|node| bytes(node.arg(0)).is_some_and(|size| 0 < size && size < 1_000_000)) {
        let text = format!("polling posts up to 1 MB at once, and {} is the most here: 413", node.arg(0));
        out.push(node.finding(Rule::BodyTooLarge, Severity::Warning, text).instead("client_max_body_size 1m;"));
    }
    // With a path of its own, proxy_pass puts that in place of the location's.
    if let Some((_, rest)) = pass.arg(0).split_once("://")
        && let Some(uri) = rest.find('/').map(|at| &rest[at..])
        && let super::sites::Matches::Prefix(prefix, _) = &location.matches
        && !rest.contains('$')
        && let Some(left) = "/socket.io/".strip_prefix(prefix.as_str())
        && !format!("{uri}{left}").contains("/socket.io")
    {
        let text = format!("proxy_pass with a path makes {uri}{left} of /socket.io/, where no Socket.IO is");
        let (scheme, _) = pass.arg(0).split_once("://").unwrap_or_default();
        let address = rest.split('/').next().unwrap_or_default();
        out.push(
            pass.finding(Rule::WrongSocketioPath, Severity::Error, text)
                .instead(format!("proxy_pass {scheme}://{address};")),
        );
    }
}

/// ` (5r/s)`
fn rate(nodes: &[Node], zone: &str) -> Option<String> {
    nodes.iter().find_map(|node| {
        if node.name == "http" {
            return rate(node.block(), zone);
        }
        let of_zone = |word: &&str| word.strip_prefix("zone=").is_some_and(|rest| rest.split(':').next() == Some(zone));
        let words: Vec<&str> = node.args.iter().map(|word| word.text.as_str()).collect();
        let found = node.name == "limit_req_zone" && words.iter().any(of_zone);
        let rate = words.iter().find_map(|word| word.strip_prefix("rate=")).filter(|_| found)?;
        Some(format!(" against {rate}"))
    })
}

pub(super) fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// What stands before the handshake.
fn asks(location: &Location<'_>, out: &mut Vec<Finding>) {
    let own = |name: &str| location.block().iter().find(|node| node.name == name);
    if let Some(node) = scalar(&location.levels, "auth_basic").filter(|node| node.arg(0) != "off") {
        let text = "a script can't give a WebSocket a password: where the browser has none for this host yet, it is answered 401";
        out.push(
            node.finding(Rule::HttpAuthRequired, Severity::Warning, text)
                .instead("auth_basic off; here, and the application's own sign-in"),
        );
    }
    let redirects = |node: &&Node| node.arg(0).starts_with("30") || node.arg(0).starts_with("http");
    if let Some(node) = own("return").filter(redirects) {
        let text = "a handshake is answered with a redirect, which browsers don't follow";
        out.push(
            node.finding(Rule::RedirectOnUpgrade, Severity::Error, text)
                .instead("no redirect for this path, and wss:// in the page"),
        );
    }
    if let Some(node) = array(&location.levels, "limit_conn").1.first() {
        let few = node.arg(1).parse::<u32>().is_ok_and(|most| most <= 5);
        if few {
            let text = format!(
                "a WebSocket holds its place as long as it lives: more than {} of an address are refused",
                node.arg(1)
            );
            out.push(
                node.finding(Rule::ConcurrentConnectionLimit, Severity::Warning, text)
                    .instead("a limit for offices behind one address"),
            );
        }
    }
}

/// An event stream that is held back until a buffer is full.
fn events(location: &Location<'_>, out: &mut Vec<Finding>) {
    let path = location.path().to_ascii_lowercase();
    let stream = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| matches!(part, "sse" | "events" | "stream" | "eventsource"));
    let off = scalar(&location.levels, "proxy_buffering").is_some_and(|node| node.arg(0) == "off");
    if stream && !off {
        let at = scalar(&location.levels, "proxy_buffering").unwrap_or(location.node);
        let text = "the proxy collects the stream and passes it on in pieces, unless the application says X-Accel-Buffering: no";
        out.push(at.finding(Rule::ProxyBuffering, Severity::Warning, text).instead("proxy_buffering off;"));
    }
    let zips = scalar(&location.levels, "gzip").is_some_and(|node| node.arg(0) == "on");
    let types = scalar(&location.levels, "gzip_types");
    if let Some(node) = types
        .filter(|node| zips && node.args.iter().any(|word| matches!(word.text.as_str(), "text/event-stream" | "*")))
    {
        let text = "gzip collects an event stream before it sends a piece of it";
        out.push(
            node.finding(Rule::ProxyBuffering, Severity::Warning, text).instead("the list without text/event-stream"),
        );
    }
}
