//! The part of a script for Socket.IO: the keys that begin with `io-`, and `poll`.

use std::time::Duration;

use super::{BadScript, parse_duration, parse_limit, parse_size};

/// How the Socket.IO server of a path behaves.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Io {
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    pub max_payload: u64,
    /// Without it polling is refused.
    pub polling: bool,
    /// Without it the WebSocket is refused, and `upgrades` is empty.
    pub websocket: bool,
    /// Every WebSocket handshake is answered 400, though it is offered.
    pub refuse_websocket: bool,
    /// The one Engine.IO revision that it speaks; `None`: the client's.
    pub revision: Option<u8>,
    /// Each so many-th request with a session id is told that the id is unknown.
    pub forget: Option<u64>,
    /// What `/admin` wants as `token`.
    pub token: String,
    /// Namespaces are refused to those who have not been to `/login`.
    pub session: bool,
    /// So many namespaces joined in so long.
    pub limit: Option<(u32, Duration)>,
    pub tick: Option<Duration>,
    /// The server leaves each namespace so long after it was joined.
    pub bye: Option<Duration>,
    /// What the script says in the server's place holds for the first session only.
    pub once: bool,
    /// What each poll brings, in place of the real server's packets.
    pub polls: Vec<Vec<u8>>,
}

impl Default for Io {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            max_payload: 1_000_000,
            polling: true,
            websocket: true,
            refuse_websocket: false,
            revision: None,
            forget: None,
            token: "letmein".to_owned(),
            session: false,
            limit: None,
            tick: None,
            bye: None,
            once: false,
            polls: Vec::new(),
        }
    }
}

impl Io {
    /// Reads a key that begins with `io-` or is `poll`; `Ok(false)`: there is no such key.
    pub fn read(&mut self, key: &str, bytes: &[u8]) -> Result<bool, BadScript> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let bad = |wanted| BadScript::Value { key: key.to_owned(), value: text.clone(), wanted };
        let time = || {
            let time = parse_duration(&text).filter(|time| !time.is_zero());
            time.ok_or_else(|| bad("a duration such as 250ms or 2s"))
        };
        match key {
            "io-ping" => self.ping_interval = time()?,
            "io-timeout" => self.ping_timeout = time()?,
            "io-payload" => self.max_payload = parse_size(&text).ok_or_else(|| bad("a size such as 64k"))?,
            "io-transports" => {
                (self.polling, self.websocket) = match &*text {
                    "polling" => (true, false),
                    "websocket" => (false, true),
                    _ => return Err(bad("polling or websocket")),
                }
            }
            "io-refuse" => self.refuse_websocket = true,
            "io-revision" => {
                let revision = text.parse().ok().filter(|revision| [3, 4].contains(revision));
                self.revision = Some(revision.ok_or_else(|| bad("3 or 4"))?);
            }
            "io-forget" => {
                let every = text.parse().ok().filter(|every| 0 < *every);
                self.forget = Some(every.ok_or_else(|| bad("a whole number from 1"))?);
            }
            "io-token" => self.token = text,
            "io-session" => self.session = true,
            "io-limit" => self.limit = Some(parse_limit(&text).ok_or_else(|| bad("a limit such as 5/10s"))?),
            "io-tick" => self.tick = Some(time()?),
            "io-bye" => self.bye = Some(time()?),
            "io-once" => self.once = true,
            "poll" => self.polls.push(bytes.to_vec()),
            _ => return Ok(false),
        }
        Ok(true)
    }
}
