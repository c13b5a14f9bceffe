//! The keys: one table for what is pressed, what the palette shows beside a command, and the sheet behind `?`.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::action::{Action, Tab};
use crate::base::ProfileId;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Palette,
    Filter,
    Next,
    Previous,
    Open,
    Freeze,
    CheckNow,
    Reconnect,
    Pause,
    Shorter,
    Longer,
    Tab(Tab),
    Export,
    New,
    Reproduce,
    Undo,
    Keys,
    Larger,
    Smaller,
    Reset,
    Quit,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub section: &'static str,
    /// As the sheet and the palette write it.
    pub keys: &'static str,
    pub name: &'static str,
    pub does: Does,
    shortcut: KeyboardShortcut,
    /// Also while a text is being typed.
    typing: bool,
}

const fn plain(section: &'static str, keys: &'static str, key: Key, name: &'static str, does: Does) -> Binding {
    Binding { section, keys, name, does, shortcut: KeyboardShortcut::new(Modifiers::NONE, key), typing: false }
}

const fn command(section: &'static str, keys: &'static str, key: Key, name: &'static str, does: Does) -> Binding {
    Binding { section, keys, name, does, shortcut: KeyboardShortcut::new(Modifiers::COMMAND, key), typing: true }
}

/// Every key but Esc, which closes or clears whatever is open.
pub const BINDINGS: &[Binding] = &[
    command("Anywhere", "Ctrl+K", Key::K, "Search or command", Does::Palette),
    Binding { typing: false, ..command("Anywhere", "Ctrl+Z", Key::Z, "Undo the last change to a profile", Does::Undo) },
    plain("Anywhere", "B", Key::B, "Reproduce a report", Does::Reproduce),
    plain("Anywhere", "?", Key::Questionmark, "Show the keys", Does::Keys),
    command("Anywhere", "Ctrl++", Key::Plus, "Larger", Does::Larger),
    command("Anywhere", "Ctrl+−", Key::Minus, "Smaller", Does::Smaller),
    command("Anywhere", "Ctrl+0", Key::Num0, "Normal size", Does::Reset),
    command("Anywhere", "Ctrl+Q", Key::Q, "Quit", Does::Quit),
    plain("Roster", "/", Key::Slash, "Filter profiles", Does::Filter),
    plain("Roster", "↓", Key::ArrowDown, "Next profile", Does::Next),
    plain("Roster", "↑", Key::ArrowUp, "Previous profile", Does::Previous),
    plain("Roster", "Enter", Key::Enter, "Show the selected profile", Does::Open),
    plain("Roster", "N", Key::N, "New profile", Does::New),
    plain("Profile", "R", Key::R, "Check now", Does::CheckNow),
    plain("Profile", "C", Key::C, "Reconnect", Does::Reconnect),
    plain("Profile", "P", Key::P, "Pause or resume", Does::Pause),
    plain("Profile", "E", Key::E, "Export", Does::Export),
    plain("Time", "Space", Key::Space, "Freeze the plots, or follow now again", Does::Freeze),
    plain("Time", "[", Key::OpenBracket, "Shorter range", Does::Shorter),
    plain("Time", "]", Key::CloseBracket, "Longer range", Does::Longer),
    plain("Tabs", "1", Key::Num1, "Events", Does::Tab(Tab::Events)),
    plain("Tabs", "2", Key::Num2, "Frames", Does::Tab(Tab::Frames)),
    plain("Tabs", "3", Key::Num3, "Last check", Does::Tab(Tab::LastCheck)),
    plain("Tabs", "4", Key::Num4, "Messages (Socket.IO)", Does::Tab(Tab::Messages)),
    plain("Tabs", "5", Key::Num5, "Profile", Does::Tab(Tab::Profile)),
];

impl Does {
    /// It is about the profile on view: where another view stands in its place, it does nothing.
    pub fn is_of_profile(self) -> bool {
        match self {
            Self::Next
            | Self::Previous
            | Self::Open
            | Self::Freeze
            | Self::CheckNow
            | Self::Reconnect
            | Self::Pause
            | Self::Shorter
            | Self::Longer
            | Self::Tab(_)
            | Self::Export => true,
            Self::Palette
            | Self::Filter
            | Self::New
            | Self::Reproduce
            | Self::Undo
            | Self::Keys
            | Self::Larger
            | Self::Smaller
            | Self::Reset
            | Self::Quit => false,
        }
    }
}

