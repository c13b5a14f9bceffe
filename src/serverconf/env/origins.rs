//! The lists of origins and hosts, and who is let in by them.

use std::sync::Arc;

use url::Url;

use super::{Var, Vars};
use crate::browser::origin::{is_loopback, serialize};
use crate::serverconf::finding::{Finding, Rule, Severity};
use crate::serverconf::list::{self, Form, Item};
use crate::serverconf::origin::{self, Entry};
use crate::serverconf::pattern::{self, Reach};
use crate::serverconf::policy::{Allowed, From, Guard, Guarded, Origins, Policy, Which};

/// Where the list of pages that may read over HTTP stands, by stack.
const HTTP: &[&str] =
    &["CORS_ALLOWED_ORIGINS", "CORS_ALLOW_ORIGINS", "CORS_ORIGINS", "CORS_ALLOW_ORIGIN", "CORS_ORIGIN"];
pub(super) const CREDENTIALS: &[&str] = &["CORS_ALLOW_CREDENTIALS", "CORS_CREDENTIALS", "CORS_SUPPORTS_CREDENTIALS"];
const HOSTS: &[&str] = &["ALLOWED_HOSTS", "DJANGO_ALLOWED_HOSTS"];

/// How much of a list is looked at.
pub(super) const MAX_ITEMS: usize = 512;

pub(super) fn read(vars: &mut Vars<'_>, policy: &mut Policy) {
    if policy.socketio.used {
        policy.guards.push(socketio(vars));
    }
    policy.guards.extend(http(vars));
    policy.guards.extend(hosts(vars));
    let csrf = csrf(vars, policy);
    policy.guards.extend(csrf);
}

/// Flask-SocketIO: the list, or else the server's own origin.
fn socketio(vars: &mut Vars<'_>) -> Guard {
    let credentials = vars.boolean("SOCKETIO_CORS_CREDENTIALS");
    let written = vars.get("SOCKETIO_CORS_ORIGINS");
    let (origins, at) = match written {
        Some(var) => (listed(vars, var, Guarded::SocketIo), var.at()),
        None => derived(vars),
    };
    // python-engineio sends `Access-Control-Allow-Credentials: true` unless told otherwise, and never the `*` itself.
    let origins = match (origins, written) {
        (Origins::Any, Some(var)) if credentials != Some(false) => {
            reflected(vars, var);
            Origins::Reflected
        }
        (Origins::Any, Some(var)) => {
            let text = "`*` opens WebSockets to every page, which CORS doesn't hold back";
            vars.add(
                var.finding(Rule::OriginNotValidated, Severity::Warning, text).instead("the origins of your pages"),
            );
            Origins::Any
        }
        (origins, _) => origins,
    };
    let methods = methods(vars, "SOCKETIO_CORS_METHODS");
    if let (Some(var), Some(methods)) = (vars.get("SOCKETIO_CORS_METHODS"), &methods) {
        for needed in ["GET", "POST"].iter().filter(|needed| !methods.iter().any(|method| method == *needed)) {
            let text = format!("polling needs {needed}, which is not in the list");
            vars.add(var.finding(Rule::PreflightMethodNotAllowed, Severity::Error, text).instead("GET,POST,OPTIONS"));
        }
    }
    let credentials = Some(credentials.unwrap_or(true));
    Guard { thing: Guarded::SocketIo, origins, credentials, methods, headers: None, path: None, at }
}

fn reflected(vars: &mut Vars<'_>, var: Var<'_>) {
    let text =
        "`*` with credentials: the server answers whatever origin comes, and any site reads what the user may read";
    vars.add(
        var.finding(Rule::ReflectsAnyOriginWithCredentials, Severity::Error, text)
            .instead("the origins of your pages, one by one"),
    );
}

/// From the host and port that Flask listens on, as pages call it.
pub(super) fn derived(vars: &mut Vars<'_>) -> (Origins, crate::serverconf::source::Place) {
    let host = vars.get("FLASK_HOST");
    let port = vars.number("FLASK_PORT");
    let by = host
        .or(port.map(|(var, _)| var))
        .or_else(|| vars.all.iter().find(|var| var.name.starts_with("SOCKETIO_")).copied());
    let at = by.map_or_else(|| vars.all[0].at(), |var| var.at());
    let port = port.map_or(5000.0, |(_, port)| port);
    let name = host.map_or("127.0.0.1", |var| var.value.trim());
    // Every address of the machine: pages on it call it by either name, others by names that no file says.
    let name = if matches!(name, "0.0.0.0" | "::" | "[::]" | "") { "localhost" } else { name };
    let scheme = if port == 443.0 { "https" } else { "http" };
    let Ok(url) = Url::parse(&format!("{scheme}://{name}:{port}/")) else { return (Origins::Listed(Vec::new()), at) };
    let origin = serialize(&url);
    let entry = |origin: String, from| Allowed { what: Which::Origin(origin), from, at: at.clone() };
    let twin = origin::twin(&origin).map(|twin| entry(twin, From::Twin));
    (Origins::Listed(std::iter::once(entry(origin, From::Derived)).chain(twin).collect()), at)
}

