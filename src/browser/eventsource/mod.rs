//! [Server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html): `new EventSource()` as a machine. It
//! says what goes out, when to read, how long to wait and when it has given up; it is told what came.
//!
//! Each connection is a [`Fetch`] in CORS mode, always without a preflight.

pub mod mime;
pub mod stream;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use url::Url;

use super::answer::Answer;
use super::console::{self, Console};
use super::cookie::Excluded;
use super::fetch::Step;
use super::script::{Call, Prepared};
use super::{Api, Browser, Credentials, Fault, Fetch, Memory, Mode, Page, Redirect, dialect};
use crate::base::Wall;
use crate::wire::{Exchange, NetError, WireRequest, WireResponse};

use stream::{Event, Parser};

/// The most connections of one EventSource. A stream that ends at once with `retry: 0` makes a browser come again without end.
pub const CONNECTIONS: usize = 200;

/// `new EventSource(url, { withCredentials })`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub url: Url,
    pub with_credentials: bool,
}

/// [readyState](https://html.spec.whatwg.org/multipage/server-sent-events.html#dom-eventsource-readystate).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadyState {
    /// Or waiting to try again.
    Connecting,
    Open,
    /// Given up.
    Closed,
}

impl ReadyState {
    /// As a script reads it.
    pub fn number(self) -> u8 {
        match self {
            Self::Connecting => 0,
            Self::Open => 1,
            Self::Closed => 2,
        }
    }
}

/// What the machine wants next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Send this, and say by [`EventSource::on_exchange`] what came of it: the head is enough.
    Send(Box<WireRequest>),
    /// Read on in the body of that answer: [`EventSource::on_body`], [`EventSource::on_end`].
    Read,
    /// Wait so long, then [`EventSource::on_timer`].
    Wait(Duration),
    /// Nothing any more.
    Closed,
}

/// One EventSource.
#[derive(Clone, Debug)]
pub struct EventSource {
    page: Page,
    with_credentials: bool,
    /// Where the next connection goes.
    url: Url,
    /// The connection under way, until its answer's head is there.
    fetch: Option<Fetch>,
    /// While no connection is under way.
    memory: Memory,
    /// `None`: the constructor threw.
    state: Option<ReadyState>,
    /// The answer's head is there, and nothing is decided before the body begins (Firefox) or has been looked at (Chromium).
    undecided: Option<Vec<u8>>,
    parser: Parser,
    /// [Reconnection time](https://html.spec.whatwg.org/multipage/server-sent-events.html#concept-event-stream-reconnection-time).
    retry: Duration,
    connections: usize,
    opened: bool,
    /// `open` or `error` has been fired.
    fired: bool,
    messages: u64,
    /// Of the first connection that failed.
    fault: Option<Fault>,
    status: Option<u16>,
    exchanges: Vec<Exchange>,
    excluded: Vec<Excluded>,
    console: Console,
}

impl EventSource {
    /// [new EventSource(url, init)](https://html.spec.whatwg.org/multipage/server-sent-events.html#dom-eventsource) up to the
    /// first request. `now` is for what has a life time (cookies).
    pub fn start(page: Page, source: Source, memory: Memory, now: Wall) -> (Self, Next) {
        let retry = dialect::reconnection_time(page.browser);
        let mut machine = Self {
            page,
            with_credentials: source.with_credentials,
            url: source.url,
            fetch: None,
            memory,
            state: Some(ReadyState::Connecting),
            undecided: None,
            parser: Parser::default(),
            retry,
            connections: 0,
            opened: false,
            fired: false,
            messages: 0,
            fault: None,
            status: None,
            exchanges: Vec::new(),
            excluded: Vec::new(),
            console: Console::default(),
        };
        let next = machine.connect(now);
        (machine, next)
    }

    /// What came of the request that [`Next::Send`] named; of the answer the head alone.
    pub fn on_exchange(&mut self, exchange: Exchange, now: Wall) -> Next {
        match self.fetch.take() {
            Some(mut fetch) => {
                let step = fetch.on_exchange(exchange, now);
                self.step(fetch, step)
            }
            None => self.resting(),
        }
    }

