//! A command line into words, as the shells that browsers copy for read it: POSIX with `$'…'`, and Windows' `cmd`.
//!
//! Nothing is executed and nothing is expanded: `$NAME`, `$(…)` and `%NAME%` stay as they stand.

/// Why it can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ShellError {
    #[error("a quote that is opened is never closed")]
    Unclosed,
    #[error("there are more than {MAX_WORDS} words")]
    TooMany,
}

/// The most words of one command.
const MAX_WORDS: usize = 10_000;

/// The words of the first command.
pub(super) fn words(text: &str) -> Result<Vec<String>, ShellError> {
    if is_cmd(text) { posix(&uncaret(text), true) } else { posix(text, false) }
}

/// Windows' own quoting: a caret before quotes or at a line's end.
fn is_cmd(text: &str) -> bool {
    text.contains("^\"") || text.lines().any(|line| line.ends_with(" ^")) && !text.contains('\'')
}

/// Takes `cmd`'s carets away: `^` makes the character after it plain, at a line's end it joins the lines.
fn uncaret(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '^' {
            out.push(character);
            continue;
        }
        match characters.next() {
            // A caret and an empty line inside quotes are a line's end.
            Some('\r') if characters.peek() == Some(&'\n') => {
                characters.next();
                newline(&mut characters, &mut out);
            }
            Some('\n') => newline(&mut characters, &mut out),
            Some(plain) => out.push(plain),
            None => {}
        }
    }
    out
}

fn newline(characters: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    if characters.peek() == Some(&'\r') {
        characters.next();
    }
    if characters.peek() == Some(&'\n') {
        characters.next();
        out.push('\n');
    }
}

/// `windows`: no single quotes, `\"` inside double ones, `""` a quote.
fn posix(text: &str, windows: bool) -> Result<Vec<String>, ShellError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' if !windows => single(&mut characters, word.get_or_insert_default())?,
            '"' => double(&mut characters, word.get_or_insert_default(), windows)?,
            '$' if !windows && characters.peek() == Some(&'\'') => {
                characters.next();
                ansi(&mut characters, word.get_or_insert_default())?;
            }
            '\\' if !windows => match characters.next() {
                Some('\n') | None => {}
                Some('\r') if characters.peek() == Some(&'\n') => {
                    characters.next();
                }
                Some(plain) => word.get_or_insert_default().push(plain),
            },
            // Another command begins.
            ';' | '|' | '&' if !windows => break,
            '\n' if !windows && (word.is_some() || !words.is_empty()) => break,
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
        if MAX_WORDS < words.len() {
            return Err(ShellError::TooMany);
        }
    }
    words.extend(word);
    Ok(words)
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn single(characters: &mut Characters<'_>, word: &mut String) -> Result<(), ShellError> {
    for character in characters {
        if character == '\'' {
            return Ok(());
        }
        word.push(character);
    }
    Err(ShellError::Unclosed)
}

fn double(characters: &mut Characters<'_>, word: &mut String, windows: bool) -> Result<(), ShellError> {
    while let Some(character) = characters.next() {
        match character {
            '"' if windows && characters.peek() == Some(&'"') => {
                characters.next();
                word.push('"');
            }
            '"' => return Ok(()),
            '\\' => match characters.peek() {
                Some('\n') if !windows => {
                    characters.next();
                }
                Some(next) if ['"', '\\'].contains(next) || !windows && ['$', '`'].contains(next) => {
                    word.extend(characters.next());
                }
                _ => word.push('\\'),
            },
            c => word.push(c),
        }
    }
    Err(ShellError::Unclosed)
}

/// `$'…'`: C's escapes.
fn ansi(characters: &mut Characters<'_>, word: &mut String) -> Result<(), ShellError> {
    // Bytes given one by one may be one character together.
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(character) = characters.next() {
        let plain = match character {
            '\'' => {
                word.push_str(&String::from_utf8_lossy(&bytes));
                return Ok(());
            }
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some('a') => '\u{7}',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('v') => '\u{b}',
                Some('e') => '\u{1b}',
                Some('x') => {
                    bytes.push(u8::try_from(digits(characters, 16, 2)).unwrap_or(b'?'));
                    continue;
                }
                Some('u') => char::from_u32(digits(characters, 16, 4)).unwrap_or('\u{fffd}'),
                Some('U') => char::from_u32(digits(characters, 16, 8)).unwrap_or('\u{fffd}'),
                Some(digit @ '0'..='7') => {
                    let value = (digit as u32 - '0' as u32) << 6 | digits(characters, 8, 2);
                    bytes.push(u8::try_from(value & 0xff).unwrap_or(b'?'));
                    continue;
                }
                Some(other) => other,
                None => return Err(ShellError::Unclosed),
            },
            c => c,
        };
        bytes.extend(plain.encode_utf8(&mut [0; 4]).bytes());
    }
    Err(ShellError::Unclosed)
}

fn digits(characters: &mut Characters<'_>, radix: u32, most: u32) -> u32 {
    let mut value = 0_u32;
    for _ in 0..most {
        let Some(digit) = characters.peek().and_then(|c| c.to_digit(radix)) else { break };
        characters.next();
        value = value.wrapping_mul(radix).wrapping_add(digit);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(words(text).unwrap(), expected, "{text}");
    }

    #[test]
    fn a_shells_quotes_and_escapes_are_undone() {
        check(
            r#"curl 'https://a.test/?x=1&y' -H "A: \"b\" $c" d\ e"#,
            &["curl", "https://a.test/?x=1&y", "-H", "A: \"b\" $c", "d e"],
        );
        check("curl 'it'\\''s' \\\n  --x", &["curl", "it's", "--x"]);
        check(r"curl $'\u0021a\x41\n\'' b", &["curl", "!aA\n'", "b"]);
        check("curl a | jq .", &["curl", "a"]);
        check("curl a\ncurl b", &["curl", "a"]);
    }

    #[test]
    fn windows_quotes_are_undone() {
        check(
            "curl ^\"https://a.test/?x=1^&y^\" ^\r\n  -H ^\"A: ^\\^\"b^\\^\"^\"",
            &["curl", "https://a.test/?x=1&y", "-H", "A: \"b\""],
        );
        check("curl ^\"x^%^41^\" ^\n --y", &["curl", "x%41", "--y"]);
    }

    #[test]
    fn a_quote_that_stays_open_is_said() {
        for text in ["curl 'a", "curl \"a", "curl $'a", "curl $'a\\"] {
            assert_eq!(words(text), Err(ShellError::Unclosed), "{text}");
        }
    }
}
