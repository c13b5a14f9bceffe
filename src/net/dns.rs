//! A host's addresses: written in the URL, given by the profile, loopback by rule, or looked up.
//!
//! Invariant: at most [`LOOKUPS`] lookups run at once; the system's resolver can't be interrupted, so one that hangs keeps
//! its place until it gives up, while the exchange that asked ends at its deadline.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType};
use tokio::sync::Semaphore;
use url::Host;

use super::trace::Trace;
use crate::profile::model::Resolve;
use crate::wire::{NetError, Phase};

/// How many lookups run at once.
const LOOKUPS: usize = 64;
/// The most addresses of one name that are tried.
const ADDRESSES: usize = 16;

static RUNNING: Semaphore = Semaphore::const_new(LOOKUPS);

/// The addresses to dial, in the order of preference. Sets `phases.dns` only where a name was looked up.
pub(super) async fn addresses(
    host: &Host<String>,
    port: u16,
    overrides: &[Resolve],
    trace: &mut Trace,
) -> Result<Vec<IpAddr>, NetError> {
    if let Some(given) = overridden(host, port, overrides) {
        return Ok(given.to_vec());
    }
    let name = match host {
        Host::Ipv4(address) => return Ok(vec![IpAddr::V4(*address)]),
        Host::Ipv6(address) => return Ok(vec![IpAddr::V6(*address)]),
        Host::Domain(name) => name,
    };
    if is_localhost(name) {
        return Ok(vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]);
    }
    let started = trace.now();
    let found = trace.within(Phase::Dns, look_up(name.clone())).await?;
    trace.phases.dns = Some(trace.since(started));
    Ok(found)
}

/// [RFC 6761, section 6.3](https://www.rfc-editor.org/rfc/rfc6761#section-6.3): `localhost` and what ends in `.localhost`
/// is loopback, whatever a name server says. Browsers hold to it.
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

/// The profile's own addresses for that host and port; an entry with the host's name goes before one for any host.
fn overridden<'a>(host: &Host<String>, port: u16, overrides: &'a [Resolve]) -> Option<&'a [IpAddr]> {
    let bare = |name: &str| name.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
    let wanted = bare(&host.to_string());
    let on_port = |entry: &&Resolve| entry.port.is_none_or(|given| given == port) && !entry.addresses.is_empty();
    let by_name = |entry: &&Resolve| entry.host.as_deref().is_some_and(|given| bare(given) == wanted);
    let mut entries = overrides.iter().filter(on_port);
    let chosen = entries.clone().find(by_name).or_else(|| entries.find(|entry| entry.host.is_none()));
    chosen.map(|entry| entry.addresses.as_slice())
}

async fn look_up(name: String) -> Result<Vec<IpAddr>, NetError> {
    // The semaphore is never closed.
    let Ok(permit) = RUNNING.acquire().await else { return Err(NetError::DnsUnavailable) };
    let answer = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
        let found = dns_lookup::getaddrinfo(Some(&name), None, Some(hints)).map_err(|error| failure(&error))?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for entry in found.flatten() {
            let address = entry.sockaddr.ip();
            if addresses.len() < ADDRESSES && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() { Err(NetError::NameNotResolved) } else { Ok(addresses) }
    });
    answer.await.unwrap_or(Err(NetError::DnsUnavailable))
}

fn failure(error: &LookupError) -> NetError {
    match error.kind() {
        LookupErrorKind::Again | LookupErrorKind::System => NetError::DnsUnavailable,
        LookupErrorKind::Memory => NetError::LocalResource { what: "memory" },
        // A server's final no (NXDOMAIN, no data), or a name that no resolver takes.
        _ => NetError::NameNotResolved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use std::time::Duration;

    fn entry(host: Option<&str>, port: Option<u16>, address: &str) -> Resolve {
        Resolve { host: host.map(str::to_owned), port, addresses: vec![address.parse().unwrap()] }
    }

    async fn check(host: &str, overrides: &[Resolve], expected: &[&str]) {
        let clock = Clock;
        let mut trace = Trace::begin(clock, clock.mono() + Duration::from_secs(5));
        let host = Host::parse(host).unwrap();
        let found = addresses(&host, 443, overrides, &mut trace).await.unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        assert_eq!(trace.phases.dns, None, "nothing was looked up");
    }

    #[tokio::test]
    async fn literals_and_localhost_need_no_lookup() {
        check("192.0.2.7", &[], &["192.0.2.7"]).await;
        check("[2001:db8::7]", &[], &["2001:db8::7"]).await;
        for name in ["localhost", "LOCALHOST", "api.localhost", "localhost."] {
            check(name, &[], &["::1", "127.0.0.1"]).await;
        }
    }

    #[tokio::test]
    async fn the_profiles_addresses_go_first_and_the_named_host_before_any() {
        let overrides = [
            entry(None, Some(443), "10.0.0.1"),
            entry(Some("API.test"), Some(80), "10.0.0.2"),
            entry(Some("API.test"), None, "10.0.0.3"),
        ];
        check("api.test", &overrides, &["10.0.0.3"]).await;
        check("other.test", &overrides, &["10.0.0.1"]).await;
        check("localhost", &overrides, &["10.0.0.1"]).await;
        check("[::1]", &[entry(Some("::1"), Some(443), "10.0.0.4")], &["10.0.0.4"]).await;
    }

    #[test]
    fn a_name_that_only_contains_localhost_is_not_loopback() {
        assert!(!is_localhost("localhost.example.com"));
        assert!(!is_localhost("mylocalhost"));
    }

    #[tokio::test]
    async fn a_name_that_cannot_exist_fails_by_name_and_takes_the_phase() {
        let clock = Clock;
        let mut trace = Trace::begin(clock, clock.mono() + Duration::from_secs(20));
        let host = Host::Domain("nothing-is-called-this.invalid".to_owned());
        let error = addresses(&host, 80, &[], &mut trace).await.unwrap_err();
        // A machine without any name server says the second.
        assert!([NetError::NameNotResolved, NetError::DnsUnavailable].contains(&error), "{error:?}");
        assert_eq!(error.phase(), Phase::Dns);
    }
}
