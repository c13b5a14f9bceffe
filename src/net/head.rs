//! HTTP/1.1 heads as bytes: ours, written exactly as the request says, and the server's, read with case, order and
//! repetitions kept.

use url::Url;

use crate::base::Secret;
use crate::browser::headers::is_token;
use crate::wire::{Headers, HttpVersion, NetError, Quirks, WireRequest};

/// The most fields of one head: browsers bound a head by its bytes alone.
pub(super) const FIELDS: usize = 10_000;

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
    pub(super) quirks: Quirks,
}

/// Where the first head that ends at or after `from` ends: an empty line, with or without carriage returns.
pub(super) fn end(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', &bytes[from..]).map(|at| from + at).find_map(|at| match &bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// Where a status line may begin: behind so many bytes of whatever a server left lying before it.
const SLOP: usize = 4;
const NAME: &[u8] = b"http";
/// Radio servers' own.
const ICY: &[u8] = b"ICY ";

/// What stands at the beginning of what has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Too little to tell.
    Short,
    /// A status line, from there on.
    StatusLine(usize),
    /// Something else: in HTTP/0.9 all of it would be a body.
    Other,
}

/// Whether an answer begins with a status line.
pub(super) fn beginning(bytes: &[u8]) -> Beginning {
    let is_name = |name: &[u8]| name.eq_ignore_ascii_case(NAME) || name == ICY;
    let found = (0..=SLOP).find(|&at| bytes.get(at..at + NAME.len()).is_some_and(is_name));
    match found {
        Some(at) => Beginning::StatusLine(at),
        None if bytes.len() < SLOP + NAME.len() => Beginning::Short,
        None => Beginning::Other,
    }
}

impl Head {
    /// What an answer without a head is taken for.
    pub(super) fn none() -> Self {
        Self {
            version: HttpVersion::Http10,
            status: 200,
            reason: "OK".into(),
            headers: Headers::new(),
            quirks: Quirks { no_status_line: true, ..Quirks::default() },
        }
    }
}

/// Reads a head from its status line on, as leniently as any browser: lines end in either of carriage return and line feed,
/// folded lines are one, lines that are no field are passed over. What a stricter reader would mind is in the quirks.
pub(super) fn parse(bytes: &[u8]) -> Head {
    let mut lines = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty());
    let mut head = status_line(lines.next().unwrap_or_default());
    head.quirks.nul = bytes.contains(&0);
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in lines {
        if !is_blank(line[0]) {
            if fields.len() < FIELDS {
                fields.push(line.to_vec());
            }
        } else if let Some(last) = fields.last_mut() {
            // RFC 9112, section 5.2: a folded line goes on after one blank. Before any field there is nothing to go on with.
            last.push(b' ');
            last.extend_from_slice(trimmed(line));
        }
    }
    for line in &fields {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        // Blanks between the name and its colon are kept: not every browser takes the field then.
        let name = std::str::from_utf8(&line[..colon]).unwrap_or_default();
        if is_token(name.trim_end_matches([' ', '\t'])) {
            head.headers.push(name, trimmed(&line[colon + 1..]));
        }
    }
    head
}

/// The elements of a comma-separated field, all its lines together.
pub(super) fn elements<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers.all(name).flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

fn status_line(line: &[u8]) -> Head {
    let mut quirks = Quirks { icy: line.starts_with(ICY), ..Quirks::default() };
    let version = line.get(NAME.len()..).and_then(|rest| rest.strip_prefix(b"/"));
    let numbers = version.and_then(|rest| match rest {
        [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', ..] => Some((major - b'0', minor - b'0')),
        _ => None,
    });
    quirks.odd_version = !quirks.icy && !matches!(numbers, Some((1, _)));
    let version = if numbers < Some((1, 1)) { HttpVersion::Http10 } else { HttpVersion::Http11 };
    let rest = memchr::memchr(b' ', line).map_or(&[][..], |blank| trimmed(&line[blank..]));
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, reason) = rest.split_at(digits);
    quirks.no_status = rest.is_empty();
    let ends = reason.first().is_none_or(|byte| is_blank(*byte));
    quirks.odd_status = !quirks.no_status && (digits == 0 || !ends);
    let number = std::str::from_utf8(number).unwrap_or_default();
    // Past what a number holds, the largest.
    let status = if digits == 0 { 200 } else { number.parse().unwrap_or(u16::MAX) };
    let reason = if quirks.no_status { "OK".to_owned() } else { String::from_utf8_lossy(trimmed(reason)).into_owned() };
    Head { version, status, reason, headers: Headers::new(), quirks }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Without blanks at either end.
fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_blank(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_blank(*last)
    {
        bytes = rest;
    }
    bytes
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
        let head = parse(b"HTTP/1.0 404 Not  Here\r\nVary: a\r\nX-one:\t1 \r\nvary: b\r\nLong: x\r\n  y\r\n\r\n");
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
        assert_eq!(parse(&bytes).headers.len(), 500);
    }
}
