//! Who listens on the endpoint's port, where the endpoint is this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use url::Host;

use super::target::Target;
use crate::base::Clock;
use crate::net::{machine, ports};
use crate::watch::CheckReport;
use crate::wire::{Ask, Headers, Listener, Purpose, WireRequest};

/// How many listeners are asked what they speak.
const ASKED: usize = 8;
/// How long one may take.
const EACH: Duration = Duration::from_secs(2);

/// The addresses of the endpoint's host, where they are this machine's: by its name, else by what the checks dialled. Empty where
/// it is elsewhere, or where a proxy is in between.
pub fn own_addresses(target: &Target, reports: &[CheckReport]) -> Vec<IpAddr> {
    let exchanges = || reports.iter().flat_map(|report| &report.exchanges);
    if exchanges().any(|exchange| exchange.proxy.is_some()) {
        return Vec::new();
    }
    let mut all: Vec<IpAddr> = match target.profile.url.host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![address.into()],
        Some(Host::Domain(name))
            if (name == "localhost" || name.ends_with(".localhost")) && target.profile.network.resolve.is_empty() =>
        {
            vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]
        }
        _ => exchanges().flat_map(|exchange| exchange.tried.iter().map(|one| one.address.ip())).collect(),
    };
    all.dedup();
    let ours = !all.is_empty() && all.iter().all(|address| machine::is_ours(*address) || address.is_loopback());
    if ours { all } else { Vec::new() }
}

/// Those that listen on the endpoint's port; `None`: this system doesn't tell. Nothing is sent. Blocks.
pub fn listening(target: &Target) -> Option<Vec<Listener>> {
    ports::listening(target.profile.url.port_or_known_default()?)
}

/// One polite look at each: what it says by itself, or to a line of no protocol.
pub async fn listen_to(target: &Target, listeners: &mut [Listener], clock: Clock) {
    let Ok(client) = target.direct() else { return };
    for listener in listeners.iter_mut().take(ASKED) {
        let mut address = listener.address;
        if address.ip().is_unspecified() {
            let own = if address.is_ipv4() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { Ipv6Addr::LOCALHOST.into() };
            address.set_ip(own);
        }
        let Ok(url) = format!("http://{address}/").parse() else { continue };
        let request = WireRequest {
            purpose: Purpose::Asked(Ask::Banner),
            method: "PING".to_owned(),
            url,
            headers: Headers::default(),
            body: Default::default(),
        };
        let exchange = client.banner(request, clock.mono() + EACH).await;
        listener.said = exchange.response().map(|response| response.body.clone());
    }
}
