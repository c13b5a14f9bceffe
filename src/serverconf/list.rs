//! A list in one variable, in the three forms that servers read: parted by commas, as JSON, as Python writes it.

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Commas,
    /// pydantic-settings reads nothing else into a `list[str]`.
    Json,
    /// `['a', 'b']` or `('a',)`: only `ast.literal_eval` reads it.
    Python,
    /// It opens with a bracket and is neither.
    Broken,
}

/// An item as written; white space around it is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub text: String,
    /// Where it stands in the value.
    pub at: Range<usize>,
    /// White space stood around it.
    pub padded: bool,
}

/// The items, empty ones among them; none of an empty value.
pub fn read(value: &str) -> (Form, Vec<Item>) {
    let trimmed = value.trim();
    if trimmed.is_empty() {
        return (Form::Commas, Vec::new());
    }
    if !trimmed.starts_with(['[', '(']) {
        return (Form::Commas, parted(value));
    }
    match literal(value) {
        None => (Form::Broken, Vec::new()),
        Some(items) if serde_json::from_str::<Vec<String>>(trimmed).is_ok() => (Form::Json, items),
        Some(items) => (Form::Python, items),
    }
}

fn parted(value: &str) -> Vec<Item> {
    let mut at = 0;
    value
        .split(',')
        .map(|part| {
            let start = at + (part.len() - part.trim_start().len());
            at += part.len() + 1;
            let text = part.trim();
            Item { text: text.to_owned(), at: start..start + text.len(), padded: text.len() != part.len() }
        })
        .collect()
}

/// The strings between the brackets; `None` where it is no list of strings.
fn literal(value: &str) -> Option<Vec<Item>> {
    let (open, close) = if value.trim_start().starts_with('[') { ('[', ']') } else { ('(', ')') };
    let start = value.find(open)? + 1;
    let end = value.trim_end().strip_suffix(close)?.len();
    let mut items = Vec::new();
    let mut at = start;
    loop {
        let rest = value.get(at..end)?;
        at += rest.len() - rest.trim_start().len();
        let Some(quote) = value.get(at..end)?.chars().next() else { return Some(items) };
        if quote != '"' && quote != '\'' {
            return None;
        }
        let length = value.get(at + 1..end)?.find(quote)?;
        let inside = at + 1..at + 1 + length;
        let text = value.get(inside.clone())?;
        let padded = text.trim().len() != text.len();
        items.push(Item { text: text.trim().to_owned(), at: inside.clone(), padded });
        let rest = value.get(inside.end + 1..end)?;
        at = end - rest.trim_start().len();
        match value.get(at..end)?.chars().next() {
            None => return Some(items),
            Some(',') => at += 1,
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, form: Form, expected: &[&str]) {
        let (got, items) = read(value);
        let texts: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
        assert_eq!((got, &texts[..]), (form, expected), "{value}");
        for item in &items {
            assert_eq!(value[item.at.clone()].trim(), item.text, "{value}");
        }
    }

    #[test]
    fn each_form_is_known_by_its_brackets_and_quotes() {
        check("a,b", Form::Commas, &["a", "b"]);
        check(" a , ,b,", Form::Commas, &["a", "", "b", ""]);
        check("", Form::Commas, &[]);
        check(r#"["a", "b"]"#, Form::Json, &["a", "b"]);
        check("['a', \"b\",]", Form::Python, &["a", "b"]);
        check("('a',)", Form::Python, &["a"]);
        check("[]", Form::Json, &[]);
    }

    #[test]
    fn a_bracket_that_opens_no_list_is_broken() {
        for value in ["[\"a\"", "[a, b]", "['a' 'b']", "[", "[\"a, b]", "(", "[é"] {
            check(value, Form::Broken, &[]);
        }
    }
}
