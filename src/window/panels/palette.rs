//! The command palette: every action and every profile, found by a few letters of its name.

use egui::{Align, Id, Key, Modal, Modifiers, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2};

use super::menu;
use super::roster_row::one_line;
use crate::base::ProfileId;
use crate::model::{Live, Order};
use crate::watch::State;
use crate::window::action::{Action, EventFormat, FigureFormat, Range};
use crate::window::keys::{self, BINDINGS, Does};
use crate::window::theme::{Look, Theme, space};
use crate::window::vm::roster::Mark;
use crate::window::{shape, style};

const MOST: usize = 60;
const ROW: f32 = 30.0;

/// One thing to choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub name: String,
    /// Its key, where it has one.
    pub keys: &'static str,
    pub action: Action,
    /// A profile's state.
    pub state: Option<State>,
}

/// What the palette remembers while it is open.
#[derive(Debug, Default)]
pub struct Palette {
    text: String,
    entries: Vec<Entry>,
    /// Indices into `entries`, the best first.
    found: Vec<usize>,
    at: usize,
    started: bool,
}

/// What was done with it.
#[derive(Clone, Debug, PartialEq)]
pub enum Chosen {
    Action(Action),
    Closed,
}

impl Palette {
    /// Opens it on what there is now.
    pub fn open(live: &Live, selected: Option<ProfileId>) -> Self {
        let mut palette = Self { entries: entries(live, selected), ..Self::default() };
        palette.search();
        palette
    }

    fn search(&mut self) {
        self.at = 0;
        let wanted = self.text.trim().to_lowercase();
        let mut scored: Vec<(u32, usize)> = self
            .entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| Some((score(&wanted, &entry.name)?, index)))
            .collect();
        // Equal ones stay in the list's order.
        scored.sort_by_key(|(score, index)| (std::cmp::Reverse(*score), *index));
        self.found = scored.into_iter().take(MOST).map(|(_, index)| index).collect();
    }

    /// Draws it over everything else.
    pub fn ui(&mut self, ctx: &egui::Context, theme: &Theme) -> Option<Chosen> {
        let mut chosen = None;
        let width = (ctx.content_rect().width() - 2.0 * space::XL).min(620.0);
        let area = Modal::default_area(Id::unique("palette"))
            .anchor(egui::Align2::CENTER_TOP, vec2(0.0, (ctx.content_rect().height() * 0.12).min(96.0)));
        let modal = Modal::new(Id::unique("palette"))
            .area(area)
            .backdrop_color(theme.veil)
            .frame(egui::Frame::popup(&ctx.global_style()).inner_margin(space::S))
            .show(ctx, |ui| {
                ui.set_width(width);
                chosen = self.inside(ui, theme);
            });
        if chosen.is_none() && modal.should_close() {
            chosen = Some(Chosen::Closed);
        }
        chosen
    }

    fn inside(&mut self, ui: &mut Ui, theme: &Theme) -> Option<Chosen> {
        let step = ui.input_mut(|input| {
            let down = input.count_and_consume_key(Modifiers::NONE, Key::ArrowDown);
            let up = input.count_and_consume_key(Modifiers::NONE, Key::ArrowUp);
            down as isize - up as isize
        });
        let enter = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
        let search = ui.add(
            TextEdit::singleline(&mut self.text)
                .hint_text("Type a command or a profile's name")
                .desired_width(f32::INFINITY)
                .margin(egui::Margin::symmetric(space::S as i8, space::S as i8)),
        );
        search.widget_info(|| WidgetInfo::labeled(egui::Role::SearchInput, true, "Command or profile"));
        if !std::mem::replace(&mut self.started, true) {
            search.request_focus();
        }
        if search.changed() {
            self.search();
        }
        let last = self.found.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(step).min(last);
        ui.add_space(space::XS);
        let mut clicked = None;
        ui.spacing_mut().item_spacing.y = 0.0;
        // The window that it stands in is as high as it was last: without a least height it would never grow again after a
        // search that found little.
        let height = (ui.ctx().content_rect().height() * 0.6).min(ROW * 11.0);
        let list = ScrollArea::vertical().id_salt("palette").max_height(height).min_scrolled_height(height);
        list.auto_shrink([false, true]).show(ui, |ui| {
            if self.found.is_empty() {
                ui.add_space(space::S);
                ui.weak("  Nothing by that name.");
                ui.add_space(space::S);
            }
            for (row, index) in self.found.iter().enumerate() {
                let response = row_ui(ui, &self.entries[*index], row == self.at, theme);
                if step != 0 && row == self.at {
                    response.scroll_to_me(None::<Align>);
                }
                if response.clicked() {
                    clicked = Some(*index);
                }
            }
        });
        let index = clicked.or_else(|| enter.then(|| self.found.get(self.at).copied()).flatten())?;
        Some(Chosen::Action(self.entries[index].action.clone()))
    }
}

