//! [`fetch()`](https://fetch.spec.whatwg.org/#fetch-method) as a machine: it says what goes out, is told what came back, and
//! decides what the script gets.
//!
//! Where Chromium's order of checks differs from the standard's, it is Chromium's that stands here; which checks there are
//! is the standard's.

mod policies;
mod response;

use bytes::Bytes;
use url::Url;

use super::answer::{Answer, ResponseType};
use super::console::Remark;
use super::cookie::Trail;
use super::cors::CorsError;
use super::dialect::csp::Asker;
use super::preflight::{self, Wanted};
use super::script::{Call, Prepared};
use super::sent::{self, Sent};
use super::{
    Api, Credentials, Fault, Memory, Mode, Page, Redirect, ScriptRequest, dialect, headers, http, mixed, port, scheme,
};
use crate::base::Wall;
use crate::wire::{Exchange, Purpose, WireRequest, WireResponse};

/// What a machine wants next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Send this, and say what came of it by `on_exchange`.
    Send(Box<WireRequest>),
    /// It is over.
    Done(Box<Answer>),
}

/// One fetch under way.
#[derive(Clone, Debug)]
pub struct Fetch {
    page: Page,
    /// The page's, as a header has it.
    origin: String,
    api: Api,
    notes: Vec<String>,
    memory: Memory,
    now: Wall,
    method: String,
    /// Combined: each name once, as first written.
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Bytes>,
    mode: Mode,
    credentials: Credentials,
    redirect: Redirect,
    /// [URL list](https://fetch.spec.whatwg.org/#concept-request-url-list): never empty, the current one last.
    urls: Vec<Url>,
    /// [Response tainting](https://fetch.spec.whatwg.org/#concept-request-response-tainting): never back to basic.
    tainting: ResponseType,
    /// [Tainted origin](https://fetch.spec.whatwg.org/#concept-request-tainted-origin): `Origin: null` from here on.
    tainted: bool,
    /// A preflight was needed once.
    preflight_needed: bool,
    waiting: Waiting,
    exchanges: Vec<Exchange>,
    /// What the console has said so far.
    remarks: Vec<Remark>,
    /// It was `fetch()` itself that the page's policy stopped, not the loader under it.
    refused_at_once: bool,
    /// Credentials go with the request that is under way.
    credentialed: bool,
    cookies: Trail,
}

/// Whose answer comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Waiting {
    Preflight(Wanted),
    Actual,
}

/// What an answer leads to.
enum Next {
    /// The request that the preflight was for.
    Actual,
    /// Elsewhere, by an answer of that status.
    Redirect { status: u16, to: Box<Url> },
    /// To the script, which may read the headers of these names.
    Script(ResponseType, Vec<String>),
}

impl Fetch {
    /// [fetch(input, init)](https://fetch.spec.whatwg.org/#dom-global-fetch) up to the first request that goes out. `now` is
    /// for what has a life time (cookies, permissions).
    pub fn start(page: Page, request: ScriptRequest, memory: Memory, now: Wall) -> (Self, Step) {
        let call = Call {
            api: Api::Fetch,
            prepared: request.prepare(page.browser),
            url: request.url,
            mode: request.mode,
            credentials: request.credentials,
            redirect: request.redirect,
            notes: Vec::new(),
        };
        Self::begin(page, call, memory, now)
    }

    pub(super) fn begin(page: Page, call: Call, memory: Memory, now: Wall) -> (Self, Step) {
        let (prepared, thrown) = match call.prepared {
            Ok(prepared) => (prepared, None),
            Err(fault) => (Prepared::default(), Some(fault)),
        };
        let mut fetch = Self {
            origin: page.origin(),
            page,
            api: call.api,
            notes: call.notes,
            memory,
            now,
            method: prepared.method,
            headers: prepared.headers,
            body: prepared.body,
            mode: call.mode,
            credentials: call.credentials,
            redirect: call.redirect,
            urls: vec![call.url],
            tainting: ResponseType::Basic,
            tainted: false,
            preflight_needed: false,
            waiting: Waiting::Actual,
            exchanges: Vec::new(),
            remarks: Vec::new(),
            refused_at_once: false,
            credentialed: false,
            cookies: Trail::default(),
        };
        let step = match thrown {
            None => fetch.first_fetch(),
            Some(fault) => fetch.done(Err(fault)),
        };
        (fetch, step)
    }

