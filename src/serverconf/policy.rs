//! Who would be let in: one guard for each thing that looks at an origin.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use super::source::Place;
use crate::profile::Transport;

/// What all files together come to.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub guards: Vec<Guard>,
    pub socketio: SocketIo,
}

/// How many guards of one file are kept: a list of hundreds before each of thousands of paths is nobody's configuration.
pub const MAX_GUARDS: usize = 500;

/// One thing that lets some pages in and others not.
#[derive(Clone, Debug)]
pub struct Guard {
    pub thing: Guarded,
    pub origins: Origins,
    /// `None`: not said, the library's default holds.
    pub credentials: Option<bool>,
    /// `None`: not said.
    pub methods: Option<Vec<String>>,
    /// `None`: not said.
    pub headers: Option<Vec<String>>,
    /// The path that it stands before, where it doesn't stand before all.
    pub path: Option<String>,
    pub at: Place,
}

/// Which requests a guard looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarded {
    /// What pages may read over HTTP.
    HttpCors,
    /// Socket.IO's own check, of polling and of WebSockets.
    SocketIo,
    /// Django Channels' check of a handshake's Origin.
    Channels,
    /// Django's CSRF check of unsafe methods.
    Csrf,
}

impl Guarded {
    /// Stable.
    pub fn word(self) -> &'static str {
        match self {
            Self::HttpCors => "http-cors",
            Self::SocketIo => "socketio",
            Self::Channels => "channels",
            Self::Csrf => "csrf",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::HttpCors => "HTTP (CORS)",
            Self::SocketIo => "Socket.IO",
            Self::Channels => "Channels (Origin)",
            Self::Csrf => "CSRF",
        }
    }
}

/// Whose pages.
#[derive(Clone, Debug)]
pub enum Origins {
    /// These, and whatever a pattern among them matches. None of them: only pages of the server's own origin.
    Listed(Vec<Allowed>),
    /// `*`: every page, without credentials.
    Any,
    /// Whatever Origin comes is answered back.
    Reflected,
}

/// One entry.
#[derive(Clone, Debug)]
pub struct Allowed {
    pub what: Which,
    pub from: From,
    pub at: Place,
}

#[derive(Clone, Debug)]
pub enum Which {
    /// As a browser sends it.
    Origin(String),
    /// Django's hosts: any scheme and port; a dot in front takes in every name under it.
    Host(String),
    /// The whole origin has to match only where the expression says so. Shared: a copy of an expression takes kilobytes.
    Pattern(Arc<Regex>),
    /// `https://*.example.com`, as Django's CSRF check takes it: the scheme, then what the host ends in.
    Under { scheme: String, domain: String },
}

/// Why an origin is in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum From {
    Written,
    /// From the host and port that the server listens on.
    Derived,
    /// The other name of this machine, beside a derived one.
    Twin,
}

impl From {
    /// Stable.
    pub fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Derived => "derived",
            Self::Twin => "twin",
        }
    }
}

impl Which {
    /// As a person reads it.
    pub fn text(&self) -> String {
        match self {
            Self::Origin(origin) => origin.clone(),
            Self::Host(host) => format!("*://{host}"),
            Self::Pattern(pattern) => format!("/{pattern}/"),
            Self::Under { scheme, domain } => format!("{scheme}://*{domain}"),
        }
    }

    fn lets_in(&self, origin: &str) -> bool {
        let host = || {
            let url = url::Url::parse(origin).ok()?;
            url.host_str().map(str::to_owned)
        };
        match self {
            Self::Origin(listed) => listed == origin,
            Self::Pattern(pattern) => pattern.is_match(origin),
            Self::Host(pattern) => host().is_some_and(|host| match pattern.strip_prefix('.') {
                Some(domain) => host == domain || host.ends_with(pattern.as_str()),
                None => host == *pattern,
            }),
            Self::Under { scheme, domain } => {
                origin.strip_prefix(scheme.as_str()).is_some_and(|rest| rest.starts_with("://"))
                    && host().is_some_and(|host| host.ends_with(domain.as_str()))
            }
        }
    }
}

impl Origins {
    /// Whether a page of that origin would be let in. `null` and origins as browsers write them.
    pub fn lets_in(&self, origin: &str) -> bool {
        match self {
            Self::Any | Self::Reflected => true,
            Self::Listed(list) => list.iter().any(|allowed| allowed.what.lets_in(origin)),
        }
    }

    /// The entries; none where everyone is let in.
    pub fn listed(&self) -> &[Allowed] {
        match self {
            Self::Listed(list) => list,
            Self::Any | Self::Reflected => &[],
        }
    }

    /// The origins that are named one by one.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Allowed)> {
        self.listed().iter().filter_map(|allowed| match &allowed.what {
            Which::Origin(origin) => Some((origin.as_str(), allowed)),
            Which::Host(_) | Which::Pattern(_) | Which::Under { .. } => None,
        })
    }

    /// Stable.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Listed(list) if list.is_empty() => "none",
            Self::Listed(_) => "listed",
            Self::Any => "any",
            Self::Reflected => "reflected",
        }
    }
}

/// What the files say about Socket.IO; `None`: not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketIo {
    /// Whether any variable of it is there at all.
    pub used: bool,
    pub transports: Option<Vec<Transport>>,
    pub ping_interval: Option<Duration>,
    pub ping_timeout: Option<Duration>,
    pub connect_timeout: Option<Duration>,
    pub rate_limiting: Option<bool>,
    pub rate_limit_connections: Option<u64>,
    pub max_connections_per_user: Option<u64>,
    pub cleanup_interval: Option<Duration>,
}

impl SocketIo {
    /// What the server pings with where nothing else is said: python-engineio's and socket.io's own 25 s.
    pub const PING_INTERVAL: Duration = Duration::from_secs(25);
}
