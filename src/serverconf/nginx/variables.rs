//! What `map`, `set` and `if` make of the page's origin: which pages a value of a header lets in.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use crate::serverconf::policy::{Origins, Which};
use crate::serverconf::proxy::{self, expression, one};
use crate::serverconf::source::Place;
use crate::serverconf::tree::Node;

/// How often one variable may stand for another.
const MAX_STEPS: usize = 4;
/// How many entries of a map are looked at.
const MAX_ENTRIES: usize = 500;
/// How many values are looked up in all.
const ALL_STEPS: usize = 20_000;

/// A condition on the page's origin, or on a variable that came of one.
#[derive(Clone, Debug)]
pub(super) struct Condition<'a> {
    pub variable: &'a str,
    /// `=`, `!=`, `~`, `~*`, `!~`, `!~*`; empty: not empty.
    pub sign: &'a str,
    pub value: String,
    pub node: &'a Node,
}

impl<'a> Condition<'a> {
    /// Of an `if`, its parentheses off.
    pub(super) fn of(node: &'a Node) -> Option<Self> {
        let mut words = node.args.iter().map(|word| word.text.as_str());
        let variable = words.next()?.trim_start_matches('(');
        let variable = if variable.is_empty() { words.next()? } else { variable };
        let sign = words.next().unwrap_or_default();
        let value = words.next().unwrap_or_default();
        // The closing one is a word of its own after a quoted value.
        let closed = words.next().is_some();
        let value = if closed { value } else { value.strip_suffix(')').unwrap_or(value) };
        Some(Self { variable: variable.trim_end_matches(')'), sign, value: value.to_owned(), node })
    }
}

/// All that gives a variable a value.
pub(super) struct Variables<'a> {
    maps: HashMap<&'a str, &'a Node>,
    /// The `set`s of a variable, with the conditions around each.
    sets: HashMap<&'a str, Vec<(&'a Node, Vec<Condition<'a>>)>>,
    /// What each map comes to, once it has been asked for; `None`: it isn't told by the page's origin.
    mapped: RefCell<HashMap<String, Option<Origins>>>,
    /// The variables whose values have been looked at.
    seen: RefCell<HashSet<String>>,
    /// Steps that may still be taken: variables that stand for each other many times over end.
    steps: Cell<usize>,
}

/// What a value comes to: who is let in by it.
pub(super) enum Value {
    Origins(Origins),
    /// It is not told by the page's origin, or by something that is not read here.
    Other,
}

impl<'a> Variables<'a> {
    pub(super) fn of(root: &'a [Node]) -> Self {
        let mut out = Self {
            maps: HashMap::new(),
            sets: HashMap::new(),
            mapped: RefCell::default(),
            seen: RefCell::default(),
            steps: Cell::new(ALL_STEPS),
        };
        out.collect(root, &mut Vec::new());
        out
    }

    fn step(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        0 < left
    }

    fn collect(&mut self, nodes: &'a [Node], conditions: &mut Vec<Condition<'a>>) {
        for node in nodes {
            match node.name.as_str() {
                "map" if node.args.len() == 2 => {
                    self.maps.insert(node.arg(1), node);
                }
                "set" => self.sets.entry(node.arg(0)).or_default().push((node, conditions.clone())),
                "if" => {
                    let condition = Condition::of(node);
                    let deeper = condition.is_some();
                    conditions.extend(condition);
                    self.collect(node.block(), conditions);
                    conditions.truncate(conditions.len() - usize::from(deeper));
                }
                _ => self.collect(node.block(), conditions),
            }
        }
    }

