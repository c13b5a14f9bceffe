//! Through a proxy to the target: HTTP `CONNECT` ([RFC 9110, section 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6))
//! and SOCKS5 ([RFC 1928](https://www.rfc-editor.org/rfc/rfc1928), [RFC 1929](https://www.rfc-editor.org/rfc/rfc1929)).
//!
//! Invariant: no byte behind the proxy's own answer is read.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Host;

use super::proxy::{Kind, Login, Upstream};
use super::target::Target;
use super::trace::Trace;
use super::{errno, head};
use crate::base::Secret;
use crate::wire::{NetError, Phase};

/// The largest head of a proxy's answer, in bytes.
const HEAD: usize = 16 * 1024;

/// Asks the proxy for a way to the target. Sets `phases.proxy`.
pub(super) async fn open(
    mut tcp: TcpStream,
    upstream: &Upstream,
    target: &Target,
    trace: &mut Trace,
) -> Result<TcpStream, NetError> {
    let started = trace.now();
    let handshake = async {
        match upstream.kind {
            Kind::Http => connect(&mut tcp, upstream.login.as_ref(), target).await,
            Kind::Socks5 => socks5(&mut tcp, upstream.login.as_ref(), target).await,
        }
    };
    trace.within(Phase::Proxy, handshake).await?;
    trace.phases.proxy = Some(trace.since(started));
    Ok(tcp)
}

/// `Basic …`, for `Proxy-Authorization`.
pub(super) fn basic(login: &Login) -> Secret {
    Secret::new(format!("Basic {}", STANDARD.encode(format!("{}:{}", login.user.expose(), login.password.expose()))))
}

fn broken(error: &io::Error) -> NetError {
    errno::on_stream(error, Phase::Proxy)
}

