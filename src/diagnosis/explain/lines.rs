//! What a rule about a line is. The rules are data: a sentence with holes, the causes it speaks for, and what to tell.

use crate::diagnosis::CauseId;
use crate::watch::Category;

/// Who writes such lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    Console,
    SocketIoClient,
    Nginx,
    Apache,
    HaProxy,
    Gunicorn,
    Uvicorn,
    Django,
    EngineIo,
    Node,
    Application,
    Access,
}

impl Source {
    /// Stable: as `explain --json` writes it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::SocketIoClient => "socketio-client",
            Self::Nginx => "nginx",
            Self::Apache => "apache",
            Self::HaProxy => "haproxy",
            Self::Gunicorn => "gunicorn",
            Self::Uvicorn => "uvicorn",
            Self::Django => "django",
            Self::EngineIo => "engineio",
            Self::Node => "node",
            Self::Application => "application",
            Self::Access => "access-log",
        }
    }

    /// As a sentence has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Console => "a browser's console",
            Self::SocketIoClient => "the Socket.IO client",
            Self::Nginx => "nginx's error log",
            Self::Apache => "Apache's error log",
            Self::HaProxy => "HAProxy's log",
            Self::Gunicorn => "gunicorn's log",
            Self::Uvicorn => "uvicorn's or Starlette's log",
            Self::Django => "Django's or daphne's log",
            Self::EngineIo => "the Socket.IO server in Python",
            Self::Node => "Node.js",
            Self::Application => "an application's own log",
            Self::Access => "an access log",
        }
    }

    /// The stack whose configuration mends it, as profiles name it.
    pub fn stack(self) -> Option<&'static str> {
        match self {
            Self::Nginx => Some("nginx"),
            Self::Apache => Some("apache"),
            Self::HaProxy => Some("haproxy"),
            Self::Uvicorn => Some("fastapi"),
            Self::Django => Some("django-channels"),
            Self::Gunicorn | Self::EngineIo => Some("flask-socketio"),
            Self::Node => Some("node-socketio"),
            Self::Console | Self::SocketIoClient | Self::Application | Self::Access => None,
        }
    }
}

/// Causes, the likeliest first, with their confidence.
pub(super) type Causes = &'static [(CauseId, f32)];

/// One line that is known.
pub(super) struct Line {
    /// See [`Template`](crate::base::template::Template).
    pub words: &'static str,
    pub source: Source,
    pub causes: Causes,
    /// Where no cause names it.
    pub category: Category,
    pub means: &'static str,
    /// What it is often taken for.
    pub not: &'static str,
    /// Where to look.
    pub next: &'static str,
}

/// A line with a cause.
pub(super) const fn line(
    words: &'static str,
    source: Source,
    causes: Causes,
    means: &'static str,
    next: &'static str,
) -> Line {
    Line { words, source, causes, category: Category::None, means, not: "", next }
}

impl Line {
    /// It is often taken for that.
    pub(super) const fn not(mut self, not: &'static str) -> Self {
        self.not = not;
        self
    }

    /// What it is about, where no cause says so.
    pub(super) const fn about(mut self, category: Category) -> Self {
        self.category = category;
        self
    }
}
