//! A task's letter box: bounded, and a few words of memory while it is empty, which is nearly always.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// At most so many letters wait.
const CAPACITY: usize = 64;

/// One reader, any number of writers.
#[derive(Debug)]
pub(super) struct Mailbox<T>(Mutex<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    letters: VecDeque<T>,
    /// Who is told of the next letter.
    reader: Option<Waker>,
}

impl<T> Mailbox<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Inner { letters: VecDeque::new(), reader: None }))
    }

    /// Puts a letter in; gives it back where the box is full.
    pub(super) fn put(&self, letter: T) -> Result<(), T> {
        let mut inner = self.lock();
        if CAPACITY <= inner.letters.len() {
            return Err(letter);
        }
        inner.letters.push_back(letter);
        let reader = inner.reader.take();
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// The next letter, for the one reader.
    pub(super) fn poll_take(&self, cx: &Context<'_>) -> Poll<T> {
        let mut inner = self.lock();
        let Some(letter) = inner.letters.pop_front() else {
            match &mut inner.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        };
        if inner.letters.is_empty() {
            inner.letters.shrink_to_fit();
        }
        Poll::Ready(letter)
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn take<T>(mailbox: &Mailbox<T>) -> T {
        std::future::poll_fn(|cx| mailbox.poll_take(cx)).await
    }

    #[tokio::test]
    async fn letters_come_in_order_and_a_full_box_gives_them_back() {
        let mailbox = Mailbox::new();
        for letter in 0..CAPACITY {
            assert_eq!(mailbox.put(letter), Ok(()));
        }
        assert_eq!(mailbox.put(99), Err(99));
        assert_eq!((take(&mailbox).await, take(&mailbox).await), (0, 1));
    }

    #[tokio::test]
    async fn a_reader_waits_for_a_letter() {
        let mailbox = std::sync::Arc::new(Mailbox::new());
        let reader = tokio::spawn({
            let mailbox = std::sync::Arc::clone(&mailbox);
            async move { take(&mailbox).await }
        });
        tokio::task::yield_now().await;
        mailbox.put("hello").unwrap();
        assert_eq!(reader.await.unwrap(), "hello");
    }
}
