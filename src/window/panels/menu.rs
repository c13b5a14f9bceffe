//! What can be done with one profile: the row's context menu, and the same list wherever else it is offered.

use egui::Ui;

use crate::base::ProfileId;
use crate::watch::State;
use crate::window::action::Action;
use crate::window::vm::roster::Mark;

/// The wishes that make sense for a profile in that state, by name; a `None` between them is a divider.
pub fn items(id: ProfileId, mark: Mark) -> Vec<Option<(&'static str, Action)>> {
    let mut items = Vec::new();
    match mark {
        Mark::State(state) => {
            items.push(Some(("Check now", Action::CheckNow(id))));
            match state {
                State::Disconnected => items.push(Some(("Connect", Action::Connect(id)))),
                State::Suspended => items.push(Some(("Resume", Action::Resume(id)))),
                _ => {
                    items.push(Some(("Reconnect", Action::Reconnect(id))));
                    items.push(Some(("Disconnect", Action::Disconnect(id))));
                    items.push(Some(("Pause", Action::Pause(id))));
                }
            }
            items.push(None);
            if matches!(state, State::Error | State::CorsError | State::AuthRequired | State::Reconnecting) {
                items.push(Some(("Verify the fix", Action::VerifyFix(id))));
            }
            items.push(Some(("Try from other pages", Action::ShowPages(id))));
            items.push(Some(("Compare with…", Action::AskCompare(id))));
            items.push(Some(("Audit…", Action::ShowAudit(id))));
            items.push(Some(("Read server configuration…", Action::ReadConfig(id))));
            items.push(None);
            items.push(Some(("Disable", Action::SetEnabled(id, false))));
        }
        Mark::Off => items.push(Some(("Enable", Action::SetEnabled(id, true)))),
        Mark::Broken => {
            items.push(Some(("Mend the file…", Action::EditProfile(id))));
            items.push(None);
            items.push(Some(("Remove", Action::Remove(id))));
            return items;
        }
    }
    items.extend([
        Some(("Edit…", Action::EditProfile(id))),
        Some(("Move to group…", Action::AskGroup(id))),
        Some(("Tags…", Action::AskTags(id))),
        Some(("Duplicate", Action::Duplicate(id))),
        None,
        Some(("Remove", Action::Remove(id))),
    ]);
    items
}

/// Leaving WebSocket out, or using it again; `None` where there is no choice.
pub fn polling_only(id: ProfileId, is_on: Option<bool>) -> Option<(&'static str, Action)> {
    let name = if is_on? { "Use WebSocket again" } else { "Polling only" };
    Some((name, Action::PollingOnly { id, on: !is_on? }))
}

/// Draws the menu's entries.
pub fn profile(ui: &mut Ui, id: ProfileId, mark: Mark) -> Option<Action> {
    let mut wish = None;
    for item in items(id, mark) {
        match item {
            None => {
                ui.separator();
            }
            Some((name, action)) => {
                if ui.button(name).clicked() {
                    wish = Some(action);
                    ui.close();
                }
            }
        }
    }
    wish
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mark: Mark, expected: &str) {
        let names: Vec<&str> =
            items(ProfileId(1), mark).into_iter().map(|item| item.map_or("|", |(name, _)| name)).collect();
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn a_menu_offers_what_can_be_done_now() {
        let rest = "| Try from other pages Compare with… Audit… Read server configuration… | Disable Edit… Move to group… Tags… Duplicate | Remove";
        check(Mark::State(State::Connected), &format!("Check now Reconnect Disconnect Pause {rest}"));
        let failed = format!("Check now Reconnect Disconnect Pause {}", rest.replacen("| ", "| Verify the fix ", 1));
        check(Mark::State(State::CorsError), &failed);
        check(Mark::State(State::Suspended), &format!("Check now Resume {rest}"));
        check(Mark::State(State::Disconnected), &format!("Check now Connect {rest}"));
        check(Mark::Off, "Enable Edit… Move to group… Tags… Duplicate | Remove");
        check(Mark::Broken, "Mend the file… | Remove");
    }
}
