//! The question what a profile is to be compared with: another profile, or an address that is typed.

use std::sync::Arc;

use egui::{RichText, Ui};
use url::Url;

use super::ask::{Answered, buttons, line};
use crate::base::ProfileId;
use crate::profile::{Kind, Profile};
use crate::window::action::Action;
use crate::window::style;
use crate::window::theme::{Theme, space};

/// The most profiles that are offered at once.
const OFFERED: usize = 10;

/// The question.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    pub id: ProfileId,
    pub base: Arc<Profile>,
    pub text: String,
    pub known: Vec<Arc<Profile>>,
}

impl Other {
    /// What is chosen, or what is wrong with it; `None`: nothing is typed.
    pub fn chosen(&self) -> Option<Result<Profile, String>> {
        let typed = self.text.trim();
        if typed.is_empty() {
            return None;
        }
        match self.known.iter().find(|profile| profile.name.eq_ignore_ascii_case(typed)) {
            Some(profile) => Some(Ok(Profile::clone(profile))),
            None => Some(at(&self.base, typed)),
        }
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, theme: &Theme) -> Option<Answered> {
        ui.label(style::title("Compare with"));
        let words = format!(
            "Checks {} and another endpoint in the same way and shows where they part. Of an address, only what differs has to be \
             typed; all else is taken from this profile, its sign-in too.",
            self.base.name
        );
        ui.label(RichText::new(words).weak());
        let done = line(ui, "Address or profile", &mut self.text, "127.0.0.1:5000, or https://backend.example.com/");
        let chosen = self.chosen();
        if let Some(Err(wrong)) = &chosen {
            ui.label(RichText::new(wrong).font(style::small()).color(theme.bad()));
        }
        let wanted = self.text.trim().to_lowercase();
        let offered = self.known.iter().filter(|profile| profile.name.to_lowercase().contains(&wanted)).take(OFFERED);
        let mut clicked = None;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            for profile in offered {
                if ui.button(&profile.name).clicked() {
                    clicked = Some(Profile::clone(profile));
                }
            }
        });
        let wish = |other: Profile| Answered::Action(Action::CompareWith { id: self.id, other: Box::new(other) });
        if let Some(other) = clicked {
            return Some(wish(other));
        }
        let possible = matches!(chosen, Some(Ok(_)));
        buttons(ui, theme, "Compare", possible, done).and_then(|yes| match (yes, chosen) {
            (true, Some(Ok(other))) => Some(wish(other)),
            (true, _) => None,
            (false, _) => Some(Answered::Closed),
        })
    }
}

/// The profile at another address: what is left out of that, scheme or path, is the profile's own. The same page asks.
fn at(base: &Profile, typed: &str) -> Result<Profile, String> {
    let whole = match typed.split_once("://") {
        Some(_) => typed.to_owned(),
        None => format!("{}://{typed}", base.url.scheme()),
    };
    let mut url = Url::parse(&whole).map_err(|error| {
        format!("{error}; write an address such as https://api.example.com/carts, or a profile's name")
    })?;
    let scheme = match (base.kind, url.scheme()) {
        (Kind::WebSocket, "http" | "ws") => "ws",
        (Kind::WebSocket, "https" | "wss") => "wss",
        (Kind::Http, "http" | "ws") => "http",
        (Kind::Http, "https" | "wss") => "https",
        (Kind::SocketIo, scheme @ ("http" | "https" | "ws" | "wss")) => scheme,
        (_, other) => return Err(format!("“{other}:” can't be checked; write http, https, ws or wss")),
    }
    .to_owned();
    // From one of the web's schemes to another: can't fail.
    let _ = url.set_scheme(&scheme);
    if url.path() == "/" && url.query().is_none() {
        url.set_path(base.url.path());
        url.set_query(base.url.query());
    }
    if url == base.url {
        return Err("That is this profile's own address.".to_owned());
    }
    let page = Some(base.page_url());
    Ok(Profile { name: url.to_string(), page, url, ..base.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, url: &str, typed: &str, expected: &str) {
        let base = Arc::new(Profile::new("Sales chat", kind, url.parse().unwrap()));
        let known = vec![Arc::new(Profile::new("API carts", Kind::Http, "https://carts.test/v2".parse().unwrap()))];
        let other = Other { id: ProfileId(1), base, text: typed.into(), known };
        let got = match other.chosen() {
            None => "nothing".to_owned(),
            Some(Ok(profile)) => format!("{} from {}", profile.url, profile.page_url()),
            Some(Err(wrong)) => wrong,
        };
        assert!(got.contains(expected), "{got}");
    }

    #[test]
    fn only_what_differs_has_to_be_typed() {
        let url = "http://localhost:5000/api?a=1";
        check(Kind::Http, url, "127.0.0.1:5000", "http://127.0.0.1:5000/api?a=1 from http://localhost:5000/");
        check(Kind::Http, url, "localhost:8080/other", "http://localhost:8080/other from http://localhost:5000/");
        check(Kind::WebSocket, "wss://a.test/ws", "https://b.test", "wss://b.test/ws from https://a.test/");
        check(Kind::SocketIo, "https://a.test/", "ws://b.test", "ws://b.test/ from https://a.test/");
    }

    #[test]
    fn a_profile_is_found_by_its_name_and_what_is_wrong_is_said() {
        check(Kind::Http, "https://a.test/", "api CARTS", "https://carts.test/v2 from https://carts.test/");
        check(Kind::Http, "https://a.test/x", "https://a.test/", "own address");
        check(Kind::Http, "https://a.test/", "ftp://b.test", "“ftp:” can't be checked");
        check(Kind::Http, "https://a.test/", "http://", "write an address such as");
        check(Kind::Http, "https://a.test/", "  ", "nothing");
    }
}
