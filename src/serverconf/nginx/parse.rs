//! nginx's own tokens, by `ngx_conf_read_token`: words, quotes, blocks, comments, and the files that `include` takes in.
//!
//! What nginx refuses to start with is a problem with its line here.

use std::path::Path;
use std::sync::Arc;

use crate::base::Problem;
use crate::serverconf::source::{Encoding, Source, problem};
use crate::serverconf::tree::{MAX_DEPTH, Node, Reader, Word};

/// The longest word, nginx's own buffer.
const MAX_WORD: usize = 4096;
/// The most words of one directive; a `server_name` of a hosting company has hundreds.
const MAX_WORDS: usize = 4096;

/// Reads a file and those that it takes in.
pub(super) fn file(reader: &mut Reader<'_>, path: &Path) -> Result<Vec<Node>, Problem> {
    reader.file(path, Encoding::Any, |reader, source| {
        let mut tokens = Tokens { source, text: source.text(), at: 0 };
        let mut depth = 0;
        block(reader, &mut tokens, None, &mut depth)
    })
}

/// The directives up to the closing brace of the block that `opened`, or up to the end of the file.
fn block(
    reader: &mut Reader<'_>,
    tokens: &mut Tokens<'_>,
    opened: Option<usize>,
    depth: &mut usize,
) -> Result<Vec<Node>, Problem> {
    if MAX_DEPTH < *depth {
        return Err(tokens.problem(tokens.at, "blocks stand more than 32 deep in each other", "close them earlier"));
    }
    let mut nodes = Vec::new();
    let mut words: Vec<Word> = Vec::new();
    loop {
        let token = tokens.next()?;
        let at = tokens.at;
        match (token, opened) {
            (Token::Word(word), _) => {
                if MAX_WORDS <= words.len() {
                    return Err(tokens.problem(
                        word.at.start,
                        "a directive of more than 4096 words",
                        "end it with `;`",
                    ));
                }
                words.push(word);
            }
            (Token::Semicolon, _) => {
                let node = tokens.node(&mut words, at)?;
                reader.count(tokens.source, at)?;
                if node.name == "include" {
                    let pattern = node.arg(0).to_owned();
                    for path in reader.included(&node, &pattern, false)? {
                        nodes.extend(file(reader, &path)?);
                    }
                }
                nodes.push(node);
            }
            (Token::Open, _) => {
                let mut node = tokens.node(&mut words, at)?;
                reader.count(tokens.source, at)?;
                node.block = Some(if node.name.ends_with("_by_lua_block") {
                    tokens.skip_code(at)?;
                    Vec::new()
                } else {
                    *depth += 1;
                    let inside = block(reader, tokens, Some(node.name_at.start), depth)?;
                    *depth -= 1;
                    inside
                });
                nodes.push(node);
            }
            (Token::Close, Some(_)) => {
                tokens.ended(&words)?;
                return Ok(nodes);
            }
            (Token::Close, None) => {
                return Err(tokens.problem(
                    at - 1,
                    "a `}` that closes nothing",
                    "take it out, or open the block before it",
                ));
            }
            (Token::End, None) => {
                tokens.ended(&words)?;
                return Ok(nodes);
            }
            (Token::End, Some(start)) => {
                return Err(tokens.problem(start, "this block is never closed", "a `}` at its end"));
            }
        }
    }
}

enum Token {
    Word(Word),
    Semicolon,
    Open,
    Close,
    End,
}

struct Tokens<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    at: usize,
}

