//! The proxy cuts a connection on which nothing has come for so many seconds.

use super::backend_timeout::is_long_poll;
use super::handshake;
use crate::diagnosis::ask::cut_after;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};
use crate::watch::{ClosedBy, Code};
use crate::wire::Ask;

pub(super) const RULE: Rule = Rule { cause: CauseId::ProxyIdleTimeout, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if is_long_poll(facts) {
        let summary = format!(
            "{} ends a poll that waits with 504: the proxy's read time-out is shorter than the server's ping interval.",
            facts.host()
        );
        return Fit::Fits(Match::new(0.9, summary).sign("504 to a poll of a session that was open"));
    }
    if let Some(after) = by_a_clock(facts) {
        let summary = format!(
            "{} dropped the open socket without a close frame after {after} s, as proxies cut quiet connections.",
            facts.host()
        );
        return Fit::Fits(Match::new(0.65, summary).sign(format!("it was open for {after} s")));
    }
    let cut = facts.close.is_some_and(|close| close.by == ClosedBy::Network && close.code.is_none());
    if !cut || handshake(facts).is_none() {
        return Fit::No;
    }
    let host = facts.host();
    let guess = format!("{host} dropped the open socket without a close frame: a proxy's idle time-out looks so.");
    let mut waits = facts.asked_all(Ask::IdleWait);
    let Some(alone) = waits.next() else {
        return Fit::CantTell(Match::new(0.3, guess).asks(&[Ask::IdleWait]));
    };
    let Some(quiet) = cut_after(alone) else { return Fit::No };
    let seconds = quiet.as_secs_f32();
    // A time-out is set in seconds.
    let round = (seconds - seconds.round()).abs() < 0.25;
    let summary = format!(
        "A connection to {host} that is quiet for {seconds:.1} s is cut without a close frame: a proxy's idle time-out."
    );
    let found = |confidence| {
        Match::new(confidence, summary.clone()).sign(format!("cut after {seconds:.1} s without a message"))
    };
    match waits.next() {
        Some(kept) if cut_after(kept).is_none() => {
            Fit::Fits(found(0.95).sign("with a ping now and then the same connection stays"))
        }
        // A ping stops at a proxy that reads frames: the time-out may be its all the same.
        Some(_) if round => Fit::CantTell(found(0.5)),
        Some(_) => Fit::No,
        None if round => Fit::Fits(found(0.82)),
        None => Fit::CantTell(found(0.5)),
    }
}

/// The time-out that people set which a dropped socket lived for, in seconds, a fiftieth more at most.
pub(in crate::diagnosis::rules) fn by_a_clock(facts: &Facts<'_>) -> Option<u32> {
    let open_for = facts.open_for.filter(|_| facts.code() == Some(Code::ClosedAbnormally))?.as_secs_f64();
    [5, 10, 15, 20, 30, 45, 50, 60, 75, 90, 100, 120, 180, 240, 300, 350, 600, 900, 1800, 3600]
        .into_iter()
        .find(|&secs| (0.0..=0.02).contains(&(open_for / f64::from(secs) - 1.0)))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any(
            "Raise the proxy's idle time-out for this path (nginx proxy_read_timeout, Apache ProxyTimeout, HAProxy timeout tunnel), and send a heartbeat more often than it.",
        ),
        Fix::at("nginx", "In the location, longer than the heartbeat's interval.", "proxy_read_timeout 3600s;"),
        Fix::at("apache", "In the virtual host.", "ProxyTimeout 3600"),
        Fix::at("haproxy", "In the backend (or defaults), for upgraded connections.", "timeout tunnel 1h"),
        Fix::at("caddy", "Within reverse_proxy.", "stream_timeout 24h"),
    ]
}
