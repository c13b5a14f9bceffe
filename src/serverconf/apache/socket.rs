//! `ProxyPass` and `RewriteRule … [P]`: whether an upgrade gets through, how long the proxy waits, what it limits; TLS.

use std::time::Duration;

use super::{Levels, scalar};
use crate::profile::Transport;
use crate::serverconf::env::Environment;
use crate::serverconf::finding::{Finding, Rule, Severity};
use crate::serverconf::nginx::Site;
use crate::serverconf::proxy::{self, Kind};
use crate::serverconf::tree::Node;

/// How many of a server's are looked at.
const MAX_PASSES: usize = 1000;

/// Where requests are passed on.
struct Pass<'a> {
    path: &'a str,
    target: &'a str,
    node: &'a Node,
    /// The sections that hold for it.
    levels: Levels<'a>,
}

impl Pass<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.node.args.iter().find_map(|word| {
            let (key, value) = word.text.split_once('=')?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn carries_sockets(&self) -> bool {
        let asked = self
            .parameter("upgrade")
            .is_some_and(|to| to.eq_ignore_ascii_case("websocket") || to.eq_ignore_ascii_case("any"));
        self.is_ws() || asked
    }

    fn is_ws(&self) -> bool {
        self.target.starts_with("ws://") || self.target.starts_with("wss://")
    }

    fn takes(&self, path: &str) -> bool {
        path.starts_with(self.path)
    }
}

/// Looks at one server: the main one, or a virtual host with what stands above it.
pub(super) fn check(levels: &Levels<'_>, port: Option<u16>, app: &Environment, out: &mut Vec<Finding>) {
    let mut passes = Vec::new();
    collect(levels, None, &mut passes);
    passes.truncate(MAX_PASSES);
    tls(levels, out);
    redirect(levels, port, app, out);
    missing(levels, &passes, app, out);
    for (path, kind) in sockets(&passes, app) {
        let Some(first) = passes.iter().find(|pass| pass.takes(&path)) else { continue };
        upgrade(levels, &passes, first, &path, out);
        patience(first, kind, app, out);
        asks(levels, &path, out);
        if kind == Kind::SocketIo {
            polling(levels, first, &path, app, out);
        }
        host(first, app, out);
    }
}

fn collect<'a>(levels: &Levels<'a>, section: Option<&'a Node>, out: &mut Vec<Pass<'a>>) {
    for node in levels.last().copied().unwrap_or_default() {
        if node.is("ProxyPass") {
            // In a <Location> the path is the section's.
            let own = section.filter(|_| node.args.len() == 1 || node.arg(1).contains('='));
            let (path, target) = own.map_or((node.arg(0), node.arg(1)), |section| (section.arg(0), node.arg(0)));
            if target != "!" {
                out.push(Pass { path, target, node, levels: levels.clone() });
            }
        } else if node.is("Location") {
            let mut inside = levels.clone();
            inside.push(node.block());
            collect(&inside, Some(node), out);
        }
    }
}

/// The paths at which sockets are wanted.
fn sockets(passes: &[Pass<'_>], app: &Environment) -> Vec<(String, Kind)> {
    let mut found: Vec<(String, Kind)> = Vec::new();
    let mut add = |path: &str, kind| {
        if !found.iter().any(|(known, _)| known == path) {
            found.push((path.to_owned(), kind));
        }
    };
    if app.policy.socketio.used {
        add("/socket.io/", Kind::SocketIo);
    }
    for pass in passes {
        if let Some(kind) = Kind::of_path(pass.path).or(pass.carries_sockets().then_some(Kind::WebSocket)) {
            add(pass.path, kind);
        }
    }
    if let Some((url, _)) = &app.addresses.socket {
        add(url.path(), Kind::of_path(url.path()).unwrap_or(Kind::WebSocket));
    }
    found
}

fn upgrade(levels: &Levels<'_>, passes: &[Pass<'_>], first: &Pass<'_>, path: &str, out: &mut Vec<Finding>) {
    if first.carries_sockets() || rewritten(levels) {
        return;
    }
    let target = first.target;
    let later = passes.iter().filter(|pass| pass.takes(path)).find(|pass| pass.carries_sockets());
    let finding = match later {
        Some(later) => {
            let text = format!(
                "the first ProxyPass that fits is taken: `{}` of line {} takes {path} away from this one",
                first.path,
                first.node.at().line
            );
            later.node.finding(Rule::ProxyDropsUpgrade, Severity::Error, text).instead("this line before that one")
        }
        None => {
            let text = format!("{path} is passed on without the upgrade: every WebSocket is refused");
            first.node.finding(Rule::ProxyDropsUpgrade, Severity::Error, text)
                .instead(format!("ProxyPass \"{path}\" \"{target}\" upgrade=websocket (2.4.47 and later; before: a RewriteRule to ws:// with [P])"))
        }
    };
    out.push(finding);
}

