//! The addresses that a front end is built with: `VITE_API_URL` and `VITE_WS_URL`.

use url::Url;

use super::{Var, Vars};
use crate::browser::origin::{is_loopback, serialize};
use crate::serverconf::finding::{Finding, Rule, Severity};
use crate::serverconf::origin::without_password;
use crate::serverconf::policy::{From, Guarded, Policy, Which};
use crate::serverconf::source::Place;

/// Where the pages' scripts connect to.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    pub api: Option<(Url, Place)>,
    pub socket: Option<(Url, Place)>,
    /// Where Flask itself listens, as a page on the same machine calls it.
    pub own: Option<Url>,
}

pub(super) fn read(vars: &mut Vars<'_>, policy: &Policy) -> Addresses {
    let api = address(vars, "VITE_API_URL", &["http", "https"], &[("ws", "http"), ("wss", "https")]);
    // socket.io-client takes both kinds; a WebSocket in browsers of before 2024 takes its own alone.
    let socket = address(vars, "VITE_WS_URL", &["ws", "wss"], &[("http", "ws"), ("https", "wss")]);
    let pages: Vec<&str> =
        policy.guards.iter().flat_map(|guard| guard.origins.named()).map(|(origin, _)| origin).collect();
    let secure_page = pages.iter().find(|page| page.starts_with("https://"));
    for (var, url) in [&api, &socket].into_iter().flatten() {
        mixed(vars, *var, url, secure_page.copied());
        known_host(vars, *var, url, policy);
    }
    if let (Some((_, api)), Some((var, socket))) = (&api, &socket)
        && api.host_str() != socket.host_str()
    {
        let (a, b) = (api.host_str().unwrap_or_default(), socket.host_str().unwrap_or_default());
        let rule = if is_loopback(api) && is_loopback(socket) {
            Rule::Localhost127Mismatch
        } else {
            Rule::CookieDomainMismatch
        };
        let domain = vars.get("SESSION_COOKIE_DOMAIN").map(|var| var.value.trim().trim_start_matches('.').to_owned());
        let covered = domain.is_some_and(|domain| !domain.is_empty() && covers(&domain, a) && covers(&domain, b));
        if !covered {
            let text = format!(
                "the socket is on {b} and the API on {a}: a cookie that the API sets doesn't go with the handshake"
            );
            vars.add(var.finding(rule, Severity::Warning, text).instead(format!("{}://{a}", socket.scheme())));
        }
    }
    let placed = |found: Option<(Var<'_>, Url)>| found.map(|(var, url)| (url, var.at()));
    let own = policy.guards.iter().flat_map(|guard| guard.origins.named());
    let own = own.filter(|(_, entry)| entry.from == From::Derived).find_map(|(origin, _)| Url::parse(origin).ok());
    // Beside a list of origins the host and the port still say where it is, where no page's address does.
    let is_said = own.is_none() && api.is_none() && vars.any(|name| matches!(name, "FLASK_HOST" | "FLASK_PORT"));
    let said = is_said.then(|| super::origins::derived(vars).0);
    let own = own.or_else(|| Url::parse(said?.named().next()?.0).ok());
    Addresses { api: placed(api), socket: placed(socket), own }
}

/// Whether a cookie of that domain goes to that host.
pub(super) fn covers(domain: &str, host: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn address<'a>(vars: &mut Vars<'a>, name: &str, right: &[&str], wrong: &[(&str, &str)]) -> Option<(Var<'a>, Url)> {
    let var = vars.get(name).filter(|var| !var.value.trim().is_empty() && !var.value.starts_with('/'))?;
    let value = var.value.trim();
    let shown = without_password(value);
    let finding = |text: String| var.finding(Rule::UrlScheme, Severity::Error, text);
    let url = match Url::parse(value) {
        Ok(url) if url.has_host() => url,
        _ => {
            let text =
                format!("`{shown}` is no address with a scheme and a host: the page takes it as a path of its own");
            vars.add(finding(text).instead(format!("{}://{}", right.last()?, value.trim_start_matches('/'))));
            return None;
        }
    };
    if let Some((is, should)) = wrong.iter().find(|(scheme, _)| *scheme == url.scheme()) {
        let socketio = name == "VITE_WS_URL" && vars.any(|name| name.starts_with("SOCKETIO_"));
        if !socketio {
            let text = format!("{is}:// where {should}:// belongs: {shown}");
            let severity = if name == "VITE_WS_URL" { Severity::Warning } else { Severity::Error };
            let instead = shown.replacen(is, should, 1);
            vars.add(Finding { severity, ..finding(text) }.instead(instead));
        }
    } else if !right.contains(&url.scheme()) {
        vars.add(finding(format!("{}:// is nothing that a page connects to", url.scheme())));
        return None;
    }
    Some((var, url))
}

/// What an https page may not ask for.
fn mixed(vars: &mut Vars<'_>, var: Var<'_>, url: &Url, page: Option<&str>) {
    let Some(page) = page else { return };
    // This machine's own addresses are exempt.
    if is_loopback(url) || matches!(url.scheme(), "https" | "wss") {
        return;
    }
    let rule =
        if url.scheme() == "ws" { Rule::InsecureWebsocketFromHttpsPage } else { Rule::InsecureRequestFromHttpsPage };
    let text = format!("the page {page} may not connect to {}://: browsers block it as mixed content", url.scheme());
    let instead =
        without_password(url.as_str().trim_end_matches('/')).replacen(url.scheme(), &format!("{}s", url.scheme()), 1);
    vars.add(var.finding(rule, Severity::Error, text).instead(instead));
}

/// Django answers a host that it doesn't know with 400.
fn known_host(vars: &mut Vars<'_>, var: Var<'_>, url: &Url, policy: &Policy) {
    let Some(guard) = policy.guards.iter().find(|guard| guard.thing == Guarded::Channels) else { return };
    let listed = guard.origins.listed();
    if listed.is_empty() || guard.origins.lets_in(&serialize(url)) || guard.origins.lets_in(url.as_str()) {
        return;
    }
    let hosts: Vec<String> = listed
        .iter()
        .filter_map(|allowed| match &allowed.what {
            Which::Host(host) => Some(host.clone()),
            _ => None,
        })
        .collect();
    let host = url.host_str().unwrap_or_default();
    let text = format!("{host} is not among the hosts that Django answers ({}): 400", hosts.join(", "));
    vars.add(
        var.finding(Rule::HostNotAllowed, Severity::Error, text)
            .instead(format!("ALLOWED_HOSTS={},{host}", hosts.join(","))),
    );
}
