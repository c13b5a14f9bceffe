//! `Header` and what its values come of, by [mod_headers](https://httpd.apache.org/docs/2.4/mod/mod_headers.html).
//!
//! There are two tables: `always`, which goes out with every answer, and the other, which goes out with successes and which the
//! answer of a backend is in. A header may be in both, and then goes out twice.

use super::{Apache, Levels, MAX_SECTIONS};
use crate::serverconf::env::Environment;
use crate::serverconf::finding::{Finding, Rule, Severity};
use crate::serverconf::policy::{Allowed, Guard, Guarded, MAX_GUARDS, Origins, Which};
use crate::serverconf::proxy::{ALLOW_ORIGIN, expression, literal, one, value_faults};
use crate::serverconf::tree::Node;

/// What lets several pages in.
const LIST: &str = "SetEnvIf Origin \"^https://(app|www)\\.example\\.com$\" CORS=$0, and Header always set \
                    Access-Control-Allow-Origin \"%{CORS}e\" env=CORS";

/// One `Header` directive, read.
struct Set<'a> {
    node: &'a Node,
    always: bool,
    action: String,
    name: &'a str,
    value: &'a str,
    /// Which of the words the value is.
    value_index: usize,
    /// `env=NAME`, `expr=…`
    condition: Option<&'a str>,
}

fn read(node: &Node) -> Option<Set<'_>> {
    if !node.is("Header") {
        return None;
    }
    let first = node.arg(0).to_ascii_lowercase();
    let shift = usize::from(matches!(first.as_str(), "always" | "onsuccess"));
    let action = node.arg(shift).to_ascii_lowercase();
    let value_index = shift + 2;
    let last = node.args.get(value_index + 1..).and_then(|rest| rest.last()).map(|word| word.text.as_str());
    let condition = last.filter(|word| word.starts_with("env=") || word.starts_with("expr="));
    let (name, value) = (node.arg(shift + 1), node.arg(value_index));
    Some(Set { node, always: first == "always", action, name, value, value_index, condition })
}

/// Looks at a section that names the header itself, with all that stands above it.
pub(super) fn check(levels: &Levels<'_>, section: Option<&Node>, app: &Environment, out: &mut Apache) {
    let own = levels.last().copied().unwrap_or_default();
    request(own, &mut out.findings);
    let adds = |node: &Node| {
        read(node).is_some_and(|set| set.name.eq_ignore_ascii_case(ALLOW_ORIGIN) && set.action != "unset")
    };
    if !own.iter().any(adds) {
        return;
    }
    out.sections += 1;
    if MAX_SECTIONS < out.sections {
        if let Some(node) = section.filter(|_| out.sections == MAX_SECTIONS + 1) {
            let text = "there are more than 1000 sections with CORS headers: this one and the others are not looked at";
            out.findings.push(node.finding(Rule::LineNotUnderstood, Severity::Note, text));
        }
        return;
    }
    let all: Vec<Set<'_>> = levels.iter().flat_map(|level| level.iter()).filter_map(read).collect();
    let named = |name: &str| all.iter().rev().find(|set| set.name.eq_ignore_ascii_case(name) && set.action != "unset");
    let words = |name: &str| {
        let list = named(name)?.value.split(',').map(str::trim).filter(|word| !word.is_empty());
        Some(list.map(str::to_owned).collect::<Vec<_>>())
    };
    let credentials = named("Access-Control-Allow-Credentials").map(|set| set.value == "true");
    let (mut listed, mut open, mut at) = (Vec::new(), None, None);
    let origins: Vec<&Set<'_>> = in_force(&all);
    for set in &origins {
        at.get_or_insert_with(|| set.node.at());
        let place = set.node.arg_at(set.value_index);
        let found = allowed(set, levels);
        value_faults(set.value, &place, found.as_ref(), credentials == Some(true), LIST, &mut out.findings);
        match found {
            Some(Origins::Listed(list)) => listed.extend(list),
            Some(wide) => open = Some(wide),
            None => {}
        }
    }
    let proxied = passes(levels, section);
    tables(&origins, proxied && app.adds_cors(), &mut out.findings);
    let varies =
        all.iter().any(|set| set.name.eq_ignore_ascii_case("Vary") && set.value.to_lowercase().contains("origin"));
    if let Some(set) =
        origins.iter().find(|set| set.value.contains('%') || set.value.starts_with("expr=")).filter(|_| !varies)
    {
        let text = "the value follows the page's origin, and without `Vary: Origin` a cache gives one page's answer to another";
        let finding = set.node.finding(Rule::VaryOriginMissing, Severity::Warning, text);
        out.findings.push(finding.instead("Header always merge Vary Origin beside it"));
    }
    let Some(at) = at.filter(|_| out.guards.len() < MAX_GUARDS) else { return };
    out.guards.push(Guard {
        thing: Guarded::HttpCors,
        origins: open.unwrap_or(Origins::Listed(listed)),
        credentials,
        methods: words("Access-Control-Allow-Methods"),
        headers: words("Access-Control-Allow-Headers"),
        path: section.filter(|node| !node.is("VirtualHost")).map(|node| node.arg(0).to_owned()),
        at,
    });
}