    /// What came of the request that [`Step::Send`] named.
    pub fn on_exchange(&mut self, mut exchange: Exchange, now: Wall) -> Step {
        self.now = now;
        let refused = http::read(self.page.browser, &mut exchange).err();
        let next = match (&exchange.result, &refused) {
            (Ok(response), None) => self.answered(response, exchange.proxy.is_some()),
            (Err(error), _) | (Ok(_), Some(error)) => {
                self.clear_permissions();
                Err(Fault::Net(error.clone()))
            }
        };
        // Most have one, and each is large.
        self.exchanges.reserve_exact(1);
        self.exchanges.push(exchange);
        match next {
            Ok(Next::Actual) => self.send_actual(),
            Ok(Next::Redirect { status, to }) => self.http_redirect_fetch(status, *to),
            Ok(Next::Script(response_type, exposed)) => self.done(Ok((response_type, exposed))),
            Err(fault) => self.done(Err(fault)),
        }
    }

    fn answered(&mut self, response: &WireResponse, proxied: bool) -> Result<Next, Fault> {
        let browser = self.page.browser;
        let refused = self.refused_by_network_layer(response, proxied);
        if refused.is_none() || dialect::cookies::keeps_of_broken_answer(browser) {
            self.store_cookies(response);
        }
        if let Some(fault) = refused {
            return Err(fault);
        }
        match std::mem::replace(&mut self.waiting, Waiting::Actual) {
            Waiting::Preflight(wanted) => {
                preflight::check(browser, self.url(), &wanted, self.preflight_origin(), self.credentials, response)
                    .map_err(Fault::Cors)?;
                let answer = &response.headers;
                self.with_permissions(|permissions, key, now| permissions.remember(browser, key, answer, now));
                if preflight::leans_on_wildcard(&wanted, response) {
                    self.remarks.push(Remark::Wildcard { url: self.url().clone() });
                }
                Ok(Next::Actual)
            }
            Waiting::Actual => self.http_fetch_response(response),
        }
    }