/// The keys that do that, as they are written.
pub fn shown(does: Does) -> &'static str {
    BINDINGS.iter().find(|binding| binding.does == does).map_or("", |binding| binding.keys)
}

/// What has the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    Nothing,
    /// A row of the roster: Enter is its own.
    Row,
    /// A text that is being typed.
    Text,
    /// Some other widget: Space, Enter and the arrows are its own.
    Widget,
}

impl Focus {
    fn keeps(self, binding: &Binding) -> bool {
        match self {
            Self::Nothing => false,
            Self::Row => binding.does == Does::Open,
            Self::Text => !binding.typing,
            Self::Widget => matches!(binding.does, Does::Freeze | Does::Open | Does::Next | Does::Previous),
        }
    }
}

/// Takes the pressed keys out of the input, but those that belong to what has the keyboard.
pub fn pressed(ctx: &egui::Context, focus: Focus) -> Vec<Does> {
    ctx.input_mut(|input| {
        let mut done = Vec::new();
        for binding in BINDINGS {
            if focus.keeps(binding) {
                continue;
            }
            // Shift is how some keyboards write `?`, `[` and `+`: only Ctrl and Alt tell keys apart here.
            let shortcut = binding.shortcut;
            let command = shortcut.modifiers.command;
            let hit = input.events.iter().position(|event| {
                matches!(event, egui::Event::Key { key, pressed: true, modifiers, .. }
                    if (*key == shortcut.logical_key || is_twin(*key, shortcut.logical_key))
                        && modifiers.command == command
                        && !modifiers.alt)
            });
            if let Some(at) = hit {
                input.events.remove(at);
                done.push(binding.does);
            }
        }
        if focus != Focus::Text && !done.is_empty() {
            // The key's text must not land in a box that takes the keyboard because of it.
            input.events.retain(|event| !matches!(event, egui::Event::Text(_)));
        }
        done
    })
}

/// The same wish on another key: `=` is the plus that needs no Shift.
fn is_twin(pressed: Key, wanted: Key) -> bool {
    matches!((pressed, wanted), (Key::Equals, Key::Plus))
}

/// What the key means for the selected profile; `None`: nothing is selected that it could be about.
pub fn action(does: Does, selected: Option<ProfileId>, suspended: bool) -> Option<Action> {
    Some(match does {
        Does::Palette => Action::OpenPalette,
        Does::Filter => Action::FocusFilter,
        Does::Next => Action::SelectNext,
        Does::Previous => Action::SelectPrevious,
        Does::Open => Action::Select(selected?),
        Does::Freeze => Action::ToggleFreeze,
        Does::CheckNow => Action::CheckNow(selected?),
        Does::Reconnect => Action::Reconnect(selected?),
        Does::Pause if suspended => Action::Resume(selected?),
        Does::Pause => Action::Pause(selected?),
        Does::Shorter => Action::ShorterRange,
        Does::Longer => Action::LongerRange,
        Does::Tab(tab) => Action::SetTab(tab),
        Does::Export => Action::AskExport(selected?),
        Does::New => Action::NewProfile,
        Does::Reproduce => Action::OpenReproduce,
        Does::Undo => Action::Undo,
        Does::Keys => Action::OpenKeys,
        Does::Larger => Action::ScaleUp,
        Does::Smaller => Action::ScaleDown,
        Does::Reset => Action::SetScale(1.0),
        Does::Quit => Action::Quit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_commands_share_a_key() {
        for (index, one) in BINDINGS.iter().enumerate() {
            for other in &BINDINGS[index + 1..] {
                assert!(one.shortcut != other.shortcut, "{} and {}", one.name, other.name);
            }
        }
    }

    #[test]
    fn a_key_about_a_profile_does_nothing_where_none_is_selected() {
        assert_eq!(action(Does::CheckNow, None, false), None);
        assert_eq!(action(Does::Pause, Some(ProfileId(1)), true), Some(Action::Resume(ProfileId(1))));
    }
}
