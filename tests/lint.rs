//! `wirewatch lint`, the real binary: what it prints, by which code it ends, and what it says of files that are no text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use std::process::{Command, Output};

use serde_json::Value;
use wirewatch::lab::{Fault, Lab, Options};

/// Runs it in a folder with these files.
fn lint(files: &[(&str, &[u8])], words: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
    command.current_dir(folder.path()).arg("lint").args(words).env("NO_PROXY", "*").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_finding_stands_under_its_line_with_a_caret() {
    let env = b"# pages\nCORS_ORIGINS=https://app.example.com,https://b.example/\n";
    let output = lint(&[(".env", env)], &[".env"]);
    let expected = "\
HTTP (CORS) (.env:2) lets in:
    https://app.example.com

error[origin-with-path]: `https://b.example/` ends in a slash: an origin ends with its host or port
 --> .env:2:38
  |
2 | CORS_ORIGINS=https://app.example.com,https://b.example/
  |                                      ^^^^^^^^^^^^^^^^^^
  = write: https://b.example

1 error
";
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(1));
    let right = lint(&[(".env", b"CORS_ORIGINS=https://app.example.com")], &[".env"]);
    assert_eq!(right.status.code(), Some(0), "{}", text(&right.stdout));
}

#[test]
fn files_are_read_together_and_json_has_all_of_it() {
    let env = b"SOCKETIO_CORS_ORIGINS=https://app.example.com\nSOCKETIO_PING_INTERVAL=30\n";
    let nginx = b"server {\n  location /socket.io/ {\n    proxy_pass http://127.0.0.1:5000;\n    proxy_read_timeout 25s;\n  }\n}\n";
    let output = lint(&[(".env", env), ("nginx.conf", nginx)], &[".env", "nginx.conf", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["policy"][0]["origins"][0]["origin"], "https://app.example.com");
    assert_eq!(document["socketio"]["ping_interval_s"], 30.0);
    let found: Vec<(&Value, &Value, &Value)> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (&finding["file"], &finding["line"], &finding["cause"]))
        .collect();
    assert!(found.contains(&(&"nginx.conf".into(), &4.into(), &"proxy-idle-timeout".into())), "{document:#}");
    assert!(found.contains(&(&"nginx.conf".into(), &3.into(), &"proxy-drops-upgrade".into())), "{document:#}");
}

#[test]
fn what_is_no_configuration_ends_with_two_and_a_line_that_says_so() {
    for (name, bytes, expected) in [
        (
            "nginx.conf",
            &b"http {\n server {\n"[..],
            "error: nginx.conf:2: this block is never closed (a `}` at its end)\n",
        ),
        (".env", &b"A=1\nB=\0\0"[..], "error: .env:2: it has a NUL byte"),
        (
            "what",
            &b"hello"[..],
            "error: what: neither its name nor its first lines say what it is (say it with --as)\n",
        ),
    ] {
        let output = lint(&[(name, bytes)], &[name]);
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), said.starts_with(expected)), (Some(2), true), "{said}");
    }
}

#[test]
fn a_file_of_200_megabytes_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::File::create(folder.path().join(".env")).unwrap().set_len(200 << 20).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
    let output = command.current_dir(folder.path()).args(["lint", ".env"]).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.starts_with("error: .env: it is larger than 4 MiB"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_server_does_as_the_files_say_or_not() {
    let lab = Lab::start(Options::default()).await.unwrap();
    // It lets https://shop.example in.
    let url = Fault::OriginNotAllowedHttp.url(&lab);
    let ask = |origin: &str| {
        let env = format!("CORS_ORIGINS={origin}\n");
        let words = [".env", "--json", "--against", url.as_str()].map(str::to_owned);
        tokio::task::spawn_blocking(move || {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = lint(&[(".env", env.as_bytes())], &words);
            (output.status.code(), serde_json::from_slice::<Value>(&output.stdout).unwrap())
        })
    };
    let (code, document) = ask("https://shop.example").await.unwrap();
    assert_eq!(code, Some(0), "{document:#}");
    let observed = |document: &Value| {
        let tried = document["against"].as_array().unwrap().iter();
        tried.map(|tried| (tried["configured"].clone(), tried["observed"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(observed(&document), [(true.into(), true.into()), (false.into(), false.into())]);
    let (code, document) = ask("https://other.example").await.unwrap();
    assert_eq!(observed(&document)[0], (true.into(), false.into()));
    assert_eq!((code, &document["findings"][0]["cause"]), (Some(1), &"origin-not-allowed".into()), "{document:#}");
}
