//! What the window remembers between two runs: its theme, scale, size, and what was open.
//!
//! Invariants: a broken file is said and left as it is, and nothing is written over it; a file is replaced whole or not
//! at all.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, value};

use super::action::Range;
use super::theme::{Look, SCALE};
use crate::base::ProfileId;
use crate::model::Order;

/// The file's name in the folder of the configuration.
pub const FILE: &str = "window.toml";

/// More than this is no settings file.
const MAX_BYTES: u64 = 256 * 1024;

/// What is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub look: Look,
    pub scale: f32,
    pub range: Range,
    pub order: Order,
    pub selected: Option<ProfileId>,
    /// Group paths, ` / ` between levels.
    pub collapsed: Vec<String>,
    /// Points, without decoration.
    pub size: (f32, f32),
    pub roster_width: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            look: Look::Dark,
            scale: 1.0,
            // A first start has minutes to show, not hours.
            range: Range::M15,
            order: Order::default(),
            selected: None,
            collapsed: Vec::new(),
            size: (1440.0, 900.0),
            roster_width: 360.0,
        }
    }
}

/// Why the settings are the defaults, or can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{} can't be read: {why}. The window uses its defaults and leaves the file alone", file.display())]
    Broken { file: PathBuf, why: String },
    #[error("{} can't be written: {source}", file.display())]
    Write { file: PathBuf, source: std::io::Error },
}

impl Settings {
    /// From the file; the defaults where there is none.
    pub fn load(file: &Path) -> Result<Self, SettingsError> {
        let broken = |why: String| SettingsError::Broken { file: file.to_owned(), why };
        match std::fs::metadata(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(broken(error.to_string())),
            Ok(found) if MAX_BYTES < found.len() => return Err(broken("it is too large".into())),
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(file).map_err(|error| broken(error.to_string()))?;
        Self::parse(&text).map_err(broken)
    }

    /// Writes the file beside itself and renames it into place.
    pub fn save(&self, file: &Path) -> Result<(), SettingsError> {
        let write = |source| SettingsError::Write { file: file.to_owned(), source };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(write)?;
        }
        let beside = file.with_extension("toml.new");
        let mut to = std::fs::File::create(&beside).map_err(write)?;
        to.write_all(self.to_text().as_bytes()).map_err(write)?;
        to.sync_all().map_err(write)?;
        std::fs::rename(&beside, file).map_err(write)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
        let mut settings = Self::default();
        for (key, item) in document.iter() {
            let wrong = || format!("`{key}` has a value that it can't have");
            match key {
                "theme" => settings.look = item.as_str().and_then(Look::from_code).ok_or_else(wrong)?,
                "scale" => settings.scale = number(item, SCALE).ok_or_else(wrong)?,
                "range" => settings.range = item.as_str().and_then(Range::from_word).ok_or_else(wrong)?,
                "order" => settings.order = item.as_str().and_then(order_from_code).ok_or_else(wrong)?,
                "selected" => {
                    let id = item.as_integer().and_then(|id| u32::try_from(id).ok()).ok_or_else(wrong)?;
                    settings.selected = Some(ProfileId(id));
                }
                "collapsed" => {
                    let paths = item.as_array().ok_or_else(wrong)?;
                    settings.collapsed = paths.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect();
                }
                "width" => settings.size.0 = number(item, 400.0..=20_000.0).ok_or_else(wrong)?,
                "height" => settings.size.1 = number(item, 300.0..=20_000.0).ok_or_else(wrong)?,
                "roster_width" => settings.roster_width = number(item, 200.0..=2_000.0).ok_or_else(wrong)?,
                // A key of a newer version: nothing here to go wrong by it.
                _ => {}
            }
        }
        Ok(settings)
    }

    fn to_text(&self) -> String {
        let mut document = DocumentMut::new();
        let rounded = |number: f32| value((f64::from(number) * 100.0).round() / 100.0);
        document["theme"] = value(self.look.code());
        document["scale"] = rounded(self.scale);
        document["range"] = value(self.range.word());
        document["order"] = value(order_code(self.order));
        if let Some(id) = self.selected {
            document["selected"] = value(i64::from(id.0));
        }
        document["collapsed"] = value(self.collapsed.iter().collect::<Array>());
        document["width"] = rounded(self.size.0);
        document["height"] = rounded(self.size.1);
        document["roster_width"] = rounded(self.roster_width);
        document.to_string()
    }
}

fn number(item: &Item, within: std::ops::RangeInclusive<f32>) -> Option<f32> {
    let number = item.as_float().or_else(|| item.as_integer().map(|whole| whole as f64))? as f32;
    within.contains(&number).then_some(number)
}

fn order_code(order: Order) -> &'static str {
    match order {
        Order::WorstFirst => "worst-first",
        Order::Name => "name",
        Order::Newest => "newest",
    }
}

fn order_from_code(code: &str) -> Option<Order> {
    Order::ALL.into_iter().find(|order| order_code(*order) == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_back_as_they_were_saved() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep").join(FILE);
        let settings = Settings {
            look: Look::HighContrast,
            scale: 1.5,
            range: Range::D7,
            order: Order::Newest,
            selected: Some(ProfileId(7)),
            collapsed: vec!["shop / staging".into()],
            size: (1000.0, 700.5),
            roster_width: 300.0,
        };
        settings.save(&file).unwrap();
        assert_eq!(Settings::load(&file).unwrap(), settings);
        assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing lies beside it");
    }

    #[test]
    fn no_file_means_the_defaults() {
        assert_eq!(Settings::load(Path::new("/nowhere/window.toml")).unwrap(), Settings::default());
    }

    #[test]
    fn a_broken_file_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        for (text, named) in [("theme = ", ""), ("theme = \"pink\"", "`theme`"), ("scale = 9", "`scale`")] {
            std::fs::write(&file, text).unwrap();
            let error = Settings::load(&file).unwrap_err().to_string();
            assert!(error.contains("window.toml") && error.contains(named), "{error}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn a_key_of_a_newer_version_does_no_harm() {
        assert_eq!(Settings::parse("future = 1\nscale = 2").unwrap().scale, 2.0);
    }
}
