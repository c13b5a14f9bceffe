//! The language of a case's script: JSON that says what each request of the case is answered.
//!
//! `{"hops": [HOP, ...], "rep": 1}`: request number `n` (the URL's) gets the hop of that number, the last one beyond the
//! end; with `rep` the first hop answers so many times before the second. A header line that begins with `~` begins with
//! `Access-Control-Allow-`. In header lines and `raw`, `{origin}` `{acrm}` `{acrh}` `{host}` stand for what the request says,
//! `{pad:N}` for N letters, `{next:ORIGIN}` for the next hop's URL at that origin; a line that begins with `{times:N}` goes
//! out N times, `{i}` in it counting from 0.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};

use crate::lab::conn::Head;

/// A case's script.
#[derive(Debug, Deserialize)]
pub(super) struct Script {
    hops: Vec<Hop>,
    #[serde(default = "one")]
    rep: usize,
}

/// What one hop answers.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Hop {
    /// Any request but those below.
    m: Option<Response>,
    /// A CORS preflight.
    o: Option<Response>,
    /// A WebSocket handshake.
    pub(super) w: Option<Response>,
    /// By the request's `Last-Event-ID`: "1" gets the first.
    e: Option<Vec<Response>>,
    /// By the request's `X-Pick`.
    #[serde(default)]
    x: HashMap<String, Response>,
}

/// One answer. Those of its fields that only a handshake has are at the end.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Response {
    pub(super) st: Option<u16>,
    pub(super) rs: Option<String>,
    #[serde(default)]
    pub(super) h: Vec<String>,
    #[serde(default)]
    pub(super) b: String,
    /// Milliseconds before it.
    #[serde(default)]
    pub(super) d: u64,
    pub(super) act: Option<Act>,
    /// The whole answer, each character a byte.
    pub(super) raw: Option<String>,
    pub(super) cl: Option<Length>,
    /// Milliseconds that the connection stays open after the body.
    pub(super) hold: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    pub(super) up: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub(super) co: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub(super) ac: Option<Option<String>>,
    pub(super) pr: Option<String>,
    #[serde(default)]
    pub(super) f: Vec<Vec<serde_json::Value>>,
}

/// What happens in place of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Act {
    Close,
    Reset,
    /// Silence for 20 s, then the end.
    Hang,
}

/// `cl`: `false` for no `Content-Length`, or a number in place of the true one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Length {
    Told(bool),
    Claimed(u64),
}

/// The request's place in its script.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) hop: usize,
    /// As it stands in the URL.
    pub(super) script: Option<String>,
}

impl Place {
    pub(super) fn of(head: &Head) -> Self {
        let mut place = Self { id: String::new(), hop: 0, script: None };
        for (name, value) in url::form_urlencoded::parse(head.query().as_bytes()) {
            match &*name {
                "id" => place.id = value.into_owned(),
                "n" => place.hop = value.parse().unwrap_or(0),
                "s" => place.script = Some(value.into_owned()),
                _ => {}
            }
        }
        place
    }

    /// The hop that answers; `None` where the script can't be read.
    pub(super) fn hop(&self) -> Option<Hop> {
        let Some(text) = self.script.as_deref().filter(|text| !text.is_empty()) else { return Some(Hop::default()) };
        let json = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        let Script { mut hops, rep } = serde_json::from_slice(&json).ok()?;
        let at = (self.hop + 1).saturating_sub(rep).min(hops.len().checked_sub(1)?);
        Some(hops.swap_remove(at))
    }
}

impl Hop {
    /// The answer to that request, handshakes that have one of their own apart.
    pub(super) fn answer(self, head: &Head) -> Response {
        let preflight = head.method == "OPTIONS" && head.headers.contains("access-control-request-method");
        let missing = || Response { st: Some(404), ..Response::default() };
        if preflight && self.o.is_some() {
            return self.o.unwrap_or_else(missing);
        }
        if !preflight {
            let last = head.header("last-event-id").parse::<usize>().ok();
            if let (Some(mut answers), Some(last)) = (self.e, last)
                && !answers.is_empty()
            {
                return answers.swap_remove(last.clamp(1, answers.len()) - 1);
            }
            if let Some(picked) = self.x.get(head.header("x-pick")) {
                return picked.clone();
            }
        }
        self.m.unwrap_or_else(missing)
    }
}

