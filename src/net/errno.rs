//! The operating system's errors, by their cause.

use std::io::{self, ErrorKind};

use super::{machine, tls};
use crate::wire::{NetError, Phase};

/// Too many open files: the process's bound and the system's, and no room for socket buffers.
#[cfg(unix)]
const EXHAUSTED: &[(i32, &str)] = &[(24, "open files"), (23, "open files"), (NO_BUFFERS, "socket buffers")];
#[cfg(windows)]
const EXHAUSTED: &[(i32, &str)] = &[(10024, "open files"), (NO_BUFFERS, "socket buffers")];

#[cfg(any(target_os = "linux", target_os = "android"))]
const NO_BUFFERS: i32 = 105;
#[cfg(windows)]
const NO_BUFFERS: i32 = 10055;
#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
const NO_BUFFERS: i32 = 55;

/// Why a connection could not be made.
pub(super) fn connecting(error: &io::Error) -> NetError {
    match error.kind() {
        ErrorKind::ConnectionRefused => NetError::ConnectionRefused,
        ErrorKind::TimedOut => NetError::ConnectTimeout,
        ErrorKind::HostUnreachable => NetError::AddressUnreachable,
        // No route to that network: where there is no route to any, the machine is offline.
        ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            if machine::has_route() {
                NetError::AddressUnreachable
            } else {
                NetError::InternetDisconnected
            }
        }
        ErrorKind::AddrNotAvailable | ErrorKind::AddrInUse => NetError::LocalResource { what: "local ports" },
        _ => on_stream(error, Phase::Connect),
    }
}

/// Why a connection that was up can't be used any longer.
pub(super) fn on_stream(error: &io::Error, phase: Phase) -> NetError {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls::failure(error);
    }
    if let Some(errno) = error.raw_os_error()
        && let Some((_, what)) = EXHAUSTED.iter().find(|(known, _)| *known == errno)
    {
        return NetError::LocalResource { what };
    }
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            NetError::ConnectionReset { phase }
        }
        ErrorKind::UnexpectedEof | ErrorKind::WriteZero | ErrorKind::NotConnected => {
            NetError::ConnectionClosed { phase }
        }
        ErrorKind::TimedOut => NetError::ConnectionClosed { phase },
        ErrorKind::HostUnreachable => NetError::AddressUnreachable,
        ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => NetError::InternetDisconnected,
        ErrorKind::OutOfMemory => NetError::LocalResource { what: "memory" },
        _ => NetError::Os { errno: error.raw_os_error().unwrap_or(0) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_own_error() {
        let check = |kind: ErrorKind, expected| assert_eq!(connecting(&io::Error::from(kind)), expected);
        check(ErrorKind::ConnectionRefused, NetError::ConnectionRefused);
        check(ErrorKind::TimedOut, NetError::ConnectTimeout);
        check(ErrorKind::HostUnreachable, NetError::AddressUnreachable);
        check(ErrorKind::AddrNotAvailable, NetError::LocalResource { what: "local ports" });
        check(ErrorKind::ConnectionReset, NetError::ConnectionReset { phase: Phase::Connect });
    }

    #[cfg(unix)]
    #[test]
    fn a_full_table_of_open_files_is_this_machines_fault() {
        let error = connecting(&io::Error::from_raw_os_error(24));
        assert_eq!(error, NetError::LocalResource { what: "open files" });
        assert!(error.is_local());
    }
}
