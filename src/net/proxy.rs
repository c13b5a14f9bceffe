//! Which way a request goes: straight, or through a proxy from the profile or the environment.
//!
//! The environment's variables are curl's, the choice among them for WebSockets is a browser's.

use std::net::IpAddr;

use url::{Host, Url};

use super::target::Target;
use crate::base::Secret;
use crate::profile::model::Proxy;
use crate::wire::NetError;

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Http,
    /// SOCKS5; names are resolved by the proxy, as browsers have it.
    Socks5,
}

/// One proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upstream {
    pub(super) kind: Kind,
    pub(super) host: Host<String>,
    pub(super) port: u16,
    pub(super) login: Option<Login>,
}

/// A proxy's credentials. Shown nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Secret,
    pub(super) password: Secret,
}

impl Upstream {
    /// Reads `http://[user:password@]host[:port]` and `socks5://…`; without a scheme it is HTTP, as for curl.
    pub(super) fn read(text: &str) -> Result<Self, NetError> {
        let fault = NetError::Configuration { what: "the proxy is not http://host:port or socks5://host:port" };
        let text = text.trim();
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
        Self::of(&url.map_err(|_| fault)?)
    }

    fn of(url: &Url) -> Result<Self, NetError> {
        let fault = NetError::Configuration { what: "the proxy is not http://host:port or socks5://host:port" };
        let (kind, port) = match url.scheme() {
            "http" => (Kind::Http, 80),
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            _ => return Err(fault),
        };
        // The host of a scheme that the URL standard does not know is left as it was written.
        let host = match url.host().ok_or_else(|| fault.clone())? {
            Host::Domain(name) => Host::parse(name).map_err(|_| fault)?,
            Host::Ipv4(address) => Host::Ipv4(address),
            Host::Ipv6(address) => Host::Ipv6(address),
        };
        let decoded = |text: &str| {
            let pairs = format!("x={}", text.replace('+', "%2B"));
            let value = url::form_urlencoded::parse(pairs.as_bytes()).next().map(|(_, value)| value.into_owned());
            Secret::new(value.unwrap_or_default())
        };
        let login = (!url.username().is_empty())
            .then(|| Login { user: decoded(url.username()), password: decoded(url.password().unwrap_or_default()) });
        Ok(Self { kind, host, port: url.port().unwrap_or(port), login })
    }
}

impl std::fmt::Display for Upstream {
    /// Without its credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// What a client goes by; read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Direct,
    Through(Upstream),
    Environment(Environment),
}

/// The environment's proxies, as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Environment {
    http: Option<Secret>,
    https: Option<Secret>,
    all: Option<Secret>,
    bypass: Vec<String>,
}

impl Route {
    pub(super) fn of(proxy: &Proxy) -> Result<Self, NetError> {
        match proxy {
            Proxy::Direct => Ok(Self::Direct),
            Proxy::Url(url) => Ok(Self::Through(Upstream::of(url)?)),
            Proxy::Environment => Ok(Self::Environment(Environment::read(|name| std::env::var(name).ok()))),
        }
    }

    /// The proxy for that target, if it goes through one.
    pub(super) fn choose(&self, target: &Target) -> Result<Option<Upstream>, NetError> {
        match self {
            Self::Direct => Ok(None),
            Self::Through(upstream) => Ok(Some(upstream.clone())),
            Self::Environment(environment) => environment.choose(target),
        }
    }
}

impl Environment {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = |names: &[&str]| {
            let value = names.iter().find_map(|name| variable(name).filter(|value| !value.trim().is_empty()));
            value.map(Secret::new)
        };
        let bypass = given(&["no_proxy", "NO_PROXY"]);
        Self {
            // Not HTTP_PROXY: in a CGI program a client sets that one with a `Proxy` header.
            http: given(&["http_proxy"]),
            https: given(&["https_proxy", "HTTPS_PROXY"]),
            all: given(&["all_proxy", "ALL_PROXY"]),
            bypass: bypass.map_or_else(Vec::new, |list| {
                list.expose().split([',', ' ']).filter(|item| !item.is_empty()).map(str::to_lowercase).collect()
            }),
        }
    }

    fn choose(&self, target: &Target) -> Result<Option<Upstream>, NetError> {
        if is_own(&target.host) || self.bypass.iter().any(|entry| bypasses(entry, &target.host, target.port)) {
            return Ok(None);
        }
        // A WebSocket is always tunnelled, so browsers take the proxy for https first, for ws too.
        let given = match (target.websocket, target.tls) {
            (true, _) => self.https.as_ref().or(self.http.as_ref()),
            (false, true) => self.https.as_ref(),
            (false, false) => self.http.as_ref(),
        };
        let Some(given) = given.or(self.all.as_ref()) else { return Ok(None) };
        Upstream::read(given.expose()).map(Some)
    }
}

