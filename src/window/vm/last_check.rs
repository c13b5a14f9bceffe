//! The last check, or a session's last handshake: a waterfall of its phases, and each request and answer whole.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::why::close_line;
use super::{local, words};
use crate::base::Wall;
use crate::diagnosis::{Facts, words as reasons};
use crate::model::{HandshakeSeen, Watched};
use crate::profile::Profile;
use crate::watch::meaning::state_for;
use crate::watch::{CheckReport, State};
use crate::wire::{Exchange, Headers, Purpose, TlsFacts, command};

/// More of a body than this is not laid out; copying takes all that is kept.
const BODY_SHOWN: usize = 16 * 1024;

/// A bar of the waterfall, in milliseconds since the check began.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    pub name: &'static str,
    pub start: f32,
    pub length: f32,
}

/// One request and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeVm {
    /// `Preflight OPTIONS https://api.test/`
    pub title: String,
    /// `204 No Content`, or the failure.
    pub outcome: String,
    pub failed: bool,
    pub bars: Vec<Bar>,
    pub request: String,
    /// `None`: none came.
    pub answer: Option<String>,
    /// Name and value: address, TLS, certificate.
    pub facts: Vec<(&'static str, String)>,
    pub curl: String,
    pub websocat: Option<String>,
    /// Request and answer, all that is kept of them.
    pub whole: String,
}

/// The whole of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LastCheckVm {
    /// `Check at 14:02:31.204`
    pub title: String,
    pub outcome: String,
    pub state: Option<State>,
    pub reason: String,
    /// The browser's console line, word for word.
    pub console: Option<String>,
    /// How the WebSocket ended, where one did.
    pub close: Option<String>,
    /// What stands beside the verdict: title and text.
    pub beside: Vec<(&'static str, String)>,
    /// Our own lateness.
    pub lateness: Option<String>,
    pub exchanges: Vec<ExchangeVm>,
    /// How long the waterfall is, in milliseconds.
    pub total: f32,
}

impl LastCheckVm {
    /// The newest of the last check and the last handshake; `None`: there has been none.
    pub fn build(watched: &Watched, now: Wall, zone: &TimeZone) -> Option<Self> {
        let check = watched.last_check.as_ref();
        let handshake = watched.last_handshake.as_ref();
        let profile = watched.profile.as_deref();
        match (check, handshake) {
            (Some((at, report)), Some(seen)) if seen.at <= *at => Some(Self::of_check(*at, report, profile, now, zone)),
            (Some((at, report)), None) => Some(Self::of_check(*at, report, profile, now, zone)),
            (_, Some(seen)) => {
                let close =
                    watched.last_close.as_ref().filter(|(at, _)| seen.at <= *at).map(|(_, facts)| close_line(facts));
                Some(Self::of_handshake(seen, close, profile, now, zone))
            }
            (None, None) => None,
        }
    }

    /// A session's handshake; `close`: how what it opened ended. Without the profile nothing stands beside it.
    pub fn of_handshake(
        seen: &HandshakeSeen,
        close: Option<String>,
        profile: Option<&Profile>,
        now: Wall,
        zone: &TimeZone,
    ) -> Self {
        let evidence = profile
            .map(|profile| Facts::of_session(profile, seen.reason.as_ref(), Some(&seen.exchange), None, seen.at));
        let (exchanges, total) = waterfall(std::slice::from_ref(&seen.exchange), now, zone);
        let outcome = match (&seen.reason, &seen.protocol) {
            (None, None) => "Opened".to_owned(),
            (None, Some(protocol)) => format!("Opened, protocol {protocol}"),
            (Some(_), _) => "Refused".to_owned(),
        };
        Self {
            title: format!("Handshake at {}, attempt {}", moment(seen.at, now, zone), seen.attempt.max(1)),
            outcome,
            state: Some(seen.reason.as_ref().map_or(State::Connected, state_for)),
            reason: seen.reason.as_ref().map(reasons::phrase).unwrap_or_default(),
            console: None,
            close,
            beside: beside(evidence),
            lateness: None,
            exchanges,
            total,
        }
    }

