//! The whole window over a backend made by hand.

mod reproduce;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::App;
use crate::base::{ProfileId, Secret};
use crate::engine::{Brought, Command, Errand, Underway};
use crate::model::{Answer, Live, Query};
use crate::window::backend::{Backend, Edit, Edited, Export, Refused};
use crate::window::desk::Waker;
use crate::window::settings::Settings;
use crate::window::style;
use crate::window::testing::repaint_delay;
use crate::window::vm::roster::sample;
use crate::window::vm::top::Health;

mod asides;

struct Fake {
    live: Mutex<Live>,
    sent: Mutex<Vec<Command>>,
    edits: Mutex<Vec<Edit>>,
    /// The names of the secrets that were to be kept.
    kept: Mutex<Vec<String>>,
    /// What errands bring, the last of it first.
    brought: Mutex<Vec<Vec<Brought>>>,
    begun: Mutex<Vec<Errand>>,
}

impl Backend for Fake {
    fn live(&self) -> &Mutex<Live> {
        &self.live
    }

    fn send(&self, command: Command) -> Result<(), String> {
        self.sent.lock().unwrap().push(command);
        Ok(())
    }

    fn begin(&self, errand: Errand, _: Waker) -> Result<Underway, String> {
        self.begun.lock().unwrap().push(errand);
        Ok(Underway::of(self.brought.lock().unwrap().pop().unwrap_or_default()))
    }

    fn keep(&self, secrets: &[(String, Secret)]) -> Result<String, String> {
        self.kept.lock().unwrap().extend(secrets.iter().map(|(name, _)| name.clone()));
        Ok("Kept.".into())
    }

    fn health(&self) -> Health {
        Health::default()
    }

    fn is_demo(&self) -> bool {
        true
    }

    fn profiles_folder(&self) -> Option<PathBuf> {
        None
    }

    fn edit(&self, edit: Edit) -> Result<Edited, Refused> {
        self.edits.lock().unwrap().push(edit);
        Ok(Edited { said: "Done so.".into(), select: None, undo: true })
    }

    fn profile_text(&self, _: ProfileId) -> Result<String, String> {
        Ok(String::new())
    }

    fn ask(&self, query: &Query) -> Answer {
        Answer::Failed { query: query.clone(), why: "no history here".into() }
    }

    fn export(&self, _: &Export, _: &Path) -> Result<String, String> {
        Ok("Saved.".into())
    }
}

/// The window, and what stands behind it. Its state is there from the first frame on.
fn window(live: Live) -> (Arc<Fake>, Harness<'static, Option<App>>) {
    let fake = Arc::new(Fake {
        live: Mutex::new(live),
        sent: Mutex::default(),
        edits: Mutex::default(),
        kept: Mutex::default(),
        brought: Mutex::default(),
        begun: Mutex::default(),
    });
    let backend: Arc<dyn Backend> = fake.clone();
    let mut harness = Harness::builder()
        .with_size(egui::vec2(1280.0, 800.0))
        .with_context_setup(style::install_fonts)
        .build_ui_state(
            move |ui, app: &mut Option<App>| {
                let app = app.get_or_insert_with(|| {
                    let waker = Waker::new(|| {});
                    App::new(ui.ctx(), Arc::clone(&backend), waker, Ok(Settings::default()), None).unwrap()
                });
                app.take_in(ui.ctx());
                app.draw(ui);
            },
            None,
        );
    harness.run();
    (fake, harness)
}

fn app<'a>(harness: &'a Harness<'_, Option<App>>) -> &'a App {
    harness.state().as_ref().unwrap()
}

/// Waits for the desk's thread, which a click has given work.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = crate::base::Clock.mono();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what} did not happen");
        std::thread::yield_now();
    }
}

#[test]
fn the_window_at_rest_asks_for_no_frame() {
    let (_, harness) = window(Live::new());
    assert!(repaint_delay(&harness) > Duration::from_secs(3600), "{:?}", repaint_delay(&harness));
    let (_, harness) = window(sample::live());
    assert!(repaint_delay(&harness) >= Duration::from_secs(1), "{:?}", repaint_delay(&harness));
}

