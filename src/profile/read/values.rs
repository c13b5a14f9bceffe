//! Values with a form of their own: addresses, names, headers, resolutions, notices.

use crate::browser::headers::is_forbidden_name;
pub(super) use crate::browser::headers::is_token;
use std::net::IpAddr;

use url::Url;

use super::node::{Node, clip, nearest};
use crate::profile::model::{Kind, Notify, Proxy, Resolve, Setting};

/// Stacks whose fixes the program knows by name; others are welcome.
const STACKS: [&str; 12] = [
    "flask-socketio",
    "fastapi",
    "django-channels",
    "node-socketio",
    "nginx",
    "apache",
    "express",
    "flask",
    "django",
    "starlette",
    "uvicorn",
    "caddy",
];

pub(super) fn name(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if text.trim() != text || text.is_empty() {
        node.wrong("must not begin or end with a blank", format!("write \"{}\"", clip(text.trim())));
    } else if text.chars().any(char::is_control) {
        node.wrong("must be one line of text", "put longer text into `notes`");
    } else if 200 < text.chars().count() {
        node.wrong("is longer than 200 characters", "put longer text into `notes`");
    } else {
        return Some(text.to_owned());
    }
    None
}

/// An absolute address with one of these schemes and a host.
fn address(node: &Node<'_>, schemes: &[&str], example: &str) -> Option<Url> {
    let text = node.text()?;
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let scheme = schemes.first().copied().unwrap_or("https");
            node.wrong(
                "isn't a whole address: its scheme is missing",
                format!("write {scheme}:// before it, as in \"{example}\""),
            );
            return None;
        }
        Err(error) => {
            node.wrong(format_args!("isn't an address: {error}"), format!("write for example \"{example}\""));
            return None;
        }
    };
    if !schemes.contains(&url.scheme()) {
        let legal: Vec<_> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
        // `localhost:8080` parses as the scheme `localhost`.
        let hint = if url.cannot_be_a_base() {
            format!("write {} before it, as in \"{example}\"", legal.first().map_or("", String::as_str))
        } else {
            format!("begin it with {}", legal.join(" or "))
        };
        node.wrong(format_args!("can't begin with {}:", clip(url.scheme())), hint);
        return None;
    }
    if url.host_str().is_none_or(str::is_empty) {
        node.wrong("has no host", format!("write for example \"{example}\""));
        return None;
    }
    if url.port() == Some(0) {
        node.wrong("can't have port 0", "write the port that the server listens on");
        return None;
    }
    Some(url)
}

/// The profile's `url`, whose scheme has to fit the kind.
pub(super) fn endpoint(node: &Node<'_>, kind: Option<Kind>) -> Option<Url> {
    let (schemes, example): (&[&str], _) = match kind {
        Some(Kind::Http) => (&["https", "http"], "https://api.example.com/health"),
        Some(Kind::WebSocket) => (&["wss", "ws"], "wss://api.example.com/ws"),
        Some(Kind::SocketIo) => (&["https", "http", "wss", "ws"], "https://api.example.com"),
        None => (&["https", "http", "wss", "ws"], "https://api.example.com/"),
    };
    let text = node.text()?;
    // The near miss has its own words: the other of http and ws.
    let other = match (kind, text.split_once("://")) {
        (Some(Kind::WebSocket), Some((scheme @ ("http" | "https"), rest))) => Some((scheme, rest, "ws", "http")),
        (Some(Kind::Http), Some((scheme @ ("ws" | "wss"), rest))) => Some((scheme, rest, "http", "websocket")),
        _ => None,
    };
    if let Some((scheme, _, right, kind)) = other {
        let right = if scheme.ends_with('s') && scheme != "ws" { format!("{right}s") } else { right.to_owned() };
        node.wrong(
            format_args!("begins with {scheme}://, which does not fit the kind"),
            format!("begin it with {right}://, or write kind = \"{kind}\""),
        );
        return None;
    }
    let url = address(node, schemes, example)?;
    if !url.username().is_empty() || url.password().is_some() {
        node.warn(
            "has a name or password in it: a page's script can't use such an address",
            "use [auth], and `{ secret = \"NAME\" }` for the password",
        );
    }
    if url.fragment().is_some() {
        node.warn("has a fragment (#...), which is never sent", "take it out");
    }
    Some(url)
}

pub(super) fn page(node: &Node<'_>) -> Option<Url> {
    if node.str()?.is_empty() {
        return None;
    }
    address(node, &["https", "http"], "https://example.com/")
}

pub(super) fn http_address(node: &Node<'_>) -> Option<Url> {
    address(node, &["https", "http"], "https://example.com/login")
}

/// `shop / production`: levels, outermost first.
pub(super) fn group(node: &Node<'_>) -> Option<Vec<String>> {
    let text = node.str()?;
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    let levels: Vec<String> = text.split(" / ").map(|level| level.trim().to_owned()).collect();
    if levels.iter().any(|level| level.is_empty() || level.starts_with("/ ") || level.ends_with(" /")) {
        node.wrong("has an empty level", "write for example \"shop / production\"");
        return None;
    }
    if text.chars().any(char::is_control) {
        node.wrong("must be one line of text", "write for example \"shop / production\"");
        return None;
    }
    Some(levels)
}

/// A list of strings, none empty.
pub(super) fn words(node: &Node<'_>) -> Vec<String> {
    let items = node.list().unwrap_or_default();
    items.iter().filter_map(|item| item.text().map(str::to_owned)).collect()
}

