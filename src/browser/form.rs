//! The forms of a page, as far as a sign-in needs them: their controls with what they hold, where they are sent, and the
//! tokens against cross-site request forgery that stand beside them.
//!
//! Bounded: [`PAGE`] bytes, [`FORMS`] forms and [`CONTROLS`] controls are looked at. Not read: the text of a `textarea`, an
//! option without a `value`, a control that names its form by an id.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// The most of a page that is looked at, in bytes.
pub const PAGE: usize = 1024 * 1024;
/// The most forms of a page.
pub const FORMS: usize = 64;
/// The most controls of all its forms.
pub const CONTROLS: usize = 1024;

/// What of a page counts for a sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// In order. Controls that stand in no form are one more at the end, without an action.
    pub forms: Vec<Form>,
    /// Name and content of its `meta` elements.
    metas: Vec<(String, String)>,
    /// The first `base` element's `href`, as written.
    pub base: Option<String>,
}

/// One form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// As written; `None`: it is sent to the page's own URL.
    pub action: Option<String>,
    /// Name and value of each control that is sent where nobody touches it, as in the
    /// [form data set](https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#constructing-the-form-data-set):
    /// of the buttons the first one that submits.
    pub controls: Vec<(String, String)>,
}

impl Document {
    /// Reads a page. Anything can be read; what is no HTML has no forms.
    pub fn read(html: &[u8]) -> Self {
        let mut emitter = DefaultEmitter::default();
        // What looks like markup within a script is none.
        emitter.naively_switch_states(true);
        let mut reader = Reader::default();
        for Ok(token) in Tokenizer::new_with_emitter(&html[..html.len().min(PAGE)], emitter) {
            match token {
                Token::StartTag(tag) => reader.start(&tag),
                Token::EndTag(tag) => reader.end(&tag.name),
                Token::String(_) | Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            }
        }
        reader.finish()
    }

    /// The form that has most of these fields, the first of equals; `None`: none has one.
    pub fn form_with<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> Option<&Form> {
        let count = |form: &Form| names.clone().filter(|name| form.value(name).is_some()).count();
        let best = self.forms.iter().rev().max_by_key(|form| count(form));
        best.filter(|form| 0 < count(form))
    }

    /// The content of the `meta` element of that name.
    pub fn meta(&self, name: &str) -> Option<&str> {
        value_of(&self.metas, name)
    }
}

impl Form {
    /// What the control of that name holds.
    pub fn value(&self, name: &str) -> Option<&str> {
        value_of(&self.controls, name)
    }
}

fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[derive(Default)]
struct Reader {
    document: Document,
    /// The form that is open.
    open: Option<Form>,
    /// Controls of no form.
    loose: Form,
    controls: usize,
    /// The open form's button that submits has come.
    submitted: bool,
    select: Option<Select>,
}

/// A `select` that is open.
struct Select {
    name: String,
    /// The first option's value, or that of the last one that is `selected`.
    value: Option<String>,
}

