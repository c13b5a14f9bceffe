//! The same answers, as each browser's console tells of them.

use super::*;
use crate::diagnosis::browsers::{Line, each};

impl Case {
    /// Chrome's line is as the check has it; of Firefox's and Safari's these pieces are told.
    #[track_caller]
    fn shows(self, firefox: &str, safari: &str) {
        let said: Vec<String> = each(&self.profile, &self.report)
            .into_iter()
            .map(|shown| match shown.line {
                Line::Console(line) => line,
                Line::Nothing => "nothing".to_owned(),
                Line::Unknown => "unknown".to_owned(),
            })
            .collect();
        let own = self.report.console.as_deref().unwrap_or("nothing");
        let told = |line: &str, piece: &str| if piece == "nothing" { line == piece } else { line.contains(piece) };
        assert!(said[0] == own && told(&said[1], firefox) && told(&said[2], safari), "{said:#?}");
    }
}

fn missing() -> Reason {
    reason(Code::MissingAllowOriginHeader).with_status(200)
}

#[test]
fn a_refusal_is_told_in_each_browsers_own_words() {
    let mut case = Case::new(APP, API, missing()).answered(Purpose::Actual, 200, "");
    case.report.console = Some("Access to fetch at …".into());
    case.shows("CORS header ‘Access-Control-Allow-Origin’ missing", "not allowed by Access-Control-Allow-Origin");
    let case = Case::new(APP, WS, reason(Code::HandshakeStatus).with_status(403));
    case.answered(Purpose::Handshake, 403, "")
        .shows("can’t establish a connection", "did not accept the WebSocket handshake");
    network_shows(NetError::ConnectionRefused, "CORS request did not succeed", "nothing");
}

#[track_caller]
fn network_shows(error: NetError, firefox: &str, safari: &str) {
    let mut case = Case::new(APP, API, Reason::from(&error));
    case.exchange(Purpose::Actual, Err(error));
    case.shows(firefox, safari);
}

#[test]
fn a_preflight_counts_by_the_names_of_headers_whose_values_are_secret() {
    let mut case = Case::new(APP, API, missing()).answered(Purpose::Preflight, 200, "");
    case.profile.auth = Auth::Bearer(Setting::Secret("token".into()));
    case.shows("Access-Control-Allow-Origin", "Access-Control-Allow-Origin");
}

#[test]
fn what_works_shows_nothing_and_what_was_not_sent_is_not_known() {
    let allowed = "Access-Control-Allow-Origin: *";
    let mut case = Case::new(APP, API, missing()).answered(Purpose::Actual, 200, allowed);
    case.report.reason = None;
    case.shows("nothing", "nothing");
    Case::new(APP, API, reason(Code::Offline)).shows("unknown", "unknown");
    // A preflight where none was sent.
    let mut case = Case::new(APP, API, missing()).answered(Purpose::Actual, 200, "");
    case.profile.request.headers.push(("X-Own".into(), Setting::Plain("1".into())));
    case.shows("unknown", "unknown");
    // Nobody sends this; Firefox throws, and has no line.
    let mixed = Case::new("https://app.test", "ws://api.test/", reason(Code::MixedContent));
    mixed.shows("nothing", "requested insecure content");
}
