//! What a person has at hand about a failure → profiles to watch or to try: a console's line, a curl command, a script's
//! `fetch()`, a HAR, a Postman collection.
//!
//! Invariants: pure, total, and bounded in size, depth and number. What looks like a secret is never left in a profile: the
//! profile names it, and its value stands beside in [`Draft::secrets`]. Nothing is guessed without a word: what the source
//! doesn't say is [`Missing`].

mod bounded;
mod console;
mod curl;
mod har;
mod js;
mod kind;
mod postman;
mod request;
mod script;
mod secrets;
mod shell;

use std::io::{self, Read};
use std::time::Duration;

use url::Url;

use super::model::Profile;
use crate::base::{Problem, Secret, Severity};
use crate::browser::console::heard::Heard;
use crate::browser::{Browser, console::heard};

pub use self::har::read_har;

/// The most text that is read at once, in bytes. A HAR is read as a stream, and may be larger.
pub const MAX_TEXT: usize = 4 << 20;
/// The most drafts of one source.
pub const MAX_DRAFTS: usize = 500;
/// How much of a file tells its form, in bytes.
const HEAD: u64 = 64 << 10;
/// How much is kept of a body or a message that was seen, in bytes.
pub const MAX_SEEN: usize = 4 << 10;

/// Which kind of text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    Console,
    /// curl, websocat or wscat.
    Command,
    /// A script's `fetch()`, `new WebSocket()`, `io()`.
    Script,
    Har,
    Postman,
    /// An address alone.
    Url,
}

/// What came of a source.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    /// `None`: nothing that is known here.
    pub form: Option<Form>,
    pub drafts: Vec<Draft>,
    pub skipped: Vec<Skipped>,
    /// What is wrong with the source, or with the way it was made.
    pub problems: Vec<Problem>,
}

/// A profile, and what else the source says.
#[derive(Clone, Debug)]
pub struct Draft {
    pub profile: Profile,
    /// Whose it was, where the source tells.
    pub browser: Option<Browser>,
    pub missing: Vec<Missing>,
    /// The values behind the names in the profile. They are for the keyring: no file of ours holds them.
    pub secrets: Vec<(String, Secret)>,
    pub seen: Seen,
}

/// What has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Missing {
    /// The page whose script asked.
    Page,
    /// What kind of endpoint it is.
    Kind,
    /// Whose browser it was.
    Browser,
    /// The source names it and has no value, or one that was taken out.
    Secret { name: String, of: String },
    /// A value that the source computes, or keeps elsewhere (`@file`, `${token}`, `{{base}}`).
    Value { of: String },
}

impl Missing {
    /// What to ask a person for.
    pub fn sentence(&self) -> String {
        match self {
            Self::Page => "the page whose script connects (its address, or at least its origin)".to_owned(),
            Self::Kind => "what kind of endpoint it is: http, websocket or socketio".to_owned(),
            Self::Browser => "which browser it was".to_owned(),
            Self::Secret { name, of } => format!("the value of the secret `{name}` ({of})"),
            Self::Value { of } => format!("the value of {of}"),
        }
    }
}

/// What the source has and no profile was made of, so many times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub what: String,
    pub times: u64,
}

/// What the source says that happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// How often the same request stands in the source.
    pub times: u64,
    /// When the first began, as the source writes it.
    pub at: Option<String>,
    pub status: Option<u16>,
    /// The answer's headers, in order.
    pub headers: Vec<(String, String)>,
    /// The beginning of the answer's body.
    pub body: Option<String>,
    /// The network's own error, as the source has it: `net::ERR_…`.
    pub error: Option<String>,
    /// What the console said.
    pub console: Vec<Heard>,
    pub took: Option<Duration>,
    pub messages: Vec<SeenMessage>,
}

/// One message of a WebSocket.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenMessage {
    pub outgoing: bool,
    pub is_text: bool,
    /// Its beginning; base64 where it is no text.
    pub data: String,
    /// Seconds since 1970, where the source tells.
    pub at: Option<f64>,
}

