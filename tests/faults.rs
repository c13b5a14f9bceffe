//! Each of the lab's named faults, checked as its profile says: the state it comes to, and the reason by its code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set up its peers has to fail"
)]

mod common;

use std::sync::LazyLock;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::Runtime;
use wirewatch::lab::{Fault, Lab, Options};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});
static LAB: LazyLock<Lab> =
    LazyLock::new(|| RUNTIME.block_on(Lab::start(Options::default())).expect("a lab on loopback"));

/// Name, state, status and reason of one check of `fault`.
async fn check(fault: Fault) -> String {
    let mut profile = fault.profile(&LAB);
    profile.timeout = Duration::from_secs(1);
    let report = common::check(profile, Duration::from_millis(700)).await;
    format!("{}: {}", fault.name(), common::in_short(&report))
}

#[test]
fn every_fault_comes_to_its_state_and_reason() {
    LazyLock::force(&LAB);
    let got = RUNTIME.block_on(join_all(Fault::ALL.iter().map(|fault| check(*fault))));
    let wanted = Fault::ALL.iter().map(|fault| {
        let expected = match fault {
            Fault::Healthy | Fault::TlsHealthy | Fault::Jittery | Fault::TooManyRequests => "connected 200 ok",
            Fault::HealthySocket | Fault::Drops | Fault::ServiceRestart => "connected 101 ok",
            Fault::HeartbeatsStop | Fault::Silent => "error 101 no_pong",
            Fault::OriginNotAllowed => "cors_error 403 origin_refused",
            Fault::OriginNotAllowedHttp => "cors_error 200 MissingAllowOriginHeader",
            Fault::ErrorsWithoutCors => "cors_error 500 MissingAllowOriginHeader",
            Fault::PreflightRefused => "cors_error 405 PreflightMissingAllowOriginHeader",
            Fault::Unauthorized | Fault::UnauthorizedSocket | Fault::LoginNeeded => "auth_required 401 auth_required",
            Fault::SocketIo
            | Fault::SocketIoPollingOnly
            | Fault::SocketIoUpgradeRefused
            | Fault::SocketIoProbeUnanswered
            | Fault::SocketIoProbeWrong
            | Fault::SocketIoLimited
            | Fault::SocketIoRevision3
            | Fault::SocketIoNeverPings
            | Fault::SocketIoDisconnects
            | Fault::SocketIoRestarts => "connected 200 ok",
            Fault::SocketIoOrigin => "cors_error 200 MissingAllowOriginHeader",
            Fault::SocketIoTwoOrigins => "cors_error 200 MultipleAllowOriginValues",
            Fault::SocketIoAdmin => "auth_required 200 auth_required",
            Fault::SocketIoForgets => "error 400 unknown_session",
            Fault::SocketIoJoinsLimited => "error 200 rate_limited",
            Fault::SocketIoRevision4 => "error 400 unsupported_protocol_version",
            Fault::SocketIoMalformed => "error 200 packet_invalid",
            Fault::Slow => "error - timeout",
            Fault::Close1008 => "auth_required 101 closed",
            Fault::NeverAnswers | Fault::NeverOpens => "error - timeout",
            Fault::InvalidFrame => "error 101 websocket_protocol",
            Fault::HandshakeInvalid => "error 101 HandshakeInvalid",
            Fault::UpgradeIgnored => "error 200 HandshakeStatus",
            Fault::RedirectOnUpgrade => "error 301 HandshakeStatus",
            Fault::BackendDown => "cors_error 502 MissingAllowOriginHeader",
            Fault::Reset => "error - connection_reset",
            Fault::CutBody => "error 200 incomplete_body",
            Fault::Refused => "error - connection_refused",
            Fault::Unreachable => "error - connect_timeout",
            Fault::TlsSelfSigned => "error - cert_self_signed",
            Fault::TlsExpired | Fault::TlsExpiredSocket => "error - cert_expired",
            Fault::TlsNotYetValid => "error - cert_not_yet_valid",
            Fault::TlsWrongName => "error - cert_wrong_name",
            Fault::TlsSilent => "error - timeout",
            Fault::TlsClientCert => "error - client_cert_required",
        };
        format!("{}: {expected}", fault.name())
    });
    assert_eq!(got, wanted.collect::<Vec<_>>());
}
