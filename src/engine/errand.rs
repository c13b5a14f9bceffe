//! What a person asks for once, beside the schedule: it runs on the engine's runtime, touches no history and no state, and is
//! ended by dropping it.
//!
//! Invariant: what it brings waits in a bounded queue; an errand whose asker doesn't look waits, the monitor doesn't.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::task::AbortHandle;

use super::against::{self, Tried};
use super::audit::{Audit, AuditPlan, Audited, USUAL_RATE};
use super::further::{self, Often};
use super::matrix;
use super::target::{Patterns, SecretSource, Target};
use crate::base::{Clock, ProfileId, Secret};
use crate::diagnosis::matrix::{MOST, Seen};
use crate::profile::Profile;
use crate::serverconf::Reading;
use crate::watch::{CheckReport, Reason};

/// How much may wait to be looked at.
const QUEUE: usize = 32;

/// One wish.
#[derive(Clone, Debug)]
pub enum Errand {
    /// A whole check, with what it leaves open asked besides.
    Examine {
        profile: Arc<Profile>,
        /// Secrets that came with the wish; the monitor's own stand behind them.
        own: Vec<(String, Secret)>,
        /// How long a connection is stayed with; `None`: as the profile says.
        observe: Option<Duration>,
        often: Often,
    },
    /// The same endpoint from many pages.
    Matrix { profile: Arc<Profile> },
    /// Whether the server does as its files say.
    Against { profile: Arc<Profile>, reading: Arc<Reading> },
    /// Who else is let in. Where it was not agreed to and the host is not this machine, the plan is all that comes.
    Audit { profile: Arc<Profile>, agreed: bool },
}

/// What it brings.
#[derive(Clone, Debug)]
pub enum Brought {
    /// What was checked; secrets replaced, in the address too.
    Checked {
        profile: Arc<Profile>,
        url: String,
        reports: Vec<CheckReport>,
    },
    /// A row of the matrix, with its place among [`matrix::askers`](crate::diagnosis::matrix::askers).
    Page {
        at: usize,
        seen: Box<Seen>,
    },
    /// What came of one page that a server's files name.
    Tried(Box<Tried>),
    /// What an audit would send next, or why it can't.
    AuditPlan(AuditPlan),
    /// So many of its requests went out.
    AuditSent(usize),
    Audited(Box<Audited>),
    /// Why nothing was sent: a secret is missing, a file can't be read.
    Unready(Reason),
}

/// An errand under way. Dropping it ends it.
pub struct Underway {
    brought: mpsc::Receiver<Brought>,
    task: Option<AbortHandle>,
    over: bool,
}

impl Underway {
    /// Sets out; `wake` is called when something has come, and at the end.
    pub(super) fn begin(
        runtime: &Handle,
        errand: Errand,
        secrets: SecretSource,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let (told, brought) = mpsc::channel(QUEUE);
        let wake = Wake(Box::new(wake));
        let task = runtime.spawn(async move {
            let bring = Bring { told, wake };
            run(errand, secrets, &bring).await;
            drop(bring);
        });
        Self { brought, task: Some(task.abort_handle()), over: false }
    }

    /// One that is over already: for what stands in for an engine.
    pub fn of(brought: Vec<Brought>) -> Self {
        let (told, receiver) = mpsc::channel(brought.len().max(1));
        for one in brought {
            // As many as it has room for.
            let _ = told.try_send(one);
        }
        Self { brought: receiver, task: None, over: false }
    }

    /// What has come since the last look.
    pub fn try_next(&mut self) -> Option<Brought> {
        match self.brought.try_recv() {
            Ok(brought) => Some(brought),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.over = true;
                None
            }
        }
    }

    /// All has come and was looked at. Where nothing came, it was broken off.
    pub fn is_over(&self) -> bool {
        self.over
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl fmt::Debug for Underway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Underway").field("over", &self.over).finish_non_exhaustive()
    }
}

/// Where an errand's task leaves what it found.
struct Bring {
    // Goes before the wake: who is woken at the end finds the end.
    told: mpsc::Sender<Brought>,
    wake: Wake,
}

impl Bring {
    async fn one(&self, brought: Brought) {
        // Whoever asked has gone: so will the task.
        let _ = self.told.send(brought).await;
        (self.wake.0)();
    }

    /// Without waiting; lost where there is no room.
    fn at_once(&self, brought: Brought) {
        let _ = self.told.try_send(brought);
        (self.wake.0)();
    }
}

/// Wakes once more when it goes, however that comes about.
struct Wake(Box<dyn Fn() + Send + Sync>);

impl Drop for Wake {
    fn drop(&mut self) {
        (self.0)();
    }
}