/// `RewriteCond %{HTTP:Upgrade} websocket` and a rule with `[P]` to ws://.
fn rewritten(levels: &Levels<'_>) -> bool {
    let on = scalar(levels, "RewriteEngine").is_some_and(|node| node.arg(0).eq_ignore_ascii_case("on"));
    let all = || levels.iter().flat_map(|level| level.iter());
    let asked = all().any(|node| node.is("RewriteCond") && node.arg(0).eq_ignore_ascii_case("%{HTTP:Upgrade}"));
    let to = |node: &Node| node.arg(1).starts_with("ws") && flags(node).contains(&"P");
    on && asked && all().any(|node| node.is("RewriteRule") && to(node))
}

/// The flags of a RewriteRule, without their values.
pub(super) fn flags(node: &Node) -> Vec<&str> {
    let inside = node.arg(2).trim_start_matches('[').trim_end_matches(']');
    inside.split(',').map(|flag| flag.split('=').next().unwrap_or_default().trim()).collect()
}

/// The time-out of the pass, else ProxyTimeout, else Timeout, else a minute.
fn patience(pass: &Pass<'_>, kind: Kind, app: &Environment, out: &mut Vec<Finding>) {
    let (node, text) =
        match (pass.parameter("timeout"), scalar(&pass.levels, "ProxyTimeout"), scalar(&pass.levels, "Timeout")) {
            (Some(text), _, _) => (pass.node, text),
            (None, Some(node), _) | (None, None, Some(node)) => (node, node.arg(0)),
            (None, None, None) => (pass.node, "60"),
        };
    let Ok(seconds) = text.parse::<u32>() else { return };
    if let Some((severity, text)) = proxy::impatient(kind, Duration::from_secs(seconds.into()), app) {
        out.push(node.finding(Rule::ProxyIdleTimeout, severity, text).instead("ProxyTimeout 3600"));
    }
}

fn host(pass: &Pass<'_>, app: &Environment, out: &mut Vec<Finding>) {
    if scalar(&pass.levels, "ProxyPreserveHost").is_some_and(|node| node.arg(0).eq_ignore_ascii_case("on")) {
        return;
    }
    // Apache says the name in X-Forwarded-Host, which python-engineio takes too, and Django doesn't.
    let severity = if app.lists_hosts() { Severity::Error } else { Severity::Note };
    let text = "the application gets the name of its own address as Host: ALLOWED_HOSTS and what compares it with the origin fail";
    out.push(pass.node.finding(Rule::HostNotForwarded, severity, text).instead("ProxyPreserveHost On"));
}

/// What stands before the handshake: passwords, and doors that are shut.
fn asks(levels: &Levels<'_>, path: &str, out: &mut Vec<Finding>) {
    let all = levels.iter().flat_map(|level| level.iter());
    for section in all.filter(|node| node.is("Location") && path.starts_with(node.arg(0))) {
        for node in section.block().iter().filter(|node| node.is("Require")) {
            let what = node.args.iter().map(|word| word.text.to_ascii_lowercase()).collect::<Vec<_>>().join(" ");
            let basic =
                section.block().iter().any(|node| node.is("AuthType") && !node.arg(0).eq_ignore_ascii_case("none"));
            if what == "all denied" {
                let text = "nobody gets in here: 403 for pages and sockets alike";
                out.push(node.finding(Rule::OriginNotAllowed, Severity::Error, text).instead("Require all granted"));
            } else if basic && what != "all granted" {
                let text = "a script can't give a WebSocket a password: where the browser has none for this host yet, it is answered 401";
                out.push(
                    node.finding(Rule::HttpAuthRequired, Severity::Warning, text)
                        .instead("Require all granted here, and the application's own sign-in"),
                );
            }
        }
    }
}

