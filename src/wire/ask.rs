//! What is asked of a server besides the page's own requests, because those can't tell two causes apart: the words of it.

use std::fmt;

macro_rules! asks {
    ($($(#[$doc:meta])* $variant:ident $text:literal,)*) => {
        /// One such question. Its text is stable: it stands in the history, in exports and in `check --json`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Ask { $($(#[$doc])* $variant,)* }

        impl Ask {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The question of that text.
            pub fn from_code(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

asks! {
    /// The same request without `Origin`.
    NoOrigin "no-origin",
    /// The same request from the endpoint's own origin.
    OwnOrigin "own-origin",
    /// The same request from an origin that no list has.
    ForeignOrigin "foreign-origin",
    /// The same request from the page under its other name: `localhost` for `127.0.0.1`, and the other way round.
    TwinHost "twin-host",
    /// The same request from the page's origin with the other scheme.
    TwinScheme "twin-scheme",
    /// The same request from the page's origin with its default port spelled.
    SpelledPort "spelled-port",
    /// The same request from the page's origin without its port.
    PortlessOrigin "portless-origin",
    /// The endpoint's URL by an ordinary GET, where the page's request was an upgrade.
    PlainGet "plain-get",
    /// The same request with the path's last slash added or taken off.
    OtherSlash "other-slash",
    /// The same request for a path that no server has.
    NoSuchPath "no-such-path",
    /// The server's `/`.
    Root "root",
    /// Engine.IO's polling handshake, at the endpoint's path.
    Polling "polling",
    /// Engine.IO's polling handshake at `/socket.io/`.
    DefaultPath "default-path",
    /// Engine.IO's polling handshake in the other revision.
    OtherRevision "other-revision",
    /// A WebSocket's handshake at the endpoint, where the page's request was none.
    Upgrade "upgrade",
    /// The same request past the forward proxy.
    Direct "direct",
    /// A WebSocket on which nothing is said until it ends; and where it does, another that is pinged now and then.
    IdleWait "idle-wait",
    /// Several Engine.IO sessions, each opened and polled once.
    Handshakes "handshakes",
    /// The same request several times, for its times.
    RoundTrips "round-trips",
    /// A preflight for the endpoint's URL, where the page's request needed none.
    Preflight "preflight",
    /// The same request with TLS where it was without, or without it where it was with.
    OtherTls "other-tls",
    /// No request at all: what the port says by itself, and to the line `PING`.
    Banner "banner",
    /// The same request without the token of its query.
    NoToken "no-token",
    /// The same request without cookies.
    NoCookie "no-cookie",
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
