//! "Is it me?": whether what fails is this machine's own connection rather than the endpoints. Pure.
//!
//! The rules, over the newest result of each endpoint; endpoints on loopback never count, for they need no network:
//!
//! 1. An endpoint that fails because there is **no route** from here, or because **no name server answers**, makes this
//!    machine offline, unless another endpoint has got through since the failure before.
//! 2. **At least three distinct hosts** are watched, and **all** of them fail in the same phase at or before TLS, and began to
//!    within [`AT_ONCE`] of one another. With fewer hosts two servers that are down would look like a cut cable, so then
//!    only the first rule holds.
//!
//! An endpoint has *got through* where anything answered, whatever it said: a 500 needs a network. The first that gets
//! through, or further than where all ended, ends it.

use std::collections::HashMap;
use std::time::Duration;

use super::EventBody;
use crate::base::{ProfileId, Wall};
use crate::wire::{NetError, Phase};

/// How close together failures have to begin to count as one.
pub const AT_ONCE: Duration = Duration::from_secs(60);
/// The least number of distinct hosts for the second rule.
const HOSTS: usize = 3;

/// What one check or attempt says about the network between here and there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Something answered.
    Through,
    /// Nothing did; it ended in this phase, and `local` where it is about this machine by its nature.
    Failed { phase: Phase, local: bool },
}

impl Reach {
    /// Of an exchange that ended so.
    pub fn of(result: Result<(), &NetError>) -> Self {
        match result {
            Ok(()) => Self::Through,
            Err(NetError::LocalResource { .. } | NetError::Configuration { .. }) => Self::Through,
            Err(NetError::TunnelRefused { .. } | NetError::ProxyAuthRequired | NetError::SocksRefused { .. }) => {
                Self::Through
            }
            Err(error) => match error.phase() {
                phase @ (Phase::Dns | Phase::Connect | Phase::Proxy | Phase::Tls) => {
                    Self::Failed { phase, local: error.is_local() }
                }
                Phase::Request | Phase::FirstByte | Phase::Body | Phase::Open => Self::Through,
            },
        }
    }
}

/// The newest result of each endpoint.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    seen: HashMap<ProfileId, Seen>,
    offline: Option<Offline>,
}

#[derive(Clone, Copy, Debug)]
struct Offline {
    since: Wall,
    phase: Phase,
}

#[derive(Clone, Debug)]
struct Seen {
    host: Box<str>,
    at: Wall,
    reach: Option<Reach>,
    /// When the present row of failures in the present phase began.
    failing_since: Wall,
}

impl Surroundings {
    /// An endpoint is watched from now on; until its first result it stands against rule 2. `host` without its port.
    pub fn watch(&mut self, id: ProfileId, host: &str, at: Wall) {
        if is_loopback(host) {
            self.seen.remove(&id);
        } else if self.seen.get(&id).is_none_or(|seen| &*seen.host != host) {
            self.seen.insert(id, Seen { host: host.into(), at, reach: None, failing_since: at });
        }
    }

    /// It is not watched any more.
    pub fn forget(&mut self, id: ProfileId) {
        self.seen.remove(&id);
    }

    pub fn is_offline(&self) -> bool {
        self.offline.is_some()
    }

    /// Whether the endpoint's results count at all: it is watched, and not on loopback.
    pub fn counts(&self, id: ProfileId) -> bool {
        self.seen.contains_key(&id)
    }

    /// Takes a result; says where the machine went offline or came back.
    pub fn on_result(&mut self, id: ProfileId, reach: Reach, at: Wall) -> Option<EventBody> {
        let seen = self.seen.get_mut(&id)?;
        if seen.reach != Some(reach) {
            seen.failing_since = at;
        }
        let before = std::mem::replace(&mut seen.at, at);
        seen.reach = Some(reach);
        match (reach, self.offline) {
            (Reach::Through, Some(offline)) => Some(self.online(offline, at)),
            // Further than where it ended: the network is back, whatever is wrong with this endpoint.
            (Reach::Failed { phase, local: false }, Some(offline)) if offline.phase < phase => {
                Some(self.online(offline, at))
            }
            (Reach::Failed { phase, local }, None) => {
                let cut = (local && self.nobody_got_through_since(before)) || self.all_fail_in(phase);
                cut.then(|| {
                    self.offline = Some(Offline { since: at, phase });
                    EventBody::Offline {
                        phase: Some(phase),
                        affected: u32::try_from(self.seen.len()).unwrap_or(u32::MAX),
                    }
                })
            }
            (Reach::Through, None) | (Reach::Failed { .. }, Some(_)) => None,
        }
    }

    fn online(&mut self, offline: Offline, at: Wall) -> EventBody {
        self.offline = None;
        EventBody::Online { after: at.since(offline.since) }
    }

    /// Rule 1: no endpoint has got through since then.
    fn nobody_got_through_since(&self, since: Wall) -> bool {
        !self.seen.values().any(|seen| seen.reach == Some(Reach::Through) && since < seen.at)
    }

