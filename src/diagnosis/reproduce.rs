//! Did a check from here find what a person's browser told of?
//!
//! Invariant: [`judge`] is pure and never says more than was seen: that a failure isn't found here does not mean that it isn't
//! there, and what could make the difference is named.

use std::time::Duration;

use url::Url;

use super::Facts;
use crate::browser::console::heard::{self, Heard};
use crate::browser::local_network::Decision;
use crate::browser::unknowable::Unknowable;
use crate::browser::{Browser, Credentials};
use crate::profile::intake::{Draft, Form, Missing};
use crate::profile::model::Kind;
use crate::watch::{CheckReport, Outcome as Came, Reason};

/// How long a WebSocket is stayed with, to see how it ends.
pub const STAY: Duration = Duration::from_secs(3);

/// What a source says that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub kind: Kind,
    pub url: Url,
    pub page: Option<Url>,
    pub browser: Option<Browser>,
    /// What the console said.
    pub console: Vec<Heard>,
    /// The network's error, in Chromium's name.
    pub error: Option<String>,
    pub status: Option<u16>,
    /// It tells of a failure at all.
    pub failed: bool,
    /// What was not given by then.
    pub missing: Vec<Missing>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Reproduced {
        /// The very code or status, not only that it fails.
        same: bool,
    },
    NotReproduced {
        /// What was found in its place; `None`: it works.
        saw: Option<Reason>,
        /// What may make the difference.
        but: Vec<Why>,
    },
    CannotFromHere {
        why: Vec<Why>,
    },
}

/// Why a check from here may come to something else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It was not given.
    Missing(Missing),
    /// It is in the person's browser.
    Unknowable(Unknowable),
    /// The person's way to the server is another one: its network, proxy, VPN, DNS.
    AnotherNetwork,
    /// The page's own script did it.
    OwnScript,
    /// The check could not be made.
    NotMade,
    /// The source tells of no failure.
    NoFailure,
}

impl Claim {
    /// Of a draft, as it is by now: what was asked for and given is filled in.
    pub fn of(draft: &Draft) -> Self {
        let seen = &draft.seen;
        let fatal = seen.console.iter().any(|heard| heard.is_fatal);
        let status = seen.status.or_else(|| seen.console.iter().find_map(|heard| heard.status));
        let gone = |missing: &&Missing| match missing {
            Missing::Page => draft.profile.page.is_some(),
            Missing::Browser => draft.browser.is_some(),
            Missing::Secret { name, .. } => draft.secrets.iter().any(|(known, _)| known == name),
            Missing::Kind | Missing::Value { .. } => false,
        };
        Self {
            kind: draft.profile.kind,
            url: draft.profile.url.clone(),
            page: draft.profile.page.clone(),
            browser: draft.browser,
            console: seen.console.clone(),
            error: seen.error.clone(),
            status,
            failed: fatal || seen.error.is_some() || status.is_some_and(|status| 400 <= status),
            missing: draft.missing.iter().filter(|missing| !gone(missing)).cloned().collect(),
        }
    }

    /// The same where the draft's source has that form. Only a console and a HAR can say how it went: who brings a command, a
    /// script or an address says that it fails.
    pub fn told(draft: &Draft, form: Option<Form>) -> Self {
        let is_mute = !matches!(form, Some(Form::Console | Form::Har));
        let claim = Self::of(draft);
        Self { failed: claim.failed || is_mute, ..claim }
    }

    /// Everything that it says by a code.
    fn codes(&self) -> Vec<&str> {
        let heard = self.console.iter().filter(|heard| heard.is_fatal).flat_map(|heard| &heard.codes);
        // `net::ERR_FAILED` stands for any refusal.
        let of_error = self.error.iter();
        heard.chain(of_error).map(String::as_str).filter(|code| *code != "net::ERR_FAILED").collect()
    }
}

/// The drafts in the order in which a person would try them: what failed, then WebSockets that brought messages, then the rest;
/// each as the source has them.
pub fn order(drafts: &[Draft]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|index| {
        let draft = &drafts[*index];
        (!Claim::of(draft).failed, draft.seen.messages.is_empty())
    });
    order
}

/// Whether the check found it.
pub fn judge(claim: &Claim, report: &CheckReport, facts: &Facts<'_>) -> Outcome {
    let codes = claim.codes();
    let theirs = only_there(claim, &codes);
    if !theirs.is_empty() {
        return Outcome::CannotFromHere { why: theirs };
    }
    if report.outcome == Came::Unknown {
        return Outcome::CannotFromHere { why: vec![Why::NotMade] };
    }
    let failed = report.outcome == Came::Down;
    let ours = codes_of(report);
    let same_code = codes.iter().any(|code| ours.iter().any(|own| own == code));
    let same_status = claim.status.is_some() && claim.status == facts.status();
    if failed && claim.failed {
        // A status that both name decides between two failures of one code.
        let contradicts = claim.status.is_some() && facts.status().is_some() && !same_status;
        if same_code && !contradicts {
            return Outcome::Reproduced { same: true };
        }
        if codes.is_empty() {
            let is_vague = claim.status.is_none() && claim.error.is_none();
            if same_status || is_vague {
                return Outcome::Reproduced { same: same_status };
            }
        }
        // What the browser would not tell apart.
        if same_code || claim.error.as_deref() == Some("net::ERR_FAILED") && codes.is_empty() {
            return Outcome::Reproduced { same: false };
        }
    }
    if !claim.failed && !failed {
        return Outcome::CannotFromHere { why: vec![Why::NoFailure] };
    }
    let but = differences(claim, &codes, facts);
    // Without the page nothing that depends on it can be found.
    let needs = but.iter().any(|why| matches!(why, Why::Missing(Missing::Page | Missing::Secret { .. })));
    if needs && claim.failed {
        return Outcome::CannotFromHere { why: but };
    }
    Outcome::NotReproduced { saw: report.reason.clone().filter(|_| failed), but }
}

