//! `explain --log --follow`, as a person runs it: what is added is told as it comes, over truncation and rotation, and Ctrl-C ends it
//! with what it all came to.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot start its parts has to fail")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

const REFUSED: &str =
    "2026/11/21 20:41:12 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream";
const LATE: &str = "2026/11/21 20:41:13 [error] 7#7: *2 upstream timed out (110: Connection timed out) while reading response header from upstream";

/// The program, and what it says line by line. It is killed where a test ends before it does.
struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Follower {
    fn start(log: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wirewatch"))
            .args(["explain", "--follow"])
            .args(more)
            .arg("--log")
            .arg(log)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // What stands in the file by then has been read.
        let mut talk = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut talk).unwrap();
        assert!(talk.starts_with("following "), "{talk}");
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (told, lines) = sync_channel(1_000);
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
        Self { child, lines }
    }

    /// The next line begins so.
    #[track_caller]
    fn says(&self, beginning: &str) {
        let line = self.lines.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(line.starts_with(beginning), "{line:?} does not begin with {beginning:?}");
    }

    /// Ctrl-C; its exit code, and what it said at last.
    fn interrupted(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        (code, self.lines.iter().map(|line| line + "\n").collect())
    }
}

fn add(log: &Path, text: &str) {
    File::options().append(true).open(log).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn what_is_added_is_told_over_truncation_and_rotation_and_summed_up_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("error.log");
    // What stood there before is counted, and not told.
    fs::write(&log, format!("{REFUSED}\n{REFUSED}\n")).unwrap();
    let follower = Follower::start(&log, &[]);
    add(&log, &format!("{LATE}\n{}", &REFUSED[..40]));
    follower.says("backend-timeout");
    add(&log, &format!("{}\n", &REFUSED[40..]));
    follower.says("backend-down");
    // Cut short, and written anew.
    fs::write(&log, format!("{LATE}\n")).unwrap();
    follower.says("backend-timeout");
    // Moved away with a line that nobody has read, and a new one in its place.
    add(&log, &format!("{REFUSED}\n"));
    fs::rename(&log, folder.path().join("error.log.1")).unwrap();
    fs::write(&log, format!("{LATE}\n")).unwrap();
    follower.says("backend-down");
    follower.says("backend-timeout");
    let (code, said) = follower.interrupted();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("7 lines: 0 without a fault") && said.contains("backend-down"), "{said}");
}

#[test]
fn followed_as_json_it_is_an_object_a_line_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("error.log");
    fs::write(&log, "").unwrap();
    let follower = Follower::start(&log, &["--json"]);
    add(&log, &format!("nothing that is known\n{REFUSED}\n"));
    follower.says("{\"source\":\"nginx\"");
    let (code, said) = follower.interrupted();
    assert_eq!((code, &*said), (Some(0), ""));
}
