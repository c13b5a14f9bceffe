//! Which values are secrets, and the names that profiles give them.

use crate::base::Secret;
use crate::profile::model::Setting;

/// Names of headers, parameters and fields whose value signs somebody in.
const NAMES: [&str; 18] = [
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "apikey",
    "api-key",
    "api_key",
    "auth",
    "session",
    "sessid",
    "sid",
    "jwt",
    "signature",
    "credential",
    "access_key",
    "accesskey",
    "csrf",
];

/// Whether what bears this name is not for others' eyes.
pub(super) fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if ["sid", "auth"].contains(&lower.as_str()) {
        return true;
    }
    let has = |word: &str| match word {
        // Not `inside`, not `author`.
        "sid" => lower.ends_with("_sid") || lower.ends_with(".sid") || lower.starts_with("sid_"),
        "auth" => {
            lower.starts_with("auth") && !lower.starts_with("author")
                || lower == "authorization"
                || lower.ends_with("-auth")
        }
        word => lower.contains(word),
    };
    NAMES.iter().any(|word| has(word))
}

/// A value that stands for another one: somebody took the real one out, or never put it in.
pub(super) fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    let bare = value.trim_matches(['<', '>', '[', ']', '{', '}', '(', ')', '$', '%', '"', '\'']);
    let lower = bare.to_ascii_lowercase();
    bare.len() != value.len() && !value.starts_with(['{', '[']) && !bare.is_empty()
        || value.starts_with("{{") && value.ends_with("}}")
        || value.starts_with("${")
        || ["redacted", "removed", "hidden", "xxx", "***", "...", "…", "your_", "your-", "my_token", "[redacted]"]
            .iter()
            .any(|word| lower.starts_with(word))
        || !lower.is_empty() && lower.chars().all(|c| "x*•.…".contains(c))
}

/// Gives values names, the same value the same name.
#[derive(Debug, Default)]
pub(super) struct Names {
    prefix: String,
    pub found: Vec<(String, Secret)>,
}

impl Names {
    /// Names that begin with what the profile is about: `api.example.com-token`.
    pub fn of(host: &str) -> Self {
        Self { prefix: plain(host), found: Vec::new() }
    }

    /// The value under a name.
    pub fn keep(&mut self, what: &str, value: &str) -> Setting {
        Setting::Secret(self.name(what, value))
    }

    pub fn name(&mut self, what: &str, value: &str) -> String {
        if let Some((name, _)) = self.found.iter().find(|(_, known)| known.expose() == value) {
            return name.clone();
        }
        let base = self.bare(what);
        let taken = |name: &str| self.found.iter().any(|(known, _)| known == name);
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let name = std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base);
        self.found.push((name.clone(), Secret::new(value)));
        name
    }

    /// A name for a value that is not there.
    pub fn bare(&self, what: &str) -> String {
        let what = plain(what);
        if self.prefix.is_empty() { what } else { format!("{}-{what}", self.prefix) }
    }
}

/// Letters, digits, `-`, `_` and `.`, as names of secrets are.
fn plain(text: &str) -> String {
    let text: String = text
        .chars()
        .take(80)
        .map(|c| if c.is_ascii_alphanumeric() || "._".contains(c) { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let text = text.trim_matches(['-', '.', '_']);
    if text.is_empty() { "secret".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "token",
            "access_token",
            "X-Api-Key",
            "Authorization",
            "sessionid",
            "connect.sid",
            "sid",
            "X-CSRFToken",
            "auth",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["page", "author", "inside", "EIO", "transport", "id", "Content-Type", "X-Requested-With"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn what_stands_for_a_value_is_none() {
        for value in ["<token>", "[redacted]", "${TOKEN}", "{{jwt}}", "$TOKEN", "xxxx", "***", "YOUR_TOKEN", "..."] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in ["eyJhbGciOi", "{\"a\":1}", "abc", "[1]", "0"] {
            assert!(!is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn one_value_has_one_name_and_two_values_have_two() {
        let mut names = Names::of("API.test:8443");
        assert_eq!(names.name("token", "a"), "api.test-8443-token");
        assert_eq!(names.name("bearer", "a"), "api.test-8443-token");
        assert_eq!(names.name("token", "b"), "api.test-8443-token-2");
    }
}
