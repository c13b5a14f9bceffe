//! Times as people type them.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::base::Wall;

/// `24h`, `90m`, `7d` (so long before `now`), `now`, RFC 3339, or a local date and time (`2026-11-21`, `2026-11-21T10:30`).
///
/// # Errors
/// A sentence that says what can be written.
pub fn parse(text: &str, now: Wall, zone: &TimeZone) -> Result<Wall, String> {
    let text = text.trim();
    if text == "now" {
        return Ok(now);
    }
    if let Some(ago) = ago(text) {
        return Ok(now.minus(ago));
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Wall(at.as_microsecond()));
    }
    let local: Option<DateTime> =
        text.parse().ok().or_else(|| text.parse::<jiff::civil::Date>().ok().map(|date| date.at(0, 0, 0, 0)));
    match local.and_then(|local| zone.to_ambiguous_timestamp(local).compatible().ok()) {
        Some(at) => Ok(Wall(at.as_microsecond())),
        None => Err(format!("`{text}` is no time; write 24h, 90m, 7d, now, 2026-11-21 or 2026-11-21T10:30:00Z")),
    }
}

/// What `--since` and `--until` say.
///
/// # Errors
/// As [`parse`], with the option's name.
pub fn span(since: &str, until: &str, now: Wall, zone: &TimeZone) -> Result<(Wall, Wall), String> {
    let time = |text, option| parse(text, now, zone).map_err(|error| format!("{option}: {error}"));
    Ok((time(since, "--since")?, time(until, "--until")?))
}

fn ago(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let seconds = match unit {
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        "w" => 604_800.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.trim().parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let now = Wall(1_700_000_000_000_000);
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        match (parse(text, now, &zone), expected) {
            (Ok(at), Ok(expected)) => assert_eq!(at.to_string(), expected),
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
            (got, _) => panic!("{got:?}"),
        }
    }

    #[test]
    fn lengths_count_back_from_now() {
        check("24h", Ok("2023-11-13T22:13:20.000Z"));
        check("1.5h", Ok("2023-11-14T20:43:20.000Z"));
        check("7d", Ok("2023-11-07T22:13:20.000Z"));
        check("now", Ok("2023-11-14T22:13:20.000Z"));
    }

    #[test]
    fn dates_are_local_and_offsets_are_kept_to() {
        check("2023-11-14", Ok("2023-11-13T22:00:00.000Z"));
        check("2023-11-14T10:30", Ok("2023-11-14T08:30:00.000Z"));
        check("2023-11-14T10:30:00Z", Ok("2023-11-14T10:30:00.000Z"));
    }

    #[test]
    fn what_is_no_time_is_told_with_what_is() {
        for text in ["yesterday", "-3h", "24", "", "5y", "NaNh", "1e999h"] {
            check(text, Err("write 24h"));
        }
    }
}
