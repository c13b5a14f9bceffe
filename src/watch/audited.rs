//! What an audit on a schedule comes to, and how it differs from the one before. Pure.
//!
//! Invariant: what could not be told this time (an error, no answer) counts as it was the last time, never as changed.

use super::severity::Severity;

/// What one audit came to, as the history keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audited {
    /// The endpoint and the page; what was audited of others is not compared.
    pub of: Box<str>,
    /// The gravest first.
    pub findings: Vec<AuditFinding>,
    /// Who was let in beside the page itself; the next audit is compared with it.
    pub let_in: Vec<LetIn>,
    /// `None`: it is the first, or all is as it was.
    pub changed: Option<PolicyChange>,
}

/// One thing that is amiss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFinding {
    /// Stable: a cause's id, or a word of the audit's own.
    pub id: Box<str>,
    pub severity: Severity,
    /// A sentence, with the real values.
    pub text: Box<str>,
    /// It is about an origin, which [`Audited::let_in`] has too.
    pub of_origin: bool,
}

/// An origin that was let in over one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetIn {
    /// `get`, `preflight`, `websocket`, `polling`, `socketio-websocket`.
    pub way: Box<str>,
    /// `None`: clients that send none.
    pub origin: Option<Box<str>>,
    /// With what the person may read or do, not only what is there for everybody.
    pub as_the_person: bool,
}

/// How whom the endpoint lets in, and what else is amiss, differ from the last audit. A phrase each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// Worse: `now also lets in https://evil.example (get)`.
    pub opened: Vec<Box<str>>,
    /// Better.
    pub closed: Vec<Box<str>>,
}

impl PolicyChange {
    /// Every phrase, the worse first.
    pub fn phrases(&self) -> impl Iterator<Item = &str> {
        self.opened.iter().chain(&self.closed).map(AsRef::as_ref)
    }
}

/// One origin on one way, as an audit saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub one: LetIn,
    /// `None`: the answer doesn't tell.
    pub let_in: Option<bool>,
}

impl Audited {
    /// What this audit of `of` came to, after `before`.
    pub fn new(of: &str, findings: Vec<AuditFinding>, tried: Vec<Tried>, before: Option<&Self>) -> Self {
        let before = before.filter(|before| &*before.of == of);
        let was = |one: &LetIn| {
            let known = before.into_iter().flat_map(|before| &before.let_in);
            known.into_iter().find(|known| known.way == one.way && known.origin == one.origin)
        };
        let let_in: Vec<LetIn> = tried
            .into_iter()
            .filter_map(|Tried { one, let_in }| match let_in {
                Some(true) => Some(one),
                Some(false) => None,
                None => was(&one).cloned(),
            })
            .collect();
        let mut now = Self { of: of.into(), findings, let_in, changed: None };
        now.changed = before.and_then(|before| now.since(before));
        now
    }

    fn since(&self, before: &Self) -> Option<PolicyChange> {
        let change = PolicyChange { opened: more(self, before, "now also"), closed: more(before, self, "no longer") };
        (change != PolicyChange::default()).then_some(change)
    }
}

