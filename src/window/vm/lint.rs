//! A server's configuration: who would be let in, what is wrong in which line, and whether the server does as it says.

use std::path::Path;
use std::sync::Arc;

use crate::engine::against::{Tried, guard};
use crate::profile::Profile;
use crate::serverconf::policy::From;
use crate::serverconf::{Finding, Guard, Observed, Origins, Reading};
use crate::watch::Severity;

/// The whole view.
#[derive(Clone, Debug)]
pub struct LintVm {
    pub profile: Arc<Profile>,
    pub reading: Arc<Reading>,
    pub file: String,
    /// Why a file could not be read, a line each.
    pub problems: Vec<String>,
    pub guards: Vec<GuardVm>,
    pub findings: Vec<LineVm>,
    /// Whether the files say who may connect to such an endpoint.
    pub comparable: bool,
    pub tried: Vec<TriedVm>,
}

/// One thing that lets some pages in and others not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardVm {
    /// `Socket.IO (.env:3) lets in:`
    pub title: String,
    /// Each with why it is there, where it isn't written.
    pub origins: Vec<(String, &'static str)>,
}

/// One finding with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineVm {
    pub severity: Severity,
    /// `error`, `warning`, `note`.
    pub word: &'static str,
    pub rule: &'static str,
    pub text: String,
    /// `.env:3`
    pub place: String,
    pub line: String,
    pub instead: Option<String>,
}

/// One page: what the files say, and what the server did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriedVm {
    pub origin: String,
    pub configured: &'static str,
    pub observed: String,
    pub differs: bool,
}

impl LintVm {
    pub fn new(profile: Arc<Profile>, file: &Path, reading: Arc<Reading>) -> Self {
        let findings = reading.findings.iter().map(|one| line(&reading, one)).collect();
        Self {
            file: file.display().to_string(),
            problems: reading.problems.iter().map(ToString::to_string).collect(),
            guards: reading.policy.guards.iter().map(guard_vm).collect(),
            findings,
            comparable: guard(&reading, profile.kind).is_some(),
            tried: Vec::new(),
            profile,
            reading,
        }
    }

    /// Another page was tried.
    pub fn take(&mut self, tried: Tried) {
        let word = |let_in: bool| if let_in { "let in" } else { "refused" };
        self.findings.extend(tried.finding.iter().map(|one| line(&self.reading, one)));
        self.tried.push(TriedVm {
            configured: word(tried.configured),
            observed: match (tried.observed, tried.why) {
                (Some(observed), _) => word(observed == Observed::LetIn).to_owned(),
                (None, why) => format!("not to be told: {}", why.unwrap_or_default()),
            },
            differs: tried.finding.is_some(),
            origin: tried.origin,
        });
    }

    /// Before it is asked again.
    pub fn forget(&mut self) {
        *self = Self::new(Arc::clone(&self.profile), Path::new(&self.file), Arc::clone(&self.reading));
    }

    /// All of it as text, to be pasted or saved.
    pub fn text(&self) -> String {
        let mut lines = vec![self.file.clone()];
        lines.extend(self.problems.iter().cloned());
        for guard in &self.guards {
            lines.push(guard.title.clone());
            lines.extend(guard.origins.iter().map(|(origin, why)| format!("    {}", with(origin, why))));
        }
        for one in &self.findings {
            lines.push(format!("{}: {} [{}]: {}", one.place, one.word, one.rule, one.text));
            lines.push(format!("    {}", one.line));
            lines.extend(one.instead.iter().map(|instead| format!("    write: {instead}")));
        }
        lines.extend(self.tried.iter().map(TriedVm::sentence));
        lines.join("\n")
    }
}

impl TriedVm {
    /// `https://app.example.com: let in by the files, refused by the server`
    pub fn sentence(&self) -> String {
        format!("{}: {} by the files, {} by the server", self.origin, self.configured, self.observed)
    }
}

/// An origin with why it is there.
pub fn with(origin: &str, why: &str) -> String {
    if why.is_empty() { origin.to_owned() } else { format!("{origin}, {why}") }
}

