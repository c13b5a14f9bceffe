//! When a log's line was written, as the log has it: to the minute, in the log's own zone.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// A minute, or an hour: `2026-11-21T20:41`, `2026-11-21T20`. Where the log writes no year it has none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(Box<str>);

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// How far into a line its time may stand, in bytes.
const WITHIN: usize = 300;

static NUMERIC: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d)").ok());
static ACCESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(\d\d)/([A-Z][a-z]{2})/(\d{4})[: ](\d\d):(\d\d)").ok());
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):\d\d(?:[.,]\d+)?(?: (\d{4})\b)?").ok()
});

impl Stamp {
    /// The time in a line, where it has one.
    pub fn of(line: &str) -> Option<Self> {
        let mut end = line.len().min(WITHIN);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        let head = &line[..end];
        let text = numeric(head).or_else(|| access(head)).or_else(|| named(head))?;
        Some(Self(text.into()))
    }

    /// Its hour.
    pub fn hour(&self) -> Self {
        Self(self.0.split(':').next().unwrap_or(&self.0).into())
    }
}

fn numeric(head: &str) -> Option<String> {
    let (_, [year, month, day, hour, minute]) = NUMERIC.as_ref()?.captures(head)?.extract();
    Some(format!("{year}-{month}-{day}T{hour}:{minute}"))
}

fn access(head: &str) -> Option<String> {
    let (_, [day, month, year, hour, minute]) = ACCESS.as_ref()?.captures(head)?.extract();
    Some(format!("{year}-{:02}-{day}T{hour}:{minute}", number(month)?))
}

fn named(head: &str) -> Option<String> {
    let found = NAMED.as_ref()?.captures(head)?;
    let part = |index: usize| found.get(index).map(|part| part.as_str());
    let month = number(part(1)?)?;
    let (day, hour, minute) = (part(2)?.parse::<u8>().ok()?, part(3)?, part(4)?);
    let year = part(5).map(|year| format!("{year}-")).unwrap_or_default();
    Some(format!("{year}{month:02}-{day:02}T{hour}:{minute}"))
}

fn number(month: &str) -> Option<usize> {
    MONTHS.iter().position(|known| *known == month).map(|index| index + 1)
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
