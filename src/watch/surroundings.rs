//! "Is it me?": whether what fails is this machine's own connection rather than the endpoints. Pure.
//!
//! The first failure of an endpoint raises a **doubt** where others could still get through: they are to be asked at once,
//! the last to have got through first, and the failure is told only when the doubt is over. So a cut cable is found out
//! within one check's time instead of an interval of false failures. The rules, over the newest result of each endpoint;
//! endpoints on loopback never count, for they need no network:
//!
//! 1. Two hosts after another find **no route** from here or **no name server** that answers, and nothing got through
//!    between them; or one does, and there is no other host that could be asked.
//! 2. **At least three distinct hosts**, all of those that were asked among them, fail in the same phase at or before TLS
//!    since the doubt began; or all hosts that are watched do, and began to within [`AT_ONCE`] of one another. With fewer
//!    hosts two servers that are down would look like a cut cable, so then only the first rule holds.
//!
//! An endpoint has *got through* where anything answered, whatever it said: a 500 needs a network. The first that gets
//! through ends a doubt; the first that gets through, or further than where all ended, ends it all.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::EventBody;
use crate::base::{ProfileId, Wall};
use crate::wire::{NetError, Phase};

/// How close together failures have to begin to count as one.
pub const AT_ONCE: Duration = Duration::from_secs(60);
/// The least number of distinct hosts for the second rule.
const HOSTS: usize = 3;
/// How many other hosts are asked when a doubt comes up.
const WITNESSES: usize = 5;
/// An endpoint that raised a doubt which another refuted raises no more for so long: one that flaps by itself is not to
/// have the others asked each time.
const CALM: Duration = Duration::from_secs(60);

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
            // A name server that says nothing is as good as none.
            Err(NetError::Timeout { phase: Phase::Dns, .. }) => Self::Failed { phase: Phase::Dns, local: true },
            Err(error) => match error.phase() {
                phase @ (Phase::Dns | Phase::Connect | Phase::Proxy | Phase::Tls) => {
                    Self::Failed { phase, local: error.is_local() }
                }
                Phase::Request | Phase::FirstByte | Phase::Body | Phase::Open => Self::Through,
            },
        }
    }
}

/// The newest result of each endpoint, and what they come to.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    seen: HashMap<ProfileId, Seen>,
    offline: Option<Offline>,
    doubt: Option<Doubt>,
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
    /// Until then its failures raise no doubt.
    calm_until: Wall,
}

/// A failure may be ours.
#[derive(Clone, Debug)]
struct Doubt {
    /// Whose failure raised it.
    by: ProfileId,
    since: Wall,
    /// In which everything since then failed.
    phase: Option<Phase>,
    same: bool,
    /// The first that failed for want of a route or a name server.
    local: Option<ProfileId>,
    /// Asked, and not heard from yet.
    asked: Vec<ProfileId>,
    /// Whether the engine knows whom to ask.
    told: bool,
}

impl Surroundings {
    /// An endpoint is watched from now on; until its first result it stands against rule 2. `host` without its port.
    pub fn watch(&mut self, id: ProfileId, host: &str, at: Wall) {
        if is_loopback(host) {
            self.seen.remove(&id);
        } else if self.seen.get(&id).is_none_or(|seen| &*seen.host != host) {
            self.seen.insert(id, Seen { host: host.into(), at, reach: None, failing_since: at, calm_until: at });
        }
    }

    /// It is not watched any more.
    pub fn forget(&mut self, id: ProfileId) {
        self.seen.remove(&id);
        if let Some(doubt) = &mut self.doubt {
            doubt.asked.retain(|asked| *asked != id);
            if doubt.asked.is_empty() {
                self.doubt = None;
            }
        }
    }

    /// Whether a failure that was just taken in is not to be told yet: others are asked first.
    pub fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Whom to ask, once for each doubt. Each of them is to give a result, or to be [`not_asked`](Self::not_asked).
    pub fn take_questions(&mut self) -> Vec<ProfileId> {
        let Some(doubt) = &mut self.doubt else { return Vec::new() };
        if std::mem::replace(&mut doubt.told, true) { Vec::new() } else { doubt.asked.clone() }
    }

    /// It could not be asked after all, or gave no answer that says anything.
    pub fn not_asked(&mut self, id: ProfileId, at: Wall) -> Option<EventBody> {
        let doubt = self.doubt.as_mut()?;
        doubt.asked.retain(|asked| *asked != id);
        let phase = doubt.phase;
        self.settle().then(|| self.offline(phase, at))
    }

