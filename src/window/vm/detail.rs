//! What the detail side remembers, and what it shows: one profile over one stretch of time.
//!
//! Invariants: the live picture is read in one short [`DetailState::refresh`] a frame, which builds only what changed; the
//! history is asked by [`DetailState::wanted`] and answers whenever it can, and nothing waits for it.

mod asking;

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::audit::FindingVm;
use super::composer::Composer;
use super::events::{Table, Which};
use super::header::HeaderVm;
use super::last_check::LastCheckVm;
use super::local;
use super::plots::{Caches, PlotsVm, Source, View, column_width, fine_width};
use super::why::{Told, WhyVm};
use crate::base::{ProfileId, Wall};
use crate::model::columns::column_start;
use crate::model::{Answer, EventPage, Live, Query, RangeData, Watched};
use crate::profile::{Kind, Profile};
use crate::window::action::{Action, Range, Tab};

/// How far back "all" reaches while the history has not said where it begins.
const FIRST_GUESS: Duration = Duration::from_secs(7 * 86_400);

/// How many events of the past are asked for at once.
const PAGE: usize = 2_000;

/// The detail side's memory. What is private is built by [`DetailState::refresh`].
#[derive(Debug)]
pub struct DetailState {
    pub range: Range,
    pub tab: Tab,
    /// The right edge where it is not pinned to now.
    pub frozen: Option<Wall>,
    /// Stretches zoomed into, the newest last.
    zooms: Vec<View>,
    /// The instant that was picked.
    pub instant: Option<Wall>,
    /// Set when an instant was picked: the table goes there once.
    pub(in crate::window) go_to: Option<Wall>,
    pub zone: TimeZone,
    /// How wide the plots were in the last frame.
    pub plot_width: f32,
    pub events: Table,
    pub frames: Table,
    pub messages: Table,
    /// Whether the tables stay at their newest row.
    pub follow: bool,
    /// Whether the card that says why shows all it has.
    pub why_open: bool,
    /// What is typed to be sent, and what came of it.
    pub composer: Composer,
    pub plots_ui: crate::window::panels::plots::PlotsUi,
    pub view: View,
    pub now: Wall,
    profile: Option<ProfileId>,
    caches: Caches,
    built: Option<Built>,
    plots: Option<PlotsVm>,
    header: Option<HeaderVm>,
    told: Told,
    last_check: Option<LastCheckVm>,
    last_version: Option<u64>,
    /// What `last_check` was built of; `None`: it is to be built.
    check_version: Option<u64>,
    history: Option<Arc<RangeData>>,
    page: Option<Arc<EventPage>>,
    asked_range: Option<Query>,
    asked_events: Option<Query>,
    queue: Vec<Query>,
    failed: Option<String>,
    can_ask: bool,
}

/// What the plots were built of: built again where any of it differs.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Built {
    version: u64,
    view: View,
    width: f32,
    history: Option<(Wall, Wall)>,
    loading: bool,
    /// An open end of the lane grows with time.
    now_pixel: i64,
}

impl Default for DetailState {
    fn default() -> Self {
        Self::new(TimeZone::system())
    }
}

impl DetailState {
    pub fn new(zone: TimeZone) -> Self {
        let empty = View { from: Wall(0), to: Wall(1) };
        Self {
            range: Range::default(),
            tab: Tab::default(),
            frozen: None,
            zooms: Vec::new(),
            instant: None,
            go_to: None,
            zone,
            plot_width: 800.0,
            events: Table::new(Which::Events),
            frames: Table::new(Which::Frames),
            messages: Table::new(Which::Messages),
            follow: true,
            why_open: false,
            composer: Composer::default(),
            plots_ui: Default::default(),
            view: empty,
            now: Wall(0),
            profile: None,
            caches: Caches::default(),
            built: None,
            plots: None,
            header: None,
            told: Told::default(),
            last_check: None,
            last_version: None,
            check_version: None,
            history: None,
            page: None,
            asked_range: None,
            asked_events: None,
            queue: Vec::new(),
            failed: None,
            can_ask: true,
        }
    }

    /// There is no history to ask (nothing is recorded).
    pub fn without_history(mut self) -> Self {
        self.can_ask = false;
        self
    }

