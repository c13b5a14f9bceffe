//! The origin matrix: a row a page, filled in as the answers come.

use std::sync::Arc;

use crate::diagnosis::matrix::{Asker, Seen, askers, cause, conclusion};
use crate::export::matrix::{answered, standing, text, verdict};
use crate::profile::{Profile, without_credentials};
use crate::watch::State;

/// One page, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRow {
    /// As an `Origin` field has it.
    pub page: String,
    pub why: &'static str,
    /// `None`: not asked yet.
    pub told: Option<Told>,
}

/// What came of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub state: State,
    /// `let in`, `refused`, `unclear`.
    pub standing: &'static str,
    pub verdict: String,
    /// Status and allowed origin.
    pub answered: String,
    /// A sentence.
    pub summary: String,
}

/// The whole table.
#[derive(Clone, Debug, PartialEq)]
pub struct PagesVm {
    profile: Arc<Profile>,
    url: String,
    askers: Vec<Asker>,
    seen: Vec<Option<Seen>>,
    pub rows: Vec<PageRow>,
    /// What all of it comes to; empty while rows are to come.
    pub conclusion: String,
    pub is_over: bool,
}

impl PagesVm {
    /// Nobody has asked yet.
    pub fn new(profile: Arc<Profile>) -> Self {
        let askers = askers(&profile);
        let seen = vec![None; askers.len()];
        let url = without_credentials(&profile).url.to_string();
        let mut new = Self { profile, url, askers, seen, rows: Vec::new(), conclusion: String::new(), is_over: false };
        new.build();
        new
    }

    /// How many have been answered, of how many.
    pub fn progress(&self) -> (usize, usize) {
        (self.seen.iter().flatten().count(), self.seen.len())
    }

    /// Another row. One answer may tell what another meant, so that all are built again.
    pub fn take(&mut self, at: usize, seen: Seen) {
        if let Some(place) = self.seen.get_mut(at) {
            *place = Some(seen);
        }
        self.build();
    }

    /// No more will come.
    pub fn end(&mut self) {
        self.is_over = true;
        self.build();
    }

    fn build(&mut self) {
        let all: Vec<Seen> = self.seen.iter().flatten().cloned().collect();
        let row = |(asker, seen): (&Asker, &Option<Seen>)| PageRow {
            page: asker.origin().unwrap_or_else(|| "no Origin".to_owned()),
            why: asker.why.words(),
            told: seen.as_ref().map(|one| Told {
                state: one.state,
                standing: standing(one, &all),
                verdict: verdict(one, &all),
                answered: answered(one),
                summary: cause(one, &all).1,
            }),
        };
        self.rows = self.askers.iter().zip(&self.seen).map(row).collect();
        self.conclusion = if self.is_over { conclusion(&all) } else { String::new() };
    }

    /// All of it as text, to be pasted or saved.
    pub fn text(&self) -> String {
        let all: Vec<Seen> = self.seen.iter().flatten().cloned().collect();
        text(&self.profile, &self.url, &all)
    }
}

impl PageRow {
    /// The row's name for who doesn't see it.
    pub fn sentence(&self) -> String {
        match &self.told {
            Some(told) => format!("{}, {}: {}, {}. {}", self.page, self.why, told.standing, told.verdict, told.summary),
            None => format!("{}, {}: not asked yet", self.page, self.why),
        }
    }
}

#[cfg(test)]
pub mod sample {
    //! A table that is half filled in.

    use super::*;
    use crate::base::Wall;
    use crate::profile::Kind;
    use crate::watch::{CheckReport, Code, Outcome, Reason};

    /// Of a local page; the first `answered` pages have asked: the server lets `http://localhost:5173` in.
    pub fn pages(answered: usize) -> PagesVm {
        let mut profile = Profile::new("API carts", Kind::Http, "http://127.0.0.1:5000/carts".parse().unwrap());
        profile.page = Some("http://localhost:3000/".parse().unwrap());
        let mut vm = PagesVm::new(Arc::new(profile));
        for (at, asker) in vm.askers.clone().into_iter().enumerate().take(answered) {
            let seen = match asker.page.clone() {
                None => Seen::of_program(asker, None),
                Some(page) => {
                    let inside = page.port() == Some(5173);
                    let reason = (!inside).then(|| Reason::new(Code::MissingAllowOriginHeader).with_status(200));
                    let report = CheckReport {
                        outcome: if inside { Outcome::Up } else { Outcome::Down },
                        state: if inside { State::Connected } else { State::CorsError },
                        reason,
                        scheduled: Wall(0),
                        lateness: Default::default(),
                        phases: Default::default(),
                        status: Some(200),
                        exchanges: Vec::new(),
                        preflighted: false,
                        console: None,
                        close: None,
                        steps: Vec::new(),
                        further: Vec::new(),
                    };
                    let profile = Profile { page: Some(page), ..Profile::clone(&vm.profile) };
                    Seen::of_page(asker, &profile, &report)
                }
            };
            vm.take(at, seen);
        }
        if answered == vm.seen.len() {
            vm.end();
        }
        vm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_from_the_beginning_and_are_filled_in_as_answers_come() {
        let half = sample::pages(2);
        assert_eq!((half.progress(), half.conclusion.as_str(), half.is_over), ((2, 13), "", false));
        assert_eq!(half.rows[0].page, "http://localhost:3000");
        assert!(half.rows[0].told.as_ref().is_some_and(|told| told.standing == "refused"), "{:?}", half.rows[0]);
        assert_eq!(half.rows[5].sentence(), "http://localhost:5173, where Vite serves pages: not asked yet");
        let whole = sample::pages(13);
        assert_eq!(whole.conclusion, "http://localhost:3000 is not let in, but http://localhost:5173 is.");
        assert!(whole.text().contains("let in   http://localhost:5173"), "{}", whole.text());
    }

    #[test]
    fn what_one_answer_means_is_told_again_when_another_has_come() {
        let cause_of = |answered| sample::pages(answered).rows[0].told.clone().unwrap().verdict;
        assert_eq!(cause_of(2), "CORS error: cors-headers-missing");
        assert_eq!(cause_of(13), "CORS error: origin-not-allowed");
    }
}
