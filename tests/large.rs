//! Sources of any size take bounded memory. A process of its own, whose peak is that of these tests.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has to fail")]

use wirewatch::profile::intake::read_from;

/// A HAR of that many bytes and more, made as it is read.
struct Endless {
    left: u64,
    entry: Vec<u8>,
    ready: Vec<u8>,
    taken: usize,
}

impl std::io::Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.taken == self.ready.len() && 0 < self.left {
            self.taken = 0;
            self.left = self.left.saturating_sub(self.entry.len() as u64);
            self.ready.clone_from(&self.entry);
            if self.left == 0 {
                self.ready.extend_from_slice(br#"{"request":{"method":"GET","url":"https://last.test/x","headers":[{"name":"Origin","value":"null"}]}}]}}"#);
            }
        }
        let rest = &self.ready[self.taken..];
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.taken += length;
        Ok(length)
    }
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn a_har_of_two_hundred_megabytes_takes_little_memory() {
    let body = format!("{}\\u00e9\\\"", "x".repeat(100)).repeat(7_000);
    let entry = format!(
        r#"{{"_resourceType":"fetch","request":{{"method":"POST","url":"https://api.test/up","headers":[],"postData":{{"text":"{body}"}}}},"response":{{"status":200,"headers":[],"content":{{"text":"{body}"}}}}}},"#
    );
    let source =
        Endless { left: 200 << 20, entry: entry.into_bytes(), ready: br#"{"log":{"entries":["#.to_vec(), taken: 0 };
    let before = peak_megabytes();
    let intake = read_from(source, None).unwrap();
    assert_eq!(intake.problems, []);
    assert_eq!((intake.drafts.len(), intake.drafts[0].seen.times > 80), (2, true));
    assert!(peak_megabytes() - before < 30, "{} MB", peak_megabytes() - before);
}
