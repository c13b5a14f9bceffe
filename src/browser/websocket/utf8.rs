//! UTF-8 that comes in pieces: whether what has come can still become text
//! ([the Encoding standard's decoder](https://encoding.spec.whatwg.org/#utf-8-decoder), without its output).

/// Where in a character the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Utf8 {
    /// Bytes still needed.
    needed: u8,
    /// What the next byte may be.
    lower: u8,
    upper: u8,
}

impl Default for Utf8 {
    fn default() -> Self {
        Self { needed: 0, lower: 0x80, upper: 0xbf }
    }
}

impl Utf8 {
    /// Whether these bytes, behind those before, begin some text.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
        if self.needed == 0 && bytes.is_ascii() {
            return true;
        }
        bytes.iter().all(|byte| self.step(*byte))
    }

    /// Whether no character is cut.
    pub(super) fn is_whole(&self) -> bool {
        self.needed == 0
    }

    fn step(&mut self, byte: u8) -> bool {
        if self.needed == 0 {
            let (needed, lower, upper) = match byte {
                0..=0x7f => return true,
                0xc2..=0xdf => (1, 0x80, 0xbf),
                0xe0 => (2, 0xa0, 0xbf),
                0xed => (2, 0x80, 0x9f),
                0xe1..=0xef => (2, 0x80, 0xbf),
                0xf0 => (3, 0x90, 0xbf),
                0xf1..=0xf3 => (3, 0x80, 0xbf),
                0xf4 => (3, 0x80, 0x8f),
                _ => return false,
            };
            *self = Self { needed, lower, upper };
            return true;
        }
        let good = (self.lower..=self.upper).contains(&byte);
        *self = Self { needed: self.needed - 1, ..Self::default() };
        good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn it_agrees_with_the_standard_library_in_any_pieces(
            text in "\\PC{0,8}",
            noise in proptest::collection::vec(proptest::num::u8::ANY, 0..4),
            size in 1_usize..5,
        ) {
            let bytes = [text.as_bytes(), &noise].concat();
            let mut utf8 = Utf8::default();
            let taken = bytes.chunks(size).all(|piece| utf8.take(piece));
            match std::str::from_utf8(&bytes) {
                Ok(_) => proptest::prop_assert!(taken && utf8.is_whole()),
                Err(error) => proptest::prop_assert_eq!(taken, error.error_len().is_none()),
            }
        }
    }
}
