//! [XMLHttpRequest](https://xhr.spec.whatwg.org/): what `open()`, `setRequestHeader()` and `send()` make of a script's words.
//! The request itself is a [`Fetch`], always in CORS mode, always following redirects.

use bytes::Bytes;
use url::Url;

use super::fetch::Step;
use super::script::{Call, Prepared, isomorphic_encode};
use super::{
    Api, ApiMisuse, Browser, Credentials, Fault, Fetch, Memory, Mode, Page, Redirect, console, headers, method,
};
use crate::base::Wall;

/// `open(method, url)`, `withCredentials`, one `setRequestHeader()` a header, `send(body)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xhr {
    pub url: Url,
    /// As written, before normalisation.
    pub method: String,
    /// As written, in order.
    pub headers: Vec<(String, String)>,
    /// A string body: `text/plain;charset=UTF-8` unless the script sets Content-Type.
    pub body: Option<String>,
    pub with_credentials: bool,
}

impl Xhr {
    /// `open("GET", url)` and `send()`.
    pub fn get(url: Url) -> Self {
        Self { url, method: "GET".into(), headers: Vec::new(), body: None, with_credentials: false }
    }

    /// The request as it is once sent, or the exception; and the headers that were refused without one, as written.
    fn prepare(&self, browser: Browser) -> (Result<Prepared, Fault>, Vec<String>) {
        let mut refused = Vec::new();
        let result = self.open(browser).and_then(|mut out| {
            for (name, value) in &self.headers {
                set_request_header(browser, &mut out, name, value, &mut refused)?;
            }
            self.send(&mut out);
            Ok(out)
        });
        (result, refused)
    }

    /// [open(method, url)](https://xhr.spec.whatwg.org/#dom-xmlhttprequest-open), the steps that may throw. That the URL is one
    /// is settled already: see [`Answer::unparsable`](super::Answer::unparsable).
    fn open(&self, browser: Browser) -> Result<Prepared, Fault> {
        if isomorphic_encode(&self.method).is_none() {
            return Err(not_bytes(browser, "open"));
        }
        // Step 2.
        if !headers::is_token(&self.method) {
            return misuse(ApiMisuse::Method { method: self.method.clone() });
        }
        // Step 3.
        if method::is_forbidden(&self.method) {
            return misuse(ApiMisuse::ForbiddenMethod { method: self.method.clone() });
        }
        // Step 4.
        Ok(Prepared { method: method::normalize(&self.method), ..Prepared::default() })
    }

    /// [send(body)](https://xhr.spec.whatwg.org/#dom-xmlhttprequest-send), as far as it is about body and headers.
    fn send(&self, out: &mut Prepared) {
        // Step 3: GET and HEAD have none.
        let body = self.body.as_ref().filter(|_| !matches!(out.method.as_str(), "GET" | "HEAD"));
        // Step 4.
        let Some(body) = body else { return };
        out.body = Some(Bytes::copy_from_slice(body.as_bytes()));
        match out.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            // Step 4.6: the charset is UTF-8, whatever the script says.
            Some((_, value)) => rewrite_charset(value),
            // Step 4.7.
            None => out.headers.push(("Content-Type".into(), b"text/plain;charset=UTF-8".to_vec())),
        }
    }
}

impl Fetch {
    /// [XMLHttpRequest](https://xhr.spec.whatwg.org/#interface-xmlhttprequest) from `open()` up to the first request that goes
    /// out. `now` is for what has a life time (cookies, permissions).
    pub fn xhr(page: Page, request: Xhr, memory: Memory, now: Wall) -> (Self, Step) {
        let (prepared, refused) = request.prepare(page.browser);
        let notes = refused.iter().map(|name| console::refused_header(page.browser, name)).collect();
        let call = Call {
            api: Api::Xhr,
            url: request.url,
            prepared,
            mode: Mode::Cors,
            credentials: if request.with_credentials { Credentials::Include } else { Credentials::SameOrigin },
            redirect: Redirect::Follow,
            notes,
        };
        Self::begin(page, call, memory, now)
    }
}

fn misuse<T>(misuse: ApiMisuse) -> Result<T, Fault> {
    Err(Fault::Misuse { api: Api::Xhr, misuse })
}

/// A character beyond ISO-8859-1 where the interface takes a byte string.
fn not_bytes(browser: Browser, function: &str) -> Fault {
    Fault::TypeError(console::not_bytes_exception(browser, function))
}

