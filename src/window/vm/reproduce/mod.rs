//! The Reproduce view as data: what was brought, what was understood of it, what is asked for, and what a run came to.
//!
//! Invariants: what is pasted may hold secrets: nothing here has a `Debug`, and what holds them is shown with them taken out. What
//! takes time is done elsewhere: [`Reproduce::to_read`] and [`Reproduce::run`] say what is wanted, `take` brings it.

mod form;
mod found;
mod outcome;
#[cfg(test)]
pub mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

pub use self::form::{Asked, Form, Wrong};
pub use self::found::{Choice, Found};
pub use self::outcome::{Shown, StepVm, Verdict};
use super::words::bytes;
use crate::base::secret::Redactor;
use crate::base::{Secret, Wall};
use crate::diagnosis::explain::mask;
use crate::diagnosis::reproduce::Claim;
use crate::engine::{Brought, Underway};
use crate::profile::Profile;
use crate::profile::intake::Draft;

/// A pasted text that is larger, in bytes, is not put into the box: laying it out would hold the window up.
pub const BOX: usize = 32 << 10;

/// Where a report comes from.
pub enum Source {
    Text(String),
    File(PathBuf),
}

/// What was brought and is not edited: a file, a large text, a text with secrets in it.
#[derive(Clone)]
pub struct Held {
    /// `session.har`, `Pasted text, 1.2 MB`
    pub name: String,
    /// Secrets taken out; `None`: too large to be shown.
    pub shown: Option<String>,
}

/// A run.
enum Run {
    None,
    Underway {
        underway: Underway,
        claim: Box<Claim>,
    },
    /// It could not be made; a sentence.
    Refused(String),
    Done(Box<Shown>),
}

/// What is to be checked.
pub struct Wanted {
    pub profile: Arc<Profile>,
    pub own: Vec<(String, Secret)>,
    claim: Box<Claim>,
}

/// The view's state; it outlives the view.
pub struct Reproduce {
    pub text: String,
    held: Option<Held>,
    waiting: Option<Source>,
    reading: bool,
    found: Option<Box<Found>>,
    choices: Vec<Choice>,
    unreadable: Option<String>,
    chosen: Option<usize>,
    /// What the source saw of it.
    seen: Option<String>,
    pub form: Form,
    /// What is wrong with the answers, and with which answers that was found.
    judged: Option<(Form, Option<Vec<Wrong>>)>,
    run: Run,
    /// The box is to take the keyboard.
    pub focus: bool,
    /// Every fix is shown, with what to paste.
    pub open: bool,
}

impl Default for Reproduce {
    fn default() -> Self {
        Self {
            text: String::new(),
            held: None,
            waiting: None,
            reading: false,
            found: None,
            choices: Vec::new(),
            unreadable: None,
            chosen: None,
            seen: None,
            form: Form::default(),
            judged: None,
            run: Run::None,
            focus: false,
            open: false,
        }
    }
}

impl Reproduce {
    /// Takes what was pasted or dropped.
    pub fn bring(&mut self, source: Source) {
        self.held = None;
        self.text.clear();
        match &source {
            Source::Text(text) => {
                let is_large = BOX < text.len();
                let masked = if is_large { String::new() } else { mask(text) };
                if is_large || masked != *text {
                    let name = format!("Pasted text, {}", bytes(text.len() as u64));
                    self.held = Some(Held { name, shown: (!is_large).then_some(masked) });
                } else {
                    self.text.clone_from(text);
                }
            }
            Source::File(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
                self.held = Some(Held { name, shown: None });
            }
        }
        self.wait_for(source);
    }

    /// The text in the box is another one.
    pub fn typed(&mut self) {
        self.wait_for(Source::Text(self.text.clone()));
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        let reading = self.reading;
        *self = Self { reading, focus: true, ..Self::default() };
        if reading {
            // What is being read is not wanted any more.
            self.waiting = Some(Source::Text(String::new()));
        }
    }

    fn wait_for(&mut self, source: Source) {
        self.unreadable = None;
        self.waiting = Some(source);
    }

    /// What is to be read now; one at a time.
    pub fn to_read(&mut self) -> Option<Source> {
        let source = if self.reading { None } else { self.waiting.take() }?;
        if let Source::Text(text) = &source
            && text.trim().is_empty()
        {
            self.take(Ok(Box::default()));
            return None;
        }
        self.reading = true;
        Some(source)
    }

    /// What came of reading, or why it could not be read.
    pub fn take(&mut self, found: Result<Box<Found>, String>) {
        self.reading = false;
        if self.waiting.is_some() {
            // Overtaken.
            return;
        }
        match found {
            Ok(found) => {
                let secrets = found.intake.drafts.iter().flat_map(|draft| &draft.secrets);
                let redactor = Redactor::new(secrets.map(|(_, value)| value.clone()));
                if let Some(shown) = self.held.as_mut().and_then(|held| held.shown.as_mut()) {
                    *shown = redactor.text(shown).into_owned();
                }
                self.choices = found.choices();
                let first = found.order.first().copied();
                self.found = Some(found);
                self.choose(first);
            }
            Err(why) => {
                self.found = None;
                self.judged = None;
                self.choices.clear();
                self.unreadable = Some(why);
            }
        }
    }

