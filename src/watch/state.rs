//! The eight states of the connection model, and how a check came out.

/// What a profile is doing. Names are fixed: they stand in the history, in exports and in `--json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Not asked to connect, or closed on request.
    #[default]
    Disconnected,
    /// First attempt under way: DNS to the protocol's own hello.
    Connecting,
    /// Open, and heard from within its heartbeat. For HTTP: the last check came out well.
    Connected,
    /// Lost, and waiting for or making another attempt.
    Reconnecting,
    /// Not trying: attempts used up, paused, or this machine offline or just woken.
    Suspended,
    /// Failed for a reason that retrying alone won't mend, or that isn't of the two below.
    Error,
    /// Refused for want of valid credentials.
    AuthRequired,
    /// The browser would refuse it, or the server refuses this page's origin.
    CorsError,
}

impl State {
    pub const ALL: [Self; 8] = [
        Self::Disconnected,
        Self::Connecting,
        Self::Connected,
        Self::Reconnecting,
        Self::Suspended,
        Self::Error,
        Self::AuthRequired,
        Self::CorsError,
    ];

    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::Suspended => "suspended",
            Self::Error => "error",
            Self::AuthRequired => "auth_required",
            Self::CorsError => "cors_error",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// How much it wants a person's attention; the roster puts the highest first.
    pub fn severity(self) -> u8 {
        match self {
            Self::Error => 7,
            Self::CorsError => 6,
            Self::AuthRequired => 5,
            Self::Reconnecting => 4,
            Self::Suspended => 3,
            Self::Connecting => 2,
            Self::Disconnected => 1,
            Self::Connected => 0,
        }
    }

    /// Whether the endpoint is known to be failing its users.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Reconnecting | Self::Error | Self::AuthRequired | Self::CorsError)
    }
}

/// How one check came out. `Unknown` is neither up nor down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Up,
    /// Up, and worse than its objective.
    Degraded,
    Down,
    Unknown,
}

impl Outcome {
    pub const ALL: [Self; 4] = [Self::Up, Self::Degraded, Self::Down, Self::Unknown];

    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }
}
