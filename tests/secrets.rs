//! Plants canaries as secrets, lets a server send each one back, and searches everything that the program wrote.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot start its parts has to fail")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use wirewatch::lab::{Lab, Options};

/// Each secret's name in the profiles, and its value: one with characters that URLs and JSON write differently.
const CANARIES: [(&str, &str); 6] = [
    ("api-key", "canary-header-5f1c9a"),
    ("jwt", "canary+query/7b2e==&x"),
    ("session", "sid=canary-cookie-91d0"),
    ("greeting", "{\"hello\":\"canary \\\"frame\\\" 3a77\"}"),
    ("reply", "canary-answer-c41d"),
    ("password", "canary-pass&word-88d1"),
];

/// The forms in which a value may hide: as it is, percent-encoded, within a JSON string, in base64.
fn disguises(value: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let quoted = serde_json::to_string(value).unwrap();
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    let mut forms = vec![
        value.to_owned(),
        encoded.replace('+', "%20"),
        encoded,
        quoted.trim_matches('"').to_owned(),
        engine.encode(value),
    ];
    // What is specific to the value, wherever its ends were cut.
    forms.extend(
        value
            .split(['"', '\\', '&', '=', '+', '/'])
            .filter(|part| part.contains("canary") && part.len() > 9)
            .map(str::to_owned),
    );
    forms.into_iter().map(String::into_bytes).collect()
}

fn program(home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
    command.args(args).env_clear().env("HOME", home).env("RUST_BACKTRACE", "1");
    for (name, value) in CANARIES {
        command.env(format!("WIREWATCH_SECRET_{name}"), value);
    }
    command.output().expect("the program starts")
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn no_secret_is_in_anything_that_the_program_writes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(Lab::start(Options::default())).unwrap();
    let home = tempfile::tempdir().unwrap();
    let (profiles, data) = (home.path().join("profiles"), home.path().join("data"));
    std::fs::create_dir(&profiles).unwrap();
    let write = |stem: &str, text: String| std::fs::write(profiles.join(format!("{stem}.toml")), text).unwrap();
    for (stem, status) in [("good", 200), ("bad", 500)] {
        let url = lab.http_url(&format!("/{stem}?reflect&status={status}&allow=any"));
        write(
            stem,
            format!(
                "name = \"{stem}\"\nkind = \"http\"\nurl = \"{url}\"\ninterval = \"1s\"\n[request]\ncredentials = \"include\"\n\
                 headers = {{ X-Api-Key = {{ secret = \"api-key\" }} }}\n[auth]\nquery = {{ token = {{ secret = \"jwt\" }} }}\n\
                 [network]\nproxy = \"none\"\n"
            ),
        );
    }
    let url = lab.http_url("/in?need=session");
    let login = lab.http_url(
        "/form?raw=HTTP/1.1+200+OK%0d%0aSet-Cookie:+id=%63anary-session-0a1b2c%0d%0a%0d%0a%63anary-session-0a1b2c",
    );
    write(
        "login",
        format!(
            "name = \"login\"\nkind = \"http\"\nurl = \"{url}\"\ninterval = \"1s\"\n[auth.login]\nurl = \"{login}\"\n\
             fields = {{ username = \"ops\", password = {{ secret = \"password\" }} }}\n[network]\nproxy = \"none\"\n"
        ),
    );
    let url = lab.ws_url("/socket?echo&every=1s:poke");
    write(
        "socket",
        format!(
            "name = \"socket\"\nkind = \"websocket\"\nurl = \"{url}\"\n[websocket]\nsend = [{{ secret = \"greeting\" }}]\n\
             answers = [{{ when = \"poke\", send = {{ secret = \"reply\" }} }}]\n[auth]\ncookie = {{ secret = \"session\" }}\n\
             [network]\nproxy = \"none\"\n"
        ),
    );
    let folders = ["--profiles", profiles.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let figure = home.path().join("figure.svg");
    let figure = figure.to_str().unwrap();
    let reports = ["bad.html", "bad.md", "socket.html", "audit.md"].map(|name| home.path().join(name));
    let [bad_html, bad_md, socket_html, audit_md] = reports.each_ref().map(|path| path.to_str().unwrap());
    let runs: Vec<Vec<&str>> = vec![
        vec!["watch", "--for", "5s", "--json"],
        vec!["watch", "--for", "2s"],
        vec!["export", "--since", "1h", "--format", "jsonl"],
        vec!["export", "--since", "1h", "--format", "csv"],
        vec!["check", "good", "--json"],
        vec!["check", "bad"],
        vec!["check", "bad", "--json"],
        vec!["check", "socket", "--json", "--observe", "2s"],
        vec!["check", "login", "--json"],
        vec!["check", "bad", "--report", bad_html],
        vec!["check", "bad", "--report", bad_md],
        vec!["check", "socket", "--observe", "2s", "--report", socket_html],
        vec!["audit", "good", "--yes", "--report", audit_md],
        vec!["plot", "--profile", "bad", "--since", "1h", "--what", "latency", "--out", figure],
        vec!["profile", "dump"],
        vec!["profile", "show", "socket", "--json"],
    ];
    let mut written: Vec<(String, Vec<u8>)> = Vec::new();
    for args in runs {
        let output = program(home.path(), &[&args[..], &folders[..]].concat());
        assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        written.push((format!("standard output of {args:?}"), output.stdout));
        written.push((format!("standard error of {args:?}"), output.stderr));
    }
    for path in files_below(home.path()) {
        written.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }

    assert!(reports.iter().all(|path| path.is_file()));

    // The server did get each of them, or the search would prove nothing.
    let heads: String =
        lab.seen().iter().map(|seen| format!("{} {:?}\n", seen.target, seen.headers)).collect::<String>();
    assert!(
        heads.contains("canary%2Bquery")
            && lab.seen().iter().any(|seen| seen.headers.first_str("x-api-key") == Some("canary-header-5f1c9a")),
        "{heads}"
    );
    assert!(
        lab.seen().iter().any(|seen| seen.headers.first_str("cookie") == Some("sid=canary-cookie-91d0")),
        "{heads}"
    );
    let bodies: Vec<_> = lab.seen_at("/form").into_iter().map(|seen| seen.body).collect();
    assert!(bodies.iter().any(|body| body == b"username=ops&password=canary-pass%26word-88d1"), "{bodies:?}");
    let story: usize = written.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(10_000 < story, "hardly anything was written: {story} bytes");

    // What a login brings is as secret as what it takes.
    let brought = ("session of the login", "canary-session-0a1b2c");
    assert!(lab.seen_at("/in").iter().any(|seen| seen.headers.first_str("cookie") == Some("id=canary-session-0a1b2c")));
    for (name, value) in CANARIES.into_iter().chain([brought]) {
        for form in disguises(value) {
            for (place, bytes) in &written {
                assert!(
                    memchr::memmem::find(bytes, &form).is_none(),
                    "the secret {name} stands in {place} as {:?}",
                    String::from_utf8_lossy(&form)
                );
            }
        }
    }
}
