//! Where the marks of an axis stand: round local times, and round milliseconds.

use std::time::Duration;

use jiff::civil;
use jiff::tz::TimeZone;

use super::local;
use crate::base::Wall;

/// A mark on the time axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub at: Wall,
    pub label: String,
    /// A day begins here.
    pub day: bool,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Steps below a day, in seconds; each divides a day.
const STEPS: [i64; 17] = [
    1,
    2,
    5,
    10,
    15,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
];

/// Steps from a day up, in days.
const DAY_STEPS: [i64; 8] = [1, 2, 7, 14, 28, 91, 182, 364];

/// Round local times of `[from, to]`, so far apart that at most `most` of them stand there. Days begin at local midnight,
/// however long they are.
pub fn ticks(from: Wall, to: Wall, most: usize, zone: &TimeZone) -> Vec<Tick> {
    let span = to.since(from).as_secs_f64();
    let most = most.clamp(1, 200);
    let fits = |step: i64| span / step as f64 <= most as f64;
    let (Some(first), Some(last)) = (zoned(from, zone), zoned(to, zone)) else { return Vec::new() };
    let mut ticks = Vec::new();
    let mut take = |at: Wall, label: String, day: bool| {
        if from <= at && at <= to && ticks.last().is_none_or(|last: &Tick| last.at < at) {
            ticks.push(Tick { at, label, day });
        }
    };
    let mut day = first.date();
    if let Some(step) = STEPS.into_iter().find(|step| fits(*step)) {
        while day <= last.date() {
            let begins = if day == first.date() { second_of_day(first.time()) / step } else { 0 };
            let ends = if day == last.date() { second_of_day(last.time()) / step } else { DAY / step - 1 };
            for index in begins..=ends {
                let second = index * step;
                let Some(time) = time_of_day(second) else { continue };
                let near = day.to_datetime(time);
                let Some(at) = wall(near, zone) else { continue };
                let label = match (second, step) {
                    (0, _) => local::day(at, zone),
                    (_, ..MINUTE) => local::second(at, zone),
                    _ => local::minute(at, zone),
                };
                take(at, label, second == 0);
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        return ticks;
    }
    let step = DAY_STEPS.into_iter().find(|step| fits(step * DAY)).unwrap_or(728);
    // Counted from a Monday, so that weeks begin on one and a moving range keeps its marks.
    let monday = civil::date(1970, 1, 5);
    let since = monday.until(day).map_or(0, |span| i64::from(span.get_days()));
    let Ok(mut day) = monday.checked_add(jiff::Span::new().days(since.div_euclid(step) * step)) else { return ticks };
    while day <= last.date() {
        if let Some(at) = wall(day.to_datetime(civil::Time::midnight()), zone) {
            let label = if step < 91 { local::day(at, zone) } else { local::month(at, zone) };
            take(at, label, true);
        }
        let Ok(next) = day.checked_add(jiff::Span::new().days(step)) else { break };
        day = next;
    }
    ticks
}

fn time_of_day(second: i64) -> Option<civil::Time> {
    let (hour, minute, second) = (second / HOUR, second % HOUR / MINUTE, second % MINUTE);
    civil::Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?, 0).ok()
}

fn second_of_day(time: civil::Time) -> i64 {
    i64::from(time.hour()) * HOUR + i64::from(time.minute()) * MINUTE + i64::from(time.second())
}

fn zoned(at: Wall, zone: &TimeZone) -> Option<jiff::Zoned> {
    Some(jiff::Timestamp::from_microsecond(at.0).ok()?.to_zoned(zone.clone()))
}

fn wall(local: civil::DateTime, zone: &TimeZone) -> Option<Wall> {
    Some(Wall(local.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond()))
}

/// Round values from 0 to at least `most` milliseconds: the top, and the marks between. The top leaves room above `most`.
pub fn milliseconds(most: f64) -> (f64, Vec<f64>) {
    let most = if most.is_finite() { most.max(0.1) } else { 1.0 };
    let rough = most * 1.12 / 3.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| rough <= *step);
    let step = step.unwrap_or(power * 10.0);
    let marks: Vec<f64> =
        (1..=4).map(|index| step * f64::from(index)).take_while(|mark| *mark <= most * 1.12).collect();
    (most * 1.12, marks)
}

/// A round length of time, not shorter than `least`: how wide columns and bars are.
pub fn round_up(least: Duration) -> Duration {
    let secs = least.as_secs_f64();
    let round = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
        .into_iter()
        .chain(STEPS.into_iter().map(|step| step as f64))
        .chain(DAY_STEPS.into_iter().map(|step| (step * DAY) as f64))
        .find(|step| secs <= *step);
    Duration::from_secs_f64(round.unwrap_or(secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, from: &str, to: &str, most: usize, expected: &str) {
        let zone = TimeZone::get(zone).unwrap();
        let wall = |text: &str| Wall(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        let got = ticks(wall(from), wall(to), most, &zone);
        let got: Vec<&str> = got.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(got.join(" "), expected);
    }

    #[test]
    fn marks_are_round_local_times() {
        check("Asia/Kolkata", "2026-11-21T08:47:00Z", "2026-11-21T09:47:00Z", 6, "14:20 14:30 14:40 14:50 15:00 15:10");
        check(
            "UTC",
            "2026-11-21T08:00:03Z",
            "2026-11-21T08:00:31Z",
            6,
            "08:00:05 08:00:10 08:00:15 08:00:20 08:00:25 08:00:30",
        );
    }

    #[test]
    fn midnight_is_marked_with_its_day() {
        check(
            "Europe/Berlin",
            "2026-11-20T20:00:00Z",
            "2026-11-21T02:00:00Z",
            6,
            "21:00 22:00 23:00 21 Nov 01:00 02:00 03:00",
        );
        check(
            "UTC",
            "2026-11-15T10:00:00Z",
            "2026-11-22T10:00:00Z",
            8,
            "16 Nov 17 Nov 18 Nov 19 Nov 20 Nov 21 Nov 22 Nov",
        );
    }

    #[test]
    fn the_hour_that_a_spring_day_lacks_gets_no_mark() {
        // 29 March 2026: 02:00 becomes 03:00 in Berlin.
        check("Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T03:30:00Z", 5, "01:00 03:00 04:00 05:00");
    }

    #[test]
    fn a_year_has_few_marks_and_they_keep_their_places() {
        check("UTC", "2025-11-21T00:00:00Z", "2026-11-21T00:00:00Z", 5, "Jan 2026 Apr 2026 Jul 2026 Oct 2026");
        check("UTC", "2025-11-29T00:00:00Z", "2026-11-29T00:00:00Z", 5, "Jan 2026 Apr 2026 Jul 2026 Oct 2026");
    }

    #[test]
    fn milliseconds_are_round_and_leave_room() {
        assert_eq!(milliseconds(80.0).1, [50.0]);
        assert_eq!(milliseconds(120.0).1, [50.0, 100.0]);
        let (top, marks) = milliseconds(0.0);
        assert!(0.0 < top && !marks.is_empty());
    }

    #[test]
    fn widths_are_round() {
        assert_eq!(round_up(Duration::from_secs(16)), Duration::from_secs(30));
        assert_eq!(round_up(Duration::from_millis(3)), Duration::from_millis(10));
        assert_eq!(round_up(Duration::from_secs(50_000)), Duration::from_secs(86_400));
    }
}
