//! What stands in place of a profile's plots and tabs while a person wants it: the same endpoint from many pages, a failure
//! before and after a change, two endpoints side by side, an audit, a server's files.
//!
//! Invariant: it holds errands and what they brought; it draws nothing and decides nothing. Dropping it ends its errands.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::vm::audit::{AuditVm, Stage};
use super::vm::lint::LintVm;
use super::vm::local;
use super::vm::pages::PagesVm;
use super::vm::sides::{Checked, SideVm, SidesVm, alone, mending};
use crate::base::{ProfileId, Wall};
use crate::diagnosis::mended::Mended;
use crate::diagnosis::words;
use crate::engine::errand::Brought;
use crate::engine::{Errand, Underway, further::Often};
use crate::model::Watched;
use crate::profile::Profile;
use crate::watch::{CheckReport, Outcome, State};

/// How long a socket that opens is stayed with where it failed before that, and where it failed after.
const STAY: std::time::Duration = std::time::Duration::from_secs(1);
const STAY_LONG: std::time::Duration = std::time::Duration::from_secs(5);

const BROKEN_OFF: &str = "It was broken off. Ask again.";

/// One such view.
#[derive(Debug)]
pub struct Aside {
    /// Whose place it takes.
    pub id: ProfileId,
    pub name: String,
    pub what: What,
}

/// Which.
#[derive(Debug)]
pub enum What {
    Pages { vm: Box<PagesVm>, underway: Option<Underway>, trouble: Option<String> },
    Sides(Box<Sides>),
    Lint { vm: Box<LintVm>, underway: Option<Underway>, trouble: Option<String> },
    Audit { vm: Box<AuditVm>, underway: Option<Underway>, trouble: Option<String> },
}

/// Two checks.
#[derive(Debug)]
pub struct Sides {
    pub purpose: Purpose,
    pub slots: [Slot; 2],
    /// Once both are there.
    pub vm: Option<SidesVm>,
}

/// Why two checks stand side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Before a change and after it; once both are there, whether it is mended.
    Verify(Option<Mended>),
    Compare,
}

/// One of the two.
#[derive(Debug)]
pub struct Slot {
    pub title: String,
    pub profile: Arc<Profile>,
    pub checked: Option<Checked>,
    /// Its head, as soon as it was checked.
    pub head: Option<SideVm>,
    pub underway: Option<Underway>,
    /// Why it could not be checked.
    pub trouble: Option<String>,
}

/// Sets an errand out, or says why it can't be.
pub type Begin<'a> = &'a dyn Fn(Errand) -> Result<Underway, String>;

impl Aside {
    /// The same endpoint from many pages.
    pub fn pages(id: ProfileId, name: String, profile: Arc<Profile>) -> Self {
        let vm = Box::new(PagesVm::new(profile));
        Self { id, name, what: What::Pages { vm, underway: None, trouble: None } }
    }

    /// A failure, to be looked at again.
    pub fn verify(id: ProfileId, name: String, before: Checked) -> Self {
        let after = Slot::new("After".to_owned(), Arc::clone(&before.profile));
        let before =
            Slot { head: alone(&before), checked: Some(before.clone()), ..Slot::new(before.title, before.profile) };
        let sides = Sides { purpose: Purpose::Verify(None), slots: [before, after], vm: None };
        Self { id, name, what: What::Sides(Box::new(sides)) }
    }

    /// Two endpoints.
    pub fn compare(id: ProfileId, name: String, one: Arc<Profile>, other: Arc<Profile>) -> Self {
        let slots = [one, other].map(|profile| Slot::new(profile.name.clone(), profile));
        Self { id, name, what: What::Sides(Box::new(Sides { purpose: Purpose::Compare, slots, vm: None })) }
    }

    /// Who else is let in.
    pub fn audit(id: ProfileId, name: String, profile: Arc<Profile>) -> Self {
        let vm = Box::new(AuditVm::new(profile));
        Self { id, name, what: What::Audit { vm, underway: None, trouble: None } }
    }

    /// What a server's files say.
    pub fn lint(id: ProfileId, name: String, vm: LintVm) -> Self {
        Self { id, name, what: What::Lint { vm: Box::new(vm), underway: None, trouble: None } }
    }

