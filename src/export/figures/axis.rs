//! Where the ticks of time and of values stand, and what they say. Pure.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::base::Wall;

/// A tick of the time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    pub at: Wall,
    pub label: String,
    /// The date, or the year, where it begins.
    pub under: Option<String>,
}

/// From one tick to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Seconds(i64),
    Days(i64),
    Months(i64),
}

const STEPS: &[Step] = &[
    Step::Seconds(1),
    Step::Seconds(5),
    Step::Seconds(10),
    Step::Seconds(30),
    Step::Seconds(60),
    Step::Seconds(300),
    Step::Seconds(600),
    Step::Seconds(900),
    Step::Seconds(1_800),
    Step::Seconds(3_600),
    Step::Seconds(2 * 3_600),
    Step::Seconds(3 * 3_600),
    Step::Seconds(6 * 3_600),
    Step::Seconds(12 * 3_600),
    Step::Days(1),
    Step::Days(2),
    Step::Days(7),
    Step::Months(1),
    Step::Months(3),
    Step::Months(12),
    Step::Months(60),
];

impl Step {
    fn seconds(self) -> i64 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::Days(days) => days * 86_400,
            Self::Months(months) => months * 30 * 86_400,
        }
    }
}

pub(super) fn local(at: Wall, zone: &TimeZone) -> Option<DateTime> {
    Timestamp::from_microsecond(at.0).ok().map(|at| zone.to_datetime(at))
}

/// At most about `most` ticks of `[from, to]`, at whole steps of local time.
pub(super) fn time_ticks(from: Wall, to: Wall, most: usize, zone: &TimeZone) -> Vec<Tick> {
    let span = i64::try_from(to.since(from).as_secs()).unwrap_or(i64::MAX);
    let fits = |step: &&Step| span / step.seconds() < most as i64;
    let Some(step) = STEPS.iter().find(fits).or(STEPS.last()).copied() else { return Vec::new() };
    let Some(mut at) = local(from, zone).and_then(|start| floor(start, step)) else { return Vec::new() };
    let mut ticks: Vec<Tick> = Vec::new();
    let mut before: Option<DateTime> = None;
    // One more than fit, for the one before the range; and a bound, should the calendar end.
    for _ in 0..most + 3 {
        let wall = zone.to_ambiguous_timestamp(at).compatible().ok().map(|at| Wall(at.as_microsecond()));
        if let Some(wall) = wall.filter(|wall| (from..=to).contains(wall))
            && ticks.last().is_none_or(|last| last.at < wall)
        {
            let new = |same: fn(DateTime) -> i64| before.is_none_or(|before| same(before) != same(at));
            let (label, under) = match step {
                Step::Seconds(seconds) => {
                    let clock = if seconds < 60 { "%H:%M:%S" } else { "%H:%M" };
                    let day = new(|at| i64::from(at.year()) * 366 + i64::from(at.day_of_year()));
                    (clock, day.then_some("%a %-d %b"))
                }
                Step::Days(_) => ("%-d %b", new(|at| at.year().into()).then_some("%Y")),
                Step::Months(months) if 12 <= months => ("%Y", None),
                Step::Months(_) => ("%b", new(|at| at.year().into()).then_some("%Y")),
            };
            let under = under.map(|under| at.strftime(under).to_string());
            ticks.push(Tick { at: wall, label: at.strftime(label).to_string(), under });
            before = Some(at);
        }
        let next = match step {
            Step::Seconds(seconds) => at.checked_add(seconds.seconds()),
            Step::Days(days) => at.checked_add(days.days()),
            Step::Months(months) => at.checked_add(months.months()),
        };
        match next {
            Ok(next) => at = next,
            Err(_) => break,
        }
    }
    ticks
}

/// The last whole step at or before that time.
fn floor(at: DateTime, step: Step) -> Option<DateTime> {
    let midnight = at.date().to_datetime(Time::midnight());
    match step {
        Step::Seconds(seconds) => {
            let time = at.time();
            let since = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
            midnight.checked_add((since / seconds * seconds).seconds()).ok()
        }
        // From a Monday, so that weeks begin where calendars begin them.
        Step::Days(days) => {
            let monday = i64::from(midnight.weekday().to_monday_zero_offset());
            midnight.checked_sub((if days == 1 { 0 } else { monday }).days()).ok()
        }
        Step::Months(months) => {
            let first = midnight.first_of_month();
            let index = i64::from(first.month()) - 1 + i64::from(first.year()) * 12;
            first.checked_sub((index.rem_euclid(months)).months()).ok()
        }
    }
}

/// The shortest length at least as long that people count time in.
pub(super) fn round_length(least: Duration) -> Duration {
    const SECONDS: &[u64] =
        &[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800];
    let found = SECONDS.iter().map(|seconds| Duration::from_secs(*seconds)).find(|length| least <= *length);
    found.unwrap_or(least)
}

/// A scale of values from the floor up.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    pub low: f64,
    pub high: f64,
    pub logarithmic: bool,
    pub ticks: Vec<f64>,
}

