//! Lines of the input, each bounded before it is held.

use std::io::{self, BufRead};

use tokio::sync::mpsc::Sender;

/// The longest line, in bytes.
const LONGEST: usize = 1 << 20;

/// One line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Whole(Vec<u8>),
    /// Longer than is read; the rest of it has been passed over.
    TooLong {
        /// From one.
        number: u64,
    },
}

/// What is said of a line that is too long.
pub(super) fn too_long(number: u64) -> String {
    format!("line {number} is longer than {LONGEST} bytes: split the case up, or shorten it")
}

/// Reads until the end, the first error, or until nobody listens. Blocks.
pub(super) fn read(mut input: impl BufRead, to: &Sender<io::Result<Line>>) {
    let mut number = 0;
    loop {
        number += 1;
        let line = match next(&mut input, number) {
            Ok(None) => return,
            Ok(Some(Line::Whole(bytes))) if bytes.trim_ascii().is_empty() => continue,
            Ok(Some(line)) => Ok(line),
            Err(error) => Err(error),
        };
        let last = line.is_err();
        if to.blocking_send(line).is_err() || last {
            return;
        }
    }
}

fn next(input: &mut impl BufRead, number: u64) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut long = false;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = memchr::memchr(b'\n', available);
        let part = &available[..end.unwrap_or(available.len())];
        let over = available.is_empty();
        long |= LONGEST < line.len() + part.len();
        if long {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if over && line.is_empty() && !long {
            return Ok(None);
        }
        if over || end.is_some() {
            return Ok(Some(if long { Line::TooLong { number } } else { Line::Whole(line) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_in_order_and_one_too_long_is_passed_over() {
        let long = "x".repeat(LONGEST + 1);
        let text = format!("a\r\n\n{long}\nb\n  \nlast");
        let (sender, mut receiver) = tokio::sync::mpsc::channel(10);
        read(io::BufReader::with_capacity(7, text.as_bytes()), &sender);
        drop(sender);
        let mut got = Vec::new();
        while let Some(line) = receiver.blocking_recv() {
            got.push(line.unwrap());
        }
        let whole = |text: &str| Line::Whole(text.into());
        assert_eq!(got, [whole("a\r"), Line::TooLong { number: 3 }, whole("b"), whole("last")]);
    }
}
