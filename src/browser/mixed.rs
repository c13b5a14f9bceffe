//! [Mixed Content](https://w3c.github.io/webappsec-mixed-content/): what an https page may not ask for.

use url::Url;

use super::{Fault, Page, dialect, origin};

/// [Should fetching request be blocked as mixed content?](https://w3c.github.io/webappsec-mixed-content/#should-block-fetch)
/// for a script's request, which is upgraded by the page's policy alone, and before this.
pub fn should_block(page: &Page, url: &Url) -> Option<Fault> {
    // Step 1.1: the page prohibits mixed contexts: its own scheme is secure, though it be sandboxed.
    if page.url.scheme() != "https" {
        return None;
    }
    // Step 1.2: the request's URL is potentially trustworthy.
    if matches!(url.scheme(), "https" | "wss")
        || (origin::is_loopback(url) && dialect::loopback_is_trustworthy(page.browser))
    {
        return None;
    }
    let by_policy = matches!(url.scheme(), "http")
        && page.policies.iter().any(|policy| policy.block_all_mixed_content)
        && dialect::csp::names_block_all_mixed_content(page.browser);
    Some(if by_policy { Fault::ContentSecurityPolicy { directive: BLOCK_ALL.to_owned() } } else { Fault::MixedContent })
}

/// The directive that forbids what is forbidden anyway.
pub const BLOCK_ALL: &str = "block-all-mixed-content";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::Browser;

    #[track_caller]
    fn check(page: &str, browser: Browser, url: &str, blocked: bool) {
        let page = Page::new(Url::parse(page).unwrap(), browser);
        assert_eq!(should_block(&page, &Url::parse(url).unwrap()).is_some(), blocked, "{} -> {url}", page.url);
    }

    #[test]
    fn an_https_page_may_ask_for_secure_schemes_and_loopback_alone() {
        check("https://app.test", Browser::Chrome, "http://api.test", true);
        check("https://app.test", Browser::Chrome, "ws://api.test", true);
        check("https://app.test", Browser::Chrome, "wss://api.test", false);
        check("https://app.test", Browser::Firefox, "http://127.0.0.1:5000", false);
        check("http://app.test", Browser::Chrome, "http://api.test", false);
    }

    #[test]
    fn safari_makes_no_exception_for_loopback() {
        check("https://app.test", Browser::Safari, "ws://localhost:5000", true);
    }
}
