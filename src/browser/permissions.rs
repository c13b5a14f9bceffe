//! The [CORS-preflight cache](https://fetch.spec.whatwg.org/#cors-preflight-cache): what earlier preflights permitted, so
//! that a request goes out without one.
//!
//! Invariant: it never grows beyond [`CAPACITY`] entries, whatever servers answer.

use std::time::Duration;

use url::Url;

use super::dialect::{self, PermissionRules};
use super::preflight::Wanted;
use super::{Browser, Credentials, headers, method};
use crate::base::Wall;
use crate::wire::Headers;

/// Entries that are kept at most; the oldest goes first.
pub const CAPACITY: usize = 256;

/// The [entries](https://fetch.spec.whatwg.org/#concept-cache), one for each origin, URL and, in Firefox, credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    entries: Vec<Entry>,
}

/// Whose permission: the request's origin and its URL, fragment included (all three browsers go by it).
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// As the preflight's `Origin` says it; `None`: an origin that is never the same again, of which nothing is kept.
    pub origin: Option<&'a str>,
    pub url: &'a Url,
    pub credentials: Credentials,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    origin: String,
    url: Url,
    credentials: bool,
    until: Wall,
    methods: Vec<Grant>,
    /// In lower case.
    names: Vec<Grant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Grant {
    what: String,
    until: Wall,
}

impl Permissions {
    /// [Method cache entry match](https://fetch.spec.whatwg.org/#method-cache-entry-match) and [header-name cache entry
    /// match](https://fetch.spec.whatwg.org/#header-name-cache-entry-match) for all that the request wants.
    pub fn permit(&mut self, browser: Browser, key: Key<'_>, wanted: &Wanted, now: Wall) -> bool {
        let rules = dialect::permission_rules(browser);
        let Some(at) = self.find(&rules, key) else { return false };
        let entry = &self.entries[at];
        let permitted = (entry.credentials || key.credentials != Credentials::Include)
            && now < entry.until
            && entry.covers(&rules, wanted, now);
        // An entry that does not cover the request is not kept where the next one takes its place.
        if !permitted && !rules.add_up {
            self.entries.remove(at);
        }
        permitted
    }

    /// [Create a new cache entry](https://fetch.spec.whatwg.org/#concept-cache-create-entry) from a preflight's answer that
    /// permitted the request.
    pub fn remember(&mut self, browser: Browser, key: Key<'_>, answer: &Headers, now: Wall) {
        let rules = dialect::permission_rules(browser);
        let (Some(origin), Some(age)) = (key.origin, max_age(&rules, answer)) else { return };
        let until = now.plus(age);
        let grants = |field: &str| -> Vec<Grant> {
            let tokens = headers::token_list(answer.all(field)).unwrap_or_default();
            tokens.into_iter().map(|what| Grant { what: what.to_owned(), until }).collect()
        };
        let methods = grants("access-control-allow-methods");
        let mut names = grants("access-control-allow-headers");
        names.iter_mut().for_each(|grant| grant.what.make_ascii_lowercase());
        match self.find(&rules, key) {
            Some(at) if rules.add_up => {
                let entry = &mut self.entries[at];
                entry.until = entry.until.max(until);
                add(&mut entry.methods, methods);
                add(&mut entry.names, names);
                return;
            }
            Some(at) => {
                self.entries.remove(at);
            }
            None => {}
        }
        if CAPACITY <= self.entries.len() {
            self.entries.remove(0);
        }
        let credentials = key.credentials == Credentials::Include;
        self.entries.push(Entry {
            origin: origin.to_owned(),
            url: key.url.clone(),
            credentials,
            until,
            methods,
            names,
        });
    }

    /// [Clear cache entries](https://fetch.spec.whatwg.org/#concept-cache-clear) after a request that the CORS check or the
    /// network refused.
    pub fn clear(&mut self, browser: Browser, key: Key<'_>) {
        if dialect::permission_rules(browser).cleared_by_failure {
            self.entries.retain(|entry| Some(entry.origin.as_str()) != key.origin || entry.url != *key.url);
        }
    }

    fn find(&self, rules: &PermissionRules, key: Key<'_>) -> Option<usize> {
        let credentials = key.credentials == Credentials::Include;
        self.entries.iter().position(|entry| {
            Some(entry.origin.as_str()) == key.origin
                && entry.url == *key.url
                && (!rules.by_credentials || entry.credentials == credentials)
        })
    }
}

impl Entry {
    fn covers(&self, rules: &PermissionRules, wanted: &Wanted, now: Wall) -> bool {
        let granted = |grants: &[Grant], what: &str| {
            let wildcard = rules.wildcards && !self.credentials;
            grants.iter().any(|grant| now < grant.until && (grant.what == what || (wildcard && grant.what == "*")))
        };
        (method::is_cors_safelisted(&wanted.method) || granted(&self.methods, &wanted.method))
            && wanted.names.iter().all(|(name, _)| granted(&self.names, name))
    }
}

/// Each grant once, with the later end.
fn add(grants: &mut Vec<Grant>, more: Vec<Grant>) {
    for grant in more {
        match grants.iter_mut().find(|known| known.what == grant.what) {
            Some(known) => known.until = grant.until,
            None => grants.push(grant),
        }
    }
}