    /// A person agreed to what the audit would send.
    pub fn agree(&mut self, begin: Begin<'_>) {
        if let What::Audit { vm, underway, trouble } = &mut self.what {
            let profile = Arc::clone(&vm.profile);
            vm.stage = Stage::Looking;
            (*underway, *trouble) = split(begin(Errand::Audit { profile, agreed: true }));
        }
    }

    /// Asks, or asks again, by the profile as it is by now; what was kept as "before" stays.
    pub fn ask(&mut self, profile: &Arc<Profile>, begin: Begin<'_>) {
        match &mut self.what {
            What::Pages { vm, underway, trouble } => {
                **vm = PagesVm::new(Arc::clone(profile));
                (*underway, *trouble) = split(begin(Errand::Matrix { profile: Arc::clone(profile) }));
            }
            What::Lint { vm, underway, trouble } => {
                vm.forget();
                let (profile, reading) = (Arc::clone(&vm.profile), Arc::clone(&vm.reading));
                (*underway, *trouble) = split(begin(Errand::Against { profile, reading }));
            }
            What::Audit { vm, underway, trouble } => {
                **vm = AuditVm::new(Arc::clone(profile));
                (*underway, *trouble) = split(begin(Errand::Audit { profile: Arc::clone(profile), agreed: false }));
            }
            What::Sides(sides) => {
                sides.vm = None;
                let first = match &mut sides.purpose {
                    Purpose::Verify(mended) => {
                        *mended = None;
                        1
                    }
                    Purpose::Compare => 0,
                };
                sides.slots[first].profile = Arc::clone(profile);
                let stay = sides.stay();
                for slot in &mut sides.slots[first..] {
                    slot.ask(stay, begin);
                }
            }
        }
    }

    /// Whether an answer is still to come.
    pub fn is_underway(&self) -> bool {
        match &self.what {
            What::Pages { underway, .. } | What::Audit { underway, .. } | What::Lint { underway, .. } => {
                underway.is_some()
            }
            What::Sides(sides) => sides.slots.iter().any(|slot| slot.underway.is_some()),
        }
    }

    pub fn is_verify(&self) -> bool {
        matches!(&self.what, What::Sides(sides) if matches!(sides.purpose, Purpose::Verify(_)))
    }

    /// What failed works, as far as was seen: whether what was looked at is mended; `None`: it is no such look, or not over.
    pub fn mended(&self) -> Option<&Mended> {
        match &self.what {
            What::Sides(sides) => match &sides.purpose {
                Purpose::Verify(mended) => mended.as_ref(),
                Purpose::Compare => None,
            },
            What::Pages { .. } | What::Audit { .. } | What::Lint { .. } => None,
        }
    }

    /// Takes in what has come; true where that ended it.
    pub fn take_in(&mut self, now: Wall, zone: &TimeZone) -> bool {
        let was_underway = self.is_underway();
        match &mut self.what {
            What::Pages { vm, underway, trouble } => {
                while let Some(brought) = underway.as_mut().and_then(Underway::try_next) {
                    match brought {
                        Brought::Page { at, seen } => vm.take(at, *seen),
                        Brought::Unready(reason) => *trouble = Some(unready(&words::phrase(&reason))),
                        _ => {}
                    }
                }
                if underway.as_ref().is_some_and(Underway::is_over) {
                    *underway = None;
                    vm.end();
                    if vm.progress().0 == 0 && trouble.is_none() {
                        *trouble = Some(BROKEN_OFF.to_owned());
                    }
                }
            }
            What::Lint { vm, underway, trouble } => {
                while let Some(brought) = underway.as_mut().and_then(Underway::try_next) {
                    match brought {
                        Brought::Tried(tried) => vm.take(*tried),
                        Brought::Unready(reason) => *trouble = Some(unready(&words::phrase(&reason))),
                        _ => {}
                    }
                }
                if underway.as_ref().is_some_and(Underway::is_over) {
                    *underway = None;
                    if vm.tried.is_empty() && trouble.is_none() {
                        *trouble = Some(BROKEN_OFF.to_owned());
                    }
                }
            }
            What::Audit { vm, underway, trouble } => {
                while let Some(brought) = underway.as_mut().and_then(Underway::try_next) {
                    match brought {
                        Brought::AuditPlan(plan) => vm.plan(plan),
                        Brought::AuditSent(sent) => vm.sent(sent),
                        Brought::Audited(audited) => vm.end(&audited, now, zone),
                        Brought::Unready(reason) => *trouble = Some(unready(&words::phrase(&reason))),
                        _ => {}
                    }
                }
                if underway.as_ref().is_some_and(Underway::is_over) {
                    *underway = None;
                    if matches!(vm.stage, Stage::Looking | Stage::Sending { .. }) && trouble.is_none() {
                        *trouble = Some(BROKEN_OFF.to_owned());
                    }
                }
            }
            What::Sides(sides) => sides.take_in(now, zone),
        }
        was_underway && !self.is_underway()
    }

