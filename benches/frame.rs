//! CPU time of one frame of the window, without a GPU: 500 profiles in the roster, and the detail side over 1,000,000
//! samples of one of them, while events keep coming; and over the messages of a Socket.IO session that come 10,000 a second.
//!
//! A frame is what `egui` does for one: the live picture read, every panel drawn, the shapes tessellated.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't measure has to stop")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use egui::{Context, RawInput, Rect, pos2, vec2};
use wirewatch::base::{ProfileId, Wall};
use wirewatch::model::{Limits, Live, Order, Past, Sample, SampleKind, Segment};
use wirewatch::profile::{Kind, Profile};
use wirewatch::watch::{CheckReport, Event, EventBody, Message, MessageKind, Outcome, State};
use wirewatch::window::action::{Action, Tab};
use wirewatch::window::panels::detail::{self, DetailCtx};
use wirewatch::window::panels::roster::{RosterCtx, RosterState};
use wirewatch::window::style;
use wirewatch::window::theme::{Look, Theme};
use wirewatch::window::vm::detail::DetailState;
use wirewatch::wire::{Direction, Phases};

const PROFILES: u32 = 500;
const SAMPLES: i64 = 1_000_000;
/// Frames a batch, and batches.
const BATCH: u32 = 20;
const BATCHES: usize = 21;
const SECOND: i64 = 1_000_000;
const NOW: Wall = Wall(1_790_000_000 * SECOND);
const SHOWN: ProfileId = ProfileId(7);
const CHAT: ProfileId = ProfileId(8);
/// Messages between two frames, at ten frames a second.
const FLOOD: u64 = 1000;

fn main() {
    let live = Mutex::new(picture());
    let ctx = Context::default();
    let theme = Theme::new(Look::Dark);
    style::install_fonts(&ctx);
    style::apply(&ctx, &theme, 1.0);
    let mut window = Window {
        ctx,
        theme,
        live,
        roster: RosterState::new(Order::WorstFirst, std::iter::empty()),
        detail: DetailState::default().without_history(),
        shown: SHOWN,
        now: NOW,
        seq: 1_000_000,
    };
    window.detail.act(&Action::SetRange(wirewatch::window::action::Range::All));
    let before = common::thread_cpu();
    window.frame();
    let first = (common::thread_cpu() - before).as_secs_f64();
    window.batch(false);
    let idle: Vec<f64> = (0..BATCHES).map(|_| window.batch(false)).collect();
    let mut busy: Vec<f64> = (0..BATCHES).map(|_| window.batch(true)).collect();
    busy.sort_by(f64::total_cmp);
    let worst = busy[BATCHES - 1];
    let (idle, busy) = (common::median(idle), common::median(busy));
    println!("one frame, {PROFILES} profiles, {SAMPLES} samples on view, ms of CPU (goal: median at most 4)");
    println!("  nothing new            {idle:.2}");
    println!("  after an event         {busy:.2} (worst batch {worst:.2})");
    println!("  the first (everything) {:.1}", first * 1e3);

    window.shown = CHAT;
    window.detail = DetailState::default().without_history();
    window.detail.tab = Tab::Messages;
    window.flooded();
    let mut frames: Vec<f64> = (0..BATCHES).map(|_| window.flooded()).collect();
    frames.sort_by(f64::total_cmp);
    let (worst, median) = (frames[BATCHES - 1], common::median(frames));
    println!("one frame of the messages, {} of them a second, ms of CPU (goal: at most 16)", FLOOD * 10);
    println!("  median                 {median:.2} (worst batch {worst:.2})");
}

struct Window {
    ctx: Context,
    theme: Theme,
    live: Mutex<Live>,
    roster: RosterState,
    detail: DetailState,
    shown: ProfileId,
    now: Wall,
    seq: u64,
}

impl Window {
    /// A check of the shown profile and one of another come in, and 100 ms pass.
    fn update(&mut self) {
        self.now = self.now.plus(Duration::from_millis(100));
        let mut live = self.live.lock().unwrap();
        for id in [SHOWN, ProfileId(1 + (self.seq % u64::from(PROFILES)) as u32)] {
            self.seq += 1;
            live.apply(&Arc::new(Event { seq: self.seq, at: self.now, profile: Some(id), body: check(self.seq) }));
        }
    }

    /// Milliseconds of CPU that a frame takes, over a batch: the kernel's account moves by scheduler ticks, so one frame
    /// can't be timed by itself.
    fn batch(&mut self, updates: bool) -> f64 {
        let before = common::thread_cpu();
        for _ in 0..BATCH {
            if updates {
                self.update();
            }
            self.frame();
        }
        (common::thread_cpu() - before).as_secs_f64() * 1e3 / f64::from(BATCH)
    }