fn row_ui(ui: &mut Ui, entry: &Entry, on: bool, theme: &Theme) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::Role::MenuItem, true, on, &entry.name));
    let painter = ui.painter_at(rect);
    let ground = match (on, response.hovered()) {
        (true, _) => theme.selection,
        (false, true) => theme.hover,
        (false, false) => theme.raised,
    };
    painter.rect_filled(rect, f32::from(crate::window::theme::RADIUS), ground);
    let mut left = rect.left() + space::S;
    if let Some(state) = entry.state {
        shape::paint(&painter, pos2(left + 7.0, rect.center().y), 13.0, state, theme.state(state), ground);
        left += 22.0;
    }
    let keys = painter.layout_no_wrap(entry.keys.to_owned(), style::small(), theme.secondary);
    let keys_left = rect.right() - space::S - keys.size().x;
    painter.galley(pos2(keys_left, rect.center().y - keys.size().y / 2.0), keys, theme.secondary);
    let name = one_line(&painter, &entry.name, style::body(), theme.text, keys_left - left - space::S);
    painter.galley(pos2(left, rect.center().y - name.size().y / 2.0), name, theme.text);
    response
}

/// Everything that can be chosen: what the selected profile allows, the window's commands, then the profiles.
pub fn entries(live: &Live, selected: Option<ProfileId>) -> Vec<Entry> {
    let mut all = Vec::new();
    let mut add = |name: String, keys: &'static str, action: Action| {
        all.push(Entry { name, keys, action, state: None });
    };
    if let Some(watched) = selected.and_then(|id| live.get(id)).filter(|watched| watched.is_listed()) {
        let (id, name) = (watched.id, &watched.name);
        let mark = Mark::of(watched);
        for (what, action) in menu::items(id, mark).into_iter().flatten() {
            let keys = BINDINGS
                .iter()
                .find(|binding| {
                    keys::action(binding.does, selected, watched.state == State::Suspended) == Some(action.clone())
                })
                .map_or("", |binding| binding.keys);
            add(format!("{}: {name}", what.trim_end_matches('…')), keys, action);
        }
        let transport = menu::polling_only(id, watched.polling_only()).filter(|_| matches!(mark, Mark::State(_)));
        if let Some((what, action)) = transport {
            add(format!("{what}: {name}"), "", action);
        }
        let exports = [
            ("Export events as JSONL", Action::ExportEvents { id, format: EventFormat::Jsonl }),
            ("Export events as CSV", Action::ExportEvents { id, format: EventFormat::Csv }),
            ("Save figures as SVG", Action::SaveFigures { id, format: FigureFormat::Svg }),
            ("Save figures as PNG", Action::SaveFigures { id, format: FigureFormat::Png }),
            ("Save a report of the last check", Action::SaveReport(id)),
        ];
        for (what, action) in exports {
            add(format!("{what}: {name}"), "", action);
        }
    }
    for binding in BINDINGS {
        let about = matches!(
            binding.does,
            Does::CheckNow | Does::Reconnect | Does::Pause | Does::Export | Does::Open | Does::Palette
        );
        if about {
            continue;
        }
        if let Some(action) = keys::action(binding.does, selected, false) {
            let name = match binding.does {
                Does::Tab(tab) => format!("Show {}", tab.word().to_lowercase()),
                _ => binding.name.to_owned(),
            };
            add(name, binding.keys, action);
        }
    }
    for range in Range::ALL {
        add(format!("Range {}", range.word()), "", Action::SetRange(range));
    }
    for look in Look::ALL {
        add(format!("Theme {}", look.word().to_lowercase()), "", Action::SetLook(look));
    }
    for (order, word) in
        [(Order::WorstFirst, "worst first"), (Order::Name, "by name"), (Order::Newest, "by latest change")]
    {
        add(format!("Order roster {word}"), "", Action::SetOrder(order));
    }
    for state in State::ALL {
        let word = crate::diagnosis::words::state(state);
        add(format!("Show only {word}, or all again"), "", Action::ToggleState(state));
    }
    add("Zoom back".into(), "", Action::ZoomBack);
    add("Add the sample profiles".into(), "", Action::AddSamples);
    add("Import profiles…".into(), "", Action::Import);
    add("Open a report: a HAR, a log, a saved command…".into(), "", Action::PickReport);
    add("Open the demo".into(), "", Action::OpenDemo);
    for id in live.roster(Order::WorstFirst).ids() {
        let Some(watched) = live.get(id) else { continue };
        let state = (watched.is_enabled() && !watched.is_broken()).then_some(watched.state);
        all.push(Entry { name: format!("Go to {}", watched.name), keys: "", action: Action::Select(id), state });
    }
    all
}

