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
use wirewatch::base::{Clock, ProfileId, Secret};
use wirewatch::diagnosis::{CauseId, Facts, diagnose};
use wirewatch::engine::further::{self, Often};
use wirewatch::engine::{Patterns, Target};
use wirewatch::lab::{Fault, Lab, Options};
use wirewatch::profile::model::{Auth, JsonSetting, Setting};
use wirewatch::profile::{Kind, Profile, Proxy};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});
static LAB: LazyLock<Lab> =
    LazyLock::new(|| RUNTIME.block_on(Lab::start(Options::default())).expect("a lab on loopback"));

/// The cause of one whole check, and all that was seen.
async fn examine(mut profile: Profile, secret: &'static str) -> (&'static str, String) {
    profile.network.proxy = Proxy::Direct;
    profile.timeout = Duration::from_millis(2500);
    let secrets = Arc::new(move |names: &[String]| {
        Ok(names.iter().map(|name| (name.clone(), Secret::new(secret))).collect::<std::collections::HashMap<_, _>>())
    });
    let target =
        Arc::new(Target::prepare(ProfileId(1), Arc::new(profile.clone()), &(secrets as _), &Patterns::default()));
    let reports = further::examine(&target, Some(Duration::from_millis(1500)), Often::ONCE, Clock).await;
    let diagnosis = diagnose(&Facts::of_checks(&profile, &reports[0], &reports));
    (diagnosis.cause.map_or("-", CauseId::as_str), format!("{reports:?}"))
}

/// Name and cause of one whole check of `fault`.
async fn check(fault: Fault) -> String {
    let (cause, _) = examine(fault.profile(&LAB), "").await;
    format!("{}: {cause}", fault.name())
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

/// `{"exp":1600000000}` and `{"exp":4102444800}`.
const EXPIRED: &str = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE2MDAwMDAwMDB9.c2lnbmF0dXJl";
const CURRENT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjQxMDI0NDQ4MDB9.c2lnbmF0dXJl";

#[test]
fn a_token_that_is_kept_secret_still_tells_that_it_has_expired() {
    LazyLock::force(&LAB);
    let secret = || Setting::Secret("jwt".into());
    let with = |fault: Fault, auth: Auth| Profile { auth, ..fault.profile(&LAB) };
    let bearer = || with(Fault::Unauthorized, Auth::Bearer(secret()));
    let query = || with(Fault::UnauthorizedSocket, Auth::Query(vec![("token".into(), secret())]));
    let payload = || {
        let mut profile = Fault::SocketIo.profile(&LAB);
        profile.socketio.namespaces = vec!["/admin".into()];
        profile.socketio.auth = vec![("token".into(), JsonSetting::Secret("jwt".into()))];
        profile
    };
    for (profile, token, cause) in [
        (bearer(), EXPIRED, "token-expired"),
        (bearer(), CURRENT, "token-invalid"),
        (query(), EXPIRED, "token-expired"),
        (query(), CURRENT, "token-invalid"),
        (payload(), EXPIRED, "token-expired"),
        (payload(), CURRENT, "token-invalid"),
    ] {
        let name = format!("{} {}", profile.name, if token == EXPIRED { "expired" } else { "current" });
        let (got, seen) = RUNTIME.block_on(examine(profile, token));
        assert_eq!(got, cause, "{name}");
        assert!(!seen.contains(token), "{name}: the token came out");
    }
}