    /// The time was up while that request was on its way: it counts as sent, and nothing else.
    pub fn on_abandoned(&mut self, exchange: Exchange) {
        self.settle();
        self.exchanges.push(exchange);
    }

    /// Bytes of the body, decoded.
    pub fn on_body(&mut self, bytes: &[u8]) -> Next {
        let mut before = Vec::new();
        if let Some(seen) = &mut self.undecided {
            seen.extend_from_slice(bytes);
            if self.page.browser == Browser::Chrome && seen.len() < mime::SNIFFED {
                return Next::Read;
            }
            before = std::mem::take(seen);
            if let Some(next) = self.decide(&before) {
                return next;
            }
        }
        if self.state == Some(ReadyState::Open) {
            self.feed(if before.is_empty() { bytes } else { &before });
        }
        Next::Read
    }

    /// The body's end, or what broke it.
    pub fn on_end(&mut self, end: Result<(), NetError>) -> Next {
        let browser = self.page.browser;
        if let Some(seen) = self.undecided.take() {
            if let (Err(error), true, Browser::Firefox) = (&end, seen.is_empty(), browser) {
                // To Firefox that is an answer that never began.
                let fault = Fault::Net(error.clone());
                let lines = console::of_answer_without_body(&self.page, self.is_foreign(), &self.url, &fault);
                return self.ended(fault, Console::new(lines));
            }
            if let Some(next) = self.decide(&seen) {
                return next;
            }
            self.feed(&seen);
        }
        if self.state != Some(ReadyState::Open) {
            return self.resting();
        }
        let Err(error) = end else { return self.reestablish() };
        let again = dialect::stream_tries_again(browser, &error);
        self.console.append(Console::new(console::of_broken_stream(browser, &self.url, &error, again)), false);
        if again { self.reestablish() } else { self.fail() }
    }

    /// [`Next::Wait`] is over.
    pub fn on_timer(&mut self, now: Wall) -> Next {
        if self.state == Some(ReadyState::Connecting) && self.fetch.is_none() && self.undecided.is_none() {
            self.connect(now)
        } else {
            self.resting()
        }
    }

    /// Whether `open` or `error` has been fired: from then on the page watches.
    pub fn has_fired(&self) -> bool {
        self.fired
    }

    /// `None`: the constructor threw.
    pub fn ready_state(&self) -> Option<ReadyState> {
        self.state
    }

    /// How many messages the script got.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// What came of it so far, and what the browser remembers after it.
    pub fn finish(mut self) -> (Box<Answer>, Memory) {
        self.settle();
        let fault = if self.opened { None } else { self.fault };
        let credentials = if self.with_credentials { Credentials::Include } else { Credentials::SameOrigin };
        let answer = Answer::of(&self.page, Some(credentials), fault, self.exchanges, self.console, self.excluded);
        let ready_state = self.state.map(ReadyState::number);
        (Box::new(Answer { status: self.status, ready_state, ..answer }), self.memory)
    }

    /// One connection: steps 10 and on of the constructor, and the last of
    /// [reestablishing](https://html.spec.whatwg.org/multipage/server-sent-events.html#reestablish-the-connection) it.
    fn connect(&mut self, now: Wall) -> Next {
        if CONNECTIONS <= self.connections {
            return self.resting();
        }
        self.connections += 1;
        if dialect::refuses_userinfo_in_event_source(&self.page, &self.url) {
            return self.ended(Fault::Aborted, Console::default());
        }
        let mut prepared = Prepared { method: "GET".into(), ..Prepared::default() };
        prepared.combine("Accept", b"text/event-stream");
        prepared.combine("Cache-Control", b"no-cache");
        if !self.parser.last_event_id().is_empty() {
            prepared.combine("Last-Event-ID", self.parser.last_event_id().as_bytes());
        }
        let call = Call {
            api: Api::EventSource,
            url: self.url.clone(),
            prepared: Ok(prepared),
            mode: Mode::Cors,
            credentials: if self.with_credentials { Credentials::Include } else { Credentials::SameOrigin },
            redirect: Redirect::Follow,
            notes: Vec::new(),
        };
        let memory = std::mem::take(&mut self.memory);
        let (fetch, step) = Fetch::begin(self.page.clone(), call, memory, now);
        self.step(fetch, step)
    }

