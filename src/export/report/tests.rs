//! Reports of what hostile servers send, and what is written where.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::base::Wall;
use crate::profile::Kind;
use crate::watch::{Code, Outcome, Reason};
use crate::wire::{Exchange, HttpVersion, Phases, Purpose, Transfer, WireRequest, WireResponse};

/// What a server may put wherever it puts text.
const HOSTILE: &str = "</pre></script><script>alert(1)</script><img src=x onerror=alert(2)> ```` ](javascript:x) \
                       | # & \"'>\x1b[31m\u{202e}";

/// A page's request that was answered with `said` in every place that a server fills in.
fn check(said: &str, body: String) -> (Profile, CheckReport) {
    let mut profile = Profile::new("case", Kind::Http, "https://api.test/carts?q=1".parse().unwrap());
    profile.page = Some("https://app.test/".parse().unwrap());
    let response = WireResponse {
        version: HttpVersion::Http11,
        status: 403,
        reason: said.to_owned(),
        headers: [("X-Said", said), ("Server", said), ("Access-Control-Allow-Origin", said)].into_iter().collect(),
        body_size: body.len() as u64,
        transfer: Transfer::plain(body.len() as u64),
        body: body.into(),
    };
    let exchange = Exchange {
        request: WireRequest {
            purpose: Purpose::Actual,
            method: "GET".into(),
            url: profile.url.clone(),
            headers: [("Origin", "https://app.test")].into_iter().collect(),
            body: Default::default(),
        },
        result: Ok(response),
        phases: Phases { first_byte: Some(Duration::from_millis(12)), ..Phases::default() },
        peer: None,
        tried: Vec::new(),
        tls: None,
        proxy: Some(said.to_owned()),
    };
    let report = CheckReport {
        outcome: Outcome::Down,
        state: State::CorsError,
        reason: Some(Reason::new(Code::AllowOriginMismatch).with_detail(said).with_status(403)),
        scheduled: Wall(1_780_000_000_000_000),
        lateness: Duration::ZERO,
        phases: Phases { total: Some(Duration::from_millis(12)), ..Phases::default() },
        status: Some(403),
        exchanges: vec![Arc::new(exchange)],
        preflighted: false,
        console: Some(said.into()),
        close: None,
        steps: Vec::new(),
        further: Vec::new(),
    };
    (profile, report)
}

fn report(said: &str, body: String) -> Report {
    let (profile, deciding) = check(said, body);
    let reports = std::slice::from_ref(&deciding);
    Report::of_check(Checked { profile: &profile, url: profile.url.as_str(), deciding: &deciding, reports })
}

/// Every element of the page with its attributes, by name.
fn marks(html: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for token in html5gum::Tokenizer::new(html) {
        let Ok(html5gum::Token::StartTag(tag)) = token else { continue };
        found.insert(String::from_utf8(tag.name.to_vec()).unwrap());
        found.extend(tag.attributes.keys().map(|name| format!("[{}]", String::from_utf8(name.to_vec()).unwrap())));
    }
    found
}

#[test]
fn what_a_server_sends_is_text_in_html() {
    let hostile = report(HOSTILE, HOSTILE.repeat(20)).html();
    assert_eq!(marks(&hostile), marks(&report("plain", "plain".to_owned()).html()));
    assert!(hostile.contains("&lt;script&gt;alert(1)") && !hostile.contains(['\x1b', '\u{202e}']));
}

#[test]
fn what_a_server_sends_is_text_in_markdown() {
    let hostile = report(HOSTILE, HOSTILE.repeat(20)).markdown();
    let mut fence: Option<&str> = None;
    let mut fences = 0;
    for line in hostile.lines() {
        match fence {
            // Only the fence itself ends it.
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => (fence, fences) = (Some(line), fences + 1),
            None => {
                let bare = line.replace("\\\\", "").replace("\\<", "").replace("\\]", "").replace("\\`", "");
                assert!(!bare.contains('<') && !bare.contains("](") && !bare.contains('`'), "{line}");
            }
        }
    }
    assert!(fence.is_none() && 2 < fences, "{hostile}");
    assert!(!hostile.contains(['\x1b', '\u{202e}']));
}

#[test]
fn two_checks_stand_side_by_side_where_they_part() {
    let compared = |said: &str| {
        let ((first, one), (second, mut other)) = (check("plain", String::new()), check(said, String::new()));
        other.outcome = Outcome::Up;
        (other.state, other.reason) = (State::Connected, None);
        let side = |profile, deciding| Checked {
            profile,
            url: "https://api.test/carts",
            deciding,
            reports: std::slice::from_ref(deciding),
        };
        Report::of_compared([side(&first, &one), side(&second, &other)])
    };
    let html = compared("other").html();
    for piece in ["They part at: browser", "x-said", "Each by itself", "≠"] {
        assert!(html.contains(piece), "{piece} is missing in:\n{html}");
    }
    assert_eq!(marks(&compared(HOSTILE).html()), marks(&html));
}

#[test]
fn a_body_is_cut_and_says_so() {
    let html = report("plain", "b".repeat(100_000)).html();
    assert!(html.contains("of 100000 bytes") && html.len() < 40_000, "{}", html.len());
}

#[test]
fn a_report_says_the_verdict_the_cause_and_every_browsers_words() {
    for text in [report("plain", String::new()).html(), report("plain", String::new()).markdown()] {
        for piece in ["CORS error", "origin-not-allowed", "Chrome", "Firefox", "Safari", "X-Said: plain", "curl -i"] {
            assert!(text.contains(piece), "{piece} is missing in:\n{text}");
        }
    }
}

#[test]
fn the_ending_decides_and_another_is_refused() {
    let form = |name: &str| Format::of(Path::new(name)).map_err(|error| error.to_string());
    assert_eq!(form("a.md"), Ok(Format::Markdown));
    assert_eq!(form("a.MARKDOWN"), Ok(Format::Markdown));
    assert_eq!(form("x/a.html"), Ok(Format::Html));
    assert_eq!(form("a.htm"), Ok(Format::Html));
    assert_eq!(form("a.pdf"), Err("a report's file ends in .html or .md, which a.pdf doesn't".to_owned()));
    assert!(form("html").is_err());
}

#[test]
fn a_file_is_written_whole_in_anothers_place_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, "before").unwrap();
    let report = report("plain", String::new());
    report.save(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), report.html());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let nowhere = folder.path().join("none").join("report.md");
    assert!(report.save(&nowhere).unwrap_err().to_string().contains("report.md can't be written"));
}
