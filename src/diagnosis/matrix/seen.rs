//! What came of one asker, and what all of them say together.

use super::{Asker, Why};
use crate::diagnosis::{CauseId, Facts, diagnose, words};
use crate::profile::{Kind, Profile};
use crate::watch::meaning::state_for;
use crate::watch::verdict::refine;
use crate::watch::{Category, CheckReport, Code, Outcome, Reason, State};
use crate::wire::{Exchange, Purpose};

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub asker: Asker,
    pub state: State,
    /// Nothing is wrong with it.
    pub healthy: bool,
    pub category: Category,
    pub cause: Option<CauseId>,
    /// A sentence.
    pub summary: String,
    pub status: Option<u16>,
    /// `Access-Control-Allow-Origin`, as answered; several values are joined.
    pub allow_origin: Option<String>,
    standing: Standing,
    /// It may read the answer by the server's leave alone.
    needs_leave: bool,
}

/// What one answer says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    In,
    Out,
    /// It was refused without a word: over the origin, where another asker is let in.
    Refused,
    Unknown,
}

impl Seen {
    /// Of a page; `profile` is that page's.
    pub fn of_page(asker: Asker, profile: &Profile, report: &CheckReport) -> Self {
        let facts = Facts::of_check(profile, report);
        let diagnosis = diagnose(&facts);
        let answer = report.exchanges.last().and_then(|last| last.response());
        Self {
            asker,
            state: report.state,
            healthy: diagnosis.cause == Some(CauseId::Ok) && report.outcome == Outcome::Up,
            category: diagnosis.category,
            cause: diagnosis.cause,
            summary: diagnosis.summary,
            status: report.status,
            allow_origin: answer.and_then(|answer| answer.headers.joined("access-control-allow-origin")),
            standing: standing(profile.kind, report),
            needs_leave: facts.is_cross_origin(),
        }
    }

    /// Of a program: `exchange` is the page's first request without its `Origin`; `None`: no page came so far as to send one.
    pub fn of_program(asker: Asker, exchange: Option<&Exchange>) -> Self {
        let Some(exchange) = exchange else {
            let summary = "No page came so far that it sent a request that could be repeated.".to_owned();
            return Self::told(asker, State::Disconnected, None, summary, Standing::Unknown);
        };
        let is_upgrade = exchange.request.purpose == Purpose::Handshake;
        let answer = match &exchange.result {
            Ok(answer) => answer,
            Err(error) => {
                let reason = Reason::from(error);
                let summary = format!("Without an Origin, too: {}.", words::phrase(&reason));
                return Self::told(asker, State::Error, Some(&reason), summary, Standing::Unknown);
            }
        };
        let code = match answer.status {
            101 => None,
            _ if is_upgrade => Some(Code::HandshakeStatus),
            ..400 => None,
            _ => Some(Code::Status),
        };
        let reason = code.map(|code| refine(Reason::new(code).with_status(answer.status), Some(answer)));
        let (state, standing) = match &reason {
            None => (State::Connected, Standing::In),
            Some(_) if in_trouble(Some(answer.status)) => (State::Error, Standing::Unknown),
            Some(reason) => match state_for(reason) {
                State::CorsError => (State::CorsError, Standing::Out),
                State::AuthRequired => (State::AuthRequired, Standing::Refused),
                _ => (State::Error, Standing::Refused),
            },
        };
        let summary = match answer.status {
            101 => "The socket opens to a program that sends no Origin.".to_owned(),
            status => format!("A program that sends no Origin is answered {}.", words::status_words(status)),
        };
        Self { status: Some(answer.status), ..Self::told(asker, state, reason.as_ref(), summary, standing) }
    }

    fn told(asker: Asker, state: State, reason: Option<&Reason>, summary: String, standing: Standing) -> Self {
        Self {
            asker,
            state,
            healthy: state == State::Connected,
            category: reason.map_or(Category::None, Reason::category),
            cause: None,
            summary,
            status: None,
            allow_origin: None,
            standing,
            needs_leave: false,
        }
    }
}