    fn step(&mut self, fetch: Fetch, step: Step) -> Next {
        match step {
            Step::Send(request) => {
                self.fetch = Some(fetch);
                Next::Send(request)
            }
            Step::Done(answer) => {
                self.memory = fetch.into_memory();
                self.answered(*answer)
            }
        }
    }

    /// What an unfinished connection sent and learnt is kept.
    fn settle(&mut self) {
        if let Some(mut fetch) = self.fetch.take() {
            self.exchanges.append(&mut fetch.take_exchanges());
            self.memory = fetch.into_memory();
        }
    }

    /// One connection has come to its answer's head, or failed before.
    fn answered(&mut self, mut answer: Answer) -> Next {
        let first = self.exchanges.len();
        self.exchanges.append(&mut answer.exchanges);
        let excluded = answer.excluded.into_iter();
        self.excluded.extend(excluded.map(|one| Excluded { exchange: first + one.exchange, ..one }));
        self.excluded.truncate(Excluded::MOST);
        self.status = answer.status;
        if let Some(url) = dialect::next_connection(self.page.browser, &self.exchanges[first..]) {
            self.url = url;
        }
        if let Some(fault) = answer.fault {
            return self.ended(fault, answer.console);
        }
        self.console.append(answer.console, false);
        let Some(response) = self.exchanges[first..].last().and_then(Exchange::response) else {
            return self.data_url();
        };
        let browser = self.page.browser;
        if dialect::opens_with_the_body(browser)
            || (response.status == 200 && mime::is_sniffed(browser, &response.headers))
        {
            self.undecided = Some(Vec::new());
            return Next::Read;
        }
        self.decide(b"").unwrap_or(Next::Read)
    }

    /// [processResponse](https://html.spec.whatwg.org/multipage/server-sent-events.html#dom-eventsource): the connection is
    /// announced (`None`), or what comes instead.
    fn decide(&mut self, body: &[u8]) -> Option<Next> {
        self.undecided = None;
        let response = self.exchanges.last().and_then(Exchange::response)?;
        match check(&self.page, response, body) {
            Ok(lines) => {
                self.console.append(Console::new(lines), false);
                self.announce();
                None
            }
            Err(fault) => {
                let lines = console::of_refused_stream(self.page.browser, &fault);
                Some(self.ended(fault, Console::new(lines)))
            }
        }
    }

    /// [Announce the connection](https://html.spec.whatwg.org/multipage/server-sent-events.html#announce-the-connection).
    fn announce(&mut self) {
        self.state = Some(ReadyState::Open);
        (self.opened, self.fired) = (true, true);
        self.parser = Parser::resume(self.parser.last_event_id());
    }

    fn feed(&mut self, bytes: &[u8]) {
        let (browser, mut retry, mut messages) = (self.page.browser, self.retry, 0_u64);
        self.parser.feed(bytes, &mut |event| match event {
            Event::Retry(value) => retry = dialect::new_reconnection_time(browser, &value).unwrap_or(retry),
            Event::Message { .. } => messages += 1,
        });
        self.retry = retry;
        self.messages = self.messages.saturating_add(messages);
    }

