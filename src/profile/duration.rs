//! Durations as the profile and the command line write them: `"1500ms"`, `"30s"`, `"1m30s"`, `"2d"`.
//!
//! Invariant: what [`format_duration`] writes, [`parse_duration`] reads back, to the microsecond.

use std::time::Duration;

/// The units, longest first, with their microseconds.
const UNITS: [(&str, u64); 6] =
    [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000), ("us", 1)];

/// Why a text is not a duration; each carries what to write in its place where that can be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("an empty duration; write for example \"30s\"")]
    Empty,
    #[error("{0:?} has no unit; write \"{0}s\" for seconds or \"{0}ms\" for milliseconds")]
    NoUnit(String),
    #[error("{text:?} is not a duration; write {right:?}")]
    Spelled { text: String, right: String },
    #[error("{0:?} is not a duration; write for example \"1500ms\", \"30s\", \"5m\", \"1h\", \"2d\" or \"1m30s\"")]
    Form(String),
    #[error("{0:?} is too long a time")]
    TooLong(String),
}

impl DurationError {
    /// What to write in its place, alone.
    pub fn right_form(&self) -> String {
        match self {
            Self::Empty | Self::Form(_) => "write for example \"1500ms\", \"30s\", \"5m\", \"1h\" or \"1m30s\"".into(),
            Self::NoUnit(number) => format!("write \"{number}s\" for seconds or \"{number}ms\" for milliseconds"),
            Self::Spelled { right, .. } => format!("write \"{right}\""),
            Self::TooLong(_) => "write at most \"36500d\"".into(),
        }
    }
}

/// Reads a duration: whole numbers with the units `d`, `h`, `m`, `s`, `ms`, `us`, from the longest to the shortest, each
/// at most once, with nothing between them. `"0"` alone is refused too: a number always has its unit.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let shown = || text.chars().take(40).collect::<String>();
    if text.trim().is_empty() {
        return Err(DurationError::Empty);
    }
    if text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DurationError::NoUnit(shown()));
    }
    let Some(parts) = parts(text) else {
        return Err(match respelled(text) {
            Some(right) => DurationError::Spelled { text: shown(), right },
            None => DurationError::Form(shown()),
        });
    };
    let mut micros: u64 = 0;
    for (number, unit) in parts {
        let more = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        micros = more.and_then(|more| micros.checked_add(more)).ok_or_else(|| DurationError::TooLong(shown()))?;
    }
    // A hundred years: beyond it, sums with clock times could run over.
    if 36_500 * UNITS[0].1 < micros {
        return Err(DurationError::TooLong(shown()));
    }
    Ok(Duration::from_micros(micros))
}

/// The numbers with their units' microseconds, where the text has the form.
fn parts(text: &str) -> Option<Vec<(&str, u64)>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let at = UNITS.iter().position(|(name, _)| *name == unit)?;
        if number.is_empty() || at < next_unit {
            return None;
        }
        found.push((number, UNITS[at].1));
        next_unit = at + 1;
        rest = after;
    }
    Some(found)
}

/// The right spelling of what people write: `"5 minutes"`, `"1.5s"`, `"30 sec"`, `"1 h 30 min"`.
fn respelled(text: &str) -> Option<String> {
    if 60 < text.len() {
        return None;
    }
    let mut micros = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (word, after) = after.split_at(letters);
        let unit = match word.trim().to_lowercase().as_str() {
            "d" | "day" | "days" => "d",
            "h" | "hr" | "hrs" | "hour" | "hours" => "h",
            "m" | "min" | "mins" | "minute" | "minutes" => "m",
            "s" | "sec" | "secs" | "second" | "seconds" => "s",
            "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => "ms",
            "us" | "µs" | "μs" | "microsecond" | "microseconds" => "us",
            _ => return None,
        };
        let per_unit = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, micros)| *micros)?;
        micros += number.replace(',', ".").parse::<f64>().ok()? * per_unit as f64;
        rest = after;
    }
    (0.0..1e15).contains(&micros).then(|| format_duration(Duration::from_micros(micros.round() as u64)))
}

/// Writes a duration as [`parse_duration`] reads it, in the shortest whole units; what is less than a microsecond falls
/// away. `"0s"` for none, `"1500ms"` rather than `"1s500ms"`.
pub fn format_duration(duration: Duration) -> String {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    if micros == 0 {
        return "0s".into();
    }
    if !micros.is_multiple_of(1_000) {
        return format!("{micros}us");
    }
    if !micros.is_multiple_of(1_000_000) {
        return format!("{}ms", micros / 1_000);
    }
    let mut out = String::new();
    let mut rest = micros;
    for (name, unit) in UNITS {
        if unit <= rest {
            out.push_str(&format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<u64, &str>) {
        let got = parse_duration(text).map(|duration| duration.as_millis() as u64).map_err(|error| error.to_string());
        assert_eq!(got, expected.map_err(str::to_owned), "{text:?}");
    }

    #[test]
    fn a_duration_is_numbers_with_units_from_long_to_short() {
        check("1500ms", Ok(1500));
        check("30s", Ok(30_000));
        check("1m30s", Ok(90_000));
        check("2d", Ok(172_800_000));
        check("1h5ms", Ok(3_600_005));
        check("0s", Ok(0));
    }

    #[test]
    fn a_wrong_form_is_answered_with_the_right_one() {
        check("", Err("an empty duration; write for example \"30s\""));
        check("30", Err("\"30\" has no unit; write \"30s\" for seconds or \"30ms\" for milliseconds"));
        check("5 minutes", Err("\"5 minutes\" is not a duration; write \"5m\""));
        check("1.5s", Err("\"1.5s\" is not a duration; write \"1500ms\""));
        check("1 h 30 min", Err("\"1 h 30 min\" is not a duration; write \"1h30m\""));
        check("30s1m", Err("\"30s1m\" is not a duration; write \"1m30s\""));
        for text in ["soon", "-5s", "s", "5x", "1e3s", "…"] {
            let error = parse_duration(text).unwrap_err();
            assert!(matches!(error, DurationError::Form(_)), "{text:?}: {error:?}");
        }
    }

    #[test]
    fn a_time_beyond_a_century_is_refused_without_overflow() {
        for text in ["99999999999999999999d", "18446744073709551615s", "36501d"] {
            assert_eq!(parse_duration(text), Err(DurationError::TooLong(text.into())));
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (millis, text) in [(0, "0s"), (1500, "1500ms"), (90_000, "1m30s"), (86_400_000, "1d"), (5_400_000, "1h30m")]
        {
            assert_eq!(format_duration(Duration::from_millis(millis)), text);
        }
        let config = proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() };
        proptest::proptest!(config, |(micros in 0..36_500 * UNITS[0].1)| {
            let duration = Duration::from_micros(micros);
            proptest::prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        });
    }
}
