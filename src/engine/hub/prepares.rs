//! Profiles being made ready, a few at a time: on threads of their own, for it reads files and asks the keyring.
//!
//! Invariants: a keyring that hangs holds up only the profiles that name secrets; nothing is made ready twice at once; the
//! threads stay few however many profiles there are, for each keeps a stack and a heap of its own.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::task::{Id, JoinError, JoinSet};

use crate::base::ProfileId;
use crate::engine::target::{Patterns, SecretSource, Target};
use crate::profile::model::Profile;

/// At once, of the profiles that name no secret.
const PLAIN: usize = 2;
/// At once, of those that do.
const SECRET: usize = 2;

/// What is to be made ready, and what is under way.
pub(super) struct Prepares {
    secrets: SecretSource,
    patterns: Arc<Patterns>,
    plain: Lane,
    secret: Lane,
    tasks: JoinSet<Target>,
    jobs: HashMap<Id, Job>,
    /// All that wait or run.
    known: HashSet<(ProfileId, u64)>,
}

/// Which form of which profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) id: ProfileId,
    pub(super) generation: u64,
    needs_secrets: bool,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<(Job, Arc<Profile>)>,
    running: usize,
}

impl Prepares {
    pub(super) fn new(secrets: SecretSource) -> Self {
        Self {
            secrets,
            patterns: Arc::default(),
            plain: Lane::default(),
            secret: Lane::default(),
            tasks: JoinSet::new(),
            jobs: HashMap::new(),
            known: HashSet::new(),
        }
    }

    /// Makes this form of the profile ready, unless that waits or runs already.
    pub(super) fn want(&mut self, id: ProfileId, generation: u64, profile: Arc<Profile>) {
        if !self.known.insert((id, generation)) {
            return;
        }
        let job = Job { id, generation, needs_secrets: !profile.secret_names().is_empty() };
        self.lane(job).waiting.push_back((job, profile));
        self.start();
    }

    /// The next one that is ready, or whose making panicked. May be dropped and called again; `None` while none is made.
    pub(super) async fn next(&mut self) -> Option<(Job, Result<Target, JoinError>)> {
        let (task, result) = match self.tasks.join_next_with_id().await? {
            Ok((task, target)) => (task, Ok(target)),
            Err(error) => (error.id(), Err(error)),
        };
        let job = self.jobs.remove(&task)?;
        self.lane(job).running -= 1;
        self.known.remove(&(job.id, job.generation));
        self.start();
        Some((job, result))
    }

    fn lane(&mut self, job: Job) -> &mut Lane {
        if job.needs_secrets { &mut self.secret } else { &mut self.plain }
    }

    fn start(&mut self) {
        for (lane, at_once) in [(&mut self.plain, PLAIN), (&mut self.secret, SECRET)] {
            while lane.running < at_once
                && let Some((job, profile)) = lane.waiting.pop_front()
            {
                lane.running += 1;
                let (secrets, patterns) = (Arc::clone(&self.secrets), Arc::clone(&self.patterns));
                let task = self.tasks.spawn_blocking(move || Target::prepare(job.id, profile, &secrets, &patterns));
                self.jobs.insert(task.id(), job);
            }
        }
    }
}
