//! `check --before FILE`: this check beside an earlier one's `--json`, and whether what failed then is mended.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::{fail, harmless};
use crate::diagnosis::mended::{Mended, Side, judge};
use crate::watch::{Outcome, State};

/// More than any such document has, in bytes.
const MOST: u64 = 64 * 1024 * 1024;

/// What is read of the earlier document.
#[derive(Debug, Deserialize)]
pub(super) struct Before {
    healthy: bool,
    state: String,
    cause: Option<String>,
    summary: String,
    other_causes: Vec<Other>,
    checks: Vec<Step>,
    exchanges: Vec<Exchange>,
}

#[derive(Debug, Deserialize)]
struct Other {
    cause: String,
}

#[derive(Debug, Deserialize)]
struct Step {
    name: String,
    outcome: String,
}

#[derive(Debug, Deserialize)]
struct Exchange {
    response: Option<Response>,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: u16,
}

/// The document in that file, or exit code 2 and why on standard error.
pub(super) fn read(path: &Path) -> Result<Before, ExitCode> {
    let hint = "make one before the change: wirewatch check TARGET --json > before.json";
    let wrong = |why: String| fail(&format!("--before {}: {why}", path.display()), hint);
    let mut text = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
    file.take(MOST).read_to_end(&mut text).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| wrong(format!("no document of `check --json`: {error}")))
}

impl Before {
    fn side(&self) -> Side {
        let state = State::from_code(&self.state).unwrap_or(State::Error);
        Side {
            outcome: match state {
                _ if self.healthy => Outcome::Up,
                State::Connected => Outcome::Degraded,
                _ => Outcome::Down,
            },
            well: self.healthy,
            cause: self.cause.clone(),
            others: self.other_causes.iter().map(|other| other.cause.clone()).collect(),
            phrase: String::new(),
            state,
            status: self.exchanges.last().and_then(|last| last.response.as_ref()).map(|answer| answer.status),
        }
    }

    /// Whether it is mended.
    pub(super) fn mended(&self, after: &Side) -> Mended {
        judge(&self.side(), after)
    }

    /// For the document of the check.
    pub(super) fn document(&self, mended: &Mended) -> Value {
        json!({ "verdict": mended.code(), "text": mended.words(), "cause": self.cause, "summary": self.summary })
    }

    /// For a person, behind the check: what it was, the steps that come out otherwise, and whether it is mended.
    pub(super) fn text(&self, mended: &Mended, steps: &[crate::export::check::Step]) -> String {
        let mut out = format!("\nBefore: {}\n", harmless(&self.summary));
        for (index, step) in steps.iter().enumerate() {
            // The second request of the one beside the second of the other.
            let nth = steps[..index].iter().filter(|one| one.name == step.name).count();
            let Some(was) = self.checks.iter().filter(|one| one.name == step.name).nth(nth) else { continue };
            if was.outcome != step.came.word() {
                // Writing to a String can't fail.
                let _ = writeln!(out, "  {}: {}, now {}", step.name, harmless(&was.outcome), step.came.word());
            }
        }
        let _ = writeln!(out, "{}.", harmless(&mended.words()));
        out
    }
}
