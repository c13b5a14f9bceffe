//! What is written is read back; what a person wrote stays.

use std::time::Duration;

use proptest::prelude::*;
use url::Url;

use super::generated::profile;
use super::*;
use crate::profile::model::*;

#[track_caller]
fn read(text: &str) -> Profile {
    parse(text, None).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}")).0
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back_the_same(profile in profile()) {
        prop_assert_eq!(&read(&write(&profile)), &profile);
        let mut full = profile.clone();
        full.page = Some(profile.page_url());
        prop_assert_eq!(&read(&write_full(&profile)), &full);
    }

    #[test]
    fn any_change_of_any_file_comes_out_as_wanted(old in profile(), new in profile()) {
        // Comments above, behind and below; sections with headers of their own and dotted.
        let plain = write(&old).replace('\n', "\n# kept\n").replace("# kept\n\n", "\n");
        for text in [write(&old), write_full(&old), plain] {
            if parse(&text, None).is_err() {
                continue;
            }
            let updated = update(&text, &new).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"));
            prop_assert_eq!(&read(&updated), &new);
        }
    }

    #[test]
    fn no_change_takes_a_comment_away(old in profile(), new in profile()) {
        let written = write(&old);
        // A line inside a longer value has no place for a comment.
        let one_line = |line: &str| line.is_empty() || line.starts_with('[') || line.contains(" = ");
        if !written.lines().all(one_line) || written.contains("\"\"\"") || written.contains("'''") {
            return Ok(());
        }
        let mut text = String::new();
        for (number, line) in written.lines().enumerate() {
            text.push_str(&format!("# above {number}\n{line} # behind {number}\n"));
        }
        let mut wanted = new;
        (wanted.kind, wanted.url) = (old.kind, old.url);
        wanted.request = old.request;
        let Ok(updated) = update(&text, &wanted) else { return Ok(()) };
        for (number, line) in written.lines().enumerate() {
            // Comments around a whole section stay too.
            let kept = |place: &str| updated.contains(&format!("# {place} {number}\n"));
            prop_assert!(kept("above") && kept("behind"), "{}: {line}\n{text}\n---\n{updated}", number);
        }
    }

    #[test]
    fn nothing_changes_where_nothing_was_changed(profile in profile()) {
        let text = format!("# mine\n{}\n# end", write(&profile));
        prop_assert_eq!(update(&text, &profile).unwrap(), text);
    }
}

#[test]
fn a_new_file_holds_only_what_was_chosen() {
    let mut profile =
        Profile::new("Sales chat", Kind::WebSocket, Url::parse("wss://api.example.com/ws/chat/").unwrap());
    assert_eq!(
        write(&profile),
        "name = \"Sales chat\"\nkind = \"websocket\"\nurl = \"wss://api.example.com/ws/chat/\"\n"
    );
    profile.group = vec!["shop".into(), "production".into()];
    profile.websocket.ping = None;
    profile.websocket.send = vec![Setting::Plain("{\"type\":\"hello\"}".into()), Setting::Secret("greeting".into())];
    profile.auth = Auth::Query(vec![("token".into(), Setting::Secret("jwt".into()))]);
    assert_eq!(
        write(&profile),
        r#"name = "Sales chat"
kind = "websocket"
url = "wss://api.example.com/ws/chat/"
group = "shop / production"

[websocket]
send = ['{"type":"hello"}', { secret = "greeting" }]
ping = "0s"

[auth]
query = { token = { secret = "jwt" } }
"#
    );
}

/// A person's file, and what one change makes of it.
#[track_caller]
fn check(original: &str, change: impl FnOnce(&mut Profile), expected: &str) {
    let mut profile = read(original);
    change(&mut profile);
    assert_eq!(update(original, &profile).unwrap(), expected);
}

const MINE: &str = r#"# The shop's chat.
url   =   "wss://a.test/"   # behind nginx
kind = 'websocket'
name = "Chat"

# Ask Ann before you change these two.
page = "https://shop.test/" # not the www one
interval = "60s"
request.credentials = "include"

[websocket]   # the socket itself
answers = [
  # the server's heartbeat
  { when = 'ping', send = 'pong' },
  { when = 'a', send = 'b' }, # why?
]

  [network]
  # the old machine
  resolve = ["a.test:443:10.0.0.7"]

# the end
"#;

