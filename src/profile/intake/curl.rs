//! A command of curl, websocat or wscat → a draft: as people write them, and as browsers' devtools copy them, for POSIX shells
//! and for `cmd`.

use std::time::Duration;

use url::Url;

use super::request::{Raw, basic, browser_of};
use super::shell::words;
use super::{Intake, Missing, problem, warning};
use crate::base::Problem;
use crate::profile::model::Kind;
use crate::profile::parse_resolve;

/// curl's options that take a value and are of no account here.
const SKIPPED_WITH_VALUE: &str = "o output w write-out c cookie-jar D dump-header y speed-time Y speed-limit K config C \
    continue-at r range E cert key cacert capath cert-type ciphers tls-max retry retry-delay retry-max-time limit-rate \
    interface dns-servers doh-url netrc-file stderr trace trace-ascii keepalive-time max-redirs z time-cond expect100-timeout \
    happy-eyeballs-timeout-ms proto proto-default noproxy unix-socket aws-sigv4 U proxy-user t telnet-option Q quote P ftp-port \
    max-filesize local-port pinnedpubkey connect-to";

/// Reads the first command of the text.
pub fn read(text: &str) -> Intake {
    let mut intake = Intake::default();
    let text = text.trim_start_matches(['$', '>', '#', ' ']);
    let words = match words(text) {
        Ok(words) => words,
        Err(error) => {
            intake.problems.push(problem(error.to_string(), Some("copy the command again, whole")));
            return intake;
        }
    };
    let Some((program, args)) = words.split_first() else { return intake };
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program).trim_end_matches(".exe");
    let mut command = Command {
        raw: Raw::default(),
        problems: Vec::new(),
        urls: Vec::new(),
        basic: None,
        get: false,
        data: Vec::new(),
    };
    match program {
        "curl" => command.curl(args),
        "websocat" => command.websocat(args),
        "wscat" => command.wscat(args),
        _ => intake.problems.push(problem(
            format!("`{}` is no command that is known here", program.chars().take(40).collect::<String>()),
            Some("begin with curl, websocat or wscat"),
        )),
    }
    if intake.problems.is_empty() {
        command.finish(&mut intake);
    }
    intake
}

struct Command {
    raw: Raw,
    problems: Vec<Problem>,
    urls: Vec<String>,
    basic: Option<String>,
    /// `-G`: the data goes to the query.
    get: bool,
    data: Vec<String>,
}

/// The options of a command line: each with its value, where it takes one.
struct Options<'a> {
    rest: std::slice::Iter<'a, String>,
    /// Short options that stand in one word.
    inside: &'a str,
    /// `--name=value`.
    given: Option<&'a str>,
}

impl<'a> Options<'a> {
    fn of(args: &'a [String]) -> Self {
        Self { rest: args.iter(), inside: "", given: None }
    }

    /// The next option's name, or a word that is none (`Err`).
    fn next(&mut self) -> Option<Result<&'a str, &'a str>> {
        self.given = None;
        if let Some(first) = self.inside.chars().next() {
            let (name, rest) = self.inside.split_at(first.len_utf8());
            self.inside = rest;
            return Some(Ok(name));
        }
        let word = self.rest.next()?.as_str();
        if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, given) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            self.given = given;
            return Some(Ok(name));
        }
        match word.strip_prefix('-').filter(|short| !short.is_empty()) {
            Some(short) => {
                self.inside = short;
                self.next()
            }
            None => Some(Err(word)),
        }
    }

    /// The option's value: behind `=`, in the same word, or the next word.
    fn value(&mut self) -> String {
        if let Some(given) = self.given.take() {
            return given.to_owned();
        }
        let inside = std::mem::take(&mut self.inside);
        if inside.is_empty() {
            self.rest.next().cloned().unwrap_or_default()
        } else {
            inside.strip_prefix('=').unwrap_or(inside).to_owned()
        }
    }
}

