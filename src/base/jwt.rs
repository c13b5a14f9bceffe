//! What a JSON Web Token says of itself without its key: when it ends (RFC 7519, section 4.1.4).
//!
//! Invariant: nothing is verified here; nothing of the token but its end is ever shown.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Wall;

/// The longest payload that is read, in characters.
const MOST: usize = 16 * 1024;

/// Three parts with dots between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jwt {
    /// The one in the middle is no JSON object in Base64.
    Unreadable,
    /// `expires`: its `exp`, where it has one.
    Claims { expires: Option<Wall> },
}

/// Reads a token; `None`: it is of another kind, which says nothing of itself.
pub fn read(text: &str) -> Option<Jwt> {
    let mut parts = text.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let claims = (payload.len() <= MOST).then_some(payload.trim_end_matches('=')).and_then(|payload| {
        let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes).ok()
    });
    Some(match claims {
        None => Jwt::Unreadable,
        Some(claims) => {
            Jwt::Claims { expires: claims.get("exp").and_then(serde_json::Value::as_f64).map(Wall::from_secs_f64) }
        }
    })
}

/// Before and after the end of one that was replaced.
const MARK: (&str, &str) = ("[redacted JWT, expires ", "]");

/// What stands in the place of a token that is kept secret, where its end is known.
pub(super) fn mark(secret: &str) -> Option<String> {
    let token = secret.strip_prefix("Bearer ").unwrap_or(secret);
    match read(token)? {
        Jwt::Claims { expires: Some(at) } => Some(format!("{}{at}{}", MARK.0, MARK.1)),
        Jwt::Claims { expires: None } | Jwt::Unreadable => None,
    }
}

/// When the token ends in whose place that was left in `text`.
pub fn marked(text: &str) -> Option<Wall> {
    let (_, rest) = text.split_once(MARK.0)?;
    let (at, _) = rest.split_once(MARK.1)?;
    at.parse::<jiff::Timestamp>().ok().map(|at| Wall(at.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_says_when_it_ends() {
        let end = |secs: i64| Some(Jwt::Claims { expires: Some(Wall(secs * 1_000_000)) });
        assert_eq!(read(&token("{\"exp\":1600000000}")), end(1_600_000_000));
        assert_eq!(read(&token("{\"sub\":\"x\"}")), Some(Jwt::Claims { expires: None }));
        assert_eq!(read(&token("[1]")), Some(Jwt::Unreadable));
        assert_eq!(read("abc.def.ghi"), Some(Jwt::Unreadable));
        assert_eq!(read("opaque"), None);
        assert_eq!(read(&token(&format!("{{\"x\":\"{}\"}}", "y".repeat(MOST)))), Some(Jwt::Unreadable));
    }

    #[test]
    fn its_end_outlives_its_replacement() {
        for secret in [token("{\"exp\":1600000000}"), format!("Bearer {}", token("{\"exp\":1600000000}"))] {
            let mark = mark(&secret).unwrap();
            assert_eq!(mark, "[redacted JWT, expires 2020-09-13T12:26:40.000Z]");
            assert_eq!(marked(&format!("x {mark} y")), Some(Wall(1_600_000_000_000_000)));
        }
        assert_eq!(mark("opaque"), None);
        for other in ["", "[redacted]", "[redacted JWT, expires soon]", "[redacted JWT, expires "] {
            assert_eq!(marked(other), None, "{other}");
        }
    }
}
