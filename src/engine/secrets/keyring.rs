//! The system's keyring, asked from a thread of its own.
//!
//! Invariant: who asks waits for at most [`PATIENCE`]; a keyring that is not there or hangs is left alone for
//! [`RESPITE`], so that a thousand profiles don't wait for it one after another. A keyring's error may hold the value:
//! only its kind is kept.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyring::{Entry, Error};

use super::{SERVICE, Unavailable, Vault};
use crate::base::{Clock, Secret};

/// A locked keyring asks its owner first.
const PATIENCE: Duration = Duration::from_secs(5);
const RESPITE: Duration = Duration::from_secs(30);
/// How many questions may wait for a keyring that hangs.
const QUEUE: usize = 4;

struct Question {
    name: String,
    /// What to keep; `None`: look it up.
    value: Option<Secret>,
    answer: SyncSender<Result<Option<Secret>, Unavailable>>,
}

/// The system's keyring.
pub(super) struct Keyring {
    line: Mutex<Line>,
    patience: Duration,
}

#[derive(Default)]
struct Line {
    ask: Option<SyncSender<Question>>,
    /// Until then it is not asked, for this reason.
    given_up: Option<(Instant, Unavailable)>,
}

impl Default for Keyring {
    fn default() -> Self {
        Self { line: Mutex::default(), patience: PATIENCE }
    }
}

impl Vault for Keyring {
    fn get(&self, name: &str) -> Result<Option<Secret>, Unavailable> {
        self.ask(name, None, serve)
    }

    fn set(&self, name: &str, value: &Secret) -> Result<(), Unavailable> {
        self.ask(name, Some(value.clone()), serve).map(|_| ())
    }
}

impl Keyring {
    fn ask(
        &self,
        name: &str,
        value: Option<Secret>,
        serve: fn(&Receiver<Question>),
    ) -> Result<Option<Secret>, Unavailable> {
        // Held while waiting: a hanging keyring is waited for by one, and then by no one for a while.
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((until, why)) = &line.given_up
            && Clock.mono() < *until
        {
            return Err(why.clone());
        }
        let result = line.put(name, value, self.patience, serve);
        line.given_up = match &result {
            Ok(_) | Err(Unavailable::Refused(_)) => None,
            Err(why) => Some((Clock.mono() + RESPITE, why.clone())),
        };
        result
    }
}

impl Line {
    fn put(
        &mut self,
        name: &str,
        value: Option<Secret>,
        patience: Duration,
        serve: fn(&Receiver<Question>),
    ) -> Result<Option<Secret>, Unavailable> {
        let no_thread = || Unavailable::NoService("no thread for it".into());
        if self.ask.is_none() {
            let (ask, questions) = sync_channel(QUEUE);
            let thread = std::thread::Builder::new().name("keyring".into());
            thread.spawn(move || serve(&questions)).map_err(|_| no_thread())?;
            self.ask = Some(ask);
        }
        let (answer, answers) = sync_channel(1);
        let question = Question { name: name.to_owned(), value, answer };
        match self.ask.as_ref().map(|ask| ask.try_send(question)) {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_))) => return Err(Unavailable::NoAnswer),
            Some(Err(TrySendError::Disconnected(_))) | None => {
                self.ask = None;
                return Err(Unavailable::NoAnswer);
            }
        }
        answers.recv_timeout(patience).unwrap_or_else(|error| {
            if error == RecvTimeoutError::Disconnected {
                // The thread has died of the keyring: the next question gets a new one.
                self.ask = None;
            }
            Err(Unavailable::NoAnswer)
        })
    }
}

/// The thread: answers until no one asks any more.
fn serve(questions: &Receiver<Question>) {
    while let Ok(Question { name, value, answer }) = questions.recv() {
        // Who asked may have lost patience.
        let _ = answer.send(put_or_get(&name, value));
    }
}

fn put_or_get(name: &str, value: Option<Secret>) -> Result<Option<Secret>, Unavailable> {
    let entry = Entry::new(SERVICE, name).map_err(|error| why(&error))?;
    let found = match value {
        Some(value) => entry.set_password(value.expose()).map(|()| None),
        None => entry.get_password().map(|value| Some(Secret::new(value))),
    };
    match found {
        Ok(found) => Ok(found),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(why(&error)),
    }
}

/// The kind of an error, without what it carries.
fn why(error: &Error) -> Unavailable {
    match error {
        Error::NoDefaultStore | Error::PlatformFailure(_) => Unavailable::NoService("nothing to ask".into()),
        Error::NoStorageAccess(_) => Unavailable::Refused("it is locked".into()),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => Unavailable::Refused("the entry is no text".into()),
        Error::TooLong(..) | Error::Invalid(..) => Unavailable::Refused("it takes no such name or value".into()),
        Error::Ambiguous(_) => Unavailable::Refused("it has several entries of that name".into()),
        _ => Unavailable::Refused("it can't do that".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> Keyring {
        Keyring { line: Mutex::default(), patience: Duration::from_millis(20) }
    }

    /// Takes questions and never answers.
    fn hang(questions: &Receiver<Question>) {
        let kept: Vec<_> = questions.iter().collect();
        drop(kept);
    }

    #[test]
    fn a_keyring_that_hangs_is_waited_for_once() {
        let keyring = keyring();
        assert_eq!(keyring.ask("a", None, hang), Err(Unavailable::NoAnswer));
        let (started, long) = (Clock.mono(), 1000);
        for _ in 0..long {
            assert_eq!(keyring.ask("a", None, hang), Err(Unavailable::NoAnswer));
        }
        assert!(Clock.mono() - started < keyring.patience * long / 10);
    }

    #[test]
    fn a_keyring_that_dies_is_no_answer() {
        assert_eq!(keyring().ask("a", None, |_| ()), Err(Unavailable::NoAnswer));
    }

    #[test]
    fn an_answer_comes_back_and_the_next_one_too() {
        let keyring = keyring();
        let echo: fn(&Receiver<Question>) = |questions| {
            for question in questions {
                let _ = question.answer.send(Ok(Some(Secret::new(question.name))));
            }
        };
        for name in ["a", "b"] {
            assert_eq!(keyring.ask(name, None, echo), Ok(Some(Secret::new(name))));
        }
    }

    #[test]
    fn an_error_that_holds_the_value_does_not_pass_it_on() {
        let error = Error::BadEncoding(b"canary".to_vec());
        assert!(!why(&error).to_string().contains("canary"));
    }
}