    /// Who is let in by `Access-Control-Allow-Origin: value` under these conditions.
    pub(super) fn allowed(&self, value: &str, conditions: &[Condition<'a>], at: &Place) -> Value {
        self.resolve(value, conditions, at, 0)
    }

    fn resolve(&self, value: &str, conditions: &[Condition<'a>], at: &Place, steps: usize) -> Value {
        let name = value.strip_prefix("${").and_then(|name| name.strip_suffix('}')).map(|name| format!("${name}"));
        let value = name.as_deref().unwrap_or(value);
        if value == "$http_origin" {
            return Value::Origins(self.held_by(conditions, steps));
        }
        if !value.starts_with('$') {
            return Value::Origins(proxy::literal(value, at));
        }
        if MAX_STEPS < steps || !self.step() {
            return Value::Other;
        }
        if let Some(map) = self.maps.get(value) {
            if let Some(known) = self.mapped.borrow().get(value) {
                return known.clone().map_or(Value::Other, Value::Origins);
            }
            let found = self.mapped(map, at);
            let origins = if let Value::Origins(origins) = &found { Some(origins.clone()) } else { None };
            self.mapped.borrow_mut().insert(value.to_owned(), origins);
            return found;
        }
        let Some(sets) = self.sets.get(value) else { return Value::Other };
        let mut all = Vec::new();
        for (node, conditions) in sets.iter().filter(|(node, _)| !node.arg(1).is_empty()) {
            match self.resolve(node.arg(1), conditions, &node.arg_at(1), steps + 1) {
                Value::Origins(Origins::Listed(list)) => all.extend(list),
                open => return open,
            }
        }
        Value::Origins(Origins::Listed(all))
    }

    /// The pages for which all conditions hold; a condition that says nothing of the origin holds for all.
    fn held_by(&self, conditions: &[Condition<'a>], steps: usize) -> Origins {
        conditions.iter().find_map(|condition| self.holds_for(condition, steps)).unwrap_or(Origins::Reflected)
    }

    fn holds_for(&self, condition: &Condition<'a>, steps: usize) -> Option<Origins> {
        let at = condition.node.at();
        if condition.variable == "$http_origin" {
            let ignore_case = condition.sign == "~*";
            return match condition.sign {
                "=" => Some(Origins::Listed(vec![one(Which::Origin(condition.value.clone()), at)])),
                "~" | "~*" => Some(Origins::Listed(expression(&condition.value, ignore_case, &at))),
                _ => None,
            };
        }
        if MAX_STEPS < steps || condition.sign != "=" || !self.step() {
            return None;
        }
        // `set $cors "true"` under a condition, and perhaps more letters set behind it later.
        let sets = self.sets.get(condition.variable)?;
        let mut all = Vec::new();
        for (node, inner) in sets.iter().filter(|(node, _)| !node.arg(1).is_empty()) {
            let fits = condition.value.starts_with(node.arg(1)) && !inner.is_empty();
            if let Some(origins) = inner.iter().filter(|_| fits).find_map(|inner| self.holds_for(inner, steps + 1)) {
                all.extend_from_slice(origins.listed());
            }
        }
        (!all.is_empty()).then_some(Origins::Listed(all))
    }

    /// Whether a value is to be looked at: what a variable comes to is told once.
    pub(super) fn is_new(&self, value: &str, credentials: bool) -> bool {
        let variable = value.starts_with('$') && value != "$http_origin";
        !variable || self.seen.borrow_mut().insert(format!("{value} {credentials}"))
    }

    /// `map $http_origin $name { … }`
    fn mapped(&self, map: &Node, at: &Place) -> Value {
        if map.arg(0) != "$http_origin" {
            return Value::Other;
        }
        let mut all = Vec::new();
        for entry in map.block().iter().take(MAX_ENTRIES) {
            let (key, value) = (entry.name.as_str(), entry.arg(0));
            let place = entry.at();
            match (key, value) {
                ("hostnames" | "volatile" | "include", _) | (_, "") => {}
                ("default", "$http_origin") => return Value::Origins(Origins::Reflected),
                ("default", "*") => return Value::Origins(Origins::Any),
                ("default", value) => match self.resolve(value, &[], at, MAX_STEPS) {
                    Value::Origins(Origins::Listed(list)) => all.extend(list),
                    _ => return Value::Other,
                },
                (key, value) => {
                    let plain = key.strip_prefix('\\').unwrap_or(key).to_ascii_lowercase();
                    let Some(text) = key.strip_prefix('~') else {
                        // What is answered has to be the origin itself.
                        if value.starts_with('$') || value.eq_ignore_ascii_case(&plain) {
                            all.push(one(Which::Origin(plain), place));
                        }
                        continue;
                    };
                    let (text, ignore_case) = text.strip_prefix('*').map_or((text, false), |text| (text, true));
                    all.extend(expression(text, ignore_case, &place));
                }
            }
        }
        Value::Origins(Origins::Listed(all))
    }
}