    /// A check's; `profile` as for [`LastCheckVm::of_handshake`].
    pub fn of_check(at: Wall, report: &CheckReport, profile: Option<&Profile>, now: Wall, zone: &TimeZone) -> Self {
        let all: Vec<Arc<Exchange>> = report.exchanges.iter().chain(&report.further).cloned().collect();
        let (exchanges, total) = waterfall(&all, now, zone);
        let mut outcome = reasons::outcome(report.outcome).to_owned();
        if let Some(took) = report.phases.total {
            outcome.push_str(&format!(" in {}", words::latency(took)));
        }
        Self {
            title: format!("Check at {}", moment(at, now, zone)),
            outcome,
            state: Some(report.state),
            reason: report.reason.as_ref().map(reasons::phrase).unwrap_or_default(),
            console: report.console.as_deref().map(str::to_owned),
            close: report.close.as_ref().map(close_line),
            beside: beside(profile.map(|profile| Facts::of_check(profile, report))),
            lateness: (Duration::from_millis(1) <= report.lateness)
                .then(|| format!("started {} late", words::latency(report.lateness))),
            exchanges,
            total,
        }
    }
}

fn beside(evidence: Option<Facts<'_>>) -> Vec<(&'static str, String)> {
    let remarks = evidence.map(|facts| facts.remarks()).unwrap_or_default();
    remarks.into_iter().map(|remark| (remark.about.title(), remark.entry())).collect()
}

fn moment(at: Wall, now: Wall, zone: &TimeZone) -> String {
    if local::day(at, zone) == local::day(now, zone) { local::millis(at, zone) } else { local::whole(at, zone) }
}

/// One by itself, without its waterfall.
pub(super) fn of_exchange(exchange: &Exchange, now: Wall, zone: &TimeZone) -> ExchangeVm {
    exchange_vm(exchange, Vec::new(), now, zone)
}

fn waterfall(exchanges: &[Arc<Exchange>], now: Wall, zone: &TimeZone) -> (Vec<ExchangeVm>, f32) {
    let mut start = 0.0;
    let mut shown = Vec::new();
    for exchange in exchanges {
        let (bars, took) = bars(exchange, start);
        start += took;
        shown.push(exchange_vm(exchange, bars, now, zone));
    }
    (shown, start)
}

/// The phases one after the other from `start` on, and how long they took together.
fn bars(exchange: &Exchange, start: f32) -> (Vec<Bar>, f32) {
    let mut at = start;
    let mut bars = Vec::new();
    for (name, took) in exchange.phases.iter() {
        let length = took.as_secs_f32() * 1e3;
        bars.push(Bar { name: phase_word(name), start: at, length });
        at += length;
    }
    let total = exchange.phases.total.map_or(at - start, |total| (total.as_secs_f32() * 1e3).max(at - start));
    // What a failure cut short, and what passed between the phases, is time too.
    let rest = start + total - at;
    if exchange.result.is_err() && 0.5 < rest {
        bars.push(Bar { name: "until it failed", start: at, length: rest });
    }
    (bars, total)
}

fn phase_word(name: &'static str) -> &'static str {
    match name {
        "dns" => "DNS",
        "connect" => "TCP",
        "proxy" => "Proxy",
        "tls" => "TLS",
        "first_byte" => "First byte",
        "body" => "Body",
        other => other,
    }
}

fn exchange_vm(exchange: &Exchange, bars: Vec<Bar>, now: Wall, zone: &TimeZone) -> ExchangeVm {
    let request = &exchange.request;
    let purpose = match request.purpose {
        Purpose::Actual => "Request",
        Purpose::Preflight => "Preflight",
        Purpose::Handshake => "Handshake",
        Purpose::SignIn => "Sign-in",
        Purpose::Asked(ask) => reasons::asked(ask),
    };
    let (outcome, failed) = match &exchange.result {
        Ok(answer) => match &answer.transfer.error {
            Some(error) => (format!("{}, but {error} ({})", reasons::status_words(answer.status), error.code()), true),
            None => (reasons::status_words(answer.status), 400 <= answer.status),
        },
        Err(error) => (format!("{error} ({})", error.code()), true),
    };
    let head = request_head(exchange);
    let answer_head = exchange.response().map(answer_head);
    let answer_body = exchange.response().map(|answer| body(&answer.body, answer.body_size));
    let answer = answer_head.as_ref().zip(answer_body).map(|(head, body)| joined(head, &body));
    let kept = exchange.response().map(|answer| String::from_utf8_lossy(&answer.body).into_owned());
    let whole_answer = answer_head.zip(kept).map(|(head, body)| joined(&head, &body));
    let request_whole = joined(&head, &String::from_utf8_lossy(&request.body));
    ExchangeVm {
        title: format!("{purpose} {} {}", request.method, request.url),
        outcome,
        failed,
        bars,
        request: joined(&head, &body(&request.body, request.body.len() as u64)),
        answer,
        facts: facts(exchange, now, zone),
        curl: command::curl(request),
        websocat: command::websocat(request),
        whole: match whole_answer {
            Some(answer) => format!("{request_whole}\n\n{answer}"),
            None => request_whole,
        },
    }
}

fn request_head(exchange: &Exchange) -> String {
    let request = &exchange.request;
    let path = &request.url[url::Position::BeforePath..url::Position::AfterQuery];
    let version = exchange.response().map_or("HTTP/1.1", |answer| answer.version.word());
    format!("{} {path} {version}\n{}", request.method, fields(&request.headers))
}

fn answer_head(answer: &crate::wire::WireResponse) -> String {
    format!("{} {} {}\n{}", answer.version.word(), answer.status, answer.reason, fields(&answer.headers))
}

fn joined(head: &str, body: &str) -> String {
    let head = head.trim_end();
    if body.is_empty() { head.to_owned() } else { format!("{head}\n\n{body}") }
}

fn fields(headers: &Headers) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value))).collect()
}

