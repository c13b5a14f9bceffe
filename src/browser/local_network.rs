//! [Local Network Access](https://wicg.github.io/local-network-access/): what a browser would ask the person, or refuse, where
//! a page from the internet reaches for this machine or this network.
//!
//! The permission is the person's, and where a page really comes from only its browser sees: so this is told beside the
//! answer and never changes it.

use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};

use super::{Browser, Page, origin};
use crate::wire::Exchange;

/// [IP address space](https://wicg.github.io/local-network-access/#ip-address-space), the most private first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressSpace {
    /// This machine.
    Loopback,
    /// This network.
    Local,
    Public,
}

impl AddressSpace {
    /// Of an address: [determine the IP address
    /// space](https://wicg.github.io/local-network-access/#determine-the-ip-address-space).
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(mapped) => Self::of_v4(mapped),
                None if address.is_loopback() => Self::Loopback,
                None if address.is_unique_local() || address.is_unicast_link_local() => Self::Local,
                None => Self::Public,
            },
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [first, second, ..] = address.octets();
        if address.is_loopback() {
            Self::Loopback
        } else if address.is_private() || address.is_link_local() || (first == 100 && (64..128).contains(&second)) {
            Self::Local
        } else {
            Self::Public
        }
    }

    /// Of a URL whose host alone tells: an address, or a name for this machine.
    pub fn of_host(url: &Url) -> Option<Self> {
        match url.host()? {
            Host::Ipv4(address) => Some(Self::of(address.into())),
            Host::Ipv6(address) => Some(Self::of(address.into())),
            Host::Domain(_) => origin::is_loopback(url).then_some(Self::Loopback),
        }
    }

    /// As Chromium's console has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Local => "local",
            Self::Public => "public",
        }
    }
}

/// What the browser would do about a connection into a more private address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalNetwork {
    /// Where the page comes from; `None`: not known, and nothing is asked unless it is [`AddressSpace::Public`].
    pub page: Option<AddressSpace>,
    pub target: AddressSpace,
    pub decision: Decision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The person is asked once for each page's origin, and the request goes out only when they allow it.
    Asks,
    /// Nobody is asked: only a page over https may.
    Refuses,
    /// The version that is out may ask or not: it is being rolled out.
    MayAsk,
}

impl LocalNetwork {
    /// The code that Chromium gives the refusal, the person's or its own; `websocket`: of a handshake.
    pub fn code(&self, websocket: bool) -> &'static str {
        match self.decision {
            _ if websocket => "net::ERR_BLOCKED_BY_LOCAL_NETWORK_ACCESS_CHECKS",
            Decision::Refuses => "InsecureLocalNetwork",
            Decision::Asks | Decision::MayAsk => "LocalNetworkAccessPermissionDenied",
        }
    }

    /// Why, in Chromium's words, after `has been blocked by CORS policy: `.
    pub fn reason(&self) -> String {
        let target = self.target.word();
        match self.decision {
            Decision::Refuses => format!(
                "The request client is not a secure context and the resource is in more-private address space `{target}`."
            ),
            Decision::Asks | Decision::MayAsk => {
                format!("Permission was denied for this request to access the `{target}` address space.")
            }
        }
    }
}

/// [Local network access check](https://wicg.github.io/local-network-access/#local-network-access-check) of what was sent;
/// `None` where nobody would be asked.
///
/// Seen in Chromium 156, with address spaces set by its switch: `public` to `local` or `loopback` is checked, for `fetch()`,
/// XMLHttpRequest (since 142) and WebSocket (since 147) alike; `local` to `loopback` is not. Firefox is rolling it out, Safari has
/// nothing of the kind.
pub fn check<'a>(page: &Page, exchanges: impl IntoIterator<Item = &'a Exchange>) -> Option<LocalNetwork> {
    exchanges.into_iter().find_map(|exchange| check_one(page, exchange))
}