fn polling(levels: &Levels<'_>, pass: &Pass<'_>, path: &str, app: &Environment, out: &mut Vec<Finding>) {
    let inside: Vec<&Node> = levels
        .iter()
        .flat_map(|level| level.iter())
        .flat_map(|node| {
            std::iter::once(node)
                .chain(node.block().iter().filter(move |_| node.is("Location") && path.starts_with(node.arg(0))))
        })
        .collect();
    if let Some(node) = inside.iter().rev().find(|node| node.is("LimitRequestBody"))
        && let Ok(size) = node.arg(0).parse::<u64>()
        && 0 < size
        && size < 1_000_000
    {
        let text = format!("polling posts up to 1 MB at once, and {size} bytes are the most here: 413");
        out.push(node.finding(Rule::BodyTooLarge, Severity::Warning, text).instead("LimitRequestBody 1000000"));
    }
    if pass.is_ws() {
        let text = "everything goes to ws:// here, and polling is no WebSocket: it is not answered";
        out.push(
            pass.node.finding(Rule::PollingTransportDisabled, Severity::Warning, text).instead(format!(
                "ProxyPass \"{path}\" \"{}\" upgrade=websocket",
                pass.target.replacen("ws", "http", 1)
            )),
        );
    }
    if let Some(name) = pass.target.strip_prefix("balancer://") {
        let name = name.split('/').next().unwrap_or_default();
        let of_name =
            |node: &&&Node| node.is("Proxy") && node.arg(0).trim_end_matches('/') == format!("balancer://{name}");
        let Some(balancer) = inside.iter().find(of_name) else { return };
        let members = balancer.block().iter().filter(|node| node.is("BalancerMember")).count();
        let keeps = pass.parameter("stickysession").is_some()
            || balancer.block().iter().any(|node| node.args.iter().any(|word| word.text.starts_with("stickysession=")));
        let only_sockets = app.policy.socketio.transports.as_deref() == Some(&[Transport::WebSocket]);
        if 1 < members && !keeps && !only_sockets {
            let text = "a session's requests go to different processes, and the next one doesn't know it: 400 `Invalid session`";
            out.push(balancer.finding(Rule::StickySessionsMissing, Severity::Error, text)
                .instead("Header add Set-Cookie \"ROUTEID=.%{BALANCER_WORKER_ROUTE}e; path=/\" env=BALANCER_ROUTE_CHANGED, and ProxySet stickysession=ROUTEID"));
        }
    }
}

/// A server that passes other paths on, and not Socket.IO's.
fn missing(levels: &Levels<'_>, passes: &[Pass<'_>], app: &Environment, out: &mut Vec<Finding>) {
    let Some(first) = passes.first().filter(|_| app.policy.socketio.used) else { return };
    if passes.iter().any(|pass| pass.takes("/socket.io/")) || rewritten(levels) {
        return;
    }
    let text = "/socket.io/ is not passed on to the application: no ProxyPass has it";
    let target = first.target.split("://").last().unwrap_or_default().split('/').next().unwrap_or_default();
    let finding = first.node.finding(Rule::PathNotProxied, Severity::Error, text);
    out.push(finding.instead(format!("ProxyPass \"/socket.io/\" \"http://{target}/socket.io/\" upgrade=websocket")));
}

