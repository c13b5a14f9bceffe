//! Local times in a given zone, so that a test can be anywhere.

use jiff::tz::TimeZone;

use crate::base::Wall;

/// `14:02:31`
pub fn second(at: Wall, zone: &TimeZone) -> String {
    format(at, zone, "%H:%M:%S")
}

/// `14:02:31.204`
pub fn millis(at: Wall, zone: &TimeZone) -> String {
    format(at, zone, "%H:%M:%S.%3f")
}

/// `14:02`
pub fn minute(at: Wall, zone: &TimeZone) -> String {
    format(at, zone, "%H:%M")
}

/// `21 Nov`
pub fn day(at: Wall, zone: &TimeZone) -> String {
    format(at, zone, "%-d %b")
}

/// `Nov 2026`
pub fn month(at: Wall, zone: &TimeZone) -> String {
    format(at, zone, "%b %Y")
}

/// `Sat 21 Nov 2026, 14:02:31`
pub fn whole(at: Wall, zone: &TimeZone) -> String {
    format(at, zone, "%a %-d %b %Y, %H:%M:%S")
}

/// An instant as seen from another: the time of day, with the day where that is another one.
pub fn near(at: Wall, now: Wall, zone: &TimeZone) -> String {
    if day(at, zone) == day(now, zone) { second(at, zone) } else { format(at, zone, "%-d %b %H:%M:%S") }
}

/// `13:20 – 14:20`, with days or seconds where it takes them to be understood.
pub fn interval(from: Wall, to: Wall, now: Wall, zone: &TimeZone) -> String {
    let same_day = day(from, zone) == day(to, zone);
    let clock = if to.since(from).as_secs() < 600 { "%H:%M:%S" } else { "%H:%M" };
    let dated = format!("%-d %b %H:%M{}", if clock.ends_with("%S") { ":%S" } else { "" });
    match (same_day, day(to, zone) == day(now, zone)) {
        (true, true) => format!("{} – {}", format(from, zone, clock), format(to, zone, clock)),
        (true, false) => format!("{} – {}", format(from, zone, &dated), format(to, zone, clock)),
        (false, _) => format!("{} – {}", format(from, zone, &dated), format(to, zone, &dated)),
    }
}

fn format(at: Wall, zone: &TimeZone, with: &str) -> String {
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(stamp) => stamp.to_zoned(zone.clone()).strftime(with).to_string(),
        Err(_) => "–".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_tells_as_much_as_it_takes() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let wall = |text: &str| Wall(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        let now = wall("2026-11-21T08:50:00Z");
        let read = |from: &str, to: &str| interval(wall(from), wall(to), now, &zone);
        assert_eq!(read("2026-11-21T07:50:00Z", "2026-11-21T08:50:00Z"), "13:20 – 14:20");
        assert_eq!(read("2026-11-21T08:50:00Z", "2026-11-21T08:50:09Z"), "14:20:00 – 14:20:09");
        assert_eq!(read("2026-11-20T08:50:00Z", "2026-11-21T08:50:00Z"), "20 Nov 14:20 – 21 Nov 14:20");
        assert_eq!(read("2026-11-20T08:50:00Z", "2026-11-20T09:50:00Z"), "20 Nov 14:20 – 15:20");
        assert_eq!(millis(Wall(wall("2026-11-21T08:50:00Z").0 + 204_000), &zone), "14:20:00.204");
    }
}
