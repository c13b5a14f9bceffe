//! Where a person's profiles, settings and history are, by the platform's custom.
//!
//! Tests name folders of their own; nothing here creates one.

use std::ffi::OsString;
use std::path::PathBuf;

/// The folders of one person, or of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// One TOML file a profile.
    pub profiles: PathBuf,
    /// The window's settings.
    pub config: PathBuf,
    /// The history's database and its lock.
    pub data: PathBuf,
}

/// The platform names no home folder, so there is no place to keep anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no home folder is known; set HOME, or name the folders with --profiles and --data")]
pub struct NoHome;

/// Names the configuration folder in place of the platform's.
pub const CONFIG_VARIABLE: &str = "WIREWATCH_CONFIG_DIR";
/// Names the data folder in place of the platform's.
pub const DATA_VARIABLE: &str = "WIREWATCH_DATA_DIR";

impl Paths {
    /// The platform's folders, each replaced by what the option or the environment names.
    pub fn find(profiles: Option<PathBuf>, data: Option<PathBuf>) -> Result<Self, NoHome> {
        Self::with(profiles, data, |name| std::env::var_os(name))
    }

    fn with(
        profiles: Option<PathBuf>,
        data: Option<PathBuf>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, NoHome> {
        let platform = directories::ProjectDirs::from("", "", "wirewatch");
        let named = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let config = named(CONFIG_VARIABLE).or_else(|| platform.as_ref().map(|dirs| dirs.config_dir().to_owned()));
        let data = data
            .or_else(|| named(DATA_VARIABLE))
            .or_else(|| platform.as_ref().map(|dirs| dirs.data_local_dir().to_owned()))
            .ok_or(NoHome)?;
        let config = config.ok_or(NoHome)?;
        Ok(Self { profiles: profiles.unwrap_or_else(|| config.join("profiles")), config, data })
    }

    /// The history's file.
    pub fn history(&self) -> PathBuf {
        self.data.join("history.sqlite3")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_goes_before_the_environment_and_that_before_the_platform() {
        let variable =
            |name: &str| (name == DATA_VARIABLE || name == CONFIG_VARIABLE).then(|| format!("/env/{name}").into());
        let found = Paths::with(None, Some("/opt/data".into()), variable).unwrap();
        assert_eq!(found.data, PathBuf::from("/opt/data"));
        assert_eq!(found.profiles, PathBuf::from("/env/WIREWATCH_CONFIG_DIR/profiles"));
        assert_eq!(found.history(), PathBuf::from("/opt/data/history.sqlite3"));
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let found = Paths::with(Some("/p".into()), Some("/d".into()), |_| Some(OsString::new())).unwrap();
        assert_eq!(found.profiles, PathBuf::from("/p"));
        assert_ne!(found.config, PathBuf::new());
    }
}
