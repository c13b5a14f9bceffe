//! A server as a whole: TLS, redirects, upstreams, and what pages reach there.

use super::Site;
use super::sites::{Server, array, scalar};
use super::socket::{bytes, kind};
use crate::profile::Transport;
use crate::serverconf::env::Environment;
use crate::serverconf::finding::{Finding, Rule, Severity};
use crate::serverconf::proxy::Kind;
use crate::serverconf::tree::Node;

pub(super) fn check(server: &Server<'_>, root: &[Node], app: &Environment, out: &mut Vec<Finding>) {
    tls(server, out);
    redirect(server, app, out);
    proxied(server, app, out);
    shut(server, app, out);
    sticky(server, root, app, out);
}

fn tls(server: &Server<'_>, out: &mut Vec<Finding>) {
    if let Some(node) = scalar(&server.levels, "ssl_protocols") {
        let new = |text: &str| matches!(text, "TLSv1.2" | "TLSv1.3");
        let instead = "ssl_protocols TLSv1.2 TLSv1.3;";
        if !node.args.iter().any(|word| new(&word.text)) {
            let text = "no browser of today speaks what is left here";
            out.push(node.finding(Rule::TlsVersionUnsupported, Severity::Error, text).instead(instead));
        } else if let Some(old) = node.args.iter().find(|word| !new(&word.text)) {
            let text = format!("{} is broken, and no browser of today asks for it", old.text);
            out.push(node.finding(Rule::OldTlsVersions, Severity::Warning, text).instead(instead));
        }
    }
    if let Some(node) = scalar(&server.levels, "ssl_verify_client").filter(|node| node.arg(0) == "on") {
        let text = "only browsers with a client certificate get in; preflights carry none, and are answered 400";
        out.push(
            node.finding(Rule::ClientCertificateRequired, Severity::Warning, text)
                .instead("optional, and a check in the locations that need it"),
        );
    }
}

/// What stands in the way of everything, or of anything large.
fn shut(server: &Server<'_>, app: &Environment, out: &mut Vec<Finding>) {
    let blocks = std::iter::once(server.block()).chain(server.locations.iter().map(|location| location.block()));
    for node in blocks.flatten().filter(|node| node.name == "return" && node.arg(0) == "503") {
        let text = "everything here is answered 503";
        let finding = node.finding(Rule::ServiceUnavailable, Severity::Warning, text);
        out.push(finding.instead("no such line when the maintenance is over"));
    }
    for location in server.locations.iter().filter(|location| location.proxy_pass().is_some()) {
        // Polling's room is told apart.
        let size = scalar(&location.levels, "client_max_body_size");
        let size = size.filter(|_| kind(server, location, app) != Some(Kind::SocketIo));
        if let Some(node) = size.filter(|node| bytes(node.arg(0)).is_some_and(|size| 0 < size && size < SMALL)) {
            let text = format!("a request of more than {} is answered 413, without CORS headers", node.arg(0));
            let finding = node.finding(Rule::BodyTooLarge, Severity::Warning, text);
            out.push(finding.instead("client_max_body_size 1m;"));
        }
        let moves =
            |node: &&Node| node.arg(0) == "/" && !matches!(node.arg(1), "/" | "off") && !node.arg(1).contains('$');
        if let Some(node) = array(&location.levels, "proxy_cookie_path").1.iter().find(|node| moves(node)) {
            let text =
                format!("every cookie is moved to {}, and goes to no other path: not to the socket's", node.arg(1));
            out.push(node.finding(Rule::CookiePathMismatch, Severity::Warning, text).instead("proxy_cookie_path / /;"));
        }
    }
}

/// A limit for bodies that an ordinary form or a list in JSON is over.
const SMALL: u64 = 64 << 10;

