//! The client: one request on one new connection, every phase timed.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use super::body::{Body, Incoming, LATE_BODY};
use super::head::{self, TargetForm};
use super::http1::{self, Switched};
use super::proxy::{Kind, Route, Upstream};
use super::settings::Settings;
use super::stream::Stream;
use super::target::Target;
use super::tls::{Offer, Tls};
use super::trace::Trace;
use super::websocket::Upgraded;
use super::{dial, dns, http2, tunnel};
use crate::base::Clock;
use crate::browser::form::PAGE;
use crate::profile::model::Resolve;
use crate::wire::exchange::BODY_KEPT;
use crate::wire::{
    Exchange, Headers, HttpVersion, NetError, Phase, Purpose, Quirks, Transfer, WireRequest, WireResponse,
};

/// Makes connections for one profile's settings. Cheap to clone; clients that are equal in everything are one.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    tls: Arc<Tls>,
    route: Route,
    clock: Clock,
}

/// How much of what a port says is heard, in bytes, and how long it is waited for.
const BANNER: usize = 512;
const BANNER_WAIT: Duration = Duration::from_millis(600);

/// The clients that there are.
static SHARED: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

impl Inner {
    /// The same client where there is one already: hundreds of profiles differ in nothing here.
    fn shared(self) -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|other| 0 < other.strong_count());
        let same = |other: &Arc<Self>| {
            Arc::ptr_eq(&other.tls, &self.tls) && other.settings == self.settings && other.route == self.route
        };
        if let Some(other) = shared.iter().filter_map(Weak::upgrade).find(same) {
            return other;
        }
        let new = Arc::new(self);
        shared.push(Arc::downgrade(&new));
        new
    }
}

impl Client {
    /// Reads the files that the settings name (each at most a few megabytes), and the environment's proxies.
    ///
    /// # Errors
    /// [`NetError::Configuration`] with what to change.
    pub fn new(settings: &Settings) -> Result<Self, NetError> {
        let tls = Tls::shared(settings)?;
        let route = Route::of(&settings.proxy)?;
        Ok(Self(Inner { settings: settings.clone(), tls, route, clock: Clock }.shared()))
    }

    /// One request on a new connection, ended by `deadline` at the latest. Whatever goes wrong is in the exchange, with all
    /// that was seen before. An answer to a WebSocket handshake is one like any other; its connection is dropped: see
    /// [`Client::upgrade`].
    pub async fn exchange(&self, request: WireRequest, deadline: Instant) -> Exchange {
        self.whole(request, deadline, BODY_KEPT).await.0
    }

    /// As [`Client::exchange`], with the answer's body as long as the settings allow, and not only as far as an exchange keeps it.
    pub async fn exchange_whole(&self, request: WireRequest, deadline: Instant) -> (Exchange, Bytes) {
        let (mut exchange, _) = self.whole(request, deadline, usize::MAX).await;
        let mut body = Bytes::new();
        if let Ok(response) = &mut exchange.result {
            body = response.body.clone();
            if BODY_KEPT < body.len() {
                response.body = Bytes::copy_from_slice(&body[..BODY_KEPT]);
            }
        }
        (exchange, body)
    }

    /// As [`Client::exchange`], but up to the answer's head: the body is read piece by piece, and left out of the exchange.
    pub async fn open(&self, request: WireRequest, deadline: Instant) -> (Exchange, Option<Body>) {
        let (trace, request, result) = self.run(request, deadline).await;
        match result {
            Ok((response, Rest::Body(body))) => (trace.finish(request, Ok(response)), Some(*body)),
            Ok((response, Rest::Switched(_))) => (trace.finish(request, Ok(response)), None),
            Err(error) => (trace.finish(request, Err(error)), None),
        }
    }

    /// A WebSocket handshake: the exchange (a refusal's status, headers and late body are kept) and, after a 101, the
    /// connection. Whether the 101 is a good one is the caller's to judge.
    pub async fn upgrade(&self, request: WireRequest, deadline: Instant) -> (Exchange, Option<Upgraded>) {
        let (exchange, switched) = self.whole(request, deadline, BODY_KEPT).await;
        let limit = self.0.settings.limits.message;
        (exchange, switched.map(|Switched { stream, read_ahead }| Upgraded::new(stream, read_ahead, limit)))
    }

