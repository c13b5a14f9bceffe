//! [Establish a WebSocket connection](https://websockets.spec.whatwg.org/#concept-websocket-establish) as a machine, and the
//! [close event](close) that the script sees in the end.

pub mod accept;
pub mod close;
pub mod deflate;
pub mod frames;
mod utf8;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use url::Url;

use super::answer::Answer;
use super::console::{self, Remark};
use super::cookie::Trail;
use super::dialect::SocketRule;
use super::dialect::csp::Asker;
use super::{
    Browser, Fault, Invalid, Memory, Misuse, Page, Step, csp, dialect, headers, http, mixed, origin, port, sent,
};
use crate::base::Wall;
use crate::wire::{Exchange, Headers, Purpose, WireRequest};

pub use close::{CloseEvent, Ending, Loss, script_close};
pub use deflate::Agreed;

/// `new WebSocket(url, protocols)`, and what else goes with the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// `ws`, `wss`, `http` or `https`.
    pub url: Url,
    pub protocols: Vec<String>,
    /// Fields that no browser would send and the profile wants all the same (a token for a proxy). Sent last.
    pub extra: Vec<(String, String)>,
}

/// One opening handshake under way.
#[derive(Clone, Debug)]
pub struct Handshake {
    page: Page,
    memory: Memory,
    url: Url,
    protocols: Vec<String>,
    key: String,
    deflate: Option<Agreed>,
    /// What the console has said so far.
    remarks: Vec<Remark>,
    cookies: Trail,
}

impl Handshake {
    /// [new WebSocket(url, protocols)](https://websockets.spec.whatwg.org/#dom-websocket-websocket) up to the request. `key` is
    /// sixteen random bytes; `now` is for what has a life time.
    pub fn start(page: Page, socket: Socket, memory: Memory, key: [u8; 16], now: Wall) -> (Self, Step) {
        let Socket { mut url, protocols, extra } = socket;
        let as_written = url.clone();
        // Steps 3 and 4: http and https are taken for ws and wss.
        let scheme = match url.scheme() {
            "http" => "ws",
            "https" => "wss",
            other => other,
        }
        .to_owned();
        let known = matches!(scheme.as_str(), "ws" | "wss");
        if known && url.scheme() != scheme {
            // From one special scheme to another: can't fail.
            let _ = url.set_scheme(&scheme);
        }
        let mut handshake = Self {
            page,
            memory,
            url,
            protocols,
            key: STANDARD.encode(key),
            deflate: None,
            remarks: Vec::new(),
            cookies: Trail::default(),
        };
        let step = match handshake.refusal(&as_written, known) {
            Some(fault) => handshake.done(Err(fault), None),
            None => handshake.request(&extra, now),
        };
        (handshake, step)
    }

    /// What the browser remembers after it.
    pub fn into_memory(self) -> Memory {
        self.memory
    }

    /// permessage-deflate as it was agreed on, once the handshake is done.
    pub fn deflate(&self) -> Option<Agreed> {
        self.deflate
    }

    /// The URL with the scheme that is dialled.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What stops it before the network, in the browser's order.
    fn refusal(&mut self, as_written: &Url, known: bool) -> Option<Fault> {
        // Step 5: another scheme.
        if !known {
            return Some(Fault::SyntaxError(Misuse::Scheme { url: as_written.clone() }));
        }
        // Step 6: a fragment.
        if as_written.fragment().is_some() {
            return Some(Fault::SyntaxError(Misuse::Fragment { url: as_written.clone() }));
        }
        dialect::socket_rules(self.page.browser).into_iter().find_map(|rule| match rule {
            SocketRule::Subprotocols => self.misused_subprotocol().map(Fault::SyntaxError),
            SocketRule::Policies => self.policies(),
            SocketRule::MixedContent => mixed::should_block(&self.page, &self.url),
            SocketRule::Port => port::bad_port(self.page.browser, &self.url).map(|port| Fault::UnsafePort { port }),
        })
    }

