//! The choices that every rule is asked with.

/// Whose rules and words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Browser {
    #[default]
    Chrome,
    Firefox,
    Safari,
}

impl Browser {
    pub const ALL: [Self; 3] = [Self::Chrome, Self::Firefox, Self::Safari];

    /// As the file writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Chrome => "chrome",
            Self::Firefox => "firefox",
            Self::Safari => "safari",
        }
    }

    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chrome => "Chrome",
            Self::Firefox => "Firefox",
            Self::Safari => "Safari",
        }
    }
}

/// Which of a page's interfaces makes an HTTP request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    #[default]
    Fetch,
    Xhr,
    EventSource,
}

/// The request's [credentials mode](https://fetch.spec.whatwg.org/#concept-request-credentials-mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Credentials {
    Omit,
    #[default]
    SameOrigin,
    Include,
}

impl Credentials {
    pub const ALL: [Self; 3] = [Self::Omit, Self::SameOrigin, Self::Include];

    /// As the file writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Omit => "omit",
            Self::SameOrigin => "same-origin",
            Self::Include => "include",
        }
    }
}

/// The request's [mode](https://fetch.spec.whatwg.org/#concept-request-mode), as far as a script may choose it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    #[default]
    Cors,
    NoCors,
    SameOrigin,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::Cors, Self::NoCors, Self::SameOrigin];

    /// As a script writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cors => "cors",
            Self::NoCors => "no-cors",
            Self::SameOrigin => "same-origin",
        }
    }
}

/// The request's [redirect mode](https://fetch.spec.whatwg.org/#concept-request-redirect-mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Redirect {
    #[default]
    Follow,
    Error,
    Manual,
}

impl Redirect {
    pub const ALL: [Self; 3] = [Self::Follow, Self::Error, Self::Manual];

    /// As a script writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Error => "error",
            Self::Manual => "manual",
        }
    }
}
