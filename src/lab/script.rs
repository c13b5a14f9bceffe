//! What a URL asks the lab to do: its query, read into a [`Script`]. The table of keys stands in [`super`].
//!
//! Invariant: an unknown key or a value that can't be read is an error that names it, so that a misspelt test fails.

use std::time::Duration;

use percent_encoding::percent_decode_str;

mod io;

pub(super) use io::Io;

/// Keys that applications put into their own URLs: they mean nothing here, and nor does a key that begins with `_`.
const FREE_KEYS: [&str; 10] = ["access_token", "b64", "EIO", "id", "jwt", "sid", "t", "token", "transport", "v"];

/// The largest number of steps that one script may have.
const MAX_STEPS: usize = 1000;

/// A query, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Script {
    pub status: Option<u16>,
    pub reason: Option<String>,
    pub http10: bool,
    /// Header lines as they go out, without their line ends.
    pub lines: Vec<Vec<u8>>,
    /// No header line but those of `lines`.
    pub bare: bool,
    /// The whole answer, byte for byte.
    pub raw: Option<Vec<u8>>,
    pub body: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub reflect: bool,
    pub framing: Framing,
    pub keep: Option<bool>,
    pub interim: Vec<u16>,
    pub interims: u64,
    /// A head of so many bytes, in lines of a kilobyte.
    pub head_size: u64,
    /// One header line of so many bytes.
    pub head_line: u64,
    pub wait: Duration,
    pub jitter: Option<(Duration, Duration)>,
    pub seed: u64,
    pub body_wait: Duration,
    pub head_drip: Duration,
    pub drip: Duration,
    pub end: Option<End>,
    pub to: Option<String>,
    pub hops: Option<u32>,
    pub options: Option<u16>,
    pub options_lines: Vec<Vec<u8>>,
    /// The origins that the server lets in; empty: it has no CORS configuration and takes any socket.
    pub allow: Vec<String>,
    pub bare_errors: bool,
    pub need: Option<Need>,
    pub limit: Option<(u32, Duration)>,
    pub fail_first: u32,
    /// Up for so long, then down for so long, again and again.
    pub outage: Option<(Duration, Duration)>,
    /// Under which name the stateful keys count; the path, where there is none.
    pub key: Option<String>,
    pub socket: Socket,
    pub io: Io,
}

/// How an answer's length is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Framing {
    /// `Content-Length`, and true.
    #[default]
    Honest,
    /// `Content-Length`, with this value.
    Claimed(u64),
    Chunked,
    /// Not at all: until the connection ends.
    UntilClose,
}

/// How an answer is cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub how: How,
    pub at: At,
}

/// What happens to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// FIN.
    Drop,
    /// RST.
    Reset,
    /// Nothing, until the peer goes.
    Stall,
}

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Start,
    MidHead,
    MidBody,
}

/// What a request has to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The cookie that `/login` sets.
    Session,
    Bearer(String),
    /// `name=value` in the query.
    Query(String, String),
    /// HTTP Basic, `user:password`.
    Basic(String),
}

/// The part for a WebSocket.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Socket {
    /// `ws=no`: the upgrade is answered like any GET.
    pub ignored: bool,
    pub upgrade: Line,
    pub connection: Line,
    pub accept: Line,
    pub protocol: Line,
    pub extensions: Option<String>,
    /// The parameters of the permessage-deflate that is agreed to.
    pub deflate: Option<String>,
    pub steps: Vec<Step>,
    /// At so long after opening.
    pub after: Vec<(Duration, Step)>,
    /// Once so many messages have come.
    pub messages: Option<(u32, Step)>,
    pub every: Vec<(Duration, String)>,
    /// Server-sent JSON heartbeats, how many of them at most, and the pong that they want.
    pub beat: Option<Duration>,
    pub beats: Option<u64>,
    pub beat_pong: Option<(Duration, u16)>,
    pub echo: bool,
    pub mute_pongs: bool,
    pub mute_closes: bool,
}

