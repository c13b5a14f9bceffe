//! What the faces may ask of the engine. Nothing answers: what comes of a command is seen in the events.

use std::sync::Arc;

use crate::base::{ProfileId, Wall};
use crate::profile::Profile;
use crate::watch::Audited;
pub use crate::watch::Wanted;

/// One wish.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Watch this profile, or from now on this form of it. A disabled one is known and not watched.
    Watch {
        id: ProfileId,
        profile: Arc<Profile>,
    },
    /// What the last audit of a watched profile came to, and when: the next is compared with it.
    RememberAudit {
        id: ProfileId,
        at: Wall,
        audited: Arc<Audited>,
    },
    /// The profile is gone.
    Forget(ProfileId),
    /// One check, now, beside the schedule (never two at once: where one is running, that one is it).
    CheckNow(ProfileId),
    /// Open the session of a WebSocket or Socket.IO profile that is disconnected.
    Connect(ProfileId),
    /// Close the session and stay `disconnected`.
    Disconnect(ProfileId),
    /// No checks and no attempts until [`Command::Resume`]: `suspended`.
    Pause(ProfileId),
    Resume(ProfileId),
    /// Drop the connection, if there is one, and connect at once, attempts counted anew.
    Reconnect(ProfileId),
    /// Send a text message on the open session.
    SendText {
        id: ProfileId,
        text: String,
    },
    /// Send a Socket.IO event on the open session.
    Emit {
        id: ProfileId,
        emit: Arc<Wanted>,
    },
    /// Leave WebSocket out, or use it again as the profile says; the session begins anew where that changes its transport.
    PollingOnly {
        id: ProfileId,
        on: bool,
    },
    /// End: sessions are closed with 1001, and the bus gets [`Stopped`](crate::watch::EventBody::Stopped).
    Shutdown,
}

impl Command {
    /// The profile that it is about.
    pub fn profile(&self) -> Option<ProfileId> {
        match self {
            Self::Watch { id, .. }
            | Self::RememberAudit { id, .. }
            | Self::SendText { id, .. }
            | Self::Emit { id, .. }
            | Self::PollingOnly { id, .. } => Some(*id),
            Self::Forget(id)
            | Self::CheckNow(id)
            | Self::Connect(id)
            | Self::Disconnect(id)
            | Self::Pause(id)
            | Self::Resume(id)
            | Self::Reconnect(id) => Some(*id),
            Self::Shutdown => None,
        }
    }
}
