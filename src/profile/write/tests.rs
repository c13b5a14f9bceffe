//! What is written is read back; what a person wrote stays.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use url::Url;

use super::*;
use crate::profile::model::*;

/// Any text that TOML can hold, with quotes, line ends, signs of comments and of other scripts.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}", "[\\PC\n\t]{1,20}", Just("a # b".to_owned()), Just("it's \"\"\" x \\ ''' y".to_owned())]
}

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9-]{0,8}"
}

fn setting() -> impl Strategy<Value = Setting> {
    prop_oneof![text().prop_map(Setting::Plain), word().prop_map(Setting::Secret)]
}

fn header_setting() -> impl Strategy<Value = Setting> {
    prop_oneof!["[!-~]([ -~]{0,9}[!-~])?".prop_map(Setting::Plain), word().prop_map(Setting::Secret)]
}

/// Pairs with different keys.
fn pairs<V: std::fmt::Debug>(value: impl Strategy<Value = V>) -> impl Strategy<Value = Vec<(String, V)>> {
    vec((word(), value), 0..4).prop_map(|mut pairs| {
        let mut seen = std::collections::HashSet::new();
        pairs.retain(|(key, _)| seen.insert(key.clone()));
        pairs
    })
}

fn json() -> impl Strategy<Value = JsonSetting> {
    let leaf = prop_oneof![
        text().prop_map(|text| JsonSetting::Value(text.into())),
        any::<i64>().prop_map(|number| JsonSetting::Value(number.into())),
        (-1e9..1e9).prop_map(|number: f64| JsonSetting::Value(number.into())),
        any::<bool>().prop_map(|truth| JsonSetting::Value(truth.into())),
        word().prop_map(JsonSetting::Secret),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![vec(inner.clone(), 0..3).prop_map(JsonSetting::Array), pairs(inner).prop_map(JsonSetting::Object)]
    })
}

fn millis(from: u64, to: u64) -> impl Strategy<Value = Duration> {
    (from..to).prop_map(Duration::from_millis)
}

fn web_url() -> impl Strategy<Value = Url> {
    ("https?", "[a-z]{1,8}\\.test", option::of(1..65535_u16), "(/[a-z]{0,5}){0,2}", option::of("[a-z]=[a-z%20]{0,4}"))
        .prop_map(|(scheme, host, port, path, query)| {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            Url::parse(&format!("{scheme}://{host}{port}{path}{query}")).unwrap()
        })
}

