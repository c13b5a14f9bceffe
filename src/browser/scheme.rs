//! [Scheme fetch](https://fetch.spec.whatwg.org/#scheme-fetch) of what no network brings: `data:`, `blob:`, `file:`, the browsers'
//! own schemes, and those that nobody knows.
//!
//! What stands here was seen in Chromium 156, Firefox 153 and WebKitGTK 2.50.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use url::Url;

use super::{Api, Browser, CorsError, Fault, Mode, Page};

const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What becomes of a request for it; `None`: a scheme of the network's. No blob is ever there, for no page made one.
pub fn check(page: &Page, api: Api, mode: Mode, url: &Url) -> Option<Result<(), Fault>> {
    let (browser, ours) = (page.browser, page.is_same_origin(url));
    let disabled = || Fault::Cors(CorsError::DisabledScheme { scheme: url.scheme().to_owned() });
    let fault = match (browser, url.scheme()) {
        (_, "http" | "https") => return None,
        (Browser::Safari, "data") if api == Api::EventSource => disabled(),
        // Firefox's EventSource minds the type alone.
        (Browser::Firefox, "data") if api == Api::EventSource => return Some(Ok(())),
        (_, "data") => return Some(if is_data(url) { Ok(()) } else { Err(Fault::BrokenData) }),
        (Browser::Firefox, _) if api == Api::EventSource => disabled(),
        (Browser::Firefox, "chrome") => Fault::Aborted,
        _ if mode == Mode::SameOrigin && !ours => Fault::Cors(CorsError::DisallowedByMode),
        (_, "blob") if ours => Fault::BlobGone,
        (Browser::Firefox, "blob") => Fault::Cors(CorsError::DisallowedByMode),
        (Browser::Chrome, "blob") if api != Api::Fetch || mode == Mode::NoCors => Fault::LocalResource,
        (Browser::Chrome, "chrome" | "view-source") if api != Api::Fetch => Fault::LocalResource,
        (Browser::Chrome | Browser::Firefox, "file") => Fault::LocalResource,
        (Browser::Safari, "blob" | "file") if mode == Mode::NoCors => Fault::LocalResource,
        _ => disabled(),
    };
    Some(Err(fault))
}

/// Whether the [processor](https://fetch.spec.whatwg.org/#data-url-processor) takes it: there is a comma, and base64 is some.
fn is_data(url: &Url) -> bool {
    let text = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let Some((mime, body)) = text.split_once(',') else { return false };
    if !mime.trim_end().to_ascii_lowercase().ends_with(";base64") {
        return true;
    }
    let body = percent_encoding::percent_decode_str(body).filter(|byte| !byte.is_ascii_whitespace());
    FORGIVING.decode(body.collect::<Vec<u8>>()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn seen(browser: Browser, api: Api, mode: Mode, url: &str, expected: &str) {
        let page = Page::new(Url::parse("http://app.test:17081/page").unwrap(), browser);
        let got = match check(&page, api, mode, &Url::parse(url).unwrap()) {
            None => "the network's",
            Some(Ok(())) => "answers",
            Some(Err(fault)) => fault.code(),
        };
        assert_eq!(got, expected, "{browser:?} {api:?} {mode:?} {url}");
    }

    #[test]
    fn every_browser_has_its_refusal_for_each_scheme() {
        use Api::{EventSource, Fetch, Xhr};
        use Browser::{Chrome, Firefox, Safari};
        let (cors, foreign) = (Mode::Cors, "blob:https://api.test/1");
        let own = "blob:http://app.test:17081/6c7f0b5e-0000-4000-8000-000000000000";
        seen(Chrome, Fetch, cors, "https://api.test/", "the network's");
        for api in [Fetch, Xhr, EventSource] {
            seen(Chrome, api, cors, own, "net::ERR_FILE_NOT_FOUND");
            seen(Safari, api, cors, own, "net::ERR_FILE_NOT_FOUND");
            seen(Chrome, api, cors, "file:///etc/hostname", "net::ERR_ABORTED");
            seen(Chrome, api, cors, "foo:bar", "CorsDisabledScheme");
        }
        for api in [Xhr, EventSource] {
            seen(Chrome, api, cors, "chrome://version/", "net::ERR_ABORTED");
            seen(Chrome, api, cors, foreign, "net::ERR_ABORTED");
        }
        seen(Chrome, Fetch, cors, "chrome://version/", "CorsDisabledScheme");
        seen(Chrome, Fetch, cors, foreign, "CorsDisabledScheme");
        seen(Chrome, Fetch, Mode::NoCors, foreign, "net::ERR_ABORTED");
        seen(Firefox, Fetch, cors, foreign, "DisallowedByMode");
        seen(Firefox, Xhr, cors, own, "net::ERR_FILE_NOT_FOUND");
        seen(Firefox, EventSource, cors, "file:///etc/hostname", "CorsDisabledScheme");
        seen(Safari, Fetch, Mode::NoCors, "file:///etc/hostname", "net::ERR_ABORTED");
        for browser in [Chrome, Firefox, Safari] {
            seen(browser, Fetch, Mode::SameOrigin, "file:///etc/hostname", "DisallowedByMode");
        }
    }

    #[test]
    fn data_urls_answer_unless_they_are_broken() {
        for url in ["data:,", "data:text/plain,hi", "data:;base64,aGk=", "data:;base64,a%20Gk", "data:x;BASE64,YR"] {
            seen(Browser::Chrome, Api::Fetch, Mode::SameOrigin, url, "answers");
        }
        for url in ["data:", "data:x", "data:text/plain;base64,!!!", "data:;base64,a"] {
            seen(Browser::Chrome, Api::EventSource, Mode::Cors, url, "net::ERR_INVALID_URL");
            seen(Browser::Safari, Api::Xhr, Mode::Cors, url, "net::ERR_INVALID_URL");
        }
        seen(Browser::Safari, Api::EventSource, Mode::Cors, "data:text/event-stream,x", "CorsDisabledScheme");
    }
}
