//! What a person brought, read: what it is, which requests it tells of, what its lines mean.
//!
//! Invariant: bounded; built on the desk's threads, never while a frame is made.

use std::io::{self, Read};

use super::super::words::{count, latency, thousands};
use crate::base::secret::Redactor;
use crate::browser::console::heard::{self, Heard};
use crate::diagnosis::explain::{self, Explained};
use crate::diagnosis::reproduce::{self, Claim};
use crate::diagnosis::words as reasons;
use crate::profile::Kind;
use crate::profile::intake::{self, Draft, Form, Intake};

/// A file no larger than this, in bytes, is read as a pasted text is, its lines explained.
const SMALL: u64 = 1 << 20;
/// How many lines of a console are kept for a draft that has none of its own.
const LINES: usize = 200;

/// All that was understood.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub intake: Intake,
    /// Lines that are known, with what they mean.
    pub explained: Vec<Explained>,
    /// A console's lines, also those that name no address.
    pub heard: Vec<Heard>,
    /// The drafts, what wants to be tried first before the others.
    pub order: Vec<usize>,
}

/// One request to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Of the intake's drafts.
    pub index: usize,
    /// `GET https://api.test/carts`
    pub title: String,
    /// `502, 12 times, 34 messages`
    pub said: String,
    pub failed: bool,
}

impl Found {
    /// Of a pasted text.
    pub fn of_text(text: &str) -> Self {
        let mut found = Self::of_intake(intake::read(text, None));
        if matches!(found.intake.form, None | Some(Form::Console)) {
            found.explained = explain::all(text, None).0;
            found.heard = text.lines().filter_map(heard::read).take(LINES).collect();
        }
        if found.intake.form.is_none() && !found.explained.is_empty() {
            // It is no form of a request, and known all the same.
            found.intake.problems.clear();
        }
        found
    }

    /// Of a file.
    ///
    /// # Errors
    /// It can't be read.
    pub fn of_source(mut source: impl Read) -> io::Result<Self> {
        let mut head = Vec::new();
        source.by_ref().take(SMALL).read_to_end(&mut head)?;
        if (head.len() as u64) < SMALL
            && let Ok(text) = std::str::from_utf8(&head)
        {
            return Ok(Self::of_text(text));
        }
        Ok(Self::of_intake(intake::read_from(head.chain(source), None)?))
    }

    fn of_intake(intake: Intake) -> Self {
        Self { order: reproduce::order(&intake.drafts), intake, ..Self::default() }
    }

    /// What it is, a sentence; `None` where nothing in it is known.
    pub fn sentence(&self) -> Option<String> {
        let drafts = &self.intake.drafts;
        let many = || count(drafts.len(), "request of a script", "requests of scripts");
        let failed = drafts.iter().filter(|draft| Claim::of(draft).failed).count();
        Some(match self.intake.form {
            None if self.explained.is_empty() => return None,
            None => format!("A line of {}.", self.explained.first()?.known.source.name()),
            Some(Form::Console) => match drafts.first().and_then(|draft| draft.browser) {
                Some(browser) => format!("What the console of {} says.", browser.name()),
                None => "What a browser’s console says.".to_owned(),
            },
            Some(Form::Command) => "A command line.".to_owned(),
            Some(Form::Script) => "A page’s script.".to_owned(),
            Some(Form::Har) => format!("A HAR: {}, {} failed.", many(), thousands(failed as u64)),
            Some(Form::Postman) => format!("A Postman collection: {}.", count(drafts.len(), "request", "requests")),
            Some(Form::Url) => "An address alone.".to_owned(),
        })
    }

    /// The requests to choose from, in order; empty where there is no choice.
    pub fn choices(&self) -> Vec<Choice> {
        if self.order.len() < 2 {
            return Vec::new();
        }
        self.order.iter().filter_map(|index| Some(choice(*index, self.intake.drafts.get(*index)?))).collect()
    }
}

/// What the source saw of it, to be read: when, how it ended, what was said; secrets taken out.
pub fn seen(draft: &Draft) -> Option<String> {
    let seen = &draft.seen;
    let mut lines: Vec<String> = Vec::new();
    let took = seen.took.map(|took| format!("took {}", latency(took)));
    let when: Vec<String> = seen.at.clone().into_iter().chain(took).collect();
    lines.extend((!when.is_empty()).then(|| when.join(", ")));
    lines.extend(seen.status.map(reasons::status_words));
    lines.extend(seen.error.clone());
    lines.extend(seen.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.extend(seen.body.iter().map(|body| format!("\n{body}")));
    lines.extend((!seen.messages.is_empty()).then(String::new));
    lines.extend(seen.messages.iter().map(|message| {
        let arrow = if message.outgoing { "→" } else { "←" };
        let data = if message.is_text { message.data.as_str() } else { "binary" };
        format!("{arrow} {data}")
    }));
    let redactor = Redactor::new(draft.secrets.iter().map(|(_, value)| value.clone()));
    let text = explain::mask(&redactor.text(&lines.join("\n")));
    (!text.trim().is_empty()).then_some(text)
}

/// `GET https://api.test/carts`
pub fn title(draft: &Draft) -> String {
    let profile = &draft.profile;
    let what = match profile.kind {
        Kind::Http => profile.request.method.as_str(),
        Kind::WebSocket => "WebSocket",
        Kind::SocketIo => "Socket.IO",
    };
    format!("{what} {}", profile.url)
}

fn choice(index: usize, draft: &Draft) -> Choice {
    let seen = &draft.seen;
    let claim = Claim::of(draft);
    let mut said: Vec<String> = Vec::new();
    said.extend(claim.error.or_else(|| claim.console.iter().flat_map(|heard| &heard.codes).next().cloned()));
    said.extend(claim.status.map(|status| status.to_string()));
    if 1 < seen.times {
        said.push(format!("{} times", thousands(seen.times)));
    }
    if !seen.messages.is_empty() {
        said.push(count(seen.messages.len(), "message", "messages"));
    }
    Choice { index, title: title(draft), said: said.join(", "), failed: claim.failed }
}
