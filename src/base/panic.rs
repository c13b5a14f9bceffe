//! What a panic says on standard error: where, and only such words as stand in the source. A message put together at run
//! time may hold what a server sent or a secret.

use std::any::Any;
use std::panic::PanicHookInfo;

/// Takes the place of the standard hook, which prints every message whole.
pub fn install_hook() {
    std::panic::set_hook(Box::new(|info| eprintln!("{}", line(info))));
}

fn line(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let thread = std::thread::current();
    format!("thread '{}' panicked at {place}: {}", thread.name().unwrap_or("unnamed"), words(info.payload()))
}

/// What a panic said, where its words stand in the source.
pub fn words(payload: &dyn Any) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("(the message is withheld: it may hold a secret)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_made_at_run_time_is_withheld() {
        let made: Box<dyn Any> = Box::new(format!("no such token: {}", "canary"));
        assert!(!words(&*made).contains("canary"));
        let written: Box<dyn Any> = Box::new("index out of range");
        assert_eq!(words(&*written), "index out of range");
    }
}
