//! Any legal profile, for the tests of what is written and read back.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use url::Url;

use crate::profile::model::*;

/// Any text that TOML can hold, with quotes, line ends, signs of comments and of other scripts.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}", "[\\PC\n\t]{1,20}", Just("a # b".to_owned()), Just("it's \"\"\" x \\ ''' y".to_owned())]
}

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9-]{0,8}"
}

fn setting() -> impl Strategy<Value = Setting> {
    prop_oneof![text().prop_map(|text| Setting::Plain(text.into())), word().prop_map(Setting::Secret)]
}

fn header_setting() -> impl Strategy<Value = Setting> {
    prop_oneof![
        "[!-~]([ -~]{0,9}[!-~])?".prop_map(|text| Setting::Plain(text.into())),
        word().prop_map(Setting::Secret)
    ]
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
    let cookie = "[a-z]{1,5}=[a-z0-9]{1,9}".prop_map(|text| Auth::Cookie(Setting::Plain(text.into())));
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
pub(super) fn profile() -> impl Strategy<Value = Profile> {
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
                option::of(millis(600_000, 100_000_000)).boxed(),
            )
                .prop_map(move |(head, request, websocket, socketio, auth, rest, network, audit)| {
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
                        audit: Audit { every: audit },
                        network: network.unwrap_or_default(),
                    }
                })
                .boxed()
        })
        .boxed()
}
