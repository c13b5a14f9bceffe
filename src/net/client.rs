//! The client: one request on one new connection, every phase timed.

use std::sync::Arc;
use std::time::Instant;

use super::head::{self, TargetForm};
use super::http1::{self, Switched};
use super::settings::Settings;
use super::stream::Stream;
use super::target::Target;
use super::tls::{Offer, Tls};
use super::trace::Trace;
use super::websocket::Upgraded;
use super::{dial, dns, http2};
use crate::base::Clock;
use crate::wire::{Exchange, NetError, WireRequest, WireResponse};

/// Makes connections for one profile's settings. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    tls: Arc<Tls>,
    clock: Clock,
}

impl Client {
    /// Reads the files that the settings name (each at most a few megabytes).
    ///
    /// # Errors
    /// [`NetError::Configuration`] with what to change.
    pub fn new(settings: &Settings) -> Result<Self, NetError> {
        let tls = Tls::shared(settings)?;
        Ok(Self(Arc::new(Inner { settings: settings.clone(), tls, clock: Clock })))
    }

    /// One request on a new connection, ended by `deadline` at the latest. Whatever goes wrong is in the exchange, with all
    /// that was seen before. An answer to a WebSocket handshake is one like any other; its connection is dropped: see
    /// [`Client::upgrade`].
    pub async fn exchange(&self, request: WireRequest, deadline: Instant) -> Exchange {
        self.run(request, deadline).await.0
    }

    /// A WebSocket handshake: the exchange (a refusal's status, headers and late body are kept) and, after a 101, the
    /// connection. Whether the 101 is a good one is the caller's to judge.
    pub async fn upgrade(&self, request: WireRequest, deadline: Instant) -> (Exchange, Option<Upgraded>) {
        let (exchange, switched) = self.run(request, deadline).await;
        let limit = self.0.settings.limits.message;
        (exchange, switched.map(|Switched { stream, read_ahead }| Upgraded::new(stream, read_ahead, limit)))
    }

    async fn run(&self, mut request: WireRequest, deadline: Instant) -> (Exchange, Option<Switched>) {
        let mut trace = Trace::begin(self.0.clock, deadline);
        head::complete(&mut request);
        let (result, switched) = match self.answer(&request, &mut trace).await {
            Ok((response, switched)) => (Ok(response), switched),
            Err(error) => (Err(error), None),
        };
        (trace.finish(request, result), switched)
    }

    async fn answer(
        &self,
        request: &WireRequest,
        trace: &mut Trace,
    ) -> Result<(WireResponse, Option<Switched>), NetError> {
        let Inner { settings, tls, .. } = &*self.0;
        let target = Target::of(&request.url)?;
        let addresses = dns::addresses(&target.host, target.port, &settings.resolve, trace).await?;
        let tcp = dial::dial(&addresses, target.port, trace).await?;
        let stream = if target.tls {
            let offer = if target.websocket { Offer::WebSocket } else { Offer::Http };
            Stream::Tls(Box::new(tls.connect(tcp, &target.host, offer, trace).await?))
        } else {
            Stream::Plain(tcp)
        };
        if stream.speaks_h2() {
            let response = http2::exchange(stream, request, &settings.limits, trace).await?;
            return Ok((response, None));
        }
        http1::exchange(stream, request, TargetForm::Origin, &settings.limits, trace).await
    }
}