/// Reads what was pasted, whatever it is; `hint` is what it is known to be.
pub fn read(text: &str, hint: Option<Form>) -> Intake {
    if MAX_TEXT < text.len() && hint != Some(Form::Har) {
        return Intake::refused(format!(
            "the text has {} MB; at most {} MB are read at once",
            text.len() >> 20,
            MAX_TEXT >> 20
        ));
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    let Some(form) = hint.or_else(|| recognise(text)) else {
        return Intake::refused(
            "this is no console line, curl command, script, HAR or Postman collection that is known here".to_owned(),
        );
    };
    let mut intake = match form {
        Form::Console => console::read(text),
        Form::Command => curl::read(text),
        Form::Script => script::read(text),
        Form::Har => har::read_har(text.as_bytes()),
        Form::Postman => postman::read(text),
        Form::Url => of_url(text),
    };
    intake.form = Some(form);
    intake
}

/// Reads a file, or whatever else comes as bytes; a HAR as a stream.
///
/// # Errors
/// The source can't be read.
pub fn read_from(mut source: impl Read, hint: Option<Form>) -> io::Result<Intake> {
    let mut head = Vec::new();
    (&mut source).take(HEAD).read_to_end(&mut head)?;
    let form = hint.or_else(|| recognise(&String::from_utf8_lossy(&head)));
    if form == Some(Form::Har) {
        let start = if head.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        return Ok(Intake { form, ..har::read_har(head[start..].chain(source)) });
    }
    source.take(MAX_TEXT as u64 + 1).read_to_end(&mut head)?;
    Ok(match std::str::from_utf8(&head) {
        Ok(text) => read(text, form),
        Err(error) => Intake::refused(format!("it is no text: byte {} is not UTF-8", error.valid_up_to() + 1)),
    })
}

/// Which form a text has.
pub fn recognise(text: &str) -> Option<Form> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let first = text.split_whitespace().next()?;
    let program = first.rsplit(['/', '\\']).next().unwrap_or(first).trim_end_matches(".exe");
    if text.starts_with(['{', '[']) {
        let head: String = text.chars().take(4096).collect();
        if head.contains("getpostman.com") || head.contains("_postman_id") {
            return Some(Form::Postman);
        }
        if head.contains("\"log\"") {
            return Some(Form::Har);
        }
    }
    if ["curl", "websocat", "wscat"].contains(&program) || first == "$" && text.contains("curl") {
        return Some(Form::Command);
    }
    if text.lines().take(200).any(|line| heard::read(line).is_some()) {
        return Some(Form::Console);
    }
    if script::is_one(text) {
        return Some(Form::Script);
    }
    let is_url = !text.contains(char::is_whitespace) && Url::parse(text).is_ok_and(|url| url.has_host());
    is_url.then_some(Form::Url)
}

fn of_url(text: &str) -> Intake {
    let mut intake = Intake::default();
    match request::Raw::get(text).into_draft() {
        Ok(draft) => intake.push(draft),
        Err(problem) => intake.problems.push(problem),
    }
    intake
}

impl Intake {
    fn refused(message: String) -> Self {
        Self { problems: vec![problem(message, None)], ..Self::default() }
    }

    /// Adds a draft; the same request again is counted, and adds what it saw.
    fn push(&mut self, draft: Draft) {
        if let Err(problems) = super::check(&draft.profile) {
            let of = &draft.profile.name;
            let why = problems.first().map_or_else(String::new, |problem| problem.message.clone());
            return self.problems.push(warning(format!("{of} can't be made a profile: {why}"), None));
        }
        let same = |known: &&mut Draft| {
            let (a, b) = (&known.profile, &draft.profile);
            a.kind == b.kind && a.url == b.url && a.request == b.request && a.page == b.page && a.auth == b.auth
        };
        // The same name is the same secret: the newest value is the one to try.
        for (name, value) in &draft.secrets {
            let known = self.drafts.iter_mut().flat_map(|draft| &mut draft.secrets).filter(|(known, _)| known == name);
            known.for_each(|(_, known)| *known = value.clone());
        }
        if let Some(known) = self.drafts.iter_mut().find(same) {
            // The WebSocket's messages tell which namespaces are joined; polling's are not in the source.
            if known.seen.messages.is_empty() && !draft.seen.messages.is_empty() {
                known.profile.socketio.clone_from(&draft.profile.socketio);
                let news =
                    draft.secrets.into_iter().filter(|(name, _)| !known.secrets.iter().any(|(old, _)| old == name));
                let news: Vec<_> = news.collect();
                known.secrets.extend(news);
            }
            known.seen.add(draft.seen);
        } else if self.drafts.len() < MAX_DRAFTS {
            self.drafts.push(draft);
        } else {
            self.skip(&format!("requests beyond the first {MAX_DRAFTS} that differ"));
        }
    }

    fn skip(&mut self, what: &str) {
        match self.skipped.iter_mut().find(|skipped| skipped.what == what) {
            Some(skipped) => skipped.times += 1,
            None => self.skipped.push(Skipped { what: what.to_owned(), times: 1 }),
        }
    }
}

impl Seen {
    /// The same request again: what went wrong outweighs what went well.
    fn add(&mut self, later: Self) {
        self.times += later.times;
        let worse = later.error.is_some() || later.status.is_none_or(|status| 400 <= status);
        if self.status.is_some_and(|status| status < 400) && worse && later.status.or(self.status) != self.status {
            let Self { times, at, .. } = std::mem::take(self);
            *self = Self { times, at, ..later };
            return;
        }
        let room = 200_usize.saturating_sub(self.messages.len());
        self.messages.extend(later.messages.into_iter().take(room));
        let room = 50_usize.saturating_sub(self.console.len());
        self.console.extend(later.console.into_iter().take(room));
        self.error = self.error.take().or(later.error);
        self.status = self.status.or(later.status);
    }
}

fn problem(message: impl Into<String>, hint: Option<&str>) -> Problem {
    Problem {
        severity: Severity::Error,
        file: None,
        line: None,
        key: None,
        message: message.into(),
        hint: hint.map(str::to_owned),
    }
}

fn warning(message: impl Into<String>, hint: Option<&str>) -> Problem {
    Problem { severity: Severity::Warning, ..problem(message, hint) }
}
