//! What stands between: evidence as proxies and firewalls leave it, with what was asked besides.

use super::*;
use crate::profile::model::Transport;
use crate::watch::{SocketChange, SocketStep, Stuck, TransportStep};
use crate::wire::Ask;

const SIO: &str = "http://localhost:5000/socket.io/?EIO=4&transport=polling";
const OPEN: &str = "0{\"sid\":\"a\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000}";
const NGINX: &str = "Server: nginx/1.22.1\nContent-Type: text/html";

impl Case {
    /// A Socket.IO connection that came out well, by polling.
    fn polling() -> Self {
        let mut case = Self::failing(SIO, reason(Code::Status));
        case.report.reason = None;
        case.report.outcome = Outcome::Up;
        case.report.state = State::Connected;
        case.answered(Purpose::Actual, 200, &format!("Access-Control-Allow-Origin: {APP}\n\n{OPEN}"))
    }

    fn failing(url: &str, reason: Reason) -> Self {
        let mut case = Self::new(APP, url, reason);
        if url == SIO {
            case.profile.kind = Kind::SocketIo;
        }
        case
    }

    fn broke(mut self, purpose: Purpose, error: NetError) -> Self {
        self.exchange(purpose, Err(error));
        self
    }

    /// The last exchange was asked besides.
    fn then_asked(mut self, ask: Ask) -> Self {
        let mut exchange = Arc::unwrap_or_clone(self.report.exchanges.pop().unwrap());
        exchange.request.purpose = Purpose::Asked(ask);
        self.report.further.push(Arc::new(exchange));
        self
    }

    /// The last exchange took so long to its first byte, and from there to its end.
    fn took(mut self, first_byte: u64, body: u64) -> Self {
        let exchange = Arc::get_mut(self.report.exchanges.last_mut().unwrap()).unwrap();
        exchange.phases.first_byte = Some(Duration::from_millis(first_byte));
        exchange.phases.body = Some(Duration::from_millis(body));
        self
    }

    fn wants(&self, ask: Ask) -> bool {
        wanted(&Facts::of_check(&self.profile, &self.report)).contains(&ask)
    }
}

fn reset() -> NetError {
    NetError::ConnectionReset { phase: crate::wire::Phase::FirstByte }
}

#[test]
fn polling_that_works_beside_an_upgrade_that_does_not_is_no_healthy_connection() {
    let upgrade = |status, text: &str| Case::polling().answered(Purpose::Handshake, status, text);
    upgrade(400, "Server: nginx/1.22.1\n\n\"Invalid websocket upgrade\"").is("proxy-drops-upgrade");
    upgrade(400, "\n\n{\"code\":3,\"message\":\"Bad request\"}").is("proxy-drops-upgrade");
    let blocked = "Server: CorpGate/4.1\nContent-Type: text/html\n\n<h1>Access blocked by corporate policy</h1>";
    upgrade(403, blocked).is("firewall-blocks-upgrade");
    Case::polling().broke(Purpose::Handshake, reset()).is("firewall-blocks-upgrade");
    Case::polling()
        .broke(Purpose::Handshake, NetError::TunnelRefused { status: 403 })
        .is("forward-proxy-blocks-connect");
    let mut swallowed = upgrade(101, "");
    let step = TransportStep::Stuck { why: Stuck::Unanswered, reason: None };
    let transport = Transport::WebSocket;
    swallowed.report.steps.push(SocketStep { at: Duration::ZERO, what: SocketChange::Transport { transport, step } });
    swallowed.is("firewall-swallows-frames");
    // Given up by the client while the handshake still hung: nothing was recorded of it.
    let mut hung = Case::polling();
    let reason = Some(Reason::new(Code::Timeout).with_detail("upgrade"));
    let step = TransportStep::Stuck { why: Stuck::Refused, reason };
    hung.report.steps.push(SocketStep { at: Duration::ZERO, what: SocketChange::Transport { transport, step } });
    hung.is("firewall-blocks-upgrade");
}

#[test]
fn a_server_that_has_polling_alone_is_told_from_a_dropped_upgrade_by_asking() {
    let own = || Case::polling().answered(Purpose::Handshake, 400, "Server: nginx/1.22.1\n\n\"Invalid transport\"");
    assert!(own().wants(Ask::Upgrade));
    let dropped = own().answered(Purpose::Handshake, 400, "\n\n\"Invalid websocket upgrade\"").then_asked(Ask::Upgrade);
    dropped.is("proxy-drops-upgrade");
    let alone = own().answered(Purpose::Handshake, 400, "\n\n\"Invalid transport\"").then_asked(Ask::Upgrade);
    let cause = diagnose(&Facts::of_check(&alone.profile, &alone.report)).cause;
    assert_ne!(cause, Some(CauseId::ProxyDropsUpgrade));
}

