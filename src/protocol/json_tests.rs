//! What `JSON.parse` takes, what it does not, and where; what is too much.

use serde_json::{Value, json};

use super::*;

const LIMITS: Limits = Limits { bytes: 1000, packets: 1, depth: 3, values: 8, attachments: 1 };

#[track_caller]
fn check(text: &str, expected: Value) {
    assert_eq!(parse(text, 0, &LIMITS), Ok(expected));
}

#[track_caller]
fn check_fault(text: &str, expected: &str) {
    assert_eq!(parse(text, 10, &LIMITS).unwrap_err().to_string(), expected);
}

#[test]
fn half_a_surrogate_pair_is_taken_as_a_page_shows_it() {
    check(r#""\ud83d""#, json!("\u{fffd}"));
    check(r#""\ude00\ud83d!""#, json!("\u{fffd}\u{fffd}!"));
    check(r#""\ud83d\ud83d\ude00""#, json!("\u{fffd}😀"));
    check(r#""\uD83D\uDE00""#, json!("😀"));
    check(r#""\\ud83d\"\ud83d""#, json!("\\ud83d\"\u{fffd}"));
    check(r#""\\\ud83d""#, json!("\\\u{fffd}"));
    check(r#"{"\ud83d":1}"#, json!({ "\u{fffd}": 1 }));
    check_fault(r#"["\ud8"]"#, "not JSON at byte 17");
}

#[test]
fn a_fault_stands_at_its_byte() {
    check_fault("", "JSON ends too soon at byte 10");
    check_fault("[1,", "JSON ends too soon at byte 12");
    check_fault("[1,x]", "not JSON at byte 13");
    check_fault("[\"é\",x]", "not JSON at byte 16");
    check_fault("[1,\n\nx]", "not JSON at byte 15");
    check_fault("[\"\\ud83d\",x]", "not JSON at byte 20");
    check_fault("[] []", "not JSON at byte 13");
    check_fault("\"a", "JSON ends too soon at byte 11");
    check_fault("\"a\\", "JSON ends too soon at byte 12");
}

#[test]
fn what_would_take_too_much_is_refused_before_it_is_parsed() {
    check("[[[]]]", json!([[[]]]));
    check_fault("[[[[", "JSON nested deeper than 3 at byte 13");
    check_fault(r#"{"a":{"b":[{}]}}"#, "JSON nested deeper than 3 at byte 21");
    check("[[],[],[]]", json!([[], [], []]));
    check_fault("[[],[],[],[]]", "more than 8 values in one packet's JSON at byte 20");
    check("[0,0,0,0,0,0,0]", json!([0, 0, 0, 0, 0, 0, 0]));
    check_fault("[0,0,0,0,0,0,0,0]", "more than 8 values in one packet's JSON at byte 24");
    check(r#""[[[[[[,,,,,,,,,,,\"[[[[""#, json!("[[[[[[,,,,,,,,,,,\"[[[["));
    let deepest = Limits { depth: 1000, values: 1000, ..LIMITS };
    assert!(parse(&format!("{}{}", "[".repeat(127), "]".repeat(127)), 0, &deepest).is_ok());
    let too_deep = parse(&"[".repeat(128), 0, &deepest).unwrap_err();
    assert_eq!(too_deep.to_string(), "JSON nested deeper than 127 at byte 127");
}