fn regex() -> impl Strategy<Value = Option<String>> {
    option::of(prop_oneof![Just(r#""type":\s*"ping""#.to_owned()), "[a-z]{1,5}", Just(r"^\d+'#$".to_owned())])
}

fn request(kind: Kind) -> impl Strategy<Value = Request> {
    (
        Just(kind),
        pairs(header_setting()),
        option::of(setting()),
        proptest::sample::select(Credentials::ALL.to_vec()),
        prop_oneof![Just(Csp::None), Just(Csp::Auto), Just(Csp::Text("default-src 'self'".into()))],
        vec(100..600_u16, 0..3),
        regex(),
    )
        .prop_map(|(kind, headers, body, credentials, csp, expect_status, expect_body)| {
            let method = if kind == Kind::Http && body.is_some() { "POST".into() } else { "GET".into() };
            Request { method, headers, body, credentials, csp, expect_status, expect_body }
        })
}

fn websocket() -> impl Strategy<Value = WebSocket> {
    let rule = (regex(), setting()).prop_map(|(when, send)| AnswerRule { when: when.unwrap_or("x".into()), send });
    (
        pairs(Just(())).prop_map(|pairs| pairs.into_iter().map(|(word, ())| word).collect()),
        vec(setting(), 0..3),
        regex(),
        vec(rule, 0..3).boxed(),
        option::of(millis(100, 100_000)),
        option::of(millis(100, 100_000)),
    )
        .prop_map(|(protocols, send, expect, answers, ping, idle)| WebSocket {
            protocols,
            send,
            expect,
            answers,
            ping,
            idle,
        })
}

fn socketio() -> impl Strategy<Value = SocketIo> {
    let space = "/[a-z]{0,5}";
    (
        "/[a-z.]{0,9}/?",
        option::of(3..=4_u8),
        proptest::sample::subsequence(Transport::ALL.to_vec(), 1..=2),
        vec(space, 1..3),
        pairs(json().boxed()).boxed(),
        vec(
            (space, text(), vec(json().boxed(), 0..3)).prop_map(|(namespace, event, data)| Emit {
                namespace,
                event,
                data,
            }),
            0..4,
        ),
        vec((space, text()).prop_map(|(namespace, event)| ExpectEvent { namespace, event }), 0..3),
    )
        .prop_map(|(path, protocol, transports, namespaces, auth, emit, expect)| SocketIo {
            path,
            protocol,
            transports,
            namespaces,
            auth,
            emit,
            expect,
        })
}

fn auth() -> impl Strategy<Value = Auth> {
    let login = (web_url().boxed(), pairs(setting()), option::of(word()), option::of(web_url().boxed()))
        .prop_map(|(url, fields, csrf, check)| Auth::Login(Login { url, fields, csrf, check }));
    let cookie = "[a-z]{1,5}=[a-z0-9]{1,9}".prop_map(|text| Auth::Cookie(Setting::Plain(text)));
    let query = pairs(setting()).prop_map(|pairs| if pairs.is_empty() { Auth::None } else { Auth::Query(pairs) });
    prop_oneof![Just(Auth::None), login, header_setting().prop_map(Auth::Bearer), cookie, query]
}

fn network() -> impl Strategy<Value = Network> {
    let proxy = prop_oneof![
        Just(Proxy::Environment),
        Just(Proxy::Direct),
        Just(Proxy::Url(Url::parse("http://proxy:3128").unwrap())),
        Just(Proxy::Url(Url::parse("socks5://proxy:1080").unwrap())),
    ];
    let host = option::of(prop_oneof![Just("::1".to_owned()), "[a-z]{1,5}\\.test"]);
    let address = any::<std::net::IpAddr>();
    let resolve = (host, option::of(1..=u16::MAX), vec(address, 1..3)).prop_map(|(host, port, addresses)| Resolve {
        host,
        port,
        addresses,
    });
    (
        proxy,
        vec(resolve, 0..3).boxed(),
        option::of("/[a-z ]{1,9}\\.pem"),
        any::<bool>(),
        option::of(("/[a-z]{1,9}", option::of(word()))),
    )
        .prop_map(|(proxy, resolve, ca_file, insecure, client)| Network {
            proxy,
            resolve,
            ca_file: ca_file.map(Into::into),
            insecure,
            client_cert: client.as_ref().map(|(path, _)| path.into()),
            client_key: client.and_then(|(_, key)| key).map(Setting::Secret),
        })
}

fn rest() -> impl Strategy<Value = (Reconnect, Objective, Alert)> {
    let way = prop_oneof![
        Just(Notify::Desktop),
        web_url().boxed().prop_map(Notify::Webhook),
        "/[a-z ]{0,5}[a-z]".prop_map(|path| Notify::Command(path.into())),
    ];
    (
        (any::<u32>(), millis(1, 10_000), millis(1, 100_000), 0.0..=1.0, any::<bool>()),
        (0.0..=1.0, millis(1, 100_000), (1..86_400_u64).prop_map(Duration::from_secs)),
        (1..1000_u32, vec(way, 0..3).boxed(), millis(0, 1_000_000)),
    )
        .prop_map(
            |((attempts, delay, delay_max, jitter, fallback), (success, latency, window), (after, notify, again))| {
                (
                    Reconnect { attempts, delay, delay_max, jitter, fallback },
                    Objective { success, latency, window },
                    Alert { after, notify, again },
                )
            },
        )
}

/// Any legal profile, half of each section's time the default.
fn profile() -> impl Strategy<Value = Profile> {
    let head = || {
        (
            "[^\\pC\\pZ]([^\\pC]{0,18}[^\\pC\\pZ])?",
            web_url().boxed(),
            option::of(web_url().boxed()),
            proptest::sample::select(Browser::ALL.to_vec()),
            vec("[A-Z0-9]([a-zé/._-]{0,4}[a-z])?( [a-z]{1,3})?", 0..3),
            vec(text(), 0..3),
            option::of(word()),
            option::of(text()),
            any::<bool>(),
            (millis(100, 1_000_000), millis(1, 60_000), millis(0, 60_000)),
        )
    };
    proptest::sample::select(Kind::ALL.to_vec())
        .prop_flat_map(move |kind| {
            (
                head().boxed(),
                option::of(request(kind).boxed()).boxed(),
                option::of(websocket().boxed()).boxed(),
                option::of(socketio().boxed()).boxed(),
                auth().boxed(),
                option::of(rest().boxed()).boxed(),
                option::of(network().boxed()).boxed(),
            )
                .prop_map(move |(head, request, websocket, socketio, auth, rest, network)| {
                    let (name, mut url, page, browser, group, tags, stack, notes, enabled, times) = head;
                    if kind == Kind::WebSocket {
                        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
                        url.set_scheme(scheme).unwrap();
                    }
                    let (reconnect, objective, alert) = rest.unwrap_or_default();
                    Profile {
                        name,
                        kind,
                        url,
                        page,
                        browser,
                        group,
                        tags,
                        stack,
                        notes: notes.unwrap_or_default(),
                        enabled,
                        interval: times.0,
                        timeout: times.1,
                        observe: times.2,
                        request: request.unwrap_or_default(),
                        websocket: websocket.unwrap_or_default(),
                        socketio: socketio.unwrap_or_default(),
                        auth,
                        reconnect,
                        objective,
                        alert,
                        network: network.unwrap_or_default(),
                    }
                })
                .boxed()
        })
        .boxed()
}

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