impl Reader {
    fn start(&mut self, tag: &StartTag<()>) {
        let has = |name: &str| tag.attributes.contains_key(name.as_bytes());
        let get = |name: &str| {
            tag.attributes.get(name.as_bytes()).map(|value| String::from_utf8_lossy(&value.value).into_owned())
        };
        match tag.name.as_slice() {
            // One within another is none.
            b"form" if self.open.is_none() => {
                let action = get("action").filter(|action| !action.trim().is_empty());
                self.open = Some(Form { action, controls: Vec::new() });
                self.submitted = false;
            }
            b"base" if self.document.base.is_none() => self.document.base = get("href"),
            b"meta" => {
                if let (Some(name), Some(content)) = (get("name"), get("content"))
                    && self.document.metas.len() < FORMS
                {
                    self.document.metas.push((name, content));
                }
            }
            b"option" => {
                if let Some(select) = &mut self.select
                    && (select.value.is_none() || has("selected"))
                {
                    select.value = get("value");
                }
            }
            b"input" | b"button" | b"select" if !has("disabled") => {
                let Some(name) = get("name").filter(|name| !name.is_empty()) else { return };
                let kind = get("type").unwrap_or_default().to_ascii_lowercase();
                match (tag.name.as_slice(), kind.as_str()) {
                    (b"select", _) => self.select = Some(Select { name, value: None }),
                    (b"input", "submit") | (b"button", "submit" | "") => {
                        if !std::mem::replace(&mut self.submitted, true) {
                            self.control(name, get("value").unwrap_or_default());
                        }
                    }
                    (b"button", _) | (_, "button" | "reset" | "image" | "file") => {}
                    (_, "checkbox" | "radio") => {
                        if has("checked") {
                            self.control(name, get("value").unwrap_or_else(|| "on".to_owned()));
                        }
                    }
                    _ => self.control(name, get("value").unwrap_or_default()),
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"form" => self.close(),
            b"select" => {
                if let Some(Select { name, value: Some(value) }) = self.select.take() {
                    self.control(name, value);
                }
            }
            _ => {}
        }
    }

    fn control(&mut self, name: String, value: String) {
        if self.controls < CONTROLS {
            self.controls += 1;
            self.open.as_mut().unwrap_or(&mut self.loose).controls.push((name, value));
        }
    }

    fn close(&mut self) {
        self.submitted = false;
        if let Some(form) = self.open.take()
            && self.document.forms.len() < FORMS
        {
            self.document.forms.push(form);
        }
    }

    fn finish(mut self) -> Document {
        self.close();
        if !self.loose.controls.is_empty() {
            self.document.forms.push(self.loose);
        }
        self.document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each form as `action? name=value&...`.
    #[track_caller]
    fn check(html: &str, expected: &[&str]) {
        let form = |form: &Form| {
            let controls: Vec<_> = form.controls.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{}? {}", form.action.as_deref().unwrap_or_default(), controls.join("&"))
        };
        let got: Vec<String> = Document::read(html.as_bytes()).forms.iter().map(form).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn a_form_sends_what_its_controls_hold() {
        check(
            "<FORM action=/in method=post><input type=hidden name=csrf_token value='a&amp;b'><input name=user>\
             <input type=PASSWORD name=pass value=x><input type=checkbox name=stay><input type=checkbox name=tos checked>\
             <select name=realm><option value=a><option value=b selected></select><input name=off disabled>\
             <button type=button name=no>?</button><button name=go value=in>In</button><input type=submit name=go value=out>\
             </form>",
            &["/in? csrf_token=a&b&user=&pass=x&tos=on&realm=b&go=in"],
        );
    }

    #[test]
    fn what_stands_in_a_script_a_comment_or_a_title_is_no_form() {
        check("<script>'<form><input name=a>'</script><!--<form><input name=b>--><title><form></title>", &[]);
        check("<style><form><input name=a></style><p>text</p>", &[]);
    }

    #[test]
    fn forms_are_kept_apart_and_what_is_outside_comes_last() {
        check(
            "<input name=a value=1><form action=''><input name=b value=2></form><form action=x><form action=y>\
             <input name=c value=3>",
            &["? b=2", "x? c=3", "? a=1"],
        );
    }

    #[test]
    fn the_form_is_the_one_with_most_of_the_fields() {
        let page = "<form action=find><input name=q><input name=user></form>\
                    <form action=in><input name=user><input name=pass></form><form action=up><input name=user><input name=pass></form>";
        let document = Document::read(page.as_bytes());
        let action = |names: &[&str]| {
            document.form_with(names.iter().copied()).and_then(|form| form.action.clone()).unwrap_or_default()
        };
        assert_eq!(action(&["user", "pass"]), "in");
        assert_eq!(action(&["user"]), "find");
        assert_eq!(action(&["nothing"]), "");
    }

    #[test]
    fn metas_and_the_base_are_read() {
        let document = Document::read(b"<base href=/a/><base href=/b/><meta name=csrf-token content=t0>");
        assert_eq!((document.base.as_deref(), document.meta("csrf-token")), (Some("/a/"), Some("t0")));
    }

    #[test]
    fn a_page_is_read_within_bounds() {
        let page = format!("{}<form><input name=late></form>", " ".repeat(PAGE));
        assert_eq!(Document::read(page.as_bytes()), Document::default());
        let many = "<form><input name=a></form>".repeat(FORMS + CONTROLS);
        assert_eq!(Document::read(many.as_bytes()).forms.len(), FORMS);
        let many = "<input name=a>".repeat(CONTROLS + 9);
        assert_eq!(Document::read(many.as_bytes()).forms[0].controls.len(), CONTROLS);
    }

    fn quoted(value: &str) -> String {
        value.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(html: Vec<u8>, soup in "(<(form|input|select|/form|/select|option|script|a)|name=|value=|[ \"'>&;x/!-]){0,60}") {
            Document::read(&html);
            Document::read(soup.as_bytes());
        }

        #[test]
        fn what_a_page_says_comes_back(pairs in proptest::collection::vec(("[a-z_\\[\\]]{1,8}", "[^\\x00\\r]{0,20}"), 0..6)) {
            let inputs: String = pairs
                .iter()
                .map(|(name, value)| format!("<input name=\"{name}\" value=\"{}\">", quoted(value)))
                .collect();
            let document = Document::read(format!("<form>{inputs}</form>").as_bytes());
            proptest::prop_assert_eq!(&document.forms[0].controls, &pairs);
        }
    }
}
