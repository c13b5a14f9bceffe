//! No policy, no URL and no preflight's answer makes the pure rules panic or forget their bounds.
//!
//! `tests/corpus/csp.txt` has a policy a line: those that were recorded from browsers, and those that once looked dangerous.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use proptest::prelude::*;
use url::Url;
use wirewatch::base::Wall;
use wirewatch::browser::permissions::{Key, Permissions};
use wirewatch::browser::preflight::Wanted;
use wirewatch::browser::{Browser, Credentials, Fetch, Memory, Page, ScriptRequest, Step};
use wirewatch::wire::Headers;

fn corpus() -> Vec<String> {
    std::fs::read_to_string("tests/corpus/csp.txt").unwrap().lines().map(str::to_owned).collect()
}

const PAGES: [&str; 5] =
    ["http://app.test:17081/page", "https://app.test/", "https://[::1]:17443/", "data:text/html,x", "file:///x"];
const URLS: [&str; 7] = [
    "http://api.test:17082/r?x#y",
    "https://app.test/a%20b/%C3%A9/%E9%",
    "http://localhost/",
    "http://[::1]:1/",
    "ftp://api.test/",
    "data:,x",
    "http://u:p@xn--bcher-kva.test./",
];

/// Whatever the page's policy, a fetch begins, and ends or asks for one request.
fn begin(browser: Browser, page: &str, url: &Url, enforced: &str, report: &str) {
    let page = Page::new(Url::parse(page).unwrap(), browser).with_csp(Some(enforced), Some(report));
    let (_, step) = Fetch::start(page.clone(), ScriptRequest::get(url.clone()), Memory::default(), Wall(0));
    if let Step::Done(answer) = step {
        assert_eq!(answer.exchanges.len(), 0);
        assert!(answer.fault.is_some() || url.scheme() == "data");
    }
    for policy in &page.policies {
        if let Some(directive) = &policy.connect {
            assert!(directive.serialized(&page.url).starts_with(directive.name.word()));
            assert!(directive.written().starts_with(directive.name.word()));
        }
    }
}

#[test]
fn the_corpus_is_read_by_every_browser_on_every_page() {
    for policy in corpus() {
        for (browser, page, url) in
            Browser::ALL.into_iter().flat_map(|b| PAGES.into_iter().flat_map(move |p| URLS.map(|u| (b, p, u))))
        {
            begin(browser, page, &Url::parse(url).unwrap(), &policy, &policy);
        }
    }
}

/// Pieces of policies, put together at random, and text that is nothing of the kind.
fn policy() -> impl Strategy<Value = String> {
    let pieces = "(connect-src|default-src|sandbox|upgrade-insecure-requests|block-all-mixed-content|'self'|'none'|\\*|\
                  \\*\\.test|http:|ws://|https://api\\.test|:443|:\\*|:080|/a%20b|/%|\\?|#|'nonce-a='|'sha256-_-'|;|,| |\t|\u{e9}){0,12}";
    prop_oneof![pieces.prop_map(|text: String| text), "\\PC{0,60}", prop::sample::select(corpus())]
}

proptest! {
    #[test]
    fn no_policy_panics(
        enforced in policy(), report in policy(), browser in 0..3_usize, page in 0..PAGES.len(), url in 0..URLS.len(),
    ) {
        begin(Browser::ALL[browser], PAGES[page], &Url::parse(URLS[url]).unwrap(), &enforced, &report);
    }

    #[test]
    fn no_preflights_answer_panics_the_cache(
        answers in prop::collection::vec(("(-|\\+)?[0-9]{0,30}(\\.| )?|\\PC{0,8}", "(\\*|PUT|,| |x-a|\u{ff}){0,5}"), 0..6),
        browser in 0..3_usize, now in any::<i64>(), credentials in 0..3_usize,
    ) {
        let (browser, url) = (Browser::ALL[browser], Url::parse(URLS[0]).unwrap());
        let key = Key { origin: Some("null"), url: &url, credentials: Credentials::ALL[credentials] };
        let wanted = Wanted { method: "PUT".into(), names: vec![("x-a".into(), "X-A".into())] };
        let mut permissions = Permissions::default();
        for (age, list) in answers {
            let mut fields = Headers::new();
            fields.push("Access-Control-Max-Age", age.as_bytes());
            fields.push("Access-Control-Allow-Methods", list.as_bytes());
            fields.push("Access-Control-Allow-Headers", list.as_bytes());
            permissions.remember(browser, key, &fields, Wall(now));
            let _ = permissions.permit(browser, key, &wanted, Wall(now.saturating_add(1)));
            permissions.clear(browser, key);
        }
    }
}