fn redirect(levels: &Levels<'_>, port: Option<u16>, app: &Environment, out: &mut Vec<Finding>) {
    let all = levels.iter().flat_map(|level| level.iter());
    let to = |node: &&Node| {
        let https = node.args.iter().any(|word| word.text.starts_with("https://"));
        let rewrites = node.is("RewriteRule") && flags(node).iter().any(|flag| matches!(*flag, "R" | "redirect"));
        https && (rewrites || node.is("Redirect") || node.is("RedirectMatch") || node.is("RedirectPermanent"))
    };
    let Some(node) = all.into_iter().find(to) else { return };
    let name = scalar(levels, "ServerName").map(|node| node.arg(0).split(':').next().unwrap_or_default());
    for (url, _) in [&app.addresses.socket, &app.addresses.api].into_iter().flatten() {
        let named = name.is_none_or(|name| Some(name) == url.host_str());
        let here = port.is_none_or(|port| Some(port) == url.port_or_known_default());
        if named && here && matches!(url.scheme(), "ws" | "http") {
            let text = format!(
                "{}:// is answered with a redirect here, which a handshake and a preflight don't follow",
                url.scheme()
            );
            out.push(
                node.finding(Rule::RedirectOnUpgrade, Severity::Error, text)
                    .instead(format!("{}s:// in the page's configuration", url.scheme())),
            );
        }
    }
}

/// [SSLProtocol](https://httpd.apache.org/docs/2.4/mod/mod_ssl.html#sslprotocol): words that add, take away, or begin anew.
fn tls(levels: &Levels<'_>, out: &mut Vec<Finding>) {
    const ALL: [&str; 4] = ["tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"];
    if let Some(node) = scalar(levels, "SSLProtocol") {
        let mut on: Vec<&str> = Vec::new();
        for word in &node.args {
            let word = word.text.to_ascii_lowercase();
            let (sign, name) = match word.chars().next() {
                Some(sign @ ('+' | '-')) => (sign, &word[1..]),
                _ => ('=', word.as_str()),
            };
            let named: Vec<&str> = ALL.into_iter().filter(|version| name == "all" || *version == name).collect();
            if sign != '+' {
                on.retain(|version| sign == '-' && !named.contains(version));
            }
            if sign != '-' {
                on.extend(named);
            }
        }
        let instead = "SSLProtocol -all +TLSv1.2 +TLSv1.3";
        if !on.iter().any(|version| ALL[2..].contains(version)) {
            let text = "no browser of today speaks what is left here";
            out.push(node.finding(Rule::TlsVersionUnsupported, Severity::Error, text).instead(instead));
        } else if on.iter().any(|version| ALL[..2].contains(version)) {
            let text = "TLS 1.0 and 1.1 are broken, and no browser of today asks for them";
            out.push(node.finding(Rule::OldTlsVersions, Severity::Warning, text).instead(instead));
        }
    }
    if let Some(node) = scalar(levels, "SSLVerifyClient").filter(|node| node.arg(0).eq_ignore_ascii_case("require")) {
        let text = "only browsers with a client certificate get in, and preflights carry none";
        out.push(
            node.finding(Rule::ClientCertificateRequired, Severity::Warning, text)
                .instead("optional, and a check where it is needed"),
        );
    }
}

/// What of a virtual host a page can reach by name.
pub(super) fn site(host: &Node, levels: &Levels<'_>, app: &Environment) -> Option<Site> {
    let mut passes = Vec::new();
    collect(levels, None, &mut passes);
    let tls = scalar(levels, "SSLEngine").is_some_and(|node| node.arg(0).eq_ignore_ascii_case("on"));
    let own = if tls { 443 } else { 80 };
    let port = host.arg(0).rsplit(':').next().and_then(|port| port.parse().ok()).filter(|port| *port != own);
    let name = scalar(levels, "ServerName").map(|node| node.arg(0).split(':').next().unwrap_or_default().to_owned());
    let sockets = sockets(&passes, app).into_iter().filter(|(path, _)| passes.iter().any(|pass| pass.takes(path)));
    let sockets: Vec<(String, bool)> = sockets.map(|(path, kind)| (path, kind == Kind::SocketIo)).collect();
    let host = name.unwrap_or_else(|| "localhost".to_owned());
    (!sockets.is_empty()).then_some(Site { host, port, tls, sockets })
}