/// flask-cors, Starlette, corsheaders.
fn http(vars: &mut Vars<'_>) -> Option<Guard> {
    let credentials = CREDENTIALS.iter().find_map(|name| vars.boolean(name));
    let all = vars.boolean("CORS_ALLOW_ALL_ORIGINS").unwrap_or(false);
    let list = vars.first_of(HTTP);
    let open = vars.get("CORS_ALLOW_ALL_ORIGINS").filter(|_| all);
    let patterns = vars.first_of(&["CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ALLOW_ORIGIN_REGEX"]);
    let by = open.or(list).or(patterns)?;
    let mut origins = match list {
        Some(var) => listed(vars, var, Guarded::HttpCors),
        None => Origins::Listed(Vec::new()),
    };
    if let (Some(var), Origins::Listed(entries)) = (patterns, &mut origins) {
        entries.extend(expressions(vars, var));
    }
    if let Some(var) = open {
        if let Some(list) = list.filter(|list| !list.value.trim().is_empty()) {
            let text = format!("`{}` lets every origin in: this list is never looked at", var.name);
            vars.add(list.finding(Rule::WildcardBesideOrigins, Severity::Warning, text));
        }
        origins = Origins::Any;
    }
    if matches!(origins, Origins::Any) && credentials == Some(true) {
        reflected(vars, by);
        origins = Origins::Reflected;
    }
    Some(Guard {
        thing: Guarded::HttpCors,
        origins,
        credentials,
        methods: methods(vars, "CORS_ALLOW_METHODS"),
        headers: items(vars, "CORS_ALLOW_HEADERS"),
        path: None,
        at: by.at(),
    })
}

/// Django's ALLOWED_HOSTS, which Channels' AllowedHostsOriginValidator looks at too.
fn hosts(vars: &mut Vars<'_>) -> Option<Guard> {
    let var = vars.first_of(HOSTS)?;
    let debug = ["DEBUG", "DJANGO_DEBUG"].iter().find_map(|name| vars.boolean(name)).unwrap_or(false);
    let mut allowed = Vec::new();
    let mut any = false;
    let items = parted(vars, var);
    for item in &items {
        let host = item.text.to_ascii_lowercase();
        let at = var.part(&item.at);
        let mut wrong = |rule, text: String, instead: &str| {
            vars.add(Finding::new(rule, Severity::Error, at.clone(), text).instead(instead));
        };
        let bare = host.split_once("://").map_or(host.as_str(), |(_, rest)| rest);
        let bare = bare.split('/').next().unwrap_or_default();
        let name = if bare.ends_with(']') { bare } else { bare.rsplit_once(':').map_or(bare, |(name, _)| name) };
        if host == "*" {
            any = true;
            let text = "`*` takes any Host, and AllowedHostsOriginValidator lets the WebSockets of any page in";
            vars.add(Finding::new(Rule::AnyHostAllowed, Severity::Warning, at, text).instead("the names of this site"));
            continue;
        } else if host.contains("://") || host.contains('/') {
            let text = format!("`{}` has a scheme or a path: a host is a name alone", item.text);
            wrong(Rule::HostWithScheme, text, name);
        } else if name != bare {
            let text = format!("`{}` has a port: Django compares the name alone, and this never fits", item.text);
            wrong(Rule::HostWithPort, text, name);
        } else {
            allowed.push(Allowed { what: Which::Host(host), from: From::Written, at });
        }
    }
    if items.is_empty() && debug {
        // Django fills the gap while it is being developed.
        for name in [".localhost", "127.0.0.1", "[::1]"] {
            allowed.push(Allowed { what: Which::Host(name.into()), from: From::Derived, at: var.at() });
        }
    } else if items.is_empty() {
        let text = "with an empty list and DEBUG off, Django answers every request with 400";
        vars.add(var.finding(Rule::HostNotAllowed, Severity::Error, text).instead("the names of this site"));
    }
    let origins = if any { Origins::Any } else { Origins::Listed(allowed) };
    let (credentials, methods, headers, path) = (None, None, None, None);
    Some(Guard { thing: Guarded::Channels, origins, credentials, methods, headers, path, at: var.at() })
}