/// Hosts that browsers never send through a proxy of the environment: this machine.
fn is_own(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => super::dns::is_localhost(name),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Whether one entry of `no_proxy` covers the host: `*`, a name with all its subdomains (a dot before it changes nothing),
/// an address, or a block of addresses (`10.0.0.0/8`); each but the block with a port or without.
fn bypasses(entry: &str, host: &Host<String>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    let address = match host {
        Host::Domain(name) => {
            let (entry, wanted_port) = match entry.rsplit_once(':') {
                Some((name, digits)) => (name, digits.parse::<u16>().ok()),
                None => (entry, None),
            };
            let suffix = entry.trim_start_matches('.').trim_end_matches('.');
            let name = name.trim_end_matches('.').to_lowercase();
            let covered = name == suffix || name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'));
            return !suffix.is_empty() && covered && wanted_port.is_none_or(|wanted| wanted == port);
        }
        Host::Ipv4(address) => IpAddr::V4(*address),
        Host::Ipv6(address) => IpAddr::V6(*address),
    };
    if let Some((block, length)) = entry.split_once('/') {
        let (Ok(block), Ok(length)) = (block.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
        return within(address, block, length);
    }
    if let Ok(socket) = entry.parse::<std::net::SocketAddr>() {
        return socket.ip() == address && socket.port() == port;
    }
    entry.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok_and(|entry| entry == address)
}

fn within(address: IpAddr, block: IpAddr, length: u32) -> bool {
    match (address, block) {
        (IpAddr::V4(address), IpAddr::V4(block)) => {
            length <= 32 && (address.to_bits() ^ block.to_bits()).checked_shr(32 - length).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(block)) => {
            length <= 128 && (address.to_bits() ^ block.to_bits()).checked_shr(128 - length).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::read(|name| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned()))
    }

    #[track_caller]
    fn check(variables: &[(&str, &str)], url: &str, expected: Option<&str>) {
        let target = Target::of(&Url::parse(url).unwrap()).unwrap();
        let chosen = environment(variables).choose(&target).unwrap();
        assert_eq!(chosen.map(|upstream| upstream.to_string()).as_deref(), expected, "{url}");
    }

    #[test]
    fn each_scheme_has_its_variable_in_both_cases_but_one() {
        let both = [("http_proxy", "http://a:1"), ("HTTPS_PROXY", "b:2"), ("all_proxy", "socks5h://c")];
        check(&both, "http://x.test/", Some("http://a:1"));
        check(&both, "https://x.test/", Some("http://b:2"));
        check(&both, "wss://x.test/", Some("http://b:2"));
        check(&both, "ws://x.test/", Some("http://b:2"));
        check(&both[..1], "ws://x.test/", Some("http://a:1"));
        check(&both[2..], "http://x.test/", Some("socks5://c:1080"));
        check(&both[..1], "https://x.test/", None);
        check(&[("HTTP_PROXY", "http://a:1")], "http://x.test/", None);
        check(&[("http_proxy", "")], "http://x.test/", None);
    }

    #[test]
    fn this_machine_is_never_behind_the_environments_proxy() {
        let all = [("all_proxy", "http://a:1")];
        for own in ["http://localhost/", "http://a.localhost:8/", "ws://127.0.0.2/", "https://[::1]/"] {
            check(&all, own, None);
        }
        check(&all, "http://localhost.test/", Some("http://a:1"));
    }

    #[test]
    fn no_proxy_covers_names_with_subdomains_addresses_blocks_and_ports() {
        let with = |list: &'static str| [("all_proxy", "http://a:1"), ("no_proxy", list)];
        let proxied = Some("http://a:1");
        for entry in ["example.com", ".EXAMPLE.com", "other.test, example.com", "*", "example.com:443"] {
            check(&with(entry), "https://api.example.com/", None);
            check(&with(entry), "https://example.com/", None);
        }
        check(&with("example.com"), "https://notexample.com/", proxied);
        check(&with("example.com:8443"), "https://example.com/", proxied);
        check(&with("10.0.0.0/8"), "http://10.200.0.1/", None);
        check(&with("10.0.0.0/8"), "http://11.0.0.1/", proxied);
        check(&with("0.0.0.0/0"), "http://11.0.0.1/", None);
        check(&with("192.0.2.1"), "http://192.0.2.1/", None);
        check(&with("192.0.2.1:81"), "http://192.0.2.1/", proxied);
        check(&with("[2001:db8::1]"), "http://[2001:db8::1]/", None);
        check(&with("2001:db8::/32"), "http://[2001:db8:9::1]/", None);
        check(&with("2001:db8::/32"), "http://[2001:db9::1]/", proxied);
    }

    #[test]
    fn credentials_are_read_decoded_and_never_shown() {
        let upstream = Upstream::read("http://us%40er:p+w%3A@proxy.test:3128").unwrap();
        let login = upstream.login.clone().unwrap();
        assert_eq!((login.user.expose(), login.password.expose()), ("us@er", "p+w:"));
        assert_eq!(upstream.to_string(), "http://proxy.test:3128");
        assert!(!format!("{upstream:?}").contains("us@er"));
        let debug = format!("{:?}", environment(&[("all_proxy", "http://user:hunter2@a:1")]));
        assert!(!debug.contains("hunter2"), "{debug}");
    }

    #[test]
    fn a_proxy_of_another_kind_is_refused_with_what_to_write() {
        let fault = NetError::Configuration { what: "the proxy is not http://host:port or socks5://host:port" };
        for text in ["https://a:1", "socks4://a", "ftp://a", "http://", "::"] {
            assert_eq!(Upstream::read(text), Err(fault.clone()), "{text}");
        }
        assert_eq!(Upstream::read("socks5://[::1]:9").unwrap().to_string(), "socks5://[::1]:9");
        assert_eq!(Upstream::read("socks5://127.0.0.1:9").unwrap().host, Host::<String>::Ipv4([127, 0, 0, 1].into()));
    }
}