    /// Turns to that draft.
    pub fn choose(&mut self, index: Option<usize>) {
        self.chosen = index;
        self.judged = None;
        if let Some(found) = &self.found {
            let draft = index.and_then(|index| found.intake.drafts.get(index));
            self.form = Form::of(found, draft, &self.form);
            self.seen = draft.and_then(found::seen);
        }
        self.run = Run::None;
    }

    pub fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// Whether there is nothing yet.
    pub fn is_empty(&self) -> bool {
        self.held.is_none() && self.text.trim().is_empty()
    }

    pub fn is_reading(&self) -> bool {
        self.reading || self.waiting.is_some()
    }

    pub fn unreadable(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    pub fn found(&self) -> Option<&Found> {
        self.found.as_deref().filter(|_| !self.is_empty())
    }

    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    pub fn chosen(&self) -> Option<usize> {
        self.chosen
    }

    /// What is asked for: `GET https://api.test/carts`.
    pub fn asks(&self) -> Option<String> {
        self.draft().map(found::title)
    }

    /// The draft that is looked at.
    pub fn draft(&self) -> Option<&Draft> {
        self.found()?.intake.drafts.get(self.chosen?)
    }

    /// What the source saw of it; secrets taken out.
    pub fn seen(&self) -> Option<&str> {
        self.draft().and(self.seen.as_deref())
    }

    /// Whether an address has to be asked for: what was brought is known and names none.
    pub fn asks_address(&self) -> bool {
        self.found().is_some_and(|found| {
            found.intake.drafts.is_empty() && !(found.explained.is_empty() && found.heard.is_empty())
        })
    }

    /// Each answer that can't be used; `None`: there is nothing to run. Looked at again only where an answer is another.
    pub fn wrong(&mut self) -> Option<Vec<Wrong>> {
        let is_known = self.judged.as_ref().is_some_and(|(form, _)| *form == self.form);
        if !is_known {
            let wrong = self.filled().map(|filled| filled.err().unwrap_or_default());
            self.judged = Some((self.form.clone(), wrong));
        }
        self.judged.as_ref().and_then(|(_, wrong)| wrong.clone()).filter(|_| !self.is_empty())
    }

    /// The profile as answered, or each answer that can't be used; `None`: there is nothing to run.
    fn filled(&self) -> Option<Result<Draft, Vec<Wrong>>> {
        let found = self.found()?;
        let draft = self.draft();
        (draft.is_some() || self.asks_address()).then(|| self.form.fill(draft, found))
    }

    /// What to run; `None`: something is still to be answered.
    pub fn run(&self) -> Option<Wanted> {
        let draft = self.filled()?.ok()?;
        let claim = Box::new(Claim::told(&draft, self.found()?.intake.form));
        Some(Wanted { profile: Arc::new(draft.profile), own: draft.secrets, claim })
    }

    /// It runs, or can't.
    pub fn began(&mut self, wanted: Wanted, begun: Result<Underway, String>) {
        self.run = match begun {
            Ok(underway) => Run::Underway { underway, claim: wanted.claim },
            Err(why) => Run::Refused(why),
        };
    }

    /// Ends what runs.
    pub fn stop(&mut self) {
        if self.is_running() {
            self.run = Run::None;
        }
    }

    pub fn is_running(&self) -> bool {
        matches!(self.run, Run::Underway { .. })
    }

    /// Takes in what a run has brought.
    pub fn refresh(&mut self, now: Wall, zone: &TimeZone) {
        let Run::Underway { underway, claim } = &mut self.run else { return };
        self.run = match underway.try_next() {
            Some(Brought::Checked { profile, url, reports }) => {
                let explained = self.found.as_ref().map(|found| found.explained.as_slice()).unwrap_or_default();
                match Shown::build(claim, explained, &profile, &url, &reports, now, zone) {
                    Some(shown) => Run::Done(Box::new(shown)),
                    None => Run::Refused("Nothing came of it. Run it again.".to_owned()),
                }
            }
            Some(Brought::Unready(reason)) => Run::Refused(outcome::unready(&reason)),
            None if underway.is_over() => Run::Refused("It ended before it was done. Run it again.".to_owned()),
            // Nothing yet; or what only another errand brings.
            Some(_) | None => return,
        };
    }

    /// Why the run could not be made.
    pub fn refused(&self) -> Option<&str> {
        match &self.run {
            Run::Refused(why) => Some(why),
            Run::None | Run::Underway { .. } | Run::Done(_) => None,
        }
    }

    pub fn shown(&self) -> Option<&Shown> {
        match &self.run {
            Run::Done(shown) => Some(shown),
            Run::None | Run::Underway { .. } | Run::Refused(_) => None,
        }
    }
}
