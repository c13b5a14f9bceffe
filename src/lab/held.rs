//! Ports that are held and on which nobody answers.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, SockAddr, Socket, Type};

/// How many connections fill the shortest queue.
const QUEUED: usize = 4;

/// The sockets that hold them, and their addresses.
pub(super) struct Held {
    pub refused: SocketAddr,
    pub dropped: SocketAddr,
    _sockets: Vec<Socket>,
}

impl Held {
    pub fn on(ip: IpAddr) -> io::Result<Self> {
        let any = SocketAddr::new(ip, 0);
        // Bound and not listening: connections are refused, and nobody else can answer on the port.
        let silent = bound(any)?;
        // A listener whose queue is full drops further requests; nobody ever accepts.
        let full = bound(any)?;
        full.listen(0)?;
        let (refused, dropped) = (address(&silent)?, address(&full)?);
        let mut sockets = vec![silent, full];
        for _ in 0..QUEUED {
            let socket = Socket::new(Domain::for_address(any), Type::STREAM, None)?;
            socket.set_nonblocking(true)?;
            // Under way is enough: it need not come up, and the last ones can't.
            let _under_way = socket.connect(&SockAddr::from(dropped));
            sockets.push(socket);
        }
        Ok(Self { refused, dropped, _sockets: sockets })
    }
}

fn bound(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.bind(&SockAddr::from(addr))?;
    Ok(socket)
}

fn address(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}
