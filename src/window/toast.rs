//! Short words to the person, at the window's lower right: what was done (with a way back), or why it could not be.
//!
//! Invariants: at most a handful at a time; a toast asks for one frame, when it is to go, and for no other.

use std::time::{Duration, Instant};

use egui::{Align2, Area, Frame, Id, Margin, Order, Stroke, vec2};

use super::action::Action;
use super::theme::{RADIUS, Theme, space};

const MOST: usize = 4;

/// What kind of word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Done,
    Problem,
}

#[derive(Clone, Debug)]
struct Toast {
    number: u64,
    tone: Tone,
    text: String,
    undo: bool,
    until: Instant,
}

/// Those that are up.
#[derive(Debug, Default)]
pub struct Toasts {
    shown: Vec<Toast>,
    next: u64,
}

impl Toasts {
    /// Says it. A problem stays longer: it is to be read whole.
    pub fn push(&mut self, tone: Tone, text: impl Into<String>, undo: bool, now: Instant) {
        let text = text.into();
        let reading = Duration::from_millis(50 * text.chars().count() as u64);
        let least = Duration::from_secs(if tone == Tone::Problem { 8 } else { 4 });
        self.shown.retain(|toast| toast.text != text);
        if self.shown.len() == MOST {
            self.shown.remove(0);
        }
        self.next += 1;
        self.shown.push(Toast { number: self.next, tone, text, undo, until: now + least + reading });
    }

    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Draws them, the newest lowest.
    pub fn ui(&mut self, ctx: &egui::Context, theme: &Theme, now: Instant) -> Option<Action> {
        self.shown.retain(|toast| now < toast.until);
        let first = self.shown.iter().map(|toast| toast.until).min()?;
        ctx.request_repaint_after(first.saturating_duration_since(now));
        let (mut action, mut closed) = (None, None);
        Area::new(Id::unique("toasts"))
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, vec2(-space::L, -space::L))
            .show(ctx, |ui| {
                ui.spacing_mut().item_spacing.y = space::S;
                for toast in &self.shown {
                    let edge = match toast.tone {
                        Tone::Done => theme.outline,
                        Tone::Problem => theme.bad(),
                    };
                    Frame::new()
                        .fill(theme.raised)
                        .stroke(Stroke::new(1.0, edge))
                        .corner_radius(RADIUS)
                        .shadow(ui.visuals().popup_shadow)
                        .inner_margin(Margin::symmetric(space::M as i8, space::S as i8))
                        .show(ui, |ui| {
                            ui.push_id(toast.number, |ui| {
                                ui.horizontal(|ui| {
                                    let text = egui::Label::new(toast.text.as_str()).wrap();
                                    ui.scope(|ui| {
                                        ui.set_max_width(420.0);
                                        ui.add(text);
                                    });
                                    if toast.undo && ui.button("Undo").clicked() {
                                        action = Some(Action::Undo);
                                        closed = Some(toast.number);
                                    }
                                    if ui.button("Dismiss").clicked() {
                                        closed = Some(toast.number);
                                    }
                                });
                            });
                        });
                }
            });
        self.shown.retain(|toast| Some(toast.number) != closed);
        action
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::base::Clock;
    use crate::window::testing;
    use crate::window::theme::Look;

    #[test]
    fn a_toast_offers_the_way_back_and_keeps_the_window_quiet() {
        let now = Clock.mono();
        let toasts = RefCell::new(Toasts::default());
        toasts.borrow_mut().push(Tone::Done, "Removed Sales chat.", true, now);
        let wished = RefCell::new(None);
        let theme = Theme::new(Look::Dark);
        let mut harness = testing::harness(600.0, 300.0, Look::Dark, |ui| {
            let action = toasts.borrow_mut().ui(ui.ctx(), &theme, now);
            if action.is_some() {
                *wished.borrow_mut() = action;
            }
        });
        harness.run();
        harness.get_by_label("Undo").click();
        harness.run();
        assert_eq!(*wished.borrow(), Some(Action::Undo));
        assert!(toasts.borrow().is_empty());
    }

    #[test]
    fn the_same_word_is_up_once_and_goes_when_its_time_is_over() {
        let now = Clock.mono();
        let mut toasts = Toasts::default();
        toasts.push(Tone::Done, "Copied.", false, now);
        toasts.push(Tone::Done, "Copied.", false, now);
        assert_eq!(toasts.shown.len(), 1);
        let theme = Theme::new(Look::Dark);
        let mut harness = testing::harness(600.0, 300.0, Look::Dark, |ui| {
            toasts.ui(ui.ctx(), &theme, now + Duration::from_secs(60));
        });
        harness.run();
        drop(harness);
        assert!(toasts.is_empty());
    }
}