impl Response {
    /// The header lines as they go out, each character a byte.
    pub(super) fn lines(&self, head: &Head, place: &Place) -> Vec<String> {
        let mut out = Vec::new();
        for line in &self.h {
            let times = line.strip_prefix("{times:").and_then(|rest| rest.split_once('}'));
            let (count, line) = match times.and_then(|(count, line)| Some((count.parse::<usize>().ok()?, line))) {
                Some((count, line)) => (Some(count), line),
                None => (None, line.as_str()),
            };
            for number in 0..count.unwrap_or(1) {
                let line = if count.is_some() { line.replace("{i}", &number.to_string()) } else { line.to_owned() };
                let line = match line.strip_prefix('~') {
                    Some(rest) => format!("Access-Control-Allow-{rest}"),
                    None => line,
                };
                out.push(fill(&line, head, place));
            }
        }
        out
    }
}

/// Puts in what the request says.
pub(super) fn fill(text: &str, head: &Head, place: &Place) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    let header = |name: &str| head.headers.first_str(name).unwrap_or_default();
    let mut text = text
        .replace("{origin}", head.headers.first_str("origin").unwrap_or("null"))
        .replace("{acrm}", header("access-control-request-method"))
        .replace("{acrh}", header("access-control-request-headers"))
        .replace("{host}", header("host"));
    text = each(&text, "{pad:", |count| "a".repeat(count.parse().unwrap_or(0)));
    each(&text, "{next:", |origin| {
        let script = place.script.as_ref().map(|script| format!("&s={script}")).unwrap_or_default();
        format!("{origin}{}?id={}&n={}{script}", head.path(), place.id, place.hop + 1)
    })
}

/// Replaces each `{name:argument}`; `opening` is its first part.
fn each(text: &str, opening: &str, with: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(opening) {
        let Some((argument, after)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str(&with(argument));
        rest = after;
    }
    out + rest
}

/// Each character a byte; what is beyond a byte is lost.
pub(super) fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}

fn one() -> usize {
    1
}

/// Tells `null` from nothing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(target: &str, headers: &[(&str, &str)]) -> Head {
        let headers = headers.iter().map(|(name, value)| (*name, *value)).collect();
        Head { method: "GET".into(), target: target.into(), headers, ..Head::default() }
    }

    fn with(script: &str, hop: usize, headers: &[(&str, &str)]) -> (Head, Place) {
        let head = asked(&format!("/r?id=a&n={hop}&s={}", URL_SAFE_NO_PAD.encode(script)), headers);
        let place = Place::of(&head);
        (head, place)
    }

    #[track_caller]
    fn check(script: &str, hop: usize, headers: &[(&str, &str)], expected: u16) {
        let (head, place) = with(script, hop, headers);
        assert_eq!(place.hop().unwrap().answer(&head).st, Some(expected));
    }

    #[test]
    fn hops_answer_by_number_and_the_last_beyond_the_end() {
        let two = r#"{"hops": [{"m": {"st": 301}}, {"m": {"st": 200}}]}"#;
        check(two, 0, &[], 301);
        check(two, 7, &[], 200);
        let repeated = r#"{"rep": 3, "hops": [{"m": {"st": 301}}, {"m": {"st": 200}}]}"#;
        check(repeated, 2, &[], 301);
        check(repeated, 3, &[], 200);
    }

    #[test]
    fn a_request_may_pick_its_answer_by_what_it_carries() {
        let script = r#"{"hops": [{"m": {"st": 1}, "e": [{"st": 2}, {"st": 3}], "x": {"b": {"st": 4}}}]}"#;
        check(script, 0, &[], 1);
        check(script, 0, &[("Last-Event-ID", "1")], 2);
        check(script, 0, &[("Last-Event-ID", "9")], 3);
        check(script, 0, &[("X-Pick", "b")], 4);
    }

    #[test]
    fn lines_are_filled_in_and_repeated() {
        let script = r#"{"hops": [{"m": {"h": ["~Origin: {origin}", "{times:2}X-{i}: {pad:3}", "Location: {next:http://b}"]}}]}"#;
        let (head, place) = with(script, 1, &[("Origin", "http://a")]);
        let lines = place.hop().unwrap().answer(&head).lines(&head, &place);
        let next = format!("Location: http://b/r?id=a&n=2&s={}", place.script.as_deref().unwrap());
        assert_eq!(lines, ["Access-Control-Allow-Origin: http://a", "X-0: aaa", "X-1: aaa", &next]);
    }
}
