//! The lab's Socket.IO servers asked by hand, packet by packet, as the two protocols' texts write them.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::lab::tests::{Socket, ask, open};
use crate::lab::{Heard, Lab, Options, What, query};
use crate::profile::Profile;

/// A client of one server: the polling transport by hand.
struct Client {
    lab: Lab,
    profile: Profile,
    revision: u8,
    sid: String,
}

impl Client {
    async fn new(script: &str) -> Self {
        let lab = Lab::start(Options::default()).await.unwrap();
        let profile = lab.socketio(script);
        Self { lab, profile, revision: 4, sid: String::new() }
    }

    fn target(&self, transport: &str) -> String {
        let sid = if self.sid.is_empty() { String::new() } else { format!("&sid={}", self.sid) };
        let path = self.lab.http_url(&self.profile.socketio.path);
        format!("{}?EIO={}&transport={transport}{sid}", path.path(), self.revision)
    }

    /// Status line, and what comes after the head.
    async fn poll(&self, post: Option<&str>) -> (String, String) {
        let method = if post.is_some() { "POST" } else { "GET" };
        let answer = ask(&self.lab, method, &self.target("polling"), post.unwrap_or_default()).await;
        let (head, body) = answer.split_once("\n\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    /// Opens a session, and hands back its open packet.
    async fn open(&mut self) -> Value {
        let (status, body) = self.poll(None).await;
        assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
        let open: Value = serde_json::from_str(&body[body.find('{').unwrap()..]).unwrap();
        self.sid = open["sid"].as_str().unwrap().to_owned();
        open
    }

    /// Sends packets and polls until one that ends so has come.
    async fn say(&self, packets: &str, until: &str) -> String {
        assert_eq!(self.poll(Some(packets)).await.1, "ok");
        let mut got = String::new();
        while !got.contains(until) {
            got += &self.poll(None).await.1;
        }
        got
    }

    async fn socket(&self) -> (String, Socket) {
        open(&self.lab, &self.target("websocket"), "").await
    }

    fn heard(&self) -> Vec<Heard> {
        self.lab.heard(&self.profile.socketio.path)
    }
}

/// The next message that is no ping, as text; pings are answered.
async fn next(socket: &mut Socket) -> String {
    loop {
        let text = socket.next().await.expect("closed").unwrap().into_text().unwrap();
        if text != "2" {
            return text.to_string();
        }
        send(socket, "3").await;
    }
}

async fn send(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
}

/// Says these over a WebSocket alone, and checks that what comes holds these, in order.
async fn talk(script: &str, says: &[&str], expected: &[&str]) {
    let client = Client::new(script).await;
    let (head, mut socket) = client.socket().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let mut left = says.iter();
    for wanted in expected {
        loop {
            let got = next(&mut socket).await;
            if got.contains(wanted) {
                break;
            }
            assert!(!got.starts_with("41"), "no {wanted}");
        }
        if let Some(text) = left.next() {
            send(&mut socket, text).await;
        }
    }
}

#[tokio::test]
async fn a_session_is_opened_by_polling_and_goes_on_over_the_websocket() {
    let mut client = Client::new("io-ping=9s&io-timeout=5s&io-payload=4k").await;
    let open = client.open().await;
    assert_eq!(open["upgrades"], json!(["websocket"]));
    assert_eq!([&open["pingInterval"], &open["pingTimeout"], &open["maxPayload"]], [9000, 5000, 4096]);
    let joined = client.say("40{\"token\":\"x\"}", "welcome").await;
    assert!(joined.contains("40{\"sid\":\""), "{joined}");
    let (_, mut socket) = client.socket().await;
    send(&mut socket, "2probe").await;
    assert_eq!(next(&mut socket).await, "3probe");
    send(&mut socket, "5").await;
    send(&mut socket, "421[\"echo\",{\"a\":1}]").await;
    assert_eq!(next(&mut socket).await, "42[\"echo\",{\"a\":1}]");
    assert_eq!(next(&mut socket).await, "431[{\"a\":1}]");
    let wanted = [(What::Joined, json!({ "token": "x" })), (What::Event("echo".into()), json!({ "a": 1 }))];
    assert_eq!(client.heard().into_iter().map(|heard| (heard.what, heard.data)).collect::<Vec<_>>(), wanted);
}

#[tokio::test]
async fn revision_3_is_spoken_to_those_who_ask_for_it_and_to_all_by_order() {
    let mut client = Client::new("").await;
    client.revision = 3;
    let (_, body) = client.poll(None).await;
    assert!(body.split_once(":0{\"sid\":").is_some_and(|(length, _)| length.parse::<u32>().is_ok()), "{body}");
    let client = Client::new("io-revision=3").await;
    assert!(client.poll(None).await.1.contains(":0{\"sid\":"));
    let mut client = Client::new("io-revision=4").await;
    client.revision = 3;
    let refused = ("HTTP/1.1 400 Bad Request".into(), r#"{"code":5,"message":"Unsupported protocol version"}"#.into());
    assert_eq!(client.poll(None).await, refused);
}

#[tokio::test]
async fn the_admin_namespace_wants_its_token() {
    let refused = "44/admin,{\"message\":\"admin only: the token is missing or wrong\"}";
    talk("", &["40", "40/admin,{\"token\":\"guess\"}"], &["0{", "40{", refused]).await;
    talk("", &["40/admin,{\"token\":\"letmein\"}"], &["0{", "40/admin,{\"sid\":"]).await;
    talk("io-token=x", &["40/admin,{\"token\":\"x\"}"], &["0{", "40/admin,{\"sid\":"]).await;
    talk("", &["40/nowhere,"], &["0{", "44/nowhere,{\"message\":\"Invalid namespace\"}"]).await;
    talk("io-limit=1/1h", &["40", "40/admin,"], &["0{", "40{", "44/admin,{\"message\":\"Rate limit exceeded\"}"]).await;
    talk("io-session", &["40"], &["0{", "44{\"message\":\"authentication required\"}"]).await;
}

#[tokio::test]
async fn events_go_both_ways() {
    talk("", &["40", "42[\"shout\",\"hi\"]"], &["0{", "welcome", "42[\"shout\",\"hi\"]"]).await;
    talk("", &["40", "42[\"ask\",7]", "431[8]"], &["0{", "welcome", "421[\"question\",7]", "42[\"answered\",8]"]).await;
    talk("", &["40", "42[\"flood\",500]"], &["0{", "welcome", "\"n\":500"]).await;
    talk("", &["40", "42[\"bye\",null]"], &["0{", "welcome", "41"]).await;
    talk("io-tick=20ms", &["40"], &["0{", "42[\"tick\",{\"n\":", "42[\"tick\",{\"n\":"]).await;
    talk("io-bye=20ms", &["40"], &["0{", "41"]).await;
}

#[tokio::test]
async fn bytes_come_back_as_bytes() {
    let client = Client::new("").await;
    let (_, mut socket) = client.socket().await;
    send(&mut socket, "40").await;
    while !next(&mut socket).await.contains("welcome") {}
    send(&mut socket, "451-[\"binary\",{\"_placeholder\":true,\"num\":0}]").await;
    socket.send(Message::binary(vec![1, 2, 255])).await.unwrap();
    while next(&mut socket).await != "451-[\"binary\",{\"_placeholder\":true,\"num\":0}]" {}
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::binary(vec![1, 2, 255]));
    send(&mut socket, "42[\"bytes\",2]").await;
    assert_eq!(next(&mut socket).await, "451-[\"bytes\",{\"_placeholder\":true,\"num\":0}]");
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::binary(vec![42, 42]));
}

#[tokio::test]
async fn the_upgrade_is_withheld_or_refused_to_order() {
    let mut client = Client::new("io-transports=polling").await;
    assert_eq!(client.open().await["upgrades"], json!([]));
    assert!(client.socket().await.0.starts_with("HTTP/1.1 400 "));
    let mut client = Client::new("io-refuse").await;
    assert_eq!(client.open().await["upgrades"], json!(["websocket"]));
    assert!(client.socket().await.0.starts_with("HTTP/1.1 400 "));
    assert_eq!(
        Client::new("io-transports=websocket").await.poll(None).await.1,
        r#"{"code":0,"message":"Transport unknown"}"#
    );
    // The polling is real, the WebSocket the script's.
    let mut client = Client::new("do=await&do=text:3nope").await;
    client.open().await;
    let (_, mut socket) = client.socket().await;
    send(&mut socket, "2probe").await;
    assert_eq!(next(&mut socket).await, "3nope");
}

#[tokio::test]
async fn a_session_id_is_forgotten_to_order() {
    let mut client = Client::new("io-forget=2").await;
    client.open().await;
    assert_eq!(client.poll(Some("40")).await.1, "ok");
    let unknown = ("HTTP/1.1 400 Bad Request".to_owned(), r#"{"code":1,"message":"Session ID unknown"}"#.to_owned());
    assert_eq!(client.poll(None).await, unknown);
    let mut client = Client::new("").await;
    client.open().await;
    client.lab.restart_socketio(&client.profile.socketio.path);
    assert_eq!(client.poll(None).await, unknown);
    assert!(client.socket().await.0.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn a_restart_cuts_what_is_open() {
    let client = Client::new("").await;
    let (_, mut socket) = client.socket().await;
    assert!(next(&mut socket).await.starts_with("0{"));
    client.lab.restart_socketio(&client.profile.socketio.path);
    // Its ping may have been on the way.
    while matches!(socket.next().await, Some(Ok(_))) {}
    assert_eq!(client.heard(), []);
}

#[tokio::test]
async fn polls_are_scripted_one_by_one() {
    let script = query([("poll", "0{\"sid\":\"s\"}"), ("poll", "40{\"sid\":\"t\"}"), ("poll", "42[")]);
    let mut client = Client::new(&script).await;
    client.open().await;
    assert_eq!(client.poll(Some("40")).await.1, "ok");
    assert_eq!(client.poll(None).await.1, "40{\"sid\":\"t\"}");
    assert_eq!(client.poll(None).await.1, "42[");
}

#[tokio::test]
async fn the_limits_are_for_those_who_open_a_session() {
    let mut client = Client::new("limit=1/1h&allow=any").await;
    client.open().await;
    assert_eq!(client.poll(Some("40")).await.1, "ok");
    client.sid.clear();
    let (status, _) = client.poll(None).await;
    assert_eq!(status, "HTTP/1.1 429 Too Many Requests");
}

#[tokio::test]
async fn the_list_of_origins_is_kept_as_by_any_path() {
    let script = "allow=http://a&h=X-Lab: yes";
    let client = Client::new(script).await;
    let answer = ask(&client.lab, "GET", &client.target("polling"), "").await;
    assert!(
        answer.contains("\nAccess-Control-Allow-Origin: http://a\n") && answer.contains("\nX-Lab: yes\n"),
        "{answer}"
    );
    let (head, _) = open(&client.lab, &client.target("websocket"), "Origin: http://b\r\n").await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
}
