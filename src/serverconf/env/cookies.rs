//! Session and CSRF cookies against the pages that they are for, and `DEBUG` where people other than its developers are.

use url::Url;

use super::origins::{CREDENTIALS, MAX_ITEMS};
use super::pages::covers;
use super::{Addresses, Vars};
use crate::browser::origin::{is_loopback, schemelessly_same_site};
use crate::serverconf::finding::{Rule, Severity};
use crate::serverconf::list;
use crate::serverconf::policy::{Guarded, Policy, Which};

pub(super) fn check(vars: &mut Vars<'_>, policy: &Policy, addresses: &Addresses) {
    let named = policy.guards.iter().flat_map(|guard| guard.origins.named());
    let pages: Vec<Url> = named.filter_map(|(origin, _)| Url::parse(origin).ok()).collect();
    for cookie in ["SESSION_COOKIE", "CSRF_COOKIE"] {
        secure(vars, cookie, &pages);
        same_site(vars, cookie, &pages, policy, addresses);
    }
    names(vars);
    domain_and_path(vars, addresses);
    debug(vars, policy, &pages);
}

fn secure(vars: &mut Vars<'_>, cookie: &str, pages: &[Url]) {
    let name = format!("{cookie}_SECURE");
    let (Some(secure), Some(var)) = (vars.boolean(&name), vars.get(&name)) else { return };
    let plain = |page: &&Url| page.scheme() == "http";
    if secure {
        if let Some(page) = pages.iter().filter(plain).find(|page| !is_loopback(page)) {
            let text = format!("the page {} has no TLS: a Secure cookie set over http never comes back", origin(page));
            vars.add(var.finding(Rule::SecureCookieOverHttp, Severity::Error, text).instead("the page over https"));
        } else if pages.iter().any(|page| plain(&page)) && pages.iter().all(|page| plain(&page)) {
            let text = "every page here is plain http on this machine: Safari drops a Secure cookie there, Chrome and Firefox take it";
            vars.add(
                var.finding(Rule::SecureCookieOverHttp, Severity::Warning, text)
                    .instead("false, on this machine alone"),
            );
        }
    } else if let Some(page) = pages.iter().find(|page| page.scheme() == "https") {
        let text = format!(
            "{} has TLS and its cookie goes over plain http as well; false is right on development hosts alone",
            origin(page)
        );
        vars.add(var.finding(Rule::CookieNotSecure, Severity::Warning, text).instead("true"));
    }
}

fn same_site(vars: &mut Vars<'_>, cookie: &str, pages: &[Url], policy: &Policy, addresses: &Addresses) {
    let Some(var) = vars.get(&format!("{cookie}_SAMESITE")) else { return };
    let secure_name = format!("{cookie}_SECURE");
    let secure = vars.get(&secure_name).is_some_and(|_| vars.boolean(&secure_name) == Some(true));
    match var.value.trim().to_ascii_lowercase().as_str() {
        "none" if !secure => {
            let text = format!("SameSite=None without Secure: browsers drop the cookie ({secure_name} is not true)");
            vars.add(
                var.finding(Rule::SamesiteNoneWithoutSecure, Severity::Error, text)
                    .instead(format!("{secure_name}=true beside it")),
            );
        }
        "lax" | "strict" => {
            let targets = [&addresses.api, &addresses.socket].into_iter().flatten().map(|(url, _)| url);
            let apart = targets
                .flat_map(|to| pages.iter().map(move |page| (page, to)))
                .find(|(page, to)| !schemelessly_same_site(page, to));
            if let Some((page, to)) = apart {
                let text = format!(
                    "{} and {} are two sites: a cookie with SameSite={} stays behind",
                    origin(page),
                    to.host_str().unwrap_or_default(),
                    var.value.trim()
                );
                vars.add(
                    var.finding(Rule::SamesiteBlocksCookie, Severity::Error, text)
                        .instead(format!("None, with {secure_name}=true")),
                );
            }
        }
        "none" => without_credentials(vars, policy),
        "" | "false" => {}
        other => {
            let text = format!("`{other}` is none of Lax, Strict and None");
            vars.add(var.finding(Rule::SamesiteBlocksCookie, Severity::Error, text).instead("Lax"));
        }
    }
}

/// A cookie for pages of other sites, and a server that takes none from them.
fn without_credentials(vars: &mut Vars<'_>, policy: &Policy) {
    const NAMES: &[(Guarded, &[&str])] =
        &[(Guarded::HttpCors, CREDENTIALS), (Guarded::SocketIo, &["SOCKETIO_CORS_CREDENTIALS"])];
    for (thing, names) in NAMES {
        let off = policy.guards.iter().any(|guard| guard.thing == *thing && guard.credentials == Some(false));
        if let Some(var) = vars.first_of(names).filter(|_| off) {
            let text = "SameSite=None is for pages of other sites, and without credentials they may read no answer to a request with the cookie";
            vars.add(
                var.finding(Rule::CredentialsNotAllowed, Severity::Warning, text)
                    .instead("true, with a list of origins"),
            );
        }
    }
}

