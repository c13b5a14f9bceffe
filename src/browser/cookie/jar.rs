//! The jar: [storage](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.7) and
//! [retrieval](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.8).
//!
//! A value is a secret: no text for debugging shows one.

use std::fmt;

use url::Url;

use super::super::dialect::cookies::{self as dialect, ThirdParty};
use super::super::{Browser, origin};
use super::domain::{Domain, default_path, path_matches};
use super::excluded::{Excluded, Lost, Note, Remark, What, Why};
use super::parse::{self, SameSite};
use super::{Context, as_http, date, prefix};
use crate::base::Wall;
use crate::wire::Headers;

/// More cookies of one site than this, and the least lately used go, down to [`SITE_KEEPS`]. Seen in Chromium.
const SITE_HOLDS: usize = 180;
const SITE_KEEPS: usize = 150;
/// No more cookies than this at all.
const JAR_HOLDS: usize = 3000;

/// The cookies that a browser holds. An empty one costs nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Jar {
    cookies: Vec<Cookie>,
    /// Counts what happens: the order of creation and of use.
    clock: u64,
}

impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.cookies.iter().map(|cookie| super::as_text(&cookie.name))).finish()
    }
}

#[derive(Clone, PartialEq, Eq)]
struct Cookie {
    name: Box<[u8]>,
    value: Box<[u8]>,
    domain: Domain,
    path: Box<[u8]>,
    /// The registrable domain, or the host.
    site: Box<str>,
    secure: bool,
    same_site: Option<SameSite>,
    /// It says `Partitioned` itself.
    partitioned: bool,
    /// The top-level site that it is kept for; `None`: for all.
    partition: Option<Box<str>>,
    expires: Option<Wall>,
    created: u64,
    used: u64,
}

impl Cookie {
    fn is_over(&self, now: Wall) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    fn same_as(&self, other: &Self) -> bool {
        self.replaces(other) && self.value == other.value
    }

    /// Step 23 of the storage model: the one takes the other's place.
    fn replaces(&self, other: &Self) -> bool {
        self.name == other.name
            && self.domain == other.domain
            && self.path == other.path
            && self.partition == other.partition
    }
}

/// What a request takes along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retrieved {
    /// The `Cookie` field's value.
    pub field: Option<Vec<u8>>,
    /// Cookies of the URL's site that stay behind.
    pub excluded: Vec<Excluded>,
    pub notes: Vec<Note>,
}

/// What an answer leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    pub excluded: Vec<Excluded>,
    pub notes: Vec<Note>,
}

impl Jar {
    pub fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    pub fn len(&self) -> usize {
        self.cookies.len()
    }

    /// Whether it holds a cookie or a value that `before` does not.
    pub fn has_more_than(&self, before: &Self) -> bool {
        self.cookies.iter().any(|cookie| !before.cookies.iter().any(|old| cookie.same_as(old)))
    }

    /// Takes over what an answer changed elsewhere, where a copy of this jar was `before` it and is `after` it.
    pub fn take_over(&mut self, before: &Self, after: &Self) {
        let gone = |cookie: &Cookie| {
            let was = |jar: &Self| jar.cookies.iter().any(|old| cookie.same_as(old));
            was(before) && !was(after)
        };
        self.cookies.retain(|cookie| !gone(cookie));
        for new in after.cookies.iter().filter(|new| !before.cookies.iter().any(|old| new.same_as(old))) {
            self.cookies.retain(|old| !new.replaces(old));
            self.cookies.push(new.clone());
        }
        self.clock = self.clock.max(after.clock);
    }

    /// What a script of the page at `url` finds under that name, `HttpOnly` or not.
    pub fn value(&self, url: &Url, name: &str) -> Option<String> {
        let host = url.host_str()?;
        let of_page = |cookie: &&Cookie| {
            &*cookie.name == name.as_bytes()
                && cookie.domain.matches(host)
                && path_matches(url.path().as_bytes(), &cookie.path)
        };
        self.cookies.iter().find(of_page).map(|cookie| super::as_text(&cookie.value))
    }

