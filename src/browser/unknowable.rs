//! What a program that is no browser can't know, and that could have changed the answer.

use super::local_network::LocalNetwork;
use super::{Credentials, Page, origin};

/// One such thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unknowable {
    /// An extension may change or stop any request, and any answer.
    Extensions,
    /// The page's service worker may answer in the server's stead.
    ServiceWorker,
    /// What the person's own browser holds for the server.
    UserCookies,
    /// What an administrator has switched off, allowed or blocked.
    EnterprisePolicy,
    /// The person's leave to reach this machine or this network.
    LocalNetworkPermission,
}

impl Unknowable {
    /// Stable: as `replay` writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Extensions => "extensions",
            Self::ServiceWorker => "service-worker",
            Self::UserCookies => "user-cookies",
            Self::EnterprisePolicy => "enterprise-policy",
            Self::LocalNetworkPermission => "local-network-permission",
        }
    }
}

/// What of a request is of account here.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub page: &'a Page,
    /// `None`: a WebSocket, whose handshake always takes cookies along and no service worker sees.
    pub credentials: Option<Credentials>,
    /// The interface itself threw.
    pub thrown: bool,
    /// Anything went out at all.
    pub sent: bool,
    pub local_network: Option<LocalNetwork>,
}

/// What could have made it come out otherwise.
pub fn of(asked: &Asked<'_>) -> Vec<Unknowable> {
    // What the interface itself throws for is the same everywhere.
    if asked.thrown {
        return Vec::new();
    }
    // The page's own rules come before a service worker and before any cookie.
    let worker = asked.sent && asked.credentials.is_some() && origin::is_potentially_trustworthy(&asked.page.url);
    let cookies = asked.sent && asked.credentials != Some(Credentials::Omit);
    [
        (Unknowable::Extensions, true),
        (Unknowable::ServiceWorker, worker),
        (Unknowable::UserCookies, cookies),
        (Unknowable::EnterprisePolicy, true),
        (Unknowable::LocalNetworkPermission, asked.local_network.is_some()),
    ]
    .into_iter()
    .filter_map(|(unknowable, counts)| counts.then_some(unknowable))
    .collect()
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::browser::Browser;

    #[track_caller]
    fn check(page: &str, credentials: Option<Credentials>, thrown: bool, sent: bool, expected: &str) {
        let page = Page::new(Url::parse(page).unwrap(), Browser::Chrome);
        let asked = Asked { page: &page, credentials, thrown, sent, local_network: None };
        let words: Vec<&str> = of(&asked).into_iter().map(Unknowable::word).collect();
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn it_is_told_what_could_count_and_nothing_else() {
        const APP: &str = "https://app.test/";
        let everything = "extensions service-worker user-cookies enterprise-policy";
        check(APP, Some(Credentials::Include), false, true, everything);
        check(APP, Some(Credentials::Omit), false, true, "extensions service-worker enterprise-policy");
        check("http://app.test/", None, false, true, "extensions user-cookies enterprise-policy");
        check(APP, Some(Credentials::Include), false, false, "extensions enterprise-policy");
        check(APP, Some(Credentials::Include), true, false, "");
    }
}
