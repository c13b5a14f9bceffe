//! What a source doesn't say, as a person answers it.
//!
//! Invariant: no `Debug`: the values of secrets stand here while they are typed.

use url::Url;

use super::found::Found;
use crate::base::{Secret, Severity};
use crate::diagnosis::explain::Source;
use crate::profile::intake::{self, Draft, Form as Of, Missing};
use crate::profile::{self, Browser, Kind};

/// The answers.
#[derive(Clone, PartialEq)]
pub struct Form {
    /// Where nothing names one.
    pub address: String,
    pub page: String,
    pub kind: Kind,
    pub browser: Browser,
    pub secrets: Vec<Asked>,
    /// With the profile, the secrets go into the system's keyring.
    pub keep: bool,
}

/// A secret that the source names without its value.
#[derive(Clone, PartialEq)]
pub struct Asked {
    pub name: String,
    /// `the header Authorization`
    pub of: String,
    pub value: String,
}

/// An answer that can't be used: of which field, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub field: &'static str,
    pub what: String,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            address: String::new(),
            page: String::new(),
            kind: Kind::Http,
            browser: Browser::default(),
            secrets: Vec::new(),
            keep: false,
        }
    }
}

impl Form {
    /// What the draft says already, the rest to be asked; what was answered before stays where the draft has nothing.
    pub fn of(found: &Found, draft: Option<&Draft>, before: &Self) -> Self {
        let by_client = found.explained.iter().any(|one| one.known.source == Source::SocketIoClient);
        let known = found.explained.iter().find_map(|one| one.known.origin.clone());
        let page = match draft {
            Some(draft) => draft.profile.page.as_ref().map(ToString::to_string),
            None => known,
        };
        let asked = draft.iter().flat_map(|draft| &draft.missing).filter_map(|missing| match missing {
            Missing::Secret { name, of } => {
                let before = before.secrets.iter().find(|before| before.name == *name);
                let value = before.map(|before| before.value.clone()).unwrap_or_default();
                Some(Asked { name: name.clone(), of: of.clone(), value })
            }
            Missing::Page | Missing::Kind | Missing::Browser | Missing::Value { .. } => None,
        });
        Self {
            address: before.address.clone(),
            page: page.unwrap_or_else(|| before.page.clone()),
            kind: match draft {
                Some(draft) => draft.profile.kind,
                None if by_client => Kind::SocketIo,
                None => Kind::Http,
            },
            browser: draft.and_then(|draft| draft.browser).unwrap_or(before.browser),
            secrets: asked.collect(),
            keep: before.keep,
        }
    }

    /// The draft with the answers in it; the console's lines are those of a draft that has none.
    ///
    /// # Errors
    /// Each answer that can't be used.
    pub fn fill(&self, draft: Option<&Draft>, found: &Found) -> Result<Draft, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut draft = match draft {
            Some(draft) => Some(draft.clone()),
            None => self.of_address(found, &mut wrong),
        };
        let page = self.read_page(&mut wrong);
        let Some(mut draft) = draft.take().filter(|_| wrong.is_empty()) else { return Err(wrong) };
        draft.set_kind(self.kind);
        draft.profile.page = page;
        draft.profile.browser = self.browser;
        draft.browser = Some(self.browser);
        for asked in self.secrets.iter().filter(|asked| !asked.value.is_empty()) {
            draft.secrets.push((asked.name.clone(), Secret::new(asked.value.as_str())));
        }
        match profile::check(&draft.profile) {
            Ok(_) => Ok(draft),
            Err(problems) => Err(problems
                .iter()
                .filter(|problem| problem.severity == Severity::Error)
                .map(|problem| Wrong { field: "", what: problem.to_string() })
                .collect()),
        }
    }

    fn of_address(&self, found: &Found, wrong: &mut Vec<Wrong>) -> Option<Draft> {
        let typed = self.address.trim();
        if typed.is_empty() {
            wrong.push(Wrong { field: "address", what: String::new() });
            return None;
        }
        let mut read = intake::read(typed, Some(Of::Url));
        if let Some(problem) = read.problems.first() {
            let hint = problem.hint.as_deref().unwrap_or_default();
            wrong.push(Wrong { field: "address", what: format!("{}: {hint}", problem.message) });
        }
        let mut draft = read.drafts.pop()?;
        draft.seen.console.clone_from(&found.heard);
        Some(draft)
    }

    fn read_page(&self, wrong: &mut Vec<Wrong>) -> Option<Url> {
        let typed = self.page.trim();
        if typed.is_empty() {
            return None;
        }
        let page = Url::parse(typed).ok().filter(|page| matches!(page.scheme(), "http" | "https") && page.has_host());
        if page.is_none() {
            let what = "write it whole, like https://app.example.com/".to_owned();
            wrong.push(Wrong { field: "page", what });
        }
        page
    }
}
