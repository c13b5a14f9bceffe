//! What a fetch makes of an answer: refused, followed elsewhere, or handed to the script.

use url::Url;

use super::super::answer::{Answer, ResponseType};
use super::super::console::{self, Failing};
use super::super::cors::{CorsError, cors_check};
use super::super::dialect::csp::{Asker, Check, checks};
use super::super::redirect::{self, Location};
use super::super::{Api, Browser, Fault, Mode, Redirect, dialect, headers, http, origin};
use super::{Fetch, Next, Step};
use crate::wire::{Exchange, NetError, Phase, Purpose, WireResponse};

impl Fetch {
    /// What the network layer under the page refuses before any policy sees the answer.
    pub(super) fn refused_by_network_layer(&self, response: &WireResponse, proxied: bool) -> Option<Fault> {
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
    pub(super) fn http_fetch_response(&mut self, response: &WireResponse) -> Result<Next, Fault> {
        let location = redirect::location_url(self.page.browser, response, self.url());
        // The network's own rules about where a redirect may lead come first.
        self.network_takes_redirect(&location)?;
        // Step 4.4: the CORS check of every answer, redirects included.
        if self.tainting == ResponseType::Cors
            && let Err(why) = cors_check(self.request_origin(), self.credentials, &response.headers)
        {
            self.clear_permissions();
            return Err(Fault::Cors(CorsError::Access { preflight: false, why }));
        }
        // Step 4.5: Cross-Origin-Resource-Policy.
        if self.tainting == ResponseType::Opaque {
            self.resource_policy(response)?;
        }
        match location {
            Location::None | Location::Invalid => self.filtered_response(response),
            Location::Url(to) => match self.redirect {
                Redirect::Error => Err(Fault::RedirectRefused),
                Redirect::Manual => Ok(Next::Script(ResponseType::OpaqueRedirect, Vec::new())),
                Redirect::Follow => Ok(Next::Redirect { status: response.status, to }),
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
    fn resource_policy(&self, response: &WireResponse) -> Result<(), Fault> {
        let policy = response.headers.joined("cross-origin-resource-policy").unwrap_or_default();
        let (page, url) = (&self.page, self.url());
        match policy.trim() {
            "same-origin" if !page.is_same_origin(url) => Err(Fault::ResourcePolicySameOrigin),
            "same-site" if page.is_sandboxed() || !origin::same_site(&page.url, url) => {
                Err(Fault::ResourcePolicySameSite)
            }
            _ => Ok(()),
        }
    }

    /// [HTTP-redirect fetch](https://fetch.spec.whatwg.org/#http-redirect-fetch) to `next`.
    pub(super) fn http_redirect_fetch(&mut self, status: u16, mut next: Url) -> Step {
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
    fn filtered_response(&self, response: &WireResponse) -> Result<Next, Fault> {
        if self.api == Api::Xhr
            && let Some(error) = &response.transfer.error
            && dialect::broken_body_fails_xhr(self.page.browser, error)
        {
            return Err(Fault::Net(error.clone()));
        }
        let exposed = headers::exposed(self.tainting, self.credentials, &response.headers);
        Ok(Next::Script(self.tainting, exposed))
    }

    pub(super) fn done(&mut self, result: Result<(ResponseType, Vec<String>), Fault>) -> Step {
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
            redirects: last.is_some_and(|response| redirect::is_redirect(self.page.browser, response)),
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
        let excluded = std::mem::take(&mut self.cookies.excluded);
        let answer = Answer::of(&self.page, Some(self.credentials), fault, exchanges, console, excluded);
        // The other interfaces have no word for it.
        let response_type = response_type.filter(|_| self.api == Api::Fetch);
        Step::Done(Box::new(Answer { status, preflighted, response_type, exposed_headers, ..answer }))
    }
}

/// Whether the request itself was sent: its connection came up.
fn went_out(exchange: &Exchange) -> bool {
    match &exchange.result {
        Ok(_) => true,
        Err(error) => Phase::Request <= error.phase(),
    }
}
