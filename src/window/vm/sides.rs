//! Two checks side by side: before and after a change, or one endpoint and another.

use std::sync::Arc;

use super::words;
use crate::diagnosis::mended::{self, Mended, judge};
use crate::diagnosis::{CauseId, Diagnosis, Facts, diagnose, words as reasons};
use crate::export::check::{Came, Step, deciding, steps};
use crate::export::compare::{HeaderChange, aligned, differs, headers};
use crate::profile::Profile;
use crate::watch::{CheckReport, State};

/// A check that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// `Before, 14:02:31`, or the address.
    pub title: String,
    pub profile: Arc<Profile>,
    pub reports: Vec<CheckReport>,
}

impl Checked {
    /// The report that decides, and what it is diagnosed as.
    fn judged(&self) -> Option<(&CheckReport, Diagnosis)> {
        let report = deciding(&self.reports)?;
        Some((report, diagnose(&Facts::of_checks(&self.profile, report, &self.reports))))
    }
}

/// What stands at the head of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideVm {
    pub title: String,
    pub state: State,
    /// `CORS error: no Access-Control-Allow-Origin`
    pub verdict: String,
    /// The cause's name, where something is wrong.
    pub cause: Option<&'static str>,
    pub summary: String,
}

/// A step of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow {
    pub name: &'static str,
    /// How it came out, and a few words; `None`: it never came so far.
    pub cells: [Option<(Came, String)>; 2],
    pub differs: bool,
}

/// Both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SidesVm {
    pub sides: [SideVm; 2],
    /// Those that neither took are left out.
    pub steps: Vec<StepRow>,
    pub headers: Vec<HeaderChange>,
    /// The first step that came out otherwise.
    pub parts_at: Option<&'static str>,
}

impl SidesVm {
    /// `None` where one of them has no report.
    pub fn build(left: &Checked, right: &Checked) -> Option<Self> {
        let ((one, one_found), (other, other_found)) = (left.judged()?, right.judged()?);
        let of = |checked: &Checked, report| {
            steps(&checked.profile, report, &Facts::of_checks(&checked.profile, report, &checked.reports))
        };
        let (left_steps, right_steps) = (of(left, one), of(right, other));
        let rows: Vec<StepRow> = aligned(&left_steps, &right_steps)
            .into_iter()
            .map(|(name, a, b)| StepRow { name, cells: [a.map(cell), b.map(cell)], differs: differs(a, b) })
            .filter(|row| row.differs || row.cells.iter().flatten().any(|(came, _)| *came != Came::Skip))
            .collect();
        Some(Self {
            parts_at: rows.iter().find(|row| row.differs).map(|row| row.name),
            steps: rows,
            headers: headers(one, other),
            sides: [side(left, one, one_found), side(right, other, other_found)],
        })
    }

    /// Where they part, a sentence.
    pub fn parting(&self) -> String {
        match self.parts_at {
            Some(name) => format!("They part at {name}."),
            None => "They don't part: every step came out alike.".to_owned(),
        }
    }