    /// What went out so far.
    pub(super) fn take_exchanges(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.exchanges)
    }

    /// What the browser remembers after it.
    pub fn into_memory(self) -> Memory {
        self.memory
    }

    fn url(&self) -> &Url {
        &self.urls[self.urls.len() - 1]
    }

    /// [Main fetch](https://fetch.spec.whatwg.org/#concept-main-fetch) for the URL that the script gave.
    fn first_fetch(&mut self) -> Step {
        let asker = if self.api == Api::Fetch { Asker::Fetch } else { Asker::Api };
        if let Some(fault) = self.policies(asker) {
            self.refused_at_once = true;
            return self.done(Err(fault));
        }
        match scheme::check(&self.page, self.api, self.mode, self.url()) {
            None => {}
            // Answered from the URL itself.
            Some(Ok(())) => {
                let names = dialect::headers_of_data(self.page.browser, self.api);
                return match self.policies(Asker::Loader) {
                    None => self.done(Ok((ResponseType::Basic, names))),
                    Some(fault) => self.done(Err(fault)),
                };
            }
            Some(Err(fault)) => return self.done(Err(fault)),
        }
        let url = self.url();
        let same_origin = self.page.is_same_origin(url);
        // Step 12: same-origin mode, and no-cors with a redirect mode.
        if !same_origin && self.mode == Mode::SameOrigin {
            return self.done(Err(Fault::Cors(CorsError::DisallowedByMode)));
        }
        if !same_origin && self.mode == Mode::NoCors && self.redirect != Redirect::Follow {
            return self.done(Err(Fault::Cors(CorsError::DisallowedByMode)));
        }
        if let Some(fault) = self.policies(Asker::Loader) {
            return self.done(Err(fault));
        }
        self.main_fetch()
    }

    /// [Main fetch](https://fetch.spec.whatwg.org/#concept-main-fetch), the steps that each hop takes.
    fn main_fetch(&mut self) -> Step {
        let browser = self.page.browser;
        // Step 7: mixed content, then the port.
        if let Some(fault) = mixed::should_block(&self.page, self.url()) {
            return self.done(Err(fault));
        }
        if let Some(port) = port::bad_port(browser, self.url()) {
            return self.done(Err(Fault::UnsafePort { port }));
        }
        // Step 12: response tainting, which only gets stricter.
        if !self.page.is_same_origin(self.url()) && self.tainting == ResponseType::Basic {
            self.tainting = if self.mode == Mode::NoCors { ResponseType::Opaque } else { ResponseType::Cors };
        }
        // HTTP fetch, step 4.2: a preflight, where CORS is in play and the request is no simple one. An EventSource's fields are
        // not the script's: it has no unsafe-request flag.
        if self.tainting != ResponseType::Cors {
            self.preflight_needed |= dialect::remembers_unsafe_headers(browser) && !self.wanted().names.is_empty();
        } else if self.api != Api::EventSource {
            let wanted = self.wanted();
            self.preflight_needed |= wanted.needs_preflight();
            let sticky = self.preflight_needed && dialect::preflight_is_sticky(browser);
            if wanted.needs_preflight() || sticky {
                let permitted =
                    self.with_permissions(|permissions, key, now| permissions.permit(browser, key, &wanted, now));
                return if permitted { self.send_actual() } else { self.send_preflight(wanted) };
            }
        }
        self.send_actual()
    }

    fn wanted(&self) -> Wanted {
        let list = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let names = headers::cors_unsafe_names(self.page.browser, list)
            .into_iter()
            .map(|lower| {
                let written = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(&lower));
                let written = written.map_or_else(|| lower.clone(), |(name, _)| name.clone());
                (lower, written)
            })
            .collect();
        Wanted { method: self.method.clone(), names }
    }

    /// [Serializing a request origin](https://fetch.spec.whatwg.org/#serializing-a-request-origin).
    fn request_origin(&self) -> &str {
        if self.tainted { "null" } else { &self.origin }
    }

    fn preflight_origin(&self) -> &str {
        if dialect::preflight_origin_is_tainted(self.page.browser) { self.request_origin() } else { &self.origin }
    }

    /// [Append a request `Origin` header](https://fetch.spec.whatwg.org/#append-a-request-origin-header).
    fn origin_header(&self) -> Option<&str> {
        // Step 2: wherever CORS is in play.
        if self.tainting == ResponseType::Cors {
            return Some(self.request_origin());
        }
        // Step 3: else with every method that may change something, by the default referrer policy.
        if matches!(self.method.as_str(), "GET" | "HEAD") {
            return None;
        }
        let downgrade = self.page.url.scheme() == "https" && self.url().scheme() != "https";
        Some(if downgrade { "null" } else { self.request_origin() })
    }

    /// The URL as it goes out: without its fragment.
    fn sent_url(&self) -> Url {
        let mut url = self.url().clone();
        url.set_fragment(None);
        url
    }

    fn send_preflight(&mut self, wanted: Wanted) -> Step {
        let (url, list) = (self.sent_url(), wanted.header_list());
        let headers = sent::headers(&Sent {
            api: self.api,
            page: &self.page,
            url: &url,
            method: "OPTIONS",
            script: &[],
            body: None,
            origin: Some(self.preflight_origin()),
            cookie: None, // A preflight never carries credentials.
            mode: Mode::Cors,
            way: &self.urls,
            preflight: Some((&wanted.method, list.as_deref())),
        });
        self.waiting = Waiting::Preflight(wanted);
        let body = Bytes::new();
        Step::Send(Box::new(WireRequest { purpose: Purpose::Preflight, method: "OPTIONS".into(), url, headers, body }))
    }

    /// [HTTP-network-or-cache fetch](https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch), without the cache.
    fn send_actual(&mut self) -> Step {
        let url = self.sent_url();
        // Steps 3 to 5: whether credentials go with it.
        let include = match self.credentials {
            Credentials::Include => true,
            Credentials::SameOrigin => self.tainting == ResponseType::Basic,
            Credentials::Omit => false,
        };
        self.credentialed = include;
        // Step 8.21: append the Cookie field.
        let cookie = if include {
            let at = self.exchanges.len();
            let field = self.cookies.send(&mut self.memory, &self.page, &self.urls, self.now, at);
            self.remarks.extend(self.cookies.notes());
            field
        } else {
            None
        };
        let headers = sent::headers(&Sent {
            api: self.api,
            page: &self.page,
            url: &url,
            method: &self.method,
            script: &self.headers,
            body: self.body.as_ref().map(Bytes::len),
            origin: self.origin_header(),
            cookie: cookie.as_deref(),
            mode: self.mode,
            way: &self.urls,
            preflight: None,
        });
        self.waiting = Waiting::Actual;
        let body = self.body.clone().unwrap_or_default();
        Step::Send(Box::new(WireRequest { purpose: Purpose::Actual, method: self.method.clone(), url, headers, body }))
    }

    /// Cookies are stored whatever CORS says of the answer, but of a preflight never.
    fn store_cookies(&mut self, response: &WireResponse) {
        let keeps = dialect::cookies::keeps_of_answer(self.page.browser, response.status);
        if self.waiting == Waiting::Actual && self.credentialed && keeps {
            let at = self.exchanges.len();
            self.cookies.receive(&mut self.memory.jar, &self.page, &self.urls, &response.headers, self.now, at);
            self.remarks.extend(self.cookies.notes());
        }
    }
}
