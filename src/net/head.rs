//! HTTP/1.1 heads as bytes: ours, written exactly as the request says, and the server's, read with case, order and
//! repetitions kept.

use bytes::Bytes;
use url::Url;

use crate::base::Secret;
use crate::browser::headers::is_token;
use crate::wire::{Headers, HttpVersion, NetError, WireRequest};

/// The most fields of one head.
pub(super) const FIELDS: usize = 1000;

/// How the request line names its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TargetForm {
    /// `/path?query`
    Origin,
    /// `http://host/path?query`, for an HTTP proxy, with what it wants in `Proxy-Authorization`.
    Absolute { login: Option<Secret> },
}

/// Adds what a request can't go without, where the caller hasn't said it: `Host` first, and a body's length (0 for the
/// methods that are expected to have one, RFC 9110 section 8.6).
pub(super) fn complete(request: &mut WireRequest) {
    if !request.headers.contains("host") {
        let mut headers = Headers::new();
        headers.push("Host", authority(&request.url));
        for (name, value) in request.headers.iter() {
            headers.push(name, value);
        }
        request.headers = headers;
    }
    let expects_body = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    if (!request.body.is_empty() || expects_body)
        && !request.headers.contains("content-length")
        && !request.headers.contains("transfer-encoding")
    {
        request.headers.push("Content-Length", request.body.len().to_string());
    }
}

/// `host` or `host:port`, the port left out where it is the scheme's own.
pub(super) fn authority(url: &Url) -> &str {
    &url[url::Position::BeforeHost..url::Position::AfterPort]
}

/// The request's head as it goes out.
pub(super) fn encode(request: &WireRequest, form: &TargetForm) -> Result<Vec<u8>, NetError> {
    if !is_token(&request.method) || request.method == "CONNECT" {
        return Err(NetError::Configuration { what: "the method can't be sent" });
    }
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(request.method.as_bytes());
    out.push(b' ');
    if let TargetForm::Absolute { .. } = form {
        out.extend_from_slice(b"http://");
        out.extend_from_slice(authority(&request.url).as_bytes());
    }
    out.extend_from_slice(request.url[url::Position::BeforePath..url::Position::AfterQuery].as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in request.headers.iter() {
        if !is_token(name) || value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(NetError::Configuration { what: "a header can't be sent" });
        }
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    // Here and not among the request's headers, which are shown.
    if let TargetForm::Absolute { login: Some(login) } = form {
        out.extend_from_slice(b"Proxy-Authorization: ");
        out.extend_from_slice(login.expose().as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    Ok(out)
}

/// An answer's head, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) version: HttpVersion,
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) headers: Headers,
}

/// As lenient as browsers: folded lines, blanks before the colon, and lines that are no field are passed over.
pub(super) fn parser() -> httparse::ParserConfig {
    let mut config = httparse::ParserConfig::default();
    config
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    config
}

/// Where the first head that ends at or after `from` ends: an empty line, with or without carriage returns.
pub(super) fn end(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', &bytes[from..]).map(|at| from + at).find_map(|at| match &bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// Reads a whole head; `None` where it is none.
pub(super) fn parse(bytes: &[u8]) -> Option<Head> {
    // Most heads have few fields: try with little room first.
    parse_with(bytes, &mut [httparse::EMPTY_HEADER; 64])
        .or_else(|| parse_with(bytes, &mut vec![httparse::EMPTY_HEADER; FIELDS]))
}

fn parse_with<'b>(bytes: &'b [u8], fields: &mut [httparse::Header<'b>]) -> Option<Head> {
    let mut response = httparse::Response::new(fields);
    let Ok(httparse::Status::Complete(_)) = parser().parse_response(&mut response, bytes) else { return None };
    Some(Head {
        version: if response.version == Some(0) { HttpVersion::Http10 } else { HttpVersion::Http11 },
        status: response.code?,
        reason: response.reason.unwrap_or_default().to_owned(),
        headers: response.headers.iter().map(|field| (field.name, unfolded(field.value))).collect(),
    })
}

/// A folded value on one line, as RFC 9112 section 5.2 has it replaced.
fn unfolded(value: &[u8]) -> Bytes {
    if !value.contains(&b'\n') {
        return Bytes::copy_from_slice(value);
    }
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    Bytes::from(lines.collect::<Vec<_>>().join(&b' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Purpose;

    fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &'static str) -> WireRequest {
        WireRequest {
            purpose: Purpose::Actual,
            method: method.into(),
            url: Url::parse(url).unwrap(),
            headers: headers.iter().copied().collect(),
            body: body.into(),
        }
    }

    #[track_caller]
    fn check(mut request: WireRequest, form: TargetForm, expected: &str) {
        complete(&mut request);
        let head = encode(&request, &form).unwrap();
        assert_eq!(String::from_utf8(head).unwrap().replace("\r\n", "\n"), expected);
    }

    #[test]
    fn the_head_goes_out_as_the_request_says_with_host_first() {
        let headers = [("sec-ch-ua", "x"), ("Accept", "*/*"), ("X-a", "1"), ("x-A", "2")];
        check(
            request("GET", "http://u:p@api.test:8080/a/b?c=d#e", &headers, ""),
            TargetForm::Origin,
            "GET /a/b?c=d HTTP/1.1\nHost: api.test:8080\nsec-ch-ua: x\nAccept: */*\nX-a: 1\nx-A: 2\n\n",
        );
    }

    #[test]
    fn a_body_has_its_length_and_a_callers_host_stays_where_it_is() {
        check(
            request("POST", "https://api.test:443/", &[("A", "1"), ("host", "other")], "four"),
            TargetForm::Origin,
            "POST / HTTP/1.1\nA: 1\nhost: other\nContent-Length: 4\n\n",
        );
        check(
            request("POST", "http://api.test/x", &[], ""),
            TargetForm::Absolute { login: Some(Secret::new("Basic eA==")) },
            "POST http://api.test/x HTTP/1.1\nHost: api.test\nContent-Length: 0\nProxy-Authorization: Basic eA==\n\n",
        );
    }

    #[test]
    fn a_line_break_in_a_header_or_a_blank_in_a_method_never_goes_out() {
        let what = |request| encode(&request, &TargetForm::Origin).unwrap_err();
        let header = NetError::Configuration { what: "a header can't be sent" };
        assert_eq!(what(request("GET", "http://a/", &[("A", "1\r\nB: 2")], "")), header);
        assert_eq!(what(request("GET", "http://a/", &[("A B", "1")], "")), header);
        let method = NetError::Configuration { what: "the method can't be sent" };
        assert_eq!(what(request("GET /x", "http://a/", &[], "")), method);
    }

    #[test]
    fn an_answers_head_keeps_case_order_and_repetitions() {
        let head =
            parse(b"HTTP/1.0 404 Not  Here\r\nVary: a\r\nX-one:\t1 \r\nvary: b\r\nLong: x\r\n  y\r\n\r\n").unwrap();
        assert_eq!((head.version, head.status, head.reason.as_str()), (HttpVersion::Http10, 404, "Not  Here"));
        let fields = [("Vary", "a"), ("X-one", "1"), ("vary", "b"), ("Long", "x y")];
        assert_eq!(head.headers, fields.into_iter().collect());
    }

    #[test]
    fn many_fields_are_read_too() {
        let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
        for n in 0..500 {
            bytes.extend_from_slice(format!("X-{n}: {n}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        assert_eq!(parse(&bytes).unwrap().headers.len(), 500);
    }
}
