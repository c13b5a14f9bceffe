//! A JSON Web Token that was sent: whether it is one, and whether its time is over.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use crate::base::Wall;
use crate::diagnosis::{Facts, Fix};

/// What a token in the URL looks like from outside, its signature unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diagnosis::rules) enum Token {
    /// Its `exp` lies before now.
    Expired,
    /// Three parts that are no token.
    Malformed,
    /// Nothing is wrong that can be seen.
    Plausible,
}

/// The token that was sent: in the URL, or as a bearer.
pub(in crate::diagnosis::rules) fn given(facts: &Facts<'_>) -> Option<Token> {
    in_query(facts.url, facts.at).or_else(|| {
        let value = facts.last()?.request.headers.first_str("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| read(token.trim(), facts.at))
    })
}

/// How a page's script sends one along with a WebSocket.
pub(super) fn in_page(facts: &Facts<'_>) -> Option<Fix> {
    let name =
        |pair: (std::borrow::Cow<'_, str>, _)| NAMES.iter().copied().find(|known| pair.0.eq_ignore_ascii_case(known));
    let name = facts.url.query_pairs().find_map(name).unwrap_or("token");
    let (scheme, host, path) = (facts.url.scheme(), facts.host(), facts.url.path());
    facts.is_websocket().then(|| {
        Fix::at(
            "any",
            "In the page, with a token that was fetched just before.",
            format!("new WebSocket(`{scheme}://{host}{path}?{name}=${{encodeURIComponent(token)}}`)"),
        )
    })
}

/// What a query calls its token.
const NAMES: [&str; 5] = ["token", "access_token", "jwt", "auth", "auth_token"];

/// The token that the URL carries, if it carries one.
pub(in crate::diagnosis::rules) fn in_query(url: &Url, now: Wall) -> Option<Token> {
    let (_, value) = url.query_pairs().find(|(name, _)| NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)))?;
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
