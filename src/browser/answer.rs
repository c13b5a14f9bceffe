//! What came of a request, as the page sees it.

use super::console::{self, Console};
use super::cookie::Excluded;
use super::local_network::{self, LocalNetwork};
use super::unknowable::{self, Asked};
use super::websocket::CloseEvent;
use super::{Api, ApiMisuse, Browser, Credentials, Fault, Misuse, Page, Unknowable};
use crate::wire::Exchange;

/// How it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The script gets its response (an opaque one too), or its socket opens.
    Allowed,
    /// Policy stopped it.
    Blocked,
    /// The network, the protocol or the API's own rules did.
    Failed,
}

impl Outcome {
    /// Stable: as `replay` writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
        }
    }
}

/// The ways from a page to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interface {
    Http(Api),
    WebSocket,
}

/// [Response type](https://fetch.spec.whatwg.org/#concept-response-type).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResponseType {
    Basic,
    Cors,
    Opaque,
    OpaqueRedirect,
}

impl ResponseType {
    /// As a script reads it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Cors => "cors",
            Self::Opaque => "opaque",
            Self::OpaqueRedirect => "opaqueredirect",
        }
    }
}

/// The whole of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Whose rules and words.
    pub browser: Browser,
    pub outcome: Outcome,
    /// `None` where it is allowed, and only there.
    pub fault: Option<Fault>,
    /// Of the response that decided; `None` where none came.
    pub status: Option<u16>,
    /// A preflight went out.
    pub preflighted: bool,
    /// Everything that was sent, in order: preflights, redirects, the answer.
    pub exchanges: Vec<Exchange>,
    pub response_type: Option<ResponseType>,
    /// Names of the response's headers that the script can read, lower case, sorted.
    pub exposed_headers: Vec<String>,
    pub console: Console,
    /// Cookies that were not stored or not sent, and why; [`Excluded::MOST`] at most.
    pub excluded: Vec<Excluded>,
    /// The subprotocol of a WebSocket that opened.
    pub protocol: Option<String>,
    /// The close event of a WebSocket, as the script sees it; `None` where none came.
    pub close: Option<CloseEvent>,
    /// An EventSource's `readyState` as it was last looked at; `None` where its constructor threw, and for the rest.
    pub ready_state: Option<u8>,
    /// What the browser would ask the person, or refuse, about this machine or this network. Never part of the outcome.
    pub local_network: Option<LocalNetwork>,
    /// What could have made it come out otherwise in a person's browser.
    pub unknowable: Vec<Unknowable>,
}

impl Answer {
    /// What every interface's answer has; the rest is as where nothing came. `credentials`: see [`Asked`].
    pub(super) fn of(
        page: &Page,
        credentials: Option<Credentials>,
        fault: Option<Fault>,
        exchanges: Vec<Exchange>,
        console: Console,
        excluded: Vec<Excluded>,
    ) -> Self {
        let local_network = local_network::check(page, &exchanges);
        let (sent, thrown) = (!exchanges.is_empty(), fault.as_ref().is_some_and(Fault::is_thrown));
        let unknowable = unknowable::of(&Asked { page, credentials, thrown, sent, local_network });
        Self { exchanges, excluded, local_network, unknowable, ..Self::bare(page.browser, fault, console) }
    }

    /// Of an interface that throws before anything is sent.
    pub fn thrown(browser: Browser, fault: Fault, console: Console) -> Box<Self> {
        Box::new(Self::bare(browser, Some(fault), console))
    }

    fn bare(browser: Browser, fault: Option<Fault>, console: Console) -> Self {
        Self {
            browser,
            outcome: outcome_of(fault.as_ref()),
            fault,
            status: None,
            preflighted: false,
            exchanges: Vec::new(),
            response_type: None,
            exposed_headers: Vec::new(),
            console,
            excluded: Vec::new(),
            protocol: None,
            close: None,
            ready_state: None,
            local_network: None,
            unknowable: Vec::new(),
        }
    }

    /// What comes of `text` where it is no URL: each interface throws in its way.
    pub fn unparsable(page: &Page, interface: Interface, text: &str) -> Box<Self> {
        let browser = page.browser;
        let fault = match interface {
            Interface::Http(Api::Fetch) => Fault::TypeError(console::unparsable_exception(browser, text)),
            Interface::Http(api) => Fault::Misuse { api, misuse: ApiMisuse::Url { text: text.to_owned() } },
            Interface::WebSocket => Fault::SyntaxError(Misuse::Url { text: text.to_owned() }),
        };
        let console = match interface {
            Interface::Http(_) => Console::default(),
            Interface::WebSocket => console::of_handshake(page, &page.url, &[], Some(&fault)),
        };
        Self::thrown(browser, fault, console)
    }

    /// The code of the fault; `None` where it is allowed.
    pub fn code(&self) -> Option<&'static str> {
        self.fault.as_ref().map(Fault::code)
    }

    /// The console's line with the reason.
    pub fn console_line(&self) -> Option<&str> {
        self.console.reason()
    }

    /// The exception's text, where the API throws.
    pub fn exception(&self) -> Option<String> {
        match self.fault.as_ref()? {
            Fault::TypeError(text) => Some(format!("TypeError: {text}")),
            Fault::SyntaxError(misuse) => {
                Some(format!("SyntaxError: {}", console::websocket_exception(self.browser, misuse)))
            }
            Fault::Misuse { api, misuse } => {
                Some(format!("{}: {}", misuse.exception(), console::misuse_exception(self.browser, *api, misuse)))
            }
            _ => None,
        }
    }

    /// The exchange that decided: the last one.
    pub fn last(&self) -> Option<&Exchange> {
        self.exchanges.last()
    }
}

/// The outcome that a fault means.
fn outcome_of(fault: Option<&Fault>) -> Outcome {
    match fault {
        None => Outcome::Allowed,
        Some(fault) if fault.is_policy() => Outcome::Blocked,
        Some(_) => Outcome::Failed,
    }
}
