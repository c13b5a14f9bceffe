//! An answer's body, piece by piece, with its content codings undone.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::coding::Decoder;
use super::settings::Limits;
use super::{http1, http2};
use crate::base::Clock;
use crate::wire::{Headers, NetError, WireResponse};

/// How long a refused handshake's body is waited for: it may say why, but the refusal stands without it.
pub(super) const LATE_BODY: Duration = Duration::from_secs(3);

/// A body that is still to be read. Dropping it closes the connection.
#[derive(Debug)]
pub struct Body {
    incoming: Incoming,
    decoder: Decoder,
    sent: u64,
    size: u64,
    limit: u64,
    /// Nothing comes any more.
    over: bool,
}

#[derive(Debug)]
pub(super) enum Incoming {
    Http1(Box<http1::Incoming>),
    Http2(Box<http2::Incoming>),
}

impl Body {
    pub(super) fn new(incoming: Incoming, headers: &Headers, limits: &Limits) -> Self {
        Self { incoming, decoder: Decoder::of(headers), sent: 0, size: 0, limit: limits.body, over: false }
    }

    /// The next piece, its codings undone; `None` at the end. May be dropped and called again. There is no deadline here.
    ///
    /// # Errors
    /// How the body broke: [`NetError::IncompleteBody`], [`NetError::IncompleteChunks`], [`NetError::InvalidChunks`],
    /// [`NetError::ContentDecoding`], [`NetError::BodyTooLarge`], or the connection's own failure.
    pub async fn next(&mut self) -> Result<Option<Bytes>, NetError> {
        while !self.over {
            let came = match &mut self.incoming {
                Incoming::Http1(incoming) => incoming.next().await,
                Incoming::Http2(incoming) => incoming.next().await,
            };
            let Some(came) = came.inspect_err(|_| self.over = true)? else {
                self.over = true;
                break;
            };
            self.sent += came.len() as u64;
            let decoded = if self.decoder.is_plain() { Ok(came) } else { self.undo(&came) };
            let decoded = decoded.inspect_err(|_| self.over = true)?;
            if self.decoder.is_plain() {
                self.size += decoded.len() as u64;
            }
            if self.limit < self.size {
                self.over = true;
                return Err(NetError::BodyTooLarge { limit: self.limit });
            }
            if !decoded.is_empty() {
                return Ok(Some(decoded));
            }
        }
        Ok(None)
    }

    fn undo(&mut self, came: &[u8]) -> Result<Bytes, NetError> {
        let mut out = Vec::new();
        let (size, limit) = (&mut self.size, self.limit);
        self.decoder.feed(came, &mut |piece| {
            *size += piece.len() as u64;
            if limit < *size {
                return Err(NetError::BodyTooLarge { limit });
            }
            out.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(out.into())
    }

    /// Bytes that have come, content codings still on.
    pub fn sent_size(&self) -> u64 {
        self.sent
    }

    /// Reads to the end: the first `most` bytes into `kept`, sizes and how it broke into `response`. Both hold what came also
    /// where this future is dropped.
    pub(super) async fn read_into(
        &mut self,
        kept: &mut Vec<u8>,
        most: usize,
        response: &mut WireResponse,
        clock: Clock,
    ) {
        loop {
            let next = self.next().await;
            if let (Ok(Some(_)), None) = (&next, response.transfer.body_after) {
                response.transfer.body_after =
                    self.first_byte().map(|first| clock.mono().saturating_duration_since(first));
            }
            response.transfer.sent_size = self.sent;
            match next {
                Ok(Some(piece)) => {
                    let room = most.saturating_sub(kept.len());
                    kept.extend_from_slice(&piece[..piece.len().min(room)]);
                    response.body_size += piece.len() as u64;
                }
                Ok(None) => return,
                Err(error) => {
                    response.transfer.error = Some(error);
                    return;
                }
            }
        }
    }

    /// When the answer's first byte came.
    pub(super) fn first_byte(&self) -> Option<Instant> {
        match &self.incoming {
            Incoming::Http1(incoming) => incoming.first_byte(),
            Incoming::Http2(incoming) => Some(incoming.first_byte()),
        }
    }
}
