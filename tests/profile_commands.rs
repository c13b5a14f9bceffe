//! `wirewatch profile`, the real program on folders of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot run the program has to fail")]

use std::path::Path;
use std::process::{Command, Output};

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wirewatch"))
        .arg("profile")
        .args(args)
        .arg("--profiles")
        .arg(folder.join("profiles"))
        .env_clear()
        .env("HOME", folder)
        .output()
        .unwrap()
}

/// Runs it and holds exit code, standard output and standard error to what they must contain.
#[track_caller]
fn check(folder: &Path, args: &[&str], code: i32, stdout: &str, stderr: &str) -> String {
    let output = run(folder, args);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    assert!(out.contains(stdout), "{args:?}: {out}");
    assert!(err.contains(stderr), "{args:?}: {err}");
    assert!(code == 0 || err.contains("hint: ") || err.contains("Usage"), "{args:?} gives no hint: {err}");
    out
}

#[test]
fn profiles_are_added_listed_shown_and_dumped() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    check(folder, &["list"], 0, "", "hint: `wirewatch profile add URL`");
    check(folder, &["add", "wss://a.test/ws", "--name", "Chat", "--group", "shop / prod"], 0, "chat.toml\n", "");
    check(folder, &["add", "https://a.test/socket.io/?EIO=4", "--name", "Desk"], 0, "desk.toml\n", "");
    check(folder, &["list"], 0, "Chat  websocket  enabled  30s    shop / prod  wss://a.test/ws", "");
    check(folder, &["show", "chat"], 0, "group = \"shop / prod\"", "");
    let dumped: serde_json::Value = serde_json::from_str(&check(folder, &["dump", "--json"], 0, "", "")).unwrap();
    assert_eq!(dumped["chat"]["websocket"]["idle"], "1m");
    assert_eq!((&dumped["desk"]["kind"], &dumped["desk"]["url"]), (&"socketio".into(), &"https://a.test/".into()));
    check(folder, &["dump"], 0, "[chat.websocket]", "");
}

#[test]
fn what_is_wrong_is_told_with_a_hint_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    check(folder, &["show", "nobody"], 2, "", "there is no profile \"nobody\"");
    check(folder, &["add", "a.test"], 2, "", "neither an address nor a profile's file");
    check(folder, &["add", "none.toml"], 2, "", "can't be read");
    check(folder, &["add", "https://a.test/", "--kind", "websocket"], 2, "", "begin it with wss://");
    check(folder, &["add", "https://a.test/"], 0, "a-test.toml", "");
    check(folder, &["add", "https://a.test/"], 2, "", "there is a profile \"a.test\" already");
    std::fs::write(folder.join("profiles/broken.toml"), "nmae = 1\n").unwrap();
    check(folder, &["list"], 2, "broken", "unknown key `nmae` (did you mean `name`?)");
    check(folder, &["show", "broken"], 2, "", "has mistakes");
    check(folder, &["dump"], 2, "[a-test]", "unknown key");
    check(folder, &["reset"], 2, "", "add --yes");
}

#[test]
fn a_reset_brings_the_samples_and_keeps_what_was() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    check(folder, &["add", "https://a.test/"], 0, "", "");
    check(folder, &["reset", "--yes"], 0, "http.toml\n", "1 profile is kept in");
    let list = check(folder, &["list"], 0, "Example site", "");
    assert!(!list.contains("a-test"), "{list}");
    let names = std::fs::read_dir(folder.join("profiles")).unwrap().map(|entry| entry.unwrap().path());
    let backup = names.into_iter().find(|path| path.is_dir()).unwrap();
    assert!(backup.join("a-test.toml").exists());
}

#[test]
fn no_credential_of_a_file_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = folder.join("mine.toml");
    let text = "name = \"Mine\"\nkind = \"http\"\nurl = \"https://u:canary@a.test/\"\n[auth]\nbearer = \"canary\"\n[network]\nproxy = \"http://u:canary@p.test\"\n";
    std::fs::write(&file, text).unwrap();
    check(folder, &["add", file.to_str().unwrap()], 0, "mine.toml", "plain text");
    for args in [
        &["show", "mine"][..],
        &["show", "mine", "--json"],
        &["dump"],
        &["dump", "--json"],
        &["list"],
        &["list", "--json"],
    ] {
        let output = run(folder, args);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("a.test") && !said.contains("canary"), "{args:?}: {said}");
    }
}
