//! What leaves the window through a file dialog: zenity's, which stands in where the desktop has no portal, and the
//! window's own box where there is neither.

use std::path::Path;

use crate::screen::{Screen, Window, wait_for};

/// Wishes for an export by its words in the palette.
fn ask(window: &Window<'_>, words: &str) {
    window.key_changes_picture("ctrl+k", "palette-for-export");
    window.type_text(words);
    window.key("Return");
}

/// What has been written there, once it is whole.
fn saved(file: &Path, whole: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    wait_for(&format!("{}", file.display()), || std::fs::read(file).ok().filter(|bytes| whole(bytes)))
}

#[test]
#[ignore = "needs Xvfb, xdotool, ImageMagick and zenity: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn events_and_figures_leave_through_the_file_dialog() {
    let screen = Screen::start();
    let home = tempfile::tempdir().unwrap();
    // No bus: no portal, whatever this machine has.
    let window =
        Window::open_with(&screen, home.path(), &["--demo"], &[("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")]);
    wait_for("a picture", || (100 < window.shot("before-export").colours).then_some(()));
    for (words, name) in [
        ("events jsonl", "events.jsonl"),
        ("events csv", "events.csv"),
        ("figures svg", "figures.svg"),
        ("figures png", "figures.png"),
    ] {
        ask(&window, words);
        let dialog = wait_for("the file dialog", || {
            let found = screen.tool("xdotool", &["search", "--onlyvisible", "--class", "zenity"]);
            found.lines().last().map(str::to_owned)
        });
        screen.tool("xdotool", &["windowfocus", "--sync", &dialog]);
        window.settled();
        window.key("ctrl+a");
        let file = home.path().join(name);
        window.type_text(file.to_str().unwrap());
        window.key("Return");
        match name {
            "events.jsonl" => {
                let bytes = saved(&file, |bytes| bytes.ends_with(b"}\n"));
                let text = String::from_utf8(bytes).unwrap();
                assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{text}");
            }
            "events.csv" => drop(saved(&file, |bytes| bytes.starts_with(b"seq,at,profile,kind,"))),
            "figures.svg" => drop(saved(&file, |bytes| bytes.ends_with(b"</svg>\n"))),
            _ => {
                saved(&file, |bytes| bytes.starts_with(b"\x89PNG") && bytes.windows(4).any(|four| four == b"IEND"));
            }
        }
        wait_for("the dialog's end", || {
            screen.tool("xdotool", &["search", "--onlyvisible", "--class", "zenity"]).is_empty().then_some(())
        });
        window.focus();
    }
    window.quit();
}

#[test]
#[ignore = "needs Xvfb, xdotool and ImageMagick: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn without_any_file_dialog_the_window_asks_for_the_path_itself() {
    let screen = Screen::start();
    let home = tempfile::tempdir().unwrap();
    let nothing = [("DBUS_SESSION_BUS_ADDRESS", ""), ("PATH", "/nowhere")];
    let window = Window::open_with(&screen, home.path(), &["--demo"], &nothing);
    wait_for("a picture", || (100 < window.shot("before-path").colours).then_some(()));
    ask(&window, "events jsonl");
    window.settled();
    window.key("ctrl+a");
    let file = home.path().join("typed.jsonl");
    window.type_text(file.to_str().unwrap());
    window.shot("path-box");
    window.key("Return");
    saved(&file, |bytes| bytes.ends_with(b"}\n"));
    window.quit();
}
