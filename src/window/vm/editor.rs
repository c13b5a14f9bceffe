//! A profile's text while it is edited: by the form, key by key, or as it is. Both are faces of one text, so that comments,
//! order and what the form does not know stay as the person wrote them.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value};

use super::fields::{Field, Form};
use crate::base::{Problem, Severity};
use crate::profile::{Kind, parse};

/// The text of one profile.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    text: String,
    /// As it is on disk.
    saved: String,
    /// `None`: the text is no TOML.
    document: Option<DocumentMut>,
    problems: Vec<Problem>,
    kind: Option<Kind>,
}

impl Draft {
    /// The text as it is on disk.
    pub fn new(text: String) -> Self {
        let mut draft = Self { saved: text.clone(), ..Self::default() };
        draft.set_text(text);
        draft
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole text, as typed.
    pub fn set_text(&mut self, text: String) {
        self.document = text.parse().ok();
        self.problems = match parse(&text, None) {
            Ok((profile, warnings)) => {
                self.kind = Some(profile.kind);
                warnings
            }
            Err(problems) => {
                self.kind = self
                    .value("kind")
                    .and_then(|item| item.as_str())
                    .and_then(|word| Kind::ALL.into_iter().find(|kind| kind.word() == word));
                problems
            }
        };
        self.text = text;
    }

    /// What is wrong with it, warnings among it.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many mistakes keep it from being saved.
    pub fn mistakes(&self) -> usize {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    pub fn is_dirty(&self) -> bool {
        self.text != self.saved
    }

    /// The text went to disk.
    pub fn mark_saved(&mut self) {
        self.saved.clone_from(&self.text);
    }

    /// As it was on disk.
    pub fn revert(&mut self) {
        self.set_text(self.saved.clone());
    }

    /// Whether the form can be shown: the text is TOML.
    pub fn has_form(&self) -> bool {
        self.document.is_some()
    }

    pub fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Http)
    }

    /// Mistakes and warnings about that key, or inside it.
    pub fn about<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Problem> {
        self.problems.iter().filter(move |problem| {
            problem.key.as_deref().is_some_and(|named| {
                named.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            })
        })
    }

    /// The field's value as the form shows it; empty where the key is not there.
    pub fn get(&self, field: &Field) -> String {
        self.value(field.key).map(|item| shown(item, field.form)).unwrap_or_default()
    }

    /// The toggle's position.
    pub fn is_on(&self, field: &Field, default: bool) -> bool {
        self.value(field.key).and_then(Item::as_bool).unwrap_or(default)
    }

    /// Puts what was typed into the text; an empty value takes the key out. A value of the wrong form goes in as text, and
    /// the profile's own checks say what is wrong with it.
    pub fn set(&mut self, field: &Field, typed: &str) {
        let value = read(typed, field.form);
        self.put(field.key, value);
    }

    pub fn switch(&mut self, field: &Field, on: bool) {
        self.put(field.key, Some(Value::from(on)));
    }

    fn value(&self, key: &str) -> Option<&Item> {
        let document = self.document.as_ref()?;
        match key.split_once('.') {
            None => document.get(key),
            Some((section, inner)) => document.get(section)?.as_table_like()?.get(inner),
        }
    }

    fn put(&mut self, key: &str, value: Option<Value>) {
        let Some(document) = &mut self.document else { return };
        let (section, inner) = match key.split_once('.') {
            None => (None, key),
            Some((section, inner)) => (Some(section), inner),
        };
        match (section, value) {
            (None, Some(value)) => place(document.as_table_mut(), inner, value),
            (None, None) => drop(document.remove(inner)),
            (Some(section), Some(value)) => {
                let entry = document.entry(section).or_insert_with(|| Item::Table(Table::new()));
                if let Some(table) = entry.as_table_like_mut() {
                    match table.get_mut(inner) {
                        Some(item) => replace(item, value),
                        None => drop(table.insert(inner, Item::Value(value))),
                    }
                }
            }
            (Some(section), None) => {
                let emptied = document.get_mut(section).and_then(Item::as_table_like_mut).is_some_and(|table| {
                    table.remove(inner);
                    table.is_empty()
                });
                if emptied {
                    document.remove(section);
                }
            }
        }
        let text = document.to_string();
        self.set_text(text);
    }
}

fn place(table: &mut Table, key: &str, value: Value) {
    match table.get_mut(key) {
        Some(item) => replace(item, value),
        None => drop(table.insert(key, Item::Value(value))),
    }
}

/// Another value in the same place: the comment behind it stays.
fn replace(item: &mut Item, mut value: Value) {
    if let Some(old) = item.as_value() {
        *value.decor_mut() = old.decor().clone();
    }
    *item = Item::Value(value);
}