    /// Does what is the detail side's own to do; true where it was.
    pub fn act(&mut self, action: &Action) -> bool {
        match action {
            Action::SetRange(range) => self.set_range(*range),
            Action::ShorterRange => self.set_range(self.range.shorter()),
            Action::LongerRange => self.set_range(self.range.longer()),
            Action::ZoomTo { from, to } => {
                let (from, to) = (*from.min(to), *from.max(to));
                let to = to.max(from.plus(Duration::from_millis(100)));
                self.zooms.push(View { from, to });
            }
            Action::ZoomBack => {
                self.zooms.pop();
            }
            Action::ToggleFreeze => {
                if self.is_pinned() {
                    self.frozen = Some(self.view.to);
                } else {
                    self.frozen = None;
                    self.zooms.clear();
                    self.follow = true;
                }
            }
            Action::SelectInstant(at) => {
                self.instant = Some(*at);
                self.go_to = Some(*at);
                self.follow = false;
                if self.tab.table().is_none() {
                    self.tab = Tab::Events;
                }
            }
            Action::SetTab(tab) => self.tab = *tab,
            _ => return false,
        }
        true
    }

    fn set_range(&mut self, range: Range) {
        self.range = range;
        self.zooms.clear();
    }

    /// What is watched, as its profile has it.
    pub fn watched_profile(&self) -> Option<&Profile> {
        self.told.profile.as_deref()
    }

    /// Whether the right edge is now.
    pub fn is_pinned(&self) -> bool {
        self.frozen.is_none() && self.zooms.is_empty()
    }

    /// How many zooms one can go back.
    pub fn zoomed(&self) -> usize {
        self.zooms.len()
    }

    /// Clears what can be cleared: the picked instant, then the zoom. False where there was nothing.
    pub fn escape(&mut self) -> bool {
        if self.instant.take().is_some() {
            return true;
        }
        self.zooms.pop().is_some()
    }

    /// The stretch of time to show.
    fn view_at(&self, now: Wall, watched: &Watched) -> View {
        if let Some(zoom) = self.zooms.last() {
            return *zoom;
        }
        let to = self.frozen.unwrap_or(now);
        let from = match self.range.length() {
            Some(length) => to.minus(length),
            None => {
                let known = watched.known_since();
                let first = self.history.as_ref().and_then(|history| history.first);
                let guess = if self.can_ask && self.history.is_none() { Some(to.minus(FIRST_GUESS)) } else { None };
                first.into_iter().chain(known).chain(guess).min().unwrap_or(to.minus(Duration::from_secs(900)))
            }
        };
        let from = from.min(to.minus(Duration::from_secs(60)));
        if self.frozen.is_some() {
            return View { from, to };
        }
        // A pinned view moves by whole pixels, so that nothing is built for less.
        let pixel = to.since(from).div_f64(f64::from(self.plot_width.max(40.0))).max(Duration::from_millis(100));
        let edge = column_start(to, pixel).plus(pixel);
        match self.range.length() {
            Some(length) => View { from: edge.minus(length), to: edge },
            None => View { from, to: edge },
        }
    }

    /// The range's words, for sentences: `last hour`, `13:20 – 14:20`.
    pub fn range_words(&self) -> String {
        if !self.is_pinned() {
            return local::interval(self.view.from, self.view.to, self.now, &self.zone);
        }
        match self.range {
            Range::M15 => "last 15 minutes".into(),
            Range::H1 => "last hour".into(),
            Range::H6 => "last 6 hours".into(),
            Range::H24 => "last 24 hours".into(),
            Range::D7 => "last 7 days".into(),
            Range::All => "all of its history".into(),
        }
    }