    /// As text, to be pasted or saved; `None`: there is nothing yet.
    pub fn text(&self) -> Option<String> {
        match &self.what {
            What::Pages { vm, .. } => (0 < vm.progress().0).then(|| vm.text()),
            What::Audit { vm, .. } => vm.text(),
            What::Lint { vm, .. } => Some(vm.text()),
            What::Sides(sides) => sides.vm.as_ref().map(|vm| vm.text(&sides.heading(&self.name))),
        }
    }
}

impl Sides {
    /// What they come to, a few words.
    pub fn heading(&self, name: &str) -> String {
        match (&self.purpose, &self.vm) {
            (Purpose::Verify(Some(mended)), _) => format!("{name}: {}.", mended.words()),
            (Purpose::Compare, Some(vm)) => vm.parting(),
            (Purpose::Verify(None), _) | (Purpose::Compare, None) => name.to_owned(),
        }
    }

    /// Long enough to see again how a connection ended that had opened.
    fn stay(&self) -> std::time::Duration {
        let ended = |report: &CheckReport| report.close.is_some();
        let before = self.slots[0].checked.as_ref();
        if before.is_some_and(|before| before.reports.iter().any(ended)) { STAY_LONG } else { STAY }
    }

    fn take_in(&mut self, now: Wall, zone: &TimeZone) {
        for slot in &mut self.slots {
            slot.take_in(
                matches!(self.purpose, Purpose::Verify(_)).then(|| format!("After, {}", local::second(now, zone))),
            );
        }
        if self.vm.is_none()
            && let [Some(one), Some(other)] = self.slots.each_ref().map(|slot| slot.checked.as_ref())
        {
            self.vm = SidesVm::build(one, other);
            if let Purpose::Verify(mended) = &mut self.purpose {
                *mended = mending(one, other);
            }
        }
    }
}

impl Slot {
    fn new(title: String, profile: Arc<Profile>) -> Self {
        Self { title, profile, checked: None, head: None, underway: None, trouble: None }
    }

    fn ask(&mut self, stay: std::time::Duration, begin: Begin<'_>) {
        let profile = Arc::clone(&self.profile);
        let observe = Some(stay.max(profile.observe));
        (self.checked, self.head) = (None, None);
        (self.underway, self.trouble) =
            split(begin(Errand::Examine { profile, own: Vec::new(), observe, often: Often::ONCE }));
    }

    /// `title`: in place of the address.
    fn take_in(&mut self, title: Option<String>) {
        while let Some(brought) = self.underway.as_mut().and_then(Underway::try_next) {
            match brought {
                Brought::Checked { profile, url, reports } => {
                    let title = title.clone().unwrap_or(url);
                    let checked = Checked { title, profile, reports };
                    (self.head, self.checked) = (alone(&checked), Some(checked));
                }
                Brought::Unready(reason) => self.trouble = Some(unready(&words::phrase(&reason))),
                _ => {}
            }
        }
        if self.underway.as_ref().is_some_and(Underway::is_over) {
            self.underway = None;
            if self.checked.is_none() && self.trouble.is_none() {
                self.trouble = Some(BROKEN_OFF.to_owned());
            }
        }
    }
}

fn unready(why: &str) -> String {
    format!("Nothing was sent: {why}.")
}

fn split(begun: Result<Underway, String>) -> (Option<Underway>, Option<String>) {
    match begun {
        Ok(underway) => (Some(underway), None),
        Err(why) => (None, Some(why)),
    }
}