/// What the check found, by all its names.
fn codes_of(report: &CheckReport) -> Vec<String> {
    let console = report.console.as_deref().and_then(heard::read).map(|heard| heard.codes).unwrap_or_default();
    let error = report.exchanges.last().and_then(|last| last.error()).map(|error| error.code().to_owned());
    let reason = report.reason.as_ref().map(|reason| reason.code.as_str().to_owned());
    console.into_iter().chain(error).chain(reason).collect()
}

/// What happens in the person's browser alone.
fn only_there(claim: &Claim, codes: &[&str]) -> Vec<Why> {
    let mut why = Vec::new();
    for code in codes {
        why.extend(match *code {
            "net::ERR_BLOCKED_BY_CLIENT" | "net::ERR_BLOCKED_BY_ADMINISTRATOR" => {
                Some(Why::Unknowable(Unknowable::Extensions))
            }
            "net::ERR_INTERNET_DISCONNECTED" | "net::ERR_NETWORK_CHANGED" => Some(Why::AnotherNetwork),
            "LocalNetworkAccessPermissionDenied" => Some(Why::Unknowable(Unknowable::LocalNetworkPermission)),
            "SyntaxError" | "TypeError" | "net::ERR_ABORTED" => Some(Why::OwnScript),
            _ => None,
        });
    }
    let closed = |heard: &Heard| heard.line.contains("closed before the connection is established");
    if claim.console.iter().any(closed) {
        why.push(Why::OwnScript);
    }
    why.dedup();
    why
}

/// What may make the difference between here and there.
fn differences(claim: &Claim, codes: &[&str], facts: &Facts<'_>) -> Vec<Why> {
    let mut but: Vec<Why> =
        claim.missing.iter().filter(|missing| **missing != Missing::Kind).cloned().map(Why::Missing).collect();
    let sends = facts.kind != Kind::Http || facts.credentials != Credentials::Omit;
    if sends && !facts.signs_in {
        but.push(Why::Unknowable(Unknowable::UserCookies));
    }
    let asks = facts.beside.local_network.is_some_and(|local| local.decision != Decision::Refuses);
    if asks {
        but.push(Why::Unknowable(Unknowable::LocalNetworkPermission));
    }
    if codes.iter().any(|code| code.starts_with("net::")) || codes.is_empty() {
        but.push(Why::AnotherNetwork);
    }
    but.push(Why::Unknowable(Unknowable::Extensions));
    but
}

impl Outcome {
    /// Stable: as `explain --check --json` writes it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reproduced { .. } => "reproduced",
            Self::NotReproduced { .. } => "not-reproduced",
            Self::CannotFromHere { .. } => "cannot-from-here",
        }
    }

    /// What may make the difference, or does.
    pub fn why(&self) -> &[Why] {
        match self {
            Self::Reproduced { .. } => &[],
            Self::NotReproduced { but, .. } => but,
            Self::CannotFromHere { why } => why,
        }
    }

    /// A sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Reproduced { same: true } => "Reproduced: the same failure is found from here.".to_owned(),
            Self::Reproduced { same: false } => {
                "Reproduced: it fails from here too; what was brought names no reason to compare.".to_owned()
            }
            Self::NotReproduced { saw: None, .. } => "Not reproduced: it works from here.".to_owned(),
            Self::NotReproduced { saw: Some(reason), .. } => {
                format!("Not reproduced: it fails from here in another way: {}.", super::words::phrase(reason))
            }
            Self::CannotFromHere { .. } => "This can't be told from here.".to_owned(),
        }
    }
}

impl Why {
    /// A phrase.
    pub fn phrase(&self) -> String {
        match self {
            Self::Missing(missing) => format!("not given: {}", missing.sentence()),
            Self::Unknowable(Unknowable::Extensions) => {
                "an extension or an administrator's policy may change or stop requests in the person's browser"
                    .to_owned()
            }
            Self::Unknowable(Unknowable::ServiceWorker) => {
                "the page's service worker may answer in the server's stead".to_owned()
            }
            Self::Unknowable(Unknowable::UserCookies) => "the person's own cookies are not known here".to_owned(),
            Self::Unknowable(Unknowable::EnterprisePolicy) => {
                "an administrator's policy may allow or block it".to_owned()
            }
            Self::Unknowable(Unknowable::LocalNetworkPermission) => {
                "the browser asks the person before a page may reach this machine or the local network".to_owned()
            }
            Self::AnotherNetwork => "the person's network, DNS, VPN or proxy is another one".to_owned(),
            Self::OwnScript => "the page's own script did it: nothing of the server's is wrong by this line".to_owned(),
            Self::NotMade => "the check could not be made".to_owned(),
            Self::NoFailure => "the source tells of no failure".to_owned(),
        }
    }
}
