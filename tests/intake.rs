//! What people paste, and the profile that comes of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use wirewatch::browser::Browser;
use wirewatch::profile::intake::{Draft, Missing, read};
use wirewatch::profile::{self, Auth, Setting};

/// The first draft: profile as its file would have it, then what is missing, then the secrets' names.
#[track_caller]
fn one(text: &str) -> (Draft, String) {
    let mut intake = read(text, None);
    assert_eq!(intake.drafts.len(), 1, "{:?}", intake.problems);
    let draft = intake.drafts.remove(0);
    profile::check(&draft.profile).unwrap_or_else(|problems| panic!("{problems:?}"));
    let written = profile::write(&draft.profile);
    for (name, value) in &draft.secrets {
        assert!(draft.profile.secret_names().contains(name), "{name} is not the profile's\n{written}");
        assert!(value.expose().len() < 4 || !written.contains(value.expose()), "a secret stands in\n{written}");
    }
    (draft, written)
}

/// Each of these stands in the profile's file.
#[track_caller]
fn check(text: &str, expected: &[&str]) -> Draft {
    let (draft, written) = one(text);
    for line in expected {
        assert!(written.lines().any(|known| known.trim() == *line), "no {line}\n{written}");
    }
    draft
}

const CHROME_CURL: &str = r#"curl 'https://api.example.com/carts?id=7' \
  -X 'PUT' \
  -H 'accept: application/json' \
  -H 'accept-language: en-GB,en;q=0.9' \
  -H 'authorization: Bearer eyJhbGciOiJIUzI1NiJ9.canary' \
  -H 'content-type: application/json' \
  -b 'theme=dark' \
  -H 'origin: https://shop.example.com' \
  -H 'priority: u=1, i' \
  -H 'referer: https://shop.example.com/basket?x=1' \
  -H 'sec-ch-ua: "Chromium";v="156"' \
  -H 'sec-fetch-mode: cors' \
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36' \
  --data-raw '{"items":[1,2]}' \
  --compressed"#;

#[test]
fn a_command_that_chrome_copies_becomes_what_its_page_asked() {
    let draft = check(
        CHROME_CURL,
        &[
            "url = \"https://api.example.com/carts?id=7\"",
            "page = \"https://shop.example.com/basket?x=1\"",
            "method = \"PUT\"",
            "credentials = \"include\"",
            "cookie = { secret = \"api.example.com-cookie\" }",
        ],
    );
    assert_eq!(draft.browser, Some(Browser::Chrome));
    let headers: Vec<&str> = draft.profile.request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(headers, ["accept", "authorization", "content-type"]);
    let names: Vec<&str> = draft.secrets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["api.example.com-cookie", "api.example.com-authorization"]);
    assert_eq!(draft.missing, []);
}

#[test]
fn the_same_command_for_windows_becomes_the_same() {
    let cmd = "curl ^\"https://api.example.com/carts?id=7^\" ^\r\n  -H ^\"origin: https://shop.example.com^\" ^\r\n  -H ^\"content-type: application/json^\" ^\r\n  --data-raw ^\"^{^\\^\"items^\\^\":^[1,2^]^}^\"";
    let draft = check(cmd, &["url = \"https://api.example.com/carts?id=7\"", "method = \"POST\""]);
    assert_eq!(draft.profile.request.body, Some(Setting::Plain("{\"items\":[1,2]}".into())));
}

#[test]
fn a_command_without_a_page_asks_for_it() {
    let draft = check(
        "curl -sSk -u ops:canary-9 --resolve api.test:443:10.0.0.7 -m 5 https://api.test/health",
        &["insecure = true", "resolve = [\"api.test:443:10.0.0.7\"]", "timeout = \"5s\""],
    );
    assert_eq!(draft.missing, [Missing::Page]);
    assert_eq!(draft.secrets.len(), 1);
}

#[test]
fn tools_for_sockets_are_read_too() {
    let draft = check(
        "websocat -H='X-Tenant: a' --origin https://app.test --protocol 'v1, v2' 'wss://api.test/ws?token=canary-1'",
        &[
            "kind = \"websocket\"",
            "url = \"wss://api.test/ws\"",
            "page = \"https://app.test/\"",
            "protocols = [\"v1\", \"v2\"]",
            "query = { token = { secret = \"api.test-token\" } }",
        ],
    );
    assert_eq!(draft.missing, []);
    check(
        "wscat -c api.test:8080/ws -o http://localhost:3000 -x '{\"type\":\"hello\"}'",
        &["url = \"ws://api.test:8080/ws\""],
    );
}

