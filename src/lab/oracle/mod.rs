//! The scripted server of the recorded cases: what it answers is wholly in the request's URL, as
//! `/any/path?id=CASE&n=HOP&s=BASE64URL(JSON)`; [`script`] has the JSON's language.
//!
//! The recorded URLs name fixed ports and the hosts of `*.test`; this server has free ports on loopback, and
//! [`Oracle::place`] says which of them stands for which.
//!
//! Invariants: HTTP/1.1 alone, one request a connection; a script keeps nothing, so cases may run at once and again.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::conn::{Conn, NoRequest, Peer};
use super::tls;

mod play;
mod script;
mod socket;

/// How long a connection may take to say what it speaks.
const FIRST_BYTE: Duration = Duration::from_secs(30);
/// The names that the good certificate is for.
const NAMES: [&str; 12] = [
    "app.test",
    "api.test",
    "b.test",
    "c.test",
    "www.app.test",
    "api.app.test",
    "deep.api.app.test",
    "xapp.test",
    "cdn.test",
    "localhost",
    "127.0.0.1",
    "::1",
];
/// The names that resolve, beside those of the certificate.
const MORE_NAMES: [&str; 5] = ["other.test", "www.test", "xn--bcher-kva.test", "api.test.", "app.test."];

/// The running server. Dropping it ends it and every connection.
pub struct Oracle {
    plain: SocketAddr,
    good: SocketAddr,
    self_signed: SocketAddr,
    expired: SocketAddr,
    wrong_name: SocketAddr,
    refused: SocketAddr,
    ca_file: tempfile::TempPath,
    _held: Socket,
    _accepting: JoinSet<()>,
}

impl Oracle {
    /// Starts it on the current runtime, on free ports of loopback.
    ///
    /// # Errors
    /// Where no port or no temporary file can be had.
    pub async fn start() -> io::Result<Self> {
        let certs = tls::Stand::make(&NAMES)?;
        let mut accepting = JoinSet::new();
        let plain = listen(&mut accepting, None).await?;
        let good = listen(&mut accepting, Some(certs.good)).await?;
        let self_signed = listen(&mut accepting, Some(certs.self_signed)).await?;
        let expired = listen(&mut accepting, Some(certs.expired)).await?;
        let wrong_name = listen(&mut accepting, Some(certs.wrong_name)).await?;
        // Bound and not listening: connections are refused, and nobody else can answer on the port.
        let held = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        held.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
        let refused = held.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let ca_file = super::write_temporary(&certs.ca_pem)?;
        Ok(Self { plain, good, self_signed, expired, wrong_name, refused, ca_file, _held: held, _accepting: accepting })
    }

    /// The authority's certificate, PEM.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Which address stands for a host (as a URL has it, without brackets) and port of the recorded URLs; `None`: the name
    /// doesn't resolve. `None` as the host or the port stands for any other.
    pub fn places(&self) -> Vec<(Option<String>, Option<u16>, Option<SocketAddr>)> {
        let ports = [
            (80, self.plain),
            (17081, self.plain),
            (17082, self.plain),
            (17083, self.plain),
            (17084, self.plain),
            (443, self.good),
            (17443, self.good),
            (17444, self.good),
            (17445, self.self_signed),
            (17446, self.expired),
            (17447, self.wrong_name),
        ];
        let mut places = Vec::new();
        for name in NAMES.into_iter().chain(MORE_NAMES) {
            for (port, address) in ports {
                places.push((Some(name.to_owned()), Some(port), Some(address)));
            }
            places.push((Some(name.to_owned()), None, Some(self.refused)));
        }
        // The server has no other address of loopback.
        for address in ["127.0.0.2", "127.0.0.3"] {
            places.push((Some(address.to_owned()), None, Some(self.refused)));
        }
        places.push((None, None, None));
        places
    }
}

async fn listen(accepting: &mut JoinSet<()>, tls: Option<TlsAcceptor>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    accepting.spawn(async move {
        // They end with the server.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((tcp, _)) = accepted else {
                        // Out of file descriptors, most likely: others have to close first.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    };
                    connections.spawn(connection(tcp, tls.clone()));
                }
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
    });
    Ok(address)
}

async fn connection(tcp: TcpStream, tls: Option<TlsAcceptor>) {
    let _best_effort = tcp.set_nodelay(true);
    let peer = match tls {
        None => Peer::Plain(tcp),
        Some(acceptor) => {
            let mut first = [0];
            let peeked = tokio::time::timeout(FIRST_BYTE, tcp.peek(&mut first)).await;
            if !matches!(peeked, Ok(Ok(1))) {
                return;
            }
            if first[0] != TLS_HANDSHAKE {
                // OpenSSL says nothing to plain HTTP.
                return Conn::new(Peer::Plain(tcp)).close().await;
            }
            match tokio::time::timeout(FIRST_BYTE, acceptor.accept(tcp)).await {
                Ok(Ok(tls)) => Peer::Tls(Box::new(tls)),
                Ok(Err(_)) | Err(_) => return,
            }
        }
    };
    let mut conn = Conn::new(peer);
    let done = match conn.request().await {
        Ok(head) => play::play(&mut conn, &head).await,
        Err(NoRequest::Gone) => return,
        // A TLS hello on a plain port.
        Err(NoRequest::Refuse(_)) => {
            conn.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await.map(|()| play::After::Close)
        }
    };
    match done {
        Ok(play::After::Close) | Err(_) => conn.close().await,
        Ok(play::After::Reset) => conn.reset(),
    }
}

/// The first byte of a TLS hello's record.
const TLS_HANDSHAKE: u8 = 0x16;
