//! A figure says what the data say, in words that can be looked for in its SVG.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::*;
use crate::base::ProfileId;
use crate::model::{Bin, Segment, Spread};
use crate::watch::State;

const MINUTE: i64 = 60_000_000;

fn at(minute: i64) -> Wall {
    Wall(1_795_000_000_000_000 / MINUTE * MINUTE + minute * MINUTE)
}

fn column(minute: i64, ms: Option<f32>, failures: u32) -> Column {
    let spread = ms.map(|ms| Spread { low: ms * 0.8, p50: ms, p95: ms * 1.6, high: ms * 3.0 });
    Column { at: at(minute), good: u32::from(ms.is_some()) * 10, failures, spread }
}

/// A day: slow towards noon, an outage, an hour in which nobody watched, CORS failures in the evening.
pub(super) fn day() -> RangeData {
    let mut latency = Vec::new();
    for index in 0..288 {
        let minute = index * 5;
        let outage = (500..540).contains(&minute);
        if (700..760).contains(&minute) {
            continue;
        }
        let wave = ((minute as f32 / 240.0).sin() + 1.2) * 30.0 + (index % 7) as f32;
        latency.push(column(minute, (!outage).then_some(wave), if outage || minute % 300 == 0 { 3 } else { 0 }));
    }
    let segment = |from: i64, to: Option<i64>, state| Segment { from: at(from), to: to.map(at), state, reason: None };
    RangeData {
        profile: ProfileId(1),
        from: at(0),
        to: at(1440),
        column: Duration::from_secs(300),
        latency,
        fine: None,
        handshakes: Vec::new(),
        heartbeats: Vec::new(),
        heartbeat_limit: None,
        segments: vec![
            segment(0, Some(1), State::Connecting),
            segment(1, Some(500), State::Connected),
            segment(500, Some(540), State::Reconnecting),
            segment(540, Some(600), State::Error),
            segment(600, Some(700), State::Connected),
            segment(760, Some(900), State::Connected),
            segment(900, Some(960), State::AuthRequired),
            segment(960, Some(1100), State::CorsError),
            segment(1100, Some(1160), State::Suspended),
            segment(1160, Some(1200), State::Disconnected),
            segment(1200, None, State::Connected),
        ],
        attempts: (500..540).step_by(5).map(|minute| Bin { at: at(minute), count: 1 + (minute as u32 % 4) }).collect(),
        cors: (960..1100).step_by(5).map(|minute| Bin { at: at(minute), count: 10 }).collect(),
        gaps: vec![(at(700), at(760))],
        first: Some(at(0)),
    }
}

pub(super) fn figure<'a>(
    data: &'a RangeData,
    summary: &'a Column,
    zone: &'a TimeZone,
    panels: &'a [What],
) -> Figure<'a> {
    Figure { name: "Sales chat", data, summary: Some(summary), known_to: at(1440), panels, zone }
}

fn text(panels: &[What], change: impl FnOnce(&mut RangeData)) -> String {
    let mut data = day();
    change(&mut data);
    let summary = Column { failures: 36, ..column(0, Some(34.0), 0) };
    svg(&figure(&data, &summary, &TimeZone::get("Europe/Berlin").unwrap(), panels)).unwrap()
}

#[test]
fn a_figure_names_its_profile_its_range_its_units_and_its_states() {
    let svg = text(&What::ALL, |_| {});
    for part in [
        "Sales chat",
        "Europe/Berlin",
        "median 34 ms, 95th percentile 54.4 ms, 36 failures in 46",
        "100 ms",
        "Reconnecting 2.9 %",
        "CORS error",
        "Disconnected 2.9 %",
        "Reconnect attempts",
        "CORS failures",
    ] {
        assert!(svg.contains(part), "no {part:?}");
    }
    assert!(svg.starts_with("<svg width=\"720\""));
}

#[test]
fn no_text_is_smaller_than_eight_points() {
    let svg = text(&What::ALL, |_| {});
    for size in svg.split("font-size=\"").skip(1) {
        let units: f64 = size.split('"').next().unwrap().parse().unwrap();
        let points = units / SVG_SCALE * 0.75;
        assert!(8.0 <= points, "a text of {points} points");
    }
}

#[test]
fn what_is_not_there_is_said_in_words() {
    let svg = text(&What::ALL, |data| {
        data.latency.clear();
        data.segments.clear();
        data.attempts.clear();
        data.cors.clear();
    });
    assert!(
        svg.contains("nothing was measured") && svg.contains("nobody watched") && svg.contains("none in this time")
    );
}

#[test]
fn each_panel_can_stand_alone_and_an_empty_range_draws() {
    for what in What::ALL {
        text(&[what], |data| data.to = data.from);
    }
}

#[test]
fn a_name_from_anywhere_stays_text() {
    let data = day();
    let summary = column(0, None, 2);
    let zone = TimeZone::UTC;
    let svg = svg(&Figure { name: "<script>&\"x\"", ..figure(&data, &summary, &zone, &[What::State]) }).unwrap();
    assert!(!svg.contains("<script>"));
}

#[test]
fn a_file_gets_the_form_of_its_ending_and_no_other_ending_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (data, summary, zone) = (day(), column(0, Some(34.0), 2), TimeZone::UTC);
    let figure = figure(&data, &summary, &zone, &What::ALL);
    let magic = |name: &str| {
        let path = folder.path().join(name);
        save(&figure, &path).map(|()| std::fs::read(path).unwrap()[..4].to_vec())
    };
    assert_eq!(magic("a.PNG").unwrap(), b"\x89PNG");
    assert_eq!(magic("a.svg").unwrap(), b"<svg");
    assert!(matches!(magic("a.pdf"), Err(FigureError::Ending)));
    assert!(matches!(magic("none/a.png"), Err(FigureError::Write { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
