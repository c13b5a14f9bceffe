//! A task's letter box: bounded, and a few words of memory while it is empty, which is nearly always.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// At most so many letters wait.
const CAPACITY: usize = 64;

/// One reader, any number of writers.
#[derive(Debug)]
pub(super) struct Mailbox<T> {
    letters: Mutex<VecDeque<T>>,
    arrived: Notify,
}

impl<T> Mailbox<T> {
    pub(super) fn new() -> Self {
        Self { letters: Mutex::new(VecDeque::new()), arrived: Notify::new() }
    }

    /// Puts a letter in; gives it back where the box is full.
    pub(super) fn put(&self, letter: T) -> Result<(), T> {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        if CAPACITY <= letters.len() {
            return Err(letter);
        }
        letters.push_back(letter);
        drop(letters);
        self.arrived.notify_one();
        Ok(())
    }

    /// The next letter. May be dropped and called again without losing one.
    pub(super) async fn take(&self) -> T {
        loop {
            if let Some(letter) = self.take_now() {
                return letter;
            }
            self.arrived.notified().await;
        }
    }

    fn take_now(&self) -> Option<T> {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        let letter = letters.pop_front();
        if letters.is_empty() {
            letters.shrink_to_fit();
        }
        letter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn letters_come_in_order_and_a_full_box_gives_them_back() {
        let mailbox = Mailbox::new();
        for letter in 0..CAPACITY {
            assert_eq!(mailbox.put(letter), Ok(()));
        }
        assert_eq!(mailbox.put(99), Err(99));
        assert_eq!((mailbox.take().await, mailbox.take().await), (0, 1));
    }

    #[tokio::test]
    async fn a_reader_waits_for_a_letter() {
        let mailbox = std::sync::Arc::new(Mailbox::new());
        let reader = tokio::spawn({
            let mailbox = std::sync::Arc::clone(&mailbox);
            async move { mailbox.take().await }
        });
        tokio::task::yield_now().await;
        mailbox.put("hello").unwrap();
        assert_eq!(reader.await.unwrap(), "hello");
    }
}
