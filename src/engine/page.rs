//! The page's own Content-Security-Policy, read from the page where a profile says `csp = "auto"`.
//!
//! Invariant: a page is asked at most once in [`KEPT`], however often its profile is checked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::Clock;
use crate::browser::cookie::Jar;
use crate::browser::{Navigation, Page};
use crate::net::Client;
use crate::wire::WireResponse;

/// How long an answer is good for.
pub const KEPT: Duration = Duration::from_secs(600);

/// What the page's answer said, each header's fields joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    pub enforced: Option<String>,
    pub report_only: Option<String>,
}

/// What was read last, and when.
#[derive(Debug, Default)]
pub struct OwnPolicies(Mutex<Option<(Instant, Arc<Policies>)>>);

impl OwnPolicies {
    /// The policies of the page, as its browser would be sent them with these cookies. Where it can't be read, those that were
    /// read before, else none.
    pub async fn read(&self, page: &Page, jar: Jar, client: &Client, clock: Clock, deadline: Instant) -> Arc<Policies> {
        let now = clock.mono();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let older = match known {
            Some((read, policies)) if now.saturating_duration_since(read) < KEPT => return policies,
            Some((_, policies)) => policies,
            None => Arc::default(),
        };
        let Some(policies) = navigate(page, jar, client, clock, deadline).await else { return older };
        let policies = Arc::new(policies);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&policies)));
        policies
    }
}

/// The answer that a navigation ends with; `None`: none.
async fn navigate(page: &Page, mut jar: Jar, client: &Client, clock: Clock, deadline: Instant) -> Option<Policies> {
    let mut going = Navigation::to(page.browser, page.url.clone());
    loop {
        let mut exchange = client.exchange(going.request(&mut jar, clock.wall()), deadline).await;
        if !going.on_exchange(&mut exchange, &mut jar, clock.wall()).ok()? {
            return exchange.response().map(policies);
        }
    }
}

fn policies(response: &WireResponse) -> Policies {
    Policies {
        enforced: response.headers.joined("content-security-policy"),
        report_only: response.headers.joined("content-security-policy-report-only"),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use url::Url;

    use super::*;
    use crate::browser::Browser;
    use crate::lab::Oracle;
    use crate::net::{ConnectTo, Settings};
    use crate::profile::model::Proxy;

    #[tokio::test]
    async fn a_page_says_its_policies_itself_and_is_asked_once() {
        let oracle = Oracle::start().await.unwrap();
        let connect_to = oracle.places().into_iter().map(|(host, port, to)| ConnectTo { host, port, to }).collect();
        let settings = Settings { proxy: Proxy::Direct, connect_to, ..Settings::default() };
        let client = Client::new(&settings).unwrap();
        let script = r#"{"hops":[{"m":{"st":302,"h":["Location: {next:http://b.test:17083}"]}},
            {"m":{"h":["Content-Security-Policy: connect-src 'self'"]}}]}"#;
        let url = format!("http://app.test:17081/page?s={}", URL_SAFE_NO_PAD.encode(script));
        let page = Page::new(Url::parse(&url).unwrap(), Browser::Chrome);
        let deadline = Clock.mono() + Duration::from_secs(60);
        let own = OwnPolicies::default();
        let read = own.read(&page, Jar::default(), &client, Clock, deadline).await;
        assert_eq!(read.enforced.as_deref(), Some("connect-src 'self'"));
        assert_eq!(read.report_only, None);
        drop(oracle);
        let again = own.read(&page, Jar::default(), &client, Clock, deadline).await;
        assert!(Arc::ptr_eq(&read, &again));
    }
}