    async fn whole(&self, request: WireRequest, deadline: Instant, most: usize) -> (Exchange, Option<Switched>) {
        let (mut trace, request, result) = self.run(request, deadline).await;
        let (mut response, mut body) = match result {
            Ok((response, Rest::Body(body))) => (response, body),
            Ok((response, Rest::Switched(switched))) => return (trace.finish(request, Ok(response)), Some(switched)),
            Err(error) => return (trace.finish(request, Err(error)), None),
        };
        // A handshake's refusal says why in its body, if it comes soon; the refusal stands without it.
        let refusal = request.purpose == Purpose::Handshake;
        let until = if refusal { deadline.min(trace.now() + LATE_BODY) } else { deadline };
        // A form may stand far down its page.
        let most = if request.purpose == Purpose::SignIn { most.max(PAGE) } else { most };
        let mut kept = Vec::new();
        let read =
            tokio::time::timeout_at(until.into(), body.read_into(&mut kept, most, &mut response, self.0.clock)).await;
        if read.is_err() && !refusal {
            response.transfer.error = Some(trace.timeout(Phase::Body));
        }
        response.body = kept.into();
        trace.phases.body = body.first_byte().map(|first| trace.since(first));
        (trace.finish(request, Ok(response)), None)
    }

    /// Up to the answer's head.
    async fn run(&self, mut request: WireRequest, deadline: Instant) -> (Trace, WireRequest, Answered) {
        let mut trace = Trace::begin(self.0.clock, deadline);
        head::complete(&mut request);
        let answered = self.answer(&request, &mut trace).await;
        (trace, request, answered)
    }

    /// What not every request takes is boxed: a request that waits for its answer doesn't hold the room for it, which
    /// counts where hundreds of handshakes are under way at once.
    async fn answer(&self, request: &WireRequest, trace: &mut Trace) -> Answered {
        let Inner { settings, tls, route, .. } = &*self.0;
        let target = Target::of(&request.url)?;
        let upstream = route.choose(&target)?;
        trace.proxy = upstream.as_ref().map(ToString::to_string);
        let (tcp, form) = match &upstream {
            None => (Box::pin(self.dial(&target, trace)).await?, TargetForm::Origin),
            Some(upstream) => {
                let tcp = Box::pin(self.reach(upstream, trace)).await.map_err(beyond_reach)?;
                // A proxy fetches what is plain HTTP; for the rest it only lays a way.
                if upstream.kind == Kind::Http && !target.tls && !target.websocket {
                    (tcp, TargetForm::Absolute { login: upstream.login.as_ref().map(tunnel::basic) })
                } else {
                    (Box::pin(tunnel::open(tcp, upstream, &target, trace)).await?, TargetForm::Origin)
                }
            }
        };
        let stream = if target.tls {
            let offer = if target.websocket { Offer::WebSocket } else { Offer::Http };
            Stream::Tls(Box::new(Box::pin(tls.connect(tcp, &target.host, offer, trace)).await?))
        } else {
            Stream::Plain(tcp)
        };
        let limits = &settings.limits;
        if stream.speaks_h2() {
            let (head, incoming) = Box::pin(http2::open(stream, request, limits, trace)).await?;
            let body = Body::new(Incoming::Http2(Box::new(incoming)), &head.headers, limits);
            let response = bare(HttpVersion::H2, head.status, String::new(), head.headers, Quirks::default());
            return Ok((response, Rest::Body(Box::new(body))));
        }
        let (head, incoming) = http1::open(stream, request, &form, limits, trace).await?;
        let rest = if head.status == 101 && request.purpose == Purpose::Handshake {
            Rest::Switched(incoming.switched())
        } else {
            Rest::Body(Box::new(Body::new(Incoming::Http1(Box::new(incoming)), &head.headers, limits)))
        };
        Ok((bare(head.version, head.status, head.reason, head.headers, head.quirks), rest))
    }

