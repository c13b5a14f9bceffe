//! [Dates](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.1.1) in `Expires`, which are read by
//! their parts in any order.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::base::Wall;

/// The parts that make a date, each the first token that it can be.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    time: Option<[u32; 3]>,
    day: Option<u32>,
    month: Option<i8>,
    year: Option<u32>,
}

/// Section 5.1.1's algorithm; `None`: no date, and the attribute counts for nothing.
pub(super) fn parse_cookie_date(text: &[u8]) -> Option<Wall> {
    let mut parts = Parts::default();
    // Steps 1 and 2: digits count up to the first byte that is none.
    for token in tokens(text) {
        if parts.time.is_none()
            && let Some(time) = hms(token, |field, last| number(field, 1, 2, last))
        {
            parts.time = Some(time);
        } else if parts.day.is_none()
            && let Some(day) = number(token, 1, 2, true)
        {
            parts.day = Some(day);
        } else if parts.month.is_none()
            && let Some(month) = month_of(token)
        {
            parts.month = Some(month);
        } else if parts.year.is_none()
            && let Some(year) = number(token, 2, 4, true)
        {
            parts.year = Some(year);
        }
    }
    // Steps 5 and 6.
    parts.wall().filter(|at| -11_644_473_600_000_000 <= at.0)
}

/// Chromium's `ParseCookieExpirationTime`: numbers are whole tokens, years have up to five digits, and one beyond the calendar
/// is the past or the future.
pub(super) fn parse_cookie_expiration_time(text: &[u8]) -> Option<Wall> {
    let mut parts = Parts::default();
    for token in tokens(text) {
        if !token[0].is_ascii_digit() {
            parts.month = parts.month.or_else(|| month_of(token));
        } else if token.contains(&b':') {
            parts.time = parts.time.or_else(|| hms(token, |field, _| number(field, 1, 9, false)));
        } else if parts.day.is_none() && token.len() <= 2 {
            parts.day = number(token, 1, 2, true);
        } else if parts.year.is_none() && token.len() <= 5 {
            parts.year = number(token, 1, 5, true);
        }
    }
    parts.wall()
}

impl Parts {
    /// The moment in UTC, where all parts are there and in range.
    fn wall(self) -> Option<Wall> {
        // Steps 3 and 4: short years.
        let year = match self.year? {
            short @ 70..=99 => short + 1900,
            short @ 0..=69 => short + 2000,
            full => full,
        };
        let [hour, minute, second] = self.time?;
        let small = |value: u32| i8::try_from(value).ok();
        let time = Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
        let (month, day) = (self.month?, small(self.day?)?);
        // A year like any other tells whether there is such a day where the calendar ends before.
        let within = i16::try_from(year).ok().filter(|year| *year <= 9998);
        let date = Date::new(within.unwrap_or(2000), month, day).ok()?;
        if within.is_none() {
            return Some(Wall(i64::MAX));
        }
        let at = DateTime::from_parts(date, time).to_zoned(TimeZone::UTC).ok()?;
        Some(Wall(at.timestamp().as_microsecond()))
    }
}

/// What stands between `delimiter`s: everything but digits, letters, colons, and what is no ASCII.
fn tokens(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let delimiter = |byte: &u8| matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e);
    text.split(delimiter).filter(|token| !token.is_empty())
}

/// A number of `least` to `most` digits, alone or, where `open`, followed by no digit.
fn number(token: &[u8], least: usize, most: usize, open: bool) -> Option<u32> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(least..=most).contains(&digits) || !(open || digits == token.len()) {
        return None;
    }
    std::str::from_utf8(&token[..digits]).ok()?.parse().ok()
}

/// `hh:mm:ss`, its fields read by `number` with whether it is the last.
fn hms(token: &[u8], number: impl Fn(&[u8], bool) -> Option<u32>) -> Option<[u32; 3]> {
    let mut fields = token.splitn(3, |byte| *byte == b':');
    Some([number(fields.next()?, false)?, number(fields.next()?, false)?, number(fields.next()?, true)?])
}

fn month_of(token: &[u8]) -> Option<i8> {
    const MONTHS: [&[u8]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    let start = token.get(..3)?;
    let at = MONTHS.iter().position(|month| start.eq_ignore_ascii_case(month))?;
    i8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, specified: Option<&str>, chromium: Option<&str>) {
        let word = |at: Option<Wall>| at.map(|at| if at.0 == i64::MAX { "future".into() } else { at.to_string() });
        assert_eq!(word(parse_cookie_date(text.as_bytes())).as_deref(), specified, "{text}");
        assert_eq!(word(parse_cookie_expiration_time(text.as_bytes())).as_deref(), chromium, "{text}");
    }

    #[test]
    fn parts_may_stand_in_any_order_between_any_delimiters() {
        let at = Some("2015-10-21T07:28:00.000Z");
        for text in [
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "Wednesday, 21-Oct-15 07:28:00 GMT",
            "Oct 21 07:28:00 2015",
            "07:28:00 21 October 15",
            "\"21/oct/2015\" 7:28:0",
            "21.Oct.2015 07:28:00.5 -0800",
        ] {
            check(text, at, at);
        }
    }

    #[test]
    fn what_lacks_a_part_or_has_no_such_day_is_no_date() {
        for text in
            ["", "garbage", "21 Oct 2015", "2015-10-21T07:28:00Z", "31 Feb 2099 07:28:00", "32 Oct 2099 07:28:00"]
        {
            check(text, None, None);
        }
        check("21 Oct 2015 24:00:00", None, None);
        check("21 Oct 2015 07:28:60", None, None);
    }

    #[test]
    fn chromium_reads_whole_tokens_and_any_year() {
        check("21 Oct 2015 07:28:00PM", Some("2015-10-21T07:28:00.000Z"), None);
        check("21 Oct 2015 007:28:00", None, Some("2015-10-21T07:28:00.000Z"));
        check("21 Oct 1600 07:28:00", None, Some("1600-10-21T07:28:00.000Z"));
        check("21 Oct 12015 07:28:00", None, Some("future"));
    }
}
