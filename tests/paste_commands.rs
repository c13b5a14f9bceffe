//! `wirewatch explain` and `wirewatch import`, the real binary: what was pasted is explained, tried against the lab, and saved.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use wirewatch::lab::{Fault, Lab, Options};

struct World {
    home: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn run(&self, words: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wirewatch"))
            .args(words)
            .env("WIREWATCH_CONFIG_DIR", self.home.path())
            .env("WIREWATCH_DATA_DIR", self.home.path())
            .env("HOME", self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who has what it wants does not read on.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn json(&self, words: &[&str], input: &str) -> (Option<i32>, Value) {
        let output = self.run(words, input);
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{said}"));
        (output.status.code(), document)
    }

    /// The files of the saved profiles.
    fn saved(&self) -> Vec<String> {
        let output = self.run(&["profile", "list", "--json"], "");
        let list: Value = serde_json::from_slice(&output.stdout).unwrap();
        list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_pasted_line_is_explained_as_text_and_as_json() {
    let world = World::new();
    let (code, document) = world.json(&["explain", "xhr poll error", "--json"], "");
    let line = &document["lines"][0];
    assert_eq!(
        (code, &line["source"], &line["causes"][0]["cause"]),
        (Some(0), &"socketio-client".into(), &"connection-refused".into())
    );
    let output = world.run(&["explain", "-"], "CORS error: Origin 'http://localhost:3000' not allowed\n");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("origin-not-allowed") && shown.contains("means"), "{shown}");
    let output = world.run(&["explain", "nothing of the kind"], "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(world.run(&["explain"], "").status.code(), Some(2));
}

/// The line that Chrome writes of a refusal by CORS.
fn refusal(url: &str) -> String {
    format!(
        "Access to fetch at '{url}' from origin 'http://app.example.test' has been blocked by CORS policy: No \
         'Access-Control-Allow-Origin' header is present on the requested resource."
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_pasted_is_tried_and_said_to_be_found_or_not() {
    let lab = Lab::start(Options::default()).await.unwrap();
    let (broken, healthy) = (Fault::OriginNotAllowedHttp.url(&lab), Fault::Healthy.url(&lab));
    let done = tokio::task::spawn_blocking(move || {
        let world = World::new();
        let found = world.json(&["explain", "-", "--check", "--json"], &refusal(broken.as_str()));
        let other = world.json(&["explain", "-", "--check", "--json"], &refusal(healthy.as_str()));
        let extension =
            world.json(&["explain", "-", "--check", "--json"], &format!("GET {healthy} net::ERR_BLOCKED_BY_CLIENT"));
        (found, other, extension)
    });
    let ((code, found), (healthy, other), (unknown, extension)) = done.await.unwrap();
    assert_eq!((code, &found["check"]["outcome"]), (Some(1), &"reproduced".into()), "{found:#}");
    assert_eq!(found["check"]["report"]["page"], "http://app.example.test/");
    assert_eq!((healthy, &other["check"]["outcome"]), (Some(0), &"not-reproduced".into()), "{other:#}");
    assert!(!other["check"]["why"].as_array().unwrap().is_empty());
    assert_eq!((unknown, &extension["check"]["outcome"]), (Some(2), &"cannot-from-here".into()), "{extension:#}");
}

#[test]
fn a_log_is_put_into_kinds() {
    let world = World::new();
    let path = world.home.path().join("error.log");
    let line =
        "2026/11/21 20:41:12 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream\n";
    std::fs::write(&path, line.repeat(3)).unwrap();
    let (code, document) = world.json(&["explain", "--json", "--log", path.to_str().unwrap()], "");
    assert_eq!((code, &document["categories"]["proxy"]), (Some(0), &3.into()), "{document:#}");
    assert_eq!(document["kinds"][0]["per_minute"], serde_json::json!([["2026-11-21T20:41", 3]]));
    let output = world.run(&["explain", "--log", "-"], line);
    assert!(String::from_utf8(output.stdout).unwrap().contains("backend-down"));
    assert_eq!(world.run(&["explain", "--log", "nowhere.log"], "").status.code(), Some(2));
}

#[test]
fn what_is_imported_is_saved_once_each_and_overwrites_nothing() {
    let world = World::new();
    let path = world.home.path().join("request.txt");
    std::fs::write(&path, "curl 'https://api.test/me?token=canary-77' -H 'Origin: https://app.test' -H 'X-Tenant: a'")
        .unwrap();
    let file = path.to_str().unwrap();
    let (code, document) = world.json(&["import", file, "--dry-run", "--json"], "");
    assert_eq!(
        (code, &document["profiles"][0]["secrets"]),
        (Some(0), &serde_json::json!(["api.test-token"])),
        "{document:#}"
    );
    assert_eq!(world.saved(), Vec::<String>::new());
    for _ in 0..2 {
        let output = world.run(&["import", file, "--group", "a / b"], "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("WIREWATCH_SECRET_API_TEST_TOKEN") && !said.contains("canary"), "{said}");
        let written = std::fs::read_to_string(String::from_utf8(output.stdout).unwrap().trim()).unwrap();
        assert!(!written.contains("canary") && written.contains("group = \"a / b\""), "{written}");
    }
    assert_eq!(world.saved(), ["api.test/me", "api.test/me 2"]);
}

#[test]
fn an_env_file_is_imported_as_its_servers_profiles() {
    let world = World::new();
    let path = world.home.path().join(".env");
    std::fs::write(&path, "VITE_API_URL=https://api.example.com\nCORS_ORIGINS=https://app.example.com\n").unwrap();
    let (code, document) = world.json(&["import", path.to_str().unwrap(), "--dry-run", "--json"], "");
    assert_eq!(code, Some(0), "{document:#}");
    let profile = &document["profiles"][0];
    assert_eq!(
        (&profile["url"], &profile["page"]),
        (&"https://api.example.com/".into(), &"https://app.example.com/".into())
    );
}

#[test]
fn what_makes_no_profile_is_said_with_what_to_do() {
    let world = World::new();
    for (words, input) in [
        (&["import", "-"][..], "hello"),
        (&["import", "-"], "{\"log\":{\"entries\":["),
        (&["import", "nowhere.har"], ""),
        (&["import", "-", "--as", "postman"], "[]"),
    ] {
        let output = world.run(words, input);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains("hint:"), "{words:?}: {said}");
    }
}
