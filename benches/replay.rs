//! `wirewatch replay` over 3,000 cases: cases a second, and cases per second of CPU time. With `WIREWATCH_ORACLE` naming a
//! folder that has the recorded cases' `server.py` and `drive_chrome.mjs`, headless Chromium answers cases of the same set in
//! the same run, against the same server.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't measure has to stop")]

mod common;
#[path = "../tests/common/oracle.rs"]
mod oracle;

use std::collections::HashMap;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use wirewatch::base::Clock;
use wirewatch::cli::replay::{Runner, replay};
use wirewatch::lab::Oracle;

const CASES: usize = 3000;
const JOBS: usize = 32;
const HOSTS: [&str; 11] =
    ["app", "api", "b", "c", "www.app", "api.app", "deep.api.app", "xapp", "cdn", "other", "xn--bcher-kva"];

fn main() {
    if common::role().is_some() {
        return common::serve(serve());
    }
    let cases: Vec<String> = common::recorded_cases().into_iter().cycle().take(CASES).collect();
    match std::env::var("WIREWATCH_ORACLE") {
        Ok(folder) => against_chromium(Path::new(&folder), &cases),
        Err(_) => alone(&cases),
    }
}

/// The lab's server, in a process of its own.
async fn serve() {
    let oracle = Oracle::start().await.unwrap();
    let places: Vec<_> = oracle.places();
    common::ready(json!({"ca": oracle.ca_file(), "places": places}));
    std::future::pending::<()>().await;
}

fn alone(cases: &[String]) {
    let server = common::Role::start("oracle", &[], 10_000);
    let told: serde_json::Value = serde_json::from_str(&server.line).unwrap();
    let places = serde_json::from_value(told["places"].clone()).unwrap();
    let client = oracle::client(places, Path::new(told["ca"].as_str().unwrap()));
    let runner = Runner { client, timeout: Duration::from_secs(60), clock: Clock };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let input = cases.join("\n");
    let (started, cpu) = (Instant::now(), common::process_cpu(std::process::id()));
    let mut answers = Vec::new();
    runtime.block_on(replay(Box::new(std::io::Cursor::new(input)), &mut answers, runner, JOBS)).unwrap();
    let (took, cpu) = (started.elapsed(), common::process_cpu(std::process::id()) - cpu);
    print("replay", memchr::memchr_iter(b'\n', &answers).count(), took, cpu);
}

fn print(who: &str, cases: usize, took: Duration, cpu: Duration) -> f64 {
    let rate = cases as f64 / cpu.as_secs_f64();
    let each = cpu.as_secs_f64() * 1e3 / cases as f64;
    println!(
        "{who:9} {cases:5} cases in {:7.1} s   {:8.1} s of CPU   {each:8.2} ms of CPU a case   {rate:8.1} cases per CPU second",
        took.as_secs_f64(),
        cpu.as_secs_f64()
    );
    rate
}

fn against_chromium(folder: &Path, cases: &[String]) {
    let up = || TcpStream::connect("127.0.0.1:17000").is_ok();
    let mut server = None;
    if !up() {
        server =
            Some(Killed(Command::new("python3").arg(folder.join("server.py")).stdout(Stdio::null()).spawn().unwrap()));
        while !up() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let work = tempfile::tempdir().unwrap();
    let file = |name: &str, cases: &[String]| {
        let path = work.path().join(name);
        fs::write(&path, cases.iter().map(|case| format!("{case}\n")).collect::<String>()).unwrap();
        path
    };

    let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
    command.arg("replay").arg(file("cases.jsonl", cases)).args(["--jobs", &JOBS.to_string()]);
    command.arg("--cacert").arg(folder.join("certs/ca.pem"));
    for host in HOSTS {
        command.args([
            "--resolve",
            &format!("{host}.test:*:127.0.0.1"),
            "--resolve",
            &format!("{host}.test.:*:127.0.0.1"),
        ]);
    }
    let answers = work.path().join("replay.jsonl");
    command.stdout(fs::File::create(&answers).unwrap());
    let (took, cpu) = cost(command);
    let answered = fs::read(&answers).unwrap();
    let ours = print("replay", memchr::memchr_iter(b'\n', &answered).count(), took, cpu);

    // Each of its cases takes a browser long: every sixth, from all families.
    let some: Vec<String> = common::recorded_cases().into_iter().step_by(6).collect();
    let mut command = Command::new("node");
    command.arg(folder.join("drive_chrome.mjs")).arg("--cases").arg(file("some.jsonl", &some));
    command.arg("--out").arg(work.path().join("chrome.jsonl")).stderr(Stdio::null());
    command.arg("--certs").arg(folder.join("certs"));
    let (took, cpu) = cost(command);
    let answered = fs::read(work.path().join("chrome.jsonl")).unwrap();
    let theirs = print("chromium", memchr::memchr_iter(b'\n', &answered).count(), took, cpu);
    println!("replay answers {:.0} times as many cases per CPU second   goal: 100", ours / theirs);
    drop(server);
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Wall time and CPU time of a program with all its descendants: what each had used when it was last seen, ten times a second.
fn cost(mut command: Command) -> (Duration, Duration) {
    let started = Instant::now();
    let mut child = Killed(command.spawn().unwrap());
    let root = child.0.id();
    let mut used: HashMap<u32, Duration> = HashMap::new();
    let mut over = false;
    while !over {
        std::thread::sleep(Duration::from_millis(100));
        // Before it is waited for, what it used stands there still.
        over = zombie(root);
        for pid in family(root, &used) {
            if let Some(cpu) = cpu_of(pid) {
                used.insert(pid, cpu);
            }
        }
    }
    let took = started.elapsed();
    child.0.wait().unwrap();
    (took, used.values().sum())
}

/// State, parent and CPU time from `/proc/PID/stat`.
fn stat(pid: u32) -> Option<(String, u32, Duration)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?;
    Some((fields[0].to_owned(), fields[1].parse().ok()?, Duration::from_millis(ticks * 10)))
}

fn zombie(pid: u32) -> bool {
    stat(pid).is_none_or(|(state, ..)| state == "Z")
}

fn cpu_of(pid: u32) -> Option<Duration> {
    stat(pid).map(|(.., cpu)| cpu)
}

/// The process, its descendants, and those that once were.
fn family(root: u32, known: &HashMap<u32, Duration>) -> Vec<u32> {
    let all: Vec<(u32, u32)> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| Some((pid, stat(pid)?.1)))
        .collect();
    let mut members: Vec<u32> = known.keys().copied().chain([root]).collect();
    let mut at = 0;
    while at < members.len() {
        let parent = members[at];
        for (pid, of) in &all {
            if *of == parent && !members.contains(pid) {
                members.push(*pid);
            }
        }
        at += 1;
    }
    members
}
