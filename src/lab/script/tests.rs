//! What a URL's keys mean, and which are refused.

use super::*;

#[track_caller]
fn refused(query: &str, message: &str) {
    assert_eq!(parse(query).unwrap_err().to_string(), message);
}

#[test]
fn header_lines_keep_their_bytes_their_order_and_their_repetitions() {
    let script = parse("h=X-a:%20%FF&h=no+colon&h=X-a:+2").unwrap();
    assert_eq!(script.lines, [&b"X-a: \xff"[..], b"no colon", b"X-a: 2"]);
}

#[test]
fn steps_are_read_in_order() {
    let script = parse("do=text:a:b&do=wait:1.5s&do=close:1008:go+away&do=bad:rsv&after=2s:drop").unwrap();
    let steps = [
        Step::Text("a:b".into()),
        Step::Wait(Duration::from_millis(1500)),
        Step::Close(Some((1008, "go away".into()))),
        Step::Bad(Bad::Rsv),
    ];
    assert_eq!(script.socket.steps, steps);
    assert_eq!(script.socket.after, [(Duration::from_secs(2), Step::Drop)]);
}

#[test]
fn a_misspelt_key_or_value_is_named() {
    let unknown = parse("statsu=200").unwrap_err();
    assert_eq!(unknown, BadScript::UnknownKey("statsu".into()));
    refused("status=teapot", "`status=teapot` is not a status");
    refused("wait=5", "`wait=5` is not a duration such as 250ms or 2s");
    refused("outage=0s/0s", "`outage=0s/0s` is not two durations such as 8s/4s");
}

#[test]
fn the_applications_own_keys_pass() {
    assert_eq!(parse("token=abc&_x=1&EIO=4").unwrap(), Script::default());
}

#[test]
fn sizes_are_bounded() {
    assert_eq!(parse_size("100m"), Some(100 << 20));
    assert_eq!(parse_size("999999g"), None);
    assert_eq!(parse_duration("1e9h"), None);
}
