//! [Mixed Content](https://w3c.github.io/webappsec-mixed-content/): what an https page may not ask for.

use url::Url;

use super::{Page, dialect, origin};

/// [Should fetching request be blocked as mixed content?](https://w3c.github.io/webappsec-mixed-content/#should-block-fetch)
/// for a script's request, which is never upgraded.
pub fn should_block(page: &Page, url: &Url) -> bool {
    // Step 1.1: the page prohibits mixed contexts: its own scheme is secure.
    if page.url.scheme() != "https" {
        return false;
    }
    // Step 1.2: the request's URL is potentially trustworthy.
    if matches!(url.scheme(), "https" | "wss") {
        return false;
    }
    !(origin::is_loopback(url) && dialect::loopback_is_trustworthy(page.browser))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::Browser;

    #[track_caller]
    fn check(page: &str, browser: Browser, url: &str, blocked: bool) {
        let page = Page::new(Url::parse(page).unwrap(), browser);
        assert_eq!(should_block(&page, &Url::parse(url).unwrap()), blocked, "{} -> {url}", page.url);
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
