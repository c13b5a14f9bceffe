//! What the hub knows of one profile.

use std::sync::Arc;

use tokio::task::Id;

use crate::engine::mailbox::Mailbox;
use crate::engine::session::Wish;
use crate::engine::target::Target;
use crate::profile::model::{Alert, Audit, Kind, Profile};
use crate::watch::{Reason, State};

pub(super) struct Watched {
    pub(super) profile: Arc<Profile>,
    pub(super) generation: u64,
    /// `None` while it is being made ready.
    pub(super) target: Option<Arc<Target>>,
    pub(super) wish: Standing,
    pub(super) state: State,
    pub(super) reason: Option<Reason>,
    pub(super) session: Option<Arc<Mailbox<Wish>>>,
    /// The session's task.
    pub(super) task: Option<Id>,
    pub(super) panics: u32,
    /// A check was asked for before the target was ready.
    pub(super) check_when_ready: bool,
}

/// What a person wants of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Watch,
    Pause,
    Disconnect,
}

impl Watched {
    pub(super) fn has_session(&self) -> bool {
        matches!(self.profile.kind, Kind::WebSocket | Kind::SocketIo)
    }

    /// Whether it is to be watched now.
    pub(super) fn is_active(&self) -> bool {
        self.profile.enabled && self.wish == Standing::Watch
    }
}

/// Whether two forms of a profile are watched alike: they differ only in how they are named and sorted, and in when they are alerted about and audited.
pub(super) fn watches_the_same(one: &Profile, other: &Profile) -> bool {
    let plain = |profile: &Profile| Profile {
        name: String::new(),
        group: Vec::new(),
        tags: Vec::new(),
        stack: None,
        notes: String::new(),
        alert: Alert::default(),
        audit: Audit::default(),
        ..profile.clone()
    };
    plain(one) == plain(other)
}