    /// Whether the port that a plain URL names speaks TLS. Such a server reads no request in what a plain connection sends it,
    /// and most end that without a word, as a server that failed would. Makes a connection of its own, on which no request
    /// goes out; not through a proxy.
    pub async fn speaks_tls(&self, url: &Url, deadline: Instant) -> bool {
        let mut trace = Trace::begin(self.0.clock, deadline);
        let Ok(target) = Target::of(url) else { return false };
        if !matches!(self.0.route.choose(&target), Ok(None)) {
            return false;
        }
        let Ok(tcp) = self.dial(&target, &mut trace).await else { return false };
        match self.0.tls.connect(tcp, &target.host, Offer::WebSocket, &mut trace).await {
            Ok(_) => true,
            Err(error) => error.speaks_tls(),
        }
    }

    /// What the port of that URL says by itself, or else to the line `PING`: an answer of no protocol, whose status is 0. No
    /// request goes out; not through a proxy, nor over TLS.
    pub async fn banner(&self, request: WireRequest, deadline: Instant) -> Exchange {
        let mut trace = Trace::begin(self.0.clock, deadline);
        let said = self.hear(&request.url, &mut trace).await;
        let result = said.map(|said| {
            let size = said.len() as u64;
            let mut response = bare(HttpVersion::Http10, 0, String::new(), Headers::new(), Quirks::default());
            (response.body, response.body_size, response.transfer) = (said.into(), size, Transfer::plain(size));
            response
        });
        trace.finish(request, result)
    }

    async fn hear(&self, url: &Url, trace: &mut Trace) -> Result<Vec<u8>, NetError> {
        let target = Target::of(url)?;
        if self.0.route.choose(&target)?.is_some() {
            return Err(NetError::Configuration { what: "a proxy stands between" });
        }
        let mut tcp = self.dial(&target, trace).await?;
        let mut said = vec![0; BANNER];
        for line in ["", "PING\r\n"] {
            // Who has closed by now has nothing to say.
            let heard = async {
                tcp.write_all(line.as_bytes()).await.ok()?;
                tcp.read(&mut said).await.ok()
            };
            match tokio::time::timeout_at(trace.deadline.min(trace.now() + BANNER_WAIT).into(), heard).await {
                Ok(Some(0) | None) => break,
                Ok(Some(size)) => {
                    said.truncate(size);
                    return Ok(said);
                }
                Err(_) => {}
            }
        }
        Ok(Vec::new())
    }

    /// Connects to the target itself.
    async fn dial(&self, target: &Target, trace: &mut Trace) -> Result<TcpStream, NetError> {
        let settings = &self.0.settings;
        if let Some(instead) = settings.connects_to(&target.host, target.port) {
            let to = instead.to.ok_or(NetError::NameNotResolved)?;
            return dial::dial(&[to.ip()], to.port(), trace).await;
        }
        let addresses = dns::addresses(&target.host, target.port, &settings.resolve, trace).await?;
        dial::dial(&addresses, target.port, trace).await
    }

    /// Connects to the proxy. Of the profile's addresses only those for its very name count: `*` means targets.
    async fn reach(&self, upstream: &Upstream, trace: &mut Trace) -> Result<TcpStream, NetError> {
        let named = self.0.settings.resolve.iter().filter(|entry| entry.host.is_some());
        let overrides: Vec<Resolve> = named.cloned().collect();
        let addresses = dns::addresses(&upstream.host, upstream.port, &overrides, trace).await?;
        dial::dial(&addresses, upstream.port, trace).await
    }
}

/// What follows an answer's head.
enum Rest {
    Body(Box<Body>),
    Switched(Switched),
}

type Answered = Result<(WireResponse, Rest), NetError>;

/// An answer whose body is still to come.
fn bare(version: HttpVersion, status: u16, reason: String, headers: Headers, quirks: Quirks) -> WireResponse {
    let transfer = Transfer { quirks, ..Transfer::default() };
    WireResponse { version, status, reason, headers, body: Bytes::new(), body_size: 0, transfer }
}

/// A proxy that can't be reached is that, whatever kept us from it, unless it was this machine itself.
fn beyond_reach(error: NetError) -> NetError {
    if error.is_local() { error } else { NetError::ProxyConnectionFailed }
}
