//! Why a cookie was not stored or not sent: "signed in, and the socket doesn't see it".

use super::SameSite;

/// The part of a field that holds what it may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Name,
    Value,
    Attributes,
}

/// The rule that kept a cookie out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Neither name nor value.
    Empty,
    /// Name and value hold more than 4096 bytes.
    TooLong,
    /// A control character, or what that browser takes for one; of a name also: there is none.
    Characters(Part),
    /// `SameSite=None` without `Secure`.
    NoneInsecure,
    /// `Domain` doesn't cover the host, or is a public suffix; of one that was stored: it belongs to another host of the site.
    Domain,
    /// `__Host-`, `__Secure-` and their like without what they promise.
    Prefix,
    /// `Secure` over plain http.
    Secure,
    /// The page is on another site, and `SameSite` is this, or by default.
    SameSite(SameSite),
    /// A redirect came by another site, and `SameSite` is this, or by default.
    Redirected(SameSite),
    /// The browser has no cookies for other sites than the page's.
    ThirdParty,
    /// The cookie is kept for another top-level site (Firefox's total cookie protection, or `Partitioned`).
    Partition,
    /// `Partitioned` without `Secure`.
    PartitionedInsecure,
    /// Plain http may not replace a `Secure` cookie.
    ReplacesSecure,
    /// `Path` doesn't cover the URL's.
    Path,
    /// Its time was over.
    Expired,
}

impl Why {
    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too-long",
            Self::Characters(_) => "characters",
            Self::NoneInsecure => "samesite-none-insecure",
            Self::Domain => "domain",
            Self::Prefix => "prefix",
            Self::Secure => "secure",
            Self::SameSite(SameSite::Strict) => "samesite-strict",
            Self::SameSite(_) => "samesite-lax",
            Self::Redirected(_) => "samesite-redirect",
            Self::ThirdParty => "third-party",
            Self::Partition => "partition",
            Self::PartitionedInsecure => "partitioned-insecure",
            Self::ReplacesSecure => "replaces-secure",
            Self::Path => "path",
            Self::Expired => "expired",
        }
    }

    /// The reason as the rest of a sentence that begins "not sent: " or "not stored: ".
    pub fn words(self) -> &'static str {
        match self {
            Self::Empty => "it has neither a name nor a value",
            Self::TooLong => "its name and value hold more than 4096 bytes",
            Self::Characters(Part::Name) => "its name is empty or has characters that no name may have",
            Self::Characters(Part::Value) => "its value has control characters",
            Self::Characters(Part::Attributes) => "its attributes have control characters",
            Self::NoneInsecure => "it is SameSite=None and not Secure",
            Self::Domain => "its Domain does not cover the host",
            Self::Prefix => "it lacks what its name's prefix promises",
            Self::Secure => "it is Secure, and this is plain http",
            Self::SameSite(SameSite::Strict) => "the page is on another site, and it is SameSite=Strict",
            Self::SameSite(_) => "the page is on another site, and it is SameSite=Lax, which is the default",
            Self::Redirected(_) => "a redirect came by another site, and it is SameSite=Lax or Strict",
            Self::ThirdParty => "the browser blocks cookies of other sites than the page's",
            Self::Partition => "it is kept for another top-level site than this page's",
            Self::PartitionedInsecure => "it is Partitioned and not Secure",
            Self::ReplacesSecure => "over plain http it would replace a Secure cookie",
            Self::Path => "its Path does not cover the URL",
            Self::Expired => "its time is over",
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lost {
    NotStored,
    NotSent,
}

impl Lost {
    /// Stable.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotStored => "not stored",
            Self::NotSent => "not sent",
        }
    }
}

/// One cookie that an exchange left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// Index of the exchange in its answer.
    pub exchange: usize,
    /// The cookie's name, cut to 64 characters. Its value is nobody's business.
    pub name: String,
    pub lost: Lost,
    pub why: Why,
}

impl Excluded {
    /// No answer names more than this many.
    pub const MOST: usize = 32;

    pub(super) fn new(exchange: usize, name: &[u8], lost: Lost, why: Why) -> Self {
        Self { exchange, name: super::as_text(name).chars().take(64).collect(), lost, why }
    }
}

/// What a browser finds odd about a cookie that it stores all the same, in the order of its console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remark {
    /// An attribute is over 1024 bytes long and counts for nothing.
    Oversize(&'static str),
    /// An attribute stands twice.
    Overwritten(&'static str),
    InvalidSameSite,
    InvalidMaxAge,
    /// Of another site than the page's, and not `Partitioned`.
    Foreign,
}

/// What the console may have to say about a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub name: String,
    pub what: What,
}

impl Note {
    /// Bytes that are no UTF-8 stand as U+FFFD there.
    pub(super) fn new(name: &[u8], what: What) -> Self {
        Self { name: String::from_utf8_lossy(name).into_owned(), what }
    }
}

/// See [`Note`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Rejected(Why),
    Remark(Remark),
    /// Not sent.
    Withheld(Why),
}