/// A body to be read: its text as far as it is shown, or how many bytes it has.
fn body(kept: &[u8], size: u64) -> String {
    if kept.is_empty() {
        return String::new();
    }
    let shown = &kept[..kept.len().min(BODY_SHOWN)];
    let text = match std::str::from_utf8(shown) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&shown[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return format!("{} that are not text", words::bytes(size)),
    };
    let mut text = text.to_owned();
    if (text.len() as u64) < size {
        text.push_str(&format!("\n… the first {} of {}", words::bytes(text.len() as u64), words::bytes(size)));
    }
    text
}

fn facts(exchange: &Exchange, now: Wall, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    facts.extend(exchange.peer.map(|peer| ("Address", peer.to_string())));
    facts.extend(exchange.proxy.clone().map(|proxy| ("Proxy", proxy)));
    if 1 < exchange.tried.len() || exchange.tried.iter().any(|attempt| attempt.error.is_some()) {
        let tried = exchange.tried.iter().map(|attempt| match &attempt.error {
            Some(error) => format!("{}: {error} after {}", attempt.address, words::latency(attempt.took)),
            None => format!("{} in {}", attempt.address, words::latency(attempt.took)),
        });
        facts.push(("Tried", tried.collect::<Vec<_>>().join("; ")));
    }
    if let Some(tls) = &exchange.tls {
        tls_facts(tls, now, zone, &mut facts);
    }
    facts
}