    /// A connection that did not open.
    fn ended(&mut self, fault: Fault, console: Console) -> Next {
        let browser = self.page.browser;
        let again = dialect::event_source_tries_again(browser, &fault, self.is_foreign());
        let thrown = !self.fired && dialect::event_source_throws(browser, &fault) && self.exchanges.is_empty();
        let console = if again || thrown { console } else { console::of_given_up(browser, &self.url, &fault, console) };
        // Chromium's own order of what explains a failure best.
        let outweighs = browser == Browser::Chrome
            && (fault.is_policy() || matches!(fault, Fault::HandshakeInvalid(_)))
            && self.fault.as_ref().is_none_or(|earlier| !earlier.is_policy());
        self.console.append(console, outweighs);
        self.fault.get_or_insert(fault);
        if thrown {
            self.state = None;
            self.fired = true;
            Next::Closed
        } else if again {
            self.reestablish()
        } else {
            self.fail()
        }
    }

    /// [Reestablish the connection](https://html.spec.whatwg.org/multipage/server-sent-events.html#reestablish-the-connection),
    /// up to the wait.
    fn reestablish(&mut self) -> Next {
        self.state = Some(ReadyState::Connecting);
        self.fired = true;
        self.resting()
    }

    /// [Fail the connection](https://html.spec.whatwg.org/multipage/server-sent-events.html#fail-the-connection).
    fn fail(&mut self) -> Next {
        self.state = Some(ReadyState::Closed);
        self.fired = true;
        Next::Closed
    }

    /// What there is to do where nothing is under way.
    fn resting(&self) -> Next {
        match self.state {
            Some(ReadyState::Connecting) if self.connections < CONNECTIONS => Next::Wait(self.retry),
            Some(ReadyState::Connecting) => Next::Wait(Duration::from_secs(u64::from(u32::MAX))),
            Some(ReadyState::Open) => Next::Read,
            Some(ReadyState::Closed) | None => Next::Closed,
        }
    }

    /// Whether CORS was in play in the last request.
    fn is_foreign(&self) -> bool {
        match self.exchanges.last() {
            Some(exchange) => exchange.request.headers.contains("origin"),
            None => !self.page.is_same_origin(&self.url),
        }
    }

    /// A `data:` URL is its own answer, and ends at once.
    fn data_url(&mut self) -> Next {
        let (mime, body) = data_url(&self.url);
        let headers = [("Content-Type", mime.as_str())].into_iter().collect();
        match mime::check(self.page.browser, &headers, &body) {
            Ok(_) => {
                self.announce();
                self.feed(&body);
                self.reestablish()
            }
            Err(invalid) => {
                let fault = Fault::HandshakeInvalid(invalid);
                let lines = console::of_refused_stream(self.page.browser, &fault);
                self.ended(fault, Console::new(lines))
            }
        }
    }
}

/// What an answer must be: of status 200 and of the type of an event stream. With the lines that it is worth all the same.
fn check(page: &Page, response: &WireResponse, body: &[u8]) -> Result<Vec<String>, Fault> {
    if response.status != 200 {
        return Err(Fault::HandshakeStatus { status: response.status });
    }
    let charset = mime::check(page.browser, &response.headers, body).map_err(Fault::HandshakeInvalid)?;
    Ok(charset.map(|charset| console::of_odd_charset(&charset)).into_iter().collect())
}

/// [data: URL processor](https://fetch.spec.whatwg.org/#data-url-processor): type and body.
fn data_url(url: &Url) -> (String, Vec<u8>) {
    let text = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let (mime, body) = text.split_once(',').unwrap_or((text, ""));
    let body: Vec<u8> = percent_encoding::percent_decode_str(body).collect();
    match mime.trim_end().strip_suffix(";base64") {
        Some(mime) => (mime.to_owned(), forgiving_base64(&body)),
        None if mime.is_empty() => ("text/plain".to_owned(), body),
        None => (mime.to_owned(), body),
    }
}

/// [Forgiving-base64 decode](https://infra.spec.whatwg.org/#forgiving-base64-decode); what is none is nothing.
fn forgiving_base64(body: &[u8]) -> Vec<u8> {
    let text: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').collect();
    STANDARD_NO_PAD.decode(text).unwrap_or_default()
}

#[cfg(test)]
mod tests;