    /// Every value in it, for what has to keep them secret.
    pub fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.cookies.iter().map(|cookie| &*cookie.value)
    }

    /// Sets a cookie as though a person had gone to `url`, and the page's answer had had this `Set-Cookie` field.
    pub fn set_from_navigation(&mut self, browser: Browser, url: &Url, field: &[u8], now: Wall) -> Result<(), Why> {
        let url = as_http(url);
        let context = Context::of_navigation(browser, &url);
        self.set(&context, &url, field, now, None).1.map(|_| ())
    }

    /// Takes up the `Set-Cookie` fields of an answer from `url`, that is the `exchange`th of its request's.
    pub fn receive(&mut self, context: &Context, url: &Url, fields: &Headers, now: Wall, exchange: usize) -> Received {
        let mut received = Received::default();
        if !fields.contains("set-cookie") {
            return received;
        }
        let url = as_http(url);
        let server = fields.first("date").and_then(date::parse_cookie_date);
        for field in fields.all("set-cookie") {
            let (name, outcome) = self.set(context, &url, field, now, server);
            let note = |what| Note::new(name, what);
            match outcome {
                Ok(remarks) => received.notes.extend(remarks.into_iter().map(|remark| note(What::Remark(remark)))),
                Err(why) => {
                    received.notes.push(note(What::Rejected(why)));
                    if received.excluded.len() < Excluded::MOST {
                        received.excluded.push(Excluded::new(exchange, name, Lost::NotStored, why));
                    }
                }
            }
        }
        received
    }

    /// The [storage model](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.7); checks stand in
    /// Firefox's order, for its console names the first. With the cookie's name.
    fn set<'a>(
        &mut self,
        context: &Context,
        url: &Url,
        field: &'a [u8],
        now: Wall,
        server: Option<Wall>,
    ) -> (&'a [u8], Result<Vec<Remark>, Why>) {
        let browser = context.browser;
        let (mut cookie, refused) = parse::parse(browser, field);
        let name = cookie.name;
        let mut remarks = std::mem::take(&mut cookie.remarks);
        match self.admit(context, url, &cookie, refused) {
            Err(why) => (name, Err(why)),
            Ok((domain, path)) => {
                if context.third_party
                    && dialect::third_party(browser) == ThirdParty::Partitioned
                    && !cookie.partitioned
                {
                    remarks.push(Remark::Foreign);
                }
                self.clock += 1;
                let partition = context.keeps_for(cookie.partitioned).map(Into::into);
                let new = Cookie {
                    name: cookie.name.into(),
                    value: cookie.value.into(),
                    site: origin::registrable_domain(url).unwrap_or(&domain.name).into(),
                    domain,
                    path: path.into(),
                    secure: cookie.secure,
                    same_site: cookie.same_site,
                    partitioned: cookie.partitioned,
                    partition,
                    expires: cookie.lifetime.end(now, server.filter(|_| dialect::minds_server_clock(browser))),
                    created: self.clock,
                    used: self.clock,
                };
                if let Err(why) = self.insert(context, new, now) {
                    return (name, Err(why));
                }
                remarks.sort_unstable();
                remarks.dedup();
                (name, Ok(remarks))
            }
        }
    }

    /// Steps 7 to 22: whether it may come in, and where it goes.
    fn admit<'a>(
        &self,
        context: &Context,
        url: &'a Url,
        cookie: &parse::SetCookie<'a>,
        refused: Option<Why>,
    ) -> Result<(Domain, &'a [u8]), Why> {
        let browser = context.browser;
        if context.third_party && dialect::third_party(browser) == ThirdParty::Blocked {
            return Err(Why::ThirdParty);
        }
        if let Some(why) = refused {
            return Err(why);
        }
        // Step 22.
        if cookie.name.is_empty() && dialect::knows_prefixes(browser) && prefix::is_hidden(cookie.value) {
            return Err(Why::Prefix);
        }
        // Step 19.
        if cookie.same_site == Some(SameSite::None) && !cookie.secure && dialect::none_needs_secure(browser) {
            return Err(Why::NoneInsecure);
        }
        // Steps 7 to 10.
        let domain = Domain::of(browser, url, cookie.domain).ok_or(Why::Domain)?;
        // Step 11.
        let written = cookie.path.filter(|path| path.starts_with(b"/"));
        let path = written.unwrap_or_else(|| default_path(url));
        // Steps 20 and 21.
        let promise = prefix::Promise {
            name: cookie.name,
            secure: cookie.secure,
            http_only: cookie.http_only,
            host_only: domain.host_only,
            written_domain: cookie.domain.is_some_and(|written| !written.is_empty()),
            written_path: cookie.path,
            path,
        };
        if !prefix::keeps(context, &promise) {
            return Err(Why::Prefix);
        }
        // Step 13.
        if cookie.secure && !context.trustworthy {
            return Err(Why::Secure);
        }
        // Step 18.
        let same_site = dialect::effective(browser, cookie.same_site);
        if context.cross_site_set && same_site != SameSite::None {
            return Err(Why::SameSite(same_site));
        }
        if cookie.partitioned && !cookie.secure {
            return Err(Why::PartitionedInsecure);
        }
        Ok((domain, path))
    }

    /// Steps 16, 23 and 24, and the limits.
    fn insert(&mut self, context: &Context, mut new: Cookie, now: Wall) -> Result<(), Why> {
        self.cookies.retain(|old| !old.is_over(now));
        let shadows = |old: &Cookie| {
            old.secure
                && old.name == new.name
                && old.partition == new.partition
                && old.domain.overlaps(&new.domain)
                && path_matches(&new.path, &old.path)
        };
        let minds = dialect::leaves_secure_alone(context.browser);
        if minds && !new.secure && !context.trustworthy && self.cookies.iter().any(shadows) {
            return Err(Why::ReplacesSecure);
        }
        if let Some(at) = self.cookies.iter().position(|old| new.replaces(old)) {
            new.created = self.cookies.swap_remove(at).created;
        }
        // What is over when it comes deletes.
        if new.is_over(now) {
            return Ok(());
        }
        let site = new.site.clone();
        self.cookies.push(new);
        if SITE_HOLDS < self.cookies.iter().filter(|cookie| cookie.site == site).count() {
            self.evict(SITE_KEEPS, |cookie| cookie.site == site);
        }
        if JAR_HOLDS < self.cookies.len() {
            self.evict(JAR_HOLDS, |_| true);
        }
        Ok(())
    }

    /// Leaves `keep` of those: those that are not `Secure` go first, and of them those not used for longest.
    fn evict(&mut self, keep: usize, of: impl Fn(&Cookie) -> bool) {
        let mut ranks: Vec<(bool, u64)> =
            self.cookies.iter().filter(|cookie| of(cookie)).map(|cookie| (cookie.secure, cookie.used)).collect();
        ranks.sort_unstable();
        if let Some(last) = ranks.len().checked_sub(keep + 1).and_then(|at| ranks.get(at)).copied() {
            self.cookies.retain(|cookie| !of(cookie) || last < (cookie.secure, cookie.used));
        }
    }

    /// The [retrieval algorithm](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.8.3) for the
    /// request to `url` that is the `exchange`th of its answer.
    pub fn retrieve(&mut self, context: &Context, url: &Url, now: Wall, exchange: usize) -> Retrieved {
        let mut retrieved = Retrieved::default();
        if self.cookies.is_empty() {
            return retrieved;
        }
        let url = as_http(url);
        let Some(host) = url.host_str() else { return retrieved };
        self.clock += 1;
        // Step 1.
        let mut sent: Vec<usize> = Vec::new();
        for (at, cookie) in self.cookies.iter_mut().enumerate() {
            let Err(why) = context.may_send(cookie, host, url.path().as_bytes(), now) else {
                cookie.used = self.clock; // Step 3.
                sent.push(at);
                continue;
            };
            // A stranger's cookie is no news.
            let near = cookie.domain.matches(host) || origin::registrable_domain(&url) == Some(&*cookie.site);
            if near && retrieved.excluded.len() < Excluded::MOST {
                retrieved.excluded.push(Excluded::new(exchange, &cookie.name, Lost::NotSent, why));
            }
            if let Why::Redirected(_) = why {
                retrieved.notes.push(Note::new(&cookie.name, What::Withheld(why)));
            }
        }
        // Step 2: longer paths first, then the older ones.
        sent.sort_by_key(|at| {
            let cookie = &self.cookies[*at];
            (std::cmp::Reverse(cookie.path.len()), cookie.created)
        });
        // Step 4.
        let mut field = Vec::new();
        for at in sent {
            let cookie = &self.cookies[at];
            if !field.is_empty() {
                field.extend_from_slice(b"; ");
            }
            if !cookie.name.is_empty() {
                field.extend_from_slice(&cookie.name);
                field.push(b'=');
            }
            field.extend_from_slice(&cookie.value);
        }
        retrieved.field = (!field.is_empty()).then_some(field);
        self.cookies.retain(|cookie| !cookie.is_over(now));
        retrieved
    }
}