    /// Rule 2.
    fn all_fail_in(&self, phase: Phase) -> bool {
        let mut hosts: Vec<&str> = Vec::new();
        let (mut first, mut last) = (Wall(i64::MAX), Wall(i64::MIN));
        for seen in self.seen.values() {
            match seen.reach {
                Some(Reach::Failed { phase: other, .. }) if other == phase => {}
                Some(Reach::Failed { .. } | Reach::Through) | None => return false,
            }
            first = first.min(seen.failing_since);
            last = last.max(seen.failing_since);
            hosts.push(&seen.host);
        }
        hosts.sort_unstable();
        hosts.dedup();
        HOSTS <= hosts.len() && last.since(first) <= AT_ONCE
    }
}

/// Loopback by address or by name (RFC 6761), as in a URL: an IPv6 address in brackets or not.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<std::net::IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script: `id host` watches, then `id=ok`, `id=dns`, `id=dns!` (local), `id=connect`, one a second.
    #[track_caller]
    fn check(hosts: &[&str], results: &str, expected: &str) {
        let mut surroundings = Surroundings::default();
        for (id, host) in hosts.iter().enumerate() {
            surroundings.watch(ProfileId(u32::try_from(id).unwrap()), host, Wall(0));
        }
        let mut got = Vec::new();
        let mut second = 0;
        for result in results.split_whitespace() {
            let Some((id, what)) = result.split_once('=') else {
                second += result.parse::<i64>().unwrap(); // A bare number passes so many seconds.
                continue;
            };
            let reach = match what {
                "ok" => Reach::Through,
                "dns" => Reach::Failed { phase: Phase::Dns, local: false },
                "dns!" => Reach::Failed { phase: Phase::Dns, local: true },
                "connect" => Reach::Failed { phase: Phase::Connect, local: false },
                other => panic!("{other}"),
            };
            second += 1;
            let body = surroundings.on_result(ProfileId(id.parse().unwrap()), reach, Wall(second * 1_000_000));
            got.extend(body.map(|body| match body {
                EventBody::Offline { phase, affected } => {
                    format!("offline in {} with {affected}", phase.unwrap().code())
                }
                EventBody::Online { after } => format!("online after {} s", after.as_secs()),
                other => other.kind().into(),
            }));
        }
        assert_eq!(got.join(", "), expected);
    }

    const THREE: &[&str] = &["a.test", "b.test", "c.test"];

    #[test]
    fn every_host_failing_at_once_in_the_same_phase_is_this_machine() {
        check(THREE, "0=ok 1=ok 2=ok 0=connect 1=connect 2=connect", "offline in connect with 3");
        check(THREE, "0=connect 1=connect 2=connect 5 1=ok", "offline in connect with 3, online after 6 s");
        check(THREE, "0=dns 1=dns 2=dns 0=dns 0=connect", "offline in dns with 3, online after 2 s");
    }

    #[test]
    fn different_phases_or_one_that_works_or_an_unknown_one_are_not() {
        check(THREE, "0=connect 1=dns 2=connect 0=connect", "");
        check(THREE, "0=connect 1=connect 2=ok 0=connect 1=connect", "");
        check(THREE, "0=connect 1=connect 0=connect 1=connect", "");
    }

    #[test]
    fn hosts_that_began_to_fail_at_different_times_are_not() {
        check(THREE, "0=connect 1=connect 120 2=connect 0=connect", "");
    }

    #[test]
    fn fewer_than_three_hosts_are_not_enough() {
        check(&["a.test", "b.test"], "0=connect 1=connect 0=connect 1=connect", "");
        check(&["a.test", "a.test", "a.test", "b.test"], "0=connect 1=connect 2=connect 3=connect", "");
    }

    #[test]
    fn loopback_needs_no_network() {
        check(&["localhost", "127.0.0.1", "[::1]", "lab.localhost"], "0=connect 1=connect 2=connect 3=connect", "");
        check(&["127.0.0.1", "b.test"], "0=ok 1=dns! 0=ok", "offline in dns with 1");
        assert!(is_loopback("127.9.9.9") && is_loopback("::1") && !is_loopback("localhost.test"));
    }

    #[test]
    fn no_name_server_is_this_machine_unless_another_endpoint_gets_through() {
        check(&["a.test"], "0=dns!", "offline in dns with 1");
        check(&["a.test", "b.test"], "1=ok 0=dns! 1=ok 0=dns! 1=ok", "");
        check(&["a.test", "b.test"], "1=ok 0=dns! 0=dns!", "offline in dns with 2");
    }

    #[test]
    fn an_answer_of_any_kind_and_our_own_lack_of_something_say_nothing_against_the_network() {
        assert_eq!(Reach::of(Err(&NetError::EmptyResponse)), Reach::Through);
        assert_eq!(Reach::of(Err(&NetError::LocalResource { what: "file descriptors" })), Reach::Through);
        let failed = Reach::of(Err(&NetError::DnsUnavailable));
        assert_eq!(failed, Reach::Failed { phase: Phase::Dns, local: true });
        let cert = Reach::of(Err(&NetError::CertExpired));
        assert!(matches!(cert, Reach::Failed { phase: Phase::Tls, local: false }));
    }
}