    /// As [`Window::batch`], with messages in plenty before each frame; that they are taken in is not the frame's cost.
    fn flooded(&mut self) -> f64 {
        let mut spent = Duration::ZERO;
        for _ in 0..BATCH {
            {
                let mut live = self.live.lock().unwrap();
                for _ in 0..FLOOD {
                    self.seq += 1;
                    self.now = self.now.plus(Duration::from_micros(100));
                    let event = Event { seq: self.seq, at: self.now, profile: Some(CHAT), body: message(self.seq) };
                    live.apply(&Arc::new(event));
                }
            }
            let before = common::thread_cpu();
            self.frame();
            spent += common::thread_cpu() - before;
        }
        spent.as_secs_f64() * 1e3 / f64::from(BATCH)
    }

    /// One frame.
    fn frame(&mut self) {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1440.0, 900.0))),
            time: Some(self.now.as_secs_f64() - NOW.as_secs_f64()),
            ..RawInput::default()
        };
        {
            let live = self.live.lock().unwrap();
            self.roster.refresh(&live);
            self.detail.refresh(&live, Some(self.shown), self.now);
        }
        let ctx = self.ctx.clone();
        let mut output = ctx.run_ui(input, |ui| {
            let roster = egui::Panel::left("roster").exact_size(380.0);
            roster.show(ui, |ui| {
                let ctx = RosterCtx { live: &self.live, theme: &self.theme, now: self.now, selected: Some(self.shown) };
                self.roster.ui(ui, &ctx)
            });
            egui::CentralPanel::default().show(ui, |ui| {
                let mut none = |_: &mut egui::Ui| None;
                let mut ctx = DetailCtx { theme: &self.theme, profile_tab: &mut none, aside: None };
                detail::ui(ui, &mut self.detail, &mut ctx)
            });
        });
        // No GPU takes them.
        output.textures_delta.clear();
        let primitives = ctx.tessellate(output.shapes, output.pixels_per_point);
        assert!(primitives.len() > 3, "nothing was drawn");
    }
}

/// 500 profiles in five groups, each with an hour behind it; one with a million samples.
fn picture() -> Live {
    let mut live = Live::with_limits(Limits { samples: SAMPLES as usize, ..Limits::default() });
    let mut seq = 0;
    for number in 1..=PROFILES {
        let id = ProfileId(number);
        let kind = if id == CHAT { Kind::SocketIo } else { Kind::Http };
        let mut profile = Profile::new(format!("Endpoint {number}"), kind, "https://api.test/v1/".parse().unwrap());
        profile.group = vec![format!("group {}", number % 5)];
        profile.interval = Duration::from_secs(1);
        live.set_profile(id, Arc::new(profile));
        if id == SHOWN {
            live.seed(id, past());
        }
        let mut apply = |ago: i64, body| {
            seq += 1;
            live.apply(&Arc::new(Event { seq, at: Wall(NOW.0 - ago * SECOND), profile: Some(id), body }));
        };
        let to = if number % 50 == 0 { State::CorsError } else { State::Connected };
        apply(70, EventBody::State { from: State::Connecting, to, reason: None, attempt: 0 });
        for ago in (1..=60).rev() {
            apply(ago, check(u64::from(number) + ago as u64));
        }
    }
    live
}

/// A million samples a second apart, some failures, a gap, and changes of state.
fn past() -> Past {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let at = |index: i64| Wall(NOW.0 - (SAMPLES + 100 - index) * SECOND);
    let samples = (0..SAMPLES).filter(|index| !(300_000..340_000).contains(index)).map(|index| {
        if random() % 500 == 0 {
            Sample::failed(at(index), SampleKind::Check, false)
        } else {
            Sample::good(at(index), 20.0 + (random() % 4_000) as f32 / 100.0, SampleKind::Check)
        }
    });
    let samples: Vec<Sample> = samples.collect();
    let segments = (0..2_000)
        .map(|index| Segment {
            from: at(index * 500),
            to: Some(at(index * 500 + 500)),
            state: if index % 20 == 7 { State::CorsError } else { State::Connected },
            reason: None,
        })
        .collect();
    Past { samples, segments, ..Past::default() }
}

fn message(salt: u64) -> EventBody {
    let data = format!(r#"[{{"room":"kitchen","user":"u{}","text":"{}","n":{salt}}}]"#, salt % 50, "words ".repeat(30));
    EventBody::Message(Arc::new(Message {
        direction: Direction::In,
        kind: MessageKind::Event,
        namespace: "/".into(),
        event: "chat".into(),
        size: data.len() as u64,
        data: data.into(),
        attachments: 0,
        id: None,
        took: None,
        room: Some("kitchen".into()),
        user: None,
        sid: None,
    }))
}

fn check(salt: u64) -> EventBody {
    let took = Duration::from_micros(20_000 + salt * 7_919 % 30_000);
    EventBody::Check(Arc::new(CheckReport {
        outcome: Outcome::Up,
        state: State::Connected,
        reason: None,
        scheduled: NOW,
        lateness: Duration::ZERO,
        phases: Phases { connect: Some(took / 4), first_byte: Some(took / 2), total: Some(took), ..Phases::default() },
        status: Some(200),
        exchanges: Vec::new(),
        preflighted: false,
        console: None,
        close: None,
        steps: Vec::new(),
        further: Vec::new(),
    }))
}
