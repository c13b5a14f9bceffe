//! Time, zoom and the questions to the history.

use super::*;
use crate::model::{Past, Sample, SampleKind};
use crate::profile::{Kind, Profile};

const ID: ProfileId = ProfileId(1);
const NOW: Wall = Wall(1_700_000_000_000_000);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A profile whose memory reaches `memory` back.
fn live(memory: u64) -> Live {
    let mut live = Live::new();
    live.set_profile(ID, Arc::new(Profile::new("chat", Kind::Http, "https://api.test/".parse().unwrap())));
    let sample = |ago: u64| Sample::good(NOW.minus(secs(ago)), 5.0, SampleKind::Check);
    let samples = (0..memory / 30).rev().map(|n| sample(n * 30)).collect();
    live.seed(ID, Past { samples, ..Past::default() });
    live
}

fn state() -> DetailState {
    DetailState::new(TimeZone::UTC)
}

#[test]
fn the_view_is_pinned_to_now_until_it_is_frozen_or_zoomed() {
    let live = live(7200);
    let mut state = state();
    state.refresh(&live, Some(ID), NOW);
    assert!(state.is_pinned() && NOW <= state.view.to && state.view.to.since(NOW) < secs(10));
    assert!(state.act(&Action::ToggleFreeze));
    let edge = state.view.to;
    state.refresh(&live, Some(ID), NOW.plus(secs(600)));
    assert_eq!(state.view.to, edge);
    state.act(&Action::ToggleFreeze);
    state.refresh(&live, Some(ID), NOW.plus(secs(600)));
    assert!(state.is_pinned() && edge < state.view.to);
}

#[test]
fn zooms_go_back_one_by_one_and_a_range_ends_them() {
    let live = live(7200);
    let mut state = state();
    state.refresh(&live, Some(ID), NOW);
    let zoom = |from: u64, to: u64| Action::ZoomTo { from: NOW.minus(secs(from)), to: NOW.minus(secs(to)) };
    state.act(&zoom(600, 300));
    state.act(&zoom(400, 500));
    state.refresh(&live, Some(ID), NOW);
    assert_eq!(state.view, View { from: NOW.minus(secs(500)), to: NOW.minus(secs(400)) });
    state.act(&Action::ZoomBack);
    state.refresh(&live, Some(ID), NOW);
    assert_eq!(state.view.length(), secs(300));
    state.act(&Action::SetRange(Range::H6));
    assert!(state.is_pinned());
}

#[test]
fn a_pinned_view_moves_by_pixels_so_that_idle_frames_build_nothing() {
    let live = live(7200);
    let mut state = state();
    state.refresh(&live, Some(ID), NOW);
    let (view, built) = (state.view, state.built);
    state.refresh(&live, Some(ID), NOW.plus(Duration::from_micros(10)));
    assert_eq!((state.view, state.built), (view, built));
}

#[test]
fn the_history_is_asked_once_and_only_for_what_memory_lacks() {
    let live = live(1800);
    let mut state = state();
    state.act(&Action::SetRange(Range::M15));
    state.refresh(&live, Some(ID), NOW);
    assert!(!state.wanted().iter().any(|query| matches!(query, Query::Range { .. })), "memory has the quarter");
    state.act(&Action::SetRange(Range::H6));
    state.refresh(&live, Some(ID), NOW);
    let asked: Vec<Query> = state.wanted();
    let Some(Query::Range { from, to, column, .. }) = asked.iter().find(|query| matches!(query, Query::Range { .. }))
    else {
        panic!("{asked:?}")
    };
    assert!(
        *from <= NOW.minus(secs(6 * 3600)) && NOW.minus(secs(1800)) <= *to && *to < NOW.minus(secs(600)),
        "{asked:?}"
    );
    assert!(state.is_loading());
    state.refresh(&live, Some(ID), NOW.plus(secs(1)));
    assert!(state.wanted().is_empty());
    let answer = RangeData {
        profile: ID,
        from: *from,
        to: *to,
        column: *column,
        latency: Vec::new(),
        fine: None,
        handshakes: Vec::new(),
        heartbeats: Vec::new(),
        heartbeat_limit: None,
        segments: Vec::new(),
        attempts: Vec::new(),
        cors: Vec::new(),
        gaps: Vec::new(),
        first: Some(NOW.minus(secs(86_400))),
    };
    state.answer(Answer::Range(Arc::new(answer)));
    for step in 0..120 {
        state.refresh(&live, Some(ID), NOW.plus(secs(step)));
    }
    assert!(!state.is_loading() && state.wanted().is_empty(), "the answer lasts while the view moves on");
    state.act(&Action::SetRange(Range::All));
    state.refresh(&live, Some(ID), NOW);
    assert_eq!(
        state.view.from.0.abs_diff(NOW.minus(secs(86_400)).0) / 1_000_000,
        0,
        "all begins where the history does"
    );
}

#[test]
fn another_profile_starts_afresh() {
    let mut live = live(7200);
    live.set_profile(ProfileId(2), Arc::new(Profile::new("other", Kind::Http, "https://api.test/".parse().unwrap())));
    let mut state = state();
    state.refresh(&live, Some(ID), NOW);
    state.act(&Action::ZoomTo { from: NOW.minus(secs(60)), to: NOW });
    state.refresh(&live, Some(ID), NOW);
    assert!(!state.is_pinned());
    state.act(&Action::SelectInstant(NOW));
    state.refresh(&live, Some(ProfileId(2)), NOW);
    assert!(state.is_pinned() && state.instant.is_none());
    assert_eq!(state.header().map(|header| header.name.as_str()), Some("other"));
    state.refresh(&live, None, NOW);
    assert!(state.header().is_none());
}

#[test]
fn an_instant_brings_its_events() {
    let mut state = state();
    state.tab = Tab::LastCheck;
    assert!(state.act(&Action::SelectInstant(NOW)));
    assert_eq!((state.tab, state.go_to, state.follow), (Tab::Events, Some(NOW), false));
    assert!(!state.act(&Action::Undo), "not the detail side's own");
}
