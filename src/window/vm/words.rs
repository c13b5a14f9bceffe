//! Numbers and times as the window writes them: with their units, and no wider than they need to be.

use std::time::Duration;

use crate::base::Wall;

/// `0.4 ms`, `34 ms`, `1.24 s`, `72 s`.
pub fn latency(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1e3;
    match ms {
        _ if ms < 9.95 => format!("{ms:.1} ms"),
        _ if ms < 999.5 => format!("{ms:.0} ms"),
        _ if ms < 9_995.0 => format!("{:.2} s", ms / 1e3),
        _ => format!("{:.0} s", ms / 1e3),
    }
}

/// How long something lasts, its largest unit: `<1m`, `4m`, `3h`, `12d`. Changes once a minute at most.
pub fn age(lasted: Duration) -> String {
    match lasted.as_secs() {
        0..60 => "<1m".into(),
        secs @ 60..3_600 => format!("{}m", secs / 60),
        secs @ 3_600..86_400 => format!("{}h", secs / 3_600),
        secs => format!("{}d", secs / 86_400),
    }
}

/// The same in words: `4 min`, `2 h 10 min`, `3 days`.
pub fn lasted(lasted: Duration) -> String {
    match lasted.as_secs() {
        secs @ 0..60 => format!("{secs} s"),
        secs @ 60..3_600 => format!("{} min", secs / 60),
        secs @ 3_600..86_400 => match (secs / 3_600, secs % 3_600 / 60) {
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        },
        secs => match secs / 86_400 {
            1 => "1 day".into(),
            days => format!("{days} days"),
        },
    }
}

/// Whole seconds until something, rounded up: a countdown ends on 1, not on 0.
pub fn countdown(left: Duration) -> u64 {
    u64::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX)
}

/// `100 %`, `99.2 %`, `0 %`; never rounded up to 100.
pub fn percent(share: f64) -> String {
    let percent = (share * 100.0).clamp(0.0, 100.0);
    if percent == 100.0 || percent == 0.0 {
        format!("{percent:.0} %")
    } else {
        format!("{:.1} %", (percent * 10.0).floor() / 10.0)
    }
}

/// `512 B`, `1.4 kB`, `412 MB`, in powers of a thousand.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut amount = count as f64;
    let mut unit = 0;
    while 999.5 <= amount && unit + 1 < UNITS.len() {
        amount /= 1_000.0;
        unit += 1;
    }
    let digits = usize::from(unit != 0 && amount < 9.95);
    format!("{amount:.digits$} {}", UNITS[unit])
}

/// Local time of day: `14:02:31`.
pub fn clock(at: Wall) -> String {
    local(at, "%H:%M:%S")
}

/// Local date and time: `Sat 21 Nov 14:02:31`.
pub fn date_clock(at: Wall) -> String {
    local(at, "%a %-d %b %H:%M:%S")
}

fn local(at: Wall, format: &str) -> String {
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(stamp) => stamp.to_zoned(jiff::tz::TimeZone::system()).strftime(format).to_string(),
        Err(_) => "–".into(),
    }
}

/// `12,400`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let lead = digits.len() % 3;
    let (first, rest) = digits.split_at(lead);
    let groups = rest.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let all: Vec<String> = (!first.is_empty()).then(|| first.to_owned()).into_iter().chain(groups).collect();
    all.join(",")
}

/// `1 mistake`, `3 mistakes`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_has_two_or_three_digits_and_its_unit() {
        let read = |micros| latency(Duration::from_micros(micros));
        assert_eq!(
            [read(400), read(9_949), read(34_000), read(999_400), read(1_240_000), read(72_000_000)],
            ["0.4 ms", "9.9 ms", "34 ms", "999 ms", "1.24 s", "72 s"]
        );
    }

    #[test]
    fn an_age_is_its_largest_unit() {
        let read = |secs| age(Duration::from_secs(secs));
        assert_eq!([read(3), read(240), read(7_300), read(200_000)], ["<1m", "4m", "2h", "2d"]);
        assert_eq!(lasted(Duration::from_secs(7_800)), "2 h 10 min");
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(
            [percent(1.0), percent(0.99996), percent(0.992), percent(0.0)],
            ["100 %", "99.9 %", "99.2 %", "0 %"]
        );
    }

    #[test]
    fn sizes_and_countdowns_read_as_people_say_them() {
        assert_eq!([bytes(512), bytes(1_400), bytes(412_000_000)], ["512 B", "1.4 kB", "412 MB"]);
        assert_eq!(countdown(Duration::from_millis(2_001)), 3);
        assert_eq!(count(1, "mistake", "mistakes"), "1 mistake");
        assert_eq!(
            [thousands(0), thousands(999), thousands(12_400), thousands(1_234_567)],
            ["0", "999", "12,400", "1,234,567"]
        );
    }
}