    /// All of it as text, to be pasted or saved; `heading` comes first.
    pub fn text(&self, heading: &str) -> String {
        let mut lines = vec![heading.to_owned()];
        for side in &self.sides {
            lines.push(format!("\n{}\n  {}\n  {}", side.title, side.verdict, side.summary));
            lines.extend(side.cause.map(|cause| format!("  cause: {cause}")));
        }
        let said = |cell: &Option<(Came, String)>| {
            cell.as_ref().map_or("-".to_owned(), |(came, text)| format!("{} {text}", came.word()).trim().to_owned())
        };
        lines.push("\nSteps that differ".to_owned());
        lines.extend(self.steps.iter().filter(|row| row.differs).map(|row| {
            let [one, other] = &row.cells;
            format!("  {}: {} | {}", row.name, said(one), said(other))
        }));
        if !self.headers.is_empty() {
            lines.push("\nHeaders that differ".to_owned());
            lines.extend(self.headers.iter().map(|change| {
                let [one, other] = change.values.each_ref().map(|value| value.as_deref().unwrap_or("-"));
                format!("  {}: {one} | {other}", change.name)
            }));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// One of them by itself.
pub fn alone(checked: &Checked) -> Option<SideVm> {
    let (report, found) = checked.judged()?;
    Some(side(checked, report, found))
}

/// Whether what failed before is mended; `None` where one of them has no report.
pub fn mending(before: &Checked, after: &Checked) -> Option<Mended> {
    let ((one, one_found), (other, other_found)) = (before.judged()?, after.judged()?);
    Some(judge(&mended::Side::of(one, &one_found), &mended::Side::of(other, &other_found)))
}

fn side(checked: &Checked, report: &CheckReport, found: Diagnosis) -> SideVm {
    let state = reasons::state(report.state);
    SideVm {
        title: checked.title.clone(),
        state: report.state,
        verdict: match &report.reason {
            Some(reason) => format!("{state}: {}", reasons::phrase(reason)),
            None => state.to_owned(),
        },
        cause: found.cause.filter(|cause| *cause != CauseId::Ok).map(CauseId::as_str),
        summary: found.summary,
    }
}

fn cell(step: &Step) -> (Came, String) {
    let took = step.took.map(words::latency);
    let detail = Some(step.detail.trim().to_owned()).filter(|detail| !detail.is_empty());
    (step.came, detail.into_iter().chain(took).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
pub mod sample {
    //! A CORS error, and the same endpoint mended.

    use super::*;
    use crate::base::Wall;
    use crate::profile::Kind;
    use crate::watch::{Code, Outcome, Reason};
    use crate::wire::{Exchange, HttpVersion, Purpose, WireRequest, WireResponse};

    pub fn checked(title: &str, allowed: Option<&str>) -> Checked {
        let mut profile = Profile::new("Sales chat", Kind::Http, "https://api.test/v1/".parse().unwrap());
        profile.page = Some("https://example.com/".parse().unwrap());
        let mut headers = vec![("Server", "nginx"), ("Date", title)];
        headers.extend(allowed.map(|origin| ("Access-Control-Allow-Origin", origin)));
        let exchange = Exchange {
            request: WireRequest {
                purpose: Purpose::Actual,
                method: "GET".into(),
                url: profile.url.clone(),
                headers: [("Origin", "https://example.com")].into_iter().collect(),
                body: Default::default(),
            },
            result: Ok(WireResponse {
                version: HttpVersion::Http11,
                status: 200,
                reason: "OK".into(),
                headers: headers.into_iter().collect(),
                body: Default::default(),
                body_size: 0,
                transfer: Default::default(),
            }),
            phases: Default::default(),
            peer: None,
            tried: Vec::new(),
            tls: None,
            proxy: None,
        };
        let well = allowed.is_some();
        let report = CheckReport {
            outcome: if well { Outcome::Up } else { Outcome::Down },
            state: if well { State::Connected } else { State::CorsError },
            reason: (!well).then(|| Reason::new(Code::MissingAllowOriginHeader).with_status(200)),
            scheduled: Wall(0),
            lateness: Default::default(),
            phases: Default::default(),
            status: Some(200),
            exchanges: vec![Arc::new(exchange)],
            preflighted: false,
            console: None,
            close: None,
            steps: Vec::new(),
            further: Vec::new(),
        };
        Checked { title: title.to_owned(), profile: Arc::new(profile), reports: vec![report] }
    }
}

#[cfg(test)]
mod tests {
    use super::sample::checked;
    use super::*;

    #[test]
    fn before_and_after_part_where_the_browser_refused() {
        let (before, after) = (checked("Before", None), checked("After", Some("https://example.com")));
        let got = SidesVm::build(&before, &after).unwrap();
        assert_eq!(got.parting(), "They part at browser.");
        assert_eq!((got.sides[0].cause, got.sides[1].cause), (Some("cors-headers-missing"), None));
        assert_eq!(got.sides[0].verdict, "CORS error: no Access-Control-Allow-Origin");
        let names: Vec<&str> = got.headers.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(names, ["access-control-allow-origin"]);
        assert_eq!(mending(&before, &after), Some(Mended::Yes));
        let text = got.text("Mended");
        assert!(
            text.starts_with("Mended\n") && text.contains("access-control-allow-origin: - | https://example.com"),
            "{text}"
        );
    }

    #[test]
    fn two_that_are_alike_don_t_part() {
        let got = SidesVm::build(&checked("a", None), &checked("b", None)).unwrap();
        assert_eq!((got.parts_at, got.headers.len()), (None, 0));
        assert!(got.parting().starts_with("They don't part"));
    }
}
