//! The view as a person sees it.

use std::cell::RefCell;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use jiff::tz::TimeZone;

use super::*;
use crate::base::Wall;
use crate::engine::{Brought, Underway};
use crate::window::testing;
use crate::window::theme::Look;
use crate::window::vm::reproduce::tests::{read, refused};

const CHROME: &str = "Access to fetch at 'https://api.test/carts' from origin 'https://app.test' has been blocked by CORS \
                      policy: No 'Access-Control-Allow-Origin' header is present on the requested resource.";

struct View {
    state: RefCell<Reproduce>,
    wished: RefCell<Vec<Action>>,
}

impl View {
    fn new(state: Reproduce) -> Self {
        Self { state: RefCell::new(state), wished: RefCell::default() }
    }

    fn harness(&self) -> Harness<'_> {
        let theme = Theme::new(Look::Dark);
        let mut harness = testing::harness(900.0, 2_400.0, Look::Dark, move |raw| {
            self.wished.borrow_mut().extend(ui(raw, &mut self.state.borrow_mut(), &theme));
        });
        harness.run();
        harness
    }
}

/// As it stands after a run.
fn run() -> Reproduce {
    let mut state = read(CHROME);
    let wanted = state.run().unwrap();
    let profile = std::sync::Arc::clone(&wanted.profile);
    let brought = Brought::Checked { url: profile.url.to_string(), reports: vec![refused(&profile)], profile };
    state.began(wanted, Ok(Underway::of(vec![brought])));
    state.refresh(Wall(1_700_000_000_000_000), &TimeZone::UTC);
    state
}

#[test]
fn an_empty_view_says_what_to_bring_and_asks_for_no_frame() {
    let view = View::new(Reproduce::default());
    let mut harness = view.harness();
    harness.get_by_label("Report");
    assert!(harness.query_by_label("Reproduce").is_none());
    harness.get_by_label("Open a file…").click();
    harness.run();
    harness.get_by_label("Close the report").click();
    harness.run();
    assert_eq!(*view.wished.borrow(), [Action::PickReport, Action::CloseReproduce]);
    assert!(testing::repaint_delay(&harness) > std::time::Duration::from_secs(3600));
}

#[test]
fn what_was_understood_can_be_answered_and_run() {
    let view = View::new(read("Firefox can’t establish a connection to the server at wss://api.test/ws."));
    let mut harness = view.harness();
    harness.get_by_label("What the console of Firefox says.");
    harness.get_by_label_contains("Not told: the page whose script connects");
    harness.get_by_label("Page").focus();
    harness.run();
    harness.get_by_label("Page").type_text("https://app.test/");
    harness.run();
    harness.get_by_label("Safari").click();
    harness.run();
    harness.get_by_label("Reproduce").click();
    harness.run();
    assert_eq!(*view.wished.borrow(), [Action::Reproduce]);
    let wanted = view.state.borrow().run().unwrap();
    assert_eq!(wanted.profile.page.as_ref().map(url::Url::as_str), Some("https://app.test/"));
    assert_eq!(wanted.profile.browser, crate::profile::Browser::Safari);
}

#[test]
fn ctrl_and_enter_run_it_while_the_report_has_the_keyboard() {
    let mut state = read(CHROME);
    state.focus = true;
    let view = View::new(state);
    let mut harness = view.harness();
    assert!(harness.get_by_label("Report").is_focused());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run();
    assert_eq!(*view.wished.borrow(), [Action::Reproduce]);
    assert_eq!(view.state.borrow().text, CHROME, "the key is no line's end");
}

#[test]
fn a_missing_secret_is_asked_for_in_a_box_that_hides_it() {
    let view = View::new(read("curl https://a.test/ -H 'Authorization: Bearer <token>'"));
    let mut harness = view.harness();
    harness.get_by_label("Header Authorization").focus();
    harness.run();
    harness.get_by_label("Header Authorization").type_text("typed-by-hand");
    harness.run();
    assert_eq!(view.state.borrow().form.secrets[0].value, "typed-by-hand");
    assert!(harness.query_by_value("typed-by-hand").is_none(), "a screen reader is not told it");
    harness.get_by_label_contains("Keep them in the system’s keyring");
}

#[test]
fn a_run_is_shown_whole() {
    let view = View::new(run());
    let mut harness = view.harness();
    harness.get_by_label("Verdict: Reproduced: the same failure is found from here.");
    harness.get_by_label("CORS error");
    harness.get_by_label_contains("Cause: cors-headers-missing");
    harness.get_by_label_contains("Why: ");
    for section in ["What each browser shows", "Steps", "Requests and answers"] {
        harness.get_by_label(section);
    }
    for browser in ["Chrome, as it ran", "Firefox", "Safari"] {
        assert!(harness.query_all_by_label(browser).next().is_some(), "{browser}");
    }
    assert!(harness.query_by_label("Copy as curl").is_none());
    harness.get_by_label_contains("Request GET https://api.test/carts").click();
    harness.run();
    harness.get_by_label("Copy as curl").click();
    harness.run();
    harness.get_by_label("Export…").click();
    harness.run();
    harness.get_by_label("As Markdown…").click();
    harness.run();
    harness.get_by_label("Save as profile").click();
    harness.run();
    harness.get_by_label("Run again").click();
    harness.run();
    let wished = view.wished.borrow();
    let [Action::Copy(curl), Action::SaveToFile { text, .. }, Action::SaveReproduced, Action::Reproduce] = &wished[..]
    else {
        panic!("{wished:?}")
    };
    assert!(curl.starts_with("curl") && text.contains("Reproduced: the same failure is found from here."), "{text}");
    assert!(testing::repaint_delay(&harness) > std::time::Duration::from_secs(3600));
}
