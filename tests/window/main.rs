//! The real binary in a real window: Xvfb for a screen, xdotool for hands, ImageMagick for eyes, AT-SPI for ears.
//!
//! Needs Debian's `xvfb xdotool imagemagick` and the X11 and GL libraries that the README names, for some tests more; `.ci/run`
//! installs them and runs `cargo test --test window -- --ignored`. Screenshots stay in the target folder's `tmp/window`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't drive the window has to fail"
)]

mod bus;
mod dialogs;
mod launch;
#[path = "../common/process.rs"]
mod process;
mod reproduce;
mod screen;
mod session;
#[path = "../real/stacks.rs"]
#[allow(dead_code, reason = "one of its servers is enough here")]
mod stacks;
mod tree;
mod verify;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use screen::{Screen, Window, wait_for};
use wirewatch::lab::{Lab, Options};

/// The program's command line with this home, for what the window left behind.
fn told(home: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_wirewatch")).args(args).env("HOME", home).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn only_profile(folder: &Path) -> Option<String> {
    let path = std::fs::read_dir(folder).ok()?.next()?.ok()?.path();
    (path.extension()? == "toml").then(|| std::fs::read_to_string(path).ok())?
}

#[test]
#[ignore = "needs Xvfb, xdotool and ImageMagick: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn the_demo_opens_answers_keys_and_mouse_and_ends() {
    let screen = Screen::start();
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(&screen, home.path(), &["--demo"]);
    let opened = wait_for("a picture", || {
        let shot = window.shot("demo");
        (100 < shot.colours).then_some(shot)
    });
    assert!(opened.file.exists());
    window.key_changes_picture("question", "keys");
    window.key_changes_picture("Escape", "keys-closed");
    window.key_changes_picture("ctrl+k", "palette");
    window.type_text("light theme");
    window.key("Return");
    wait_for("a light picture", || {
        let shot = window.shot("light");
        let mean: f64 = screen
            .tool("convert", &[shot.file.to_str().unwrap(), "-colorspace", "Gray", "-format", "%[fx:mean]", "info:"])
            .parse()
            .ok()?;
        (0.6 < mean).then_some(())
    });
    for (key, name) in [
        ("2", "frames"),
        ("3", "last-check"),
        ("4", "profile"),
        ("1", "events"),
        ("Down", "next-row"),
        ("bracketleft", "shorter"),
    ] {
        window.key_changes_picture(key, name);
    }
    let before = window.shot("before-click");
    window.click(200, 330);
    wait_for("the clicked row to be selected", || (window.shot("clicked").digest != before.digest).then_some(()));
    window.quit();
}

#[test]
#[ignore = "needs Xvfb, xdotool and ImageMagick: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn a_profile_made_by_keyboard_is_saved_watched_and_there_after_a_restart() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(Lab::start(Options::default())).unwrap();
    let screen = Screen::start();
    let home = tempfile::tempdir().unwrap();
    let (profiles, data) = (home.path().join("profiles"), home.path().join("data"));
    std::fs::create_dir(&profiles).unwrap();
    let folders = ["--profiles", profiles.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let window = Window::open(&screen, home.path(), &folders);
    wait_for("the first start's choices", || (20 < window.shot("welcome").colours).then_some(()));
    window.key_changes_picture("n", "new-profile");
    window.type_text(lab.http_url("/carts?jitter=5ms..60ms").as_str());
    window.key("Return");
    let text = wait_for("the profile's file", || only_profile(&profiles));
    assert!(text.contains("/carts?jitter=5ms..60ms"), "{text}");
    window.key("r");
    let export = [&["export", "--since", "1h", "--format", "jsonl"][..], &folders].concat();
    wait_for("a check in the history", || told(home.path(), &export).contains("\"kind\":\"check\"").then_some(()));
    window.shot("watched");

    // An edit from outside is taken up: the request that arrives is another.
    let path = std::fs::read_dir(&profiles).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&path, text.replace("/carts?", "/edited?") + "\ninterval = \"1s\"\n").unwrap();
    wait_for("a request to the edited URL", || (!lab.seen_at("/edited").is_empty()).then_some(()));
    window.quit();

    let kept = told(home.path(), &export);
    assert!(kept.contains("\"kind\":\"stopped\""), "the end is not in the history:\n{kept}");
    let again = Window::open(&screen, home.path(), &folders);
    wait_for("the past", || (100 < again.shot("restarted").colours).then_some(()));
    again.quit();
}

#[test]
#[ignore = "needs Xvfb, xdotool and ImageMagick: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn a_window_with_nothing_to_show_uses_no_cpu() {
    let screen = Screen::start();
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(&screen, home.path(), &[]);
    wait_for("the first start's choices", || (20 < window.shot("idle").colours).then_some(()));
    // Ten ticks are what the engine's own clock may take; a window that keeps drawing on this screen takes hundreds.
    let before = window.cpu_seconds();
    std::thread::sleep(Duration::from_secs(5));
    let used = window.cpu_seconds() - before;
    assert!(used < 0.5, "an idle window used {used} s of CPU in 5 s");
    window.quit();
}