#[test]
fn an_upgrade_by_hand_becomes_a_socket_and_its_wrong_key_is_flagged() {
    let text = "curl -i -N -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Key: test' -H 'Origin: https://app.test' https://api.test/ws";
    let intake = read(text, None);
    assert_eq!(intake.drafts[0].profile.url.as_str(), "wss://api.test/ws");
    assert!(intake.problems[0].message.contains("Sec-WebSocket-Key"), "{:?}", intake.problems);
    check(
        "curl -i -H 'Upgrade: websocket' -H 'Origin: https://app.test' 'https://api.test/socket.io/?EIO=4&transport=websocket'",
        &[
            "kind = \"socketio\"",
            "url = \"https://api.test/\"",
            "protocol = 4",
            "transports = [\"websocket\", \"polling\"]",
        ],
    );
}

#[test]
fn a_value_that_was_taken_out_is_asked_for() {
    let draft = check("curl -H 'Authorization: Bearer <token>' -e https://app.test/ https://api.test/me", &[]);
    assert!(matches!(&draft.profile.auth, Auth::Bearer(setting) if setting.secret_name() == Some("api.test-token")));
    assert!(matches!(draft.missing.as_slice(), [Missing::Secret { name, .. }] if name == "api.test-token"));
    assert!(draft.secrets.is_empty());
}

#[test]
fn a_fetch_is_read_as_devtools_copy_it() {
    let draft = check(
        r#"await fetch("https://api.test/me", {
  "headers": { "accept": "*/*", "x-csrf-token": "canary-2", "x-tenant": "a" },
  "referrer": "https://app.test/home",
  "body": null, "method": "DELETE", "mode": "cors", "credentials": "include"
});"#,
        &["method = \"DELETE\"", "page = \"https://app.test/home\"", "credentials = \"include\""],
    );
    let names: Vec<&str> = draft.secrets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["api.test-x-csrf-token"]);
}

#[test]
fn a_scripts_sockets_are_read_with_their_options() {
    check(
        "const ws = new WebSocket('wss://api.test/ws', ['v1']);\nws.onopen = () => ws.send(JSON.stringify({type: 'hello'}));",
        &["protocols = [\"v1\"]", "send = ['{\"type\":\"hello\"}']"],
    );
    let draft = check(
        "const socket = io('https://api.test/admin', { path: '/realtime', transports: ['websocket'], auth: { token: getToken(), room: 7 }, reconnectionDelayMax: 9000 });",
        &[
            "kind = \"socketio\"",
            "url = \"https://api.test/\"",
            "path = \"/realtime/\"",
            "transports = [\"websocket\"]",
            "namespaces = [\"/admin\"]",
            "delay_max = \"9s\"",
        ],
    );
    assert!(
        matches!(&draft.missing[1], Missing::Secret { name, .. } if name == "api.test-token"),
        "{:?}",
        draft.missing
    );
}

#[test]
fn an_xhr_is_read_to_its_end() {
    check(
        "xhr.open('POST', 'https://api.test/x');\nxhr.setRequestHeader('X-A', '1');\nxhr.withCredentials = true;\nxhr.send('a=1');",
        &["method = \"POST\"", "headers = { X-A = \"1\" }", "credentials = \"include\"", "body = \"a=1\""],
    );
}

#[test]
fn console_lines_become_what_failed_for_which_page() {
    let draft = check(
        "Access to fetch at 'https://api.test/x' from origin 'https://app.test' has been blocked by CORS policy: Method PUT is not \
         allowed by Access-Control-Allow-Methods in preflight response.",
        &["url = \"https://api.test/x\"", "page = \"https://app.test/\"", "method = \"PUT\""],
    );
    assert_eq!((draft.browser, draft.missing.as_slice()), (Some(Browser::Chrome), &[][..]));
}