/// `__Host-` and `__Secure-`, and what scripts may read.
fn names(vars: &mut Vars<'_>) {
    if let Some(var) = vars.get("SESSION_COOKIE_NAME") {
        let name = var.value.trim().to_ascii_lowercase();
        let secure = vars.boolean("SESSION_COOKIE_SECURE") == Some(true);
        let domain = vars.get("SESSION_COOKIE_DOMAIN").is_some_and(|var| !var.value.trim().is_empty());
        let whole = vars.get("SESSION_COOKIE_PATH").is_none_or(|var| var.value.trim() == "/");
        let wrong = match name {
            name if name.starts_with("__host-") && !(secure && !domain && whole) => "Secure, the path / and no domain",
            name if name.starts_with("__secure-") && !secure => "Secure",
            _ => "",
        };
        if !wrong.is_empty() {
            let text = format!("browsers drop a cookie of that name without {wrong}");
            vars.add(
                var.finding(Rule::CookiePrefix, Severity::Error, text)
                    .instead("a name without the prefix, or what it asks for"),
            );
        }
    }
    if let (Some(false), Some(var)) = (vars.boolean("SESSION_COOKIE_HTTPONLY"), vars.get("SESSION_COOKIE_HTTPONLY")) {
        let text = "every script of the page can read the session, and send it elsewhere";
        vars.add(var.finding(Rule::CookieReadableByScripts, Severity::Warning, text).instead("true"));
    }
}

fn domain_and_path(vars: &mut Vars<'_>, addresses: &Addresses) {
    let target = addresses.api.as_ref().or(addresses.socket.as_ref());
    if let (Some(var), Some((url, _))) = (vars.get("SESSION_COOKIE_DOMAIN"), target) {
        let domain = var.value.trim().trim_start_matches('.').to_ascii_lowercase();
        let host = url.host_str().unwrap_or_default();
        if !domain.is_empty() && !covers(&domain, host) {
            let text = format!("{host} can't set a cookie for {domain}: browsers drop it");
            vars.add(
                var.finding(Rule::CookieDomainMismatch, Severity::Error, text)
                    .instead("no such line, or a domain that the host ends in"),
            );
        }
    }
    if let Some(var) = vars.get("SESSION_COOKIE_PATH") {
        let path = var.value.trim();
        let socket = addresses.socket.as_ref().map(|(url, _)| url.path().to_owned());
        let socket =
            socket.or_else(|| vars.any(|name| name.starts_with("SOCKETIO_")).then(|| "/socket.io/".to_owned()));
        if let Some(socket) = socket.filter(|socket| !path.is_empty() && !socket.starts_with(path)) {
            let text = format!("the cookie goes to {path} alone, and the socket is at {socket}");
            vars.add(var.finding(Rule::CookiePathMismatch, Severity::Error, text).instead("/"));
        }
    }
}

fn debug(vars: &mut Vars<'_>, policy: &Policy, pages: &[Url]) {
    let hosts =
        policy.guards.iter().flat_map(|guard| guard.origins.listed()).filter_map(|allowed| match &allowed.what {
            Which::Host(host) => Url::parse(&format!("http://{}/", host.trim_start_matches('.'))).ok(),
            _ => None,
        });
    // Also what stands in a list beside a `*`, or isn't written as it should be.
    let written: Vec<Url> = vars
        .all
        .iter()
        .filter(|var| var.name.contains("ORIGIN") && !var.name.contains("REGEX"))
        .flat_map(|var| list::read(var.value).1.into_iter().take(MAX_ITEMS))
        .filter_map(|item| Url::parse(&item.text).ok())
        .collect();
    let public = |page: &Url| !is_loopback(page) && is_public(page);
    let Some(page) = hosts.chain(pages.iter().cloned()).chain(written).find(public) else { return };
    for name in ["DEBUG", "FLASK_DEBUG", "DJANGO_DEBUG"] {
        if let (Some(true), Some(var)) = (vars.boolean(name), vars.get(name)) {
            let text = format!(
                "debug mode where {} is served: error pages show code and settings to anyone",
                page.host_str().unwrap_or_default()
            );
            vars.add(var.finding(Rule::DebugInProduction, Severity::Error, text).instead("false"));
        }
    }
}

/// A name that others than its developers see.
fn is_public(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.contains('.') && !name.ends_with(".local") && !name.ends_with(".test"),
        Some(url::Host::Ipv4(address)) => {
            !address.is_private() && !address.is_unspecified() && !address.is_link_local()
        }
        _ => false,
    }
}

fn origin(page: &Url) -> String {
    crate::browser::origin::serialize(page)
}
