//! The search for an idle time-out, carried out: each trial is a connection of its own, opened as the page's script would, kept
//! as quiet as its trial says, and closed politely.
//!
//! Invariant: nothing goes to anybody but the profile's own endpoint, and no more at a time than [`idle::AT_ONCE`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::exchange;
use super::line::farewell;
use super::probe::reason_of;
use super::target::Target;
use crate::base::Clock;
use crate::net::{Received, WebSocket};
use crate::profile::Kind;
use crate::watch::idle::{Finder, Found, How, Next, Trial, Went};
use crate::watch::{Code, Reason};
use crate::wire::{Exchange, NetError};

/// How long the answer to a ping may take.
const GRACE: Duration = Duration::from_secs(5);
/// What a server says by itself after a connection has opened doesn't count.
const GREETING: Duration = Duration::from_secs(1);

/// What was found; secrets replaced.
#[derive(Clone, Debug)]
pub struct Searched {
    pub found: Found,
    /// Every trial and what came of it, in the order of their ends.
    pub tried: Vec<(Trial, Went)>,
    /// A handshake, for what it says of who is in between; `None`: none was made.
    pub handshake: Option<Arc<Exchange>>,
}

/// Looks up to `most`; `tell` hears of each trial that begins, and of each that came to something.
pub async fn search(
    target: &Arc<Target>,
    most: Duration,
    clock: Clock,
    mut tell: impl FnMut(Trial, Option<&Went>),
) -> Searched {
    let mut finder = Finder::new(most);
    // A trial is stopped by dropping what stands beside it.
    let mut running: Vec<(Trial, oneshot::Sender<()>)> = Vec::new();
    let mut tasks = JoinSet::new();
    let mut handshake = None;
    let found = loop {
        match finder.step() {
            Next::Start(trial) => {
                tell(trial, None);
                let (stop, stopped) = oneshot::channel();
                let target = Arc::clone(target);
                tasks.spawn(async move { (trial, attempt(&target, trial, stopped, clock).await) });
                running.push((trial, stop));
            }
            Next::Wait => {
                let Some(ended) = tasks.join_next().await else {
                    break Found::NotMade(Reason::new(Code::LocalResource));
                };
                // Of one that was stopped nothing is to be said; one that panicked has been told by the hook.
                let Ok((trial, Some((went, seen)))) = ended else { continue };
                handshake = handshake.or(seen);
                tell(trial, Some(&went));
                running.retain(|(known, _)| *known != trial);
                let moot = finder.came(trial, went);
                running.retain(|(known, _)| !moot.contains(known));
            }
            Next::Done(found) => break found,
        }
    };
    // Those that were stopped say good-bye.
    drop(running);
    while tasks.join_next().await.is_some() {}
    let redactor = target.redactor();
    let handshake = handshake.map(|seen| Arc::new(seen.redacted(&redactor)));
    Searched { found, tried: finder.tried().to_vec(), handshake }
}

/// `None`: it was stopped.
async fn attempt(
    target: &Target,
    trial: Trial,
    mut stopped: oneshot::Receiver<()>,
    clock: Clock,
) -> Option<(Went, Option<Exchange>)> {
    tokio::select! {
        opened = Box::pin(open(target, clock)) => match opened {
            Ok((mut socket, handshake)) => {
                let went = tokio::select! {
                    went = stay(&mut socket, trial, target.profile.kind, clock) => Some(went),
                    _ = &mut stopped => None,
                };
                if !matches!(went, Some(Went::Cut { .. })) {
                    farewell(socket, 1000).await;
                }
                Some((went?, Some(handshake)))
            }
            Err((reason, handshake)) => Some((Went::NotMade(reason), handshake)),
        },
        _ = &mut stopped => None,
    }
}

