//! The views in place of plots and tabs as their accessible names tell them.

use std::cell::RefCell;
use std::sync::Arc;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use jiff::tz::TimeZone;

use super::*;
use crate::base::{ProfileId, Wall};
use crate::engine::{Brought, Errand, Underway};
use crate::profile::Profile;
use crate::watch::{Code, Reason};
use crate::window::testing::harness;
use crate::window::theme::Look;
use crate::window::vm::sides::sample::checked;

const ID: ProfileId = ProfileId(1);

/// Asks, and has that brought to each errand in turn.
fn asked(mut aside: Aside, mut brought: Vec<Vec<Brought>>) -> Aside {
    brought.reverse();
    let brought = RefCell::new(brought);
    let profile = checked("x", None).profile;
    aside.ask(&profile, &|_: Errand| Ok(Underway::of(brought.borrow_mut().pop().unwrap_or_default())));
    aside.take_in(Wall(0), &TimeZone::UTC);
    aside
}

fn brought(title: &str, allowed: Option<&str>) -> Brought {
    let made = checked(title, allowed);
    Brought::Checked { url: title.to_owned(), profile: made.profile, reports: made.reports }
}

/// Draws it, hands the harness to `then`, and gives back the last wish. `Harness::run` panics where the window keeps asking
/// for frames.
fn shown(aside: &Aside, look: Look, then: impl FnOnce(&mut Harness<'_>)) -> Option<Action> {
    let (theme, wish) = (Theme::new(look), RefCell::new(None));
    let mut harness = harness(1100.0, 700.0, look, |ui| {
        if let Some(action) = super::ui(ui, aside, &theme) {
            *wish.borrow_mut() = Some(action);
        }
    });
    harness.run();
    then(&mut harness);
    drop(harness);
    wish.into_inner()
}

fn verify(after: Vec<Brought>) -> Aside {
    asked(Aside::verify(ID, "Sales chat".into(), checked("Before, 14:02:31", None)), vec![after])
}

#[test]
fn what_is_mended_is_said_with_before_and_after_side_by_side() {
    let aside = verify(vec![brought("x", Some("https://example.com"))]);
    for look in Look::ALL {
        shown(&aside, look, |harness| {
            harness.get_by_label("Mended.");
            harness.get_by_label_contains("Before, 14:02:31: CORS error: no Access-Control-Allow-Origin");
            harness.get_by_label_contains("After, 00:00:00: Connected");
            harness.get_by_label_contains("browser: fail no Access-Control-Allow-Origin");
            harness.get_by_label("access-control-allow-origin");
            let height = |start: &str| harness.get_by_label_contains(start).rect().height();
            let heads = [height("Before, 14:02:31: CORS error"), height("After, 00:00:00: Connected")];
            assert!(heads[0] == heads[1] && heads[0] < 160.0, "{heads:?}");
        });
    }
    let copied = shown(&aside, Look::Dark, |harness| {
        harness.get_by_label("Copy all").click();
        harness.run();
    });
    assert!(matches!(copied, Some(Action::Copy(text)) if text.starts_with("Sales chat: Mended.")));
}

#[test]
fn what_still_fails_says_so_and_can_be_asked_again_while_before_stays() {
    let aside = verify(vec![brought("x", None)]);
    let wish = shown(&aside, Look::Dark, |harness| {
        harness.get_by_label("Still failing by the same cause: cors-headers-missing.");
        harness.get_by_label("Ask again").click();
        harness.run();
    });
    assert_eq!(wish, Some(Action::AskAgain));
    let again = asked(aside, vec![vec![brought("x", Some("https://example.com"))]]);
    shown(&again, Look::Light, |harness| {
        harness.get_by_label("Mended.");
        harness.get_by_label_contains("Before, 14:02:31: CORS error");
    });
}

#[test]
fn while_it_is_asked_before_stands_alone_and_what_can_t_be_asked_says_why() {
    let mut asking = Aside::verify(ID, "Sales chat".into(), checked("Before, 14:02:31", None));
    asking.ask(&checked("x", None).profile, &|_| Err("The engine is ending; that was not begun.".to_owned()));
    shown(&asking, Look::Dark, |harness| {
        harness.get_by_label_contains("Before, 14:02:31: CORS error");
        harness.get_by_label("After: The engine is ending; that was not begun.");
    });
    let missing = Reason::new(Code::SecretMissing).with_detail("jwt");
    shown(&verify(vec![Brought::Unready(missing)]), Look::Dark, |harness| {
        harness.get_by_label_contains("After: Nothing was sent: ");
    });
    shown(&verify(Vec::new()), Look::Dark, |harness| {
        harness.get_by_label("After: It was broken off. Ask again.");
    });
}

#[test]
fn two_endpoints_stand_side_by_side_with_where_they_part() {
    let (one, other) = (checked("a", None).profile, checked("b", None).profile);
    let aside = Aside::compare(ID, "Sales chat".into(), one, other);
    let pair = vec![vec![brought("https://a.test/", None)], vec![brought("https://b.test/", Some("*"))]];
    shown(&asked(aside, pair), Look::Light, |harness| {
        harness.get_by_label("They part at browser.");
        harness.get_by_label_contains("https://a.test/: CORS error");
        harness.get_by_label_contains("https://b.test/: Connected");
    });
}

#[test]
fn the_pages_fill_in_as_answers_come_and_the_table_leaves_as_text() {
    let table = |answered| {
        let vm = Box::new(crate::window::vm::pages::sample::pages(answered));
        let what = What::Pages { vm, underway: None, trouble: None };
        Aside { id: ID, name: "API carts".into(), what }
    };
    shown(&table(2), Look::Dark, |harness| {
        harness.get_by_label("2 of 13");
        harness.get_by_label_contains("http://localhost:3000, the profile's own page: refused, CORS error");
        harness.get_by_label("http://localhost:5173, where Vite serves pages: not asked yet");
    });
    for look in Look::ALL {
        shown(&table(13), look, |harness| {
            harness.get_by_label("http://localhost:3000 is not let in, but http://localhost:5173 is.");
            harness.get_by_label_contains("no Origin, not a browser: no Origin is sent: unclear");
        });
    }
    let saved = shown(&table(13), Look::Dark, |harness| {
        harness.get_by_label("Save…").click();
        harness.run();
    });
    assert!(matches!(saved, Some(Action::SaveToFile { text, .. }) if text.contains("let in   http://localhost:5173")));
    let closed = shown(&table(13), Look::Dark, |harness| {
        harness.get_by_label("Close").click();
        harness.run();
    });
    assert_eq!(closed, Some(Action::CloseAside));
}

#[test]
fn the_errands_are_those_of_the_profile_as_it_is_by_now() {
    let profile = checked("a", None).profile;
    let errands = RefCell::new(Vec::new());
    let begin = |errand: Errand| {
        if let Errand::Matrix { profile } = &errand {
            errands.borrow_mut().push(format!("matrix {}", profile.url));
        }
        if let Errand::Examine { profile, .. } = &errand {
            errands.borrow_mut().push(format!("examine {}", profile.url));
        }
        Ok(Underway::of(Vec::new()))
    };
    // It was edited meanwhile: the endpoint is another.
    let now = Arc::new(Profile { url: "https://now.test/".parse().unwrap(), ..Profile::clone(&profile) });
    Aside::pages(ID, "a".into(), Arc::clone(&profile)).ask(&now, &begin);
    Aside::verify(ID, "a".into(), checked("Before", None)).ask(&now, &begin);
    Aside::compare(ID, "a".into(), Arc::clone(&profile), profile).ask(&now, &begin);
    let examined = "examine https://now.test/";
    let expected = ["matrix https://now.test/", examined, examined, "examine https://api.test/v1/"];
    assert_eq!(errands.into_inner(), expected);
}
