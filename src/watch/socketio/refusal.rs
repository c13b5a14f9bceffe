//! What a server says where it refuses: an Engine.IO request, or a namespace. Each server has its own words.

use std::time::Duration;

use serde_json::Value;

use crate::base::Wall;
use crate::protocol::engine_io::{Refusal, RefusalCode};
use crate::watch::meaning::{names_credentials, names_the_origin, names_the_rate};
use crate::watch::{Code, Reason};
use crate::wire::WireResponse;

/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What an answer other than 200 to an Engine.IO request means; `None`: nothing that the protocol knows. Engine.IO's own servers
/// on Node say a number ([errors](https://github.com/socketio/engine.io/blob/main/docs/README.md)), python-engineio a
/// sentence.
pub fn of_answer(answer: &WireResponse) -> Option<Reason> {
    if answer.status < 400 {
        return None;
    }
    let refusal = Refusal::decode(&answer.body)?;
    let code = match refusal.code {
        Some(RefusalCode::TransportUnknown) => Code::UnknownTransport,
        Some(RefusalCode::SessionIdUnknown) => Code::UnknownSession,
        Some(RefusalCode::BadHandshakeMethod) => Code::BadHandshakeMethod,
        Some(RefusalCode::BadRequest) => Code::BadRequest,
        Some(RefusalCode::Forbidden) => of_words(&refusal.message).unwrap_or(Code::RequestForbidden),
        Some(RefusalCode::UnsupportedProtocolVersion) => Code::UnsupportedProtocolVersion,
        None => of_words(&refusal.message)?,
    };
    Some(Reason::new(code).with_status(answer.status).with_detail(&refusal.message))
}

/// What the payload of a CONNECT_ERROR (an ERROR in Socket.IO 2) means: `{"message": …}`, or a bare string.
pub fn of_namespace(data: &Value) -> Reason {
    let message = match data {
        Value::Object(fields) => fields.get("message").and_then(Value::as_str).unwrap_or_default(),
        Value::String(text) => text,
        _ => "",
    };
    let unknown = matches!(message, "Invalid namespace" | "Unable to connect");
    // Middleware on Node sends data along, often with an HTTP status.
    let number = ["/data/code", "/data/status", "/data/statusCode"].iter().find_map(|at| data.pointer(at)?.as_u64());
    let code = match (of_words(message), number) {
        _ if unknown => Code::NamespaceUnknown,
        (Some(code), _) => code,
        (None, Some(401)) => Code::AuthRequired,
        (None, Some(429)) => Code::RateLimited,
        (None, _) => Code::NamespaceRefused,
    };
    Reason::new(code).with_detail(message)
}

fn of_words(message: &str) -> Option<Code> {
    if names_the_rate(message) {
        Some(Code::RateLimited)
    } else if names_the_origin(message) {
        Some(Code::OriginRefused)
    } else if names_credentials(message) {
        Some(Code::AuthRequired)
    } else {
        None
    }
}

/// How long the answer says to wait: [Retry-After](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3), in seconds or as a
/// date, an hour at most.
pub fn retry_after(answer: &WireResponse, now: Wall) -> Option<Duration> {
    let value = answer.headers.first_str("Retry-After")?.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = jiff::fmt::rfc2822::parse(value).ok()?.timestamp().as_microsecond();
            Duration::from_micros(u64::try_from(until.saturating_sub(now.0)).unwrap_or(0))
        }
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{HttpVersion, Transfer};
    use bytes::Bytes;

    fn answer(status: u16, body: &str) -> WireResponse {
        WireResponse {
            version: HttpVersion::Http11,
            status,
            reason: String::new(),
            headers: [("Retry-After", body)].into_iter().collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            body_size: body.len() as u64,
            transfer: Transfer::plain(body.len() as u64),
        }
    }

    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        let got = of_answer(&answer(status, body)).map_or("-", |reason| reason.code.as_str());
        assert_eq!(got, expected, "{body}");
    }

    #[test]
    fn nodes_servers_say_a_number() {
        check(400, r#"{"code":0,"message":"Transport unknown"}"#, "unknown_transport");
        check(400, r#"{"code":1,"message":"Session ID unknown"}"#, "unknown_session");
        check(400, r#"{"code":3,"message":"Bad request"}"#, "bad_request");
        check(403, r#"{"code":4,"message":"Forbidden"}"#, "request_forbidden");
        check(403, r#"{"code":4,"message":"origin not allowed"}"#, "origin_refused");
        check(400, r#"{"code":5,"message":"Unsupported protocol version"}"#, "unsupported_protocol_version");
        check(400, r#"{"code":77,"message":"?"}"#, "-");
    }

    #[test]
    fn pythons_servers_say_a_sentence() {
        check(400, r#""Invalid session T1x""#, "unknown_session");
        check(400, r#""Invalid transport""#, "unknown_transport");
        check(400, r#""Not an accepted origin.""#, "origin_refused");
        check(400, r#""Invalid websocket upgrade""#, "bad_request");
        check(
            400,
            r#""The client is using an unsupported version of the Socket.IO or Engine.IO protocols""#,
            "unsupported_protocol_version",
        );
        check(401, r#""Unauthorized""#, "auth_required");
        check(400, "<html>", "-");
        check(200, r#""Invalid transport""#, "-");
    }

    #[test]
    fn a_namespace_is_refused_for_what_its_words_say() {
        let check = |text: &str, expected: &str| {
            assert_eq!(of_namespace(&serde_json::from_str(text).unwrap()).code.as_str(), expected, "{text}");
        };
        check(r#"{"message":"Invalid namespace"}"#, "namespace_unknown");
        check(r#""Unable to connect""#, "namespace_unknown");
        check(r#"{"message":"authentication required"}"#, "auth_required");
        check(r#"{"message":"Rate limit exceeded"}"#, "rate_limited");
        check(r#"{"message":"admins only"}"#, "namespace_refused");
        check(r#"{"message":"no","data":{"code":401}}"#, "auth_required");
        check(r#"{"message":"no","data":{"status":429}}"#, "rate_limited");
        check("[1]", "namespace_refused");
    }

    #[test]
    fn a_server_says_how_long_to_wait() {
        let check = |value: &str, seconds: Option<u64>| {
            assert_eq!(retry_after(&answer(429, value), Wall(0)), seconds.map(Duration::from_secs), "{value}");
        };
        check("7", Some(7));
        check("999999", Some(3600));
        check("Thu, 01 Jan 1970 00:01:00 GMT", Some(60));
        check("Wed, 31 Dec 1969 23:59:00 GMT", Some(0));
        check("soon", None);
    }
}
