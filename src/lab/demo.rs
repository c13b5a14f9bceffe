//! The demo's profiles: a shop in production and in staging, and its partners, which between them show each of the eight
//! states within a minute and keep every plot moving.
//!
//! They stand on ordinary paths of the lab (`/api/products`), so that the window looks as it does in real life; each row
//! has the script behind its path.

use std::time::Duration;

use url::Url;

use super::{Lab, Port};
use crate::profile::{AnswerRule, Kind, Profile, Setting};
use crate::watch::State;

/// One profile of the demo.
#[derive(Clone, Debug, PartialEq)]
pub struct Demo {
    pub profile: Profile,
    /// The state that it shows within a minute, and those that it passes through besides.
    pub expects: &'static [State],
}

const PRODUCTION: &str = "shop / production";
const STAGING: &str = "shop / staging";
const PARTNERS: &str = "partners";

struct Row {
    name: &'static str,
    group: &'static str,
    kind: Kind,
    port: Port,
    host: &'static str,
    path: &'static str,
    /// What the path does, in the lab's language.
    script: &'static str,
    expects: &'static [State],
    /// Whole seconds between two checks.
    interval: u64,
    notes: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        name: "Storefront API",
        group: PRODUCTION,
        kind: Kind::Http,
        port: Port::Plain,
        host: "api.shop.localhost",
        path: "/api/products",
        script: "allow=any&jitter=8ms..120ms&seed=1&h=Content-Type:+application/json&body=[{\"id\":1,\"name\":\"Kettle\"}]",
        expects: &[State::Connected],
        interval: 1,
        notes: "Healthy: jittery, and within its objective.",
    },
    Row {
        name: "Checkout",
        group: PRODUCTION,
        kind: Kind::Http,
        port: Port::Tls,
        host: "checkout.shop.localhost",
        path: "/api/checkout",
        script: "allow=any&jitter=30ms..260ms&seed=2&h=Content-Type:+application/json&body={\"total\":\"42.00\"}",
        expects: &[State::Connected],
        interval: 2,
        notes: "Healthy, over TLS and HTTP/2; the JSON POST makes a browser send a preflight first.",
    },
    Row {
        name: "Recommendations",
        group: PRODUCTION,
        kind: Kind::Http,
        port: Port::Plain,
        host: "api.shop.localhost",
        path: "/api/recommendations",
        script: "allow=any&jitter=150ms..1400ms&seed=3&h=Content-Type:+application/json&body=[]",
        expects: &[State::Connected],
        interval: 3,
        notes: "Answers, and is often slower than its objective of 500 ms.",
    },
    Row {
        name: "Search",
        group: PRODUCTION,
        kind: Kind::Http,
        port: Port::Plain,
        host: "api.shop.localhost",
        path: "/api/search",
        script: "allow=any&limit=6/20s&jitter=15ms..90ms&seed=4",
        expects: &[State::Connected, State::Error],
        interval: 2,
        notes: "Its limit is six requests in 20 seconds; beyond it 429, which the page can read.",
    },
    Row {
        name: "Live prices",
        group: PRODUCTION,
        kind: Kind::WebSocket,
        port: Port::Plain,
        host: "live.shop.localhost",
        path: "/ws/prices",
        script: "allow=any&every=1s:{\"type\":\"price\",\"sku\":\"kettle\",\"n\":{n}}",
        expects: &[State::Connected],
        interval: 5,
        notes: "A healthy WebSocket: a price each second, pings answered.",
    },
    Row {
        name: "Support chat",
        group: PRODUCTION,
        kind: Kind::WebSocket,
        port: Port::Plain,
        host: "live.shop.localhost",
        path: "/ws/chat/",
        script: "allow=any&do=text:{\"type\":\"welcome\"}&beat=3s&beat-pong=2s:4000",
        expects: &[State::Connected],
        interval: 5,
        notes: "Healthy: the server sends heartbeats as JSON, and the profile's `answers` answer them.",
    },
    Row {
        name: "Order updates",
        group: PRODUCTION,
        kind: Kind::WebSocket,
        port: Port::Plain,
        host: "live.shop.localhost",
        path: "/ws/orders",
        script: "allow=any&every=1s:{\"type\":\"order\",\"n\":{n}}&outage=10s/15s",
        expects: &[State::Reconnecting, State::Connecting, State::Connected],
        interval: 5,
        notes: "Drops every ten seconds and stays away for fifteen: reconnects with back-off.",
    },
    Row {
        name: "Warehouse feed",
        group: PRODUCTION,
        kind: Kind::WebSocket,
        port: Port::Plain,
        host: "warehouse.shop.localhost",
        path: "/ws/stock",
        script: "end=stall",
        expects: &[State::Connecting],
        interval: 5,
        notes: "Takes the handshake and never answers it.",
    },
    Row {
        name: "Back office",
        group: PRODUCTION,
        kind: Kind::Http,
        port: Port::Plain,
        host: "admin.shop.localhost",
        path: "/api/admin/orders",
        script: "allow=any&need=bearer:letmein&jitter=10ms..60ms&seed=5",
        expects: &[State::AuthRequired],
        interval: 4,
        notes: "401: no credentials are given.",
    },
    Row {
        name: "Storefront API, staging",
        group: STAGING,
        kind: Kind::Http,
        port: Port::Plain,
        host: "api.staging.shop.localhost",
        path: "/staging/api/products",
        script: "allow=https://staging.shop.example&jitter=10ms..90ms&seed=6",
        expects: &[State::CorsError],
        interval: 3,
        notes: "Answers 200 without Access-Control-Allow-Origin: the page's origin is not in the server's list.",
    },
    Row {
        name: "Support chat, staging",
        group: STAGING,
        kind: Kind::WebSocket,
        port: Port::Plain,
        host: "live.staging.shop.localhost",
        path: "/staging/ws/chat/",
        script: "allow=https://staging.shop.example",
        expects: &[State::CorsError],
        interval: 5,
        notes: "Refuses the handshake with 403: the page's origin is not in the server's list.",
    },
    Row {
        name: "Live prices, staging",
        group: STAGING,
        kind: Kind::WebSocket,
        port: Port::Expired,
        host: "live.staging.shop.localhost",
        path: "/staging/ws/prices",
        script: "allow=any",
        expects: &[State::Error],
        interval: 5,
        notes: "Its certificate expired in February 2024.",
    },
    Row {
        name: "Checkout, staging",
        group: STAGING,
        kind: Kind::Http,
        port: Port::Plain,
        host: "checkout.staging.shop.localhost",
        path: "/staging/api/checkout",
        script: "allow=any&status=502&bare-errors&jitter=5ms..40ms&seed=7",
        expects: &[State::CorsError],
        interval: 4,
        notes: "502 without the CORS headers that its successes have: the browser reports a CORS error.",
    },
    Row {
        name: "Courier tracking",
        group: PARTNERS,
        kind: Kind::WebSocket,
        port: Port::Plain,
        host: "courier.localhost",
        path: "/partners/track",
        script: "do=wait:150ms&do=close:1008:authentication+required",
        expects: &[State::AuthRequired, State::Connected],
        interval: 5,
        notes: "Accepts the connection, then closes it with 1008: its token is missing.",
    },
    Row {
        name: "Payments sandbox",
        group: PARTNERS,
        kind: Kind::WebSocket,
        port: Port::Refused,
        host: "127.0.0.1",
        path: "/events",
        script: "",
        expects: &[State::Suspended, State::Connecting, State::Reconnecting],
        interval: 5,
        notes: "Nothing listens; two attempts are allowed, then it is left alone.",
    },
    Row {
        name: "Loyalty programme",
        group: PARTNERS,
        kind: Kind::WebSocket,
        port: Port::Plain,
        host: "loyalty.localhost",
        path: "/partners/loyalty",
        script: "every=2s:{\"points\":{n}}",
        expects: &[State::Disconnected],
        interval: 5,
        notes: "Not asked to connect: the profile is disabled. Enable it and it connects.",
    },
    Row {
        name: "Dashboard",
        group: PRODUCTION,
        kind: Kind::SocketIo,
        port: Port::Plain,
        host: "events.shop.localhost",
        path: "/dashboard/socket.io/",
        script: "allow=any&io-tick=1s&io-ping=5s&io-timeout=4s",
        expects: &[State::Connected],
        interval: 5,
        notes: "A healthy Socket.IO session: polling, upgraded to WebSocket; an event each second, a heartbeat every five.",
    },
    Row {
        name: "Driver app",
        group: PRODUCTION,
        kind: Kind::SocketIo,
        port: Port::Plain,
        host: "events.shop.localhost",
        path: "/drivers/socket.io/",
        script: "allow=any&io-tick=2s&io-ping=5s&io-timeout=4s&io-refuse",
        expects: &[State::Connected],
        interval: 5,
        notes: "Works, and is stuck on polling: the upgrade's handshake is answered with 400, as behind a proxy that drops Upgrade.",
    },
    Row {
        name: "Dispatch desk",
        group: PRODUCTION,
        kind: Kind::SocketIo,
        port: Port::Plain,
        host: "events.shop.localhost",
        path: "/desk/socket.io/",
        script: "allow=any&io-tick=3s&io-ping=5s&io-timeout=4s",
        expects: &[State::AuthRequired],
        interval: 5,
        notes: "The namespace /admin is refused: its token is missing. The events of the other one flow all the same.",
    },
    Row {
        name: "Dashboard, staging",
        group: STAGING,
        kind: Kind::SocketIo,
        port: Port::Plain,
        host: "events.staging.shop.localhost",
        path: "/staging/dashboard/socket.io/",
        script: "allow=any&io-tick=1s&outage=12s/4s",
        expects: &[State::Reconnecting, State::Connecting, State::Connected],
        interval: 5,
        notes: "Goes down for four seconds every twelve: the session reconnects, and begins with polling again.",
    },
];