/// Django's CSRF_TRUSTED_ORIGINS: with a scheme, and a `*` for what stands before a dot.
fn csrf(vars: &mut Vars<'_>, policy: &Policy) -> Option<Guard> {
    let var = vars.get("CSRF_TRUSTED_ORIGINS")?;
    let mut allowed = Vec::new();
    for item in parted(vars, var) {
        let at = var.part(&item.at);
        if let Some((scheme, domain)) = item.text.split_once("://*").filter(|(_, domain)| domain.starts_with('.')) {
            let what = Which::Under { scheme: scheme.to_owned(), domain: domain.to_owned() };
            allowed.push(Allowed { what, from: From::Written, at });
        } else if let Some(entry) = one(vars, var, &item) {
            allowed.push(entry);
        }
    }
    let origins = Origins::Listed(allowed);
    // A page that may send cookies to another origin, and whose POST Django then refuses.
    let reading =
        policy.guards.iter().find(|guard| guard.thing == Guarded::HttpCors && guard.credentials == Some(true));
    for (origin, entry) in reading.iter().flat_map(|guard| guard.origins.named()) {
        if !origins.lets_in(origin) {
            let text = format!(
                "{origin} may read answers with credentials, and is missing here: its POST fails the CSRF check"
            );
            let mut finding = var.finding(Rule::CsrfFailed, Severity::Warning, text).instead(origin);
            if var.value.is_empty() {
                finding.at = entry.at.clone();
            }
            vars.add(finding);
        }
    }
    let (credentials, methods, headers, path) = (None, None, None, None);
    Some(Guard { thing: Guarded::Csrf, origins, credentials, methods, headers, path, at: var.at() })
}

/// A list of origins, each looked at, and then as a whole.
fn listed(vars: &mut Vars<'_>, var: Var<'_>, thing: Guarded) -> Origins {
    let items = parted(vars, var);
    if items.is_empty() && thing == Guarded::SocketIo {
        let text = "an empty list: read as [''] it lets nobody in, read as [] it switches the check of origins off";
        vars.add(
            var.finding(Rule::ListEmptyItem, Severity::Warning, text)
                .instead("the origins of your pages, or no such line"),
        );
    }
    let mut any = None;
    let mut allowed: Vec<Allowed> = Vec::new();
    for item in &items {
        if item.text == "*" {
            any = Some(item);
        } else {
            allowed.extend(one(vars, var, item));
        }
    }
    if let Some(star) = any {
        if 1 < items.len() {
            let text = "`*` beside origins: every origin is let in, and the others in the list mean nothing";
            vars.add(
                Finding::new(Rule::WildcardBesideOrigins, Severity::Error, var.part(&star.at), text)
                    .instead("the list without the `*`"),
            );
        }
        return Origins::Any;
    }
    let origins = Origins::Listed(allowed);
    let missing: Vec<Finding> =
        origins.named().filter_map(|(origin, entry)| twin_missing(&origins, origin, entry)).collect();
    vars.found.extend(missing);
    origins
}

/// The same page under its other name, or with TLS, and the list lacks it.
fn twin_missing(origins: &Origins, origin: &str, entry: &Allowed) -> Option<Finding> {
    if let Some(twin) = origin::twin(origin) {
        let text = format!("{origin} is let in and {twin} is not: the same page under this machine's other name");
        let finding = Finding::new(Rule::Localhost127Mismatch, Severity::Warning, entry.at.clone(), text);
        return (!origins.lets_in(&twin)).then(|| finding.instead(format!("{origin},{twin}")));
    }
    let url = Url::parse(origin).ok().filter(|url| url.scheme() == "http" && !is_loopback(url))?;
    if url.port().is_some() {
        return None;
    }
    let secure = origin.replacen("http://", "https://", 1);
    let text = format!("{origin} is let in and {secure} is not: the page fails as soon as it comes over TLS");
    (!origins.lets_in(&secure))
        .then(|| Finding::new(Rule::OriginSchemeMismatch, Severity::Warning, entry.at.clone(), text).instead(secure))
}