    /// Step 8: the subprotocols are tokens, and each stands once.
    fn misused_subprotocol(&self) -> Option<Misuse> {
        self.protocols.iter().enumerate().find_map(|(at, protocol)| {
            if !headers::is_token(protocol) {
                return Some(Misuse::Subprotocol { protocol: protocol.clone() });
            }
            self.protocols[..at].contains(protocol).then(|| Misuse::Duplicate { protocol: protocol.clone() })
        })
    }

    /// What the page's Content Security Policies say of it, and whether they upgrade it.
    fn policies(&mut self) -> Option<Fault> {
        let fault = csp::ask(&self.page, Asker::Socket, &mut self.url, false, &mut self.remarks);
        // An upgrade is said at once, where reports are queued.
        self.remarks.sort_by_key(|remark| !matches!(remark, Remark::Upgraded { .. }));
        fault
    }

    fn request(&mut self, extra: &[(String, String)], now: Wall) -> Step {
        let mut fields = Headers::new();
        // Credentials always go with a handshake.
        let way = std::slice::from_ref(&self.url);
        let cookie = self.cookies.send(&mut self.memory, &self.page, way, now, 0);
        self.remarks.extend(self.cookies.notes());
        let cookie = cookie.as_deref();
        match self.page.browser {
            Browser::Chrome => self.chrome(&mut fields, cookie),
            Browser::Firefox => self.firefox(&mut fields, cookie),
            Browser::Safari => self.safari(&mut fields, cookie),
        }
        for (name, value) in extra {
            fields.set(name, value);
        }
        Step::Send(Box::new(WireRequest {
            purpose: Purpose::Handshake,
            method: "GET".into(),
            url: self.url.clone(),
            headers: fields,
            body: Bytes::new(),
        }))
    }

    fn chrome(&self, out: &mut Headers, cookie: Option<&[u8]>) {
        let browser = self.page.browser;
        out.push("Host", sent::host(&self.url));
        out.push("Connection", "Upgrade");
        out.push("Pragma", "no-cache");
        out.push("Cache-Control", "no-cache");
        out.push("User-Agent", dialect::user_agent(browser));
        out.push("Upgrade", "websocket");
        out.push("Origin", self.page.origin());
        out.push("Sec-WebSocket-Version", "13");
        self.coding(out);
        out.push("Accept-Language", dialect::accept_language(browser));
        self.cookie(out, cookie);
        out.push("Sec-WebSocket-Key", &self.key);
        self.extensions(out, "permessage-deflate; client_max_window_bits");
        self.subprotocols(out);
    }

    fn firefox(&self, out: &mut Headers, cookie: Option<&[u8]>) {
        let browser = self.page.browser;
        out.push("Host", sent::host(&self.url));
        out.push("User-Agent", dialect::user_agent(browser));
        out.push("Accept", "*/*");
        out.push("Accept-Language", dialect::accept_language(browser));
        self.coding(out);
        out.push("Sec-WebSocket-Version", "13");
        out.push("Origin", self.page.origin());
        self.subprotocols(out);
        self.extensions(out, "permessage-deflate");
        out.push("Sec-WebSocket-Key", &self.key);
        out.push("Connection", "keep-alive, Upgrade");
        self.cookie(out, cookie);
        if origin::is_potentially_trustworthy(&self.url) {
            out.push("Sec-Fetch-Dest", "empty");
            out.push("Sec-Fetch-Mode", "websocket");
            out.push("Sec-Fetch-Site", sent::sec_fetch_site(&self.page, &[self.http_url()]));
        }
        out.push("Pragma", "no-cache");
        out.push("Cache-Control", "no-cache");
        out.push("Upgrade", "websocket");
    }

    fn safari(&self, out: &mut Headers, cookie: Option<&[u8]>) {
        let browser = self.page.browser;
        out.push("Host", sent::host(&self.url));
        out.push("Origin", self.page.origin());
        out.push("Pragma", "no-cache");
        out.push("Cache-Control", "no-cache");
        out.push("User-Agent", dialect::user_agent(browser));
        self.cookie(out, cookie);
        out.push("Sec-WebSocket-Key", &self.key);
        out.push("Sec-WebSocket-Version", "13");
        self.extensions(out, "permessage-deflate");
        self.subprotocols(out);
        out.push("Connection", "Upgrade");
        out.push("Upgrade", "websocket");
    }

