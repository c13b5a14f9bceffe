//! An answer as it is written: one JSON object, the fields of the contract in its order.

use std::time::Duration;

use serde::Serialize;
use url::Url;

use super::run::Replayed;
use crate::browser::cookie;
use crate::wire::{Exchange, Phase, Purpose};

/// One line of the output.
#[derive(Debug, Default, Serialize)]
pub(super) struct Written<'a> {
    id: Option<&'a str>,
    outcome: Option<&'static str>,
    code: Option<&'a str>,
    status: Option<u16>,
    preflighted: bool,
    requests: Vec<Request<'a>>,
    response_type: Option<&'static str>,
    exposed_headers: &'a [String],
    console: Option<&'a str>,
    console_all: &'a [String],
    close: Option<Close<'a>>,
    ready_state: Option<u8>,
    timing_ms: Timing,
    unknowable: Vec<&'static str>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Request<'a> {
    method: &'a str,
    url: String,
    origin: Option<String>,
    cookies: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Close<'a> {
    code: u16,
    reason: &'a str,
    clean: bool,
}

/// Milliseconds, to the microsecond.
#[derive(Debug, Default, Serialize)]
struct Timing {
    dns: Option<f64>,
    connect: Option<f64>,
    tls: Option<f64>,
    preflight: Option<f64>,
    first_byte: Option<f64>,
    total: Option<f64>,
}

/// The answer's line to a case that was run.
pub(super) fn of_answer(id: &str, replayed: &Replayed) -> String {
    let Replayed { answer, total, unheard } = replayed;
    let last = answer.last().map(|exchange| exchange.phases).unwrap_or_default();
    let preflights = answer.exchanges.iter().filter(|exchange| exchange.request.purpose == Purpose::Preflight);
    let preflight = preflights.filter_map(|exchange| exchange.phases.total).reduce(|a, b| a + b);
    let exchanges = answer.exchanges.iter().enumerate();
    let heard = exchanges.filter(|(at, exchange)| was_sent(exchange) && !unheard.contains(at));
    line(&Written {
        id: Some(id),
        outcome: Some(answer.outcome.word()),
        code: answer.code(),
        status: answer.status,
        preflighted: answer.preflighted,
        requests: heard.map(|(_, exchange)| request(exchange)).collect(),
        response_type: answer.response_type.map(|kind| kind.word()),
        exposed_headers: &answer.exposed_headers,
        console: answer.console_line(),
        console_all: &answer.console.lines,
        close: answer.close.as_ref().map(|event| Close { code: event.code, reason: &event.reason, clean: event.clean }),
        ready_state: answer.ready_state,
        timing_ms: Timing {
            dns: last.dns.map(milliseconds),
            connect: last.connect.map(milliseconds),
            tls: last.tls.map(milliseconds),
            preflight: preflight.map(milliseconds),
            first_byte: last.first_byte.map(milliseconds),
            total: (!answer.exchanges.is_empty()).then(|| milliseconds(*total)),
        },
        unknowable: answer.unknowable.iter().map(|one| one.word()).collect(),
        error: answer.exception(),
    })
}

/// The answer's line to what could not be run.
pub(super) fn of_refusal(id: Option<&str>, error: &str) -> String {
    line(&Written { id, error: Some(super::super::harmless(error)), ..Written::default() })
}

fn line(written: &Written<'_>) -> String {
    // Strings, numbers and lists of them: there is nothing that JSON can't hold.
    serde_json::to_string(written).unwrap_or_default()
}

fn milliseconds(took: Duration) -> f64 {
    took.as_micros() as f64 / 1000.0
}

/// Its connection came up: up to the end of TLS, where there is TLS.
fn was_sent(exchange: &Exchange) -> bool {
    match &exchange.result {
        Ok(_) => true,
        Err(error) => Phase::Request <= error.phase(),
    }
}

fn request(exchange: &Exchange) -> Request<'_> {
    let request = &exchange.request;
    Request {
        method: &request.method,
        url: without_secrets(&request.url),
        origin: request.headers.first("origin").map(|value| String::from_utf8_lossy(value).into_owned()),
        cookies: request.headers.all("cookie").flat_map(cookie::names).collect(),
    }
}

/// As the request line and `Host` say it: neither userinfo nor fragment is sent there.
fn without_secrets(url: &Url) -> String {
    let mut url = url.clone();
    // They fail only where there is no host.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_fragment(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_its_fields_all_the_same_and_commands_no_terminal() {
        assert_eq!(
            of_refusal(None, "a\u{1b}[2J"),
            "{\"id\":null,\"outcome\":null,\"code\":null,\"status\":null,\"preflighted\":false,\"requests\":[],\
             \"response_type\":null,\"exposed_headers\":[],\"console\":null,\"console_all\":[],\"close\":null,\
             \"ready_state\":null,\"timing_ms\":{\"dns\":null,\"connect\":null,\"tls\":null,\"preflight\":null,\
             \"first_byte\":null,\"total\":null},\"unknowable\":[],\"error\":\"a·[2J\"}"
        );
    }

    #[test]
    fn of_urls_what_goes_out_is_told() {
        let url = Url::parse("http://u:p@api.test:80/a?b#c").unwrap();
        assert_eq!(without_secrets(&url), "http://api.test/a?b");
    }
}