/// How long the answer is good for: [step 7.8 and on](https://fetch.spec.whatwg.org/#cors-preflight-fetch) of the
/// CORS-preflight fetch. `None`: not at all.
fn max_age(rules: &PermissionRules, answer: &Headers) -> Option<Duration> {
    const DEFAULT: Duration = Duration::from_secs(5);
    let Some(value) = answer.joined("access-control-max-age") else { return Some(DEFAULT) };
    let value = value.trim_matches([' ', '\t']);
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let age = match value.parse::<i128>() {
        Ok(seconds) if digits || !rules.digits_alone => Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
        // More digits than any number has.
        Err(_) if digits => rules.longest,
        _ if rules.digits_alone && !value.is_empty() => return None,
        _ => DEFAULT,
    };
    let age = age.min(rules.longest);
    (!age.is_zero()).then_some(age)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://app.test";

    fn wanted(method: &str, names: &str) -> Wanted {
        let names = names.split_whitespace().map(|name| (name.to_owned(), name.to_owned())).collect();
        Wanted { method: method.into(), names }
    }

    fn fields(text: &str) -> Headers {
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        pairs.map(|(name, value)| (format!("Access-Control-{}", name.trim()), value.trim().to_owned())).collect()
    }

    /// Preflights as they were answered, then whether a request goes without one: Chrome, Firefox, Safari.
    #[track_caller]
    fn check(before: &[(Credentials, &str)], after: Credentials, asks: (&str, &str), secs: u64, expected: &str) {
        let url = Url::parse("https://api.test/r#x").unwrap();
        let key = |credentials| Key { origin: Some(ORIGIN), url: &url, credentials };
        let got: String = Browser::ALL
            .into_iter()
            .map(|browser| {
                let mut permissions = Permissions::default();
                for (credentials, answer) in before {
                    permissions.remember(browser, key(*credentials), &fields(answer), Wall(0));
                }
                let now = Wall(0).plus(Duration::from_secs(secs));
                if permissions.permit(browser, key(after), &wanted(asks.0, asks.1), now) { '+' } else { '-' }
            })
            .collect();
        assert_eq!(got, expected, "{before:?}");
    }

    const PLAIN: Credentials = Credentials::SameOrigin;
    const PUT: &str = "Allow-Methods: PUT\nAllow-Headers: X-Test";

    #[test]
    fn a_permission_lasts_its_age_under_each_browsers_cap() {
        let aged = |age: &str| format!("{PUT}\nMax-Age: {age}");
        check(&[(PLAIN, PUT)], PLAIN, ("PUT", "x-test"), 4, "+++");
        check(&[(PLAIN, PUT)], PLAIN, ("PUT", ""), 5, "---");
        check(&[(PLAIN, &aged("600"))], PLAIN, ("PUT", ""), 599, "+++");
        check(&[(PLAIN, &aged("99999999"))], PLAIN, ("PUT", ""), 601, "++-");
        check(&[(PLAIN, &aged("99999999"))], PLAIN, ("PUT", ""), 7201, "-+-");
        check(&[(PLAIN, &aged("99999999999999999999999999999999999999999"))], PLAIN, ("PUT", ""), 86_401, "---");
        check(&[(PLAIN, &aged("0"))], PLAIN, ("PUT", ""), 0, "---");
        check(&[(PLAIN, &aged("-1"))], PLAIN, ("PUT", ""), 0, "---");
        check(&[(PLAIN, &aged("1.5"))], PLAIN, ("PUT", ""), 1, "+-+");
    }

    #[test]
    fn it_covers_what_was_listed_and_a_star_covers_all_but_in_firefox() {
        check(&[(PLAIN, PUT)], PLAIN, ("DELETE", ""), 0, "---");
        check(&[(PLAIN, PUT)], PLAIN, ("POST", "x-test"), 0, "+++");
        check(&[(PLAIN, PUT)], PLAIN, ("POST", "x-other"), 0, "---");
        check(&[(PLAIN, "Allow-Methods: *\nAllow-Headers: *")], PLAIN, ("PUT", "x-test"), 0, "+-+");
    }

    #[test]
    fn permissions_add_up_in_firefox_alone() {
        let answers = [(PLAIN, PUT), (PLAIN, "Allow-Methods: DELETE")];
        check(&answers, PLAIN, ("PUT", ""), 0, "-+-");
    }

    #[test]
    fn credentials_need_their_own_and_serve_those_without_but_in_firefox() {
        check(&[(PLAIN, PUT)], Credentials::Include, ("PUT", ""), 0, "---");
        check(&[(Credentials::Include, PUT)], PLAIN, ("PUT", ""), 0, "+-+");
        check(&[(Credentials::Include, "Allow-Methods: *")], Credentials::Include, ("PUT", ""), 0, "---");
    }

    #[test]
    fn a_failed_request_clears_its_url_in_firefox_alone() {
        let url = Url::parse("https://api.test/r").unwrap();
        let key = Key { origin: Some(ORIGIN), url: &url, credentials: PLAIN };
        for (browser, left) in [(Browser::Chrome, true), (Browser::Firefox, false), (Browser::Safari, true)] {
            let mut permissions = Permissions::default();
            permissions.remember(browser, key, &fields(PUT), Wall(0));
            permissions.clear(browser, key);
            assert_eq!(permissions.permit(browser, key, &wanted("PUT", ""), Wall(0)), left, "{browser:?}");
        }
    }

    #[test]
    fn it_stays_small_and_keeps_nothing_of_an_opaque_origin() {
        let mut permissions = Permissions::default();
        for at in 0..2 * CAPACITY {
            let url = Url::parse(&format!("https://api.test/{at}")).unwrap();
            let key = |origin| Key { origin, url: &url, credentials: PLAIN };
            permissions.remember(Browser::Chrome, key(Some(ORIGIN)), &fields(PUT), Wall(0));
            permissions.remember(Browser::Chrome, key(None), &fields(PUT), Wall(0));
            assert!(permissions.permit(Browser::Chrome, key(Some(ORIGIN)), &wanted("PUT", ""), Wall(0)));
        }
        assert_eq!(permissions.entries.len(), CAPACITY);
    }
}
