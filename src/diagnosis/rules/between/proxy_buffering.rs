//! A stream of events is held back and comes all at once.

use std::time::Duration;

use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::ProxyBuffering, look, fixes };

/// An event that takes longer to come has been waited for.
const LATE: Duration = Duration::from_millis(700);

fn look(facts: &Facts<'_>) -> Fit {
    let Some((exchange, response)) = facts.last().and_then(|last| Some((last, last.response()?))) else {
        return Fit::No;
    };
    if !response.is_event_stream() || response.status != 200 {
        return Fit::No;
    }
    let text = String::from_utf8_lossy(&response.body);
    let events = text.split("\n\n").filter(|event| event.lines().any(|line| line.starts_with("data"))).count();
    // A proxy that compresses sends the head by itself, one that buffers keeps that back, too.
    let body = exchange.phases.body.unwrap_or_default();
    let after = response.transfer.body_after.unwrap_or_default();
    let silence = exchange.phases.first_byte.unwrap_or_default() + after;
    let rest = body.saturating_sub(after);
    if events < 2 || silence < LATE || silence / 10 < rest {
        return Fit::No;
    }
    let coding = response.headers.first_str("content-encoding").unwrap_or_default();
    let by = if coding.is_empty() { String::new() } else { format!(" Its {coding} coding keeps events back, too.") };
    let summary = format!(
        "{} sends {events} events at once after {:.1} s of silence: something on the way buffers the stream.{by}",
        facts.host(),
        silence.as_secs_f32()
    );
    Fit::Fits(Match::new(0.87, summary).sign(format!(
        "nothing for {} ms, then everything in {} ms",
        silence.as_millis(),
        rest.as_millis()
    )))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Switch buffering and compression (gzip) off for this path, at the proxy or by the answer's own X-Accel-Buffering: no.",
        ),
        Fix::at("nginx", "In the location of the stream.", "proxy_buffering off;\ngzip off;"),
        Fix::at(
            "apache",
            "For the path of the stream; flushpackets stands at its ProxyPass, too.",
            "SetEnv no-gzip 1\nSetEnv proxy-sendchunked 1",
        ),
        Fix::at("caddy", "Within reverse_proxy, and no encode for this path.", "flush_interval -1"),
        Fix::at("haproxy", "In the backend, and no compression for this type.", "option http-no-delay"),
    ]
}
