//! What a script hands to `fetch()`, and what [`new Request`](https://fetch.spec.whatwg.org/#dom-request) makes of it before
//! anything is sent.

use bytes::Bytes;
use url::Url;

use super::{Api, Browser, Credentials, Fault, Mode, Redirect, console, headers, method};

/// What the script says: `fetch(url, {...})`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptRequest {
    pub url: Url,
    /// As written, before normalisation.
    pub method: String,
    /// As written, in order.
    pub headers: Vec<(String, String)>,
    /// A string body: `text/plain;charset=UTF-8` unless the script sets Content-Type.
    pub body: Option<String>,
    pub mode: Mode,
    pub credentials: Credentials,
    pub redirect: Redirect,
}

impl ScriptRequest {
    /// `fetch(url)`: everything else by default.
    pub fn get(url: Url) -> Self {
        Self {
            url,
            method: "GET".into(),
            headers: Vec::new(),
            body: None,
            mode: Mode::default(),
            credentials: Credentials::default(),
            redirect: Redirect::default(),
        }
    }
}

/// The request as it is after the constructor.
#[derive(Clone, Debug, Default)]
pub(super) struct Prepared {
    /// Normalised.
    pub method: String,
    /// Combined: each name once, as first written.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Option<Bytes>,
}

/// What one of a page's interfaces hands to [`Fetch`](super::Fetch), past the steps that may throw.
pub(super) struct Call {
    pub api: Api,
    pub url: Url,
    /// The request, or what the interface throws.
    pub prepared: Result<Prepared, Fault>,
    pub mode: Mode,
    pub credentials: Credentials,
    pub redirect: Redirect,
    /// What the console shows before the request goes out.
    pub notes: Vec<String>,
}

impl ScriptRequest {
    /// [new Request(input, init)](https://fetch.spec.whatwg.org/#dom-request), the steps that may throw.
    pub(super) fn prepare(&self, browser: Browser) -> Result<Prepared, Fault> {
        let error = |what: String| Fault::TypeError(console::fetch_exception(browser, &what));
        let throw = |what| Err(error(what));
        // Step 5.3: no credentials in the URL.
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return throw(format!("Request cannot be constructed from a URL that includes credentials: {}", self.url));
        }
        // Step 25: the method.
        if !headers::is_token(&self.method) {
            return throw(format!("'{}' is not a valid HTTP method.", self.method));
        }
        if method::is_forbidden(&self.method) {
            return throw(format!("'{}' HTTP method is unsupported.", self.method));
        }
        let mut out = Prepared { method: method::normalize(&self.method), headers: Vec::new(), body: None };
        // Step 32.1: no-cors takes simple methods only.
        if self.mode == Mode::NoCors && !method::is_cors_safelisted(&out.method) {
            return throw(format!("'{}' is unsupported in no-cors mode.", self.method));
        }
        // Step 33: the headers.
        for (name, value) in &self.headers {
            let Some(value) = isomorphic_encode(value) else {
                return throw("String contains non ISO-8859-1 code point.".into());
            };
            out.append(browser, self.mode, name, headers::normalize_value(&value)).map_err(error)?;
        }
        // Steps 34 to 38: the body.
        if let Some(body) = &self.body {
            if matches!(out.method.as_str(), "GET" | "HEAD") {
                return throw("Request with GET/HEAD method cannot have body.".into());
            }
            if !out.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                out.headers.push(("Content-Type".into(), b"text/plain;charset=UTF-8".to_vec()));
            }
            out.body = Some(Bytes::copy_from_slice(body.as_bytes()));
        }
        Ok(out)
    }
}

impl Prepared {
    /// [Append](https://fetch.spec.whatwg.org/#concept-headers-append) to the request's headers.
    fn append(&mut self, browser: Browser, mode: Mode, name: &str, value: &[u8]) -> Result<(), String> {
        // Steps 2 and 3: validate.
        if !headers::is_token(name) {
            return Err("Invalid name".into());
        }
        if !headers::is_value(value) {
            return Err("Invalid value".into());
        }
        if headers::is_forbidden(browser, name, value) {
            return Ok(());
        }
        // Step 4: no-cors takes the safelisted only.
        if mode == Mode::NoCors && !headers::is_no_cors_safelisted(browser, name, &self.combined(name, value).1) {
            return Ok(());
        }
        self.combine(name, value);
        Ok(())
    }

    /// [Combine](https://fetch.spec.whatwg.org/#concept-header-list-combine), under the name first written.
    pub fn combine(&mut self, name: &str, value: &[u8]) {
        match self.combined(name, value) {
            (Some(at), combined) => self.headers[at].1 = combined,
            (None, combined) => self.headers.push((name.to_owned(), combined)),
        }
    }

    /// Where that name stands already, and its value with this one added.
    fn combined(&self, name: &str, value: &[u8]) -> (Option<usize>, Vec<u8>) {
        let at = self.headers.iter().position(|(written, _)| written.eq_ignore_ascii_case(name));
        let mut combined = at.map(|at| [&self.headers[at].1, &b", "[..]].concat()).unwrap_or_default();
        combined.extend_from_slice(value);
        (at, combined)
    }
}

/// A ByteString's bytes; `None` where a character is beyond them.
pub(super) fn isomorphic_encode(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mode: Mode, method: &str, fields: &[(&str, &str)], expected: &str) {
        let mut request = ScriptRequest::get(Url::parse("https://api.test/").unwrap());
        request.method = method.into();
        request.mode = mode;
        request.headers = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let got = match request.prepare(Browser::Chrome) {
            Ok(prepared) => {
                let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
                let list: Vec<String> =
                    prepared.headers.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
                format!("{} {}", prepared.method, list.join("; "))
            }
            Err(Fault::TypeError(text)) => text.split("'Window': ").last().unwrap_or_default().to_owned(),
            Err(other) => format!("{other:?}"),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn headers_combine_under_the_name_first_written_and_the_forbidden_go() {
        let fields = [("X-A", " 1 "), ("Cookie", "a=1"), ("x-a", "2")];
        check(Mode::Cors, "put", &fields, "PUT X-A: 1, 2");
    }

    #[test]
    fn no_cors_keeps_what_is_safelisted_alone() {
        let fields = [("X-A", "1"), ("Accept", "a"), ("Content-Type", "application/json")];
        check(Mode::NoCors, "post", &fields, "POST Accept: a");
        check(Mode::NoCors, "PUT", &[], "'PUT' is unsupported in no-cors mode.");
    }

    #[test]
    fn what_is_no_method_or_name_throws() {
        check(Mode::Cors, "G T", &[], "'G T' is not a valid HTTP method.");
        check(Mode::Cors, "trace", &[], "'trace' HTTP method is unsupported.");
        check(Mode::Cors, "GET", &[("a b", "1")], "Invalid name");
        check(Mode::Cors, "GET", &[("a", "\u{20ac}")], "String contains non ISO-8859-1 code point.");
    }
}
