//! Layer 4: the window. It draws what the model holds and passes wishes on; it decides nothing.
//!
//! Invariants: nothing is performed while drawing (`panels` draw view-models and return an [`action::Action`]); a frame is
//! asked for when something changed, at most ten a second, and never because a frame was drawn.

pub mod action;
pub mod app;
pub mod aside;
pub mod backend;
pub mod desk;
pub mod icon;
pub mod keys;
pub mod launch;
pub mod panels;
pub mod run;
pub mod settings;
pub mod shape;
pub mod station;
pub mod style;
#[cfg(test)]
pub mod testing;
pub mod theme;
pub mod toast;
pub mod vm;

use std::time::Duration;

pub use launch::WindowError;
pub use run::{Show, run};

/// What changes ask for between two frames: ten a second at most, however many changes there are. egui comes earlier than
/// asked by the time that it expects a frame to take (1/60 s), so a tenth of a second would be twelve.
pub const FRAME_GAP: Duration = Duration::from_millis(120);

/// What the producers call when something changed: a burst is one frame.
pub fn waker(ctx: egui::Context) -> desk::Waker {
    desk::Waker::new(move || ctx.request_repaint_after(FRAME_GAP))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn five_hundred_changes_in_a_second_cause_at_most_ten_frames() {
        let ctx = egui::Context::default();
        let asked: Arc<Mutex<Option<Duration>>> = Arc::default();
        let heard = Arc::clone(&asked);
        ctx.set_request_repaint_callback(move |info| *heard.lock().unwrap() = Some(info.delay));
        let waker = waker(ctx.clone());
        // The event loop, with its clock in our hands: it draws at the earliest time that was asked for.
        let (mut frames, mut due) = (0, None::<Duration>);
        for now in (0..500).map(|step| Duration::from_millis(2 * step)) {
            if due.is_some_and(|due| due <= now) {
                due = None;
                frames += 1;
                ctx.run_ui(egui::RawInput::default(), |_| {}).textures_delta.clear();
            }
            waker.wake();
            if let Some(delay) = asked.lock().unwrap().take() {
                due = Some(due.map_or(now + delay, |due| due.min(now + delay)));
            }
        }
        assert!((5..=10).contains(&frames), "{frames} frames");
    }
}
