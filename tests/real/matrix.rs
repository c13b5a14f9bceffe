//! One endpoint from many pages, against real servers with a list of two origins: the table says what the list says.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, free_port, nginx};
use crate::stacks::{Rooms, Stack};

/// What both servers let in.
const LIST: [&str; 2] = ["http://localhost:3000", "http://127.0.0.1:3000"];

/// `check --pages` from that page; its exit code, and the origins that are said to be let in. All others are said to be kept out.
#[track_caller]
fn pages(url: &str, kind: &str, page: &str) -> (Option<i32>, Vec<String>) {
    let home = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
    command.args(["check", url, "--kind", kind, "--page", page, "--pages", "--json"]);
    command.env("WIREWATCH_CONFIG_DIR", home.path()).env("WIREWATCH_DATA_DIR", home.path()).env("no_proxy", "*");
    let output = command.output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let rows = document["pages"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["allowed"].is_boolean()), "{document:#}");
    let inside = rows.iter().filter(|row| row["allowed"] == true);
    let page = |row: &Value| row["page"].as_str().unwrap_or("no Origin").to_owned();
    (output.status.code(), inside.map(page).collect())
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn the_table_says_what_flask_socketios_list_says() {
    let rooms = Rooms::start(Stack::FlaskThreads, json!({ "origins": LIST }));
    // No Origin, no check: as python-engineio does it.
    let expected = [LIST[0], LIST[1], "no Origin"].map(str::to_owned).to_vec();
    assert_eq!(pages(&rooms.url(), "socketio", "http://localhost:3000/"), (Some(0), expected.clone()));
    // From a page that is not in it, what is let in is found all the same.
    let (code, inside) = pages(&rooms.url(), "socketio", "http://localhost:5173/");
    assert_eq!((code, inside), (Some(1), vec![LIST[0].to_owned(), "no Origin".to_owned()]));
}

/// nginx with the list as a `map`.
fn listing() -> (Process, TempDir, u16) {
    let (folder, port) = (TempDir::new().unwrap(), free_port());
    let dir = folder.path().display();
    let map: String = LIST.iter().map(|origin| format!("\"{origin}\" $http_origin; ")).collect();
    let configuration = format!(
        "daemon off; master_process off; pid {dir}/pid; error_log stderr notice;
         events {{ worker_connections 64; }}
         http {{
           access_log off;
           client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
           uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
           map $http_origin $listed {{ default \"\"; {map} }}
           server {{
             listen 127.0.0.1:{port};
             add_header Access-Control-Allow-Origin $listed always;
             add_header Vary Origin always;
             location / {{ return 200 'ok'; }}
           }}
         }}"
    );
    std::fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
    (nginx(folder.path()), folder, port)
}

#[test]
#[ignore = "needs nginx: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn the_table_says_what_nginxs_map_says() {
    let (_nginx, _folder, port) = listing();
    let own = format!("http://127.0.0.1:{port}");
    let found = pages(&format!("{own}/carts"), "http", "http://localhost:3000/");
    // The endpoint's own page needs nobody's leave, and a program asks for none.
    assert_eq!(found, (Some(0), vec![LIST[0].to_owned(), LIST[1].to_owned(), own, "no Origin".to_owned()]));
}
