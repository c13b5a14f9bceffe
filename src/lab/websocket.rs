//! A WebSocket's server side, as the script has it: the 101, then steps, timers and answers to what comes.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::conn::{Conn, Head};
use super::deflate::{self, Deflating};
use super::frame::{self, Frame};
use super::http::{self, After};
use super::script::{At, How, Line, Need, Script, Socket, Step};
use crate::base::Clock;
use crate::browser::websocket::deflate::Unfit;

/// How long a peer may take to answer a close frame.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
const TOO_LARGE: &str = "the lab reads 16 MiB at most";
/// How long a connection that neither reads nor writes is held.
const DEAF: Duration = Duration::from_secs(600);

/// One open WebSocket.
struct Session<'a> {
    conn: &'a mut Conn,
    socket: &'a Socket,
    clock: Clock,
    /// Of one that needs a sign-in: it closes when that is over.
    signed_in: Option<watch::Receiver<String>>,
    /// The step that comes next.
    next: usize,
    /// The next step waits for a message.
    awaits: bool,
    timers: Vec<(Instant, Due)>,
    /// Counts what `every` and `beat` have sent.
    sent: u64,
    received: u32,
    /// Where permessage-deflate was agreed on.
    deflating: Option<Deflating>,
    /// What has come of a message, where messages may be compressed.
    coming: Option<Frame>,
}

/// What a timer is for.
#[derive(Clone, Debug, PartialEq)]
enum Due {
    /// The wait between two steps is over.
    Resume,
    Step(Step),
    /// By its index in the script.
    Every(usize),
    Beat,
    /// The application's pong should have come.
    Pong,
    /// The outage's cycle goes down.
    Cut,
}

/// Answers the handshake and plays the script to its end. `up_for`: when to cut the connection, if ever.
pub(super) async fn serve(
    conn: &mut Conn,
    script: &Script,
    head: &Head,
    wait: Duration,
    up_for: Option<Duration>,
    sessions: watch::Receiver<String>,
) -> io::Result<After> {
    conn.pause(wait).await?;
    let bytes = handshake(script, head);
    if let Some(end) = script.end {
        if end.at == At::MidHead {
            conn.send(&bytes[..bytes.len() / 2]).await?;
        }
        if end.how == How::Stall {
            conn.stall().await;
        }
        return Ok(if end.how == How::Reset { After::Reset } else { After::Close });
    }
    conn.send_dripping(&bytes, script.head_drip).await?;
    let socket = &script.socket;
    let signed_in = (script.need == Some(Need::Session)).then_some(sessions);
    let agreed = extension(socket, head).and(socket.deflate.as_deref());
    let mut session = Session {
        conn,
        socket,
        clock: Clock,
        signed_in,
        next: 0,
        awaits: false,
        timers: Vec::new(),
        sent: 0,
        received: 0,
        deflating: agreed.map(Deflating::new),
        coming: None,
    };
    session.wind_up(up_for);
    session.run().await
}

