//! `{ secret = "NAME" }` → its value: the keyring first, then the environment. Never a file.
//!
//! Invariants: no value is logged, shown or kept longer than its use; a lookup ends within seconds whatever the keyring
//! does, and at once where there is none. It blocks: not on a thread that keeps time.

mod keyring;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use self::keyring::Keyring;
use super::SecretSource;
use crate::base::Secret;

/// The service under which the keyring holds the program's secrets; the entry's user is the secret's name.
pub const SERVICE: &str = "wirewatch";
/// What the environment's variables begin with.
pub const VARIABLE_PREFIX: &str = "WIREWATCH_SECRET_";

/// Where values are kept: the system's keyring, or a test's own.
pub trait Vault: Send + Sync {
    /// The value of that name, if the vault holds one.
    ///
    /// # Errors
    /// The vault can't be asked.
    fn get(&self, name: &str) -> Result<Option<Secret>, Unavailable>;

    /// Keeps a value under that name, in place of the one before it.
    ///
    /// # Errors
    /// The vault can't be asked, or doesn't take it.
    fn set(&self, name: &str, value: &Secret) -> Result<(), Unavailable>;
}

/// The keyring can't be used. Says why without any value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("this machine has no keyring service, or it does not answer: {0}")]
    NoService(String),
    #[error("the keyring did not answer in time; it may be waiting to be unlocked")]
    NoAnswer,
    #[error("the keyring refused: {0}")]
    Refused(String),
}

type Variable = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Looks secrets up.
pub struct Secrets {
    vault: Box<dyn Vault>,
    variable: Variable,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// The system's keyring and this process's environment.
    pub fn system() -> Self {
        Self::with(Keyring::default(), |name| std::env::var(name).ok())
    }

    /// A vault and an environment of one's own.
    pub fn with(
        vault: impl Vault + 'static,
        variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { vault: Box::new(vault), variable: Box::new(variable) }
    }

    /// One secret's value; `None` where it is nowhere.
    pub fn get(&self, name: &str) -> Option<Secret> {
        // A keyring that can't be asked holds nothing for us: that is what the environment is for.
        if let Ok(Some(value)) = self.vault.get(name) {
            return Some(value);
        }
        let found = variables(name).find_map(|variable| (self.variable)(&variable).filter(|value| !value.is_empty()));
        found.map(Secret::new)
    }

    /// Name and value of all the secrets of these names.
    ///
    /// # Errors
    /// The names of those that are nowhere.
    pub fn resolve_all(&self, names: &[String]) -> Result<HashMap<String, Secret>, Vec<String>> {
        let mut found = HashMap::new();
        let mut missing = Vec::new();
        for name in names {
            match self.get(name) {
                Some(value) => {
                    found.insert(name.clone(), value);
                }
                None => missing.push(name.clone()),
            }
        }
        if missing.is_empty() { Ok(found) } else { Err(missing) }
    }

    /// Keeps a secret in the keyring.
    ///
    /// # Errors
    /// The keyring can't be used.
    pub fn store(&self, name: &str, value: &Secret) -> Result<(), Unavailable> {
        self.vault.set(name, value)
    }

    /// As the engine takes it.
    pub fn source(self: Arc<Self>) -> SecretSource {
        Arc::new(move |names| self.resolve_all(names))
    }
}

/// The environment's variables for a secret: its name as it is, then in capitals with underscores, since a shell sets no
/// `WIREWATCH_SECRET_chat-token`.
fn variables(name: &str) -> impl Iterator<Item = String> {
    [name.to_owned(), shell_name(name)].into_iter().map(|name| format!("{VARIABLE_PREFIX}{name}"))
}

fn shell_name(name: &str) -> String {
    name.to_ascii_uppercase().replace(['-', '.'], "_")
}

