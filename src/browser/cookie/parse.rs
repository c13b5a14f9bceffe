//! [The `Set-Cookie` field](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6): its bytes taken
//! apart. What they mean for the jar is [`jar`](super::jar)'s.

use std::time::Duration;

use super::super::Browser;
use super::super::dialect::cookies::{self as dialect, Nameless};
use super::date;
use super::excluded::{Part, Remark, Why};
use crate::base::Wall;

/// A name and a value hold no more bytes than this together.
const MAX_PAIR: usize = 4096;
/// An attribute's value that is longer counts for nothing.
pub(super) const MAX_ATTRIBUTE: usize = 1024;

/// The `SameSite` attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SameSite {
    Strict,
    Lax,
    None,
}

/// When a cookie ends, as it says itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// With the browser's session.
    #[default]
    Session,
    /// It was over when it came: this deletes.
    Over,
    /// Seconds from now.
    For(u64),
    /// By the server's clock.
    Until(Wall),
}

impl Lifetime {
    /// The moment of its end by our clock, 400 days from now at the latest (section 5.5); `None`: the session's.
    pub(super) fn end(self, now: Wall, server: Option<Wall>) -> Option<Wall> {
        let cap = now.plus(Duration::from_secs(400 * 86_400));
        let end = match self {
            Self::Session => return None,
            Self::Over => Wall(i64::MIN),
            Self::For(seconds) => now.plus(Duration::from_secs(seconds)),
            // The difference between the two clocks is taken out.
            Self::Until(at) => match server {
                Some(server) => Wall(at.0.saturating_add(now.0.saturating_sub(server.0))),
                None => at,
            },
        };
        Some(end.min(cap))
    }
}

/// One `Set-Cookie` field's parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SetCookie<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) domain: Option<&'a [u8]>,
    pub(super) path: Option<&'a [u8]>,
    pub(super) lifetime: Lifetime,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) same_site: Option<SameSite>,
    pub(super) partitioned: bool,
    /// What the browser finds odd and lets pass.
    pub(super) remarks: Vec<Remark>,
}

/// Takes a field apart; with why the browser drops it, where the bytes alone decide that.
pub(super) fn parse(browser: Browser, field: &[u8]) -> (SetCookie<'_>, Option<Why>) {
    let mut cookie = SetCookie::default();
    let mut parts = field.split(|byte| *byte == b';');
    // Steps 2 to 4: the pair.
    let pair = parts.next().unwrap_or_default();
    match (pair.iter().position(|byte| *byte == b'='), dialect::nameless(browser)) {
        (Some(at), _) => (cookie.name, cookie.value) = (trim(&pair[..at]), trim(&pair[at + 1..])),
        (None, Nameless::IsValue) => cookie.value = trim(pair),
        (None, Nameless::IsName) => cookie.name = trim(pair),
    }
    let mut ages = Ages::default();
    for part in parts {
        let (name, value) = match part.iter().position(|byte| *byte == b'=') {
            Some(at) => (trim(&part[..at]), trim(&part[at + 1..])),
            None => (trim(part), &[][..]),
        };
        if dialect::minds_control_characters(browser) && has_control(name).max(has_control(value)) {
            return (cookie, Some(Why::Characters(Part::Attributes)));
        }
        cookie.attribute(browser, name, value, &mut ages);
    }
    cookie.lifetime = ages.lifetime(browser, &mut cookie.remarks);
    let why = cookie.refusal(browser);
    (cookie, why)
}

