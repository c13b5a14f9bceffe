//! Servers and their locations: what each inherits, and which one answers a path.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use crate::serverconf::tree::Node;

/// How many servers, and locations of each, are looked at: what is inherited is asked for in all levels above each.
pub(super) const MAX_SERVERS: usize = 1000;
pub(super) const MAX_LOCATIONS: usize = 1000;

/// The blocks around a place, outermost first; a directive's block is the last.
pub(super) type Levels<'a> = Vec<&'a [Node]>;

pub(super) struct Server<'a> {
    /// The `server` itself; `None` for a file that is a part of one.
    pub node: Option<&'a Node>,
    pub levels: Levels<'a>,
    pub locations: Vec<Location<'a>>,
    /// Which location answers a path, once it has been asked for.
    answers: RefCell<HashMap<String, Option<usize>>>,
}

pub(super) struct Location<'a> {
    pub node: &'a Node,
    pub levels: Levels<'a>,
    pub matches: Matches,
}

pub(super) enum Matches {
    Exact(String),
    /// `true`: `^~`, no expression is tried after it.
    Prefix(String, bool),
    /// `None`: an expression of a kind that is not read here.
    Expression(Option<Regex>),
    /// `@name`: no path leads there.
    Named,
}

/// Every server; where there is none, the file itself as a part of one.
pub(super) fn servers(root: &[Node]) -> Vec<Server<'_>> {
    let mut found = Vec::new();
    collect(vec![root], &mut found);
    if found.is_empty() && !root.iter().any(|node| matches!(node.name.as_str(), "http" | "events" | "stream")) {
        found.push(server(None, vec![root]));
    }
    found
}

fn collect<'a>(levels: Levels<'a>, found: &mut Vec<Server<'a>>) {
    let Some(inner) = levels.last().copied() else { return };
    for node in inner {
        let mut inside = levels.clone();
        inside.push(node.block());
        match node.name.as_str() {
            "http" => collect(inside, found),
            "server" if node.block.is_some() && found.len() < MAX_SERVERS => found.push(server(Some(node), inside)),
            _ => {}
        }
    }
}

fn server<'a>(node: Option<&'a Node>, levels: Levels<'a>) -> Server<'a> {
    let mut locations = Vec::new();
    within(&levels, &mut locations);
    Server { node, levels, locations, answers: RefCell::default() }
}

fn within<'a>(levels: &Levels<'a>, locations: &mut Vec<Location<'a>>) {
    let inner = levels.last().copied().unwrap_or_default();
    for node in inner.iter().filter(|node| node.name == "location") {
        if MAX_LOCATIONS <= locations.len() {
            return;
        }
        let mut inside = levels.clone();
        inside.push(node.block());
        let (sign, path) = if node.args.len() < 2 { ("", node.arg(0)) } else { (node.arg(0), node.arg(1)) };
        let expression = |ignore_case| {
            let built = RegexBuilder::new(path).case_insensitive(ignore_case).size_limit(1 << 20).build();
            Matches::Expression(built.ok())
        };
        let matches = match sign {
            "=" => Matches::Exact(path.to_owned()),
            "^~" => Matches::Prefix(path.to_owned(), true),
            "~" => expression(false),
            "~*" => expression(true),
            _ if path.starts_with('@') => Matches::Named,
            _ => Matches::Prefix(path.to_owned(), false),
        };
        locations.push(Location { node, levels: inside.clone(), matches });
        within(&inside, locations);
    }
}