impl Scale {
    /// From zero to a round number at or above `most`, with about `count` ticks; whole numbers only where `whole`.
    pub(super) fn linear(most: f64, count: usize, whole: bool) -> Self {
        let most = if most.is_finite() && 0.0 < most { most } else { 1.0 };
        let rough = most / count.max(1) as f64;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| rough <= *step * 1.000_001);
        let step = step.unwrap_or(rough);
        let step = if whole { step.max(1.0).round() } else { step };
        let steps = (most / step - 1e-9).ceil().max(1.0) as usize;
        let ticks: Vec<f64> = (0..=steps).map(|n| n as f64 * step).collect();
        Self { low: 0.0, high: steps as f64 * step, logarithmic: false, ticks }
    }

    /// Over powers of ten.
    pub(super) fn logarithmic(least: f64, most: f64) -> Self {
        let low = least.max(1e-3).log10().floor();
        let high = most.max(1e-3).log10().ceil().max(low + 1.0);
        let ticks = (low as i32..=high as i32).map(|power| 10f64.powi(power)).collect();
        Self { low: 10f64.powf(low), high: 10f64.powf(high), logarithmic: true, ticks }
    }

    /// Where the value stands, 0 at the floor and 1 at the top.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        share.clamp(0.0, 1.0)
    }
}

/// `0`, `5 ms`, `1.5 s`.
pub(super) fn ms_label(ms: f64) -> String {
    if ms == 0.0 {
        "0".to_owned()
    } else if 1_000.0 <= ms {
        format!("{} s", round(ms / 1e3))
    } else if 0.1 <= ms {
        format!("{} ms", round(ms))
    } else {
        format!("{} µs", round(ms * 1e3))
    }
}

/// Three digits at most, no trailing zeros.
pub(super) fn round(value: f64) -> String {
    let decimals = if 100.0 <= value {
        0
    } else if 10.0 <= value {
        1
    } else {
        2
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn ticks(from: &str, to: &str, zone: &str, expected: &str) {
        let at = |text: &str| Wall(text.parse::<Timestamp>().unwrap().as_microsecond());
        let zone = TimeZone::get(zone).unwrap();
        let got: Vec<String> = time_ticks(at(from), at(to), 8, &zone)
            .into_iter()
            .map(|tick| tick.under.map_or(tick.label.clone(), |under| format!("{} ({under})", tick.label)))
            .collect();
        assert_eq!(got.join(", "), expected);
    }

    #[test]
    fn hours_are_local_and_a_new_day_is_told() {
        ticks(
            "2026-11-20T20:10:00Z",
            "2026-11-21T01:10:00Z",
            "Europe/Berlin",
            "22:00 (Fri 20 Nov), 23:00, 00:00 (Sat 21 Nov), 01:00, 02:00",
        );
    }

    #[test]
    fn minutes_and_seconds_where_the_range_is_short() {
        ticks(
            "2026-11-20T20:10:01Z",
            "2026-11-20T20:10:30Z",
            "UTC",
            "20:10:05 (Fri 20 Nov), 20:10:10, 20:10:15, 20:10:20, 20:10:25, 20:10:30",
        );
        ticks(
            "2026-11-20T20:10:00Z",
            "2026-11-20T20:40:00Z",
            "UTC",
            "20:10 (Fri 20 Nov), 20:15, 20:20, 20:25, 20:30, 20:35, 20:40",
        );
    }

    #[test]
    fn weeks_begin_on_mondays_and_months_on_their_first() {
        ticks("2026-11-18T00:00:00Z", "2026-12-20T00:00:00Z", "UTC", "23 Nov (2026), 30 Nov, 7 Dec, 14 Dec");
        ticks("2026-10-05T00:00:00Z", "2027-03-05T00:00:00Z", "UTC", "Nov (2026), Dec, Jan (2027), Feb, Mar");
    }

    #[test]
    fn a_day_with_a_change_of_the_clock_keeps_round_hours() {
        ticks(
            "2026-10-24T22:00:00Z",
            "2026-10-25T23:00:00Z",
            "Europe/Berlin",
            "00:00 (Sun 25 Oct), 06:00, 12:00, 18:00, 00:00 (Mon 26 Oct)",
        );
    }

    #[test]
    fn values_get_round_ticks() {
        assert_eq!(Scale::linear(83.0, 4, false).ticks, [0.0, 50.0, 100.0]);
        assert_eq!(Scale::linear(3.0, 4, true).ticks, [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(Scale::linear(0.0, 4, true).ticks, [0.0, 1.0]);
        assert_eq!(Scale::logarithmic(3.0, 800.0).ticks, [1.0, 10.0, 100.0, 1000.0]);
    }

    #[test]
    fn lengths_of_columns_and_bars_are_round() {
        let of = |seconds: f64| round_length(Duration::from_secs_f64(seconds)).as_secs();
        assert_eq!([0.2, 144.0, 1_008.0, 5e6].map(of), [1, 300, 1_800, 5_000_000]);
    }

    #[test]
    fn lengths_read_with_their_unit() {
        assert_eq!([0.0, 0.05, 7.5, 340.0, 1_500.0].map(ms_label), ["0", "50 µs", "7.5 ms", "340 ms", "1.5 s"]);
    }
}
