//! A small, tolerant reader of JavaScript's values, as scripts write them between parentheses: strings, numbers, objects,
//! arrays, `JSON.stringify(…)`. What is computed is [`Js::Unknown`], with its text.
//!
//! Invariant: depth and length are bounded; nothing is executed.

/// How deep values may nest.
const MAX_DEPTH: usize = 32;
/// The most values of one text.
const MAX_VALUES: usize = 20_000;

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Js {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Array(Vec<Js>),
    Object(Vec<(String, Js)>),
    /// Something that the script computes; its text, cut.
    Unknown(String),
}

impl Js {
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub fn text(&self) -> Option<&str> {
        let Self::Text(text) = self else { return None };
        Some(text)
    }

    /// As JSON, where all of it is known.
    pub fn json(&self) -> Option<serde_json::Value> {
        use serde_json::Value;
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => (*value).into(),
            // JSON.stringify writes whole numbers without a point.
            Self::Number(value) if value.fract() == 0.0 && value.abs() < 9e15 => (*value as i64).into(),
            Self::Number(value) => serde_json::Number::from_f64(*value).map_or(Value::Null, Value::Number),
            Self::Text(text) => text.as_str().into(),
            Self::Array(items) => Value::Array(items.iter().map(Self::json).collect::<Option<_>>()?),
            Self::Object(fields) => Value::Object(
                fields.iter().map(|(name, value)| Some((name.clone(), value.json()?))).collect::<Option<_>>()?,
            ),
            Self::Unknown(_) => return None,
        })
    }
}

