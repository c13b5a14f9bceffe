//! A failure that is mended while the window looks on: before and after, the pages that the server lets in, and the same endpoint
//! by its other name.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bus::Bus;
use crate::screen::{Screen, Window};
use crate::session::until_shown;

const PAGE: &str = "http://localhost:3000";

/// A server that lets [`PAGE`] read its answers once it is mended, and that page alone.
fn serve(mended: &Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mended = Arc::clone(mended);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mended = mended.load(Ordering::Relaxed);
            std::thread::spawn(move || answer(stream, mended));
        }
    });
    port
}

fn answer(mut stream: TcpStream, mended: bool) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let listed = head.iter().any(|line| line.eq_ignore_ascii_case(&format!("Origin: {PAGE}")));
    let allow = if mended && listed { format!("Access-Control-Allow-Origin: {PAGE}\r\n") } else { String::new() };
    let text = format!("HTTP/1.1 200 OK\r\n{allow}Vary: Origin\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
    // Whoever asked may have gone.
    let _ = stream.write_all(text.as_bytes());
}

/// Does what the palette has by these words.
fn command(window: &Window<'_>, words: &str) {
    window.key_changes_picture("ctrl+k", "verify-palette");
    window.type_text(words);
    window.key("Return");
}

#[test]
#[ignore = "needs Xvfb, xdotool, ImageMagick, dbus, at-spi2-core and python3-pyatspi: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn a_fix_is_verified_while_the_window_looks_on() {
    let mended = Arc::new(AtomicBool::new(false));
    let port = serve(&mended);
    let home = tempfile::tempdir().unwrap();
    let (profiles, data) = (home.path().join("profiles"), home.path().join("data"));
    std::fs::create_dir(&profiles).unwrap();
    let profile = format!(
        "name = \"Carts\"\nkind = \"http\"\nurl = \"http://127.0.0.1:{port}/carts\"\npage = \"{PAGE}/shop\"\ninterval = \"1h\"\n"
    );
    std::fs::write(profiles.join("carts.toml"), profile).unwrap();
    let screen = Screen::start();
    let bus = Bus::start(&screen);
    let folders = ["--profiles", profiles.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let session = [("DBUS_SESSION_BUS_ADDRESS", &*bus.address)];
    let window = Window::open_with(&screen, home.path(), &folders, &session);
    bus.tree(&["wait"]);
    until_shown(&bus, &["Carts: CORS error, since", "Why: ", "Verify the fix"]);

    command(&window, "verify the fix");
    until_shown(&bus, &["Still failing by the same cause: origin-not-allowed.", "Before, ", "After, "]);
    window.shot("verify-still");

    mended.store(true, Ordering::Relaxed);
    command(&window, "verify the fix");
    // The monitor looks at once, too: the card goes, and what was before stays.
    until_shown(&bus, &["Mended.", "Before, ", "access-control-allow-origin", "Carts: Connected, since"]);
    window.shot("verify-mended");

    command(&window, "other pages");
    until_shown(
        &bus,
        &["http://localhost:3000 is let in, and", "http://127.0.0.1:3000, this machine by another name: refused"],
    );
    window.shot("verify-pages");
    command(&window, "theme light");
    window.settled();
    window.shot("verify-pages-light");

    command(&window, "compare with");
    until_shown(&bus, &["Address or profile"]);
    window.settled();
    window.type_text(&format!("localhost:{port}"));
    window.shot("verify-other");
    window.key("Return");
    until_shown(
        &bus,
        &["They don't part: every step came out alike.", &format!("http://localhost:{port}/carts: Connected")],
    );
    window.shot("verify-compare-light");
    window.quit();
}