impl<'a> Server<'a> {
    /// [The location that answers](https://nginx.org/en/docs/http/ngx_http_core_module.html#location): an exact one, else the
    /// longest prefix unless an expression comes between.
    pub(super) fn answering(&self, path: &str) -> Option<&Location<'a>> {
        let known = self.answers.borrow().get(path).copied();
        let index = known.unwrap_or_else(|| {
            let found = self.find(path);
            self.answers.borrow_mut().insert(path.to_owned(), found);
            found
        });
        self.locations.get(index?)
    }

    fn find(&self, path: &str) -> Option<usize> {
        let prefix = |matches: &Matches| match matches {
            Matches::Prefix(prefix, last) if path.starts_with(prefix.as_str()) => Some((prefix.len(), *last)),
            _ => None,
        };
        let all = || self.locations.iter().map(|location| &location.matches).enumerate();
        if let Some((index, _)) = all().find(|(_, matches)| matches!(matches, Matches::Exact(exact) if exact == path)) {
            return Some(index);
        }
        let longest = all().filter_map(|(index, matches)| Some((prefix(matches)?, index))).max();
        if let Some(((_, true), index)) = longest {
            return Some(index);
        }
        let fits = |matches: &Matches| matches!(matches, Matches::Expression(Some(pattern)) if pattern.is_match(path));
        let expression = all().find(|(_, matches)| fits(matches)).map(|(index, _)| index);
        expression.or(longest.map(|(_, index)| index))
    }

    pub(super) fn block(&self) -> &'a [Node] {
        self.levels.last().copied().unwrap_or_default()
    }

    /// The ports that it listens on, with TLS or without; nginx's 80 where it says nothing.
    pub(super) fn listens(&self) -> Vec<(u16, bool)> {
        let ssl_on = self.block().iter().any(|node| node.name == "ssl" && node.arg(0) == "on");
        let listen = |node: &Node| {
            let tls = ssl_on || node.args.iter().any(|word| matches!(word.text.as_str(), "ssl" | "quic"));
            let address = node.arg(0);
            let port = address.rsplit(':').next().unwrap_or_default();
            // An address without a port, `unix:` aside.
            let port = port.parse().unwrap_or(80);
            (!address.starts_with("unix:")).then_some((port, tls))
        };
        let mut all: Vec<(u16, bool)> =
            self.block().iter().filter(|node| node.name == "listen").filter_map(listen).collect();
        if all.is_empty() && self.node.is_some() {
            all.push((80, false));
        }
        all.dedup();
        all
    }

    pub(super) fn names(&self) -> Vec<&'a str> {
        let nodes = self.block().iter().filter(|node| node.name == "server_name");
        nodes.flat_map(|node| node.args.iter().map(|word| word.text.as_str())).collect()
    }
}

impl<'a> Location<'a> {
    pub(super) fn path(&self) -> &'a str {
        self.node.args.last().map_or("", |word| word.text.as_str())
    }

    pub(super) fn block(&self) -> &'a [Node] {
        self.node.block()
    }

    /// Where it passes requests on to, in itself or in one of its `if`s.
    pub(super) fn proxy_pass(&self) -> Option<&'a Node> {
        let inside = self.block().iter().filter(|node| node.name == "if").flat_map(Node::block);
        self.block().iter().chain(inside).find(|node| node.name == "proxy_pass")
    }
}

/// A directive that the innermost level which has it decides.
pub(super) fn scalar<'a>(levels: &Levels<'a>, name: &str) -> Option<&'a Node> {
    levels.iter().rev().find_map(|level| level.iter().rev().find(|node| node.name == name))
}

/// Directives that are inherited only where the level has none of its own: those in force, and how deep they stand.
pub(super) fn array<'a>(levels: &Levels<'a>, name: &str) -> (usize, Vec<&'a Node>) {
    let own = |level: &&'a [Node]| level.iter().filter(|node| node.name == name).collect::<Vec<_>>();
    let found = levels.iter().enumerate().rev().map(|(depth, level)| (depth, own(level)));
    found.into_iter().find(|(_, nodes)| !nodes.is_empty()).unwrap_or_default()
}

/// The value that a header of such directives gets, by the last that names it.
pub(super) fn header<'a>(nodes: &[&'a Node], name: &str) -> Option<(&'a Node, &'a str)> {
    let node = nodes.iter().rev().find(|node| node.arg(0).eq_ignore_ascii_case(name))?;
    Some((node, node.arg(1)))
}