    /// An open session fell silent. Whether it or this machine is cut off is asked of others, and of its own host anew.
    pub fn on_silence(&mut self, id: ProfileId, at: Wall) {
        let Some(seen) = self.seen.get(&id).filter(|seen| seen.calm_until <= at) else { return };
        let seen_through = seen.reach == Some(Reach::Through);
        if self.offline.is_none() && self.doubt.is_none() && seen_through {
            let mut asked = self.witnesses(id);
            asked.push(id);
            self.doubt = Some(Doubt { by: id, since: at, phase: None, same: true, local: None, asked, told: false });
        }
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
        let is_new = seen.reach != Some(reach);
        if is_new {
            seen.failing_since = at;
        }
        let is_calm = at < seen.calm_until;
        (seen.at, seen.reach) = (at, Some(reach));
        match (reach, self.offline) {
            (Reach::Through, Some(offline)) => Some(self.online(offline, at)),
            // Further than where it ended: the network is back, whatever is wrong with this endpoint.
            (Reach::Failed { phase, local: false }, Some(offline)) if offline.phase < phase => {
                Some(self.online(offline, at))
            }
            (Reach::Failed { .. }, Some(_)) => None,
            (Reach::Through, None) => {
                self.refuted(at);
                None
            }
            (Reach::Failed { phase, local }, None) => {
                // What ends a doubt raises no other: what was held back for it is to be told now.
                let in_doubt = self.is_in_doubt();
                if self.is_cut(id, phase, local) {
                    return Some(self.offline(Some(phase), at));
                }
                if !in_doubt && is_new && !is_calm {
                    self.doubt(id, phase, local, at);
                }
                None
            }
        }
    }

    /// Whether this failure makes it the machine's own, the doubt's state brought up to it.
    fn is_cut(&mut self, id: ProfileId, phase: Phase, local: bool) -> bool {
        if self.all_fail_in(phase) || (local && self.witnesses(id).is_empty()) {
            return true;
        }
        let Some(doubt) = &mut self.doubt else { return false };
        doubt.asked.retain(|asked| *asked != id);
        doubt.same &= *doubt.phase.get_or_insert(phase) == phase;
        if local {
            let first = *doubt.local.get_or_insert(id);
            let host = |id| self.seen.get(&id).map(|seen| &seen.host);
            if host(first) != host(id) {
                return true;
            }
        }
        self.settle()
    }

    /// Ends the doubt once all that were asked have ended: by rule 2, or as the endpoints' own failures (false).
    fn settle(&mut self) -> bool {
        let Some(doubt) = self.doubt.take_if(|doubt| doubt.asked.is_empty()) else { return false };
        let failed_since = |seen: &&Seen| doubt.since <= seen.at && matches!(seen.reach, Some(Reach::Failed { .. }));
        doubt.same && HOSTS <= hosts(self.seen.values().filter(failed_since))
    }

    fn doubt(&mut self, id: ProfileId, phase: Phase, local: bool, since: Wall) {
        // Without a third host a failure that is not ours by its nature stays the endpoint's.
        if !local && hosts(self.seen.values()) < HOSTS {
            return;
        }
        let asked = self.witnesses(id);
        if !asked.is_empty() {
            let local = local.then_some(id);
            self.doubt = Some(Doubt { by: id, since, phase: Some(phase), same: true, local, asked, told: false });
        }
    }

    /// Endpoints of other hosts that may get through, one a host, the last to have done so first.
    fn witnesses(&self, id: ProfileId) -> Vec<ProfileId> {
        let mut hosts: Vec<&str> = self.seen.get(&id).map(|seen| &*seen.host).into_iter().collect();
        let may = |seen: &Seen| !matches!(seen.reach, Some(Reach::Failed { .. }));
        let mut all: Vec<_> = self.seen.iter().filter(|(_, seen)| may(seen)).collect();
        all.sort_unstable_by_key(|(id, seen)| std::cmp::Reverse((seen.reach.is_some(), seen.at, **id)));
        let mut out = Vec::new();
        for (id, seen) in all {
            if out.len() < WITNESSES && !hosts.contains(&&*seen.host) {
                hosts.push(&seen.host);
                out.push(*id);
            }
        }
        out
    }

    fn refuted(&mut self, at: Wall) {
        let Some(doubt) = self.doubt.take() else { return };
        if let Some(seen) = self.seen.get_mut(&doubt.by) {
            seen.calm_until = at.plus(CALM);
        }
    }

