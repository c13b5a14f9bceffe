//! What becomes of a task that panicked: an event, and another try after a while that grows.

use std::any::Any;
use std::time::Duration;

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