/// One item that is no `*`; `None` where no browser sends it.
fn one(vars: &mut Vars<'_>, var: Var<'_>, item: &Item) -> Option<Allowed> {
    let at = var.part(&item.at);
    let (entry, fault) = origin::examine(&item.text);
    if let Some(fault) = fault {
        let finding = Finding::new(fault.rule, fault.severity, at.clone(), fault.text);
        vars.add(Finding { instead: fault.instead, ..finding });
    }
    let what = match entry {
        Entry::Origin(origin) => origin,
        Entry::Null => "null".to_owned(),
        Entry::Any | Entry::Never => return None,
    };
    Some(Allowed { what: Which::Origin(what), from: From::Written, at })
}

/// Expressions, compared from the start by corsheaders and as a whole by Starlette.
fn expressions(vars: &mut Vars<'_>, var: Var<'_>) -> Vec<Allowed> {
    let (reach, items) = if var.name.ends_with("REGEXES") {
        (Reach::Start, parted(vars, var))
    } else {
        let text = var.value.trim().to_owned();
        (Reach::Whole, vec![Item { at: 0..var.value.len(), text, padded: false }])
    };
    let mut allowed = Vec::new();
    for item in items {
        let at = var.part(&item.at);
        let Some(pattern) = pattern::compile(&item.text, reach, false) else {
            let text = format!("`{}` can't be read as a regular expression", item.text);
            vars.add(Finding::new(Rule::OriginInvalid, Severity::Warning, at, text));
            continue;
        };
        if let Some(stranger) = pattern::strangers(&pattern).first() {
            let text = format!("the expression lets {stranger} in as well");
            let instead = "an expression that begins with ^, ends in $ and writes dots as \\.";
            vars.add(Finding::new(Rule::OriginPatternTooWide, Severity::Error, at.clone(), text).instead(instead));
        }
        allowed.push(Allowed { what: Which::Pattern(Arc::new(pattern)), from: From::Written, at });
    }
    allowed
}

/// The items of a list, what is wrong with the list's form told.
fn parted(vars: &mut Vars<'_>, var: Var<'_>) -> Vec<Item> {
    let (form, mut items) = list::read(var.value);
    if MAX_ITEMS < items.len() {
        let text = format!("the list has more than {MAX_ITEMS} items: the others are not looked at");
        vars.add(var.finding(Rule::ListForm, Severity::Note, text));
        items.truncate(MAX_ITEMS);
    }
    match form {
        Form::Commas | Form::Json => {}
        Form::Python => {
            let text = "a list as Python writes it: JSON's readers (pydantic-settings) end here, and a split at commas keeps brackets and quotes";
            vars.add(var.finding(Rule::ListForm, Severity::Warning, text).instead(json(&items)));
        }
        Form::Broken => {
            let text = "it opens with a bracket and is no list";
            vars.add(
                var.finding(Rule::ListForm, Severity::Error, text)
                    .instead(r#"["https://a.example","https://b.example"]"#),
            );
        }
    }
    for item in items.iter().filter(|item| item.text.is_empty()) {
        let text = "an empty item between the commas";
        vars.add(
            Finding::new(Rule::ListEmptyItem, Severity::Warning, var.part(&item.at), text)
                .instead("the list without it"),
        );
    }
    if let Some(item) = items.iter().find(|item| item.padded && !item.text.is_empty()) {
        let text = format!(
            "white space around `{}`: a reader that only splits at commas keeps it, and nothing fits",
            item.text
        );
        let without: Vec<&str> = items.iter().map(|item| item.text.as_str()).filter(|text| !text.is_empty()).collect();
        vars.add(
            Finding::new(Rule::ListWhitespace, Severity::Warning, var.part(&item.at), origin::without_password(&text))
                .instead(origin::without_password(&without.join(","))),
        );
    }
    items.into_iter().filter(|item| !item.text.is_empty()).collect()
}

fn json(items: &[Item]) -> String {
    let quoted: Vec<String> =
        items.iter().map(|item| format!("\"{}\"", origin::without_password(&item.text))).collect();
    format!("[{}]", quoted.join(","))
}

/// A list of words; `None` where there is no such variable.
fn items(vars: &mut Vars<'_>, name: &str) -> Option<Vec<String>> {
    let var = vars.get(name)?;
    Some(parted(vars, var).into_iter().map(|item| item.text).collect())
}

fn methods(vars: &mut Vars<'_>, name: &str) -> Option<Vec<String>> {
    items(vars, name).map(|methods| methods.iter().map(|method| method.to_ascii_uppercase()).collect())
}
