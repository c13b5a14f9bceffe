//! Takes out of a pasted line what signs somebody in: a line is shown, and may be sent on.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::base::secret::REDACTED;

/// `token=…`, `"password": "…"`, `Cookie: …`, `Bearer …`, and whatever looks like a JWT.
static SECRETS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r#"(?i)(\b(?:set-)?cookie: ?)[^'"\r\n]+"#,
        r"(?i)(\b(?:bearer|basic) )[a-z0-9._~+/=-]{6,}",
        r"()\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*",
        r#"(?i)([a-z0-9_.-]*(?:token|secret|passw|pwd|api[_-]?key|session_?id|sessid|jwt|signature|csrf)[a-z0-9_.-]*["']?(?:=|: ?["']))[^\s"'&;,}<)]+"#,
        r#"(?i)([?&](?:sid|auth|key|code)=)[^\s"'&;]+"#,
        r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s/@:]*:)[^\s/@]+@",
    ]
    .into_iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// The line without them.
pub fn mask(line: &str) -> String {
    let mut out = Cow::Borrowed(line);
    for (index, pattern) in SECRETS.iter().enumerate() {
        let with = if index + 1 == SECRETS.len() { format!("${{1}}{REDACTED}@") } else { format!("${{1}}{REDACTED}") };
        if let Cow::Owned(masked) = pattern.replace_all(&out, with.as_str()) {
            out = Cow::Owned(masked);
        }
    }
    out.into_owned()
}
