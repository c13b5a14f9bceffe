//! What becomes of a task that panicked: an event, and another try after a while that grows.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;

use super::Bus;
use crate::base::panic;
use crate::watch::EventBody;

/// The first wait before a task is started again; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// The wait before a task that has panicked `times` (from 1) is started again.
pub(super) fn wait(times: u32) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(times.saturating_sub(1))).min(LONGEST)
}

/// What the panic said; its redaction is the publisher's.
pub(super) fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

/// Says on the bus that a task about no profile panicked. What was put together at run time is withheld: nobody here knows
/// which secrets it may hold.
pub(super) fn say(bus: &Bus, task: &str, payload: &(dyn Any + Send)) {
    bus.publish(None, EventBody::Panicked { task: task.into(), message: panic::words(payload).into() });
}

/// Runs a task that is to last, and makes it anew after each panic.
pub(super) async fn keep<F: Future<Output = ()>>(bus: Arc<Bus>, task: &'static str, make: impl Fn() -> F) {
    let mut panics = 0_u32;
    while let Err(payload) = AssertUnwindSafe(make()).catch_unwind().await {
        say(&bus, task, &*payload);
        panics = panics.saturating_add(1);
        tokio::time::sleep(wait(panics)).await;
    }
}

/// Takes turns on a thread until one says that it was the last (false). A panic loses the turn that it is in.
pub(super) fn turns(bus: &Weak<Bus>, task: &str, mut turn: impl FnMut() -> bool) {
    let mut panics = 0_u32;
    loop {
        match catch_unwind(AssertUnwindSafe(&mut turn)) {
            Ok(true) => panics = 0,
            Ok(false) => return,
            Err(payload) => {
                bus.upgrade().iter().for_each(|bus| say(bus, task, &*payload));
                panics = panics.saturating_add(1);
                // One bad event costs nothing; a fault that stays must not spin on the news of itself.
                if 1 < panics {
                    std::thread::sleep(wait(panics - 1));
                }
            }
        }
    }
}

/// Panics to order, in unit tests of the engine alone.
#[cfg(test)]
pub(super) mod sabotage {
    use std::sync::{Mutex, PoisonError};

    static ARMED: Mutex<Vec<(String, &str)>> = Mutex::new(Vec::new());

    /// The profile's next passage at that place panics.
    pub(in crate::engine) fn arm(profile: &str, place: &'static str) {
        ARMED.lock().unwrap_or_else(PoisonError::into_inner).push((profile.to_owned(), place));
    }

    pub(in crate::engine) fn pass(profile: &str, place: &'static str) {
        let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = armed.iter().position(|(name, at)| name == profile && *at == place) {
            armed.swap_remove(index);
            drop(armed);
            panic!("sabotage of {place}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        let waits: Vec<u64> = (1..=8).map(|times| wait(times).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait(u32::MAX), LONGEST);
    }

    #[test]
    fn a_panics_words_are_kept() {
        let caught = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new("so it goes"))).unwrap_err();
        assert_eq!(message(&*caught), "so it goes");
        assert_eq!(message(&String::from("text")), "text");
        assert_eq!(message(&7_u8), "a panic without a message");
    }
}