/// Reads the values of a call; `text` begins behind its `(`. Also where its `)` ends, as far as it is there.
pub(super) fn arguments(text: &str) -> (Vec<Js>, usize) {
    let mut reader = Reader { text, at: 0, values: 0 };
    let values = reader.list(')', 0);
    (values, reader.at)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, character: char) -> bool {
        let is_it = self.peek() == Some(character);
        if is_it {
            self.at += character.len_utf8();
        }
        is_it
    }

    /// Blanks and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            let end = if trimmed.starts_with("//") {
                trimmed.find('\n')
            } else if trimmed.starts_with("/*") {
                trimmed.find("*/").map(|at| at + 2)
            } else {
                return;
            };
            self.at += end.unwrap_or(trimmed.len());
        }
    }

    /// Values parted by commas, up to `close`.
    fn list(&mut self, close: char, depth: usize) -> Vec<Js> {
        let mut values = Vec::new();
        loop {
            self.skip();
            if self.take(close) || self.peek().is_none() || MAX_VALUES < self.values {
                return values;
            }
            let before = self.at;
            values.push(self.value(depth));
            self.skip();
            self.take(',');
            if self.at == before {
                // Something that no value begins with.
                self.at += self.peek().map_or(0, char::len_utf8);
            }
        }
    }

    /// One value; what is added to it, or called on it, makes it unknown, but for strings that are joined.
    fn value(&mut self, depth: usize) -> Js {
        self.values += 1;
        let start = self.at;
        let mut value = self.single(depth);
        self.skip();
        while value.text().is_some() && self.rest().starts_with('+') && !self.rest().starts_with("++") {
            self.at += 1;
            self.skip();
            match (&mut value, self.single(depth)) {
                (Js::Text(text), Js::Text(more)) => text.push_str(&more),
                (Js::Text(text), Js::Number(more)) => text.push_str(&more.to_string()),
                (value, _) => *value = Js::Unknown(String::new()),
            }
            self.skip();
        }
        if !matches!(self.peek(), None | Some(',' | ')' | ']' | '}' | ';')) && !self.rest().starts_with('\n') {
            self.rest_of_expression();
            return self.unknown(start);
        }
        if value == Js::Unknown(String::new()) { self.unknown(start) } else { value }
    }

    fn unknown(&self, start: usize) -> Js {
        Js::Unknown(self.text[start..self.at].trim().chars().take(80).collect())
    }

    fn single(&mut self, depth: usize) -> Js {
        self.skip();
        let Some(first) = self.peek() else { return Js::Unknown(String::new()) };
        match first {
            '"' | '\'' => self.string(first),
            '`' => self.template(),
            '{' if depth < MAX_DEPTH => {
                self.at += 1;
                self.object(depth + 1)
            }
            '[' if depth < MAX_DEPTH => {
                self.at += 1;
                Js::Array(self.list(']', depth + 1))
            }
            '0'..='9' | '-' | '.' => self.number(),
            _ => self.word(depth),
        }
    }

    fn string(&mut self, quote: char) -> Js {
        self.at += 1;
        let mut out = String::new();
        // Two escapes may be one character.
        let mut high: Option<u16> = None;
        loop {
            let Some(character) = self.peek() else { return Js::Text(out) };
            self.at += character.len_utf8();
            if character == quote {
                return Js::Text(out);
            }
            if character != '\\' {
                out.push(character);
                continue;
            }
            let Some(escape) = self.peek() else { return Js::Text(out) };
            self.at += escape.len_utf8();
            match escape {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                '\n' => {}
                'x' => out.extend(char::from_u32(self.hex(2))),
                'u' => {
                    let braced = self.take('{');
                    let code = self.hex(if braced { 6 } else { 4 });
                    if braced {
                        self.take('}');
                    }
                    match (high.take(), u16::try_from(code)) {
                        (_, Ok(unit @ 0xd800..=0xdbff)) => high = Some(unit),
                        (Some(first), Ok(unit)) => {
                            out.extend(char::decode_utf16([first, unit]).filter_map(Result::ok));
                        }
                        _ => out.extend(char::from_u32(code)),
                    }
                }
                other => out.push(other),
            }
        }
    }

    fn hex(&mut self, most: usize) -> u32 {
        let digits = self.rest().bytes().take(most).take_while(u8::is_ascii_hexdigit).count();
        let value = u32::from_str_radix(&self.rest()[..digits], 16).unwrap_or(0xfffd);
        self.at += digits;
        value
    }

    /// A template string: text, where it holds no `${…}`.
    fn template(&mut self) -> Js {
        let start = self.at;
        match self.string('`') {
            Js::Text(text) if text.contains("${") => {
                let written: String = self.text[start..self.at].chars().take(200).collect();
                Js::Unknown(written)
            }
            value => value,
        }
    }

    fn number(&mut self) -> Js {
        let end = self.rest().find(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c)));
        let text = &self.rest()[..end.unwrap_or(self.rest().len())];
        let length = text.len();
        let value = text.replace('_', "").parse::<f64>().ok().filter(|value| value.is_finite());
        let out = value.map_or_else(|| Js::Unknown(text.to_owned()), Js::Number);
        self.at += length.max(1);
        out
    }

    fn word(&mut self, depth: usize) -> Js {
        let start = self.at;
        let end = self.rest().find(|c: char| !(c.is_alphanumeric() || "_$.".contains(c)));
        let word = &self.text[start..start + end.unwrap_or(self.rest().len())];
        self.at += word.len();
        let known = match word {
            "true" => Some(Js::Bool(true)),
            "false" => Some(Js::Bool(false)),
            "null" | "undefined" => Some(Js::Null),
            _ => None,
        };
        if let Some(known) = known {
            return known;
        }
        if ["JSON.stringify", "String", "encodeURIComponent"].contains(&word) && self.take('(') && depth < MAX_DEPTH {
            let values = self.list(')', depth + 1);
            let first = values.into_iter().next();
            let text = match (word, first) {
                ("JSON.stringify", Some(value)) => value.json().map(|value| value.to_string()),
                (_, Some(Js::Text(text))) => Some(text),
                _ => None,
            };
            return text.map_or_else(|| self.unknown(start), Js::Text);
        }
        self.rest_of_expression();
        self.unknown(start)
    }

    fn object(&mut self, depth: usize) -> Js {
        let mut fields = Vec::new();
        loop {
            self.skip();
            if self.take('}') || self.peek().is_none() || MAX_VALUES < self.values {
                return Js::Object(fields);
            }
            let before = self.at;
            let name = match self.peek() {
                Some(quote @ ('"' | '\'')) => match self.string(quote) {
                    Js::Text(name) => name,
                    _ => String::new(),
                },
                _ => {
                    let end = self.rest().find(|c: char| !(c.is_alphanumeric() || "_$-".contains(c)));
                    let name = self.rest()[..end.unwrap_or(self.rest().len())].to_owned();
                    self.at += name.len();
                    name
                }
            };
            self.skip();
            if self.take(':') {
                let value = self.value(depth);
                fields.push((name, value));
            } else {
                // `{ url }`, `...rest`, a method.
                self.rest_of_expression();
                self.values += 1;
                fields.push((name.clone(), Js::Unknown(name)));
            }
            self.skip();
            self.take(',');
            if self.at == before {
                self.at += self.peek().map_or(0, char::len_utf8);
            }
        }
    }

    /// To the end of what is computed: the next comma or closing bracket of this level.
    fn rest_of_expression(&mut self) {
        let mut open = 0_usize;
        while let Some(character) = self.peek() {
            match character {
                '"' | '\'' | '`' => {
                    self.string(character);
                    continue;
                }
                '(' | '[' | '{' => open += 1,
                ')' | ']' | '}' if open == 0 => return,
                ')' | ']' | '}' => open -= 1,
                ',' | ';' if open == 0 => return,
                _ => {}
            }
            self.at += character.len_utf8();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let (values, _) = arguments(text);
        let shown: Vec<String> = values
            .iter()
            .map(|value| value.json().map_or_else(|| format!("{value:?}"), |json| json.to_string()))
            .collect();
        assert_eq!(shown.join(" "), expected, "{text}");
    }

    #[test]
    fn values_are_read_as_scripts_write_them() {
        check(r#""a\u0041\n", 'it\'s', `b`)"#, r#""aA\n" "it's" "b""#);
        check("{ a: 1, 'b-c': [true, null,], // no\n d: -1.5e3, })", r#"{"a":1,"b-c":[true,null],"d":-1500}"#);
        check(r#"JSON.stringify({ a: "x" }), "a" + 'b')"#, r#""{\"a\":\"x\"}" "ab""#);
        check(r#""\ud83d\ude00")"#, "\"😀\"");
    }

    #[test]
    fn what_is_computed_is_unknown_and_nothing_after_it_is_lost() {
        check(
            "`https://${host}/x`, { a: token(1, ')'), b: 2 })",
            r#"Unknown("`https://${host}/x`") Object([("a", Unknown("token(1, ')')")), ("b", Number(2.0))])"#,
        );
        check(
            "API + '/x', { headers, ...more })",
            r#"Unknown("API + '/x'") Object([("headers", Unknown("headers")), ("", Unknown(""))])"#,
        );
    }

    #[test]
    fn depth_and_open_ends_do_no_harm() {
        let deep = "[".repeat(100_000);
        assert!(arguments(&deep).0.len() <= 1);
        check("{ a: 'x", r#"{"a":"x"}"#);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(\\PC|[{}()\\[\\],:\"'`\\\\u+$]){0,80}") {
            arguments(&text);
        }
    }
}
