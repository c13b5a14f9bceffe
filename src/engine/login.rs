//! Signing in where a profile says so (`[auth] login`): one at a time for all tasks of the profile, and what it brought is
//! theirs together.
//!
//! Invariant: a refused login is not repeated at once, whoever asks: servers lock accounts. It rests for about the profile's
//! `interval`, each time twice as long, up to an hour; so does a sign-in that is refused by the endpoint as soon as it is made.
//! A person who asks by hand waits for nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Target;
use crate::base::secret::Redactor;
use crate::base::{Clock, Secret};
use crate::browser::Memory;
use crate::browser::cookie::Jar;
use crate::net::Client;
use crate::watch::meaning::state_for;
use crate::watch::signin::{Next, Plan, SignIn, Told, sent_to_login};
use crate::watch::{EventBody, Reason, SignInStep, State};
use crate::wire::Exchange;

/// The longest that a refusal stands.
const LONGEST: Duration = Duration::from_secs(3600);
/// A cookie's value of fewer bytes is no session: it is a setting, and ordinary text.
const SHORTEST: usize = 12;
/// So many values of cookies are kept secret at most, the newest.
const KEPT: usize = 64;

/// A profile's login.
#[derive(Debug)]
pub(super) struct Login {
    plan: Plan,
    interval: Duration,
    timeout: Duration,
    /// Held by the task that signs in: the others wait for what comes of it.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<Account>,
}

#[derive(Debug)]
struct Account {
    /// Which sign-in it is, from 1.
    number: u64,
    /// `None`: nobody is signed in.
    jar: Option<Jar>,
    /// When it was made.
    made: Option<Instant>,
    /// How often in a row it did not last.
    in_vain: u32,
    /// It stands until then, whoever says that it holds no longer.
    stands: Option<Instant>,
    refused: Option<Refused>,
    secrets: Vec<Secret>,
    /// Values of cookies that are secret too.
    values: VecDeque<Secret>,
    redactor: Arc<Redactor>,
}

#[derive(Debug)]
struct Refused {
    reason: Reason,
    times: u32,
    until: Instant,
}

/// Somebody is signed in, or nobody has to be.
#[derive(Debug, Default)]
pub struct Entry {
    /// Of which sign-in.
    pub number: u64,
    /// The steps, where it was made now.
    pub told: Vec<SignInTold>,
}

/// The sign-in came to nothing.
#[derive(Debug)]
pub struct NoEntry {
    pub reason: Reason,
    /// The steps, where it was tried now.
    pub told: Vec<SignInTold>,
}

impl Login {
    pub(super) fn new(plan: Plan, interval: Duration, timeout: Duration, secrets: Vec<Secret>) -> Self {
        let redactor = Arc::new(Redactor::new(secrets.iter().cloned()));
        let account = Account {
            number: 0,
            jar: None,
            made: None,
            in_vain: 0,
            stands: None,
            refused: None,
            secrets,
            values: VecDeque::new(),
            redactor,
        };
        Self { plan, interval, timeout, turn: tokio::sync::Mutex::default(), state: Mutex::new(account) }
    }

    async fn enter(&self, client: &Client, clock: Clock) -> Result<Entry, NoEntry> {
        let _turn = self.turn.lock().await;
        if let Some(known) = self.lock().known(clock.mono()) {
            return known;
        }
        let deadline = clock.mono() + self.timeout;
        let (mut machine, mut next) = SignIn::start(self.plan.clone(), clock.wall());
        let mut told = Vec::new();
        let end = loop {
            next = match next {
                Next::Done(end) => break end,
                Next::Send(request) => {
                    let exchange = Box::pin(client.exchange(*request, deadline)).await;
                    let (next, step) = machine.on_exchange(exchange, clock.wall());
                    told.extend(step.map(SignInTold::from));
                    next
                }
            };
        };
        let mut account = self.lock();
        match end {
            Ok(jar) => {
                account.hide(&jar);
                account.number += 1;
                (account.jar, account.made, account.refused) = (Some(jar), Some(clock.mono()), None);
                Ok(Entry { number: account.number, told })
            }
            Err(reason) => {
                // A server in trouble may be asked again as soon as any other.
                if state_for(&reason) == State::AuthRequired {
                    let times = account.refused.as_ref().map_or(0, |refused| refused.times);
                    let until = clock.mono() + self.rest(times);
                    account.refused = Some(Refused { reason: reason.clone(), times: times + 1, until });
                }
                Err(NoEntry { reason, told })
            }
        }
    }