#[test]
fn lines_that_tell_of_one_failure_become_one_draft() {
    let draft = check(
        "Origin http://localhost:3000 is not allowed by Access-Control-Allow-Origin. Status code: 502\nFetch API cannot load \
         http://localhost:5000/api due to access control checks.",
        &["browser = \"safari\"", "url = \"http://localhost:5000/api\"", "page = \"http://localhost:3000/\""],
    );
    assert_eq!((draft.seen.status, draft.seen.console.len()), (Some(502), 2));
    let twice = "Firefox can’t establish a connection to the server at wss://a.test/ws.\n".repeat(3);
    let draft = check(&twice, &["kind = \"websocket\"", "browser = \"firefox\""]);
    assert_eq!((draft.seen.times, draft.missing.as_slice()), (3, &[Missing::Page][..]));
}

#[test]
fn an_address_alone_is_enough_for_a_draft() {
    check("wss://api.test/ws", &["kind = \"websocket\""]);
    check(
        "http://localhost:5000/socket.io/?EIO=4&transport=polling&t=x1",
        &["kind = \"socketio\"", "url = \"http://localhost:5000/\""],
    );
}

#[test]
fn what_is_nothing_is_said_to_be_nothing() {
    for text in ["", "hello", "curl", "curl 'https://a.test", "fetch()", "Failed to load resource: net::ERR_FAILED"] {
        let intake = read(text, None);
        assert!(intake.drafts.is_empty() && !intake.problems.is_empty(), "{text}: {intake:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics_and_every_profile_can_be_written(
        text in "(curl|-H|'|\"|:| |fetch\\(|https://a.test/|\\{|\\}|token=x|WebSocket connection to|Origin |-X|io\\(|,|\\PC){0,40}",
    ) {
        for draft in read(&text, None).drafts {
            proptest::prop_assert!(profile::check(&draft.profile).is_ok(), "{}", profile::write(&draft.profile));
        }
    }
}

const HAR: &str = r#"{"log":{"version":"1.2","creator":{"name":"WebInspector","version":"537.36"},
"pages":[{"id":"page_1","title":"https://app.test/home?x=1","startedDateTime":"2026-11-21T10:00:00Z"}],
"entries":[
 {"_resourceType":"document","startedDateTime":"2026-11-21T10:00:00Z","time":12,"request":{"method":"GET","url":"https://app.test/home","headers":[]},"response":{"status":200,"headers":[],"content":{}}},
 {"_resourceType":"fetch","pageref":"page_1","startedDateTime":"2026-11-21T10:00:01Z","time":31.5,
  "request":{"method":"POST","url":"https://api.test/login","headers":[{"name":":authority","value":"api.test"},{"name":"Origin","value":"https://app.test"},{"name":"Content-Type","value":"application/json"},{"name":"User-Agent","value":"Mozilla/5.0 Chrome/156.0 Safari/537.36"}],"postData":{"mimeType":"application/json","text":"{\"user\":\"ops\",\"password\":\"canary-3\"}"}},
  "response":{"status":0,"headers":[],"content":{"size":0},"_error":"net::ERR_FAILED"}},
 {"_resourceType":"preflight","request":{"method":"OPTIONS","url":"https://api.test/login","headers":[]},"response":{"status":204,"headers":[],"content":{}}},
 {"_resourceType":"websocket","pageref":"page_1","request":{"method":"GET","url":"wss://api.test/ws?token=canary-4","headers":[{"name":"Upgrade","value":"websocket"},{"name":"Origin","value":"https://app.test"},{"name":"Sec-WebSocket-Protocol","value":"v1"}]},"response":{"status":101,"headers":[],"content":{}},
  "_webSocketMessages":[{"type":"send","time":1.5,"opcode":1,"data":"{\"type\":\"hello\"}"},{"type":"receive","time":1.6,"opcode":1,"data":"{\"type\":\"welcome\"}"},{"type":"receive","time":1.7,"opcode":2,"data":"AQI="}]},
 {"_resourceType":"websocket","request":{"method":"GET","url":"wss://io.test/socket.io/?EIO=4&transport=websocket&sid=abc","headers":[{"name":"Origin","value":"https://app.test"}]},"response":{"status":101,"headers":[],"content":{}},
  "_webSocketMessages":[{"type":"send","opcode":1,"data":"2probe"},{"type":"send","opcode":1,"data":"40/admin,{\"token\":\"canary-5\",\"room\":7}"}]},
 {"_resourceType":"xhr","request":{"method":"GET","url":"https://io.test/socket.io/?EIO=4&transport=polling&t=x1","headers":[{"name":"Origin","value":"https://app.test"}]},"response":{"status":200,"headers":[],"content":{}}}
]}}"#;

