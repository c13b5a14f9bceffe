//! What stands beside a verdict and doesn't change it: cookies that stayed behind, leave that the person gives, and what
//! can't be known from here. Every face says it in these words.
//!
//! Invariant: judged from what was recorded alone, so that a check of last week says the same as it did.

use super::Facts;
use crate::browser::cookie::{self, Excluded};
use crate::browser::local_network::{self, AddressSpace, Decision, LocalNetwork};
use crate::browser::unknowable::{self, Asked};
use crate::browser::{Browser, Page, Unknowable};
use crate::watch::Code;
use crate::wire::{Exchange, Purpose};

/// All of it; empty where nothing was asked of the browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Not stored or not sent.
    pub cookies: Vec<Excluded>,
    /// The profile's bearer token had no way to go out.
    pub bearer_left: bool,
    pub local_network: Option<LocalNetwork>,
    pub unknowable: Vec<Unknowable>,
}

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub about: About,
    /// What stands behind [`About::title`].
    pub text: String,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Cookie,
    Bearer,
    LocalNetwork,
    /// Nothing is the matter; it is said so that nobody takes the verdict for more than it is.
    Unknowable,
}

impl About {
    /// Stable: the step's name in `check`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Bearer => "bearer",
            Self::LocalNetwork => "local-network",
            Self::Unknowable => "unknowable",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Cookie => "Cookie",
            Self::Bearer => "Bearer token",
            Self::LocalNetwork => "Local network",
            Self::Unknowable => "Not known here",
        }
    }
}

impl Remark {
    /// Standing by itself.
    pub fn sentence(&self) -> String {
        match self.about {
            About::Cookie => format!("The cookie {}.", self.text),
            About::Bearer => format!("The bearer token is {}.", self.text),
            About::LocalNetwork | About::Unknowable => format!("{}.", self.entry()),
        }
    }

    /// Standing beside its title. A cookie's name stays as it is.
    pub fn entry(&self) -> String {
        let mut letters = self.text.chars();
        match (self.about, letters.next()) {
            (About::Bearer | About::LocalNetwork | About::Unknowable, Some(first)) => {
                format!("{}{}", first.to_uppercase(), letters.as_str())
            }
            (About::Cookie, _) | (_, None) => self.text.clone(),
        }
    }
}

const BEARER_LEFT: &str =
    "not sent: a browser's WebSocket can set no Authorization header, so that no page's script could";

impl Beside {
    pub fn of(facts: &Facts<'_>) -> Self {
        let page = Page::new(facts.page.clone(), facts.browser);
        let exchanges = || facts.exchanges.iter().copied();
        // A sign-in is the person's doing, not the page's.
        let own = exchanges().filter(|exchange| exchange.request.purpose != Purpose::SignIn);
        let local_network = local_network::check(&page, own);
        let sent = !facts.exchanges.is_empty();
        let refused = matches!(
            facts.code(),
            Some(Code::MixedContent | Code::ContentSecurityPolicy | Code::UnsafePort | Code::DisallowedByMode)
        );
        let asked = Asked {
            page: &page,
            credentials: (!facts.is_websocket()).then_some(facts.credentials),
            thrown: !sent && !refused,
            sent,
            local_network,
        };
        Self {
            cookies: cookie::left_out(&page, facts.credentials, exchanges(), facts.at)
                .into_iter()
                .filter(|lost| !was_sent(facts.exchanges.as_slice(), lost))
                .collect(),
            bearer_left: facts.signs_in_by_bearer && facts.is_websocket() && sent && !exchanges().any(has_bearer),
            local_network,
            unknowable: unknowable::of(&asked),
        }
    }

    /// As lines, in order.
    pub fn remarks(&self, facts: &Facts<'_>) -> Vec<Remark> {
        let cookies = self.cookies.iter().map(|lost| Remark { about: About::Cookie, text: cookie_words(lost) });
        let local = self.local_network.map(|local| Remark {
            about: About::LocalNetwork,
            text: local_network_words(facts.browser, &facts.origin(), local),
        });
        let unknown = unknowable_words(&self.unknowable).map(|text| Remark { about: About::Unknowable, text });
        let bearer = self.bearer_left.then(|| Remark { about: About::Bearer, text: BEARER_LEFT.to_owned() });
        cookies.chain(bearer).chain(local).chain(unknown).collect()
    }
}

/// Polling takes it along.
fn has_bearer(exchange: &Exchange) -> bool {
    exchange.request.headers.contains("authorization")
}

/// A profile gives a cookie of that name, and it went out whatever an answer says about its own.
fn was_sent(exchanges: &[&Exchange], lost: &Excluded) -> bool {
    let own = |exchange: &&&Exchange| !matches!(exchange.request.purpose, Purpose::Preflight | Purpose::SignIn);
    let requests = exchanges.iter().filter(own);
    requests
        .flat_map(|exchange| exchange.request.headers.all("cookie").flat_map(cookie::names))
        .any(|name| name == lost.name)
}

fn cookie_words(lost: &Excluded) -> String {
    format!("{} is {}: {}", lost.name, lost.lost.word(), lost.why.words())
}

/// The page's address is known to its browser alone, so that mostly this begins with an "if".
fn local_network_words(browser: Browser, origin: &str, local: LocalNetwork) -> String {
    let (who, target) = (browser.name(), place(local.target));
    let what = match local.decision {
        Decision::Asks => {
            format!("{who} asks the person whether {origin} may reach {target}, and sends nothing until they allow it")
        }
        Decision::Refuses => {
            format!("{who} refuses: only a page over https may ask the person for leave to reach {target}")
        }
        Decision::MayAsk => {
            format!("{who} may ask the person whether {origin} may reach {target}: not every copy of it does yet")
        }
    };
    match local.page {
        Some(_) => what,
        None => format!("if the page is served from the internet, {what}"),
    }
}

/// Where an address space is, seen from here.
pub(super) fn place(space: AddressSpace) -> &'static str {
    match space {
        AddressSpace::Loopback => "this machine",
        AddressSpace::Local => "the local network",
        AddressSpace::Public => "the internet",
    }
}

/// `None`: nothing that has no line of its own.
fn unknowable_words(list: &[Unknowable]) -> Option<String> {
    let words: Vec<&str> = list
        .iter()
        .filter_map(|one| match one {
            Unknowable::Extensions => Some("extensions"),
            Unknowable::ServiceWorker => Some("the page's service worker"),
            Unknowable::UserCookies => Some("the person's own cookies"),
            Unknowable::EnterprisePolicy => Some("an administrator's policy"),
            Unknowable::LocalNetworkPermission => None,
        })
        .collect();
    let (last, rest) = words.split_last()?;
    let list = if rest.is_empty() { (*last).to_owned() } else { format!("{} or {last}", rest.join(", ")) };
    Some(format!("{list} may change it"))
}