fn check_one(page: &Page, exchange: &Exchange) -> Option<LocalNetwork> {
    // Of what goes through a proxy only the proxy's address is known.
    let address = exchange.peer.filter(|_| exchange.proxy.is_none())?;
    let target = AddressSpace::of(address.ip());
    let same_host = page.url.host_str().is_some() && page.url.host_str() == exchange.request.url.host_str();
    let from = if same_host { Some(target) } else { AddressSpace::of_host(&page.url) };
    // Only what comes from outside is checked.
    if target == AddressSpace::Public || from.is_some_and(|space| space != AddressSpace::Public) {
        return None;
    }
    let secure = origin::is_potentially_trustworthy(&page.url);
    let decision = match page.browser {
        Browser::Chrome if secure => Decision::Asks,
        Browser::Chrome => Decision::Refuses,
        Browser::Firefox => Decision::MayAsk,
        Browser::Safari => return None,
    };
    Some(LocalNetwork { page: from, target, decision })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Headers, NetError, Phases, Purpose, WireRequest};

    #[test]
    fn addresses_lie_in_their_spaces() {
        for (address, space) in [
            ("127.9.9.9", AddressSpace::Loopback),
            ("::1", AddressSpace::Loopback),
            ("::ffff:127.0.0.1", AddressSpace::Loopback),
            ("10.1.2.3", AddressSpace::Local),
            ("172.31.0.1", AddressSpace::Local),
            ("192.168.0.7", AddressSpace::Local),
            ("169.254.1.1", AddressSpace::Local),
            ("100.64.0.1", AddressSpace::Local),
            ("fe80::1", AddressSpace::Local),
            ("fd00::1", AddressSpace::Local),
            ("172.32.0.1", AddressSpace::Public),
            ("100.128.0.1", AddressSpace::Public),
            ("2606:4700::1", AddressSpace::Public),
        ] {
            assert_eq!(AddressSpace::of(address.parse().unwrap()), space, "{address}");
        }
    }

    #[track_caller]
    fn asked(browser: Browser, page: &str, url: &str, peer: &str, expected: &str) {
        let page = Page::new(Url::parse(page).unwrap(), browser);
        let request = WireRequest {
            purpose: Purpose::Actual,
            method: "GET".into(),
            url: Url::parse(url).unwrap(),
            headers: Headers::new(),
            body: Default::default(),
        };
        let exchange = Exchange {
            request,
            result: Err(NetError::EmptyResponse),
            phases: Phases::default(),
            peer: Some(peer.parse().unwrap()),
            tried: Vec::new(),
            tls: None,
            proxy: None,
        };
        let got = match check(&page, [&exchange]) {
            None => "nothing".to_owned(),
            Some(found) => format!("{:?} {:?} {}", found.decision, found.page, found.code(false)),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn chrome_asks_for_an_https_page_and_refuses_another() {
        let (api, local) = ("https://api.test/", "192.168.1.2:443");
        asked(Browser::Chrome, "https://app.test/", api, local, "Asks None LocalNetworkAccessPermissionDenied");
        asked(Browser::Chrome, "http://1.2.3.4/", api, "127.0.0.1:443", "Refuses Some(Public) InsecureLocalNetwork");
        asked(Browser::Firefox, "https://app.test/", api, local, "MayAsk None LocalNetworkAccessPermissionDenied");
        asked(Browser::Safari, "https://app.test/", api, local, "nothing");
    }

    #[test]
    fn nobody_is_asked_at_home_or_for_what_is_public() {
        asked(Browser::Chrome, "http://localhost/", "http://10.0.0.1/", "10.0.0.1:80", "nothing");
        asked(Browser::Chrome, "http://192.168.0.1/", "http://localhost/", "127.0.0.1:80", "nothing");
        asked(Browser::Chrome, "https://app.test/", "https://app.test:8443/", "192.168.1.2:8443", "nothing");
        asked(Browser::Chrome, "https://app.test/", "https://api.test/", "1.1.1.1:443", "nothing");
    }
}