#[test]
fn a_har_gives_each_request_of_a_script_with_what_came_of_it() {
    let intake = read(HAR, None);
    let names: Vec<&str> = intake.drafts.iter().map(|draft| draft.profile.name.as_str()).collect();
    assert_eq!(names, ["POST api.test/login", "api.test/ws", "io.test Socket.IO"], "{:?}", intake.problems);
    for draft in &intake.drafts {
        let written = profile::write(&draft.profile);
        assert!(!written.contains("canary"), "{written}");
        assert_eq!(draft.profile.page.as_ref().unwrap().origin().ascii_serialization(), "https://app.test");
    }
    let [login, socket, io] = intake.drafts.as_slice() else { panic!("three") };
    assert_eq!((login.seen.error.as_deref(), login.browser), (Some("net::ERR_FAILED"), Some(Browser::Chrome)));
    assert_eq!(login.profile.page.as_ref().unwrap().as_str(), "https://app.test/home?x=1");
    assert_eq!(socket.profile.websocket.send, [Setting::Plain("{\"type\":\"hello\"}".into())]);
    assert_eq!((socket.seen.status, socket.seen.messages.len()), (Some(101), 3));
    assert_eq!(io.profile.socketio.namespaces, ["/admin"]);
    assert_eq!(io.profile.secret_names(), ["io.test-token"]);
    assert_eq!(intake.skipped.len(), 2);
}

#[test]
fn a_har_that_breaks_off_gives_what_was_whole_and_says_where_it_ended() {
    let end = HAR.find("_webSocketMessages").unwrap();
    let intake = read(&HAR[..end], Some(profile::intake::Form::Har));
    assert_eq!(intake.drafts.len(), 1);
    let said = intake.problems[0].to_string();
    assert!(said.contains("breaks off after 3 whole entries, at about byte"), "{said}");
}

#[test]
fn hostile_nesting_is_refused_with_the_place() {
    let text = format!("{}{}", r#"{"log":{"entries":[{"request":{"url":"https://a.test/"},"x":"#, "[".repeat(1 << 20));
    let intake = read(&text, Some(profile::intake::Form::Har));
    assert!(intake.problems[0].message.contains("nests too deep after 0 whole entries"), "{:?}", intake.problems);
    let intake = read(&format!("{{\"info\":{{\"_postman_id\":1}},\"item\":{}", "[".repeat(100_000)), None);
    assert!(intake.problems[0].message.contains("no JSON"), "{:?}", intake.problems);
}

#[test]
fn a_collection_gives_its_requests_with_folders_variables_and_auth() {
    let text = r#"{"info":{"_postman_id":"1","name":"Shop","schema":"https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
      "variable":[{"key":"base","value":"https://{{host}}"},{"key":"host","value":"api.test"}],
      "auth":{"type":"bearer","bearer":[{"key":"token","value":"{{jwt}}"}]},
      "item":[{"name":"Carts","item":[
        {"name":"Add to cart","request":{"method":"POST","url":{"raw":"{{base}}/carts/:id?x=1","variable":[{"key":"id","value":"7"}]},
         "header":[{"key":"X-A","value":"1"},{"key":"X-B","value":"2","disabled":true}],
         "body":{"mode":"raw","raw":"{\"n\":1}","options":{"raw":{"language":"json"}}}}},
        {"name":"Open","request":{"auth":{"type":"noauth"},"method":"GET","url":"{{base}}/open"}},
        {"name":"Lost","request":{"method":"GET","url":"{{nowhere}}/x"}}]}]}"#;
    let intake = read(text, None);
    assert_eq!(intake.drafts.len(), 2, "{:?}", intake.problems);
    let [add, open] = intake.drafts.as_slice() else { panic!("two") };
    let written = profile::write(&add.profile);
    for line in [
        "name = \"Add to cart\"",
        "url = \"https://api.test/carts/7?x=1\"",
        "group = \"Shop / Carts\"",
        "body = '{\"n\":1}'",
    ] {
        assert!(written.lines().any(|known| known == line), "no {line}\n{written}");
    }
    assert!(
        add.missing.iter().any(|missing| matches!(missing, Missing::Secret { name, .. } if name == "api.test-token"))
    );
    assert_eq!(open.profile.auth, Auth::None);
    assert!(intake.problems[0].message.contains("variable"), "{:?}", intake.problems);
}