/// The demo's profiles, their URLs pointing at this lab.
pub fn demo(lab: &Lab) -> Vec<Demo> {
    ROWS.iter().map(|row| Demo { profile: row.profile(lab), expects: row.expects }).collect()
}

/// The script behind one of the demo's paths.
pub(super) fn query_of(path: &str) -> Option<&'static str> {
    ROWS.iter().find(|row| row.path == path).map(|row| row.script)
}

impl Row {
    fn profile(&self, lab: &Lab) -> Profile {
        let scheme = self.port.scheme(self.kind);
        let mut profile = Profile::new(self.name, self.kind, lab.named_url(self.port, scheme, self.host, self.path));
        let page = if self.port.speaks_tls() { "https://shop.localhost/" } else { "http://shop.localhost/" };
        profile.page = Url::parse(page).ok();
        profile.group = self.group.split(" / ").map(str::to_owned).collect();
        profile.tags = vec!["demo".to_owned()];
        profile.notes = self.notes.to_owned();
        profile.interval = Duration::from_secs(self.interval);
        profile.timeout = Duration::from_secs(4);
        profile.objective.window = Duration::from_secs(300);
        profile.websocket.ping = Some(Duration::from_secs(2));
        if self.port.speaks_tls() {
            profile.network.ca_file = lab.ca_file().map(ToOwned::to_owned);
        }
        if self.kind == Kind::SocketIo {
            profile.url.set_path("/");
            profile.socketio.path = self.path.to_owned();
        }
        match self.name {
            "Checkout" => {
                profile.request.method = "POST".to_owned();
                let json = Setting::Plain("application/json".into());
                profile.request.headers.push(("Content-Type".to_owned(), json));
                profile.request.body = Some(Setting::Plain(r#"{"cart":[1,2]}"#.into()));
            }
            "Support chat" => {
                let when = r#""type":\s*"ping""#.to_owned();
                let send = Setting::Plain(r#"{"type":"pong"}"#.into());
                profile.websocket.answers.push(AnswerRule { when, send });
            }
            // It stays in its first attempt for as long as anyone looks.
            "Warehouse feed" => profile.timeout = Duration::from_secs(3600),
            "Dispatch desk" => profile.socketio.namespaces.push("/admin".to_owned()),
            "Payments sandbox" => profile.reconnect.attempts = 2,
            "Loyalty programme" => profile.enabled = false,
            _ => {}
        }
        profile
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::Options;
    use super::super::script::parse;
    use super::*;

    #[test]
    fn each_of_the_eight_states_is_some_profiles_first() {
        let first: HashSet<State> = ROWS.iter().map(|row| row.expects[0]).collect();
        for state in State::ALL {
            assert!(first.contains(&state), "{}", state.code());
        }
    }

    #[test]
    fn every_path_has_one_script_and_it_can_be_read() {
        let paths: HashSet<_> = ROWS.iter().map(|row| row.path).collect();
        assert_eq!(paths.len(), ROWS.len());
        for row in ROWS {
            parse(row.script).unwrap_or_else(|error| panic!("{}: {error}", row.name));
        }
    }

    #[tokio::test]
    async fn the_profiles_point_at_the_lab_and_at_names_that_are_loopback() {
        let lab = super::super::Lab::start(Options::default()).await.unwrap();
        let ports: HashSet<u16> =
            [Port::Plain, Port::Tls, Port::Expired, Port::Refused].map(|p| lab.addr(p).port()).into();
        for Demo { profile, .. } in demo(&lab) {
            let host = profile.url.host_str().unwrap().to_owned();
            assert!(host.ends_with(".localhost") || host == "127.0.0.1", "{host}");
            assert!(ports.contains(&profile.url.port().unwrap()), "{}", profile.url);
            assert!(profile.secret_names().is_empty());
        }
        assert!(std::fs::read_to_string(lab.ca_file().unwrap()).unwrap().contains("BEGIN CERTIFICATE"));
    }
}
