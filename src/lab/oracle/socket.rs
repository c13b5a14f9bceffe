//! A WebSocket's server side, as the script has it: the 101, right or wrong, then its steps.
//!
//! A step is `["text", s]`, `["hex", bytes]`, `["wait", ms]`, `["close", code, reason]`, `["close"]`, `["drop"]`, `["reset"]` or
//! `["hold", ms]`.

use std::io;
use std::time::Duration;

use serde_json::Value;

use super::play::{After, instead, send, status_line};
use super::script::{Place, Response, latin1};
use crate::lab::conn::{Conn, Head};
use crate::lab::frame;

/// How long a peer may take to answer a close frame, or to go once the steps are over.
const GONE: Duration = Duration::from_millis(700);
/// `hold` without a time.
const HOLD: Duration = Duration::from_secs(5);
/// Between the last bytes and a reset, so that they arrive.
const BEFORE_RESET: Duration = Duration::from_millis(30);

/// Answers a handshake.
pub(super) async fn open(conn: &mut Conn, head: &Head, place: &Place, opening: &Response) -> io::Result<After> {
    let status = opening.st.unwrap_or(101);
    if status != 101 && opening.up.is_none() {
        return send(conn, head, place, opening).await;
    }
    if let Some(after) = instead(conn, head, place, opening).await? {
        return Ok(after);
    }
    let mut out = status_line(status, opening);
    let mut field = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            out.extend(latin1(&format!("{name}: {value}\r\n")));
        }
    };
    field("Upgrade", opening.up.clone().unwrap_or_else(|| Some("websocket".into())));
    field("Connection", opening.co.clone().unwrap_or_else(|| Some("Upgrade".into())));
    let good = || frame::accept_key(head.header("sec-websocket-key"));
    field(
        "Sec-WebSocket-Accept",
        match opening.ac.clone() {
            None => Some(good()),
            Some(literal) => literal.map(|literal| match literal.as_str() {
                "good" => good(),
                "bad" => "AAAAAAAAAAAAAAAAAAAAAAAAAAA=".into(),
                _ => literal,
            }),
        },
    );
    let asked = head.header("sec-websocket-protocol").split(',').next().unwrap_or_default().trim();
    field(
        "Sec-WebSocket-Protocol",
        match opening.pr.as_deref() {
            Some("echo") => (!asked.is_empty()).then(|| asked.to_owned()),
            literal => literal.map(str::to_owned),
        },
    );
    for line in opening.lines(head, place) {
        out.extend(latin1(&line));
        out.extend(b"\r\n");
    }
    out.extend(b"\r\n");
    conn.send(&out).await?;
    steps(conn, &opening.f).await
}

async fn steps(conn: &mut Conn, steps: &[Vec<Value>]) -> io::Result<After> {
    for step in steps {
        let text = |at: usize| step.get(at).and_then(Value::as_str).unwrap_or_default();
        let number = |at: usize| step.get(at).and_then(Value::as_u64);
        match text(0) {
            "text" => conn.send(&frame::frame(frame::TEXT, text(1).as_bytes())).await?,
            "hex" => conn.send(&bytes_of(text(1))).await?,
            "wait" => conn.pause(Duration::from_millis(number(1).unwrap_or(0))).await?,
            "close" => {
                let code = number(1).and_then(|code| u16::try_from(code).ok());
                conn.send(&frame::close(code.map(|code| (code, text(2))))).await?;
                gone(conn, GONE).await;
                return Ok(After::Close);
            }
            "drop" => return Ok(After::Close),
            "reset" => {
                tokio::time::sleep(BEFORE_RESET).await;
                return Ok(After::Reset);
            }
            "hold" => {
                gone(conn, number(1).map_or(HOLD, Duration::from_millis)).await;
                return Ok(After::Close);
            }
            // A word that the language doesn't have: the case is wrong, and shows it.
            _ => return Ok(After::Reset),
        }
    }
    gone(conn, GONE).await;
    Ok(After::Close)
}

/// Waits for the peer's close frame or its end, so long at most.
async fn gone(conn: &mut Conn, wait: Duration) {
    let going = async {
        loop {
            match frame::take(&mut conn.ahead) {
                Ok(Some(got)) if got.opcode == frame::CLOSE => return,
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(frame::TooLarge) => return,
            }
            if matches!(conn.fill().await, Ok(0) | Err(_)) {
                return;
            }
        }
    };
    let _in_time = tokio::time::timeout(wait, going).await;
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digit = |character: char| character.to_digit(16).unwrap_or(0) as u8;
    let digits: Vec<u8> = hex.chars().filter(|character| !character.is_whitespace()).map(digit).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
