//! `wirewatch check` and `wirewatch watch`, the real binary against the lab.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use std::process::{Command, Output};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wirewatch::lab::{Fault, Lab, Options};

/// A lab, and a home of the test's own.
struct World {
    lab: Lab,
    home: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        Self { lab: Lab::start(Options::default()).await.unwrap(), home: tempfile::tempdir().unwrap() }
    }

    async fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
        command.args(words).env("WIREWATCH_CONFIG_DIR", self.home.path()).env("WIREWATCH_DATA_DIR", self.home.path());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn check(&self, fault: Fault, more: &[&str]) -> (Option<i32>, Value) {
        let url = fault.url(&self.lab);
        let words = [&["check", url.as_str(), "--json", "--page", "http://app.example.test/"], more].concat();
        let output = self.run(&words).await;
        let text = String::from_utf8(output.stdout).unwrap();
        let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        (output.status.code(), document)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_check_says_state_category_and_cause_and_exits_by_them() {
    let world = World::start().await;
    for (fault, code, state, category, cause) in [
        (Fault::Healthy, 0, "connected", "none", "ok"),
        (Fault::OriginNotAllowed, 1, "cors_error", "cors", "origin-not-allowed"),
        (Fault::Unauthorized, 1, "auth_required", "authentication", "auth-required"),
        (Fault::Refused, 1, "error", "connection", "connection-refused"),
        (Fault::TlsSelfSigned, 1, "error", "tls", "certificate-self-signed"),
        (Fault::Close1008, 1, "auth_required", "authentication", "auth-required"),
    ] {
        let (exit, document) = world.check(fault, &[]).await;
        let got = (exit, &document["state"], &document["category"], &document["cause"]);
        assert_eq!(got, (Some(code), &state.into(), &category.into(), &cause.into()), "{fault:?}: {document:#}");
        assert_eq!(document["healthy"], code == 0);
        assert!(!document["checks"].as_array().unwrap().is_empty());
        let failed = document["checks"].as_array().unwrap().iter().filter(|check| check["outcome"] == "fail").count();
        assert_eq!(failed, usize::try_from(code).unwrap(), "{fault:?}: exactly the broken step fails: {document:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_check_beside_an_earlier_one_says_whether_what_failed_is_mended() {
    let world = World::start().await;
    let file = world.home.path().join("before.json");
    let (_, before) = world.check(Fault::OriginNotAllowedHttp, &[]).await;
    std::fs::write(&file, before.to_string()).unwrap();
    let beside = ["--before", file.to_str().unwrap()];
    for (now, code, verdict) in [
        (Fault::Healthy, 0, "mended"),
        (Fault::OriginNotAllowedHttp, 1, "same-cause"),
        (Fault::ErrorsWithoutCors, 1, "another-cause"),
    ] {
        let (exit, document) = world.check(now, &beside).await;
        assert_eq!((exit, &document["before"]["verdict"]), (Some(code), &verdict.into()), "{now:?}: {document:#}");
        assert_eq!(document["before"]["cause"], before["cause"]);
    }
    let url = Fault::Healthy.url(&world.lab);
    let words = ["check", url.as_str(), "--page", "http://app.example.test/", beside[0], beside[1]];
    let text = String::from_utf8(world.run(&words).await.stdout).unwrap();
    assert!(text.ends_with("\n  browser: fail, now pass\nMended.\n"), "{text}");

    std::fs::write(&file, "{}").unwrap();
    let output = world.run(&words).await;
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{talk}");
    assert!(talk.contains("no document of `check --json`") && talk.contains("hint:"), "{talk}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn repeated_checks_find_a_limit() {
    let world = World::start().await;
    let (exit, document) = world.check(Fault::TooManyRequests, &["--repeat", "7"]).await;
    assert_eq!((exit, &document["category"]), (Some(1), &"rate_limit".into()), "{document:#}");
    let attempts = document["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[0]["outcome"]), (7, &"up".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn concurrent_checks_are_under_way_at_once() {
    const AT_ONCE: usize = 5;
    let world = World::start().await;
    // A server that answers nobody before all are there: checks one after another would all time out.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut waiting = Vec::new();
        while waiting.len() < AT_ONCE {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            waiting.push(stream);
        }
        for stream in &mut waiting {
            let answer = b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 2\r\n\r\nok";
            stream.write_all(answer).await.unwrap();
        }
    });
    let output = world.run(&["check", &url, "--json", "--timeout", "60s", "--concurrent", "5"]).await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let attempts = document["attempts"].as_array().unwrap();
    assert_eq!((output.status.code(), attempts.len()), (Some(0), AT_ONCE), "{document:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_cannot_be_checked_is_a_usage_error_that_says_what_to_change() {
    let world = World::start().await;
    for words in [
        &["check", "no such profile"][..],
        &["check", "nowhere.toml"],
        &["check", "http://a.test/", "--page", "nonsense"],
        &["check", "ftp://a.test/"],
        &["watch", "--metrics", "127.0.0.1:0"],
    ] {
        let output = world.run(words).await;
        let talk = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {talk}");
        assert!(talk.contains("error") && talk.contains("hint:"), "{words:?}: {talk}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_watched_demo_is_a_stream_of_events_that_ends_with_stopped_and_is_in_the_history() {
    let world = World::start().await;
    let data = world.home.path().join("data");
    let data = data.to_str().unwrap();
    let output = world.run(&["watch", "--demo", "--for", "3s", "--json", "--data", data]).await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["kind"] == "check" && line["profile"].is_string()));
    assert_eq!(lines.last().unwrap()["kind"], "stopped");
    let seqs: Vec<u64> = lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no event is missing");

    let exported = world.run(&["export", "--data", data, "--since", "1h", "--format", "jsonl"]).await;
    let kept = String::from_utf8(exported.stdout).unwrap();
    for line in lines.iter().filter(|line| line["kind"] == "state") {
        let seq = format!("\"seq\":{},", line["seq"]);
        assert!(kept.lines().any(|kept| kept.contains(&seq)), "{line} is not in the history");
    }
}