impl<'a> SetCookie<'a> {
    /// Steps of 5.6.1 to 5.6.7: the last of a kind counts.
    fn attribute(&mut self, browser: Browser, name: &[u8], value: &'a [u8], ages: &mut Ages<'a>) {
        let known = ["expires", "max-age", "domain", "path", "secure", "httponly", "samesite", "partitioned"];
        let Some(known) = known.into_iter().find(|known| name.eq_ignore_ascii_case(known.as_bytes())) else { return };
        let flag = matches!(known, "secure" | "httponly" | "partitioned" | "samesite");
        if !flag {
            if MAX_ATTRIBUTE < value.len() {
                self.remarks.push(Remark::Oversize(known));
                return;
            }
            let before = match known {
                "expires" => ages.expires,
                "max-age" => ages.max_age,
                "domain" => self.domain,
                _ => self.path,
            };
            if before.is_some_and(|before| !before.is_empty()) {
                self.remarks.push(Remark::Overwritten(known));
            }
        }
        match known {
            "expires" => ages.set_expires(value),
            "max-age" => ages.set_max_age(value),
            "domain" => self.domain = Some(value),
            "path" => self.path = Some(value),
            "secure" => self.secure = true,
            "httponly" => self.http_only = true,
            "partitioned" => self.partitioned = dialect::knows_partitioned(browser),
            _ => {
                self.same_site = [("strict", SameSite::Strict), ("lax", SameSite::Lax), ("none", SameSite::None)]
                    .into_iter()
                    .find_map(|(word, same_site)| value.eq_ignore_ascii_case(word.as_bytes()).then_some(same_site));
                if self.same_site.is_none() {
                    self.remarks.push(Remark::InvalidSameSite);
                }
            }
        }
    }

    /// Steps 2 to 4 and 22 of the [storage model](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.7).
    fn refusal(&self, browser: Browser) -> Option<Why> {
        if self.name.is_empty() && self.value.is_empty() {
            return Some(Why::Empty);
        }
        if MAX_PAIR < self.name.len() + self.value.len() {
            return Some(Why::TooLong);
        }
        let looks_named = self.value.contains(&b'=') && !dialect::nameless_takes_equals(browser);
        if self.name.is_empty() && (looks_named || dialect::nameless(browser) == Nameless::IsName) {
            return Some(Why::Characters(Part::Name));
        }
        let minds = |bytes| dialect::minds_control_characters(browser) && has_control(bytes);
        let tab = |bytes: &[u8]| dialect::minds_tabs(browser) && bytes.contains(&b'\t');
        if minds(self.name) || tab(self.name) {
            return Some(Why::Characters(Part::Name));
        }
        if minds(self.value) || tab(self.value) {
            return Some(Why::Characters(Part::Value));
        }
        None
    }
}

/// The two attributes that say how long, and which came last.
#[derive(Clone, Copy, Debug, Default)]
struct Ages<'a> {
    expires: Option<&'a [u8]>,
    max_age: Option<&'a [u8]>,
    max_age_last: bool,
}

impl<'a> Ages<'a> {
    fn set_expires(&mut self, value: &'a [u8]) {
        self.expires = Some(value);
        self.max_age_last = false;
    }

    fn set_max_age(&mut self, value: &'a [u8]) {
        self.max_age = Some(value);
        self.max_age_last = true;
    }

    /// Step 6 of the storage model: `Max-Age` goes before `Expires`.
    fn lifetime(self, browser: Browser, remarks: &mut Vec<Remark>) -> Lifetime {
        let by_age = self.max_age.and_then(|text| {
            let age = max_age(browser, text);
            if age.is_none() && !text.is_empty() {
                remarks.push(Remark::InvalidMaxAge);
            }
            age
        });
        let by_date = self.expires.and_then(|text| match browser {
            Browser::Chrome => date::parse_cookie_expiration_time(text),
            Browser::Firefox | Browser::Safari => date::parse_cookie_date(text),
        });
        let by_date = by_date.map(Lifetime::Until);
        let later_counts = dialect::later_lifetime_counts(browser) && !self.max_age_last;
        let chosen = if later_counts { by_date.or(by_age) } else { by_age.or(by_date) };
        chosen.unwrap_or_default()
    }
}

/// [Max-Age](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6.2); `None`: no number.
fn max_age(browser: Browser, text: &[u8]) -> Option<Lifetime> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] if dialect::max_age_takes_plus(browser) => (false, rest),
        _ => (false, text),
    };
    if negative && dialect::minus_alone_is_over(browser) {
        return Some(Lifetime::Over);
    }
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More than fits is for ever.
    let seconds = std::str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX);
    Some(if negative || seconds == 0 { Lifetime::Over } else { Lifetime::For(seconds) })
}

fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !blank(byte)).map_or(start, |at| at + 1);
    &bytes[start..end]
}

/// A control character, other than a tab.
fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
}