fn guard_vm(guard: &Guard) -> GuardVm {
    let place = format!("{}:{}", guard.at.file.display(), guard.at.line);
    let path = guard.path.as_deref().map(|path| format!(" {path}")).unwrap_or_default();
    let whom = match &guard.origins {
        Origins::Listed(list) if list.is_empty() => "lets in no page but those of the server's own origin",
        Origins::Listed(_) => "lets in:",
        Origins::Any => "lets in every page",
        Origins::Reflected => "lets in every page, with credentials",
    };
    let origins = guard.origins.listed().iter().map(|allowed| {
        let why = match allowed.from {
            From::Written => "",
            From::Derived => "from the host and port",
            From::Twin => "the same under this machine's other name",
        };
        (allowed.what.text(), why)
    });
    GuardVm { title: format!("{}{path} ({place}) {whom}", guard.thing.name()), origins: origins.collect() }
}

fn line(reading: &Reading, finding: &Finding) -> LineVm {
    use crate::serverconf::Severity as Of;
    LineVm {
        severity: match finding.severity {
            Of::Error => Severity::High,
            Of::Warning => Severity::Medium,
            Of::Note => Severity::Low,
        },
        word: finding.severity.word(),
        rule: finding.rule.as_str(),
        text: finding.text.clone(),
        place: format!("{}:{}", finding.at.file.display(), finding.at.line),
        line: reading.line(&finding.at),
        instead: finding.instead.clone(),
    }
}

#[cfg(test)]
pub mod sample {
    //! A `.env` with a mistake, read without a disk.

    use std::collections::HashMap;
    use std::io;
    use std::path::PathBuf;

    use super::*;
    use crate::serverconf::{Files, Input, read};

    struct Table(HashMap<PathBuf, String>);

    impl Files for Table {
        fn read(&self, path: &Path, _: usize) -> io::Result<Vec<u8>> {
            self.0.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| io::ErrorKind::NotFound.into())
        }

        fn list(&self, _: &Path) -> io::Result<Vec<String>> {
            Ok(Vec::new())
        }

        fn is_there(&self, path: &Path) -> bool {
            self.0.contains_key(path)
        }

        fn variable(&self, _: &str) -> Option<String> {
            None
        }
    }

    pub fn reading(text: &str) -> Arc<Reading> {
        let path = PathBuf::from(".env");
        let files = Table([(path.clone(), text.to_owned())].into_iter().collect());
        Arc::new(read(&[Input { path, form: None }], &files))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Kind;
    use crate::serverconf::compare;

    fn vm(kind: Kind) -> LintVm {
        let url = if kind == Kind::Http { "https://api.test/" } else { "wss://api.test/ws" };
        let profile = Arc::new(Profile::new("Sales chat", kind, url.parse().unwrap()));
        let text = "SOCKETIO_CORS_ORIGINS=https://a.test/path\nCORS_ORIGINS=https://a.test\nFLASK_PORT=5000\n";
        LintVm::new(profile, Path::new(".env"), sample::reading(text))
    }

    #[test]
    fn a_finding_has_its_line_and_what_to_write() {
        let vm = vm(Kind::Http);
        let found: Vec<_> = vm.findings.iter().map(|one| (one.rule, one.place.as_str(), one.line.as_str())).collect();
        assert!(
            found.contains(&("origin-with-path", ".env:1", "SOCKETIO_CORS_ORIGINS=https://a.test/path")),
            "{found:?}"
        );
        assert!(vm.comparable && vm.text().contains("HTTP (CORS)"), "{}", vm.text());
    }

    #[test]
    fn what_the_server_does_otherwise_is_a_finding_too() {
        let mut vm = vm(Kind::Http);
        let guard = guard(&vm.reading, Kind::Http).unwrap().clone();
        let before = vm.findings.len();
        let tried = |origin: &str, observed| Tried {
            origin: origin.to_owned(),
            configured: guard.origins.lets_in(origin),
            observed: Some(observed),
            why: None,
            finding: compare(&guard, origin, observed),
        };
        vm.take(tried("https://a.test", Observed::Refused));
        vm.take(tried("https://stranger.test", Observed::Refused));
        assert_eq!(vm.findings.len(), before + 1);
        assert_eq!(vm.tried[0].sentence(), "https://a.test: let in by the files, refused by the server");
        assert_eq!((vm.tried[0].differs, vm.tried[1].differs), (true, false));
        vm.forget();
        assert_eq!((vm.tried.len(), vm.findings.len()), (0, before));
    }

    #[test]
    fn files_that_say_nothing_of_such_an_endpoint_can_not_be_compared() {
        assert!(!vm(Kind::WebSocket).comparable);
    }
}
