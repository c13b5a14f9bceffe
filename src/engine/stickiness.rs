//! Several Engine.IO sessions by polling, one after another, each request on a connection of its own as a balancer sees browsers'
//! requests; cookies go along as the page's browser would send them.

use std::sync::Arc;

use super::exchange;
use super::target::Target;
use crate::base::Clock;
use crate::browser::Xhr;
use crate::diagnosis::stickiness::{is_lost, opened};
use crate::watch::Reason;
use crate::wire::{Exchange, Purpose};

/// Opens `count` sessions and asks on in each; secrets replaced. Each is closed at its end.
///
/// # Errors
/// Why nothing was sent.
pub async fn sessions(target: &Arc<Target>, count: u32, clock: Clock) -> Result<Vec<Vec<Exchange>>, Reason> {
    target.client().map_err(Clone::clone)?;
    Box::pin(target.sign_in(clock)).await.map_err(|refused| refused.reason)?;
    let redactor = target.redactor();
    let mut all = Vec::new();
    for _ in 0..count {
        let session = Box::pin(session(target, clock)).await?;
        all.push(session.iter().map(|exchange| exchange.redacted(&redactor)).collect());
    }
    Ok(all)
}

/// The handshake; CONNECT, a poll and CLOSE in its name.
async fn session(target: &Target, clock: Clock) -> Result<Vec<Exchange>, Reason> {
    let client = target.client().map_err(Clone::clone)?;
    let revision = target.profile.socketio.protocol.unwrap_or(4);
    // Revision 3 connects by itself, and writes a packet's length before it.
    let (connect, close) = if revision == 3 { (None, "1:1") } else { (Some("40"), "1") };
    let bodies = [Some(None), connect.map(Some), Some(None), Some(Some(close))];
    let mut memory = target.memory();
    let mut sid: Option<String> = None;
    let mut seen: Vec<Exchange> = Vec::new();
    for body in bodies.into_iter().flatten() {
        let mut query = vec![("EIO", revision.to_string()), ("transport", "polling".to_owned())];
        query.extend(sid.clone().map(|sid| ("sid", sid)));
        let mut request: Xhr = target.polling(&query);
        if let Some(body) = body {
            (request.method, request.body) = ("POST".to_owned(), Some(body.to_owned()));
        }
        let deadline = clock.mono() + target.profile.timeout;
        let page = target.page(clock, deadline).await;
        let answer;
        (answer, memory) = exchange::xhr(page, request, memory, client, clock, deadline).await;
        let own = answer.exchanges.into_iter().filter(|exchange| exchange.request.purpose == Purpose::Actual);
        seen.extend(own);
        let Some(last) = seen.last() else { break };
        sid = sid.or_else(|| opened(last));
        if sid.is_none() || is_lost(last) {
            break;
        }
    }
    Ok(seen)
}
