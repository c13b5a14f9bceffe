//! One entry of a list of origins: what a browser would have to send to match it, and what is wrong with it.
//!
//! Servers compare an origin byte by byte, so whatever a browser never sends lets nobody in.

use url::Url;

use super::finding::{Rule, Severity};
use crate::browser::origin::{is_loopback, serialize};

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Any,
    Null,
    /// As a browser sends it.
    Origin(String),
    /// No browser ever sends it.
    Never,
}

/// Something wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub rule: Rule,
    pub severity: Severity,
    pub text: String,
    pub instead: Option<String>,
}

fn fault(rule: Rule, text: String, instead: Option<String>) -> (Entry, Option<Fault>) {
    (Entry::Never, Some(Fault { rule, severity: Severity::Error, text, instead }))
}

/// Reads an entry without white space around it.
pub fn examine(entry: &str) -> (Entry, Option<Fault>) {
    let shown = without_password(entry);
    match entry {
        "*" => return (Entry::Any, None),
        "null" => {
            let text = "`null` is the origin of every sandboxed frame and local file, of whoever made it".to_owned();
            let fault = Fault { rule: Rule::NullOriginAllowed, severity: Severity::Warning, text, instead: None };
            return (Entry::Null, Some(fault));
        }
        _ => {}
    }
    if entry.contains(|c: char| c.is_whitespace() || c == ';') {
        let parts: Vec<&str> = entry.split([' ', '\t', '\n', ';']).filter(|part| !part.is_empty()).collect();
        return fault(
            Rule::ListSeparator,
            format!("`{shown}` is read as one origin: items are parted by commas"),
            Some(parts.join(",")),
        );
    }
    let Some((scheme, rest)) = entry.split_once("://") else {
        let guess = if is_local(entry) { "http" } else { "https" };
        return fault(
            Rule::OriginWithoutScheme,
            format!("`{shown}` has no scheme: a browser's origin is scheme, host and port"),
            Some(format!("{guess}://{}", entry.trim_end_matches('/').trim_start_matches("//"))),
        );
    };
    if rest.contains('*') {
        let text = format!("`{shown}` is compared letter by letter: the `*` in it stands for nothing");
        return fault(Rule::OriginWildcardLiteral, text, None);
    }
    if matches!(scheme, "ws" | "wss") {
        let page = if scheme == "ws" { "http" } else { "https" };
        return fault(
            Rule::OriginSchemeMismatch,
            format!("`{shown}` is a socket's address: the origin of a page is {page}://, for its WebSockets too"),
            Some(format!("{page}://{}", rest.split('/').next().unwrap_or_default())),
        );
    }
    let url = match Url::parse(entry) {
        Ok(url) if url.host_str().is_some_and(|host| !host.is_empty()) => url,
        _ => return fault(Rule::OriginInvalid, format!("`{shown}` is no origin"), None),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return fault(
            Rule::OriginInvalid,
            format!("`{shown}` has a user name, which no origin has"),
            Some(serialize(&url)),
        );
    }
    let origin = if matches!(url.scheme(), "http" | "https") {
        serialize(&url)
    } else {
        // Extensions and applications: `chrome-extension://id`.
        entry.trim_end_matches('/').to_owned()
    };
    if entry == origin {
        return (Entry::Origin(origin), None);
    }
    let (rule, why) = if rest.contains(['/', '?', '#']) {
        let what = if rest.ends_with('/') && rest.matches('/').count() == 1 { "ends in a slash" } else { "has a path" };
        (Rule::OriginWithPath, format!("`{shown}` {what}: an origin ends with its host or port"))
    } else if url.port().is_none() && rest.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) {
        (Rule::OriginPortMismatch, format!("`{shown}` spells the scheme's own port, which browsers leave out"))
    } else if entry.eq_ignore_ascii_case(&origin) {
        (Rule::OriginLetterCase, format!("`{shown}` has capitals: browsers send origins in small letters"))
    } else {
        (Rule::OriginInvalid, format!("`{shown}` is not as browsers send it"))
    };
    fault(rule, why, Some(origin))
}

/// Whether a host, perhaps with a port, is this machine.
fn is_local(host: &str) -> bool {
    Url::parse(&format!("http://{host}")).is_ok_and(|url| is_loopback(&url))
}

/// The same origin under this machine's other name.
pub fn twin(origin: &str) -> Option<String> {
    let url = Url::parse(origin).ok()?;
    let other = match url.host_str()? {
        "localhost" => "127.0.0.1",
        "127.0.0.1" => "localhost",
        _ => return None,
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{other}{port}", url.scheme()))
}

/// A text that may hold a URL, without the password in it.
pub fn without_password(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let authority = &after[..after.find(['/', '?', '#', ',', ' ', '"', '\'']).unwrap_or(after.len())];
        rest = match authority.rfind('@') {
            Some(end) => {
                out.push('…');
                &after[end..]
            }
            None => after,
        };
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &str, rule: Rule, instead: Option<&str>) {
        let (what, fault) = examine(entry);
        let fault = fault.unwrap();
        assert_eq!((what, fault.rule, fault.instead.as_deref()), (Entry::Never, rule, instead), "{entry}");
    }

    #[test]
    fn what_a_browser_sends_is_right() {
        for origin in [
            "https://app.example.com",
            "http://localhost:3000",
            "http://[::1]:8080",
            "https://xn--bcher-kva.example",
            "chrome-extension://abcdefghijklmnop",
        ] {
            assert_eq!(examine(origin), (Entry::Origin(origin.into()), None));
        }
    }

    #[test]
    fn what_no_browser_sends_is_named_with_what_it_sends() {
        check("https://app.example.com/", Rule::OriginWithPath, Some("https://app.example.com"));
        check("https://app.example.com/chat/", Rule::OriginWithPath, Some("https://app.example.com"));
        check("https://app.example.com:443", Rule::OriginPortMismatch, Some("https://app.example.com"));
        check("http://app.example.com:80", Rule::OriginPortMismatch, Some("http://app.example.com"));
        check("app.example.com", Rule::OriginWithoutScheme, Some("https://app.example.com"));
        check("localhost:3000", Rule::OriginWithoutScheme, Some("http://localhost:3000"));
        check("https://App.Example.com", Rule::OriginLetterCase, Some("https://app.example.com"));
        check("https://bücher.example", Rule::OriginInvalid, Some("https://xn--bcher-kva.example"));
        check("wss://app.example.com/ws", Rule::OriginSchemeMismatch, Some("https://app.example.com"));
        check("https://*.example.com", Rule::OriginWildcardLiteral, None);
        check("https://a.test https://b.test", Rule::ListSeparator, Some("https://a.test,https://b.test"));
        check("https://", Rule::OriginInvalid, None);
    }

    #[test]
    fn a_password_is_never_in_a_fault() {
        let (_, fault) = examine("https://ops:hunter22@app.test");
        assert!(!format!("{fault:?}").contains("hunter22"), "{fault:?}");
        assert_eq!(without_password("a=http://u:p@h/x,http://h2"), "a=http://…@h/x,http://h2");
    }

    #[test]
    fn twins_keep_scheme_and_port() {
        assert_eq!(twin("http://localhost:3000").as_deref(), Some("http://127.0.0.1:3000"));
        assert_eq!(twin("https://127.0.0.1").as_deref(), Some("https://localhost"));
        assert_eq!(twin("https://app.test"), None);
    }
}
