//! A report comes into the real window: from the desktop's clipboard, and as a file; it is run against real servers.

use std::io::Write as _;
use std::process::{Command, Stdio};

use wirewatch::lab::{Fault, Lab, Options};

use crate::bus::Bus;
use crate::screen::{Screen, Window, wait_for};

/// Puts a text on the desktop's clipboard, as a browser does.
fn copy(screen: &Screen, text: &str) {
    let mut clipboard = Command::new("xclip")
        .args(["-selection", "clipboard"])
        .env("DISPLAY", &screen.display)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("xclip can't be started ({error}): apt-get install xclip"));
    clipboard.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    clipboard.wait().unwrap();
}

/// Waits until something in the window has a name that begins so, and tells the whole of it.
#[track_caller]
fn shows(bus: &Bus, start: &str) -> String {
    wait_for(start, || {
        let tree = bus.tree(&[]);
        let mut names = tree.iter().map(|thing| thing["name"].as_str().unwrap());
        names.find(|name| name.starts_with(start)).map(str::to_owned)
    })
}

#[test]
#[ignore = "needs Xvfb, xdotool, ImageMagick, xclip, dbus, at-spi2-core and python3-pyatspi: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn a_console_line_is_pasted_from_the_desktops_clipboard_and_reproduced() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(Lab::start(Options::default())).unwrap();
    let refused = Fault::OriginNotAllowedHttp.url(&lab);
    let screen = Screen::start();
    let bus = Bus::start(&screen);
    let home = tempfile::tempdir().unwrap();
    let session = [("DBUS_SESSION_BUS_ADDRESS", &*bus.address)];
    let window = Window::open_with(&screen, home.path(), &[], &session);
    bus.tree(&["wait"]);
    shows(&bus, "Reproduce a report…: ");

    copy(
        &screen,
        &format!(
            "Access to fetch at '{refused}' from origin 'http://app.example.test' has been blocked by CORS policy: No \
             'Access-Control-Allow-Origin' header is present on the requested resource."
        ),
    );
    window.key("ctrl+v");
    shows(&bus, "What the console of Chrome says.");
    window.shot("reproduce-understood");
    window.key("ctrl+Return");
    shows(&bus, "Verdict: Reproduced: the same failure is found from here.");
    window.settled();
    window.shot("reproduce-verdict");
    assert!(!lab.seen_at(refused.path()).is_empty(), "the lab was asked");

    window.key("Escape");
    shows(&bus, "New profile: ");
    window.quit();
}

#[test]
#[ignore = "needs Xvfb, xdotool and ImageMagick: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn of_a_har_that_is_opened_the_request_that_failed_is_tried() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(Lab::start(Options::default())).unwrap();
    let (socket, good) = (Fault::OriginNotAllowed.url(&lab), Fault::Healthy.url(&lab));
    let origin = r#""headers":[{"name":"Origin","value":"http://app.example.test"}]"#;
    let har = format!(
        r#"{{"log":{{"version":"1.2","creator":{{"name":"WebInspector"}},"entries":[
            {{"_resourceType":"fetch","time":3,"request":{{"method":"GET","url":"{good}",{origin}}},"response":{{"status":200,"headers":[]}}}},
            {{"_resourceType":"websocket","time":3,"request":{{"method":"GET","url":"{socket}",{origin}}},"response":{{"status":403,"headers":[]}},
              "_webSocketMessages":[{{"type":"send","time":1700000000,"opcode":1,"data":"hello"}}]}}]}}}}"#
    );
    let screen = Screen::start();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("session.har");
    std::fs::write(&path, har).unwrap();
    // Without a bus and zenity the window asks for the file's path itself.
    let nothing = [("DBUS_SESSION_BUS_ADDRESS", ""), ("PATH", "/nowhere")];
    let window = Window::open_with(&screen, home.path(), &[], &nothing);
    wait_for("the first start's choices", || (20 < window.shot("before-har").colours).then_some(()));
    window.key_changes_picture("ctrl+k", "palette-for-har");
    window.type_text("open a report");
    window.key("Return");
    window.settled();
    window.key("ctrl+a");
    window.type_text(path.to_str().unwrap());
    window.key("Return");
    window.settled();
    window.shot("reproduce-har");
    wait_for("the lab to be asked", || {
        window.key("ctrl+Return");
        (!lab.seen_at(socket.path()).is_empty()).then_some(())
    });
    assert!(lab.seen_at(good.path()).is_empty(), "what went well is not tried");
    window.settled();
    window.shot("reproduce-har-verdict");
    window.quit();
}
