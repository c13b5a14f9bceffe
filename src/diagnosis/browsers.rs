//! What each browser would show of the same answers: the recorded exchanges are judged again by each browser's own rules.
//!
//! Invariant: nothing is made up. Where a browser would have sent something that was not sent, its line is not known.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base::Wall;
use crate::browser::websocket::{Handshake, Loss, Socket};
use crate::browser::{Answer, Browser, Credentials, Fetch, Memory, Page, ScriptRequest, Step, Xhr, console};
use crate::profile::model::{Auth, Csp, Kind, Profile, Setting};
use crate::watch::{CheckReport, Code};
use crate::wire::{Exchange, Purpose};

/// One browser's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub browser: Browser,
    pub line: Line,
}

/// What its console says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Console(String),
    Nothing,
    /// It can't be told from what was sent.
    Unknown,
}

/// Stands for what the profile keeps as a secret: a header's name counts for a preflight, its value doesn't.
const HIDDEN: &str = "hidden";

/// Each browser's, the profile's own first.
pub fn each(profile: &Profile, report: &CheckReport) -> Vec<Shown> {
    let own = profile.browser;
    let others = [Browser::Chrome, Browser::Firefox, Browser::Safari].into_iter().filter(|browser| *browser != own);
    let line = report.console.as_deref().map_or(Line::Nothing, |line| Line::Console(line.to_owned()));
    let others = others.map(|browser| Shown { browser, line: again(profile, report, browser) });
    std::iter::once(Shown { browser: own, line }).chain(others).collect()
}

/// The first line that tells of a fault, request by request.
fn again(profile: &Profile, report: &CheckReport, browser: Browser) -> Line {
    let sent = report.exchanges.iter().map(AsRef::as_ref);
    let mut rest: Vec<&Exchange> = sent.filter(|one| one.request.purpose != Purpose::SignIn).collect();
    let at = report.scheduled.plus(report.lateness);
    if profile.request.csp == Csp::Auto {
        return Line::Unknown;
    }
    loop {
        let Some(answer) = judged(profile, &mut rest, browser, at) else { return Line::Unknown };
        if let Some(line) = answer.fault.as_ref().and_then(|_| answer.console_line()) {
            return Line::Console(line.to_owned());
        }
        if answer.fault.is_some() {
            return Line::Nothing;
        }
        if rest.is_empty() || profile.kind != Kind::SocketIo {
            return of_end(&answer, report, browser);
        }
    }
}

/// Of an answer that the script got, or of a socket that opened.
fn of_end(answer: &Answer, report: &CheckReport, browser: Browser) -> Line {
    let line = answer.console_line().map(|line| Line::Console(line.to_owned()));
    let (Some(_), Some(_), Some(last)) = (&report.close, &report.console, answer.last()) else {
        return line.unwrap_or(Line::Nothing);
    };
    // The profile's browser has a line for how it was lost.
    match report.reason.as_ref().map(|reason| reason.code) {
        Some(Code::ConnectionReset) => {
            console::of_loss(browser, &last.request.url, Loss::Reset).map_or(Line::Nothing, Line::Console)
        }
        _ => Line::Unknown,
    }
}

/// The next request of the page's script, by that browser; takes the exchanges that it consists of.
fn judged(profile: &Profile, rest: &mut Vec<&Exchange>, browser: Browser, at: Wall) -> Option<Box<Answer>> {
    let page = Page::new(profile.page_url(), browser);
    let page = match &profile.request.csp {
        Csp::Text(csp) => page.with_csp(Some(csp), None),
        _ => page,
    };
    let url = rest.first().map_or(&profile.url, |first| &first.request.url).clone();
    let is_socket =
        rest.first().map_or(profile.kind == Kind::WebSocket, |first| first.request.purpose == Purpose::Handshake);
    let memory = Memory::default();
    if is_socket {
        let key = rest.first().and_then(|first| first.request.headers.first("sec-websocket-key"));
        let key = key.and_then(|key| STANDARD.decode(key).ok()?.try_into().ok()).unwrap_or_default();
        let protocols = if profile.kind == Kind::SocketIo { Vec::new() } else { profile.websocket.protocols.clone() };
        let (mut handshake, step) =
            Handshake::start(page, Socket { url, protocols, extra: Vec::new() }, memory, key, at);
        return driven(step, rest, |exchange| handshake.on_exchange(exchange, at));
    }
    let actual = rest.iter().find(|one| one.request.purpose == Purpose::Actual).map(|one| &one.request);
    let (mut fetch, step) = if profile.kind == Kind::SocketIo {
        let method = actual.map_or_else(|| "GET".to_owned(), |request| request.method.clone());
        let body = actual.filter(|request| !request.body.is_empty()).map(|_| String::new());
        let with_credentials = profile.request.credentials == Credentials::Include;
        Fetch::xhr(page, Xhr { url, method, headers: headers(profile), body, with_credentials }, memory, at)
    } else {
        let mut script = ScriptRequest::get(url);
        script.method.clone_from(&profile.request.method);
        script.headers = headers(profile);
        script.body = profile.request.body.as_ref().map(plain);
        script.credentials = profile.request.credentials;
        Fetch::start(page, script, memory, at)
    };
    driven(step, rest, |exchange| fetch.on_exchange(exchange, at))
}

/// Answers each request with what was recorded of it; `None` where there is no such record.
fn driven(
    mut step: Step,
    rest: &mut Vec<&Exchange>,
    mut on_exchange: impl FnMut(Exchange) -> Step,
) -> Option<Box<Answer>> {
    loop {
        step = match step {
            Step::Done(answer) => return Some(answer),
            Step::Send(request) => {
                let same = |one: &&Exchange| {
                    let sent = &one.request;
                    (sent.purpose, &sent.method, &sent.url) == (request.purpose, &request.method, &request.url)
                };
                let found = rest.iter().position(same)?;
                let exchange = rest.drain(..=found).next_back()?.clone();
                on_exchange(exchange)
            }
        };
    }
}

fn headers(profile: &Profile) -> Vec<(String, String)> {
    let own = profile.request.headers.iter().map(|(name, value)| (name.clone(), plain(value)));
    let bearer = matches!(profile.auth, Auth::Bearer(_)).then(|| ("Authorization".to_owned(), HIDDEN.to_owned()));
    own.chain(bearer).collect()
}

fn plain(setting: &Setting) -> String {
    match setting {
        Setting::Plain(text) => text.to_string(),
        Setting::Secret(_) => HIDDEN.to_owned(),
    }
}