async fn run(errand: Errand, secrets: SecretSource, bring: &Bring) {
    match errand {
        Errand::Matrix { profile } => {
            const { assert!(MOST <= QUEUE, "a row has no room") };
            let Some(target) = ready(profile, Vec::new(), secrets).await else { return };
            if let Err(reason) = target.client() {
                return bring.one(Brought::Unready(reason.clone())).await;
            }
            matrix::run(&target, Clock, |at, seen| bring.at_once(Brought::Page { at, seen: Box::new(seen) })).await;
        }
        Errand::Against { profile, reading } => {
            const { assert!(against::MOST < QUEUE, "a page has no room") };
            let Some(guard) = against::guard(&reading, profile.kind) else { return };
            let Some(target) = ready(profile, Vec::new(), secrets).await else { return };
            if let Err(reason) = target.client() {
                return bring.one(Brought::Unready(reason.clone())).await;
            }
            against::run(&target, guard, Clock, |tried| bring.at_once(Brought::Tried(Box::new(tried)))).await;
        }
        Errand::Audit { profile, agreed } => {
            let Some(target) = ready(profile, Vec::new(), secrets).await else { return };
            if let Err(reason) = target.client() {
                return bring.one(Brought::Unready(reason.clone())).await;
            }
            let audit = Box::pin(Audit::begin(&target, Clock)).await;
            let plan = audit.plan(agreed);
            let ends = plan.hindrance.is_some() || !plan.goes_on;
            bring.one(Brought::AuditPlan(plan)).await;
            if !ends {
                // Progress that finds no room is told with the next.
                let audited = Box::pin(audit.run(USUAL_RATE, |sent| bring.at_once(Brought::AuditSent(sent)))).await;
                bring.one(Brought::Audited(Box::new(audited))).await;
            }
        }
        Errand::Examine { profile, own, observe, often } => {
            let Some(target) = ready(profile, own, secrets).await else { return };
            if let Err(reason) = target.client() {
                return bring.one(Brought::Unready(reason.clone())).await;
            }
            let reports = further::examine(&target, observe, often, Clock).await;
            let url = target.redactor().text(target.profile.url.as_str()).into_owned();
            bring.one(Brought::Checked { profile: Arc::clone(&target.profile), url, reports }).await;
        }
    }
}

/// A target of its own: what the monitor remembers of an endpoint stays as it is.
async fn ready(profile: Arc<Profile>, own: Vec<(String, Secret)>, secrets: SecretSource) -> Option<Arc<Target>> {
    let secrets = with(own, secrets);
    let prepared = move || Arc::new(Target::prepare(ProfileId(0), profile, &secrets, &Patterns::default()));
    // It asks the keyring and reads files. A panic there has been told by the hook.
    tokio::task::spawn_blocking(prepared).await.ok()
}

/// Those that came with the wish, then the others.
pub fn with(own: Vec<(String, Secret)>, others: SecretSource) -> SecretSource {
    Arc::new(move |names: &[String]| {
        let known = |name: &String| own.iter().find(|(own, _)| own == name);
        let unknown: Vec<String> = names.iter().filter(|name| known(name).is_none()).cloned().collect();
        let mut found = if unknown.is_empty() { HashMap::new() } else { others(&unknown)? };
        found.extend(names.iter().filter_map(known).cloned());
        Ok(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_came_along_goes_before_the_others_and_only_the_rest_is_asked_for() {
        let others: SecretSource = Arc::new(|names: &[String]| {
            assert_eq!(names, ["password".to_owned()]);
            Ok(HashMap::from([("password".to_owned(), Secret::new("kept"))]))
        });
        let source = with(vec![("token".into(), Secret::new("pasted")), ("stray".into(), Secret::new("x"))], others);
        let found = source(&["password".into(), "token".into()]).unwrap();
        let mut names: Vec<&str> = found.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["password", "token"]);
        assert_eq!(found["token"], Secret::new("pasted"));
    }

    #[test]
    fn what_is_nowhere_is_named() {
        let others: SecretSource = Arc::new(|names: &[String]| Err(names.to_vec()));
        let missing = with(vec![("token".into(), Secret::new("pasted"))], others)(&["token".into(), "jwt".into()]);
        assert_eq!(missing, Err(vec!["jwt".to_owned()]));
    }

    #[test]
    fn an_errand_that_is_over_says_so_when_all_was_looked_at() {
        let mut underway = Underway::of(vec![Brought::Unready(Reason::new(crate::watch::Code::SecretMissing))]);
        assert!(!underway.is_over() && underway.try_next().is_some());
        assert!(underway.try_next().is_none() && underway.is_over());
    }
}
