//! The lab's named faults by the whole of a check, what it asks besides included: each is named by its cause.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set up its peers has to fail"
)]

mod common;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::Runtime;
use wirewatch::base::{Clock, ProfileId};
use wirewatch::diagnosis::{CauseId, Facts, diagnose};
use wirewatch::engine::further::{self, Often};
use wirewatch::engine::{Patterns, Target};
use wirewatch::lab::{Fault, Lab, Options};
use wirewatch::profile::{Kind, Proxy};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});
static LAB: LazyLock<Lab> =
    LazyLock::new(|| RUNTIME.block_on(Lab::start(Options::default())).expect("a lab on loopback"));

/// Name and cause of one whole check of `fault`.
async fn check(fault: Fault) -> String {
    let mut profile = fault.profile(&LAB);
    profile.network.proxy = Proxy::Direct;
    profile.timeout = Duration::from_millis(2500);
    let secrets = Arc::new(|_: &[String]| Ok(std::collections::HashMap::new()));
    let target =
        Arc::new(Target::prepare(ProfileId(1), Arc::new(profile.clone()), &(secrets as _), &Patterns::default()));
    let reports = further::examine(&target, Some(Duration::from_millis(1500)), Often::ONCE, Clock).await;
    let diagnosis = diagnose(&Facts::of_checks(&profile, &reports[0], &reports));
    format!("{}: {}", fault.name(), diagnosis.cause.map_or("-", CauseId::as_str))
}

/// Those of Socket.IO stand with its rules.
const CAUSES: &[(Fault, &str)] = &[
    (Fault::Healthy, "ok"),
    (Fault::HealthySocket, "ok"),
    (Fault::OriginNotAllowed, "origin-not-allowed"),
    // A list that holds one other origin, and no word of it in the answer: nothing tells it from no list.
    (Fault::OriginNotAllowedHttp, "cors-headers-missing"),
    (Fault::ErrorsWithoutCors, "error-response-without-cors"),
    (Fault::PreflightRefused, "preflight-options-405"),
    (Fault::Unauthorized, "auth-required"),
    (Fault::UnauthorizedSocket, "auth-required"),
    (Fault::LoginNeeded, "auth-required"),
    (Fault::TooManyRequests, "ok"),
    (Fault::Slow, "high-latency"),
    // Its first answer comes soon.
    (Fault::Jittery, "ok"),
    (Fault::Drops, "ok"),
    (Fault::HeartbeatsStop, "no-pong"),
    (Fault::Close1008, "auth-required"),
    (Fault::NeverAnswers, "read-timeout"),
    (Fault::NeverOpens, "read-timeout"),
    (Fault::Silent, "no-pong"),
    (Fault::InvalidFrame, "invalid-frame"),
    (Fault::HandshakeInvalid, "handshake-invalid"),
    (Fault::UpgradeIgnored, "upgrade-ignored"),
    (Fault::RedirectOnUpgrade, "redirect-on-upgrade"),
    (Fault::ServiceRestart, "ok"),
    (Fault::BackendDown, "backend-down"),
    (Fault::Reset, "connection-reset"),
    (Fault::CutBody, "connection-closed"),
    (Fault::Refused, "connection-refused"),
    (Fault::Unreachable, "connect-timeout"),
    (Fault::TlsHealthy, "ok"),
    (Fault::TlsSelfSigned, "certificate-self-signed"),
    (Fault::TlsExpired, "certificate-expired"),
    (Fault::TlsExpiredSocket, "certificate-expired"),
    (Fault::TlsNotYetValid, "certificate-not-yet-valid"),
    (Fault::TlsWrongName, "certificate-wrong-name"),
    (Fault::TlsSilent, "read-timeout"),
    (Fault::TlsClientCert, "client-certificate-required"),
];

#[test]
fn every_fault_is_named_by_its_cause() {
    LazyLock::force(&LAB);
    let all = Fault::ALL.iter().filter(|fault| fault.kind() != Kind::SocketIo);
    let got = RUNTIME.block_on(join_all(all.map(|fault| check(*fault))));
    let wanted: Vec<String> = CAUSES.iter().map(|(fault, cause)| format!("{}: {cause}", fault.name())).collect();
    assert_eq!(got, wanted);
}