fn tls_facts(tls: &TlsFacts, now: Wall, zone: &TimeZone, facts: &mut Vec<(&'static str, String)>) {
    let agreed: Vec<&str> =
        [&tls.version, &tls.cipher, &tls.alpn].into_iter().filter_map(|one| one.as_deref()).collect();
    if !agreed.is_empty() {
        facts.push(("TLS", agreed.join(", ")));
    }
    let Some(leaf) = tls.chain.first() else { return };
    facts.push(("Certificate", leaf.subject.clone()));
    if !leaf.names.is_empty() {
        facts.push(("For", leaf.names.join(", ")));
    }
    facts.push(("Issued by", if leaf.self_signed { "itself".to_owned() } else { leaf.issuer.clone() }));
    let (from, to) = (local::whole(leaf.not_before, zone), local::whole(leaf.not_after, zone));
    let left = if leaf.not_after < now {
        format!("expired {} ago", words::lasted(now.since(leaf.not_after)))
    } else if now < leaf.not_before {
        "not valid yet".to_owned()
    } else {
        format!("{} left", words::lasted(leaf.not_after.since(now)))
    };
    facts.push(("Valid", format!("{from} – {to} ({left})")));
    facts.push(("SHA-256", leaf.sha256.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{Code, Outcome, Reason};
    use crate::wire::{CertFacts, HttpVersion, NetError, Phase, Phases, WireRequest, WireResponse};

    const ZONE: TimeZone = TimeZone::UTC;
    const NOW: Wall = Wall(1_700_000_000_000_000);

    fn exchange(purpose: Purpose, result: Result<WireResponse, NetError>) -> Arc<Exchange> {
        let ms = |ms| Some(Duration::from_millis(ms));
        Arc::new(Exchange {
            request: WireRequest {
                purpose,
                method: if purpose == Purpose::Preflight { "OPTIONS".into() } else { "GET".into() },
                url: "https://api.test/a?b=1".parse().unwrap(),
                headers: [("Host", "api.test")].into_iter().collect(),
                body: bytes::Bytes::new(),
            },
            result,
            phases: Phases { dns: ms(2), connect: ms(3), total: ms(10), ..Phases::default() },
            peer: Some("10.0.0.7:443".parse().unwrap()),
            tried: Vec::new(),
            tls: Some(TlsFacts {
                version: Some("TLSv1.3".into()),
                chain: vec![CertFacts {
                    subject: "CN=api.test".into(),
                    issuer: "CN=Test CA".into(),
                    names: vec!["api.test".into()],
                    not_before: NOW.minus(Duration::from_secs(86_400)),
                    not_after: NOW.plus(Duration::from_secs(20 * 86_400)),
                    self_signed: false,
                    sha256: "ab".into(),
                }],
                ..TlsFacts::default()
            }),
            proxy: None,
        })
    }

    fn answer(status: u16, body: &'static [u8], size: u64) -> WireResponse {
        WireResponse {
            version: HttpVersion::Http11,
            status,
            reason: "Whatever".into(),
            headers: [("Content-Type", "text/plain")].into_iter().collect(),
            body: body.into(),
            body_size: size,
            transfer: crate::wire::Transfer::plain(size),
        }
    }

    fn report(exchanges: Vec<Arc<Exchange>>) -> LastCheckVm {
        let report = CheckReport {
            outcome: Outcome::Down,
            state: State::CorsError,
            reason: Some(Reason::new(Code::MissingAllowOriginHeader).with_status(502)),
            scheduled: NOW,
            lateness: Duration::from_micros(300),
            phases: Phases { total: Some(Duration::from_millis(20)), ..Phases::default() },
            status: Some(502),
            exchanges,
            preflighted: true,
            console: None,
            close: None,
            steps: Vec::new(),
            further: Vec::new(),
        };
        LastCheckVm::of_check(NOW, &report, None, NOW, &ZONE)
    }

    #[test]
    fn the_waterfall_runs_through_all_exchanges() {
        let got = report(vec![
            exchange(Purpose::Preflight, Ok(answer(204, b"", 0))),
            exchange(Purpose::Actual, Err(NetError::ConnectionReset { phase: Phase::Tls })),
        ]);
        let bars: Vec<String> = got
            .exchanges
            .iter()
            .flat_map(|exchange| &exchange.bars)
            .map(|bar| format!("{} {:.0}+{:.0}", bar.name, bar.start, bar.length))
            .collect();
        assert_eq!(bars, ["DNS 0+2", "TCP 2+3", "DNS 10+2", "TCP 12+3", "until it failed 15+5"]);
        assert_eq!(got.total.round(), 20.0);
        assert_eq!(got.outcome, "Down in 20 ms");
        assert_eq!(got.exchanges[0].title, "Preflight OPTIONS https://api.test/a?b=1");
        assert_eq!(got.exchanges[1].outcome, "the peer reset the connection (net::ERR_CONNECTION_RESET)");
    }

    #[test]
    fn request_and_answer_are_whole_and_a_cut_body_says_so() {
        let got = report(vec![exchange(Purpose::Actual, Ok(answer(502, b"bad gateway", 99)))]);
        let exchange = &got.exchanges[0];
        assert_eq!(exchange.request, "GET /a?b=1 HTTP/1.1\nHost: api.test");
        assert_eq!(
            exchange.answer.as_deref(),
            Some("HTTP/1.1 502 Whatever\nContent-Type: text/plain\n\nbad gateway\n… the first 11 B of 99 B")
        );
        assert!(exchange.failed);
    }

    #[test]
    fn a_certificate_says_how_long_it_lasts() {
        let got = report(vec![exchange(Purpose::Actual, Ok(answer(200, b"\xff\xfe", 2)))]);
        let facts: Vec<String> =
            got.exchanges[0].facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(facts[..4], ["Address: 10.0.0.7:443", "TLS: TLSv1.3", "Certificate: CN=api.test", "For: api.test"]);
        assert!(facts[5].ends_with("(20 days left)"), "{facts:?}");
        assert!(got.exchanges[0].answer.as_deref().unwrap().ends_with("2 B that are not text"));
    }
}
