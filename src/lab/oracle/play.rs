//! Puts a script's answer on the connection, byte by byte as it says.

use std::io;
use std::time::Duration;

use super::script::{Act, Length, Place, Response, fill, latin1};
use super::socket;
use crate::lab::answer::reason_of;
use crate::lab::conn::{Conn, Head};

/// How long [`Act::Hang`] says nothing.
const HANG: Duration = Duration::from_secs(20);

/// How the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Close,
    Reset,
}

/// Answers one request.
pub(super) async fn play(conn: &mut Conn, head: &Head) -> io::Result<After> {
    let place = Place::of(head);
    let Some(mut hop) = place.hop() else {
        let response = Response { st: Some(400), b: "the script can't be read\n".into(), ..Response::default() };
        return send(conn, head, &place, &response).await;
    };
    let preflight = head.method == "OPTIONS" && head.headers.contains("access-control-request-method");
    let upgrade = head.header("upgrade").eq_ignore_ascii_case("websocket");
    match hop.w.take() {
        Some(opening) if upgrade && !preflight => socket::open(conn, head, &place, &opening).await,
        Some(_) | None => send(conn, head, &place, &hop.answer(head)).await,
    }
}

/// What is in place of an answer; `None` where there is one.
pub(super) async fn instead(
    conn: &mut Conn,
    head: &Head,
    place: &Place,
    response: &Response,
) -> io::Result<Option<After>> {
    tokio::time::sleep(Duration::from_millis(response.d)).await;
    match (response.act, &response.raw) {
        (Some(Act::Close), _) => Ok(Some(After::Close)),
        (Some(Act::Reset), _) => Ok(Some(After::Reset)),
        (Some(Act::Hang), _) => {
            conn.pause(HANG).await?;
            Ok(Some(After::Close))
        }
        (None, Some(raw)) => {
            conn.send(&latin1(&fill(raw, head, place))).await?;
            Ok(Some(After::Close))
        }
        (None, None) => Ok(None),
    }
}

/// An ordinary answer.
pub(super) async fn send(conn: &mut Conn, head: &Head, place: &Place, response: &Response) -> io::Result<After> {
    if let Some(after) = instead(conn, head, place, response).await? {
        return Ok(after);
    }
    let status = response.st.unwrap_or(200);
    let bodiless = matches!(status, 204 | 304);
    let mut out = status_line(status, response);
    for line in response.lines(head, place) {
        out.extend(latin1(&line));
        out.extend(b"\r\n");
    }
    let length = match response.cl {
        Some(Length::Told(false)) => None,
        Some(Length::Claimed(length)) => Some(length),
        Some(Length::Told(true)) | None => Some(response.b.len() as u64),
    };
    if let Some(length) = length
        && !bodiless
        && 200 <= status
    {
        out.extend(format!("Content-Length: {length}\r\n").bytes());
    }
    out.extend(b"Connection: close\r\n\r\n");
    if head.method != "HEAD" && !bodiless {
        out.extend(response.b.bytes());
    }
    conn.send(&out).await?;
    if let Some(hold) = response.hold {
        // Ends early where the peer goes.
        conn.pause(Duration::from_millis(hold)).await?;
    }
    Ok(After::Close)
}

pub(super) fn status_line(status: u16, response: &Response) -> Vec<u8> {
    let reason = match (&response.rs, status) {
        (Some(reason), _) => reason,
        (None, 299) => "Odd",
        // Those for which the recorded server had a phrase; consoles quote it.
        (None, 101 | 200 | 201 | 204 | 206 | 300..=304 | 307 | 308 | 400 | 401 | 403..=405 | 418 | 426 | 429 | 500)
        | (None, 502..=504) => reason_of(status),
        (None, _) => "Status",
    };
    latin1(&format!("HTTP/1.1 {status} {reason}\r\n"))
}
