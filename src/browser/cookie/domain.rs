//! [The `Domain` attribute](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6.3) and
//! [paths](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.1.4): where a cookie goes.

use url::Url;

use super::super::{Browser, origin};

/// The hosts that a cookie goes to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Domain {
    pub(super) name: String,
    /// That host alone, not those under it.
    pub(super) host_only: bool,
}

impl Domain {
    /// Steps 7 to 10 of the storage model. `None`: the attribute doesn't cover the host that sets it.
    pub(super) fn of(browser: Browser, url: &Url, attribute: Option<&[u8]>) -> Option<Self> {
        let host = url.host_str()?;
        let alone = || Some(Self { name: host.to_owned(), host_only: true });
        let Some(attribute) = attribute.filter(|attribute| !attribute.is_empty()) else { return alone() };
        // Step 8: nothing but ASCII. (Percent signs and ports match no host.)
        let text = std::str::from_utf8(attribute).ok().filter(|text| text.is_ascii())?.to_ascii_lowercase();
        let name = text.strip_prefix('.').unwrap_or(&text);
        let Some(registrable) = origin::registrable_domain(url) else {
            // Step 9: an address, `localhost`, or a public suffix stays alone.
            let inner_dot = browser != Browser::Safari || name.contains('.');
            return if name == host && inner_dot { alone() } else { None };
        };
        // Steps 9 and 10: within the registrable domain, and over the host.
        let covers = host == name || is_under(host, name);
        let inside = name == registrable || is_under(name, registrable);
        (covers && inside).then(|| Self { name: name.to_owned(), host_only: false })
    }

    /// [Domain-matching](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.1.3).
    pub(super) fn matches(&self, host: &str) -> bool {
        host == self.name || (!self.host_only && is_under(host, &self.name))
    }

    /// Either holds the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.name == other.name || is_under(&self.name, &other.name) || is_under(&other.name, &self.name)
    }
}

fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|start| start.ends_with('.'))
}

/// [Default-path](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.1.4): the URL's, up to its
/// last slash.
pub(super) fn default_path(url: &Url) -> &[u8] {
    let path = url.path();
    match path.rfind('/') {
        None | Some(0) => b"/",
        Some(at) => &path.as_bytes()[..at],
    }
}

/// [Path-matches](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.1.4).
pub(super) fn path_matches(request: &[u8], cookie: &[u8]) -> bool {
    match request.strip_prefix(cookie) {
        None => false,
        Some(rest) => rest.is_empty() || cookie.ends_with(b"/") || rest.starts_with(b"/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, attribute: &str, expected: Option<(&str, bool)>) {
        let url = Url::parse(url).unwrap();
        let domain = Domain::of(Browser::Chrome, &url, Some(attribute.as_bytes()));
        assert_eq!(domain.as_ref().map(|it| (&*it.name, it.host_only)), expected, "{attribute}");
    }

    #[test]
    fn a_domain_covers_the_host_that_sets_it_and_no_public_suffix() {
        let www = "https://www.app.test/";
        check(www, "", Some(("www.app.test", true)));
        for own in ["app.test", ".APP.test"] {
            check(www, own, Some(("app.test", false)));
        }
        check(www, "www.app.test", Some(("www.app.test", false)));
        for other in [
            "test",
            ".",
            "..app.test",
            "api.app.test",
            "pp.test",
            "app.test.",
            "app.test:1",
            "%61pp.test",
            "*.app.test",
        ] {
            check(www, other, None);
        }
        check("https://a.example.co.uk/", "co.uk", None);
    }

    #[test]
    fn an_address_and_a_bare_name_stay_alone() {
        check("http://localhost/", ".localhost", Some(("localhost", true)));
        check("http://127.0.0.1/", "127.0.0.1", Some(("127.0.0.1", true)));
        check("http://127.0.0.1/", "0.0.1", None);
        check("http://[::1]/", "[::1]", Some(("[::1]", true)));
        check("https://co.uk/", "co.uk", Some(("co.uk", true)));
    }

    #[test]
    fn the_default_path_ends_before_the_last_slash() {
        for (url, path) in [("/", "/"), ("/r", "/"), ("/r/", "/r"), ("/r/x?a/b", "/r"), ("//", "/"), ("/a//b", "/a/")] {
            let url = Url::parse(&format!("https://app.test{url}")).unwrap();
            assert_eq!(default_path(&url), path.as_bytes(), "{url}");
        }
    }

    #[test]
    fn a_path_matches_itself_and_what_is_under_it() {
        for (request, cookie) in [("/r", "/"), ("/r", "/r"), ("/r/x", "/r"), ("/r/x", "/r/")] {
            assert!(path_matches(request.as_bytes(), cookie.as_bytes()), "{request} {cookie}");
        }
        for (request, cookie) in [("/rr", "/r"), ("/r", "/r/"), ("/R", "/r"), ("/", "/r")] {
            assert!(!path_matches(request.as_bytes(), cookie.as_bytes()), "{request} {cookie}");
        }
    }
}
