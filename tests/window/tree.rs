//! What a screen reader gets of the window, over a real AT-SPI bus.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::screen::{Screen, Window, wait_for};

/// A session bus of its own.
struct Bus {
    daemon: Child,
    address: String,
}

impl Bus {
    fn start(screen: &Screen) -> Self {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            // What it starts finds the screen by this.
            .env("DISPLAY", &screen.display)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("dbus-daemon can't be started ({error}): apt-get install dbus"));
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { daemon, address: address.trim().to_owned() }
    }

    /// Everything that is in the window now.
    #[track_caller]
    fn tree(&self, args: &[&str]) -> Vec<Value> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/window/tree.py");
        let out = Command::new("/usr/bin/python3")
            .arg(script)
            .args(args)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "apt-get install at-spi2-core python3-pyatspi\n{said}");
        String::from_utf8(out.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

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