/// What a profile fails by now, as a check: its last one, or of a session what its last handshake and its end say. `None`:
/// nothing that could be checked again.
pub fn failure(watched: &Watched, now: Wall, zone: &TimeZone) -> Option<Checked> {
    let profile = Arc::clone(watched.profile.as_ref()?);
    let checked = |at: Wall, report: CheckReport| Checked {
        title: format!("Before, {}", local::near(at, now, zone)),
        profile,
        reports: vec![report],
    };
    if !watched.is_session() {
        let (at, report) = watched.last_check.as_ref()?;
        return (report.outcome != Outcome::Up).then(|| checked(*at, CheckReport::clone(report)));
    }
    // Of an open session nothing fails.
    let reason = watched.reason.clone().filter(|_| watched.state != State::Connected)?;
    let handshake = watched.last_handshake.as_ref();
    let close = watched.last_close.as_ref().filter(|(at, _)| handshake.is_none_or(|seen| seen.at <= *at));
    let at = close.map(|(at, _)| *at).or(handshake.map(|seen| seen.at)).or(watched.since)?;
    let report = CheckReport {
        outcome: Outcome::Down,
        state: watched.state,
        reason: Some(reason),
        scheduled: at,
        lateness: std::time::Duration::ZERO,
        phases: handshake.map(|seen| seen.exchange.phases).unwrap_or_default(),
        status: handshake.and_then(|seen| seen.exchange.status()),
        exchanges: handshake.map(|seen| Arc::clone(&seen.exchange)).into_iter().collect(),
        preflighted: false,
        console: None,
        close: close.map(|(_, facts)| facts.clone()),
        steps: Vec::new(),
        further: Vec::new(),
    };
    Some(checked(at, report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Live;
    use crate::profile::Kind;
    use crate::watch::{Code, Event, EventBody, Reason};
    use crate::window::vm::sides::sample::checked;
    use crate::wire::{Exchange, Purpose};

    const ID: ProfileId = ProfileId(1);

    /// A session's profile after these events.
    fn session(bodies: Vec<EventBody>) -> Live {
        let mut live = Live::new();
        let mut profile = Profile::new("Sales chat", Kind::WebSocket, "wss://api.test/ws/".parse().unwrap());
        profile.page = Some("https://example.com/".parse().unwrap());
        live.set_profile(ID, Arc::new(profile));
        for body in bodies {
            let seq = live.last_seq() + 1;
            live.apply(&Arc::new(Event { seq, at: Wall(1_700_000_000_000_000), profile: Some(ID), body }));
        }
        live
    }

    fn entered(from: State, to: State, reason: Option<Reason>) -> EventBody {
        EventBody::State { from, to, reason, attempt: 1 }
    }

    #[test]
    fn what_a_session_fails_by_is_kept_with_its_handshake() {
        let reason = Some(Reason::new(Code::OriginRefused).with_status(403));
        let mut exchange = Exchange::clone(&checked("x", None).reports[0].exchanges[0]);
        exchange.request.purpose = Purpose::Handshake;
        let handshake =
            EventBody::Handshake { attempt: 1, exchange: Arc::new(exchange), reason: reason.clone(), protocol: None };
        let refused = entered(State::Connecting, State::CorsError, reason.clone());
        let live = session(vec![handshake.clone(), refused.clone()]);
        let before = failure(live.get(ID).unwrap(), Wall(1_700_000_000_000_000), &TimeZone::UTC).unwrap();
        let report = &before.reports[0];
        assert_eq!(before.title, "Before, 22:13:20");
        assert_eq!((report.state, &report.reason, report.exchanges.len()), (State::CorsError, &reason, 1));
        // Once it is open nothing fails, whatever was before.
        let live = session(vec![handshake, refused, entered(State::CorsError, State::Connected, None)]);
        assert_eq!(failure(live.get(ID).unwrap(), Wall(0), &TimeZone::UTC), None);
    }

    #[test]
    fn a_check_that_came_out_well_is_no_failure() {
        let mut live = Live::new();
        for allowed in [None, Some("https://example.com")] {
            let made = checked("x", allowed);
            live.set_profile(ID, made.profile);
            let body = EventBody::Check(Arc::new(made.reports[0].clone()));
            let seq = live.last_seq() + 1;
            live.apply(&Arc::new(Event { seq, at: Wall(1), profile: Some(ID), body }));
            let found = failure(live.get(ID).unwrap(), Wall(1), &TimeZone::UTC);
            assert_eq!(found.is_none(), allowed.is_some());
        }
    }
}