/// How a person provides a secret that is nowhere.
pub fn remedy(name: &str) -> String {
    let keep = if cfg!(target_os = "macos") {
        format!("security add-generic-password -s {SERVICE} -a {name} -w")
    } else if cfg!(windows) {
        format!("cmdkey /generic:{name}.{SERVICE} /user:{name} /pass")
    } else {
        format!("secret-tool store --label={SERVICE} service {SERVICE} username {name}")
    };
    format!("put it into the keyring with `{keep}`, or set {VARIABLE_PREFIX}{}", shell_name(name))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::base::secret::Redactor;
    use crate::profile::{Auth, Kind, Setting};

    /// A keyring in memory, or none at all.
    struct Fake(Option<Mutex<HashMap<String, Secret>>>);

    impl Fake {
        fn holding(pairs: &[(&str, &str)]) -> Self {
            Self(Some(Mutex::new(
                pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect(),
            )))
        }
    }

    impl Vault for Fake {
        fn get(&self, name: &str) -> Result<Option<Secret>, Unavailable> {
            let held = self.0.as_ref().ok_or(Unavailable::NoAnswer)?;
            Ok(held.lock().unwrap().get(name).cloned())
        }

        fn set(&self, name: &str, value: &Secret) -> Result<(), Unavailable> {
            let held = self.0.as_ref().ok_or(Unavailable::NoAnswer)?;
            held.lock().unwrap().insert(name.to_owned(), value.clone());
            Ok(())
        }
    }

    fn variable(name: &str) -> Option<String> {
        let value = match name {
            "WIREWATCH_SECRET_jwt" => "exact",
            "WIREWATCH_SECRET_CHAT_TOKEN" => "capitals",
            "WIREWATCH_SECRET_EMPTY" => "",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[track_caller]
    fn check(vault: Fake, name: &str, expected: Option<&str>) {
        let found = Secrets::with(vault, variable).get(name);
        assert_eq!(found.as_ref().map(Secret::expose), expected, "{name}");
    }

    #[test]
    fn the_keyring_goes_before_the_environment() {
        check(Fake::holding(&[("jwt", "ring")]), "jwt", Some("ring"));
        check(Fake::holding(&[]), "jwt", Some("exact"));
        check(Fake(None), "jwt", Some("exact"));
    }

    #[test]
    fn the_variable_may_be_in_capitals_with_underscores() {
        check(Fake(None), "chat-token", Some("capitals"));
        check(Fake(None), "chat.token", Some("capitals"));
        check(Fake(None), "empty", None);
        check(Fake(None), "none", None);
    }

    #[test]
    fn all_that_are_nowhere_are_named_at_once() {
        let mut profile = crate::profile::Profile::new("a", Kind::Http, url::Url::parse("https://a.test/").unwrap());
        let secret = |name: &str| Setting::Secret(name.to_owned());
        profile.request.headers = vec![("X-A".into(), secret("zeta")), ("X-B".into(), secret("alpha"))];
        profile.auth = Auth::Bearer(secret("jwt"));
        let secrets = Secrets::with(Fake(None), variable);
        assert_eq!(secrets.resolve_all(&profile.secret_names()), Err(vec!["alpha".to_owned(), "zeta".to_owned()]));
        profile.request.headers.clear();
        let found = Arc::new(secrets).source()(&profile.secret_names()).unwrap();
        let redactor = Redactor::new(found.into_values());
        assert_eq!(redactor.text("Bearer exact"), "Bearer [redacted]");
    }

    #[test]
    fn what_is_stored_is_found() {
        let secrets = Secrets::with(Fake::holding(&[]), |_| None);
        secrets.store("a", &Secret::new("value")).unwrap();
        assert_eq!(secrets.get("a").unwrap().expose(), "value");
        assert_eq!(Secrets::with(Fake(None), |_| None).store("a", &Secret::new("v")), Err(Unavailable::NoAnswer));
    }

    #[test]
    fn nothing_of_it_can_be_shown() {
        let secrets = Secrets::with(Fake::holding(&[("jwt", "canary-77")]), |_| None);
        assert!(!format!("{secrets:?} {:?}", secrets.get("jwt")).contains("canary"));
    }

    #[test]
    fn a_missing_secret_has_a_remedy_with_both_places() {
        let remedy = remedy("chat-token");
        assert!(remedy.contains("chat-token") && remedy.contains("WIREWATCH_SECRET_CHAT_TOKEN"), "{remedy}");
    }
}
