//! A request as the command line of a tool that everyone has, to repeat by hand what a check did.
//!
//! Quoted for POSIX shells: nothing that a server or a profile says can end the quotes.

use super::WireRequest;

/// `curl` that sends the request as it was sent, and shows the answer's head and body.
pub fn curl(request: &WireRequest) -> String {
    let mut words = vec!["curl".to_owned(), "-i".to_owned()];
    let upgrade = matches!(request.url.scheme(), "ws" | "wss");
    if upgrade {
        // A WebSocket's handshake is HTTP/1.1; curl would wait for frames, so it is told to stop.
        words.extend(["--http1.1".to_owned(), "--max-time 5".to_owned()]);
    }
    let implied = if request.body.is_empty() { "GET" } else { "POST" };
    if request.method != implied {
        words.push(format!("-X {}", quote(&request.method)));
    }
    words.push(quote(&as_http(request)));
    for (name, value) in request.headers.iter() {
        if !is_set_by_tool(name) {
            words.push(format!("-H {}", quote(&header(name, value))));
        }
    }
    if !request.body.is_empty() {
        words.push(format!("--data-binary {}", quote(&String::from_utf8_lossy(&request.body))));
    }
    words.join(" ")
}

/// `websocat` that opens the WebSocket with the same headers; `None` where the request opens none.
pub fn websocat(request: &WireRequest) -> Option<String> {
    if !matches!(request.url.scheme(), "ws" | "wss") {
        return None;
    }
    let mut words = vec!["websocat".to_owned(), "-v".to_owned()];
    for (name, value) in request.headers.iter() {
        let own = name.to_ascii_lowercase();
        let by_tool =
            is_set_by_tool(name) || own == "connection" || own == "upgrade" || own.starts_with("sec-websocket-");
        if own == "origin" {
            words.push(format!("--origin {}", quote(&String::from_utf8_lossy(value))));
        } else if own == "sec-websocket-protocol" {
            words.push(format!("--protocol {}", quote(&String::from_utf8_lossy(value))));
        } else if !by_tool {
            words.push(format!("-H={}", quote(&header(name, value))));
        }
    }
    words.push(quote(request.url.as_str()));
    Some(words.join(" "))
}

/// What the tools write by themselves.
fn is_set_by_tool(name: &str) -> bool {
    ["host", "content-length"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

fn header(name: &str, value: &[u8]) -> String {
    let value = String::from_utf8_lossy(value);
    // curl's form for a header without a value.
    if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") }
}

/// curl before 7.86 knows no `ws:`.
fn as_http(request: &WireRequest) -> String {
    let url = request.url.as_str();
    match url.strip_prefix("ws") {
        Some(rest) => format!("http{rest}"),
        None => url.to_owned(),
    }
}

/// In single quotes, where it needs any.
fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Headers, Purpose};

    fn request(method: &str, url: &str, headers: &[(&str, &str)], body: &'static str) -> WireRequest {
        WireRequest {
            purpose: Purpose::Actual,
            method: method.into(),
            url: url.parse().unwrap(),
            headers: headers.iter().copied().collect::<Headers>(),
            body: body.into(),
        }
    }

    #[test]
    fn curl_repeats_method_headers_and_body() {
        let got = curl(&request(
            "PUT",
            "https://api.test/a?b=1&c",
            &[("Host", "api.test"), ("Origin", "https://app.test"), ("X-It", "it's")],
            "{\"a\":1}",
        ));
        assert_eq!(
            got,
            r#"curl -i -X PUT 'https://api.test/a?b=1&c' -H 'Origin: https://app.test' -H 'X-It: it'\''s' --data-binary '{"a":1}'"#
        );
    }

    #[test]
    fn a_plain_get_needs_no_method_and_a_post_with_a_body_neither() {
        assert_eq!(curl(&request("GET", "https://api.test/", &[], "")), "curl -i https://api.test/");
        assert_eq!(curl(&request("POST", "https://api.test/", &[], "x")), "curl -i https://api.test/ --data-binary x");
    }

    #[test]
    fn websocat_gets_origin_protocols_and_cookies_and_makes_the_handshake_itself() {
        let got = websocat(&request(
            "GET",
            "wss://api.test/ws",
            &[
                ("Connection", "Upgrade"),
                ("Origin", "https://app.test"),
                ("Sec-WebSocket-Key", "abc"),
                ("Sec-WebSocket-Protocol", "v1, v2"),
                ("Cookie", "sid=1; b=2"),
            ],
            "",
        ));
        assert_eq!(
            got.as_deref(),
            Some("websocat -v --origin https://app.test --protocol 'v1, v2' -H='Cookie: sid=1; b=2' wss://api.test/ws")
        );
        assert_eq!(websocat(&request("GET", "https://api.test/", &[], "")), None);
    }
}