fn shown(item: &Item, form: Form) -> String {
    let plain = |item: &Item| match item.as_value() {
        Some(Value::String(text)) => text.value().clone(),
        Some(value) => value.clone().decorated("", "").to_string(),
        None => item.to_string().trim().to_owned(),
    };
    match form {
        Form::Words => match item.as_array() {
            Some(array) if array.iter().all(Value::is_str) => {
                array.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            _ => plain(item),
        },
        Form::Pairs => match item.as_table_like() {
            Some(table) => {
                table.iter().map(|(name, value)| format!("{name}: {}", plain(value))).collect::<Vec<_>>().join("\n")
            }
            None => plain(item),
        },
        Form::Toml => item
            .as_value()
            .map_or_else(|| item.to_string().trim().to_owned(), |value| value.clone().decorated("", "").to_string()),
        Form::Line | Form::Lines | Form::Choice(_) | Form::Toggle(_) | Form::Number => plain(item),
    }
}

fn read(typed: &str, form: Form) -> Option<Value> {
    let trimmed = typed.trim();
    if trimmed.is_empty() {
        return None;
    }
    Some(match form {
        Form::Line | Form::Choice(_) => text_or_secret(trimmed),
        Form::Lines => text_or_secret(typed),
        Form::Toggle(_) => Value::from(trimmed == "true"),
        Form::Number => match (trimmed.parse::<i64>(), trimmed.parse::<f64>()) {
            (Ok(whole), _) => Value::from(whole),
            (Err(_), Ok(number)) if number.is_finite() => Value::from(number),
            _ => Value::from(trimmed),
        },
        Form::Words => {
            Value::Array(trimmed.split(',').map(str::trim).filter(|word| !word.is_empty()).collect::<Array>())
        }
        Form::Pairs => {
            let mut table = InlineTable::new();
            for line in trimmed.lines().map(str::trim).filter(|line| !line.is_empty()) {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                table.insert(name.trim(), text_or_secret(value.trim()));
            }
            Value::InlineTable(table)
        }
        Form::Toml => trimmed.parse().unwrap_or_else(|_| Value::from(trimmed)),
    })
}

/// `{ secret = "NAME" }` is a table; everything else is text.
fn text_or_secret(typed: &str) -> Value {
    if typed.trim_start().starts_with('{')
        && let Ok(value @ Value::InlineTable(_)) = typed.trim().parse::<Value>()
        && value.as_inline_table().is_some_and(|table| table.len() == 1 && table.contains_key("secret"))
    {
        return value;
    }
    Value::from(typed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::vm::fields::SECTIONS;

    const TEXT: &str =
        "# the chat\nname = \"Sales chat\" # as in the roster\nkind = \"websocket\"\nurl = \"wss://a.test/ws\"\n";

    fn field(key: &str) -> &'static Field {
        SECTIONS.iter().flat_map(|section| section.fields).find(|field| field.key == key).unwrap()
    }

    #[track_caller]
    fn check(key: &str, typed: &str, line: &str) {
        let mut draft = Draft::new(TEXT.into());
        draft.set(field(key), typed);
        assert!(draft.text().lines().any(|found| found == line), "{}", draft.text());
        assert_eq!(draft.get(field(key)), typed, "it reads back");
        draft.set(field(key), "");
        if !["name", "kind", "url"].contains(&key) {
            assert_eq!(draft.text(), TEXT, "empty takes it out again");
        }
    }

    #[test]
    fn a_typed_value_lands_in_its_key_and_comments_stay() {
        check("name", "Support chat", "name = \"Support chat\" # as in the roster");
        check("interval", "5s", "interval = \"5s\"");
        check("tags", "prod, chat", "tags = [\"prod\", \"chat\"]");
        check("websocket.ping", "2s", "ping = \"2s\"");
        check("reconnect.jitter", "0.25", "jitter = 0.25");
        check(
            "request.headers",
            "X-One: 1\nX-Two: { secret = \"two\" }",
            "headers = { X-One = \"1\", X-Two = { secret = \"two\" } }",
        );
        check("websocket.answers", "[{ when = 'a', send = 'b' }]", "answers = [{ when = 'a', send = 'b' }]");
        check("auth.bearer", "{ secret = \"api\" }", "bearer = { secret = \"api\" }");
    }

    #[test]
    fn a_mistake_stands_beside_its_key_and_nothing_is_lost() {
        let mut draft = Draft::new(TEXT.into());
        draft.set(field("interval"), "soon");
        draft.set(field("reconnect.attempts"), "many");
        assert_eq!(draft.mistakes(), 2);
        assert_eq!(draft.about("interval").count(), 1);
        assert_eq!(draft.about("reconnect.attempts").count(), 1);
        assert_eq!(draft.get(field("reconnect.attempts")), "many");
        assert!(draft.is_dirty());
        draft.revert();
        assert_eq!((draft.mistakes(), draft.text()), (0, TEXT));
    }

    #[test]
    fn text_that_is_no_toml_has_no_form_and_keeps_its_letters() {
        let mut draft = Draft::new(TEXT.into());
        draft.set_text("name = ".into());
        assert!(!draft.has_form() && draft.mistakes() == 1);
        draft.set(field("name"), "lost?");
        assert_eq!(draft.text(), "name = ");
    }

    #[test]
    fn a_switch_writes_its_position() {
        let mut draft = Draft::new(TEXT.into());
        assert!(draft.is_on(field("enabled"), true));
        draft.switch(field("enabled"), false);
        assert!(!draft.is_on(field("enabled"), true) && draft.text().contains("enabled = false"));
    }
}