    fn coding(&self, out: &mut Headers) {
        let browser = self.page.browser;
        out.push(
            "Accept-Encoding",
            if self.page.abilities.codings { dialect::accept_encoding(browser, &self.url) } else { "identity" },
        );
    }

    fn extensions(&self, out: &mut Headers, offer: &str) {
        if self.page.abilities.deflate {
            out.push("Sec-WebSocket-Extensions", offer);
        }
    }

    fn subprotocols(&self, out: &mut Headers) {
        if !self.protocols.is_empty() {
            out.push("Sec-WebSocket-Protocol", self.protocols.join(", "));
        }
    }

    fn cookie(&self, out: &mut Headers, cookie: Option<&[u8]>) {
        if let Some(cookie) = cookie {
            out.push("Cookie", cookie);
        }
    }

    /// The URL under the scheme that its site and origin are reckoned by.
    fn http_url(&self) -> Url {
        let mut url = self.url.clone();
        let _ = url.set_scheme(if url.scheme() == "wss" { "https" } else { "http" });
        url
    }

    /// What came of the handshake. A redirect is not followed: it is another status than 101.
    pub fn on_exchange(&mut self, mut exchange: Exchange, now: Wall) -> Step {
        let refused = http::read(self.page.browser, &mut exchange).err();
        let result = match &exchange.result {
            Err(error) => Err(Fault::Net(error.clone())),
            Ok(_) if let Some(error) = refused => Err(Fault::Net(error)),
            Ok(response) if let Some(name) = http::repeated(self.page.browser, response) => {
                Err(Fault::RepeatedHeader { name })
            }
            Ok(response) if response.transfer.quirks.no_status_line && self.page.browser == Browser::Chrome => {
                Err(Fault::HandshakeInvalid(Invalid::StatusLine))
            }
            Ok(response) => match response.status {
                101 => match accept::check(&self.page, &self.key, &self.protocols, &response.headers) {
                    Ok(accepted) => {
                        self.deflate = accepted.deflate;
                        Ok(accepted.protocol)
                    }
                    Err(invalid) => Err(Fault::HandshakeInvalid(invalid)),
                },
                407 if exchange.proxy.is_none() && dialect::refuses_proxy_status(self.page.browser) => {
                    Err(Fault::UnexpectedProxyAuth)
                }
                status => Err(Fault::HandshakeStatus { status }),
            },
        };
        if let Ok(response) = &exchange.result
            && dialect::cookies::keeps_of_handshake(self.page.browser, response.status, result.is_ok())
        {
            let way = std::slice::from_ref(&self.url);
            self.cookies.receive(&mut self.memory.jar, &self.page, way, &response.headers, now, 0);
            self.remarks.extend(self.cookies.notes());
        }
        self.done(result, Some(exchange))
    }

    fn done(&mut self, result: Result<Option<String>, Fault>, exchange: Option<Exchange>) -> Step {
        let (protocol, fault) = match result {
            Ok(protocol) => (protocol, None),
            Err(fault) => (None, Some(fault)),
        };
        let seen = exchange.as_ref().and_then(Exchange::status);
        let status = if matches!(fault, Some(Fault::UnexpectedProxyAuth)) { None } else { seen };
        let console = console::of_handshake(&self.page, &self.url, &self.remarks, fault.as_ref());
        let close = fault.as_ref().and_then(|fault| close::never_opened(self.page.browser, fault));
        let exchanges: Vec<Exchange> = exchange.into_iter().collect();
        let excluded = std::mem::take(&mut self.cookies.excluded);
        let answer = Answer::of(&self.page, None, fault, exchanges, console, excluded);
        Step::Done(Box::new(Answer { status, protocol, close, ..answer }))
    }
}