/// A server that only sends pages on to https: right for pages, wrong where a script asks for ws:// or http:// there.
fn redirect(server: &Server<'_>, app: &Environment, out: &mut Vec<Finding>) {
    let sends_on = |node: &&Node| match node.name.as_str() {
        "return" => node.args.iter().any(|word| word.text.starts_with("https://")),
        "rewrite" => node.arg(1).starts_with("https://"),
        _ => false,
    };
    let inside = server.block().iter().filter(|node| node.name == "if").flat_map(Node::block);
    let Some(node) = server.block().iter().chain(inside).find(sends_on) else { return };
    let names = server.names();
    for (url, _) in [&app.addresses.socket, &app.addresses.api].into_iter().flatten() {
        let named = names.is_empty() || names.iter().any(|name| Some(*name) == url.host_str() || *name == "_");
        let port = server.listens().iter().any(|(port, _)| Some(*port) == url.port_or_known_default());
        if named && port && matches!(url.scheme(), "ws" | "http") {
            let what = if url.scheme() == "ws" { "a handshake" } else { "a preflight" };
            let text =
                format!("{what} for {}:// is answered with a redirect here, which browsers don't follow", url.scheme());
            out.push(
                node.finding(Rule::RedirectOnUpgrade, Severity::Error, text)
                    .instead(format!("{}s:// in the page's configuration", url.scheme())),
            );
        }
    }
}

/// A server that passes other paths on, and not Socket.IO's.
fn proxied(server: &Server<'_>, app: &Environment, out: &mut Vec<Finding>) {
    if !app.policy.socketio.used {
        return;
    }
    let passes = server.locations.iter().find_map(|location| location.proxy_pass());
    let answering = server.answering("/socket.io/");
    let unread =
        server.locations.iter().any(|location| matches!(location.matches, super::sites::Matches::Expression(None)));
    if let Some(pass) = passes
        && !unread
        && answering.is_none_or(|location| location.proxy_pass().is_none())
    {
        let (node, what) = match answering {
            Some(location) => (location.node, format!("`{}` answers it", location.path())),
            None => (pass, "no location has it".to_owned()),
        };
        let text = format!("/socket.io/ is not passed on to the application: {what}");
        out.push(
            node.finding(Rule::PathNotProxied, Severity::Error, text)
                .instead(format!("location /socket.io/ {{ proxy_pass {}; … }}", pass.arg(0))),
        );
    }
}

/// Several processes behind, and nothing that keeps a session with one.
fn sticky(server: &Server<'_>, root: &[Node], app: &Environment, out: &mut Vec<Finding>) {
    let told = app.policy.socketio.transports.as_deref();
    if told == Some(&[Transport::WebSocket]) {
        return;
    }
    for location in &server.locations {
        let Some(pass) = location.proxy_pass().filter(|_| kind(server, location, app) == Some(Kind::SocketIo)) else {
            continue;
        };
        let name = pass.arg(0).split("://").last().unwrap_or_default().split('/').next().unwrap_or_default();
        let Some(upstream) = upstream(root, name) else { continue };
        let used = |node: &&Node| {
            node.name == "server" && !node.args.iter().any(|word| matches!(word.text.as_str(), "down" | "backup"))
        };
        let keeps = upstream.block().iter().any(|node| matches!(node.name.as_str(), "ip_hash" | "hash" | "sticky"));
        if 1 < upstream.block().iter().filter(used).count() && !keeps {
            let text = "a session's requests go to different processes, and the next one doesn't know it: 400 `Invalid session`";
            out.push(
                upstream
                    .finding(Rule::StickySessionsMissing, Severity::Error, text)
                    .instead("ip_hash; in the upstream"),
            );
        }
    }
}

fn upstream<'a>(nodes: &'a [Node], name: &str) -> Option<&'a Node> {
    let found = nodes.iter().find(|node| node.name == "upstream" && node.arg(0) == name);
    found.or_else(|| nodes.iter().filter(|node| node.name == "http").find_map(|node| upstream(node.block(), name)))
}

/// What of it a page can reach by name.
pub(super) fn site(server: &Server<'_>, app: &Environment) -> Option<Site> {
    let name = server.names().into_iter().find(|name| !name.contains(['*', '~', '$']) && !matches!(*name, "_" | ""));
    let listens = server.listens();
    let (port, tls) = listens.iter().find(|(_, tls)| *tls).or(listens.first()).copied()?;
    let own = if tls { 443 } else { 80 };
    let sockets: Vec<(String, bool)> = server
        .locations
        .iter()
        .filter(|location| location.proxy_pass().is_some() && location.path().starts_with('/'))
        .filter_map(|location| {
            kind(server, location, app).map(|kind| (location.path().to_owned(), kind == Kind::SocketIo))
        })
        .collect();
    let port = (port != own).then_some(port);
    (!sockets.is_empty()).then(|| Site { host: name.unwrap_or("localhost").to_owned(), port, tls, sockets })
}