/// An error's answer has no headers of the application's, whoever asks.
fn in_trouble(status: Option<u16>) -> bool {
    matches!(status, Some(500.. | 429))
}

fn standing(kind: Kind, report: &CheckReport) -> Standing {
    let Some(reason) = report.reason.as_ref().filter(|_| report.outcome == Outcome::Down) else {
        return if report.outcome == Outcome::Unknown { Standing::Unknown } else { Standing::In };
    };
    let opened = report.exchanges.iter().any(|exchange| exchange.status() == Some(101));
    let in_trouble = in_trouble(report.status);
    match report.state {
        State::CorsError if in_trouble => Standing::Unknown,
        State::CorsError => Standing::Out,
        _ if report.status.is_none() || in_trouble => Standing::Unknown,
        // The page can read what it says.
        _ if kind == Kind::Http => Standing::In,
        _ if opened && reason.close != Some(1008) => Standing::In,
        _ if kind == Kind::SocketIo && report.exchanges.iter().any(|exchange| exchange.status() == Some(200)) => {
            Standing::In
        }
        _ => Standing::Refused,
    }
}

/// Whether the server lets that one in; `None`: nothing that was seen tells.
pub fn let_in<'a>(one: &Seen, all: impl IntoIterator<Item = &'a Seen>) -> Option<bool> {
    match one.standing {
        Standing::In => Some(true),
        Standing::Out => Some(false),
        Standing::Refused => all.into_iter().any(|other| other.standing == Standing::In).then_some(false),
        Standing::Unknown => None,
    }
}

/// The cause and a sentence, by what the others saw beside it: a server that gives another page leave has a list.
pub fn cause<'a>(one: &Seen, all: impl IntoIterator<Item = &'a Seen> + Clone) -> (Option<CauseId>, String) {
    let mut others = all.clone().into_iter();
    let by_list = match one.standing {
        Standing::Out if one.cause == Some(CauseId::CorsHeadersMissing) => {
            others.any(|other| other.standing == Standing::In && other.needs_leave)
        }
        Standing::Refused => let_in(one, all) == Some(false),
        _ => false,
    };
    match one.asker.origin().filter(|_| by_list) {
        Some(origin) => {
            let summary = format!("The server lets other pages in, and {origin} is not among them.");
            (Some(CauseId::OriginNotAllowed), summary)
        }
        None => (one.cause, one.summary.clone()),
    }
}

/// What all of it comes to, a sentence or two. `all`: as far as they have asked.
pub fn conclusion(all: &[Seen]) -> String {
    let pages: Vec<&Seen> = all.iter().filter(|one| one.asker.page.is_some()).collect();
    let has = |one: &Seen, wanted: bool| let_in(one, all) == Some(wanted);
    let of = |why: Why| pages.iter().copied().find(|one| one.asker.why == why);
    let Some(own) = of(Why::Own) else { return String::new() };
    let origin = |one: &Seen| one.asker.origin().unwrap_or_default();
    let mut text = match let_in(own, all) {
        Some(true) => format!("{} is let in", origin(own)),
        Some(false) => format!("{} is not let in", origin(own)),
        None => return format!("Nothing tells whether {} is let in: {}", origin(own), own.summary),
    };
    // The endpoint's own page mostly needs nobody's leave.
    let others = pages.iter().filter(|one| !matches!(one.asker.why, Why::Own | Why::Endpoint) && has(one, true));
    let others: Vec<String> = others.map(|one| origin(one)).collect();
    let own_in = has(own, true);
    let is = if others.len() == 1 { "is" } else { "are" };
    let more = match (of(Why::Foreign).is_some_and(|one| has(one, true)), others.join(", ")) {
        (true, _) if own_in => ", and so is a site that no list has: whoever asks is.".to_owned(),
        (true, _) => ", but a site that no list has is.".to_owned(),
        (false, none) if none.is_empty() && own_in => ", and no other page that was tried.".to_owned(),
        (false, none) if none.is_empty() => ", nor is any other page that was tried.".to_owned(),
        (false, others) if own_in => format!(", and so {is} {others}."),
        (false, others) => format!(", but {others} {is}."),
    };
    text.push_str(&more);
    text
}
