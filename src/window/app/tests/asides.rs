//! The views in place of plots and tabs: opened from card and palette, closed again, and what follows from what they find.

use super::*;
use crate::base::Wall;
use crate::engine::Brought;
use crate::model::Live;
use crate::watch::{Event, EventBody, State};
use crate::window::vm::roster::sample::enter;
use crate::window::vm::sides::sample::checked;

const ID: ProfileId = ProfileId(1);

/// A CORS error that the last check found.
fn failing() -> Live {
    let (mut live, made) = (Live::new(), checked("x", None));
    live.set_profile(ID, made.profile);
    let report = made.reports[0].clone();
    enter(&mut live, 1, Wall(1), State::CorsError, report.reason.clone());
    let body = EventBody::Check(Arc::new(report));
    live.apply(&Arc::new(Event { seq: live.last_seq() + 1, at: Wall(1), profile: Some(ID), body }));
    live
}

fn mended() -> Vec<Brought> {
    let made = checked("x", Some("https://example.com"));
    vec![Brought::Checked { profile: made.profile, url: "https://api.test/v1/".into(), reports: made.reports }]
}

#[test]
fn the_card_verifies_a_fix_and_what_is_mended_is_checked_at_once() {
    let (fake, mut harness) = window(failing());
    *fake.brought.lock().unwrap() = vec![mended()];
    harness.get_by_label("Verify the fix").click();
    harness.run();
    harness.get_by_label("Mended.");
    harness.get_by_label_contains(": CORS error: no Access-Control-Allow-Origin. api.test answers");
    assert_eq!(*fake.sent.lock().unwrap(), [Command::CheckNow(ID)]);
    assert!(harness.query_by_label_contains("latency of").is_none(), "the plots give way");
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label("Mended.").is_none());
    harness.get_by_label_contains("latency of");
}

#[test]
fn what_is_not_mended_is_asked_again_from_the_card_and_before_stays() {
    let (fake, mut harness) = window(failing());
    let still = checked("x", None);
    let still = Brought::Checked { profile: still.profile, url: String::new(), reports: still.reports };
    // The last is brought first.
    *fake.brought.lock().unwrap() = vec![mended(), vec![still]];
    for banner in ["Still failing by the same cause: cors-headers-missing.", "Mended."] {
        // The view's own heading has that name, too.
        harness.get_by_role_and_label(egui::accesskit::Role::Button, "Verify the fix").click();
        harness.run();
        harness.get_by_label(banner);
    }
    assert_eq!(*fake.sent.lock().unwrap(), [Command::CheckNow(ID)]);
}

#[test]
fn another_endpoint_is_typed_in_and_stands_beside_this_one() {
    let (fake, mut harness) = window(failing());
    *fake.brought.lock().unwrap() = vec![mended(), mended()];
    harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    harness.run();
    harness.event(egui::Event::Text("compare with".into()));
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    harness.get_by_label("Address or profile").type_text("backend.test:8000");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    harness.get_by_label("They don't part: every step came out alike.");
    assert!(app(&harness).dialog.is_none() && fake.sent.lock().unwrap().is_empty());
}

#[test]
fn the_view_goes_with_its_profile_and_comes_back_with_it() {
    let mut live = failing();
    live.set_profile(ProfileId(2), Arc::new(crate::window::vm::roster::sample::profile("API carts", &[])));
    let (fake, mut harness) = window(live);
    *fake.brought.lock().unwrap() = vec![mended()];
    harness.get_by_label("Verify the fix").click();
    harness.run();
    for shown in [false, true] {
        harness.key_press(if shown { Key::ArrowUp } else { Key::ArrowDown });
        harness.run();
        assert_eq!(harness.query_by_label("Mended.").is_some(), shown);
    }
    fake.live.lock().unwrap().remove(ID);
    harness.run();
    assert!(app(&harness).aside.is_none());
}