/// The directives that say what the header is at last: a `set` without a condition takes the place of those before it in its
/// table.
fn in_force<'a, 'b>(all: &'b [Set<'a>]) -> Vec<&'b Set<'a>> {
    let mut left: Vec<&Set<'_>> = Vec::new();
    for set in all.iter().filter(|set| set.name.eq_ignore_ascii_case(ALLOW_ORIGIN)) {
        match (set.action.as_str(), set.condition) {
            ("unset", None) => left.retain(|other| other.always != set.always),
            ("set", None) => {
                left.retain(|other| other.always != set.always);
                left.push(set);
            }
            ("unset" | "edit" | "edit*" | "echo" | "note", _) => {}
            _ => left.push(set),
        }
    }
    left
}

/// Two values, and answers without any.
fn tables(origins: &[&Set<'_>], app_adds: bool, out: &mut Vec<Finding>) {
    let mut twice = |node: &Node, text: &str, instead: &str| {
        out.push(node.finding(Rule::DuplicateCorsHeaders, Severity::Error, text).instead(instead));
    };
    let adds = |set: &Set<'_>| matches!(set.action.as_str(), "add" | "append" | "merge");
    let always = origins.iter().filter(|set| set.always && set.condition.is_none()).count();
    let plain = origins.iter().filter(|set| !set.always && set.condition.is_none()).count();
    if let Some(second) = origins.iter().skip(1).find(|set| adds(set) && set.condition.is_none()) {
        twice(
            second.node,
            "it is added to one that is there already: browsers refuse two values",
            "Header always set, once",
        );
    } else if 0 < always
        && 0 < plain
        && let Some(second) = origins.last()
    {
        let text = "`Header set` and `Header always set` fill two tables, and a success goes out with both: browsers refuse two values";
        twice(second.node, text, "Header always set alone");
    }
    if app_adds && let Some(set) = origins.iter().find(|set| set.always || adds(set)) {
        let text = "the application behind adds this header as well: two values, and browsers refuse both";
        twice(set.node, text, "nothing here, or Header unset Access-Control-Allow-Origin before it");
    }
    if let Some(set) = origins.iter().find(|set| !set.always)
        && origins.iter().all(|set| !set.always)
    {
        let text =
            "without `always`, answers like 401, 404 and 502 go out without the header, and the page sees a CORS error";
        let finding = set.node.finding(Rule::ErrorResponseWithoutCors, Severity::Warning, text);
        out.push(finding.instead(format!("Header always set {ALLOW_ORIGIN} …")));
    }
}

/// Who is let in by a value under its condition; `None` where it is told by something else than the page's origin.
fn allowed(set: &Set<'_>, levels: &Levels<'_>) -> Option<Origins> {
    let at = set.node.arg_at(set.value_index);
    let variable =
        set.condition.and_then(|condition| condition.strip_prefix("env=")).filter(|name| !name.starts_with('!'));
    let reflected = || match variable {
        Some(name) => of_variable(name, levels).unwrap_or(Origins::Reflected),
        None => Origins::Reflected,
    };
    let value = set.value;
    if let Some(name) = value.strip_prefix("%{").and_then(|value| value.strip_suffix("}e")) {
        return if name.eq_ignore_ascii_case("HTTP_ORIGIN") { Some(reflected()) } else { of_variable(name, levels) };
    }
    if let Some(text) = value.strip_prefix("expr=") {
        let text = text.to_ascii_lowercase();
        return (text.contains("origin}")).then(reflected);
    }
    if value.contains('%') {
        return None;
    }
    Some(literal(value, &at))
}

/// `SetEnvIf Origin expression NAME=$0`, and `RewriteRule .* - [E=NAME:%{HTTP:Origin}]`.
fn of_variable(name: &str, levels: &Levels<'_>) -> Option<Origins> {
    let mut all: Vec<Allowed> = Vec::new();
    let mut known = false;
    for level in levels {
        for (index, node) in level.iter().enumerate() {
            let sets = |word: &str| word.split('=').next() == Some(name);
            let is_set =
                (node.is("SetEnvIf") || node.is("SetEnvIfNoCase")) && node.arg(0).eq_ignore_ascii_case("origin");
            if is_set && node.args.iter().skip(2).any(|word| sets(&word.text)) {
                known = true;
                all.extend(matching(node.arg(1), node.is("SetEnvIfNoCase"), node));
            } else if node.is("RewriteRule") && node.arg(2).contains(&format!("E={name}:%{{HTTP:Origin}}")) {
                known = true;
                let condition = index.checked_sub(1).and_then(|before| level.get(before));
                let condition = condition
                    .filter(|node| node.is("RewriteCond") && node.arg(0).eq_ignore_ascii_case("%{HTTP:Origin}"));
                let Some(condition) = condition else { return Some(Origins::Reflected) };
                all.extend(matching(condition.arg(1), condition.arg(2).contains("NC"), condition));
            }
        }
    }
    known.then_some(Origins::Listed(all))
}

fn matching(text: &str, ignore_case: bool, node: &Node) -> Vec<Allowed> {
    match text.strip_prefix('=') {
        Some(text) => vec![one(Which::Origin(text.to_owned()), node.at())],
        None => expression(text, ignore_case, &node.arg_at(1)),
    }
}

/// Whether requests there are passed on.
fn passes(levels: &Levels<'_>, section: Option<&Node>) -> bool {
    let is_pass = |node: &Node| {
        node.is("ProxyPass")
            || node.is("ProxyPassMatch")
            || (node.is("RewriteRule") && super::socket::flags(node).contains(&"P"))
    };
    levels.iter().any(|level| level.iter().any(is_pass))
        || (section.is_none() && levels.iter().any(|level| level.iter().any(|node| node.block().iter().any(is_pass))))
}

/// What is done to the page's own header on its way.
fn request(nodes: &[Node], out: &mut Vec<Finding>) {
    for node in nodes.iter().filter(|node| node.is("RequestHeader")) {
        let first = usize::from(node.arg(0).eq_ignore_ascii_case("early"));
        let (action, name) = (node.arg(first).to_ascii_lowercase(), node.arg(first + 1).to_ascii_lowercase());
        match (action.as_str(), name.as_str()) {
            ("unset", "origin") => {
                let text = "the page's Origin is taken out: the server can't tell whose page it is, and CORS answers are missing";
                out.push(node.finding(Rule::OriginStrippedByProxy, Severity::Error, text).instead("no such line"));
            }
            ("set", "origin") => {
                let text = "every page gets the same Origin: the server's check passes for any site's page, with the user's cookie";
                let instead = "no such line, and the page's origin in the server's list";
                out.push(node.finding(Rule::OriginNotValidated, Severity::Error, text).instead(instead));
            }
            ("unset", "upgrade" | "connection") => {
                let text = "the upgrade is taken out: every WebSocket is refused";
                out.push(node.finding(Rule::ProxyDropsUpgrade, Severity::Error, text).instead("no such line"));
            }
            _ => {}
        }
    }
}
