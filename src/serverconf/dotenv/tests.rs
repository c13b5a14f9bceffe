//! What python-dotenv reads, statement by statement; `tests/real` holds the same corpus to the library itself.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: &[(&str, Option<&str>)]) {
    let read = parse(text, &|_| None);
    let got: Vec<(&str, Option<&str>)> =
        read.entries.iter().map(|entry| (entry.name.as_str(), entry.value.as_deref())).collect();
    assert_eq!(got, expected, "{text:?} skips {:?}", read.skipped);
}

#[track_caller]
fn skips(text: &str, expected: &[(&str, Why)]) {
    let read = parse(text, &|_| None);
    let got: Vec<(&str, Why)> = read.skipped.iter().map(|skipped| (&text[skipped.at.clone()], skipped.why)).collect();
    assert_eq!(got, expected);
}

#[test]
fn a_value_ends_at_a_comment_after_white_space() {
    check("A=b # c", &[("A", Some("b"))]);
    check("A=b#c", &[("A", Some("b#c"))]);
    check("A=#c", &[("A", Some("#c"))]);
    check("A= #c", &[("A", Some(""))]);
    check("# whole\n  # line\nA=1", &[("A", Some("1"))]);
    check("A = b  c  ", &[("A", Some("b  c"))]);
}

#[test]
fn export_and_quotes_are_taken_off() {
    check("export A=1\nexport  B='x y'  # z\n'C D'=\"e\"", &[("A", Some("1")), ("B", Some("x y")), ("C D", Some("e"))]);
    check("export=1\nA\nB=", &[("export", Some("1")), ("A", None), ("B", Some(""))]);
}

#[test]
fn quotes_keep_lines_and_escapes_are_undone() {
    check("A=\"one\ntwo\\tthree\"\nB='it\\'s \\n'", &[("A", Some("one\ntwo\tthree")), ("B", Some("it's \\n"))]);
    check(r#"A="b\\""#, &[("A", Some(r"b\"))]);
}

#[test]
fn variables_are_those_before_and_their_defaults() {
    check(
        "H=app.test\nA=https://${H}:${P:-8443}/\nB='${H}'\nC=$H ${X} ${X:=y}\nD=\"${A}\"",
        &[
            ("H", Some("app.test")),
            ("A", Some("https://app.test:8443/")),
            ("B", Some("app.test")),
            ("C", Some("$H  ${X:=y}")),
            ("D", Some("https://app.test:8443/")),
        ],
    );
    let read = parse("A=${HOME:-none}\nB=${A}", &|name| (name == "HOME").then(|| "/h".to_owned()));
    assert_eq!(read.entries[1].value.as_deref(), Some("/h"));
}

#[test]
fn what_makes_no_sense_is_skipped_to_the_end_of_its_line_and_named() {
    skips("A=\"open\nB=1", &[("\"open", Why::Unterminated('"'))]);
    skips("A='x' y\n=2\nnot a line\n", &[("y", Why::Trailing), ("=2", Why::NoName), ("a line", Why::Trailing)]);
    check("A=\"open\nB=1", &[("B", Some("1"))]);
}

#[test]
fn values_that_double_with_each_line_come_to_an_end() {
    let mut text = "A0=0123456789abcdef\n".to_owned();
    for n in 1..60 {
        text.push_str(&format!("A{n}=${{A{}}}${{A{}}}\n", n - 1, n - 1));
    }
    let read = parse(&text, &|_| None);
    assert!(read.cut);
    let total: usize = read.entries.iter().filter_map(|entry| entry.value.as_ref()).map(String::len).sum();
    assert!(total <= MAX_RESOLVED, "{total}");
}

proptest! {
    #[test]
    fn no_text_stops_the_reader(text in "(?s)[A-C='\"#$ {}:\\\\\n\u{e9}export-]{0,60}") {
        let read = parse(&text, &|_| None);
        for entry in &read.entries {
            prop_assert!(text.get(entry.value_at.clone()).is_some());
        }
    }
}
