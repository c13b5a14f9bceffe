//! What a screen reader gets of the window, over a real AT-SPI bus.

use serde_json::Value;

use crate::bus::Bus;
use crate::screen::{Screen, Window, wait_for};

/// Everything that can be reached or pressed has a name; a scroll bar is told by its role.
#[track_caller]
fn all_named(view: &str, tree: &[Value]) {
    let can = |thing: &Value| thing["focusable"] == true || thing["actions"].as_u64().unwrap() != 0;
    let unnamed: Vec<_> =
        tree.iter().filter(|thing| can(thing) && thing["name"] == "" && thing["role"] != "scroll bar").collect();
    assert!(unnamed.is_empty(), "{view}: {unnamed:?}");
    assert!(10 < tree.iter().filter(|thing| can(thing)).count(), "{view}: hardly anything can be reached: {tree:?}");
}

#[test]
#[ignore = "needs Xvfb, xdotool, dbus, at-spi2-core and python3-pyatspi: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn a_screen_reader_finds_a_name_on_everything_and_a_sentence_on_each_plot() {
    let screen = Screen::start();
    let bus = Bus::start(&screen);
    let home = tempfile::tempdir().unwrap();
    let session = [("DBUS_SESSION_BUS_ADDRESS", &*bus.address)];
    let window = Window::open_with(&screen, home.path(), &["--demo"], &session);
    let has = |tree: &[Value], start: &str| tree.iter().any(|thing| thing["name"].as_str().unwrap().starts_with(start));
    bus.tree(&["wait"]);
    let first = wait_for("rows and plots", || {
        let tree = bus.tree(&[]);
        (has(&tree, "latency of ") && has(&tree, "Width of What")).then_some(tree)
    });
    all_named("events", &first);
    assert!(first[0]["role"] == "frame" && first[0]["name"].as_str().unwrap().ends_with("wirewatch"), "{}", first[0]);
    for plot in ["latency of ", "state of ", "reconnect attempts of ", "CORS failures of "] {
        let sentence = first.iter().map(|thing| thing["name"].as_str().unwrap()).find(|name| name.starts_with(plot));
        let sentence = sentence.unwrap_or_else(|| panic!("no plot says “{plot}…”"));
        assert!(sentence.contains("last 15 minutes: "), "{sentence}");
    }
    // Each view by its key, and something that only it has.
    for (key, view, sign) in [
        ("2", "frames", "Filter frames"),
        ("3", "last check", "Copy"),
        ("5", "profile", "Form"),
        ("ctrl+k", "palette", "Command or profile"),
        ("question", "keys", "Close"),
        ("n", "new profile", "Create"),
        ("e", "export", "Events as JSONL…"),
    ] {
        window.key(key);
        let tree = wait_for(view, || Some(bus.tree(&[])).filter(|tree| has(tree, sign)));
        all_named(view, &tree);
        if ["palette", "keys", "new profile", "export"].contains(&view) {
            window.key("Escape");
            wait_for("the dialog's end", || (!has(&bus.tree(&[]), sign)).then_some(()));
        }
    }
    window.quit();
}
