//! A reading as one JSON document.

use serde_json::{Value, json};

use crate::engine::against::Tried;
use crate::serverconf::{Finding, Guard, Observed, Place, Reading, SocketIo};

pub(super) fn document(reading: &Reading, tried: &[Tried]) -> Value {
    json!({
        "policy": reading.policy.guards.iter().map(guard).collect::<Vec<_>>(),
        "socketio": socketio(&reading.policy.socketio),
        "findings": reading.findings.iter().map(|found| finding(reading, found)).collect::<Vec<_>>(),
        "against": tried.iter().map(one).collect::<Vec<_>>(),
        "not_read": reading.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn one(tried: &Tried) -> Value {
    json!({
        "origin": tried.origin,
        "configured": tried.configured,
        "observed": tried.observed.map(|observed| observed == Observed::LetIn),
        "why": tried.why,
    })
}

fn guard(guard: &Guard) -> Value {
    let listed = guard.origins.listed().iter().map(|allowed| {
        let mut out = json!({ "origin": allowed.what.text(), "from": allowed.from.word() });
        place(&mut out, &allowed.at);
        out
    });
    let mut out = json!({
        "guards": guard.thing.word(),
        "allows": guard.origins.word(),
        "origins": listed.collect::<Vec<_>>(),
        "credentials": guard.credentials,
        "methods": guard.methods,
        "headers": guard.headers,
        "path": guard.path,
    });
    place(&mut out, &guard.at);
    out
}

fn socketio(told: &SocketIo) -> Value {
    let seconds = |time: Option<std::time::Duration>| time.map(|time| time.as_secs_f64());
    let transports = told.transports.as_ref();
    json!({
        "used": told.used,
        "transports": transports.map(|list| list.iter().map(|transport| transport.word()).collect::<Vec<_>>()),
        "ping_interval_s": seconds(told.ping_interval),
        "ping_timeout_s": seconds(told.ping_timeout),
        "connect_timeout_s": seconds(told.connect_timeout),
        "rate_limiting": told.rate_limiting,
        "rate_limit_connections": told.rate_limit_connections,
        "max_connections_per_user": told.max_connections_per_user,
        "cleanup_interval_s": seconds(told.cleanup_interval),
    })
}

fn finding(reading: &Reading, finding: &Finding) -> Value {
    let mut out = json!({
        "cause": finding.rule.as_str(),
        "severity": finding.severity.word(),
        "text": finding.text,
        "instead": finding.instead,
        "source": reading.line(&finding.at),
    });
    place(&mut out, &finding.at);
    out
}

/// Where it stands.
fn place(out: &mut Value, at: &Place) {
    out["file"] = json!(at.file.display().to_string());
    out["line"] = json!(at.line);
    out["column"] = json!(at.column);
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::CauseId;
    use crate::serverconf::Rule;

    #[test]
    fn a_rule_that_is_a_cause_has_the_text_of_one_and_no_other_has() {
        for rule in Rule::ALL {
            assert_eq!(CauseId::parse(rule.as_str()).is_some(), rule.is_cause(), "{rule}");
        }
    }
}
