//! Puts an answer on an HTTP/1.1 connection, byte by byte as the script wants it, right or wrong.

use std::io;

use super::answer::{Answer, Body, reason_of};
use super::conn::{Conn, Head};
use super::script::{At, End, Framing, How, Script};

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Another request may come.
    Next,
    Close,
    Reset,
}

const CHUNK: usize = 64 * 1024;

/// Writes the answer. `keep`: the request allows another one after it.
pub(super) async fn send(
    conn: &mut Conn,
    script: &Script,
    head: &Head,
    answer: &Answer,
    keep: bool,
) -> io::Result<After> {
    conn.pause(answer.wait).await?;
    let end_at = |at| script.end.filter(|end| end.at == at).map(|End { how, .. }| how);
    if let Some(how) = end_at(At::Start) {
        return finish(conn, how).await;
    }
    if let Some(raw) = &script.raw {
        conn.send_dripping(raw, script.drip).await?;
        return Ok(After::Close);
    }
    interims(conn, script).await?;
    let keep = keep && script.keep != Some(false) && self_delimiting(script, answer);
    let bytes = head_bytes(script, head, answer, keep);
    if let Some(how) = end_at(At::MidHead) {
        conn.send_dripping(&bytes[..bytes.len() / 2], script.head_drip).await?;
        return finish(conn, how).await;
    }
    if 0 < script.head_size || 0 < script.head_line {
        let line_end = memchr::memchr(b'\n', &bytes).map_or(0, |at| at + 1);
        conn.send(&bytes[..line_end]).await?;
        flood(conn, script).await?;
        conn.send(&bytes[line_end..]).await?;
    } else {
        conn.send_dripping(&bytes, script.head_drip).await?;
    }
    if head.method == "HEAD" || [204, 304].contains(&answer.status) || answer.status < 200 {
        return Ok(if keep { After::Next } else { After::Close });
    }
    conn.pause(script.body_wait).await?;
    let cut = end_at(At::MidBody);
    let length = answer.body.len();
    body(conn, script, &answer.body, if cut.is_some() { length / 2 } else { length }).await?;
    if let Some(how) = cut {
        return finish(conn, how).await;
    }
    if script.framing == Framing::Chunked {
        conn.send(b"0\r\n\r\n").await?;
    }
    Ok(if keep { After::Next } else { After::Close })
}

/// Whether the answer's end is told otherwise than by the connection's.
fn self_delimiting(script: &Script, answer: &Answer) -> bool {
    match script.framing {
        Framing::Honest | Framing::Chunked => true,
        Framing::Claimed(length) => length == answer.body.len(),
        Framing::UntilClose => false,
    }
}

async fn finish(conn: &mut Conn, how: How) -> io::Result<After> {
    match how {
        How::Drop => Ok(After::Close),
        How::Reset => Ok(After::Reset),
        How::Stall => {
            conn.stall().await;
            Ok(After::Close)
        }
    }
}

async fn interims(conn: &mut Conn, script: &Script) -> io::Result<()> {
    let codes = if script.interim.is_empty() { &[103][..] } else { &script.interim };
    let count = if script.interims == 0 { script.interim.len() as u64 } else { script.interims };
    for (code, _) in codes.iter().cycle().zip(0..count) {
        conn.send(format!("HTTP/1.1 {code} {}\r\n\r\n", reason_of(*code)).as_bytes()).await?;
    }
    Ok(())
}

fn head_bytes(script: &Script, head: &Head, answer: &Answer, keep: bool) -> Vec<u8> {
    let version = if script.http10 { "HTTP/1.0" } else { "HTTP/1.1" };
    let mut out = format!("{version} {} {}\r\n", answer.status, answer.reason).into_bytes();
    for line in &answer.lines {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    if !script.bare {
        let bodiless = [204, 304].contains(&answer.status) || answer.status < 200;
        match script.framing {
            Framing::Honest if !bodiless => {
                out.extend_from_slice(format!("Content-Length: {}\r\n", answer.body.len()).as_bytes());
            }
            Framing::Claimed(length) => out.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes()),
            Framing::Chunked if !bodiless => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            Framing::Honest | Framing::Chunked | Framing::UntilClose => {}
        }
        if !keep {
            out.extend_from_slice(b"Connection: close\r\n");
        } else if head.http10 {
            out.extend_from_slice(b"Connection: keep-alive\r\n");
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// The gigantic part of a head.
async fn flood(conn: &mut Conn, script: &Script) -> io::Result<()> {
    let mut left = script.head_size;
    let mut number = 0_u64;
    while 0 < left {
        let line = format!("X-Flood-{number}: {}\r\n", "a".repeat(1000));
        conn.send(line.as_bytes()).await?;
        left = left.saturating_sub(line.len() as u64);
        number += 1;
    }
    if 0 < script.head_line {
        conn.send(b"X-Flood: ").await?;
        filler(conn, script.head_line, b'a').await?;
        conn.send(b"\r\n").await?;
    }
    Ok(())
}

pub(super) async fn filler(conn: &mut Conn, size: u64, letter: u8) -> io::Result<()> {
    let block = vec![letter; CHUNK];
    let mut left = size;
    while 0 < left {
        let now = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        conn.send(&block[..now]).await?;
        left -= now as u64;
    }
    Ok(())
}

/// The first `length` bytes of the body, in the script's framing.
async fn body(conn: &mut Conn, script: &Script, body: &Body, length: u64) -> io::Result<()> {
    let chunked = script.framing == Framing::Chunked;
    // A dripped body goes out byte by byte, and so do its chunks.
    let step = if script.drip.is_zero() { CHUNK as u64 } else { 1 };
    let filler = vec![b'x'; CHUNK];
    let mut sent = 0;
    while sent < length {
        let now = step.min(length - sent);
        let piece = match body {
            Body::Bytes(bytes) => {
                let from = usize::try_from(sent).unwrap_or(usize::MAX).min(bytes.len());
                let to = usize::try_from(sent + now).unwrap_or(usize::MAX).min(bytes.len());
                &bytes[from..to]
            }
            Body::Filler(_) => &filler[..usize::try_from(now).unwrap_or(CHUNK).min(CHUNK)],
        };
        if 0 < sent && !script.drip.is_zero() {
            conn.pause(script.drip).await?;
        }
        if chunked {
            conn.send(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        }
        conn.send(piece).await?;
        if chunked {
            conn.send(b"\r\n").await?;
        }
        sent += now;
    }
    Ok(())
}