#[test]
fn a_change_leaves_every_comment_and_the_order_alone() {
    check(MINE, |profile| profile.name = "Sales chat".into(), &MINE.replace("\"Chat\"", "\"Sales chat\""));
    check(MINE, |profile| profile.interval = Duration::from_secs(90), &MINE.replace("\"60s\"", "\"1m30s\""));
    check(MINE, |profile| profile.request.credentials = Credentials::Omit, &MINE.replace("\"include\"", "\"omit\""));
    check(
        MINE,
        |profile| profile.websocket.answers[0].send = Setting::Secret("s".into()),
        &MINE.replace("send = 'pong'", "send = { secret = \"s\" }"),
    );
    check(
        MINE,
        |profile| {
            profile.websocket.answers.remove(1);
        },
        &MINE.replace("  { when = 'a', send = 'b' }, # why?\n", ""),
    );
    check(
        MINE,
        |profile| {
            profile.websocket.answers.remove(0);
        },
        &MINE.replace("  # the server's heartbeat\n  { when = 'ping', send = 'pong' },\n", ""),
    );
    check(
        MINE,
        |profile| {
            let more = AnswerRule { when: "c".into(), send: Setting::Plain("d".into()) };
            profile.websocket.answers.push(more);
        },
        &MINE.replace("# why?\n", "# why?\n  { when = \"c\", send = \"d\" },\n"),
    );
    check(
        MINE,
        |profile| profile.network.resolve[0].addresses = vec!["10.0.0.8".parse().unwrap()],
        &MINE.replace("10.0.0.7", "10.0.0.8"),
    );
}

#[test]
fn a_value_set_back_to_its_default_keeps_its_line() {
    check(MINE, |profile| profile.interval = Duration::from_secs(30), &MINE.replace("\"60s\"", "\"30s\""));
}

#[test]
fn the_comments_of_a_line_that_goes_stay() {
    check(
        MINE,
        |profile| profile.page = None,
        &MINE.replace("page = \"https://shop.test/\" # not the www one\n", "# not the www one\n"),
    );
}

#[test]
fn what_is_new_is_added_to_its_section_or_with_one() {
    check(
        MINE,
        |profile| profile.network.insecure = true,
        &MINE.replace("10.0.0.7\"]\n", "10.0.0.7\"]\ninsecure = true\n"),
    );
    let original = "name = \"A\"\nkind = \"http\"\nurl = \"https://a.test/\" # here\n";
    check(
        original,
        |profile| {
            profile.tags = vec!["x".into()];
            profile.reconnect.attempts = 3;
        },
        &format!("{original}tags = [\"x\"]\n\n[reconnect]\nattempts = 3\n"),
    );
}

#[test]
fn tables_of_their_own_are_changed_in_place() {
    let original = "name = \"A\"\nkind = \"socketio\"\nurl = \"https://a.test/\"\n\n[request.headers]\nX-One = \"1\" # one\n\n# first\n[[socketio.emit]]\nevent = \"a\"\n\n# second\n[[socketio.emit]]\nevent = \"b\" # b\n";
    check(
        original,
        |profile| {
            profile.request.headers[0].1 = Setting::Plain("2".into());
            profile.socketio.emit[1].event = "c".into();
        },
        &original.replace("\"1\"", "\"2\"").replace("\"b\" #", "\"c\" #"),
    );
    check(
        original,
        |profile| {
            profile.socketio.emit.remove(0);
        },
        &original.replace("# first\n[[socketio.emit]]\nevent = \"a\"\n\n", ""),
    );
}

#[test]
fn windows_line_ends_stay() {
    let original = "\u{feff}name = \"A\"\r\nkind = \"http\"\r\n# x\r\nurl = \"https://a.test/\"\r\n";
    check(original, |profile| profile.name = "B".into(), &original.replace("\"A\"", "\"B\""));
}

#[test]
fn a_profile_that_no_file_can_hold_is_not_written() {
    let mut profile = read(MINE);
    profile.websocket.expect = Some("a(b".into());
    assert!(update(MINE, &profile).unwrap_err()[0].message.contains("regular expression"));
    assert!(check_profile(&profile).is_err());
    profile.websocket.expect = None;
    profile.group = vec!["a / b".into()];
    assert_eq!(update(MINE, &profile).unwrap_err(), [not_writable()]);
    assert!(update("name = ", &profile).is_err());
}

fn check_profile(profile: &Profile) -> Result<Vec<Problem>, Vec<Problem>> {
    super::check(profile)
}

#[test]
fn json_has_the_files_names_and_every_default() {
    let mut profile = read(MINE);
    profile.auth = Auth::Bearer(Setting::Secret("api".into()));
    let json = to_full_json(&profile);
    assert_eq!(json["name"], "Chat");
    assert_eq!(json["websocket"]["idle"], "1m");
    assert_eq!(json["auth"]["bearer"]["secret"], "api");
    assert_eq!(json["page"], "https://shop.test/");
    assert!(json["stack"].is_null());
}