    /// Takes what is new out of the live picture. Cheap where nothing is; to be called with the lock held, and drawn
    /// without it.
    pub fn refresh(&mut self, live: &Live, id: Option<ProfileId>, now: Wall) {
        self.now = now;
        let watched = id.and_then(|id| live.get(id)).filter(|watched| watched.is_listed());
        let Some(watched) = watched else {
            self.forget();
            self.profile = None;
            return;
        };
        if self.profile != Some(watched.id) {
            self.forget();
            self.profile = Some(watched.id);
        }
        self.view = self.view_at(now, watched);
        self.ask(watched);
        if self.last_version != Some(watched.version) {
            self.last_version = Some(watched.version);
            self.told = Told::build(watched);
            self.check_version = None;
        }
        self.header = Some(HeaderVm::build(watched, self.told.condition.clone(), now, &self.zone));
        self.build_plots(watched);
        if !self.tab.is_of(watched.kind()) {
            self.tab = Tab::Events;
        }
        self.composer.refresh(watched);
        match self.tab {
            Tab::Events => self.events.refresh(live, watched.id, self.view, &self.zone),
            Tab::Frames => self.frames.refresh(live, watched.id, self.view, &self.zone),
            Tab::Messages => self.messages.refresh(live, watched.id, self.view, &self.zone),
            // It has every header in it: built for who looks.
            Tab::LastCheck if self.check_version.is_none() => {
                self.check_version = Some(watched.version);
                self.last_check = LastCheckVm::build(watched, now, &self.zone);
            }
            Tab::LastCheck | Tab::Profile => {}
        }
    }

    fn forget(&mut self) {
        self.caches.reset();
        self.built = None;
        self.plots = None;
        self.header = None;
        self.told = Told::default();
        self.last_check = None;
        self.last_version = None;
        self.check_version = None;
        self.history = None;
        self.page = None;
        self.asked_range = None;
        self.asked_events = None;
        self.queue.clear();
        self.failed = None;
        self.zooms.clear();
        self.instant = None;
        self.composer = Composer::default();
        for table in [&mut self.events, &mut self.frames, &mut self.messages] {
            table.open = None;
            table.set_past(&[], &self.zone);
        }
    }

    fn build_plots(&mut self, watched: &Watched) {
        let history = self.history.as_deref().filter(|_| self.needs_history(watched));
        let loading = self.is_loading();
        let pixel = self.view.length().div_f64(f64::from(self.plot_width.max(40.0))).max(Duration::from_millis(1));
        let built = Built {
            version: watched.version,
            view: self.view,
            width: self.plot_width,
            history: history.map(|history| (history.from, history.to)),
            loading,
            now_pixel: column_start(self.now, pixel).0,
        };
        if self.built == Some(built) && self.plots.is_some() {
            return;
        }
        let range = self.range_words();
        let source = Source {
            watched,
            history,
            loading,
            view: self.view,
            now: self.now,
            width: self.plot_width,
            range: &range,
            zone: &self.zone,
        };
        self.plots = Some(PlotsVm::build(source, &mut self.caches));
        self.built = Some(built);
    }

    // ---- What there is to draw -----------------------------------------------------------------------------------------

    pub fn table(&self, which: Which) -> &Table {
        match which {
            Which::Events => &self.events,
            Which::Frames => &self.frames,
            Which::Messages => &self.messages,
        }
    }

    pub fn table_mut(&mut self, which: Which) -> &mut Table {
        match which {
            Which::Events => &mut self.events,
            Which::Frames => &mut self.frames,
            Which::Messages => &mut self.messages,
        }
    }

    pub fn profile(&self) -> Option<ProfileId> {
        self.profile
    }

    /// The profile's, while there is one.
    pub fn kind(&self) -> Kind {
        self.watched_profile().map_or(Kind::Http, |profile| profile.kind)
    }

    pub fn header(&self) -> Option<&HeaderVm> {
        self.header.as_ref()
    }

    /// What is amiss though it works.
    pub fn warnings(&self) -> &[FindingVm] {
        &self.told.warnings
    }

    pub fn why(&self) -> Option<&WhyVm> {
        self.told.why.as_ref()
    }

    pub fn plots(&self) -> Option<&PlotsVm> {
        self.plots.as_ref()
    }

    pub fn last_check(&self) -> Option<&LastCheckVm> {
        self.last_check.as_ref()
    }

    pub fn empty(&self) -> &str {
        &self.told.empty
    }

    /// When what is shown is no longer right though nothing happened: a countdown.
    pub fn stale_at(&self) -> Option<Wall> {
        self.header.as_ref().and_then(|header| header.stale_at)
    }
}

#[cfg(test)]
mod tests;
