//! Every console line that was recorded of the three engines is read back: whose words it is, its URL and origin, and for
//! Chromium the code that the recording has beside it.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its cases has to fail")]

use serde_json::{Map, Value};
use wirewatch::base::template::straight;
use wirewatch::browser::Browser;
use wirewatch::browser::console::heard::{self, Heard};

const SETS: [&str; 5] = ["first", "second", "third", "more", "jar"];

fn answers(set: &str, browser: Browser) -> Vec<Map<String, Value>> {
    let text = std::fs::read_to_string(format!("tests/cases/{set}.{}.jsonl", browser.word())).unwrap_or_default();
    // `{s}` stands for the script in the case's URL.
    text.lines().map(|line| serde_json::from_str(&line.replace("{s}", "eyJ9")).unwrap()).collect()
}

/// What is wrong with the reading, if anything.
fn fault(line: &str, browser: Browser, heard: Option<&Heard>) -> Option<&'static str> {
    let Some(heard) = heard else { return Some("not read") };
    let text = straight(line);
    let named = |what: &str| text.contains(&format!("{what}http")) || text.contains(&format!("{what}ws"));
    if !heard.browsers.contains(&browser) {
        return Some("another browser's");
    }
    if heard.url.is_none() && (named(" at '") || named(" at ") || named("connection to '") || named(" load ")) {
        return Some("its URL is not read");
    }
    if heard.page_origin().is_none() && (named("from origin '") || named("The page at '") || named("Origin ")) {
        return Some("its page is not read");
    }
    None
}

#[test]
fn every_recorded_line_is_read_back() {
    let (mut read, mut faults) = (0, Vec::new());
    for (set, browser) in SETS.into_iter().flat_map(|set| Browser::ALL.map(|browser| (set, browser))) {
        for answer in answers(set, browser) {
            let all = answer.get("console_all").and_then(Value::as_array).into_iter().flatten();
            for line in all.chain(answer.get("console")).filter_map(Value::as_str) {
                read += 1;
                let got = heard::read(line);
                faults.extend(fault(line, browser, got.as_ref()).map(|why| format!("{}: {why}: {line}", answer["id"])));
            }
            let (Some(code), Some(line)) = (answer.get("code"), answer.get("console").and_then(Value::as_str)) else {
                continue;
            };
            // A status and a note name no reason: the code is of what came with them.
            let got = heard::read(line).filter(|got| got.is_fatal && !line.contains("responded with a status"));
            if got.is_some_and(|got| !got.says(code.as_str().unwrap())) {
                faults.push(format!("{}: not {code}: {line}", answer["id"]));
            }
        }
    }
    assert!(3_000 < read, "the recordings were not found");
    faults.sort_by_key(|fault| fault.split_once(": ").map(|(_, rest)| rest.to_owned()));
    faults.dedup_by_key(|fault| fault.split_once(": ").map(|(_, rest)| rest.to_owned()));
    assert!(faults.is_empty(), "{} of {read}\n{}", faults.len(), faults[..faults.len().min(40)].join("\n"));
}
