//! A session to a real Flask-SocketIO server with Flask-Login, behind a real nginx: all that becomes of it, as the window says it.

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::bus::Bus;
use crate::process::{Process, free_port, nginx};
use crate::screen::{Screen, Window, wait_for};
use crate::stacks::{Rooms, Stack};
use crate::told;

/// nginx before a server; `upgrades`: it passes `Upgrade` on.
struct Proxy {
    _process: Process,
    folder: TempDir,
    port: u16,
    server: u16,
}

impl Proxy {
    fn before(server: u16, upgrades: bool) -> Self {
        Self::start(TempDir::new().unwrap(), free_port(), server, upgrades)
    }

    /// Ends it, with every connection, and starts it again.
    fn again(self, upgrades: bool) -> Self {
        let Self { _process: process, folder, port, server } = self;
        drop(process);
        Self::start(folder, port, server, upgrades)
    }

    fn start(folder: TempDir, port: u16, server: u16, upgrades: bool) -> Self {
        let dir = folder.path().display();
        let upgrade =
            if upgrades { "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;" } else { "" };
        let configuration = format!(
            "daemon off; master_process off; pid {dir}/pid; error_log stderr notice;
             events {{ worker_connections 256; }}
             http {{
               access_log off;
               client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
               uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
               server {{
                 listen 127.0.0.1:{port};
                 location / {{
                   proxy_pass http://127.0.0.1:{server}; proxy_http_version 1.1; proxy_buffering off;
                   proxy_set_header Host $http_host; {upgrade}
                 }}
               }}
             }}"
        );
        std::fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
        Self { _process: nginx(folder.path()), folder, port, server }
    }
}

fn write_profile(folder: &Path, port: u16, namespaces: &str) {
    let site = format!("http://127.0.0.1:{port}");
    let text = format!(
        r#"name = "Rooms"
kind = "socketio"
url = "{site}/"
page = "{site}/rooms"
interval = "2m"
[request]
credentials = "include"
[socketio]
transports = ["polling", "websocket"]
namespaces = {namespaces}
[auth.login]
url = "{site}/login"
fields = {{ username = "ops", password = "wirewatch" }}
csrf = "auto"
check = "{site}/me"
"#
    );
    std::fs::write(folder.join("rooms.toml"), text).unwrap();
}

/// Waits until each of these is in the name of something in the window.
#[track_caller]
pub fn until_shown(bus: &Bus, names: &[&str]) {
    wait_for(&names.join(" and "), || {
        let tree = bus.tree(&[]);
        let shown = |name| tree.iter().any(|thing| thing["name"].as_str().unwrap().contains(name));
        names.iter().all(|name| shown(*name)).then_some(())
    });
}

#[test]
#[ignore = "needs nginx, Python, Xvfb, xdotool, dbus, at-spi2-core and python3-pyatspi: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn a_session_is_followed_through_login_upgrade_refusal_restart_and_fallback() {
    let server = Rooms::start(Stack::FlaskThreads, json!({ "login": true, "origins": "*" }));
    let proxy = Proxy::before(server.port, true);
    let home = tempfile::tempdir().unwrap();
    let (profiles, data) = (home.path().join("profiles"), home.path().join("data"));
    std::fs::create_dir(&profiles).unwrap();
    write_profile(&profiles, proxy.port, r#"["/"]"#);
    let folders = ["--profiles", profiles.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let screen = Screen::start();
    let bus = Bus::start(&screen);
    let session = [("DBUS_SESSION_BUS_ADDRESS", &*bus.address)];
    let window = Window::open_with(&screen, home.path(), &folders, &session);
    bus.tree(&["wait"]);
    until_shown(
        &bus,
        &["Rooms: Connected, since", "Over WebSocket", "namespace /: joined", "Signed-in session checked"],
    );

    // A namespace that wants a token.
    write_profile(&profiles, proxy.port, r#"["/", "/admin"]"#);
    let refused = "namespace /admin: refused: sign-in required: unauthorized!";
    let all = ["Rooms: Sign-in required, since", "Over WebSocket", "namespace /: joined", refused];
    until_shown(&bus, &all);

    // With the server every login ends.
    let server = server.restart(|| until_shown(&bus, &["Rooms: Reconnecting, since", "namespace /: left"]));
    window.key("c");
    until_shown(&bus, &all);

    let proxy = proxy.again(false);
    until_shown(&bus, &["On polling: the upgrade was refused with 400", "namespace /: joined", refused]);
    window.shot("session-on-polling");
    let _proxy = proxy.again(true);
    until_shown(&bus, &all);
    window.quit();
    drop(server);

    let story = told(home.path(), &[&["export", "--since", "1h", "--format", "jsonl"][..], &folders].concat());
    assert!(story.contains(r#""step":"expired""#), "the login was not made again:\n{story}");
}