impl Socket {
    /// Whether it says what is to happen on an open WebSocket.
    pub fn plays(&self) -> bool {
        let timed = !self.after.is_empty() || !self.every.is_empty() || self.beat.is_some();
        timed || !self.steps.is_empty() || self.messages.is_some()
    }
}

/// A header line of the 101.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Line {
    /// As RFC 6455 wants it.
    #[default]
    Right,
    Absent,
    Literal(String),
}

/// One thing done on an open WebSocket.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// A close frame, then the end as RFC 6455 has it.
    Close(Option<(u16, String)>),
    /// Bytes as they are.
    Raw(Vec<u8>),
    /// A text message in two frames.
    Split(String),
    /// One text message of so many bytes.
    Big(u64),
    Bad(Bad),
    Wait(Duration),
    /// Until the peer's next message.
    Await,
    Drop,
    Reset,
    /// Says nothing more; what comes is read and thrown away.
    Stall,
    /// Neither reads nor writes any more.
    Deaf,
    /// An unfinished text message's first frame, and one more of its frames, of so many bytes.
    Part(u64),
    More(u64),
    /// From that step again (the first is 0).
    Loop(usize),
}

macro_rules! bads {
    ($($variant:ident $word:literal,)*) => {
        /// A violation of RFC 6455.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Bad { $($variant,)* }

        impl Bad {
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(super) fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

bads! {
    Opcode "opcode",
    Rsv "rsv",
    Masked "masked",
    Utf8 "utf8",
    FragmentedPing "fragmented-ping",
    LongPing "long-ping",
    Close1005 "close-1005",
    CloseShort "close-short",
    CloseUtf8 "close-utf8",
    LoneContinuation "lone-continuation",
    Interleaved "interleaved",
    HugeLength "huge-length",
    LongLength "long-length",
    Deflate "deflate",
    DeflateTwice "deflate-twice",
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadScript {
    #[error(
        "the lab knows no key `{0}`; see the table in `wirewatch lab --help`'s reference, or begin your own keys with `_`"
    )]
    UnknownKey(String),
    #[error("`{key}={value}` is not {wanted}")]
    Value { key: String, value: String, wanted: &'static str },
    #[error("too many steps")]
    TooManySteps,
}

/// Reads a query (without its `?`).
pub(super) fn parse(query: &str) -> Result<Script, BadScript> {
    let mut script = Script::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = String::from_utf8_lossy(&decode(key)).into_owned();
        read(&mut script, &key, &decode(value))?;
    }
    if MAX_STEPS < script.socket.steps.len() + script.socket.after.len() {
        return Err(BadScript::TooManySteps);
    }
    Ok(script)
}

/// Percent-decoding, to bytes; `+` is a space, as in a form.
fn decode(text: &str) -> Vec<u8> {
    percent_decode_str(&text.replace('+', " ")).collect()
}

fn read(script: &mut Script, key: &str, bytes: &[u8]) -> Result<(), BadScript> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let bad = |wanted| BadScript::Value { key: key.to_owned(), value: text.clone(), wanted };
    let duration = || parse_duration(&text).ok_or_else(|| bad("a duration such as 250ms or 2s"));
    let size = || parse_size(&text).ok_or_else(|| bad("a size such as 64k, 100m or 1g"));
    let number = || text.parse::<u64>().map_err(|_| bad("a whole number"));
    let small = || text.parse::<u32>().map_err(|_| bad("a whole number"));
    let status = || text.parse::<u16>().ok().filter(|code| (100..1000).contains(code)).ok_or_else(|| bad("a status"));
    let yes = || match &*text {
        "" | "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(bad("yes or no")),
    };
    let line = || match &*text {
        "none" => Line::Absent,
        "right" | "good" => Line::Right,
        _ => Line::Literal(text.clone()),
    };
    let socket = &mut script.socket;
    match key {
        "status" => script.status = Some(status()?),
        "reason" => script.reason = Some(text),
        "http" => script.http10 = text == "1.0",
        "h" => script.lines.push(bytes.to_vec()),
        "bare" => script.bare = yes()?,
        "raw" => script.raw = Some(bytes.to_vec()),
        "body" => script.body = Some(bytes.to_vec()),
        "size" => script.size = Some(size()?),
        "reflect" => script.reflect = yes()?,
        "length" => {
            script.framing = match &*text {
                "none" => Framing::UntilClose,
                "chunked" => Framing::Chunked,
                _ => Framing::Claimed(size()?),
            }
        }
        "keep" => script.keep = Some(yes()?),
        "interim" => script.interim.push(status()?),
        "interims" => script.interims = number()?,
        "head-size" => script.head_size = size()?,
        "head-line" => script.head_line = size()?,
        "wait" => script.wait = duration()?,
        "jitter" => script.jitter = Some(parse_range(&text).ok_or_else(|| bad("a range such as 20ms..200ms"))?),
        "seed" => script.seed = number()?,
        "body-wait" => script.body_wait = duration()?,
        "head-drip" => script.head_drip = duration()?,
        "drip" => script.drip = duration()?,
        "end" => {
            script.end =
                Some(parse_end(&text).ok_or_else(|| bad("drop, reset or stall, alone or with -head or -body"))?);
        }
        "to" => script.to = Some(text),
        "hops" => script.hops = Some(if text == "loop" { u32::MAX } else { small()? }),
        "options" => script.options = Some(status()?),
        "oh" => script.options_lines.push(bytes.to_vec()),
        "allow" => script.allow.push(text),
        "bare-errors" => script.bare_errors = yes()?,
        "need" => {
            script.need = Some(parse_need(&text).ok_or_else(|| bad("session, bearer:…, basic:… or query:name=…"))?)
        }
        "limit" => script.limit = Some(parse_limit(&text).ok_or_else(|| bad("a limit such as 5/10s"))?),
        "fail-first" => script.fail_first = small()?,
        "outage" => {
            let (up, down) = text.split_once('/').ok_or_else(|| bad("two durations such as 8s/4s"))?;
            let both = parse_duration(up).zip(parse_duration(down)).filter(|(up, down)| !(*up + *down).is_zero());
            script.outage = Some(both.ok_or_else(|| bad("two durations such as 8s/4s"))?);
        }
        "key" => script.key = Some(text),
        "ws" => socket.ignored = !yes()?,
        "upgrade" => socket.upgrade = line(),
        "connection" => socket.connection = line(),
        "accept" => socket.accept = line(),
        "protocol" => socket.protocol = line(),
        "extensions" => socket.extensions = Some(text),
        "deflate" => socket.deflate = Some(text),
        "do" => socket.steps.push(step(&text).ok_or_else(|| bad(STEPS))?),
        "after" => {
            let (at, what) = text.split_once(':').ok_or_else(|| bad("a time and a step such as 5s:close:1012"))?;
            let at = parse_duration(at).ok_or_else(|| bad("a time and a step such as 5s:close:1012"))?;
            socket.after.push((at, step(what).ok_or_else(|| bad(STEPS))?));
        }
        "messages" => {
            let (count, what) = text.split_once(':').ok_or_else(|| bad("a count and a step such as 3:close:1008"))?;
            let count = count.parse().map_err(|_| bad("a count and a step such as 3:close:1008"))?;
            socket.messages = Some((count, step(what).ok_or_else(|| bad(STEPS))?));
        }
        "every" => {
            let (every, what) = text.split_once(':').ok_or_else(|| bad("a time and a text such as 1s:tick"))?;
            let every = parse_duration(every).filter(|every| !every.is_zero());
            socket.every.push((every.ok_or_else(|| bad("a time and a text such as 1s:tick"))?, what.to_owned()));
        }
        "beat" => socket.beat = Some(duration()?).filter(|every| !every.is_zero()),
        "beats" => socket.beats = Some(number()?),
        "beat-pong" => {
            let (within, code) = text.split_once(':').unwrap_or((&text, "4000"));
            let both = parse_duration(within).zip(code.parse().ok());
            socket.beat_pong = Some(both.ok_or_else(|| bad("a time and a close code such as 3s:4000"))?);
        }
        "echo" => socket.echo = yes()?,
        "pongs" => socket.mute_pongs = !yes()?,
        "closes" => socket.mute_closes = !yes()?,
        _ if script.io.read(key, bytes)? => {}
        _ if key.starts_with('_') || FREE_KEYS.contains(&key) => {}
        _ => return Err(BadScript::UnknownKey(key.to_owned())),
    }
    Ok(())
}

const STEPS: &str = "a step: text:…, binary:HEX, ping:…, pong:…, close[:CODE[:REASON]], raw:HEX, split:…, big:SIZE, part:SIZE, more:SIZE, \
                     bad:WHAT, wait:TIME, await, drop, reset, stall, deaf or loop[:STEP]";

fn step(text: &str) -> Option<Step> {
    let (word, rest) = text.split_once(':').unwrap_or((text, ""));
    Some(match word {
        "text" => Step::Text(rest.to_owned()),
        "binary" => Step::Binary(hex(rest)?),
        "ping" => Step::Ping(rest.as_bytes().to_vec()),
        "pong" => Step::Pong(rest.as_bytes().to_vec()),
        "close" if rest.is_empty() => Step::Close(None),
        "close" => {
            let (code, reason) = rest.split_once(':').unwrap_or((rest, ""));
            Step::Close(Some((code.parse().ok()?, reason.to_owned())))
        }
        "raw" => Step::Raw(hex(rest)?),
        "split" => Step::Split(rest.to_owned()),
        "big" => Step::Big(parse_size(rest)?),
        "bad" => Step::Bad(*Bad::ALL.iter().find(|bad| bad.word() == rest)?),
        "wait" => Step::Wait(parse_duration(rest)?),
        "await" => Step::Await,
        "drop" => Step::Drop,
        "reset" => Step::Reset,
        "stall" => Step::Stall,
        "deaf" => Step::Deaf,
        "part" => Step::Part(parse_size(rest)?),
        "more" => Step::More(parse_size(rest)?),
        "loop" if rest.is_empty() => Step::Loop(0),
        "loop" => Step::Loop(rest.parse().ok()?),
        _ => return None,
    })
}

fn parse_need(text: &str) -> Option<Need> {
    let (word, rest) = text.split_once(':').unwrap_or((text, ""));
    Some(match word {
        "session" => Need::Session,
        "bearer" => Need::Bearer(rest.to_owned()),
        "basic" => Need::Basic(rest.to_owned()),
        "query" => rest.split_once('=').map(|(name, value)| Need::Query(name.to_owned(), value.to_owned()))?,
        _ => return None,
    })
}

fn parse_end(text: &str) -> Option<End> {
    let (how, at) = text.split_once('-').unwrap_or((text, ""));
    let how = match how {
        "drop" => How::Drop,
        "reset" => How::Reset,
        "stall" => How::Stall,
        _ => return None,
    };
    let at = match at {
        "" => At::Start,
        "head" => At::MidHead,
        "body" => At::MidBody,
        _ => return None,
    };
    Some(End { how, at })
}

fn parse_limit(text: &str) -> Option<(u32, Duration)> {
    let (count, window) = text.split_once('/').unwrap_or((text, "1000h"));
    Some((count.parse().ok()?, parse_duration(window)?))
}

fn parse_range(text: &str) -> Option<(Duration, Duration)> {
    let (low, high) = text.split_once("..")?;
    let (low, high) = (parse_duration(low)?, parse_duration(high)?);
    (low <= high).then_some((low, high))
}

/// `250ms`, `1.5s`, `2m`, `1h`; a day at most.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = text[..unit].parse().ok()?;
    let secs = match &text[unit..] {
        "us" => number / 1e6,
        "ms" => number / 1e3,
        "s" => number,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        _ => return None,
    };
    (0.0..=86_400.0 * 365.0).contains(&secs).then(|| Duration::from_secs_f64(secs))
}

/// `17`, `64k`, `100m`, `4g`: powers of 1024; a terabyte at most.
fn parse_size(text: &str) -> Option<u64> {
    let (digits, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let factor: u64 = match unit {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor).filter(|size| *size <= 1 << 40)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
    (digits.len().is_multiple_of(2)).then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests;
