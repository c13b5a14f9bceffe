//! What the benchmarks share: child processes of the same program, and the kernel's account of CPU time and memory.
//!
//! Linux only, as the figures come from `/proc`.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::fmt::Display;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A child of this program with `role` as its first argument, which printed one line once it was ready. Killed on drop.
pub struct Role {
    pub child: Child,
    pub line: String,
}

impl Role {
    /// Starts it, with room for `files` open files, and waits for its line.
    pub fn start(role: &str, arguments: &[&str], files: u32) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")])
            .arg(program)
            .arg(role)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, line: line.trim().to_owned() }
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The role that this process was started in, and its arguments; `None`: it is the benchmark itself.
pub fn role() -> Option<(String, Vec<String>)> {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let role = arguments.next()?;
    Some((role, arguments.collect()))
}

/// Does a role's work, which is to wait for requests, on one thread of the runtime's.
pub fn serve(role: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(role);
}

/// Prints the line that [`Role::start`] waits for.
pub fn ready(line: impl Display) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

/// CPU time that this thread has used, the kernel's part included.
pub fn thread_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
}

/// CPU time that a process has used, in steps of a hundredth of a second.
pub fn process_cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Resident memory of this process, in bytes.
pub fn rss() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Every recorded case that any browser answered, less those that need requests before them: one JSON object each.
pub fn recorded_cases() -> Vec<String> {
    let sets = ["first", "second"].map(|set| fs::read_to_string(format!("tests/cases/{set}.jsonl")).unwrap());
    let lines = sets.iter().flat_map(|set| set.lines());
    lines.filter(|line| !line.contains("\"before\":")).map(str::to_owned).collect()
}

/// Whether a program is there.
pub fn installed(program: &str) -> bool {
    Path::new(program).exists()
}