impl Tokens<'_> {
    fn problem(&self, at: usize, message: &str, hint: &str) -> Problem {
        problem(self.source.path(), Some(self.source.place(at..at).line), message, hint)
    }

    /// A directive of these words.
    fn node(&self, words: &mut Vec<Word>, at: usize) -> Result<Node, Problem> {
        let mut words = std::mem::take(words).into_iter();
        let Some(name) = words.next() else {
            return Err(self.problem(at - 1, "nothing stands before it", "take it out, or name a directive"));
        };
        let source = Arc::clone(self.source);
        Ok(Node { name: name.text, name_at: name.at, args: words.collect(), block: None, source })
    }

    /// No directive is left without its end.
    fn ended(&self, words: &[Word]) -> Result<(), Problem> {
        match words.first() {
            None => Ok(()),
            Some(word) => {
                let message = format!("`{}` is not ended", crate::serverconf::origin::without_password(&word.text));
                Err(self.problem(word.at.start, &message, "a `;` at its end"))
            }
        }
    }

    fn next(&mut self) -> Result<Token, Problem> {
        loop {
            let rest = &self.text[self.at..];
            self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n']).len();
            let rest = &self.text[self.at..];
            let Some(first) = rest.chars().next() else { return Ok(Token::End) };
            if first == '#' {
                self.at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            let token = match first {
                ';' => Token::Semicolon,
                '{' => Token::Open,
                '}' => Token::Close,
                '"' | '\'' => return self.quoted(first).map(Token::Word),
                _ => return self.plain().map(Token::Word),
            };
            self.at += 1;
            return Ok(token);
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Word, Problem> {
        let start = self.at;
        let mut escaped = false;
        for (index, c) in self.text[start + 1..].char_indices() {
            if !escaped && c == quote {
                let at = start + 1..start + 1 + index;
                self.at = at.end + 1;
                let after = self.text[self.at..].chars().next();
                if after.is_some_and(|c| !matches!(c, ' ' | '\t' | '\n' | ';' | '{' | ')')) {
                    let message = "something follows a closing quote without white space";
                    return Err(self.problem(
                        self.at,
                        message,
                        "a blank between them, or one pair of quotes around both",
                    ));
                }
                return self.word(at);
            }
            escaped = !escaped && c == '\\';
        }
        Err(self.problem(start, &format!("the {quote} is never closed"), &format!("a {quote} at the end of the value")))
    }

    fn plain(&mut self) -> Result<Word, Problem> {
        let start = self.at;
        let (mut escaped, mut variable) = (false, false);
        let rest = &self.text[start..];
        let end = rest.char_indices().find(|(_, c)| {
            // `${name}` opens no block.
            let ends = !escaped && (matches!(c, ' ' | '\t' | '\n' | ';') || (*c == '{' && !variable));
            variable = !escaped && *c == '$';
            escaped = !escaped && *c == '\\';
            ends
        });
        self.at = start + end.map_or(rest.len(), |(index, _)| index);
        self.word(start..self.at)
    }

    fn word(&self, at: std::ops::Range<usize>) -> Result<Word, Problem> {
        let written = &self.text[at.clone()];
        if MAX_WORD < written.len() {
            return Err(self.problem(
                at.start,
                "a word of more than 4096 bytes, which nginx refuses",
                "a closing quote",
            ));
        }
        let mut text = String::with_capacity(written.len());
        let mut chars = written.chars().peekable();
        while let Some(c) = chars.next() {
            let undone = match (c, chars.peek()) {
                ('\\', Some(next @ ('"' | '\'' | '\\'))) => Some(*next),
                ('\\', Some('t')) => Some('\t'),
                ('\\', Some('r')) => Some('\r'),
                ('\\', Some('n')) => Some('\n'),
                _ => None,
            };
            match undone {
                Some(undone) => {
                    chars.next();
                    text.push(undone);
                }
                None => text.push(c),
            }
        }
        Ok(Word { text, at })
    }

    /// Lua up to its closing brace; what is in its strings is not looked at.
    fn skip_code(&mut self, opened: usize) -> Result<(), Problem> {
        let mut depth = 1_usize;
        for (index, c) in self.text[self.at..].char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at += index + 1;
                return Ok(());
            }
        }
        Err(self.problem(opened - 1, "this block is never closed", "a `}` at its end"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serverconf::MAX_TOTAL;
    use crate::serverconf::tests::{Table, short};

    fn read(files: &[(&str, &str)]) -> Result<Vec<Node>, Problem> {
        let table = Table(files.iter().map(|(path, text)| ((*path).into(), text.as_bytes().to_vec())).collect());
        file(&mut Reader::new(&table, MAX_TOTAL), Path::new(files[0].0))
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(short(&read(&[("nginx.conf", text)]).unwrap()), expected);
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let said = read(&[("nginx.conf", text)]).unwrap_err().to_string();
        assert!(said.starts_with(&format!("nginx.conf:{expected}")), "{said}");
    }

    #[test]
    fn words_quotes_and_blocks_are_nginxs() {
        check("a b 'c d' \"e\\\"f\"; # g;\nh{i;}", "a <b> <c d> <e\"f>;h {i;};");
        check("if ($x ~* \"^a{2}$\") { set $y \"${z}b\"; }", "if <($x> <~*> <^a{2}$> <)> {set <$y> <${z}b>;};");
        check("a ${b}c;d\\;e f\\.g;", "a <${b}c>;d\\;e <f\\.g>;");
        check("a b#c;", "a <b#c>;");
        check("x_by_lua_block { if a then b({}) end } c;", "x_by_lua_block {};c;");
    }

    #[test]
    fn what_nginx_refuses_is_refused_with_its_line() {
        refused("http {\n server {\n  a;\n }\n", "1: this block is never closed");
        refused("a;\n}\n", "2: a `}` that closes nothing");
        refused("a;\nb 'c;\nd;", "2: the ' is never closed");
        refused("a 'b'c;", "1: something follows a closing quote");
        refused("{}", "1: nothing stands before it");
        refused(";", "1: nothing stands before it");
        refused("a {\n b c\n}", "2: `b` is not ended");
        refused(&format!("a {};", "b".repeat(5000)), "1: a word of more than 4096 bytes");
        refused(&"a {".repeat(64), "1: blocks stand more than 32 deep");
        refused("x_by_lua_block {", "1: this block is never closed");
    }

    #[test]
    fn files_are_taken_in_in_order_and_never_in_themselves() {
        let nodes = read(&[
            ("etc/nginx.conf", "include sites/*.conf;"),
            ("etc/sites/b.conf", "b;"),
            ("etc/sites/a.conf", "a;"),
        ]);
        assert_eq!(short(&nodes.unwrap()), "a;b;include <sites/*.conf>;");
        let nodes = read(&[("etc/sites/a.conf", "include snippets/c.conf;"), ("etc/snippets/c.conf", "c;")]);
        assert_eq!(short(&nodes.unwrap()), "c;include <snippets/c.conf>;");
        let said = read(&[("a", "\ninclude b;"), ("b", "\n\ninclude a;")]).unwrap_err().to_string();
        assert!(said.starts_with("b:3: `a` takes itself in"), "{said}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_stops_the_reader(text in "(?s)[ab;{}'\"#$\\\\ \n\u{e9}]{0,60}") {
            let _ = read(&[("a", &text)]);
        }
    }
}
