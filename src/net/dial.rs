//! TCP as browsers dial it: [Happy Eyeballs, RFC 8305](https://www.rfc-editor.org/rfc/rfc8305), every attempt recorded.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use super::errno;
use super::trace::Trace;
use crate::wire::{Attempt, NetError};

/// Section 5's connection attempt delay, which is Chromium's fall-back time too.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first address that answers. Sets `phases.connect`, `peer` and `tried`.
pub(super) async fn dial(addresses: &[IpAddr], port: u16, trace: &mut Trace) -> Result<TcpStream, NetError> {
    let mut waiting = interleaved(addresses).into_iter().map(|address| SocketAddr::new(address, port));
    let mut under_way = FuturesUnordered::new();
    let mut starts: Vec<Instant> = Vec::new();
    let first = trace.tried.len();

    let deadline = tokio::time::sleep_until(trace.deadline.into());
    let next_start = tokio::time::sleep(Duration::ZERO);
    tokio::pin!(deadline, next_start);
    let mut more = true;
    loop {
        // Each turn starts the next attempt: the first, one after a refusal, one after the delay.
        if more {
            match waiting.next() {
                Some(address) => {
                    let index = starts.len();
                    starts.push(trace.now());
                    trace.tried.push(Attempt { address, took: Duration::ZERO, error: None });
                    under_way.push(async move { (index, TcpStream::connect(address).await) });
                    next_start.as_mut().reset((trace.now() + ATTEMPT_DELAY).into());
                }
                None => more = false,
            }
        }
        if under_way.is_empty() && !more {
            return Err(most_telling(&trace.tried[first..]));
        }
        tokio::select! {
            biased;
            Some((index, connected)) = under_way.next(), if !under_way.is_empty() => {
                let took = trace.since(starts[index]);
                trace.tried[first + index].took = took;
                match connected.map_err(|error| errno::connecting(&error)).and_then(usable) {
                    Ok(stream) => {
                        let now = trace.now();
                        for (other, start) in starts.iter().enumerate() {
                            let attempt = &mut trace.tried[first + other];
                            if attempt.took.is_zero() {
                                attempt.took = now.saturating_duration_since(*start);
                            }
                        }
                        trace.phases.connect = Some(took);
                        trace.peer = Some(trace.tried[first + index].address);
                        return Ok(stream);
                    }
                    Err(error) => {
                        // Nothing is gained by waiting out the delay after a refusal.
                        trace.tried[first + index].error = Some(error);
                    }
                }
            }
            () = &mut next_start, if more => {}
            () = &mut deadline => {
                for (index, start) in starts.iter().enumerate() {
                    let took = trace.since(*start);
                    let attempt = &mut trace.tried[first + index];
                    if attempt.error.is_none() {
                        attempt.took = took;
                        attempt.error = Some(NetError::ConnectTimeout);
                    }
                }
                return Err(most_telling(&trace.tried[first..]));
            }
        }
    }
}

/// [Section 4](https://www.rfc-editor.org/rfc/rfc8305#section-4): the families take turns, that of the first address first.
/// The resolver has sorted them by RFC 6724 already, so a machine with no IPv6 route begins with IPv4.
fn interleaved(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (mut one, mut other): (Vec<_>, Vec<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == first_is_v6);
    let mut out = Vec::with_capacity(addresses.len());
    let (mut one, mut other) = (one.drain(..), other.drain(..));
    loop {
        let (a, b) = (one.next(), other.next());
        if a.is_none() && b.is_none() {
            return out;
        }
        out.extend(a);
        out.extend(b);
    }
}