async fn connect(tcp: &mut TcpStream, login: Option<&Login>, target: &Target) -> Result<(), NetError> {
    let authority = format!("{}:{}", target.host, target.port);
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nProxy-Connection: keep-alive\r\n");
    if let Some(login) = login {
        request.push_str("Proxy-Authorization: ");
        request.push_str(basic(login).expose());
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    tcp.write_all(request.as_bytes()).await.map_err(|error| broken(&error))?;
    loop {
        let status = connect_answer(tcp).await?;
        match status {
            // RFC 9110, section 9.3.6: any 2xx opens the tunnel. 1xx are passed over.
            100..200 => {}
            200..300 => return Ok(()),
            407 => return Err(NetError::ProxyAuthRequired),
            status => return Err(NetError::TunnelRefused { status }),
        }
    }
}

/// The status of one answer, its head taken off the connection and nothing behind it.
async fn connect_answer(tcp: &mut TcpStream) -> Result<u16, NetError> {
    let mut head: Vec<u8> = Vec::new();
    let mut peeked = [0; 1024];
    loop {
        let count = tcp.peek(&mut peeked).await.map_err(|error| broken(&error))?;
        if count == 0 {
            return Err(NetError::ConnectionClosed { phase: Phase::Proxy });
        }
        let before = head.len();
        head.extend_from_slice(&peeked[..count]);
        let end = head::end(&head, before.saturating_sub(2));
        let take = end.map_or(count, |end| end - before);
        tcp.read_exact(&mut peeked[..take]).await.map_err(|error| broken(&error))?;
        if let Some(end) = end {
            // What answers but doesn't speak HTTP is no proxy.
            let head::Beginning::StatusLine(start) = head::beginning(&head[..end]) else {
                return Err(NetError::ProxyConnectionFailed);
            };
            let head = head::parse(&head[start..end]);
            let good = !head.quirks.no_status && !head.quirks.odd_status;
            return if good { Ok(head.status) } else { Err(NetError::ProxyConnectionFailed) };
        }
        if HEAD < head.len() {
            return Err(NetError::ProxyConnectionFailed);
        }
    }
}

async fn socks5(tcp: &mut TcpStream, login: Option<&Login>, target: &Target) -> Result<(), NetError> {
    const VERSION: u8 = 5;
    const NO_LOGIN: u8 = 0;
    const PASSWORD: u8 = 2;
    let hello: &[u8] = if login.is_some() { &[VERSION, 2, NO_LOGIN, PASSWORD] } else { &[VERSION, 1, NO_LOGIN] };
    tcp.write_all(hello).await.map_err(|error| broken(&error))?;
    let [version, method] = read(tcp).await?;
    if version != VERSION {
        return Err(NetError::ProxyConnectionFailed);
    }
    match (method, login) {
        (NO_LOGIN, _) => {}
        (PASSWORD, Some(login)) => log_in(tcp, login).await?,
        // 0xff: none of ours will do.
        _ => return Err(NetError::ProxyAuthRequired),
    }

    let mut request = vec![VERSION, 1, 0];
    match &target.host {
        Host::Ipv4(address) => {
            request.push(1);
            request.extend_from_slice(&address.octets());
        }
        Host::Ipv6(address) => {
            request.push(4);
            request.extend_from_slice(&address.octets());
        }
        Host::Domain(name) => {
            let length = u8::try_from(name.len());
            let length = length.map_err(|_| NetError::Configuration { what: "the host's name is too long" })?;
            request.extend_from_slice(&[3, length]);
            request.extend_from_slice(name.as_bytes());
        }
    }
    request.extend_from_slice(&target.port.to_be_bytes());
    tcp.write_all(&request).await.map_err(|error| broken(&error))?;

    let [version, reply, _, kind] = read(tcp).await?;
    if version != VERSION {
        return Err(NetError::ProxyConnectionFailed);
    }
    if reply != 0 {
        return Err(NetError::SocksRefused { reply });
    }
    // The address that the proxy dials from: of no use here, but in the way.
    match kind {
        1 => read::<6>(tcp).await.map(drop),
        4 => read::<18>(tcp).await.map(drop),
        3 => {
            let [length] = read(tcp).await?;
            let mut rest = vec![0; usize::from(length) + 2];
            tcp.read_exact(&mut rest).await.map(drop).map_err(|error| broken(&error))
        }
        _ => Err(NetError::ProxyConnectionFailed),
    }
}

async fn log_in(tcp: &mut TcpStream, login: &Login) -> Result<(), NetError> {
    let mut request = vec![1];
    for part in [&login.user, &login.password] {
        let bytes = part.expose().as_bytes();
        let length = u8::try_from(bytes.len());
        request.push(length.map_err(|_| NetError::Configuration { what: "the proxy's credentials are too long" })?);
        request.extend_from_slice(bytes);
    }
    tcp.write_all(&request).await.map_err(|error| broken(&error))?;
    match read(tcp).await? {
        [_, 0] => Ok(()),
        _ => Err(NetError::ProxyAuthRequired),
    }
}

async fn read<const N: usize>(tcp: &mut TcpStream) -> Result<[u8; N], NetError> {
    let mut bytes = [0; N];
    tcp.read_exact(&mut bytes).await.map_err(|error| broken(&error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::net::peer::{self, play, request};
    use crate::net::peer_tls::{Authority, BOTH, Valid, params, server};
    use crate::net::{Client, Received, Settings};
    use crate::profile::model::Proxy;
    use crate::wire::Exchange;
    use std::net::SocketAddr;
    use std::time::Duration;
    use url::Url;

    fn through(scheme: &str, proxy: SocketAddr) -> Client {
        let proxy = Url::parse(&format!("{scheme}://us%3Aer:pass@{proxy}")).unwrap();
        Client::new(&Settings { proxy: Proxy::Url(proxy), ..Settings::default() }).unwrap()
    }

    async fn fetch(client: &Client, url: &str) -> Exchange {
        client.exchange(request("GET", url, &[("A", "b")], ""), Clock.mono() + Duration::from_secs(10)).await
    }

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    #[tokio::test]
    async fn plain_http_is_fetched_by_the_proxy_by_its_whole_url() {
        let (proxy, played) = peer::answer(OK).await;
        let exchange = fetch(&through("http", proxy), "http://far.test:81/a?b").await;
        assert_eq!(exchange.status(), Some(200));
        assert_eq!(exchange.proxy.as_deref(), Some(&*format!("http://{proxy}")));
        assert_eq!((exchange.peer, exchange.phases.proxy), (Some(proxy), None));
        assert!(!exchange.request.headers.contains("proxy-authorization"), "a secret is not shown");
        assert_eq!(
            played.await.unwrap(),
            "GET http://far.test:81/a?b HTTP/1.1\r\nHost: far.test:81\r\nA: b\r\nProxy-Authorization: Basic dXM6ZXI6cGFzcw==\r\n\r\n"
        );
    }

    #[tokio::test]
    async fn a_websocket_is_tunnelled_also_without_tls_and_nothing_behind_the_answer_is_lost() {
        let (proxy, played) = play(|mut stream| async move {
            let connect = peer::read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n").await.unwrap();
            let handshake = peer::read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi").await.unwrap();
            (connect, handshake)
        })
        .await;
        let client = through("http", proxy);
        let deadline = Clock.mono() + Duration::from_secs(10);
        let (exchange, upgraded) = client.upgrade(request("GET", "ws://far.test/ws", &[], ""), deadline).await;
        assert!(exchange.phases.proxy.is_some() && exchange.phases.dns.is_none());
        let mut session = upgraded.unwrap().open().await;
        assert_eq!(session.next().await, Ok(Received::Text("hi".into())));
        let (connect, handshake) = played.await.unwrap();
        assert_eq!(
            connect,
            "CONNECT far.test:80 HTTP/1.1\r\nHost: far.test:80\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic dXM6ZXI6cGFzcw==\r\n\r\n"
        );
        assert_eq!(handshake, "GET /ws HTTP/1.1\r\nHost: far.test\r\n\r\n");
    }

    #[tokio::test]
    async fn tls_runs_through_the_tunnel_under_the_targets_name() {
        let authority = Authority::new();
        let acceptor = server(authority.issue(&params("far.test", Valid::Now)), &["http/1.1"], BOTH, None);
        let (proxy, _) = play(|mut stream| async move {
            peer::read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut stream = acceptor.accept(stream).await.unwrap();
            peer::read_head(&mut stream).await;
            stream.write_all(OK).await.unwrap();
        })
        .await;
        let file = authority.file();
        let proxy = Proxy::Url(Url::parse(&format!("http://{proxy}")).unwrap());
        let settings = Settings { proxy, ca_file: Some(file.path().into()), ..Settings::default() };
        let exchange = fetch(&Client::new(&settings).unwrap(), "https://far.test/").await;
        assert_eq!(exchange.status(), Some(200), "{:?}", exchange.result);
        let phases: Vec<_> = exchange.phases.iter().map(|(name, _)| name).collect();
        assert_eq!(phases, ["connect", "proxy", "tls", "first_byte", "body"]);
    }

    #[tokio::test]
    async fn a_proxys_refusal_is_told_with_its_status() {
        let check = async |reply: &'static str, expected: NetError| {
            let (proxy, _) = peer::answer(reply).await;
            let exchange = fetch(&through("http", proxy), "https://far.test/").await;
            assert_eq!(exchange.result, Err(expected), "{reply}");
            assert_eq!(exchange.phases.proxy, None);
        };
        check("HTTP/1.1 403 Forbidden\r\n\r\n", NetError::TunnelRefused { status: 403 }).await;
        check("HTTP/1.1 407 Authenticate\r\n\r\n", NetError::ProxyAuthRequired).await;
        check("SSH-2.0-OpenSSH_9.2\r\n\r\n", NetError::ProxyConnectionFailed).await;
        check("", NetError::ConnectionClosed { phase: Phase::Proxy }).await;
        check("HTTP/1.1 200", NetError::ConnectionClosed { phase: Phase::Proxy }).await;
    }

    #[tokio::test]
    async fn a_head_without_end_from_a_proxy_is_given_up() {
        let (proxy, _) = peer::answer(format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(1 << 20))).await;
        let exchange = fetch(&through("http", proxy), "https://far.test/").await;
        assert_eq!(exchange.result, Err(NetError::ProxyConnectionFailed));
    }

    #[tokio::test]
    async fn a_proxy_that_is_not_there_is_told_as_such_with_what_was_tried() {
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let exchange = fetch(&through("http", gone), "http://far.test/").await;
        assert_eq!(exchange.result, Err(NetError::ProxyConnectionFailed));
        assert_eq!(exchange.tried[0].error, Some(NetError::ConnectionRefused));
    }

    /// A SOCKS server that follows this script of what it reads and what it says, and then serves HTTP.
    async fn socks(script: &[(&[u8], &[u8])]) -> SocketAddr {
        let script: Vec<_> = script.iter().map(|(expected, reply)| (expected.to_vec(), reply.to_vec())).collect();
        let (address, _) = play(move |mut stream| async move {
            for (expected, reply) in script {
                let mut got = vec![0; expected.len()];
                stream.read_exact(&mut got).await.unwrap();
                assert_eq!(got, expected);
                stream.write_all(&reply).await.unwrap();
            }
            peer::read_head(&mut stream).await;
            stream.write_all(OK).await.unwrap();
        })
        .await;
        address
    }

    const LOGIN: (&[u8], &[u8]) = (b"\x05\x02\x00\x02", b"\x05\x02");
    const FREE: (&[u8], &[u8]) = (b"\x05\x02\x00\x02", b"\x05\x00");
    const PASSWORD: &[u8] = b"\x01\x05us:er\x04pass";
    const NAME: &[u8] = b"\x05\x01\x00\x03\x08far.test\x00\x50";

    async fn check_socks(script: &[(&[u8], &[u8])], url: &str, expected: Result<u16, NetError>) {
        let exchange = fetch(&through("socks5", socks(script).await), url).await;
        assert_eq!(exchange.result.map(|response| response.status), expected);
    }

    #[tokio::test]
    async fn socks_gets_the_name_or_the_address_and_credentials_where_it_wants_them() {
        let url = "http://far.test/";
        let granted = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
        check_socks(&[LOGIN, (PASSWORD, b"\x01\x00"), (NAME, granted)], url, Ok(200)).await;
        let named = b"\x05\x00\x00\x03\x01x\x00\x00";
        check_socks(&[FREE, (NAME, named)], url, Ok(200)).await;
        let v6 = b"\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let address = b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x51";
        check_socks(&[FREE, (address, v6)], "http://192.0.2.1:81/", Ok(200)).await;
    }

    #[tokio::test]
    async fn each_refusal_of_socks_has_its_name() {
        let url = "http://far.test/";
        let refused = |reply| Err(NetError::SocksRefused { reply });
        check_socks(&[FREE, (NAME, b"\x05\x05\x00\x01\0\0\0\0\0\0")], url, refused(5)).await;
        check_socks(&[FREE, (NAME, b"\x05\x02\x00\x01\0\0\0\0\0\0")], url, refused(2)).await;
        check_socks(&[(b"\x05\x02\x00\x02", b"\x05\xff")], url, Err(NetError::ProxyAuthRequired)).await;
        check_socks(&[LOGIN, (PASSWORD, b"\x01\x01")], url, Err(NetError::ProxyAuthRequired)).await;
        check_socks(&[(b"\x05\x02\x00\x02", b"HT")], url, Err(NetError::ProxyConnectionFailed)).await;
    }
}
