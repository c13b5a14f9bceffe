//! Which notices are due: when an incident opens, again while it lasts, and when it ends; when an audit found a policy worse. Pure; sending is the engine's.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{EventBody, Reason};
use crate::base::{ProfileId, Wall};

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub profile: ProfileId,
    pub at: Wall,
    pub news: News,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Failing {
        reason: Option<Reason>,
        failures: u32,
    },
    StillFailing {
        reason: Option<Reason>,
        since: Wall,
    },
    Recovered {
        after: Duration,
    },
    /// An audit found that more is let in than before, or something new amiss: a phrase each.
    Opened {
        what: Vec<Box<str>>,
    },
}

/// The open incidents, and when each was last told.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    open: BTreeMap<ProfileId, Told>,
}

#[derive(Clone, Debug)]
struct Told {
    reason: Option<Reason>,
    since: Wall,
    again_at: Wall,
    again: Duration,
}

impl Ledger {
    /// Takes an event of `profile`, whose notices repeat each `again`; says what is to be told at once.
    pub fn on_event(&mut self, profile: ProfileId, body: &EventBody, again: Duration, at: Wall) -> Option<Notice> {
        let news = match body {
            EventBody::IncidentOpened { reason, failures } => {
                let told = Told { reason: reason.clone(), since: at, again_at: at.plus(again), again };
                self.open.insert(profile, told);
                News::Failing { reason: reason.clone(), failures: *failures }
            }
            EventBody::IncidentClosed { lasted } => {
                self.open.remove(&profile)?;
                News::Recovered { after: *lasted }
            }
            EventBody::Audited(audited) => {
                let what = audited.changed.as_ref().map(|change| change.opened.clone())?;
                if what.is_empty() {
                    return None;
                }
                News::Opened { what }
            }
            _ => return None,
        };
        Some(Notice { profile, at, news })
    }

    /// The profile is no longer watched: its incident is nobody's news.
    pub fn forget(&mut self, profile: ProfileId) {
        self.open.remove(&profile);
    }

    /// The repetitions that are due by `now`. One that was missed many times over (sleep) is told once.
    pub fn due(&mut self, now: Wall) -> Vec<Notice> {
        let mut due = Vec::new();
        for (profile, told) in &mut self.open {
            if told.again.is_zero() || now < told.again_at {
                continue;
            }
            told.again_at = now.plus(told.again);
            let news = News::StillFailing { reason: told.reason.clone(), since: told.since };
            due.push(Notice { profile: *profile, at: now, news });
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::watch::{Audited, Code, PolicyChange};

    const HOUR: Duration = Duration::from_secs(3600);
    const CHAT: ProfileId = ProfileId(1);

    fn opened() -> EventBody {
        EventBody::IncidentOpened { reason: Some(Reason::new(Code::ConnectionRefused)), failures: 3 }
    }

    fn after(hours: f64) -> Wall {
        Wall::from_secs_f64(hours * 3600.0)
    }

    #[test]
    fn an_incident_is_told_at_once_again_each_hour_and_at_its_end() {
        let mut ledger = Ledger::default();
        assert!(ledger.on_event(CHAT, &opened(), HOUR, after(0.0)).is_some());
        assert_eq!(ledger.due(after(0.9)), []);
        let again = ledger.due(after(1.0));
        assert!(matches!(again[..], [Notice { news: News::StillFailing { .. }, .. }]), "{again:?}");
        assert_eq!(ledger.due(after(1.5)), []);
        let closed = EventBody::IncidentClosed { lasted: HOUR };
        let told = ledger.on_event(CHAT, &closed, HOUR, after(1.6)).map(|notice| notice.news);
        assert_eq!(told, Some(News::Recovered { after: HOUR }));
        assert_eq!(ledger.due(after(9.0)), []);
    }

    #[test]
    fn repetitions_missed_asleep_are_told_once() {
        let mut ledger = Ledger::default();
        ledger.on_event(CHAT, &opened(), HOUR, after(0.0));
        assert_eq!(ledger.due(after(8.0)).len(), 1);
        assert_eq!(ledger.due(after(8.5)), []);
    }

    #[test]
    fn a_policy_that_became_worse_is_told_once_and_a_better_one_is_not() {
        let audited = |opened: &[&str], closed: &[&str]| {
            let list = |phrases: &[&str]| phrases.iter().map(|one| Box::from(*one)).collect();
            let changed = Some(PolicyChange { opened: list(opened), closed: list(closed) });
            EventBody::Audited(Arc::new(Audited { changed, ..Audited::default() }))
        };
        let mut ledger = Ledger::default();
        let worse = audited(&["now also lets in null (get)"], &[]);
        let told = ledger.on_event(CHAT, &worse, HOUR, after(0.0)).map(|notice| notice.news);
        assert_eq!(told, Some(News::Opened { what: vec!["now also lets in null (get)".into()] }));
        assert_eq!(ledger.due(after(2.0)), []);
        let better = audited(&[], &["no longer lets in null (get)"]);
        assert_eq!(ledger.on_event(CHAT, &better, HOUR, after(3.0)), None);
        assert_eq!(ledger.on_event(CHAT, &EventBody::Audited(Arc::default()), HOUR, after(3.0)), None);
    }

    #[test]
    fn zero_means_never_again_and_an_end_without_a_beginning_is_no_news() {
        let mut ledger = Ledger::default();
        ledger.on_event(CHAT, &opened(), Duration::ZERO, after(0.0));
        assert_eq!(ledger.due(after(99.0)), []);
        ledger.forget(CHAT);
        assert_eq!(ledger.on_event(CHAT, &EventBody::IncidentClosed { lasted: HOUR }, HOUR, after(1.0)), None);
    }
}
