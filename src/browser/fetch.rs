//! [`fetch()`](https://fetch.spec.whatwg.org/#fetch-method) as a machine: it says what goes out, is told what came back, and
//! decides what the script gets.
//!
//! Where Chromium's order of checks differs from the standard's, it is Chromium's that stands here; which checks there are
//! is the standard's.

mod policies;

use bytes::Bytes;
use url::Url;

use super::answer::{Answer, Outcome, ResponseType, outcome_of};
use super::console::{self, Failing, Remark};
use super::cookie::Trail;
use super::cors::{CorsError, cors_check};
use super::dialect::csp::{Asker, Check, checks};
use super::preflight::{self, Wanted};
use super::redirect::{self, Location};
use super::script::{Call, Prepared};
use super::sent::{self, Sent};
use super::unknowable::{self, Asked};
use super::{
    Api, Browser, Credentials, Fault, Memory, Mode, Page, Redirect, ScriptRequest, dialect, headers, http,
    local_network, mixed, origin, port,
};
use crate::base::Wall;
use crate::wire::{Exchange, NetError, Phase, Purpose, WireRequest, WireResponse};

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
        let result = exchange.result.clone();
        let proxied = exchange.proxy.is_some();
        self.exchanges.push(exchange);
        let response = match (result, refused) {
            (Ok(response), None) => response,
            (Err(error), _) | (Ok(_), Some(error)) => {
                self.clear_permissions();
                return self.done(Err(Fault::Net(error)));
            }
        };
        let refused = self.refused_by_network_layer(&response, proxied);
        if refused.is_none() || dialect::cookies::keeps_of_broken_answer(self.page.browser) {
            self.store_cookies(&response);
        }
        if let Some(fault) = refused {
            return self.done(Err(fault));
        }
        match std::mem::replace(&mut self.waiting, Waiting::Actual) {
            Waiting::Preflight(wanted) => {
                let origin = self.preflight_origin();
                let browser = self.page.browser;
                match preflight::check(browser, self.url(), &wanted, &origin, self.credentials, &response) {
                    Ok(()) => {
                        let answer = &response.headers;
                        self.with_permissions(|permissions, key, now| permissions.remember(browser, key, answer, now));
                        if preflight::leans_on_wildcard(&wanted, &response) {
                            self.remarks.push(Remark::Wildcard { url: self.url().clone() });
                        }
                        self.send_actual()
                    }
                    Err(error) => self.done(Err(Fault::Cors(error))),
                }
            }
            Waiting::Actual => self.http_fetch_response(&response),
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
        let url = self.url();
        if url.scheme() == "data" {
            // [Scheme fetch](https://fetch.spec.whatwg.org/#scheme-fetch): answered from the URL itself.
            return match self.policies(Asker::Loader) {
                None => self.done(Ok((ResponseType::Basic, vec!["content-type".into()]))),
                Some(fault) => self.done(Err(fault)),
            };
        }
        if url.scheme() == "file" && self.page.browser != Browser::Safari {
            return self.done(Err(Fault::LocalResource));
        }
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme().to_owned();
            return self.done(Err(Fault::Cors(CorsError::DisabledScheme { scheme })));
        }
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
    fn request_origin(&self) -> String {
        if self.tainted { "null".into() } else { self.page.origin() }
    }

    fn preflight_origin(&self) -> String {
        if dialect::preflight_origin_is_tainted(self.page.browser) { self.request_origin() } else { self.page.origin() }
    }

    /// [Append a request `Origin` header](https://fetch.spec.whatwg.org/#append-a-request-origin-header).
    fn origin_header(&self) -> Option<String> {
        // Step 2: wherever CORS is in play.
        if self.tainting == ResponseType::Cors {
            return Some(self.request_origin());
        }
        // Step 3: else with every method that may change something, by the default referrer policy.
        if matches!(self.method.as_str(), "GET" | "HEAD") {
            return None;
        }
        let downgrade = self.page.url.scheme() == "https" && self.url().scheme() != "https";
        Some(if downgrade { "null".into() } else { self.request_origin() })
    }

    /// The URL as it goes out: without its fragment.
    fn sent_url(&self) -> Url {
        let mut url = self.url().clone();
        url.set_fragment(None);
        url
    }

    fn send_preflight(&mut self, wanted: Wanted) -> Step {
        let (url, origin, list) = (self.sent_url(), self.preflight_origin(), wanted.header_list());
        let headers = sent::headers(&Sent {
            api: self.api,
            page: &self.page,
            url: &url,
            method: "OPTIONS",
            script: &[],
            body: None,
            origin: Some(&origin),
            cookie: None, // A preflight never carries credentials.
            mode: Mode::Cors,
            site: sent::sec_fetch_site(&self.page, self.urls.iter()),
            preflight: Some((&wanted.method, list.as_deref())),
        });
        self.waiting = Waiting::Preflight(wanted);
        let body = Bytes::new();
        Step::Send(Box::new(WireRequest { purpose: Purpose::Preflight, method: "OPTIONS".into(), url, headers, body }))
    }

    /// [HTTP-network-or-cache fetch](https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch), without the cache.
    fn send_actual(&mut self) -> Step {
        let (url, origin) = (self.sent_url(), self.origin_header());
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
            origin: origin.as_deref(),
            cookie: cookie.as_deref(),
            mode: self.mode,
            site: sent::sec_fetch_site(&self.page, self.urls.iter()),
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
            let at = self.exchanges.len().saturating_sub(1);
            self.cookies.receive(&mut self.memory.jar, &self.page, &self.urls, &response.headers, self.now, at);
            self.remarks.extend(self.cookies.notes());
        }
    }

    /// What the network layer under the page refuses before any policy sees the answer.
    fn refused_by_network_layer(&self, response: &WireResponse, proxied: bool) -> Option<Fault> {
        let browser = self.page.browser;
        if let Some(name) = http::repeated(browser, response) {
            return Some(Fault::RepeatedHeader { name });
        }
        if response.status == 407 && !proxied && dialect::refuses_proxy_status(browser) {
            return Some(Fault::UnexpectedProxyAuth);
        }
        // A protocol that nobody asked to switch to.
        if response.status == 101 && dialect::refuses_unasked_switch(browser) {
            return Some(Fault::Net(NetError::EmptyResponse));
        }
        let broken = response.transfer.error.as_ref().filter(|error| dialect::broken_body_fails(browser, error));
        broken.map(|error| Fault::Net(error.clone()))
    }

    /// [HTTP fetch](https://fetch.spec.whatwg.org/#concept-http-fetch), step 5 and on: an answer to the request itself.
    fn http_fetch_response(&mut self, response: &WireResponse) -> Step {
        let location = redirect::location_url(self.page.browser, response, self.url());
        // The network's own rules about where a redirect may lead come first.
        if let Err(fault) = self.network_takes_redirect(&location) {
            return self.done(Err(fault));
        }
        // Step 4.4: the CORS check of every answer, redirects included.
        if self.tainting == ResponseType::Cors
            && let Err(why) = cors_check(&self.request_origin(), self.credentials, &response.headers)
        {
            self.clear_permissions();
            return self.done(Err(Fault::Cors(CorsError::Access { preflight: false, why })));
        }
        // Step 4.5: Cross-Origin-Resource-Policy.
        if self.tainting == ResponseType::Opaque
            && let Some(fault) = self.resource_policy(response)
        {
            return self.done(Err(fault));
        }
        match location {
            Location::None | Location::Invalid => self.filtered_response(response),
            Location::Url(next) => match self.redirect {
                Redirect::Error => self.done(Err(Fault::RedirectRefused)),
                Redirect::Manual => self.done(Ok((ResponseType::OpaqueRedirect, Vec::new()))),
                Redirect::Follow => self.http_redirect_fetch(response.status, *next),
            },
        }
    }

    fn network_takes_redirect(&self, location: &Location) -> Result<(), Fault> {
        match location {
            Location::None => Ok(()),
            Location::Invalid => Err(Fault::InvalidRedirect),
            Location::Url(_) if self.redirect != Redirect::Follow => Ok(()),
            Location::Url(_) if redirect::MAX_REDIRECTS < self.urls.len() => Err(Fault::TooManyRedirects),
            Location::Url(next) if redirect::is_unsafe_target(next) => Err(Fault::UnsafeRedirect),
            Location::Url(_) => Ok(()),
        }
    }

    /// [Cross-origin resource policy internal check](https://fetch.spec.whatwg.org/#cross-origin-resource-policy-internal-check).
    fn resource_policy(&self, response: &WireResponse) -> Option<Fault> {
        let policy = response.headers.joined("cross-origin-resource-policy")?;
        let (page, url) = (&self.page, self.url());
        match policy.trim() {
            "same-origin" if !page.is_same_origin(url) => Some(Fault::ResourcePolicySameOrigin),
            "same-site" if page.is_sandboxed() || !origin::same_site(&page.url, url) => {
                Some(Fault::ResourcePolicySameSite)
            }
            _ => None,
        }
    }

    /// [HTTP-redirect fetch](https://fetch.spec.whatwg.org/#http-redirect-fetch) to `next`.
    fn http_redirect_fetch(&mut self, status: u16, mut next: Url) -> Step {
        let browser = self.page.browser;
        let current = self.url().clone();
        if checks(browser, Asker::Redirect).first() == Some(&Check::Upgrade)
            && let Some(secure) = self.page.upgrade(&next)
        {
            next = secure;
        }
        let foreign = !self.page.is_same_origin(&next);
        let asked = dialect::csp::redirect_asks_first(browser, foreign && self.mode == Mode::SameOrigin, &next);
        if asked {
            self.urls.push(next);
            if let Some(fault) = self.policies(Asker::Redirect) {
                return self.done(Err(fault));
            }
            next = self.url().clone();
            self.urls.pop();
        }
        // Step 6: the scheme.
        if !matches!(next.scheme(), "http" | "https") {
            let scheme = next.scheme().to_owned();
            self.urls.push(next);
            if !asked
                && dialect::csp::asks_about_schemes(browser)
                && let Some(fault) = self.policies(Asker::Redirect)
            {
                return self.done(Err(fault));
            }
            return self.done(Err(match self.mode {
                Mode::Cors => Fault::Cors(CorsError::DisabledScheme { scheme }),
                Mode::NoCors | Mode::SameOrigin => Fault::UnknownScheme { scheme },
            }));
        }
        // Steps 9 and 10: a username or password in the URL.
        if !next.username().is_empty() || next.password().is_some() {
            if self.mode == Mode::Cors && (foreign || self.tainted || self.tainting == ResponseType::Cors) {
                return self.done(Err(Fault::Cors(CorsError::RedirectContainsCredentials)));
            }
            if dialect::refuses_userinfo_always(browser, self.api) {
                return self.done(Err(Fault::Aborted));
            }
        }
        // Same-origin mode does not follow abroad.
        if foreign && self.mode == Mode::SameOrigin {
            self.urls.push(next);
            return self.done(Err(Fault::Cors(CorsError::DisallowedByMode)));
        }
        // Step 11: from one foreign origin to another, the origin is tainted.
        if !origin::same_origin(&current, &next) && !self.page.is_same_origin(&current) {
            self.tainted = true;
        }
        // Step 12: the method and the body.
        if redirect::becomes_get(status, &self.method) {
            self.method = "GET".into();
            self.body = None;
            self.headers.retain(|(name, _)| !redirect::is_body_header(name));
        }
        // Step 13: what was meant for that origin alone.
        if !origin::same_origin(&current, &next) && dialect::drops_authorization(browser) {
            self.headers.retain(|(name, _)| !headers::is_non_wildcard(name));
        }
        // Steps 18 to 22.
        self.urls.push(next);
        if !asked && let Some(fault) = self.policies(Asker::Redirect) {
            return self.done(Err(fault));
        }
        self.main_fetch()
    }

    /// [Filtered response](https://fetch.spec.whatwg.org/#concept-filtered-response): what the script may read of it.
    fn filtered_response(&mut self, response: &WireResponse) -> Step {
        if self.api == Api::Xhr
            && let Some(error) = &response.transfer.error
            && dialect::broken_body_fails_xhr(self.page.browser, error)
        {
            return self.done(Err(Fault::Net(error.clone())));
        }
        let exposed = headers::exposed(self.tainting, self.credentials, &response.headers);
        self.done(Ok((self.tainting, exposed)))
    }

    fn done(&mut self, result: Result<(ResponseType, Vec<String>), Fault>) -> Step {
        let (response_type, exposed_headers, fault) = match result {
            Ok((response_type, exposed)) => (Some(response_type), exposed, None),
            Err(fault) => (None, Vec::new(), Some(fault)),
        };
        let exchanges = std::mem::take(&mut self.exchanges);
        let last = exchanges.iter().rev().find_map(Exchange::response);
        let status = match &fault {
            Some(
                Fault::Net(_) | Fault::UnsafePort { .. } | Fault::RepeatedHeader { .. } | Fault::UnexpectedProxyAuth,
            ) => None,
            _ => last.map(|response| response.status),
        };
        let answered = exchanges.last().map_or_else(|| self.url(), |exchange| &exchange.request.url);
        let mut console = console::of_fetch(&Failing {
            api: self.api,
            page: &self.page,
            first: &self.urls[0],
            url: self.url(),
            mode: self.mode,
            fault: fault.as_ref(),
            response: last,
            redirects: last.is_some_and(|response| {
                redirect::location_url(self.page.browser, response, answered) != Location::None
            }),
            follows: self.redirect == Redirect::Follow,
            preflight: exchanges.last().is_some_and(|exchange| exchange.request.purpose == Purpose::Preflight),
            after_preflight: matches!(&exchanges[..], [.., before, last]
                if before.request.purpose == Purpose::Preflight && last.request.purpose == Purpose::Actual),
            origin: self.request_origin(),
            answered,
            sent: !exchanges.is_empty(),
            remarks: &self.remarks,
            refused_at_once: self.refused_at_once,
            foreign: self.tainting != ResponseType::Basic,
        });
        let explains = self.page.browser != Browser::Chrome || fault.as_ref().is_some_and(Fault::is_policy);
        console.prepend(std::mem::take(&mut self.notes), explains);
        let preflighted =
            exchanges.iter().any(|exchange| exchange.request.purpose == Purpose::Preflight && went_out(exchange));
        let outcome: Outcome = outcome_of(fault.as_ref());
        let local_network = local_network::check(&self.page, &exchanges);
        let unknowable = unknowable::of(&Asked {
            page: &self.page,
            credentials: Some(self.credentials),
            fault: fault.as_ref(),
            sent: !exchanges.is_empty(),
            local_network,
        });
        Step::Done(Box::new(Answer {
            browser: self.page.browser,
            outcome,
            fault,
            status,
            preflighted,
            exchanges,
            // The other interfaces have no word for it.
            response_type: response_type.filter(|_| self.api == Api::Fetch),
            exposed_headers,
            console,
            excluded: std::mem::take(&mut self.cookies.excluded),
            protocol: None,
            close: None,
            ready_state: None,
            local_network,
            unknowable,
        }))
    }
}

/// Whether the request itself was sent: its connection came up.
fn went_out(exchange: &Exchange) -> bool {
    match &exchange.result {
        Ok(_) => true,
        Err(error) => Phase::Request <= error.phase(),
    }
}
