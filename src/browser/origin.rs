//! Origins and sites, by the [HTML standard](https://html.spec.whatwg.org/multipage/browsers.html#origin), and which of
//! them count as secure.

use url::{Host, Position, Url};

/// [Serialization of an origin](https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin):
/// `scheme://host[:port]`, without the scheme's own port; `null` where the URL has no tuple origin.
pub fn serialize(url: &Url) -> String {
    match tuple(url) {
        Some((scheme, ..)) => [scheme, "://", &url[Position::BeforeHost..Position::AfterPort]].concat(),
        None => url.origin().ascii_serialization(),
    }
}

/// [Same origin](https://html.spec.whatwg.org/multipage/browsers.html#same-origin). Opaque origins are never the same here.
pub fn same_origin(a: &Url, b: &Url) -> bool {
    match (tuple(a), tuple(b)) {
        (Some(a), Some(b)) => a == b,
        _ => {
            let origin = a.origin();
            origin.is_tuple() && origin == b.origin()
        }
    }
}

/// Scheme, host and port of the network's schemes, where they are the [origin](https://url.spec.whatwg.org/#origin); a `blob:`
/// URL's stands in its path.
fn tuple(url: &Url) -> Option<(&str, &str, u16)> {
    if !matches!(url.scheme(), "http" | "https" | "ws" | "wss" | "ftp") {
        return None;
    }
    Some((url.scheme(), url.host_str()?, url.port_or_known_default()?))
}

/// [Registrable domain](https://url.spec.whatwg.org/#host-registrable-domain) by the public suffix list; an address or a
/// public suffix itself has none.
pub fn registrable_domain<'a>(url: &'a Url) -> Option<&'a str> {
    match url.host() {
        Some(Host::Domain(_)) => {}
        _ => return None,
    }
    let host: &'a str = url.host_str()?;
    // A name with a dot at its end is another name.
    let bare = host.strip_suffix('.').unwrap_or(host);
    let domain = psl::domain_str(bare)?;
    host.get(bare.len() - domain.len()..)
}

/// [Obtain a site](https://html.spec.whatwg.org/multipage/browsers.html#obtain-a-site): the scheme with the registrable domain,
/// or with the host where there is none.
pub fn site(url: &Url) -> String {
    let host = registrable_domain(url).or_else(|| url.host_str()).unwrap_or_default();
    format!("{}://{host}", site_scheme(url))
}

/// [Schemelessly same site](https://html.spec.whatwg.org/multipage/browsers.html#schemelessly-same-site): the same host, or
/// hosts under one registrable domain.
pub fn schemelessly_same_site(a: &Url, b: &Url) -> bool {
    if a.host_str().is_some() && a.host_str() == b.host_str() {
        return true;
    }
    match (registrable_domain(a), registrable_domain(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// The scheme under which a WebSocket's site is reckoned.
fn site_scheme(url: &Url) -> &str {
    match url.scheme() {
        "ws" => "http",
        "wss" => "https",
        other => other,
    }
}

/// [Same site](https://html.spec.whatwg.org/multipage/browsers.html#same-site), schemes included.
pub fn same_site(a: &Url, b: &Url) -> bool {
    site_scheme(a) == site_scheme(b) && schemelessly_same_site(a, b)
}

/// Whether the host is this machine by definition: `localhost`, names under it, 127.0.0.0/8, `[::1]`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// [Is origin potentially trustworthy?](https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy)
pub fn is_potentially_trustworthy(url: &Url) -> bool {
    // Step 3: a secure scheme. Steps 4 and 5: loopback addresses and names.
    matches!(url.scheme(), "https" | "wss") || is_loopback(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn an_origin_leaves_its_schemes_own_port_out() {
        assert_eq!(serialize(&url("https://APP.test:443/x")), "https://app.test");
        assert_eq!(serialize(&url("http://app.test:8080/")), "http://app.test:8080");
        assert_eq!(serialize(&url("data:,x")), "null");
    }

    #[test]
    fn sites_are_registrable_domains_with_their_scheme() {
        assert!(same_site(&url("https://a.example.co.uk"), &url("wss://b.example.co.uk")));
        assert!(!same_site(&url("https://a.co.uk"), &url("https://b.co.uk")));
        assert!(!same_site(&url("http://example.com"), &url("https://example.com")));
        assert!(same_site(&url("http://127.0.0.1:1"), &url("http://127.0.0.1:2")));
        assert!(!same_site(&url("http://127.0.0.1"), &url("http://127.0.0.2")));
        assert!(!same_site(&url("http://app.test"), &url("http://app.test.")));
        assert!(same_site(&url("http://www.app.test."), &url("http://app.test.")));
    }

    #[test]
    fn loopback_is_a_name_or_an_address_and_nothing_that_looks_like_it() {
        for yes in ["http://localhost:1", "http://a.localhost", "http://127.9.8.7", "http://[::1]"] {
            assert!(is_loopback(&url(yes)), "{yes}");
        }
        for no in ["http://localhost.test", "http://128.0.0.1", "http://[::2]", "http://notlocalhost"] {
            assert!(!is_loopback(&url(no)), "{no}");
        }
    }
}
