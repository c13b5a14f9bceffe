//! A JSON Web Token that was sent: whether it is one, and whether its time is over.

use url::Url;

use crate::base::Wall;
use crate::base::jwt::{self, Jwt};
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
    let request = facts.last().map(|exchange| &exchange.request);
    in_query(request.map_or(facts.url, |request| &request.url), facts.at)
        .or_else(|| in_query(facts.url, facts.at))
        .or_else(|| {
            let value = request?.headers.first_str("authorization")?;
            let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            match token {
                Some((_, token)) => Some(read(token.trim(), facts.at)),
                // Kept secret as a whole, with the word before it.
                None => jwt::marked(value).map(|_| read(value, facts.at)),
            }
        })
        .or_else(|| in_payload(facts))
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

/// One that was kept secret, in what a Socket.IO connection sent by polling: its CONNECT packet's payload.
fn in_payload(facts: &Facts<'_>) -> Option<Token> {
    let sent = facts.exchanges.iter().map(|exchange| String::from_utf8_lossy(&exchange.request.body));
    sent.filter(|body| jwt::marked(body).is_some()).map(|body| read(&body, facts.at)).next()
}

/// What a query calls its token.
const NAMES: [&str; 5] = ["token", "access_token", "jwt", "auth", "auth_token"];

/// The token that the URL carries, if it carries one.
pub(in crate::diagnosis::rules) fn in_query(url: &Url, now: Wall) -> Option<Token> {
    let (_, value) = url.query_pairs().find(|(name, _)| NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)))?;
    Some(read(&value, now))
}

/// A token that was kept secret has left its end.
fn read(text: &str, now: Wall) -> Token {
    let expires = match (jwt::marked(text), jwt::read(text)) {
        (Some(at), _) => Some(at),
        (None, None) => None, // Not every token is a JWT.
        (None, Some(Jwt::Unreadable)) => return Token::Malformed,
        (None, Some(Jwt::Claims { expires })) => expires,
    };
    if expires.is_some_and(|at| at < now) { Token::Expired } else { Token::Plausible }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Option<Token>) {
        let url = Url::parse(&format!("ws://a.test/ws?{query}")).unwrap();
        assert_eq!(in_query(&url, Wall(1_700_000_000_000_000)), expected, "{query}");
    }

    #[test]
    fn a_token_is_judged_by_its_own_claims() {
        let claims =
            |text: &str| format!("token=e30.{}.sig", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text));
        check(&claims("{\"exp\":1600000000}"), Some(Token::Expired));
        check(&claims("{\"exp\":4102444800}"), Some(Token::Plausible));
        check(&claims("{\"sub\":1}"), Some(Token::Plausible));
        check("token=abc.def.ghi", Some(Token::Malformed));
        check("token=opaque", Some(Token::Plausible));
        check("x=1", None);
        check("token=[redacted JWT, expires 2020-09-13T12:26:40.000Z]", Some(Token::Expired));
        check("token=[redacted JWT, expires 2100-01-01T00:00:00.000Z]", Some(Token::Plausible));
    }
}
