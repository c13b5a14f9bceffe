//! Apache's lines: directives, sections, continued lines, `Include`, `Define`.
//!
//! Modules are taken to be there: what `<IfModule>` guards is read as if it stood by itself.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::base::Problem;
use crate::serverconf::source::{Encoding, Source, problem};
use crate::serverconf::tree::{MAX_DEPTH, Node, Reader, Word};

/// The most words of one directive.
const MAX_WORDS: usize = 4096;
/// The longest that a line may become by its variables.
const MAX_LINE: usize = 64 << 10;

/// What `Define` has given a value.
pub(super) type Defined = HashMap<String, String>;

/// Reads a file and those that it takes in.
pub(super) fn file(reader: &mut Reader<'_>, path: &Path, defined: &mut Defined) -> Result<Vec<Node>, Problem> {
    reader.file(path, Encoding::Any, |reader, source| {
        let mut lines = Lines { source, at: 0 };
        let mut nodes = Vec::new();
        section(reader, &mut lines, None, defined, &mut nodes, 0)?;
        Ok(nodes)
    })
}

/// The directives up to the end of the section that is `open`, or of the file.
fn section(
    reader: &mut Reader<'_>,
    lines: &mut Lines<'_>,
    open: Option<&Node>,
    defined: &mut Defined,
    nodes: &mut Vec<Node>,
    depth: usize,
) -> Result<(), Problem> {
    let fail = |lines: &Lines<'_>, at: usize, message: &str, hint: &str| {
        Err(problem(lines.source.path(), Some(lines.source.place(at..at).line), message, hint))
    };
    while let Some((text, at)) = lines.next() {
        if let Some(name) = text.strip_prefix("</") {
            let name = name.trim_end_matches('>').trim();
            return match open {
                Some(node) if node.is(name) => Ok(()),
                Some(node) => {
                    let message = format!("</{name}> closes the <{}> of line {}", node.name, node.at().line);
                    fail(lines, at, &message, &format!("</{}> before it", node.name))
                }
                None => {
                    fail(lines, at, &format!("</{name}> closes nothing"), "take it out, or open the section before it")
                }
            };
        }
        reader.count(lines.source, at)?;
        let is_section = text.starts_with('<');
        let inside = match (is_section, text.strip_suffix('>')) {
            (false, _) => text.as_str(),
            (true, Some(text)) => &text[1..],
            (true, None) => {
                return fail(lines, at, "a section whose name has no `>` at its end", "a `>` at the end of the line");
            }
        };
        let mut words = words(inside, at + usize::from(is_section), defined).into_iter();
        let Some(name) = words.next() else { continue };
        let source = Arc::clone(lines.source);
        let mut node = Node { name: name.text, name_at: name.at, args: words.collect(), block: None, source };
        if is_section {
            if MAX_DEPTH <= depth {
                return fail(lines, at, "sections stand more than 32 deep in each other", "close them earlier");
            }
            let mut block = Vec::new();
            section(reader, lines, Some(&node), defined, &mut block, depth + 1)?;
            match transparent(&node, defined) {
                Some(true) => nodes.append(&mut block),
                Some(false) => {}
                None => {
                    node.block = Some(block);
                    nodes.push(node);
                }
            }
        } else if node.is("Include") || node.is("IncludeOptional") {
            let pattern = node.arg(0).to_owned();
            for path in reader.included(&node, &pattern, node.is("IncludeOptional"))? {
                nodes.append(&mut file(reader, &path, defined)?);
            }
        } else {
            if node.is("Define") {
                defined.insert(node.arg(0).to_owned(), node.arg(1).to_owned());
            }
            nodes.push(node);
        }
    }
    match open {
        None => Ok(()),
        Some(node) => {
            let hint = format!("</{}> at its end", node.name);
            fail(lines, node.name_at.start, &format!("this <{}> is never closed", node.name), &hint)
        }
    }
}

/// Whether what a condition on the program guards counts; `None` for a section of another kind.
fn transparent(node: &Node, defined: &Defined) -> Option<bool> {
    let (not, name) = node.arg(0).strip_prefix('!').map_or((false, node.arg(0)), |name| (true, name));
    match node.name.to_ascii_lowercase().as_str() {
        "ifmodule" | "ifdirective" | "ifsection" => Some(!not),
        "ifversion" => Some(true),
        "ifdefine" => Some(defined.contains_key(name) != not),
        _ => None,
    }
}

struct Lines<'a> {
    source: &'a Arc<Source>,
    at: usize,
}

