//! Regular expressions over origins: which origins one names, and which strangers it lets in beside them.
//!
//! Invariant: work and memory are bounded by [`MAX_NAMES`] and [`MAX_TEXT`], whatever the expression.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};
use url::Url;

use crate::browser::origin::{is_loopback, schemelessly_same_site};

/// An expression that names more is a pattern and no list.
const MAX_NAMES: usize = 64;
const MAX_TEXT: usize = 4096;

/// How much of the origin an expression has to match by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Anywhere in it: nginx, Apache.
    Search,
    /// From its start: Python's `re.match`.
    Start,
    /// All of it: Python's `re.fullmatch`.
    Whole,
}

/// The expression; `None` where it is too long, or of a kind that is not read here (look-around, back-references).
pub fn compile(text: &str, reach: Reach, ignore_case: bool) -> Option<Regex> {
    if MAX_TEXT < text.len() {
        return None;
    }
    let whole = match reach {
        Reach::Search => text.to_owned(),
        Reach::Start => format!("^(?:{text})"),
        Reach::Whole => format!("^(?:{text})$"),
    };
    RegexBuilder::new(&whole).case_insensitive(ignore_case).size_limit(1 << 20).build().ok()
}

/// The origins that it names, where these are all that it matches: `^https://(a|b)\.test$`.
pub fn names(pattern: &Regex) -> Option<Vec<String>> {
    let text = pattern.as_str();
    if !(text.starts_with('^') && text.ends_with('$')) || text.contains(".*") {
        return None;
    }
    let (texts, whole) = spell(&regex_syntax::parse(text).ok()?);
    (whole && texts.iter().all(|text| pattern.is_match(text))).then_some(texts)
}

/// Origins of other sites that it lets in as well, one for each way.
pub fn strangers(pattern: &Regex) -> Vec<String> {
    let Ok(hir) = regex_syntax::parse(pattern.as_str()) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for sample in spell(&hir).0 {
        let sample =
            if sample.contains("://") { sample } else { format!("https://{}", sample.trim_start_matches('/')) };
        let Ok(url) = Url::parse(&sample) else { continue };
        let Some(host) = url.host_str().filter(|host| host.contains('.') && !is_loopback(&url)) else { continue };
        if !pattern.is_match(&sample) {
            continue;
        }
        let domain = crate::browser::origin::registrable_domain(&url).unwrap_or(host);
        let scheme = url.scheme();
        let ways = [format!("{scheme}://{host}.evil.test"), format!("{scheme}://evil{domain}")];
        let dots = domain.match_indices('.').map(|(at, _)| {
            format!("{scheme}://{}{}x{}", &host[..host.len() - domain.len()], &domain[..at], &domain[at + 1..])
        });
        for stranger in ways.into_iter().chain(dots) {
            let other = Url::parse(&stranger).is_ok_and(|other| !schemelessly_same_site(&other, &url));
            if other && pattern.is_match(&stranger) && !found.contains(&stranger) {
                found.push(stranger);
            }
        }
        if 3 <= found.len() {
            break;
        }
    }
    found
}

