//! Small questions: a new profile's name and address, a group, tags, a path, what to export. One dialog at a time.

use std::path::PathBuf;

use egui::{Button, Id, Key, Modal, Modifiers, RichText, TextEdit, Ui};
use url::Url;

use super::other::Other;
use crate::base::ProfileId;
use crate::profile::{Kind, Profile};
use crate::window::action::{Action, EventFormat, FigureFormat};
use crate::window::desk::Purpose;
use crate::window::style;
use crate::window::theme::{Theme, space};

/// The question that is open.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    New(NewProfile),
    Group {
        id: ProfileId,
        name: String,
        text: String,
        known: Vec<String>,
    },
    Tags {
        id: ProfileId,
        name: String,
        text: String,
    },
    Export {
        id: ProfileId,
        name: String,
    },
    /// What to compare a profile with.
    Compare(Other),
    /// No file dialog here: the path is typed.
    Path {
        purpose: Purpose,
        text: String,
    },
}

/// A profile that is not there yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewProfile {
    pub url: String,
    pub name: String,
    pub page: String,
    pub socketio: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    Action(Action),
    /// The profile to make.
    New(Box<Profile>),
    Path(Purpose, PathBuf),
    Closed,
}

impl Ask {
    /// Draws it over everything else.
    pub fn ui(&mut self, ctx: &egui::Context, theme: &Theme) -> Option<Answered> {
        let modal = Modal::new(Id::unique("ask"))
            .backdrop_color(theme.veil)
            .frame(egui::Frame::popup(&ctx.global_style()).inner_margin(space::XL))
            .show(ctx, |ui| {
                ui.set_width(460.0_f32.min(ctx.content_rect().width() - 4.0 * space::XL));
                ui.spacing_mut().item_spacing.y = space::S;
                self.inside(ui, theme)
            });
        if modal.inner.is_none() && modal.should_close() {
            return Some(Answered::Closed);
        }
        modal.inner
    }

    fn inside(&mut self, ui: &mut Ui, theme: &Theme) -> Option<Answered> {
        match self {
            Self::New(new) => new.ui(ui, theme),
            Self::Group { id, name, text, known } => {
                ui.label(style::title("Move to group"));
                ui.label(RichText::new(format!("{name}. Levels are divided by “ / ”; empty: no group.")).weak());
                let done = line(ui, "Group", text, "shop / production");
                ui.horizontal_wrapped(|ui| {
                    for group in known.iter() {
                        if ui.button(group.as_str()).clicked() {
                            text.clone_from(group);
                        }
                    }
                });
                let path = levels(text);
                buttons(ui, theme, "Move", true, done).map(|yes| match yes {
                    true => Answered::Action(Action::SetGroup(*id, path)),
                    false => Answered::Closed,
                })
            }
            Self::Tags { id, name, text } => {
                ui.label(style::title("Tags"));
                ui.label(RichText::new(format!("{name}. Divided by commas.")).weak());
                let done = line(ui, "Tags", text, "prod, chat");
                let tags = words(text);
                buttons(ui, theme, "Save", true, done).map(|yes| match yes {
                    true => Answered::Action(Action::SetTags(*id, tags)),
                    false => Answered::Closed,
                })
            }
            Self::Compare(other) => other.ui(ui, theme),
            Self::Export { id, name } => export(ui, *id, name),
            Self::Path { purpose, text } => {
                ui.label(style::title(purpose.title()));
                ui.label(RichText::new("There is no file dialog on this machine. The file's path:").weak());
                let done = line(ui, "Path", text, "/home/me/export.jsonl");
                let path = expand(text);
                let word = match purpose {
                    Purpose::Import => "Import",
                    Purpose::Report => "Open",
                    Purpose::Config(_) => "Read",
                    Purpose::Export(_) => "Save",
                };
                buttons(ui, theme, word, path.is_some(), done).and_then(|yes| match (yes, path) {
                    (true, Some(path)) => Some(Answered::Path(purpose.clone(), path)),
                    (true, None) => None,
                    (false, _) => Some(Answered::Closed),
                })
            }
        }
    }
}