pub(super) fn handshake(script: &Script, head: &Head) -> Vec<u8> {
    let socket = &script.socket;
    let mut out = format!("HTTP/1.1 101 {}\r\n", script.reason.as_deref().unwrap_or("Switching Protocols"));
    let mut line = |name: &str, line: &Line, right: Option<String>| {
        let value = match line {
            Line::Right => right,
            Line::Absent => None,
            Line::Literal(text) => Some(text.clone()),
        };
        if let Some(value) = value {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
    };
    let offered = head.header("sec-websocket-protocol").split(',').map(str::trim).find(|name| !name.is_empty());
    line("Upgrade", &socket.upgrade, Some("websocket".to_owned()));
    line("Connection", &socket.connection, Some("Upgrade".to_owned()));
    line("Sec-WebSocket-Accept", &socket.accept, Some(frame::accept_key(head.header("sec-websocket-key"))));
    line("Sec-WebSocket-Protocol", &socket.protocol, offered.map(str::to_owned));
    line("Sec-WebSocket-Extensions", &Line::Right, extension(socket, head));
    line("Sec-WebSocket-Extensions", &Line::Right, socket.extensions.clone());
    let mut out = out.into_bytes();
    for line in &script.lines {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Our answer to an offer of permessage-deflate.
fn extension(socket: &Socket, head: &Head) -> Option<String> {
    deflate::answer(socket.deflate.as_deref()?, head.header("sec-websocket-extensions"))
}

impl Session<'_> {
    /// Sends a whole message, compressed where that was agreed on.
    async fn message(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let bytes = match &mut self.deflating {
            Some(deflating) => frame::with_first(0x80 | frame::RSV1 | opcode, &deflating.deflated([payload])),
            None => frame::frame(opcode, payload),
        };
        self.conn.send(&bytes).await
    }

    fn set(&mut self, after: Duration, due: Due) {
        let at = Instant::from_std(self.clock.mono()) + after;
        self.timers.push((at, due));
    }

    /// Sets the timers that run from the opening on.
    fn wind_up(&mut self, up_for: Option<Duration>) {
        let socket = self.socket;
        for (after, step) in &socket.after {
            self.set(*after, Due::Step(step.clone()));
        }
        for (index, (every, _)) in socket.every.iter().enumerate() {
            self.set(*every, Due::Every(index));
        }
        if let Some(every) = socket.beat {
            self.set(every, Due::Beat);
        }
        if let Some(up_for) = up_for {
            self.set(up_for, Due::Cut);
        }
    }

    async fn run(&mut self) -> io::Result<After> {
        loop {
            while let Some(step) = self.socket.steps.get(self.next)
                && !self.awaits
                && !self.timers.iter().any(|(_, due)| *due == Due::Resume)
            {
                self.next += 1;
                if let Some(after) = self.perform(step).await? {
                    return Ok(after);
                }
            }
            match frame::take(&mut self.conn.ahead) {
                Ok(Some(frame)) => {
                    if let Some(after) = self.on_frame(frame).await? {
                        return Ok(after);
                    }
                    continue;
                }
                Ok(None) => {}
                Err(frame::TooLarge) => return self.close(Some((1009, TOO_LARGE))).await,
            }
            let earliest = (0..self.timers.len()).min_by_key(|index| self.timers[*index].0);
            let wait = earliest.map(|index| self.timers[index].0);
            let signed_out = async {
                match &mut self.signed_in {
                    Some(sessions) => sessions.changed().await.is_ok(),
                    None => pending().await,
                }
            };
            tokio::select! {
                true = signed_out => return self.close(Some((4401, "session expired"))).await,
                read = self.conn.fill() => {
                    if read? == 0 {
                        return Ok(After::Close);
                    }
                }
                () = tokio::time::sleep_until(wait.unwrap_or_else(|| Instant::from_std(self.clock.mono()))), if wait.is_some() => {
                    let Some(index) = earliest else { continue };
                    let (_, due) = self.timers.swap_remove(index);
                    if let Some(after) = self.on_due(due).await? {
                        return Ok(after);
                    }
                }
            }
        }
    }

    async fn on_due(&mut self, due: Due) -> io::Result<Option<After>> {
        let socket = self.socket;
        match due {
            Due::Resume => {}
            Due::Step(step) => return self.perform(&step).await,
            Due::Every(index) => {
                let Some((every, text)) = socket.every.get(index) else { return Ok(None) };
                self.sent += 1;
                let text = text.replace("{n}", &self.sent.to_string());
                self.message(frame::TEXT, text.as_bytes()).await?;
                self.set(*every, Due::Every(index));
            }
            Due::Beat => {
                if socket.beats.is_some_and(|most| most <= self.sent) {
                    return Ok(None);
                }
                self.sent += 1;
                let text = format!("{{\"type\":\"ping\",\"n\":{}}}", self.sent);
                self.message(frame::TEXT, text.as_bytes()).await?;
                if let Some(every) = socket.beat {
                    self.set(every, Due::Beat);
                }
                let waits = self.timers.iter().any(|(_, due)| *due == Due::Pong);
                if let Some((within, _)) = socket.beat_pong
                    && !waits
                {
                    self.set(within, Due::Pong);
                }
            }
            Due::Pong => {
                let code = socket.beat_pong.map_or(4000, |(_, code)| code);
                return self.close(Some((code, "ping timeout"))).await.map(Some);
            }
            Due::Cut => return Ok(Some(After::Close)),
        }
        Ok(None)
    }

    async fn on_frame(&mut self, got: Frame) -> io::Result<Option<After>> {
        match got.opcode {
            frame::CLOSE if self.socket.mute_closes => {}
            frame::CLOSE => {
                let code = got.payload.first_chunk::<2>().map(|bytes| (u16::from_be_bytes(*bytes), ""));
                self.conn.send(&frame::close(code)).await?;
                return Ok(Some(After::Close));
            }
            frame::PING if self.socket.mute_pongs => {}
            frame::PING => self.conn.send(&frame::frame(frame::PONG, &got.payload)).await?,
            frame::PONG => {}
            _ => {
                let got = match self.whole(got) {
                    Ok(Some(got)) => got,
                    Ok(None) => return Ok(None),
                    Err(Unfit::Broken) => return self.close(Some((1007, "no deflate stream"))).await.map(Some),
                    Err(Unfit::TooLarge) => return self.close(Some((1009, TOO_LARGE))).await.map(Some),
                };
                self.awaits = false;
                if memchr::memmem::find(&got.payload, b"pong").is_some() {
                    self.timers.retain(|(_, due)| *due != Due::Pong);
                }
                if self.socket.echo && self.deflating.is_some() {
                    self.message(got.opcode, &got.payload).await?;
                } else if self.socket.echo {
                    // Each frame goes back as it came, fragments too.
                    let first = if got.fin { 0x80 } else { 0 } | got.opcode;
                    self.conn.send(&frame::with_first(first, &got.payload)).await?;
                }
                self.received += u32::from(got.fin);
                if let Some((count, step)) = &self.socket.messages
                    && got.fin
                    && *count == self.received
                {
                    return self.perform(step).await;
                }
            }
        }
        Ok(None)
    }

    /// Where messages may be compressed: the message that this frame ends, inflated.
    fn whole(&mut self, got: Frame) -> Result<Option<Frame>, Unfit> {
        let Some(deflating) = &mut self.deflating else { return Ok(Some(got)) };
        let fin = got.fin;
        let mut whole = match self.coming.take() {
            Some(mut whole) => {
                whole.payload.extend(got.payload);
                whole
            }
            None => Frame { fin: true, ..got },
        };
        if frame::MAX_FRAME < whole.payload.len() as u64 {
            return Err(Unfit::TooLarge);
        }
        if !fin {
            self.coming = Some(whole);
            return Ok(None);
        }
        if whole.rsv1 {
            whole.payload = deflating.inflated(&whole.payload)?;
        }
        Ok(Some(whole))
    }

    /// Does one step; `Some`: it was the last.
    async fn perform(&mut self, step: &Step) -> io::Result<Option<After>> {
        match step {
            Step::Text(text) => self.message(frame::TEXT, text.as_bytes()).await?,
            Step::Binary(bytes) => self.message(frame::BINARY, bytes).await?,
            Step::Ping(bytes) => self.conn.send(&frame::frame(frame::PING, bytes)).await?,
            Step::Pong(bytes) => self.conn.send(&frame::frame(frame::PONG, bytes)).await?,
            Step::Raw(bytes) => self.conn.send(bytes).await?,
            Step::Bad(bad) => self.conn.send(&frame::bad(*bad)).await?,
            Step::Split(text) => self.split(text.as_bytes()).await?,
            Step::Big(size) => self.big(0x80 | frame::TEXT, *size).await?,
            Step::Wait(wait) => self.set(*wait, Due::Resume),
            Step::Await => self.awaits = true,
            Step::Close(None) => return self.close(None).await.map(Some),
            Step::Close(Some((code, reason))) => return self.close(Some((*code, reason))).await.map(Some),
            Step::Drop => return Ok(Some(After::Close)),
            Step::Reset => return Ok(Some(After::Reset)),
            Step::Stall => {
                self.conn.stall().await;
                return Ok(Some(After::Close));
            }
            Step::Deaf => {
                tokio::time::sleep(DEAF).await;
                return Ok(Some(After::Reset));
            }
            Step::Part(size) => self.big(frame::TEXT, *size).await?,
            Step::More(size) => self.big(frame::CONTINUATION, *size).await?,
            Step::Loop(step) => {
                self.next = *step;
                // A loop without a wait must not keep the lab from stopping.
                tokio::task::yield_now().await;
            }
        }
        Ok(None)
    }

    async fn split(&mut self, payload: &[u8]) -> io::Result<()> {
        let (payload, first) = match &mut self.deflating {
            Some(deflating) => (deflating.deflated([payload]), frame::RSV1 | frame::TEXT),
            None => (payload.to_vec(), frame::TEXT),
        };
        let (head, tail) = payload.split_at(payload.len() / 2);
        self.conn.send(&frame::with_first(first, head)).await?;
        self.conn.send(&frame::frame(frame::CONTINUATION, tail)).await
    }

    async fn big(&mut self, first: u8, size: u64) -> io::Result<()> {
        if let Some(deflating) = self.deflating.as_mut().filter(|_| first == 0x80 | frame::TEXT) {
            static LETTERS: [u8; 64 * 1024] = [b'x'; 64 * 1024];
            let whole = LETTERS.len() as u64;
            let rest = usize::try_from(size % whole).unwrap_or(0);
            let parts = (0..size / whole).map(|_| &LETTERS[..]).chain([&LETTERS[..rest]]);
            let payload = deflating.deflated(parts);
            return self.conn.send(&frame::with_first(first | frame::RSV1, &payload)).await;
        }
        self.conn.send(&frame::header(first, size)).await?;
        http::filler(self.conn, size, b'x').await
    }

    /// Sends a close frame and waits for the peer's.
    async fn close(&mut self, reason: Option<(u16, &str)>) -> io::Result<After> {
        self.conn.send(&frame::close(reason)).await?;
        let answered = async {
            loop {
                match frame::take(&mut self.conn.ahead) {
                    Ok(Some(got)) if got.opcode == frame::CLOSE => break,
                    Ok(Some(_)) => continue,
                    Ok(None) => {}
                    Err(frame::TooLarge) => break,
                }
                if matches!(self.conn.fill().await, Ok(0) | Err(_)) {
                    break;
                }
            }
        };
        let _in_time = tokio::time::timeout(CLOSE_WAIT, answered).await;
        Ok(After::Close)
    }
}
