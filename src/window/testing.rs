//! What the window's tests share: a window of that size with the window's own fonts and theme, and a broken profile.

use egui_kittest::Harness;

use super::style;
use super::theme::{Look, Theme};
use crate::base::{Problem, ProfileId, Severity};
use crate::model::Live;

/// A harness that draws `app` with the theme on.
pub fn harness<'a>(width: f32, height: f32, look: Look, app: impl FnMut(&mut egui::Ui) + 'a) -> Harness<'a> {
    Harness::builder()
        .with_size(egui::vec2(width, height))
        .with_context_setup(move |ctx| {
            style::install_fonts(ctx);
            style::apply(ctx, &Theme::new(look), 1.0);
        })
        .build_ui(app)
}

/// How long the window waits before its next frame.
pub fn repaint_delay<S>(harness: &Harness<'_, S>) -> std::time::Duration {
    harness
        .output()
        .viewport_output
        .get(&egui::ViewportId::ROOT)
        .map_or(std::time::Duration::MAX, |root| root.repaint_delay)
}

/// A profile whose file has a mistake in its third line.
pub fn broken(id: ProfileId) -> Live {
    let mut live = Live::new();
    let problem = Problem {
        severity: Severity::Error,
        file: Some("chat.toml".into()),
        line: Some(3),
        key: None,
        message: "unknown key `pagee`".into(),
        hint: Some("did you mean `page`?".into()),
    };
    live.set_broken(id, "chat", vec![problem]);
    live
}
