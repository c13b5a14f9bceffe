//! A JSON Web Token in the query: whether it is one, and whether its time is over.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use crate::base::Wall;

/// What a token in the URL looks like from outside, its signature unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Its `exp` lies before now.
    Expired,
    /// Three parts that are no token.
    Malformed,
    /// Nothing is wrong that can be seen.
    Plausible,
}

/// The token that the URL carries, if it carries one: `token`, `access_token`, `jwt`, `auth`.
pub(super) fn in_query(url: &Url, now: Wall) -> Option<Token> {
    let (_, value) = url.query_pairs().find(|(name, _)| {
        ["token", "access_token", "jwt", "auth", "auth_token"].iter().any(|known| name.eq_ignore_ascii_case(known))
    })?;
    Some(read(&value, now))
}

fn read(text: &str, now: Wall) -> Token {
    let mut parts = text.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Token::Plausible; // Not every token is a JWT.
    };
    if 16 * 1024 < payload.len() {
        return Token::Malformed;
    }
    let claims = URL_SAFE_NO_PAD
        .decode(payload.trim_end_matches('='))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    let Some(claims) = claims else { return Token::Malformed };
    match claims.get("exp").and_then(serde_json::Value::as_f64) {
        Some(exp) if exp < now.as_secs_f64() => Token::Expired,
        _ => Token::Plausible,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Option<Token>) {
        let url = Url::parse(&format!("ws://a.test/ws?{query}")).unwrap();
        assert_eq!(in_query(&url, Wall(1_700_000_000_000_000)), expected, "{query}");
    }

    #[test]
    fn a_token_is_judged_by_its_own_claims() {
        let claims = |text: &str| format!("token=e30.{}.sig", URL_SAFE_NO_PAD.encode(text));
        check(&claims("{\"exp\":1600000000}"), Some(Token::Expired));
        check(&claims("{\"exp\":4102444800}"), Some(Token::Plausible));
        check(&claims("{\"sub\":1}"), Some(Token::Plausible));
        check("token=abc.def.ghi", Some(Token::Malformed));
        check("token=opaque", Some(Token::Plausible));
        check("x=1", None);
    }
}