/// How well `wanted` (lower case) fits `name`: each of its words somewhere in it, in any order. `None`: it doesn't.
fn score(wanted: &str, name: &str) -> Option<u32> {
    wanted.split_whitespace().map(|word| score_word(word, name)).sum()
}

/// A word's letters in order, better at the beginnings of words and in a run.
fn score_word(wanted: &str, name: &str) -> Option<u32> {
    let mut best = 0;
    let mut letters = wanted.chars().peekable();
    let (mut run, mut before) = (0, ' ');
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letters.peek() {
            None => break,
            Some(next) if *next == letter => {
                run += 1;
                best += 1 + 2 * run + if before.is_alphanumeric() { 0 } else { 6 };
                letters.next();
            }
            Some(_) => run = 0,
        }
        before = letter;
    }
    letters.peek().is_none().then_some(best)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Arc;

    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::profile::{Kind, Profile};
    use crate::window::testing;
    use crate::window::vm::roster::sample;

    #[track_caller]
    fn first(text: &str) -> String {
        let mut palette = Palette::open(&sample::live(), Some(ProfileId(1)));
        palette.text = text.into();
        palette.search();
        palette.found.first().map(|index| palette.entries[*index].name.clone()).unwrap_or_default()
    }

    #[test]
    fn a_few_letters_find_a_command_or_a_profile() {
        assert_eq!(first("che no"), "Check now: Sales chat");
        assert_eq!(first("api"), "Go to API carts");
        assert_eq!(first("theml"), "Theme light");
        assert_eq!(first("light theme"), "Theme light");
        assert_eq!(first("zzzz"), "");
    }

    #[test]
    fn every_key_that_has_a_meaning_now_is_in_it() {
        let entries = entries(&sample::live(), Some(ProfileId(2)));
        for binding in BINDINGS {
            if matches!(binding.does, Does::Palette | Does::Open | Does::Export | Does::Pause) {
                continue;
            }
            let action = keys::action(binding.does, Some(ProfileId(2)), false).unwrap();
            assert!(entries.iter().any(|entry| entry.action == action), "{}", binding.name);
        }
    }

    #[test]
    fn polling_only_is_offered_where_there_is_a_choice() {
        let mut live = sample::live();
        let mut profile = Profile::new("Chat", Kind::SocketIo, "https://api.test/".parse().unwrap());
        let id = ProfileId(90);
        for choice in [true, false] {
            live.set_profile(id, Arc::new(profile.clone()));
            let offered = entries(&live, Some(id)).into_iter().find(|entry| entry.name == "Polling only: Chat");
            let expected = choice.then_some(Action::PollingOnly { id, on: true });
            assert_eq!(offered.map(|entry| entry.action), expected);
            profile.socketio.transports.pop();
        }
    }

    #[test]
    fn the_list_grows_again_after_a_search_that_found_little() {
        let palette = RefCell::new(Palette::open(&sample::live(), Some(ProfileId(1))));
        let theme = Theme::new(Look::Dark);
        let mut harness = testing::harness(900.0, 600.0, Look::Dark, |ui| {
            palette.borrow_mut().ui(ui.ctx(), &theme);
        });
        harness.run();
        let height = |harness: &egui_kittest::Harness<'_>| {
            harness.ctx.memory(|memory| memory.area_rect(Id::unique("palette"))).unwrap().height()
        };
        let high = height(&harness);
        harness.get_by_label("Command or profile").type_text("light theme");
        harness.run();
        assert!(height(&harness) < high / 2.0);
        palette.borrow_mut().text.clear();
        palette.borrow_mut().search();
        harness.run();
        assert_eq!(height(&harness), high);
    }

    #[test]
    fn enter_does_what_is_marked_and_the_window_stays_quiet() {
        let palette = RefCell::new(Palette::open(&sample::live(), Some(ProfileId(1))));
        let chosen = RefCell::new(None);
        let theme = Theme::new(Look::Dark);
        let mut harness = testing::harness(900.0, 600.0, Look::Dark, |ui| {
            let got = palette.borrow_mut().ui(ui.ctx(), &theme);
            if got.is_some() {
                *chosen.borrow_mut() = got;
            }
        });
        harness.run();
        harness.get_by_label("Command or profile").type_text("theme");
        harness.run();
        harness.key_press(Key::ArrowDown);
        harness.run();
        harness.key_press(Key::Enter);
        harness.run();
        assert_eq!(*chosen.borrow(), Some(Chosen::Action(Action::SetLook(Look::Light))));
    }
}