fn usable(stream: TcpStream) -> Result<TcpStream, NetError> {
    // A free port of this machine can be met by our own outgoing one: then we talk to ourselves, and nothing listens.
    if let (Ok(local), Ok(peer)) = (stream.local_addr(), stream.peer_addr())
        && local == peer
    {
        return Err(NetError::ConnectionRefused);
    }
    // Best effort: without it small frames only come later.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Of several failures the one that says most about the endpoint; this machine's own lack of means before all.
fn most_telling(tried: &[Attempt]) -> NetError {
    let weight = |error: &NetError| match error {
        NetError::LocalResource { .. } => 0,
        NetError::ConnectionRefused => 1,
        NetError::ConnectionReset { .. } | NetError::ConnectionClosed { .. } => 2,
        NetError::ConnectTimeout => 3,
        NetError::AddressUnreachable => 4,
        NetError::InternetDisconnected => 6,
        _ => 5,
    };
    let errors = tried.iter().filter_map(|attempt| attempt.error.as_ref());
    errors.min_by_key(|error| weight(error)).cloned().unwrap_or(NetError::NameNotResolved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use tokio::net::TcpListener;

    fn ips(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|address| address.parse().unwrap()).collect()
    }

    fn trace(wait: Duration) -> Trace {
        Trace::begin(Clock, Clock.mono() + wait)
    }

    /// A port of loopback on which nothing listens.
    async fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn families_take_turns_beginning_with_the_resolvers_first() {
        let sorted = |list: &[&str]| interleaved(&ips(list));
        assert_eq!(sorted(&["::1", "::2", "::3", "1.1.1.1"]), ips(&["::1", "1.1.1.1", "::2", "::3"]));
        assert_eq!(sorted(&["1.1.1.1", "2.2.2.2", "::1"]), ips(&["1.1.1.1", "::1", "2.2.2.2"]));
        assert_eq!(sorted(&[]), ips(&[]));
    }

    #[tokio::test]
    async fn a_refused_address_is_recorded_and_the_next_is_tried_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut trace = trace(Duration::from_secs(5));
        dial(&ips(&["127.0.0.2", "127.0.0.1"]), port, &mut trace).await.unwrap();
        let errors: Vec<_> = trace.tried.iter().map(|attempt| attempt.error.clone()).collect();
        assert_eq!(errors, [Some(NetError::ConnectionRefused), None]);
        assert_eq!(trace.peer, Some(listener.local_addr().unwrap()));
        assert!(trace.phases.connect.is_some());
    }

    #[tokio::test]
    async fn where_nothing_listens_the_refusal_is_told() {
        let mut trace = trace(Duration::from_secs(5));
        let error = dial(&ips(&["127.0.0.1"]), free_port().await, &mut trace).await.unwrap_err();
        assert_eq!(error, NetError::ConnectionRefused);
        assert_eq!((trace.phases.connect, trace.peer), (None, None));
    }

    #[test]
    fn the_error_told_is_the_one_about_the_endpoint() {
        let tried = |errors: &[NetError]| {
            let attempts: Vec<_> = errors
                .iter()
                .map(|error| Attempt {
                    address: ([0, 0, 0, 0], 0).into(),
                    took: Duration::ZERO,
                    error: Some(error.clone()),
                })
                .collect();
            most_telling(&attempts)
        };
        assert_eq!(tried(&[NetError::AddressUnreachable, NetError::ConnectionRefused]), NetError::ConnectionRefused);
        assert_eq!(tried(&[NetError::InternetDisconnected, NetError::ConnectTimeout]), NetError::ConnectTimeout);
        let full = NetError::LocalResource { what: "open files" };
        assert_eq!(tried(&[NetError::ConnectionRefused, full.clone()]), full);
    }

    /// A listener that answers no SYN: its queue is full. What fills it has to be kept.
    #[cfg(target_os = "linux")]
    fn deaf(address: SocketAddr) -> (SocketAddr, Vec<socket2::Socket>) {
        use socket2::{Domain, Socket, Type};
        let tcp = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let listener = tcp();
        listener.bind(&address.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut kept = vec![listener];
        for _ in 0..4 {
            let caller = tcp();
            caller.set_nonblocking(true).unwrap();
            let _ = caller.connect(&address);
            kept.push(caller);
        }
        (address.as_socket().unwrap(), kept)
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_never_answers_is_a_connect_timeout_at_the_deadline() {
        let (address, _kept) = deaf(([127, 0, 0, 2], 0).into());
        let mut trace = trace(Duration::from_millis(60));
        let error = dial(&[address.ip()], address.port(), &mut trace).await.unwrap_err();
        assert_eq!(error, NetError::ConnectTimeout);
        assert_eq!(trace.tried[0].error, Some(NetError::ConnectTimeout));
        assert!(Duration::from_millis(50) < trace.tried[0].took);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_silent_address_is_overtaken_by_the_next_after_the_delay() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (deaf, _kept) = deaf(([127, 0, 0, 2], port).into());
        let mut trace = trace(Duration::from_secs(10));
        dial(&[deaf.ip(), [127, 0, 0, 1].into()], port, &mut trace).await.unwrap();
        assert_eq!(trace.peer, Some(listener.local_addr().unwrap()));
        let [silent, winner] = &trace.tried[..] else { panic!("{:?}", trace.tried) };
        assert_eq!((&silent.error, &winner.error), (&None, &None));
        assert!(ATTEMPT_DELAY <= silent.took && winner.took < silent.took);
    }
}