/// [setRequestHeader(name, value)](https://xhr.spec.whatwg.org/#dom-xmlhttprequest-setrequestheader).
fn set_request_header(
    browser: Browser,
    out: &mut Prepared,
    name: &str,
    value: &str,
    refused: &mut Vec<String>,
) -> Result<(), Fault> {
    let (Some(_), Some(value)) = (isomorphic_encode(name), isomorphic_encode(value)) else {
        return Err(not_bytes(browser, "setRequestHeader"));
    };
    // Step 3.
    let value = headers::normalize_value(&value);
    // Step 4.
    if !headers::is_token(name) {
        return misuse(ApiMisuse::HeaderName { name: name.to_owned() });
    }
    if !headers::is_value(value) {
        return misuse(ApiMisuse::HeaderValue { value: headers::isomorphic_decode(value).into_owned() });
    }
    // Step 5.
    if headers::is_forbidden(browser, name, value) {
        refused.push(name.to_owned());
        return Ok(());
    }
    // Step 6.
    out.combine(name, value);
    Ok(())
}

/// Step 4.6 of send(): a `charset` parameter that is not UTF-8 becomes it. A value without one stays as it is.
fn rewrite_charset(value: &mut Vec<u8>) {
    let Ok(text) = std::str::from_utf8(value) else { return };
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim();
    let mut seen = false;
    let mut out = essence.to_ascii_lowercase();
    for parameter in parts {
        let Some((name, given)) = parameter.split_once('=') else { continue };
        let (name, given) = (name.trim().to_ascii_lowercase(), given.trim());
        let is_charset = name == "charset" && !seen;
        seen |= is_charset;
        if is_charset && given.trim_matches('"').eq_ignore_ascii_case("utf-8") {
            return;
        }
        out.push(';');
        out.push_str(&name);
        out.push('=');
        out.push_str(if is_charset { "UTF-8" } else { given });
    }
    if seen {
        *value = out.into_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, fields: &[(&str, &str)], body: Option<&str>) -> Xhr {
        Xhr {
            method: method.into(),
            headers: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.map(str::to_owned),
            ..Xhr::get(Url::parse("https://api.test/").unwrap())
        }
    }

    #[track_caller]
    fn check(method: &str, fields: &[(&str, &str)], body: Option<&str>, expected: &str) {
        let got = match request(method, fields, body).prepare(Browser::Chrome) {
            (Ok(prepared), refused) => {
                let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                let list: Vec<String> =
                    prepared.headers.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
                let body = prepared.body.map(|body| text(&body)).unwrap_or_default();
                format!("{} [{}] {body} refused {refused:?}", prepared.method, list.join("; "))
            }
            (Err(Fault::Misuse { api, misuse }), _) => {
                let text = console::misuse_exception(Browser::Chrome, api, &misuse);
                format!("{}: {}", misuse.exception(), text.split("'XMLHttpRequest': ").last().unwrap())
            }
            (Err(other), _) => other.code().to_owned(),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn open_throws_by_the_method() {
        check("G T", &[], None, "SyntaxError: 'G T' is not a valid HTTP method.");
        check("", &[], None, "SyntaxError: '' is not a valid HTTP method.");
        check("track", &[], None, "SecurityError: 'track' HTTP method is unsupported.");
        check("\u{20ac}", &[], None, "TypeError");
        check("post", &[], None, "POST []  refused []");
        check("patch", &[], None, "patch []  refused []");
    }

    #[test]
    fn headers_combine_and_the_forbidden_are_refused_by_name() {
        let fields = [("X-A", " 1\t"), ("Cookie", "a=1"), ("x-a", "2"), ("User-Agent", "x")];
        check("GET", &fields, None, "GET [X-A: 1, 2]  refused [\"Cookie\", \"User-Agent\"]");
        check("GET", &[("a b", "1")], None, "SyntaxError: 'a b' is not a valid HTTP header field name.");
        check("GET", &[("a", "1\n2")], None, "SyntaxError: '1\n2' is not a valid HTTP header field value.");
        check("GET", &[("a", "\u{20ac}")], None, "TypeError");
    }

    #[test]
    fn get_and_head_have_no_body_and_a_string_is_utf_8() {
        check("GET", &[], Some("x"), "GET []  refused []");
        check("POST", &[], Some("x"), "POST [Content-Type: text/plain;charset=UTF-8] x refused []");
        let charset = |given, expected: &str| {
            check(
                "PUT",
                &[("content-type", given)],
                Some("x"),
                &format!("PUT [content-type: {expected}] x refused []"),
            );
        };
        charset("application/json", "application/json");
        charset("Text/Plain; Charset=latin1; a=B", "text/plain;charset=UTF-8;a=B");
        charset("text/plain; charset=utf-8", "text/plain; charset=utf-8");
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_script_says_breaks_it(
            method in "\\PC{0,6}|post|PUT",
            name in "\\PC{0,8}|content-type",
            value in ".{0,20}|[a-z/;=\"]{0,30}",
            body: Option<String>,
        ) {
            for browser in Browser::ALL {
                let (result, refused) = request(&method, &[(&name, &value), (&name, &value)], body.as_deref()).prepare(browser);
                proptest::prop_assert!(result.is_ok() || refused.len() < 2);
            }
        }
    }
}