impl Command {
    fn curl(&mut self, args: &[String]) {
        let skipped: Vec<&str> = SKIPPED_WITH_VALUE.split_whitespace().collect();
        let mut options = Options::of(args);
        while let Some(next) = options.next() {
            let name = match next {
                Ok(name) => name,
                Err(url) => {
                    self.urls.push(url.to_owned());
                    continue;
                }
            };
            match name {
                "X" | "request" => self.raw.method = Some(options.value()),
                "H" | "header" => self.header(&options.value()),
                "d" | "data" | "data-ascii" | "data-binary" | "json" => {
                    let value = options.value();
                    if name == "json" {
                        self.header("Content-Type: application/json");
                        self.header("Accept: application/json");
                    }
                    if let Some(file) = value.strip_prefix('@') {
                        self.raw.missing.push(Missing::Value { of: format!("the body, which is in the file {file}") });
                    }
                    self.data.push(value);
                }
                "data-raw" => self.data.push(options.value()),
                "data-urlencode" => self.data.push(urlencoded(&options.value())),
                "F" | "form" | "form-string" | "T" | "upload-file" => {
                    options.value();
                    self.raw
                        .method
                        .get_or_insert_with(|| if name.starts_with(['T', 'u']) { "PUT" } else { "POST" }.into());
                    self.raw.missing.push(Missing::Value { of: "the form or file that it sends".into() });
                }
                "G" | "get" => self.get = true,
                "I" | "head" => self.raw.method = Some("HEAD".into()),
                "b" | "cookie" => {
                    let value = options.value();
                    if value.contains('=') {
                        self.raw.headers.push(("Cookie".into(), value));
                    } else {
                        self.raw
                            .missing
                            .push(Missing::Value { of: format!("the cookies, which are in the file {value}") });
                    }
                }
                "u" | "user" => self.basic = Some(options.value()),
                "oauth2-bearer" => {
                    let value = format!("Bearer {}", options.value());
                    self.raw.headers.push(("Authorization".into(), value));
                }
                "A" | "user-agent" => self.raw.headers.push(("User-Agent".into(), options.value())),
                "e" | "referer" => self.raw.headers.push(("Referer".into(), options.value())),
                "k" | "insecure" => self.raw.insecure = true,
                "resolve" => self.resolve(&options.value()),
                "x" | "proxy" | "preproxy" | "socks5" | "socks5-hostname" => self.proxy(name, &options.value()),
                "m" | "max-time" | "connect-timeout" => self.timeout(&options.value()),
                "url" => {
                    let url = options.value();
                    self.urls.push(url);
                }
                name if skipped.contains(&name) => drop(options.value()),
                // The rest are switches.
                _ => {}
            }
        }
        let key = self.raw.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
        use base64::Engine as _;
        let is_key = |key: &str| base64::engine::general_purpose::STANDARD.decode(key).is_ok_and(|key| key.len() == 16);
        if key.is_some_and(|(_, key)| !is_key(key.trim())) {
            self.problems.push(warning(
                "the command's Sec-WebSocket-Key is no key: a healthy server refuses it",
                Some("the check makes a right one"),
            ));
        }
    }

    fn websocat(&mut self, args: &[String]) {
        self.raw.kind = Some(Kind::WebSocket);
        let mut options = Options::of(args);
        while let Some(next) = options.next() {
            match next {
                Err(word) if word.contains("://") && self.urls.is_empty() => self.urls.push(word.to_owned()),
                Err(_) => {}
                Ok("H" | "header") => self.header(&options.value()),
                Ok("origin") => self.raw.headers.push(("Origin".into(), options.value())),
                Ok("protocol") => self.raw.protocols.extend(listed(&options.value())),
                Ok("basic-auth") => self.basic = Some(options.value()),
                Ok("k" | "insecure") => self.raw.insecure = true,
                Ok("ping-interval" | "ping-timeout" | "B" | "buffer-size" | "socks5" | "ws-c-uri") => {
                    drop(options.value())
                }
                Ok(_) => {}
            }
        }
    }