    /// How long the `times`th refusal in a row stands, from 0; a bit shorter than the interval of those who ask.
    fn rest(&self, times: u32) -> Duration {
        (self.interval.mul_f64(0.8) * 2_u32.pow(times.min(16))).min(LONGEST)
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.lock().redactor)
    }

    pub(super) fn jar(&self) -> Jar {
        self.lock().jar.clone().unwrap_or_default()
    }
}

impl Account {
    fn known(&self, now: Instant) -> Option<Result<Entry, NoEntry>> {
        if self.jar.is_some() {
            return Some(Ok(Entry { number: self.number, told: Vec::new() }));
        }
        let refused = self.refused.as_ref().filter(|refused| now < refused.until)?;
        Some(Err(NoEntry { reason: refused.reason.clone(), told: Vec::new() }))
    }

    /// The values of these cookies are shown nowhere.
    fn hide(&mut self, jar: &Jar) {
        let known = self.values.len();
        for value in jar.values().filter_map(|value| std::str::from_utf8(value).ok()) {
            if SHORTEST <= value.len() && !self.values.iter().any(|known| known.expose() == value) {
                self.values.push_back(Secret::new(value));
            }
        }
        if known < self.values.len() {
            self.values.drain(..self.values.len().saturating_sub(KEPT));
            self.redactor = Arc::new(Redactor::new(self.secrets.iter().chain(&self.values).cloned()));
        }
    }
}

impl Target {
    /// Sees to it that somebody is signed in, where the profile has a login.
    pub async fn sign_in(&self, clock: Clock) -> Result<Entry, NoEntry> {
        match (&self.login, self.client()) {
            (Some(login), Ok(client)) => login.enter(client, clock).await,
            (None, _) | (_, Err(_)) => Ok(Entry::default()),
        }
    }

    /// That sign-in holds no longer: the next [`Target::sign_in`] makes another, or finds one. False where it stands for now,
    /// because the one before didn't help either: then asking again would bring the same.
    pub fn sign_out(&self, number: u64, now: Instant) -> bool {
        let Some(login) = &self.login else { return false };
        let mut account = login.lock();
        if account.number != number {
            return true;
        }
        if account.stands.is_some_and(|until| now < until) {
            return false;
        }
        let lasted = account.made.take().map(|made| now.saturating_duration_since(made));
        account.in_vain =
            if lasted.is_some_and(|lasted| lasted < login.interval * 2) { account.in_vain + 1 } else { 0 };
        account.stands = (0 < account.in_vain).then(|| now + login.rest(account.in_vain));
        account.jar = None;
        true
    }

    /// A person asks: what was refused may be tried at once.
    pub fn ask_again(&self) {
        if let Some(login) = &self.login {
            let mut account = login.lock();
            (account.refused, account.stands) = (None, None);
        }
    }

    /// Keeps what an answer changed of the cookies, where a request began with `before` and ended with `after`.
    pub fn remember(&self, before: &Jar, after: &Memory) {
        if let Some(login) = &self.login {
            let mut account = login.lock();
            account.hide(&after.jar);
            if let Some(jar) = &mut account.jar {
                jar.take_over(before, &after.jar);
            }
        }
    }

    /// What a redirect to the profile's login page means; `None`: there was none.
    pub fn sent_to_login<'a>(&self, exchanges: impl IntoIterator<Item = &'a Exchange>) -> Option<Reason> {
        let login = self.login.as_ref()?;
        sent_to_login(&login.plan.url, login.plan.browser, exchanges)
    }
}

/// What is to be said of a step.
#[derive(Clone, Debug)]
pub struct SignInTold {
    pub step: SignInStep,
    pub exchange: Option<Arc<Exchange>>,
    pub reason: Option<Reason>,
}

impl From<Told> for SignInTold {
    fn from(told: Told) -> Self {
        Self { step: told.step, exchange: Some(told.exchange), reason: told.reason }
    }
}

impl From<SignInTold> for EventBody {
    fn from(told: SignInTold) -> Self {
        Self::SignIn { step: told.step, exchange: told.exchange, reason: told.reason }
    }
}
