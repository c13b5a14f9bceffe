//! A bounded queue that forgets its oldest and counts what it forgot.

use std::collections::VecDeque;

/// The newest `capacity` items, oldest first.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    items: VecDeque<T>,
    capacity: usize,
    forgotten: u64,
}

impl<T> Ring<T> {
    /// An empty ring for at most `capacity` items (at least one).
    pub fn new(capacity: usize) -> Self {
        Self { items: VecDeque::new(), capacity: capacity.max(1), forgotten: 0 }
    }

    /// Adds an item; the oldest goes where the ring is full, and is handed back.
    pub fn push(&mut self, item: T) -> Option<T> {
        let oldest = if self.items.len() == self.capacity { self.items.pop_front() } else { None };
        self.forgotten += u64::from(oldest.is_some());
        self.items.push_back(item);
        oldest
    }

    /// Takes the oldest item out before its time; it counts as forgotten.
    pub fn pop_first(&mut self) -> Option<T> {
        let oldest = self.items.pop_front();
        self.forgotten += u64::from(oldest.is_some());
        oldest
    }

    /// Takes the newest item back.
    pub fn pop(&mut self) -> Option<T> {
        self.items.pop_back()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.items.iter()
    }

    /// The `index`th oldest item.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.items.get(index)
    }

    pub fn last(&self) -> Option<&T> {
        self.items.back()
    }

    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.items.back_mut()
    }

    pub fn first(&self) -> Option<&T> {
        self.items.front()
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many items have been pushed out so far.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// Index of the first item for which `before` is false; the items must be partitioned by it.
    pub fn partition_point(&self, before: impl FnMut(&T) -> bool) -> usize {
        self.items.partition_point(before)
    }

    pub fn range(&self, range: std::ops::Range<usize>) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.items.range(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_forgets_its_oldest_and_counts_it() {
        let mut ring = Ring::new(2);
        assert_eq!(ring.push(1), None);
        assert_eq!(ring.push(2), None);
        assert_eq!(ring.push(3), Some(1));
        assert_eq!(ring.iter().copied().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(ring.forgotten(), 1);
        assert_eq!(ring.pop_first(), Some(2));
        assert_eq!((ring.len(), ring.forgotten()), (1, 2));
    }
}