#[test]
fn an_upgrade_that_is_reset_where_a_get_is_answered_is_blocked() {
    let own = || Case::failing(WS, Reason::from(&reset())).broke(Purpose::Handshake, reset());
    assert!(own().wants(Ask::PlainGet));
    own().answered(Purpose::Actual, 404, "").then_asked(Ask::PlainGet).is("firewall-blocks-upgrade");
}

#[test]
fn a_session_without_leave_to_read_it_is_a_stripped_origin_where_any_other_gets_the_same() {
    let text = format!("Access-Control-Allow-Credentials: true\n\n{OPEN}");
    let own = || Case::failing(SIO, reason(Code::MissingAllowOriginHeader)).answered(Purpose::Actual, 200, &text);
    assert!(own().wants(Ask::ForeignOrigin));
    own().answered(Purpose::Actual, 200, &text).then_asked(Ask::ForeignOrigin).is("origin-stripped-by-proxy");
    let refused =
        own().answered(Purpose::Actual, 400, "\n\n\"Not an accepted origin.\"").then_asked(Ask::ForeignOrigin);
    let cause = diagnose(&Facts::of_check(&refused.profile, &refused.report)).cause;
    assert_ne!(cause, Some(CauseId::OriginStrippedByProxy));
}

#[test]
fn an_application_that_refuses_its_own_origin_behind_a_proxy_sees_another_host() {
    let mut case = Case::failing(SIO, reason(Code::OriginRefused).with_status(400)).answered(
        Purpose::Actual,
        400,
        "Server: nginx/1.22.1\n\n\"Not an accepted origin.\"",
    );
    case.profile.page = Some(Url::parse("http://localhost:5000/").unwrap());
    assert!(case.wants(Ask::PortlessOrigin));
    let diagnosis = case.is("host-not-forwarded");
    let nginx = diagnosis.fixes.iter().find(|fix| fix.stack == "nginx").unwrap();
    assert_eq!(nginx.snippet.as_deref(), Some("proxy_set_header Host $http_host;"));
}

#[test]
fn a_proxys_own_page_and_another_applications_are_told_from_the_applications() {
    let missing = || Case::failing(SIO, reason(Code::MissingAllowOriginHeader).with_status(404));
    let page = format!("{NGINX}\n\n<center>nginx/1.22.1</center>");
    missing().answered(Purpose::Actual, 404, &page).is("path-not-proxied");
    let spa = format!("{NGINX}\n\n<!doctype html><div id=app></div>");
    let own = || Case::failing(SIO, reason(Code::MissingAllowOriginHeader)).answered(Purpose::Actual, 200, &spa);
    assert!(own().wants(Ask::NoSuchPath));
    own().answered(Purpose::Actual, 200, &spa).then_asked(Ask::NoSuchPath).is("path-served-by-other-app");
}

#[test]
fn events_that_come_all_at_once_were_held_back() {
    let events = "Content-Type: text/event-stream\n\ndata: 0\n\ndata: 1\n\ndata: 2\n\n";
    let slow = || Case::failing(API, reason(Code::Slow)).answered(Purpose::Actual, 200, events);
    slow().took(3000, 2).is("proxy-buffering");
    let diagnosis = slow().took(800, 2000);
    let cause = diagnose(&Facts::of_check(&diagnosis.profile, &diagnosis.report)).cause;
    assert_ne!(cause, Some(CauseId::ProxyBuffering));
}

#[test]
fn a_quiet_socket_that_is_cut_and_one_with_pings_that_stays_are_a_proxys_time_out() {
    let cut = |case: Case| {
        let mut case = case.answered(Purpose::Handshake, 101, "");
        let script = ScriptClose { code: 1006, reason: "".into(), clean: false };
        case.report.close = Some(CloseFacts { code: None, reason: "".into(), by: ClosedBy::Network, script });
        case
    };
    let own = || cut(Case::failing(WS, reason(Code::ClosedAbnormally)));
    assert!(own().wants(Ask::IdleWait));
    let waited = |case: Case, text: &str, quiet| {
        case.answered(Purpose::Handshake, 101, text).took(1, quiet).then_asked(Ask::IdleWait)
    };
    let quiet = waited(own(), "\n\nhello\n[end]\n", 3000);
    waited(quiet, "\n\nhello\n", 4800).is("proxy-idle-timeout");
    // It falls however much is said.
    let quiet = waited(own(), "\n\n[end]\n", 1300);
    waited(quiet, "\n\n[end]\n", 1300).is("abnormal-close");
}