impl NewProfile {
    /// The profile, or for each wrong field what is wrong with it.
    pub fn build(&self) -> Result<Profile, Vec<(&'static str, String)>> {
        let mut wrong = Vec::new();
        let typed = self.url.trim();
        let url = match Url::parse(typed) {
            Ok(url) if matches!(url.scheme(), "http" | "https" | "ws" | "wss") && url.has_host() => Some(url),
            Ok(url) => {
                wrong.push(("url", format!("“{}:” can't be watched; write http, https, ws or wss", url.scheme())));
                None
            }
            Err(_) if typed.is_empty() => None,
            Err(error) => {
                wrong.push(("url", format!("{error}; write it whole, like https://api.example.com/health")));
                None
            }
        };
        let page = match self.page.trim() {
            "" => None,
            page => match Url::parse(page) {
                Ok(page) if matches!(page.scheme(), "http" | "https") => Some(page),
                _ => {
                    wrong.push(("page", "write it whole, like https://example.com/".into()));
                    None
                }
            },
        };
        match url {
            Some(url) if wrong.is_empty() => {
                let kind = match url.scheme() {
                    _ if self.socketio => Kind::SocketIo,
                    "ws" | "wss" => Kind::WebSocket,
                    _ => Kind::Http,
                };
                let name = match self.name.trim() {
                    "" => suggested_name(&url),
                    name => name.to_owned(),
                };
                let mut profile = Profile::new(name, kind, url);
                profile.page = page;
                Ok(profile)
            }
            _ => Err(wrong),
        }
    }

    fn ui(&mut self, ui: &mut Ui, theme: &Theme) -> Option<Answered> {
        ui.label(style::title("New profile"));
        let built = self.build();
        let wrong = built.as_ref().err().cloned().unwrap_or_default();
        let said = |ui: &mut Ui, key: &str| {
            for (_, what) in wrong.iter().filter(|(field, _)| *field == key) {
                ui.label(RichText::new(what).font(style::small()).color(theme.bad()));
            }
        };
        let mut done = line(ui, "URL", &mut self.url, "https://api.example.com/health or wss://…");
        said(ui, "url");
        let hint = Url::parse(self.url.trim()).map(|url| suggested_name(&url)).unwrap_or_else(|_| "API health".into());
        done |= line_later(ui, "Name", &mut self.name, &hint);
        done |= line_later(ui, "Page whose script connects", &mut self.page, "the URL's own origin");
        said(ui, "page");
        ui.checkbox(&mut self.socketio, "A Socket.IO server");
        ui.label(RichText::new("Everything else can be set in the profile's own tab.").font(style::small()).weak());
        buttons(ui, theme, "Create", built.is_ok(), done).and_then(|yes| match (yes, built) {
            (true, Ok(profile)) => Some(Answered::New(Box::new(profile))),
            (true, Err(_)) => None,
            (false, _) => Some(Answered::Closed),
        })
    }
}

/// A labelled line that takes the keyboard when the dialog opens. True where Enter was pressed in it.
pub(super) fn line(ui: &mut Ui, label: &str, text: &mut String, hint: &str) -> bool {
    let first = ui.memory(|memory| memory.focused().is_none());
    let (response, done) = edit(ui, label, text, hint);
    if first {
        response.request_focus();
    }
    done
}

/// A labelled line. True where Enter was pressed in it.
fn line_later(ui: &mut Ui, label: &str, text: &mut String, hint: &str) -> bool {
    edit(ui, label, text, hint).1
}

fn edit(ui: &mut Ui, label: &str, text: &mut String, hint: &str) -> (egui::Response, bool) {
    let label = ui.label(RichText::new(label).font(style::small_strong()));
    let response = ui
        .add(
            TextEdit::singleline(text)
                .hint_text(hint)
                .align(egui::Align2::LEFT_CENTER)
                .desired_width(f32::INFINITY)
                .char_limit(4_096),
        )
        .labelled_by(label.id);
    let done = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    (response, done)
}

/// `Some(true)`: the way on was chosen, by its button or by Enter.
pub(super) fn buttons(ui: &mut Ui, theme: &Theme, word: &str, possible: bool, done: bool) -> Option<bool> {
    let mut chosen = None;
    ui.add_space(space::S);
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let on = Button::new(RichText::new(word).font(style::strong()).color(theme.on_primary)).fill(theme.primary);
        if ui.add_enabled(possible, on).clicked() || done && possible {
            chosen = Some(true);
        }
        if ui.button("Cancel").clicked() {
            chosen = Some(false);
        }
    });
    // The key is used up: what is under the dialog must not take it too.
    if chosen.is_some() {
        ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
    }
    chosen
}