/// What `one` has and `other` has not, a phrase an origin and a phrase a finding.
fn more(one: &Audited, other: &Audited, word: &str) -> Vec<Box<str>> {
    let mut phrases: Vec<(String, Vec<&str>)> = Vec::new();
    let covers = |here: &LetIn, there: &LetIn| {
        (&there.way, &there.origin) == (&here.way, &here.origin) && (there.as_the_person || !here.as_the_person)
    };
    for here in one.let_in.iter().filter(|here| !other.let_in.iter().any(|there| covers(here, there))) {
        let origin = here.origin.as_deref().unwrap_or("clients that send no origin");
        let person = if here.as_the_person { " with the person's cookies" } else { "" };
        let phrase = format!("{word} lets in {origin}{person}");
        match phrases.iter_mut().find(|(known, _)| *known == phrase) {
            Some((_, ways)) => ways.push(&here.way),
            None => phrases.push((phrase, vec![&here.way])),
        }
    }
    let origins = phrases.into_iter().map(|(phrase, ways)| format!("{phrase} ({})", ways.join(", ")).into());
    let has = |audited: &Audited, id: &str| audited.findings.iter().any(|finding| &*finding.id == id);
    let findings = one.findings.iter().filter(|finding| !finding.of_origin && !has(other, &finding.id));
    origins.chain(findings.map(|finding| format!("{word} {}", finding.id).into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "https://evil.test";

    fn tried(way: &str, origin: &str, as_the_person: bool, let_in: Option<bool>) -> Tried {
        Tried { one: LetIn { way: way.into(), origin: Some(origin.into()), as_the_person }, let_in }
    }

    fn finding(id: &str, of_origin: bool) -> AuditFinding {
        AuditFinding { id: id.into(), severity: Severity::High, text: "text".into(), of_origin }
    }

    fn audited(findings: Vec<AuditFinding>, tried: Vec<Tried>, before: Option<&Audited>) -> Audited {
        Audited::new("https://api.test/ from https://a.test", findings, tried, before)
    }

    /// What changed, a phrase each, `+` for what is worse.
    fn change(audited: &Audited) -> Vec<String> {
        let Some(PolicyChange { opened, closed }) = &audited.changed else { return Vec::new() };
        opened.iter().map(|one| format!("+ {one}")).chain(closed.iter().map(|one| format!("- {one}"))).collect()
    }

    #[test]
    fn the_first_is_the_base_line_and_what_stays_is_no_news() {
        let open = || vec![tried("get", EVIL, true, Some(true)), tried("get", "null", true, Some(false))];
        let first = audited(vec![finding("any", true)], open(), None);
        assert_eq!(first.changed, None);
        assert_eq!(audited(vec![finding("any", true)], open(), Some(&first)).changed, None);
    }

    #[test]
    fn another_endpoint_or_page_has_a_base_line_of_its_own() {
        let first = audited(Vec::new(), vec![tried("get", EVIL, true, Some(false))], None);
        let open = vec![tried("get", EVIL, true, Some(true))];
        assert!(audited(Vec::new(), open.clone(), Some(&first)).changed.is_some());
        assert_eq!(Audited::new("https://other.test/", Vec::new(), open, Some(&first)).changed, None);
    }

    #[test]
    fn what_opens_is_told_apart_from_what_closes() {
        let shut = |way: &str| tried(way, EVIL, false, Some(false));
        let open = |way: &str| tried(way, EVIL, false, Some(true));
        let first = audited(vec![finding("cookie", false)], vec![shut("get"), shut("preflight")], None);
        let second = audited(vec![finding("tls", false)], vec![open("get"), open("preflight")], Some(&first));
        let expected =
            ["+ now also lets in https://evil.test (get, preflight)", "+ now also tls", "- no longer cookie"];
        assert_eq!(change(&second), expected);
        let third = audited(vec![finding("tls", false)], vec![shut("get"), open("preflight")], Some(&second));
        assert_eq!(change(&third), ["- no longer lets in https://evil.test (get)"]);
    }

    #[test]
    fn more_than_before_for_the_same_origin_is_worse() {
        let first = audited(Vec::new(), vec![tried("get", EVIL, false, Some(true))], None);
        let second = audited(Vec::new(), vec![tried("get", EVIL, true, Some(true))], Some(&first));
        assert_eq!(change(&second), ["+ now also lets in https://evil.test with the person's cookies (get)"]);
        let third = audited(Vec::new(), vec![tried("get", EVIL, false, Some(true))], Some(&second));
        assert_eq!(change(&third), ["- no longer lets in https://evil.test with the person's cookies (get)"]);
    }

    #[test]
    fn what_can_not_be_told_counts_as_it_was() {
        let first = audited(Vec::new(), vec![tried("websocket", EVIL, true, Some(true))], None);
        let second = audited(Vec::new(), vec![tried("websocket", EVIL, true, None)], Some(&first));
        assert_eq!((second.changed.as_ref(), second.let_in.len()), (None, 1));
        let third = audited(Vec::new(), vec![tried("websocket", EVIL, true, Some(false))], Some(&second));
        assert_eq!(change(&third), ["- no longer lets in https://evil.test with the person's cookies (websocket)"]);
    }
}