    fn offline(&mut self, phase: Option<Phase>, at: Wall) -> EventBody {
        self.doubt = None;
        self.offline = Some(Offline { since: at, phase: phase.unwrap_or(Phase::Dns) });
        EventBody::Offline { phase, affected: u32::try_from(self.seen.len()).unwrap_or(u32::MAX) }
    }

    fn online(&mut self, offline: Offline, at: Wall) -> EventBody {
        self.offline = None;
        EventBody::Online { after: at.since(offline.since) }
    }

    /// Rule 2, over all that is watched.
    fn all_fail_in(&self, phase: Phase) -> bool {
        let (mut first, mut last) = (Wall(i64::MAX), Wall(i64::MIN));
        for seen in self.seen.values() {
            match seen.reach {
                Some(Reach::Failed { phase: other, .. }) if other == phase => {}
                Some(Reach::Failed { .. } | Reach::Through) | None => return false,
            }
            first = first.min(seen.failing_since);
            last = last.max(seen.failing_since);
        }
        last.since(first) <= AT_ONCE && HOSTS <= hosts(self.seen.values())
    }
}

/// How many hosts these are.
fn hosts<'a>(seen: impl Iterator<Item = &'a Seen>) -> usize {
    seen.map(|seen| &*seen.host).collect::<HashSet<&str>>().len()
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

    /// A script: `id=ok`, `id=dns`, `id=dns!` (local), `id=connect`, one a second; a bare number passes so many seconds, `-id`
    /// could not be asked, and `~id` is an open session that fell silent.
    #[track_caller]
    fn check(hosts: &[&str], results: &str, expected: &str) {
        let mut surroundings = Surroundings::default();
        for (id, host) in hosts.iter().enumerate() {
            surroundings.watch(ProfileId(u32::try_from(id).unwrap()), host, Wall(0));
        }
        let mut got = Vec::new();
        let mut second = 0;
        for result in results.split_whitespace() {
            let body = if let Some((id, what)) = result.split_once('=') {
                let reach = match what {
                    "ok" => Reach::Through,
                    "dns" => Reach::Failed { phase: Phase::Dns, local: false },
                    "dns!" => Reach::Failed { phase: Phase::Dns, local: true },
                    "connect" => Reach::Failed { phase: Phase::Connect, local: false },
                    other => panic!("{other}"),
                };
                second += 1;
                surroundings.on_result(ProfileId(id.parse().unwrap()), reach, Wall(second * 1_000_000))
            } else if let Some(id) = result.strip_prefix('~') {
                surroundings.on_silence(ProfileId(id.parse().unwrap()), Wall(second * 1_000_000));
                None
            } else if let Some(id) = result.strip_prefix('-') {
                surroundings.not_asked(ProfileId(id.parse().unwrap()), Wall(second * 1_000_000))
            } else {
                second += result.parse::<i64>().unwrap();
                None
            };
            let asked = surroundings.take_questions();
            if !asked.is_empty() {
                got.push(format!("ask {}", asked.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")));
            }
            got.extend(body.map(|body| match body {
                EventBody::Offline { phase, affected } => {
                    format!("offline in {} with {affected}", phase.unwrap().code())
                }
                EventBody::Online { after } => format!("online after {} s", after.as_secs()),
                other => other.kind().into(),
            }));
        }
        if surroundings.is_in_doubt() {
            got.push("in doubt".into());
        }
        assert_eq!(got.join(", "), expected, "{results}");
    }

    const THREE: &[&str] = &["a.test", "b.test", "c.test"];

    #[test]
    fn the_first_failure_has_others_asked_before_it_is_told() {
        check(THREE, "0=ok 1=ok 2=ok 0=connect", "ask 2 1, in doubt");
        check(THREE, "0=ok 1=ok 2=ok 0=connect 2=ok", "ask 2 1");
        check(THREE, "0=ok 1=ok 2=ok 0=connect 2=ok 0=connect", "ask 2 1");
        check(THREE, "0=connect", "ask 2 1, in doubt");
        check(&["a.test", "a.test", "b.test", "b.test"], "2=ok 1=ok 3=ok 0=dns!", "ask 3, in doubt");
    }

    #[test]
    fn an_endpoint_that_flaps_by_itself_leaves_the_others_alone() {
        let flapping = "0=ok 1=ok 2=ok 0=connect 2=ok 0=ok 0=connect 0=ok";
        check(THREE, flapping, "ask 2 1");
        check(THREE, &format!("{flapping} 60 0=connect"), "ask 2 1, ask 2 1, in doubt");
        check(THREE, &format!("{flapping} 1=dns!"), "ask 2 1, ask 0 2, in doubt");
    }

    #[test]
    fn every_host_failing_at_once_in_the_same_phase_is_this_machine() {
        check(THREE, "0=ok 1=ok 2=ok 0=connect 1=connect 2=connect", "ask 2 1, offline in connect with 3");
        check(THREE, "0=connect 1=connect 2=connect 5 1=ok", "ask 2 1, offline in connect with 3, online after 6 s");
        check(THREE, "0=dns 1=dns 2=dns 0=dns 0=connect", "ask 2 1, offline in dns with 3, online after 2 s");
    }

    #[test]
    fn of_many_hosts_those_that_got_through_last_are_enough() {
        let hosts: Vec<String> = (0..20).map(|number| format!("{number}.test")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let well = "1=ok 2=ok 3=ok 4=ok 5=ok 6=ok 0=connect";
        check(&hosts, &format!("{well} 6=connect 5=connect 4=connect 3=connect"), "ask 6 5 4 3 2, in doubt");
        let all = format!("{well} 6=connect 5=connect 4=connect 3=connect 2=connect");
        check(&hosts, &all, "ask 6 5 4 3 2, offline in connect with 20");
        check(&hosts, &format!("{well} 6=connect -5 -4 -3 -2"), "ask 6 5 4 3 2");
        check(&hosts, &format!("{well} 6=connect 5=connect -4 -3 -2"), "ask 6 5 4 3 2, offline in connect with 20");
        check(&hosts, &format!("{well} 6=connect 5=dns 4=connect 3=connect 2=connect"), "ask 6 5 4 3 2");
    }

    #[test]
    fn a_session_that_falls_silent_has_others_and_its_own_host_asked() {
        check(THREE, "0=ok 1=ok 2=ok ~0 2=ok", "ask 2 1 0");
        check(THREE, "0=ok 1=ok 2=ok ~0 2=ok ~0", "ask 2 1 0");
        check(THREE, "0=ok 1=ok 2=ok ~0 2=connect 1=connect 0=connect", "ask 2 1 0, offline in connect with 3");
        check(THREE, "0=ok 1=ok 2=ok ~0 2=dns! 0=dns!", "ask 2 1 0, offline in dns with 3");
        check(&["a.test"], "0=ok ~0 0=dns!", "ask 0, offline in dns with 1");
        check(&["a.test"], "0=ok ~0 0=connect", "ask 0");
    }

    #[test]
    fn different_phases_or_one_that_works_or_an_unknown_one_are_not() {
        check(THREE, "0=connect 1=dns 2=connect 0=connect", "ask 2 1");
        check(THREE, "0=connect 1=connect 2=ok 0=connect 1=connect", "ask 2 1");
        check(THREE, "0=connect 1=connect 0=connect 1=connect", "ask 2 1, in doubt");
    }

    #[test]
    fn hosts_that_began_to_fail_at_different_times_are_not() {
        check(THREE, "0=connect -1 -2 1=connect 120 2=connect 0=connect", "ask 2 1, ask 2");
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
        check(&["a.test", "b.test"], "1=ok 0=dns! 1=ok 0=dns! 1=ok", "ask 1");
        check(&["a.test", "b.test"], "1=ok 0=dns! 1=dns!", "ask 1, offline in dns with 2");
        check(&["a.test", "a.test", "b.test"], "2=ok 0=dns! 1=dns!", "ask 2, in doubt");
        check(THREE, "1=ok 0=dns! 1=connect 2=connect", "ask 1 2");
    }

    #[test]
    fn an_answer_of_any_kind_and_our_own_lack_of_something_say_nothing_against_the_network() {
        assert_eq!(Reach::of(Err(&NetError::EmptyResponse)), Reach::Through);
        assert_eq!(Reach::of(Err(&NetError::LocalResource { what: "file descriptors" })), Reach::Through);
        let failed = Reach::of(Err(&NetError::DnsUnavailable));
        assert_eq!(failed, Reach::Failed { phase: Phase::Dns, local: true });
        let silent = NetError::Timeout { phase: Phase::Dns, after: Duration::from_secs(5) };
        assert_eq!(Reach::of(Err(&silent)), failed);
        let cert = Reach::of(Err(&NetError::CertExpired));
        assert!(matches!(cert, Reach::Failed { phase: Phase::Tls, local: false }));
    }
}