/// Texts that it matches, at most [`MAX_NAMES`], and whether these are all.
fn spell(hir: &Hir) -> (Vec<String>, bool) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => (vec![String::new()], true),
        HirKind::Literal(literal) => (vec![String::from_utf8_lossy(&literal.0).into_owned()], true),
        // A dot that was meant as one.
        HirKind::Class(class) => letters(class, ['.', 'a', '1', '-']),
        HirKind::Capture(capture) => spell(&capture.sub),
        HirKind::Repetition(repetition) => {
            let (texts, whole) = match repetition.sub.kind() {
                HirKind::Class(class) => letters(class, ['a', '1', '-', '.']),
                _ => spell(&repetition.sub),
            };
            let once = (repetition.min, repetition.max);
            match once {
                (0, Some(1)) => (std::iter::once(String::new()).chain(texts).take(MAX_NAMES).collect(), whole),
                (1, Some(1)) => (texts, whole),
                (min, max) => {
                    let times = usize::try_from(min.clamp(1, 16)).unwrap_or(1);
                    let text = texts.first().map(|text| text.repeat(times)).unwrap_or_default();
                    (vec![text], max == Some(min) && texts.len() == 1 && min <= 16 && whole)
                }
            }
        }
        HirKind::Alternation(branches) => {
            let mut all = (Vec::new(), true);
            for (texts, whole) in branches.iter().map(spell) {
                all.1 &= whole && all.0.len() + texts.len() <= MAX_NAMES;
                all.0.extend(texts);
                all.0.truncate(MAX_NAMES);
            }
            all
        }
        HirKind::Concat(parts) => {
            let mut all = (vec![String::new()], true);
            for (texts, whole) in parts.iter().map(spell) {
                all.1 &= whole && all.0.len() * texts.len() <= MAX_NAMES;
                all.0 = all
                    .0
                    .iter()
                    .flat_map(|front| texts.iter().map(move |text| format!("{front}{text}")))
                    .filter(|text| text.len() <= MAX_TEXT)
                    .take(MAX_NAMES)
                    .collect();
            }
            all
        }
    }
}

/// One letter of a class, the first of these that it has; all of a small one.
fn letters(class: &Class, wanted: [char; 4]) -> (Vec<String>, bool) {
    let Class::Unicode(class) = class else { return (Vec::new(), false) };
    let count: usize = class.iter().map(regex_syntax::hir::ClassUnicodeRange::len).sum();
    let has = |c: char| class.iter().any(|range| (range.start()..=range.end()).contains(&c));
    if count <= 4 {
        let all = class.iter().flat_map(|range| range.start()..=range.end());
        return (all.map(String::from).collect(), true);
    }
    let any = wanted
        .into_iter()
        .find(|c| has(*c))
        .or_else(|| class.iter().next().map(regex_syntax::hir::ClassUnicodeRange::start));
    (any.map(String::from).into_iter().collect(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Regex {
        compile(text, Reach::Search, false).unwrap()
    }

    #[test]
    fn a_closed_expression_names_its_origins() {
        let named = |text: &str| names(&pattern(text)).map(|names| names.join(" "));
        assert_eq!(named(r"^https://(www\.)?app\.test$").as_deref(), Some("https://app.test https://www.app.test"));
        assert_eq!(named(r"^https?://(a|b)\.test$").unwrap().split(' ').count(), 4);
        for open in
            [r"https://app\.test$", r"^https://app\.test", r"^https://.*\.app\.test$", r"^https://[a-z]+\.test$"]
        {
            assert_eq!(named(open), None, "{open}");
        }
    }

    #[track_caller]
    fn lets_in(text: &str, expected: &[&str]) {
        assert_eq!(strangers(&pattern(text)), expected, "{text}");
    }

    #[test]
    fn strangers_come_in_where_it_is_open_at_an_end_or_at_a_dot() {
        lets_in(r"^https://app\.example\.com", &["https://app.example.com.evil.test"]);
        lets_in(r"example\.com$", &["https://evilexample.com"]);
        lets_in(r"^https://.*example\.com$", &["https://evilaexample.com"]);
        lets_in(r"^https://app.example.com$", &["https://app.examplexcom"]);
        lets_in(".*", &[]);
    }

    #[test]
    fn a_closed_expression_lets_no_stranger_in() {
        for closed in [
            r"^https://app\.example\.com$",
            r"^https?://([a-z-]+\.)?example\.com(:\d+)?$",
            r"^https://.*\.example\.com$",
            r"^http://localhost:\d+$",
            r"^http://127\.0\.0\.1:[0-9]+$",
        ] {
            lets_in(closed, &[]);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_expression_is_too_much(text in r"[a-c.*+?(){}|\[\]^$\\2,:/]{0,24}") {
            if let Some(pattern) = compile(&text, Reach::Search, false) {
                let _ = (names(&pattern), strangers(&pattern));
            }
        }
    }
}