    fn wscat(&mut self, args: &[String]) {
        self.raw.kind = Some(Kind::WebSocket);
        let mut options = Options::of(args);
        while let Some(next) = options.next() {
            match next {
                Err(word) if self.urls.is_empty() => self.urls.push(word.to_owned()),
                Err(_) => {}
                Ok("c" | "connect") => {
                    let url = options.value();
                    self.urls.push(url);
                }
                Ok("H" | "header") => self.header(&options.value()),
                Ok("o" | "origin") => self.raw.headers.push(("Origin".into(), options.value())),
                Ok("s" | "subprotocol") => self.raw.protocols.extend(listed(&options.value())),
                Ok("x" | "execute") => self.raw.send.push(options.value()),
                Ok("auth") => self.basic = Some(options.value()),
                Ok("n" | "no-check") => self.raw.insecure = true,
                Ok("proxy") => {
                    let proxy = options.value();
                    self.proxy("proxy", &proxy);
                }
                Ok(
                    "p" | "protocol" | "host" | "ca" | "cert" | "key" | "passphrase" | "w" | "wait" | "L" | "l"
                    | "listen",
                ) => {
                    drop(options.value());
                }
                Ok(_) => {}
            }
        }
        // wscat takes an address without its scheme.
        for url in &mut self.urls {
            if !url.contains("://") {
                *url = format!("ws://{url}");
            }
        }
    }

    fn header(&mut self, text: &str) {
        // `Name;` is a header without a value, `Name:` takes curl's own away.
        let Some((name, value)) = text.split_once(':') else { return };
        let (name, value) = (name.trim(), value.trim());
        if !value.is_empty() {
            self.raw.headers.push((name.to_owned(), value.to_owned()));
        }
    }

    fn resolve(&mut self, text: &str) {
        match parse_resolve(text.trim_start_matches('+')) {
            Ok(resolve) => self.raw.resolve.push(resolve),
            Err(why) => self.problems.push(warning(format!("--resolve is left out: {why}"), None)),
        }
    }

    fn proxy(&mut self, option: &str, text: &str) {
        let scheme = if option.starts_with("socks5") { "socks5" } else { "http" };
        let whole = if text.contains("://") { text.to_owned() } else { format!("{scheme}://{text}") };
        let whole = whole.replace("socks5h://", "socks5://");
        match Url::parse(&whole) {
            Ok(mut url) if ["http", "socks5"].contains(&url.scheme()) => {
                if url.password().is_some() {
                    let _ = (url.set_username(""), url.set_password(None));
                    self.raw.missing.push(Missing::Value { of: "the proxy's user and password".into() });
                }
                self.raw.proxy = Some(url);
            }
            _ => self.problems.push(warning("the proxy is left out: it is neither http:// nor socks5://", None)),
        }
    }

    fn timeout(&mut self, text: &str) {
        let seconds = text.parse::<f64>().ok().filter(|seconds| (0.001..=86_400.0).contains(seconds));
        self.raw.timeout = seconds.map(Duration::from_secs_f64).or(self.raw.timeout);
    }

    fn finish(mut self, intake: &mut Intake) {
        intake.problems.append(&mut self.problems);
        if let Some(pair) = self.basic.take() {
            if pair.contains(':') {
                self.raw.headers.push(("Authorization".into(), basic(&pair)));
            } else {
                self.raw.missing.push(Missing::Value { of: format!("the password of {pair}") });
            }
        }
        let Some(first) = self.urls.first().cloned() else {
            intake.problems.push(problem("the command names no address", Some("copy the command again, whole")));
            return;
        };
        for _ in self.urls.iter().skip(1) {
            intake.skip("addresses after the command's first");
        }
        self.raw.url = first;
        if !self.data.is_empty() {
            let data = self.data.join("&");
            if self.get {
                let sign = if self.raw.url.contains('?') { '&' } else { '?' };
                self.raw.url = format!("{}{sign}{data}", self.raw.url);
            } else {
                let typed = self.raw.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                if !typed {
                    self.header("Content-Type: application/x-www-form-urlencoded");
                }
                self.raw.body = Some(data);
            }
        }
        let agent = self.raw.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
        self.raw.from_page = agent.is_some_and(|(_, agent)| browser_of(agent).is_some());
        match self.raw.into_draft() {
            Ok(draft) => intake.push(draft),
            Err(problem) => intake.problems.push(problem),
        }
    }
}

/// `name=content`, the content encoded, as `--data-urlencode` does.
fn urlencoded(text: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    match text.split_once('=') {
        Some(("", content)) => encode(content),
        Some((name, content)) => format!("{name}={}", encode(content)),
        None => encode(text),
    }
}

fn listed(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>().into_iter()
}
