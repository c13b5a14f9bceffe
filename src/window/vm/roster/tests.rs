//! What the roster's rows say.

use super::sample::{NOW, enter, live, profile};
use super::*;
use crate::watch::{Event, EventBody};
use std::sync::Arc;

#[track_caller]
fn check(filter: &str, states: &[State], collapsed: &[&str], expected: &str) {
    let live = live();
    let filter = Filter { text: filter.into(), states: states.iter().copied().collect(), broken: false };
    let collapsed = collapsed.iter().map(|label| (*label).to_owned()).collect();
    let roster = RosterVm::build(&live, Order::WorstFirst, &filter, &collapsed);
    let lines: Vec<String> = roster
        .lines
        .iter()
        .map(|line| match line {
            Line::Group(group) => format!("{} {}", if group.open { "v" } else { ">" }, group.label),
            Line::Row(id) => live.get(*id).unwrap().name.to_string(),
        })
        .collect();
    assert_eq!(lines.join(" | "), expected);
}

#[test]
fn groups_come_with_their_worst_first() {
    check("", &[], &[], "v No group | notes | v shop / production | Sales chat | API carts | v lab | Old feed");
}

#[test]
fn a_closed_group_hides_its_rows_and_a_filter_opens_it() {
    let closed = ["shop / production", "No group", "lab"];
    check("", &[], &closed, "> No group | > shop / production | > lab");
    check("carts", &[], &closed, "v shop / production | API carts");
}

#[test]
fn a_filter_is_words_that_are_there_or_not_there() {
    check("PRODUCTION -sales", &[], &[], "v shop / production | API carts");
    check("", &[State::CorsError], &[], "v shop / production | Sales chat");
    check("", &[State::Disconnected], &[], "v lab | Old feed");
    check("nothing", &[], &[], "");
}

#[track_caller]
fn row(id: u32) -> RowVm {
    RowVm::build(live().get(ProfileId(id)).unwrap(), NOW)
}

#[test]
fn a_row_says_state_fact_and_age() {
    let bad = row(1);
    assert_eq!((bad.fact.as_str(), bad.age.as_str()), ("no Access-Control-Allow-Origin", "4m"));
    assert!(bad.sentence.starts_with("Sales chat: CORS error, no Access-Control-Allow-Origin, for 4 min"));
    let good = row(2);
    assert_eq!((good.fact.as_str(), good.success.as_str(), good.numeric), ("34 ms", "100 %", true));
    assert_eq!(row(3).fact, "off");
    assert_eq!((row(4).fact.as_str(), row(4).mark), ("1 mistake", Mark::Broken));
    assert!(row(4).problems[0].contains("did you mean `page`?"));
}

#[test]
fn a_countdown_ticks_once_a_second_and_only_while_it_is_there() {
    let mut live = live();
    enter(&mut live, 1, NOW, State::Reconnecting, None);
    let retry =
        EventBody::Retry { attempt: 4, wait: Duration::from_secs(3), until: NOW.plus(Duration::from_millis(2_500)) };
    live.apply(&Arc::new(Event { seq: 99, at: NOW, profile: Some(ProfileId(1)), body: retry }));
    let row = RowVm::build(live.get(ProfileId(1)).unwrap(), NOW);
    assert_eq!(row.fact, "try 4, 3 s");
    assert_eq!(row.stale_at, Some(NOW.plus(Duration::from_millis(500))));
    let later = RowVm::build(live.get(ProfileId(1)).unwrap(), NOW.plus(Duration::from_secs(3)));
    assert_eq!(later.fact, "try 4 …");
}

#[test]
fn a_change_of_state_is_marked_for_two_seconds() {
    let mut live = live();
    enter(&mut live, 2, NOW, State::Error, None);
    let row = RowVm::build(live.get(ProfileId(2)).unwrap(), NOW.plus(Duration::from_millis(500)));
    assert_eq!((row.changed, row.stale_at), (true, Some(NOW.plus(MARKED))));
    assert!(!RowVm::build(live.get(ProfileId(2)).unwrap(), NOW.plus(MARKED)).changed);
}

#[test]
fn a_row_is_built_again_only_when_it_changed() {
    let mut live = live();
    let mut cache = RowCache::default();
    cache.refresh(&live, [ProfileId(2)].into_iter(), NOW);
    let version = cache.get(ProfileId(2)).unwrap().version;
    cache.refresh(&live, [ProfileId(2)].into_iter(), NOW);
    assert_eq!(cache.get(ProfileId(2)).unwrap().version, version);
    live.set_profile(ProfileId(2), Arc::new(profile("API basket", &[])));
    cache.refresh(&live, [ProfileId(2)].into_iter(), NOW);
    assert_eq!(cache.get(ProfileId(2)).unwrap().name, "API basket");
}

#[test]
fn arrows_stop_at_the_rosters_ends() {
    let roster = RosterVm::build(&live(), Order::WorstFirst, &Filter::default(), &BTreeSet::new());
    assert_eq!(roster.step(None, 1), Some(ProfileId(4)));
    assert_eq!(roster.step(Some(ProfileId(4)), -1), Some(ProfileId(4)));
    assert_eq!(roster.step(Some(ProfileId(1)), 1), Some(ProfileId(2)));
}

#[test]
fn a_beat_tells_its_time_latency_and_phases() {
    let live = live();
    let beat = live.get(ProfileId(2)).unwrap().beats.last().unwrap().clone();
    assert_eq!(beat_lines(&beat)[1..], ["Connected, 34 ms", "TCP 8.0 ms · first byte 17 ms"]);
}