#[test]
fn the_roster_keeps_its_width_from_frame_to_frame() {
    let (_, mut harness) = window(sample::live());
    let before = app(&harness).settings.roster_width;
    harness.run_steps(10);
    assert_eq!(app(&harness).settings.roster_width, before);
    assert!((before - Settings::default().roster_width).abs() < 2.0, "{before}");
}

#[test]
fn the_first_start_offers_the_ways_to_begin() {
    let (_, harness) = window(Live::new());
    for name in ["New profile: Watch", "Open the demo: ", "Add the samples: ", "Import…: "] {
        harness.get_by_label_contains(name);
    }
}

#[test]
fn arrows_walk_the_roster_from_what_wants_attention_most() {
    let (_, mut harness) = window(sample::live());
    assert_eq!(app(&harness).selected, Some(ProfileId(4)));
    for expected in [1, 2, 3, 3] {
        harness.key_press(Key::ArrowDown);
        harness.run();
        assert_eq!(app(&harness).selected, Some(ProfileId(expected)));
    }
    harness.key_press(Key::ArrowUp);
    harness.run();
    assert_eq!(app(&harness).selected, Some(ProfileId(2)));
}

#[test]
fn r_checks_the_selected_profile_now() {
    let (fake, mut harness) = window(sample::live());
    harness.key_press(Key::ArrowDown);
    harness.run();
    harness.key_press(Key::R);
    harness.run();
    assert_eq!(*fake.sent.lock().unwrap(), [Command::CheckNow(ProfileId(1))]);
}

#[test]
fn a_slash_puts_the_keyboard_into_the_filter_and_letters_are_letters_there() {
    let (fake, mut harness) = window(sample::live());
    harness.key_press(Key::Slash);
    harness.run();
    assert!(harness.get_by_label("Filter profiles").is_focused());
    harness.key_press(Key::R);
    harness.event(egui::Event::Text("r".into()));
    harness.run();
    assert_eq!(app(&harness).roster.filter.text, "r");
    assert!(fake.sent.lock().unwrap().is_empty());
    harness.key_press(Key::Escape);
    harness.run();
    assert_eq!(app(&harness).roster.filter.text, "");
}

#[test]
fn ctrl_k_finds_a_command_and_enter_does_it() {
    let (fake, mut harness) = window(sample::live());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    harness.run();
    harness.event(egui::Event::Text("samples".into()));
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    until("the edit", || !fake.edits.lock().unwrap().is_empty());
    assert_eq!(*fake.edits.lock().unwrap(), [Edit::AddSamples]);
    assert!(app(&harness).dialog.is_none());
}

#[test]
fn a_change_is_said_with_its_way_back() {
    let (fake, mut harness) = window(sample::live());
    harness.get_by_label_contains("Old feed: Off").click_secondary();
    harness.run();
    harness.get_by_label("Remove").click();
    harness.run();
    until("the edit", || !fake.edits.lock().unwrap().is_empty());
    until("the toast", || {
        harness.run();
        harness.query_by_label("Undo").is_some()
    });
    harness.get_by_label("Undo").click();
    harness.run();
    until("the way back", || fake.edits.lock().unwrap().len() == 2);
    assert_eq!(*fake.edits.lock().unwrap(), [Edit::Remove(ProfileId(3)), Edit::Undo]);
}

#[test]
fn a_question_mark_shows_the_keys_and_esc_closes_them() {
    let (_, mut harness) = window(sample::live());
    harness.key_press(Key::Questionmark);
    harness.run();
    harness.get_by_label("Freeze the plots, or follow now again");
    harness.key_press(Key::Escape);
    harness.run();
    assert!(app(&harness).dialog.is_none());
}

#[test]
fn themes_and_scale_change_from_the_keyboard() {
    let (_, mut harness) = window(sample::live());
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Plus);
    harness.run();
    assert!((harness.ctx.zoom_factor() - 1.1).abs() < 0.01);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Num0);
    harness.run();
    assert!((harness.ctx.zoom_factor() - 1.0).abs() < 0.01);
}