fn export(ui: &mut Ui, id: ProfileId, name: &str) -> Option<Answered> {
    ui.label(style::title("Export"));
    ui.label(RichText::new(format!("{name}, the time on view.")).weak());
    let mut action = None;
    let choices = [
        ("Events as JSONL…", "One JSON object a line", Action::ExportEvents { id, format: EventFormat::Jsonl }),
        ("Events as CSV…", "For spreadsheets", Action::ExportEvents { id, format: EventFormat::Csv }),
        ("Figures as SVG…", "Sharp at every size, for print", Action::SaveFigures { id, format: FigureFormat::Svg }),
        ("Figures as PNG…", "For chat and tickets", Action::SaveFigures { id, format: FigureFormat::Png }),
        ("Last check as a report…", "HTML to hand on, or Markdown where the name ends in .md", Action::SaveReport(id)),
    ];
    // The keyboard stands on the first of them, so that E and Enter are an export.
    let mut unfocused = ui.memory(|memory| memory.focused().is_none());
    egui::Grid::new("export choices").num_columns(2).spacing([space::L, space::S]).show(ui, |ui| {
        for (word, what, wish) in choices {
            let button = ui.add(Button::new(word).min_size(egui::vec2(150.0, 30.0)));
            if std::mem::take(&mut unfocused) {
                button.request_focus();
            }
            if button.clicked() {
                action = Some(Answered::Action(wish));
            }
            ui.label(RichText::new(what).weak());
            ui.end_row();
        }
    });
    ui.add_space(space::S);
    if ui.button("Cancel").clicked() {
        action = Some(Answered::Closed);
    }
    action
}

/// `shop / production` as levels.
pub fn levels(text: &str) -> Vec<String> {
    text.split('/').map(str::trim).filter(|level| !level.is_empty()).map(str::to_owned).collect()
}

/// `prod, chat` as words, each once.
pub fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        if !words.iter().any(|other| other == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// A typed path, `~` taken for the home folder; `None`: nothing was typed.
fn expand(text: &str) -> Option<PathBuf> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Some(home.join(rest)),
        _ => Some(PathBuf::from(text)),
    }
}

/// A name out of an address: `api.example.com health`.
pub fn suggested_name(url: &Url) -> String {
    let host = url.host_str().unwrap_or("endpoint");
    let last = url.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty())).unwrap_or("");
    if last.is_empty() { host.to_owned() } else { format!("{host} {last}") }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::window::testing;
    use crate::window::theme::Look;

    #[track_caller]
    fn check(url: &str, page: &str, expected: &str) {
        let new = NewProfile { url: url.into(), page: page.into(), ..NewProfile::default() };
        let got = match new.build() {
            Ok(profile) => format!("{} {}", profile.kind.word(), profile.name),
            Err(wrong) => wrong.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(","),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn a_new_profiles_kind_and_name_come_from_its_address() {
        check("https://api.example.com/v1/health", "", "http api.example.com health");
        check("wss://api.example.com/", "https://example.com/", "websocket api.example.com");
    }

    #[test]
    fn every_wrong_field_is_named() {
        check("ftp://files.example.com/", "example", "url,page");
        check("", "", "");
    }

    #[test]
    fn groups_and_tags_are_read_as_people_write_them() {
        assert_eq!(levels(" shop /production/ "), ["shop", "production"]);
        assert_eq!(words("prod, chat,,prod"), ["prod", "chat"]);
    }

    #[test]
    fn a_new_profile_is_made_from_the_keyboard() {
        let ask = RefCell::new(Ask::New(NewProfile::default()));
        let got = RefCell::new(None);
        let theme = Theme::new(Look::Dark);
        let mut harness = testing::harness(800.0, 600.0, Look::Dark, |ui| {
            let answered = ask.borrow_mut().ui(ui.ctx(), &theme);
            if answered.is_some() {
                *got.borrow_mut() = answered;
            }
        });
        harness.run();
        assert!(harness.get_by_label("URL").is_focused());
        harness.get_by_label("URL").type_text("wss://api.example.com/ws/chat/");
        harness.run();
        harness.key_press(Key::Enter);
        harness.run();
        let got = got.borrow();
        assert!(matches!(&*got, Some(Answered::New(profile)) if profile.name == "api.example.com chat"), "{got:?}");
    }
}