impl Lines<'_> {
    /// The next line that says something, with those that it goes on in, and where it begins.
    fn next(&mut self) -> Option<(String, usize)> {
        loop {
            let rest = self.source.text().get(self.at..).filter(|rest| !rest.is_empty())?;
            let start = self.at + (rest.len() - rest.trim_start().len());
            let mut line = String::new();
            for part in rest.split_inclusive('\n') {
                self.at += part.len();
                let text = part.trim_end_matches('\n');
                match text.strip_suffix('\\') {
                    // Two blanks keep what follows at its place.
                    Some(text) => line.extend([text, "  "]),
                    None => {
                        line.push_str(text);
                        break;
                    }
                }
            }
            let trimmed = line.trim();
            if !trimmed.is_empty() && !trimmed.starts_with('#') {
                let skipped = line.len() - line.trim_start().len();
                let begin = self.at.min(start.max(self.source.text().len() - rest.len() + skipped));
                return Some((trimmed.to_owned(), begin));
            }
        }
    }
}

/// `ap_getword_conf`: parted by white space; quotes keep it, and a backslash a quote.
fn words(text: &str, start: usize, defined: &Defined) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = 0;
    while words.len() < MAX_WORDS {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else { break };
        let (inside, after) = if matches!(first, '"' | '\'') {
            let mut escaped = false;
            let end = rest[1..].char_indices().find(|(_, c)| {
                let closes = !escaped && *c == first;
                escaped = !escaped && *c == '\\';
                closes
            });
            // One that never closes goes on to the end of the line, as Apache has it.
            let end = end.map_or(rest.len(), |(index, _)| index + 1);
            (at + 1..at + end, (at + end + 1).min(text.len()))
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            (at..at + end, at + end)
        };
        let written = &text[inside.clone()];
        let text = if first == '"' || first == '\'' {
            written.replace("\\\\", "\\").replace(&format!("\\{first}"), &first.to_string())
        } else {
            written.to_owned()
        };
        words.push(Word { text: put_in(&text, defined), at: start + inside.start..start + inside.end });
        at = after;
    }
    words
}

/// `${NAME}` of a `Define`; others stay.
fn put_in(text: &str, defined: &Defined) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, tail)) = after.split_once('}').filter(|_| out.len() < MAX_LINE) else { break };
        out.push_str(before);
        match defined.get(name) {
            Some(value) => out.push_str(value),
            None => out.extend(["${", name, "}"]),
        }
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serverconf::MAX_TOTAL;
    use crate::serverconf::tests::{Table, short};

    fn read(files: &[(&str, &str)]) -> Result<Vec<Node>, Problem> {
        let table = Table(files.iter().map(|(path, text)| ((*path).into(), text.as_bytes().to_vec())).collect());
        file(&mut Reader::new(&table, MAX_TOTAL), Path::new(files[0].0), &mut Defined::new())
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(short(&read(&[("a.conf", text)]).unwrap()), expected);
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let said = read(&[("a.conf", text)]).unwrap_err().to_string();
        assert!(said.starts_with(&format!("a.conf:{expected}")), "{said}");
    }

    #[test]
    fn lines_words_and_sections_are_apaches() {
        check("# c\nA b \"c d\" 'e\\'f' g\"h\n  <S /x>\n B\n</s>\nC", "A <b> <c d> <e'f> <g\"h>;S </x> {B;};C;");
        check("A b \\\n  c\nD", "A <b> <c>;D;");
        check("<IfModule mod_x.c>\nA\n</IfModule>\n<IfModule !mod_x.c>\nB\n</IfModule>", "A;");
        check(
            "Define H a.test\nA https://${H}/${X}\n<IfDefine H>\nB\n</IfDefine>",
            "Define <H> <a.test>;A <https://a.test/${X}>;B;",
        );
        check("A \"open", "A <open>;");
    }

    #[test]
    fn sections_close_in_order() {
        refused("A\n<S>\nB", "2: this <S> is never closed");
        refused("<S>\n<T>\n</S>", "3: </S> closes the <T> of line 2");
        refused("A\n</S>", "2: </S> closes nothing");
        refused("A\n<S x\nB", "2: a section whose name has no `>`");
        refused(&"<S>\n".repeat(64), "33: sections stand more than 32 deep");
    }

    #[test]
    fn a_word_stands_where_it_is_written() {
        let nodes = read(&[("a.conf", "\n\n  Header set \"X\" \\\n   yes")]).unwrap();
        let places: Vec<_> = (0..3).map(|index| (nodes[0].arg_at(index).line, nodes[0].arg_at(index).column)).collect();
        assert_eq!((nodes[0].at().line, nodes[0].at().column), (3, 3));
        assert_eq!(places, [(3, 10), (3, 15), (4, 4)]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_stops_the_reader(text in "(?s)[ab</>'\"#$\\\\{} \n\u{e9}]{0,60}") {
            let _ = read(&[("a", &text)]);
        }
    }
}