/// A connection as the page's script would open it; of Socket.IO its WebSocket.
async fn open(target: &Target, clock: Clock) -> Result<(WebSocket, Exchange), (Reason, Option<Exchange>)> {
    let client = target.client().map_err(|reason| (reason.clone(), None))?;
    Box::pin(target.sign_in(clock)).await.map_err(|refused| (refused.reason, None))?;
    let deadline = clock.mono() + target.profile.timeout;
    let script = match target.profile.kind {
        Kind::SocketIo => {
            let revision = target.profile.socketio.protocol.unwrap_or(4).to_string();
            target.engine_io_socket(&[("EIO", revision), ("transport", "websocket".to_owned())])
        }
        Kind::WebSocket | Kind::Http => target.socket(),
    };
    let page = target.page(clock, deadline).await;
    let (mut answer, socket, _) = exchange::open(page, script, target.memory(), client, clock, deadline).await;
    let reason = answer.fault.as_ref().map(|fault| reason_of(fault, &answer));
    match (socket, answer.exchanges.pop()) {
        (Some(socket), Some(handshake)) => Ok((socket, handshake)),
        (_, handshake) => Err((reason.unwrap_or_else(|| Reason::new(Code::NetworkConfiguration)), handshake)),
    }
}

async fn stay(socket: &mut WebSocket, trial: Trial, kind: Kind, clock: Clock) -> Went {
    match trial {
        Trial::Quiet(quiet) => be_quiet(socket, quiet, kind, clock).await,
        Trial::Pinged { every, over } => be_pinged(socket, every, over, clock).await,
    }
}

async fn be_quiet(socket: &mut WebSocket, quiet: Duration, kind: Kind, clock: Clock) -> Went {
    let opened = clock.mono();
    let (mut last, mut spoken) = (opened, None::<Duration>);
    loop {
        let received = tokio::time::timeout_at((last + quiet).into(), socket.next()).await;
        let after = clock.mono().saturating_duration_since(last);
        match received {
            Ok(Ok(Received::Close { code, .. })) => return Went::Cut { after, how: How::Close(code) },
            Ok(Ok(Received::End)) => return Went::Cut { after, how: How::End },
            Ok(Err(error)) => return Went::Cut { after, how: how_of(&error) },
            Ok(Ok(received)) => {
                last = clock.mono();
                if last.saturating_duration_since(opened) < GREETING {
                    continue;
                }
                // Engine.IO's own ping comes as often again; anything else twice, or it was chance.
                let is_ping =
                    kind == Kind::SocketIo && matches!(&received, Received::Text(text) if text.as_str() == "2");
                match spoken.replace(after) {
                    Some(before) => return Went::Spoken { after: after.max(before) },
                    None if is_ping => return Went::Spoken { after },
                    None => {}
                }
            }
            Err(_) => break,
        }
    }
    // Only who asks learns that a way is gone which nothing closed.
    let gone = Went::Cut { after: quiet, how: How::Silence };
    if socket.send_ping(Vec::new()).await.is_err() {
        return gone;
    }
    match tokio::time::timeout(GRACE, socket.next()).await {
        Ok(Ok(Received::Close { code, .. })) => Went::Cut { after: quiet, how: How::Close(code) },
        Ok(Ok(Received::End) | Err(_)) | Err(_) => gone,
        Ok(Ok(Received::Text(_) | Received::Binary(_) | Received::Ping(_) | Received::Pong(_))) => Went::Kept,
    }
}

async fn be_pinged(socket: &mut WebSocket, every: Duration, over: Duration, clock: Clock) -> Went {
    let opened = clock.mono();
    let mut next = opened + every;
    let end = |how| Went::Cut { after: clock.mono().saturating_duration_since(opened), how };
    while next <= opened + over {
        match tokio::time::timeout_at(next.into(), socket.next()).await {
            Ok(Ok(Received::Close { code, .. })) => return end(How::Close(code)),
            Ok(Ok(Received::End)) => return end(How::End),
            Ok(Err(error)) => return end(how_of(&error)),
            Ok(Ok(Received::Text(_) | Received::Binary(_) | Received::Ping(_) | Received::Pong(_))) => {}
            Err(_) => {
                next += every;
                // Where it can't be sent, the next look says why.
                let _ = socket.send_ping(Vec::new()).await;
            }
        }
    }
    match tokio::time::timeout(GRACE, socket.next()).await {
        Ok(Ok(Received::Close { code, .. })) => end(How::Close(code)),
        Ok(Ok(Received::End)) => end(How::End),
        Ok(Err(error)) => end(how_of(&error)),
        Err(_) => end(How::Silence),
        Ok(Ok(Received::Text(_) | Received::Binary(_) | Received::Ping(_) | Received::Pong(_))) => Went::Kept,
    }
}

fn how_of(error: &NetError) -> How {
    if matches!(error, NetError::ConnectionReset { .. }) { How::Reset } else { How::End }
}