pub(super) fn stack(node: &Node<'_>) -> Option<String> {
    let text = node.str()?;
    if text.is_empty() {
        return None;
    }
    if !STACKS.contains(&text)
        && let Some(near) = nearest(text, STACKS.into_iter())
    {
        node.warn("names no known stack", format!("did you mean \"{near}\"?"));
    }
    Some(text.to_owned())
}

pub(super) fn method(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if !is_token(text) {
        node.wrong("isn't a method", "write for example \"GET\", \"POST\" or \"PUT\"");
        return None;
    }
    let upper = text.to_ascii_uppercase();
    if ["CONNECT", "TRACE", "TRACK"].contains(&upper.as_str()) {
        node.wrong(format_args!("can't be {upper}: no browser lets a script send it"), "write another method");
        return None;
    }
    if upper == "PATCH" && text != "PATCH" {
        node.warn("is sent as it is written: browsers do not make `patch` upper case", "write \"PATCH\"");
    }
    Some(text.to_owned())
}

/// The headers, in the file's order.
pub(super) fn headers(node: &Node<'_>) -> Vec<(String, Setting)> {
    let mut found = Vec::new();
    for (name, value) in node.fields().unwrap_or_default() {
        if !is_token(&name) {
            value.wrong("has a name that no header can have", "use letters, digits and `-`");
            continue;
        }
        let lower = name.to_ascii_lowercase();
        if is_forbidden_name(&lower) {
            let hint = match lower.as_str() {
                "cookie" => "put it into `auth.cookie`",
                "origin" | "referer" => "it comes from `page`",
                _ => "take it out",
            };
            value.warn("is a header that a page's script can't set; the browser drops it", hint);
        }
        if let Some(setting) = value.setting() {
            if let Setting::Plain(text) = &setting
                && !is_header_value(text)
            {
                value.wrong(
                    "has a value that no header can have",
                    "no line breaks, no control characters, only Latin-1, no blank at either end",
                );
                continue;
            }
            found.push((name, setting));
        }
    }
    found
}

/// What `Headers.append` takes: a byte string without control characters.
pub(super) fn is_header_value(text: &str) -> bool {
    text.trim_matches([' ', '\t']) == text
        && text.chars().all(|c| c == '\t' || (' '..='\u{ff}').contains(&c) && c != '\u{7f}')
}

/// curl's `HOST:PORT:ADDRESS[,ADDRESS]...`.
pub(super) fn resolve(node: &Node<'_>) -> Option<Resolve> {
    let text = node.text()?;
    match parse_resolve(text) {
        Ok(resolve) => Some(resolve),
        Err(why) => {
            node.wrong(
                format_args!("is wrong: {why}"),
                "write \"HOST:PORT:ADDRESS\", as in \"api.example.com:443:10.0.0.7\"; * stands for any host or port",
            );
            None
        }
    }
}

/// Reads curl's `--resolve` form: `HOST:PORT:ADDRESS[,ADDRESS]...`, with `*` for any host or any port, and brackets or none
/// around an IPv6 address.
///
/// # Errors
/// Which part is wrong.
pub fn parse_resolve(text: &str) -> Result<Resolve, &'static str> {
    // An IPv6 literal as the host has brackets.
    let (host, rest) = match text.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
        Some(split) => split,
        None => text.split_once(':').ok_or("the port and the address are missing")?,
    };
    let (port, addresses) = rest.split_once(':').ok_or("the address is missing")?;
    let host = match host {
        "*" => None,
        "" => return Err("the host is empty"),
        host if host.contains(|c: char| c.is_whitespace() || "/@?#".contains(c)) => {
            return Err("the host is no host name");
        }
        host => Some(host.to_ascii_lowercase()),
    };
    let port = match port {
        "*" => None,
        port => Some(port.parse::<u16>().ok().filter(|port| 0 < *port).ok_or("the port is no number from 1 to 65535")?),
    };
    let addresses = addresses
        .split(',')
        .map(|address| address.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| "the address is no IP address")?;
    Ok(Resolve { host, port, addresses })
}

pub(super) fn proxy(node: &Node<'_>) -> Option<Proxy> {
    match node.str()? {
        "" => Some(Proxy::Environment),
        "none" => Some(Proxy::Direct),
        _ => {
            let schemes = ["http", "socks5"];
            address(node, &schemes, "http://proxy.example.com:3128").map(Proxy::Url)
        }
    }
}

pub(super) fn notify(node: &Node<'_>) -> Option<Notify> {
    let text = node.text()?;
    let hint = "write \"desktop\", \"webhook:https://...\" or \"command:/path/to/program\"";
    match text.split_once(':') {
        None if text == "desktop" => Some(Notify::Desktop),
        Some(("webhook", url)) => match Url::parse(url) {
            Ok(url) if ["http", "https"].contains(&url.scheme()) => Some(Notify::Webhook(url)),
            _ => {
                node.wrong("has no http or https address after webhook:", hint);
                None
            }
        },
        Some(("command", path)) if !path.trim().is_empty() => Some(Notify::Command(path.into())),
        Some(("command", _)) => {
            node.wrong("has no program after command:", hint);
            None
        }
        _ => {
            node.wrong(format_args!("can't be {:?}", clip(text.split(':').next().unwrap_or(text))), hint);
            None
        }
    }
}