impl Context {
    /// The top-level site that a new cookie is kept for.
    fn keeps_for(&self, partitioned: bool) -> Option<&str> {
        let apart = partitioned || (self.third_party && dialect::third_party(self.browser) == ThirdParty::Partitioned);
        apart.then_some(&*self.partition)
    }

    /// Step 1 of retrieval.
    fn may_send(&self, cookie: &Cookie, host: &str, path: &[u8], now: Wall) -> Result<(), Why> {
        if !cookie.domain.matches(host) {
            return Err(Why::Domain);
        }
        if !path_matches(path, &cookie.path) {
            return Err(Why::Path);
        }
        if cookie.is_over(now) {
            return Err(Why::Expired);
        }
        if cookie.secure && !self.trustworthy {
            return Err(Why::Secure);
        }
        let third_party = dialect::third_party(self.browser);
        if self.third_party && third_party == ThirdParty::Blocked {
            return Err(Why::ThirdParty);
        }
        let own = cookie.partition.as_deref() == Some(&*self.partition);
        let reads = match &cookie.partition {
            None => !self.third_party || third_party == ThirdParty::Sent,
            // At home Firefox opens the partitioned jar for what says so itself.
            Some(_) => own && (cookie.partitioned || self.third_party),
        };
        let same_site = dialect::effective(self.browser, cookie.same_site);
        if self.cross_site && same_site != SameSite::None {
            return Err(if self.redirected { Why::Redirected(same_site) } else { Why::SameSite(same_site) });
        }
        if reads { Ok(()) } else { Err(Why::Partition) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::Page;

    #[test]
    fn what_changed_in_a_copy_is_taken_over_and_nothing_else() {
        let url = Url::parse("https://app.test/").unwrap();
        let jar = |fields: &[&str]| {
            let mut jar = Jar::default();
            for field in fields {
                jar.set_from_navigation(Browser::Chrome, &url, field.as_bytes(), Wall(0)).unwrap();
            }
            jar
        };
        let before = jar(&["kept=1", "gone=2", "changed=3"]);
        let after = jar(&["kept=1", "changed=4", "new=5"]);
        let mut own = jar(&["kept=1", "gone=2", "changed=3", "own=6"]);
        own.take_over(&before, &after);
        let mut values: Vec<_> = own.values().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
        values.sort();
        assert_eq!(values, ["1", "4", "5", "6"]);
        assert!(after.has_more_than(&before));
        assert!(!jar(&["kept=1"]).has_more_than(&before));
    }

    #[test]
    fn a_cookie_that_is_over_goes_and_takes_no_other_with_it() {
        let url = Url::parse("https://app.test/a").unwrap();
        let page = Page::new(url.clone(), Browser::Chrome);
        let (start, later) = (Wall(0), Wall(10_000_000));
        let mut jar = Jar::default();
        for field in ["over=1; Max-Age=5", "also=2; Max-Age=5", "a=3", "b=4; Path=/a"] {
            jar.set_from_navigation(Browser::Chrome, &url, field.as_bytes(), start).unwrap();
        }
        let context = Context::of_request(&page, std::slice::from_ref(&url));
        let sent =
            |jar: &mut Jar| jar.retrieve(&context, &url, later, 0).field.map(|field| String::from_utf8(field).unwrap());
        assert_eq!(sent(&mut jar).as_deref(), Some("b=4; a=3"));
        assert_eq!(jar.cookies.len(), 2);
        assert_eq!(sent(&mut jar).as_deref(), Some("b=4; a=3"));
    }
}
