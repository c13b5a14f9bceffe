//! What a panel may wish for. Panels draw and return one; `app/actions.rs` alone carries them out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::theme::Look;
use super::vm::events::Which;
use crate::base::{ProfileId, Wall};
use crate::model::Order;
use crate::profile::{Kind, Profile};
use crate::watch::{State, Wanted};

/// How much time the plots show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Range {
    M15,
    #[default]
    H1,
    H6,
    H24,
    D7,
    /// Everything that the history has.
    All,
}

impl Range {
    pub const ALL: [Self; 6] = [Self::M15, Self::H1, Self::H6, Self::H24, Self::D7, Self::All];

    /// `None`: no bound.
    pub fn length(self) -> Option<Duration> {
        let minutes = match self {
            Self::M15 => 15,
            Self::H1 => 60,
            Self::H6 => 360,
            Self::H24 => 24 * 60,
            Self::D7 => 7 * 24 * 60,
            Self::All => return None,
        };
        Some(Duration::from_secs(minutes * 60))
    }

    /// On its chip, and in the settings file.
    pub fn word(self) -> &'static str {
        match self {
            Self::M15 => "15m",
            Self::H1 => "1h",
            Self::H6 => "6h",
            Self::H24 => "24h",
            Self::D7 => "7d",
            Self::All => "all",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.word() == word)
    }

    /// The next shorter one; the shortest stays.
    pub fn shorter(self) -> Self {
        Self::ALL.into_iter().rev().find(|other| *other < self).unwrap_or(self)
    }

    /// The next longer one; the longest stays.
    pub fn longer(self) -> Self {
        Self::ALL.into_iter().find(|other| self < *other).unwrap_or(self)
    }
}

/// The tabs under the plots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tab {
    #[default]
    Events,
    Frames,
    LastCheck,
    /// Of a Socket.IO session.
    Messages,
    Profile,
}

impl Tab {
    /// In the order of the strip and of the keys 1 to 5.
    pub const ALL: [Self; 5] = [Self::Events, Self::Frames, Self::LastCheck, Self::Messages, Self::Profile];

    /// Whether a profile of that kind has it.
    pub fn is_of(self, kind: Kind) -> bool {
        self != Self::Messages || kind == Kind::SocketIo
    }

    /// The table that it shows.
    pub fn table(self) -> Option<Which> {
        match self {
            Self::Events => Some(Which::Events),
            Self::Frames => Some(Which::Frames),
            Self::Messages => Some(Which::Messages),
            Self::LastCheck | Self::Profile => None,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Events => "Events",
            Self::Frames => "Frames",
            Self::LastCheck => "Last check",
            Self::Messages => "Messages",
            Self::Profile => "Profile",
        }
    }
}

/// Which form events leave in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventFormat {
    Jsonl,
    Csv,
}

/// Which form figures leave in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureFormat {
    Svg,
    Png,
}

/// One wish.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    // The roster.
    Select(ProfileId),
    SelectNext,
    SelectPrevious,
    FocusFilter,
    /// Shows only profiles in the chosen states.
    ToggleState(State),
    /// Shows only files that can't be used, or all again.
    ToggleBroken,
    SetOrder(Order),
    /// Clears what is open, in turn: dialog, filter, zoom.
    Escape,

    // The engine.
    CheckNow(ProfileId),
    Connect(ProfileId),
    Disconnect(ProfileId),
    Pause(ProfileId),
    Resume(ProfileId),
    Reconnect(ProfileId),
    SendText {
        id: ProfileId,
        text: String,
    },
    /// Sends a Socket.IO event.
    Emit {
        id: ProfileId,
        emit: Arc<Wanted>,
    },
    /// Leaves WebSocket out, or uses it again.
    PollingOnly {
        id: ProfileId,
        on: bool,
    },

    // What stands in place of plots and tabs.
    /// Keeps what fails as "before", and looks again.
    VerifyFix(ProfileId),
    /// The same endpoint from many pages.
    ShowPages(ProfileId),
    /// Opens the dialog that asks what to compare with.
    AskCompare(ProfileId),
    CompareWith {
        id: ProfileId,
        other: Box<Profile>,
    },
    /// Who else is let in; asks before it sends anything.
    ShowAudit(ProfileId),
    /// What the audit would send may be sent.
    AgreeAudit,
    /// Asks for a file of the server's configuration, then shows what it says.
    ReadConfig(ProfileId),
    AskAgain,
    CloseAside,

    // The saved profiles. Each is saved at once and can be undone.
    /// Opens the dialog that asks for its address.
    NewProfile,
    Create(Box<Profile>),
    /// Selects the profile and opens its editor.
    EditProfile(ProfileId),
    Duplicate(ProfileId),
    Remove(ProfileId),
    SetEnabled(ProfileId, bool),
    /// Opens the dialog that asks for the group, or the tags.
    AskGroup(ProfileId),
    AskTags(ProfileId),
    SetGroup(ProfileId, Vec<String>),
    SetTags(ProfileId, Vec<String>),
    Save(ProfileId, Box<Profile>),
    /// The profile's file as a person typed it.
    SaveText(ProfileId, String),
    AddSamples,
    // A report of somebody's.
    OpenReproduce,
    CloseReproduce,
    /// Asks for a file, then reads it.
    PickReport,
    /// Runs what was understood, as answered.
    Reproduce,
    SaveReproduced,

    /// Asks for a file, then makes profiles from it.
    Import,
    ImportFile(PathBuf),
    OpenDemo,
    Undo,

    // Time.
    SetRange(Range),
    ShorterRange,
    LongerRange,
    ZoomTo {
        from: Wall,
        to: Wall,
    },
    ZoomBack,
    /// Unpins the right edge from now, or pins it again.
    ToggleFreeze,
    /// Shows the events around that instant.
    SelectInstant(Wall),

    // The tabs, and what leaves the program.
    SetTab(Tab),
    /// Opens the dialog that asks what to export.
    AskExport(ProfileId),
    /// Asks for a file, then writes the profile's events on view into it.
    ExportEvents {
        id: ProfileId,
        format: EventFormat,
    },
    SaveFigures {
        id: ProfileId,
        format: FigureFormat,
    },
    /// Asks for a file, then writes a report of the last check into it.
    SaveReport(ProfileId),
    /// Asks for a file, then writes `text` into it: a table exactly as it is shown.
    SaveToFile {
        suggested_name: String,
        text: String,
    },
    Copy(String),

    // The window.
    OpenPalette,
    OpenKeys,
    SetLook(Look),
    /// The whole window's scale, 0.8 to 2.
    SetScale(f32),
    ScaleUp,
    ScaleDown,
    /// A word to the person: what was done, or why it could not be.
    Say(String),
    Quit,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_step_and_stay_at_their_ends() {
        assert_eq!(Range::H1.shorter(), Range::M15);
        assert_eq!(Range::M15.shorter(), Range::M15);
        assert_eq!(Range::D7.longer(), Range::All);
        assert_eq!(Range::All.longer(), Range::All);
    }

    #[test]
    fn a_range_reads_back_from_its_word() {
        for range in Range::ALL {
            assert_eq!(Range::from_word(range.word()), Some(range));
        }
    }
}
