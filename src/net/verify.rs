//! Judges a server's certificate as a browser does, and keeps what it saw where the judgment is no.
//!
//! One [`Witness`] stands in one handshake: rustls forgets a refused chain, this doesn't.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::cert;
use crate::wire::{CertFacts, NetError};

/// Whom a client trusts.
#[derive(Debug)]
pub(super) struct Trust {
    /// The platform's roots and the profile's; `None` where there are none at all.
    pub(super) roots: Option<Arc<WebPkiServerVerifier>>,
    /// The profile's own certificates, trusted also where a server presents one of them itself.
    pub(super) own: Vec<CertificateDer<'static>>,
    pub(super) insecure: bool,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// One handshake's verifier and client-certificate resolver.
#[derive(Debug)]
pub(super) struct Witness {
    trust: Arc<Trust>,
    client: Option<Arc<CertifiedKey>>,
    seen: Mutex<Option<(Vec<CertificateDer<'static>>, NetError)>>,
    asked_for_certificate: AtomicBool,
}

impl Witness {
    pub(super) fn new(trust: Arc<Trust>, client: Option<Arc<CertifiedKey>>) -> Self {
        Self { trust, client, seen: Mutex::new(None), asked_for_certificate: AtomicBool::new(false) }
    }

    /// The chain that was refused, and why.
    pub(super) fn refused(&self) -> Option<(Vec<CertFacts>, NetError)> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.take().map(|(chain, error)| (cert::chain(&chain), error))
    }

    /// Whether the server asked for a client certificate and got none.
    pub(super) fn went_without_certificate(&self) -> bool {
        self.client.is_none() && self.asked_for_certificate.load(Ordering::Relaxed)
    }
}

impl Trust {
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), NetError> {
        if self.own.iter().any(|own| own == end_entity) {
            return verify_own(end_entity, name, now);
        }
        let judge = |now| match &self.roots {
            Some(roots) => roots.verify_server_cert(end_entity, intermediates, name, &[], now).map(drop),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        let Err(error) = judge(now) else { return Ok(()) };
        let self_signed = cert::facts(end_entity).is_some_and(|facts| facts.self_signed);
        let told = cause(&error, self_signed);
        // As Chromium's MapCertStatusToNetError: an untrusted issuer counts before a wrong name, and that before the date.
        // The library looks at the date first, so it is asked once more for a day on which the certificate was valid.
        if matches!(told, NetError::CertExpired | NetError::CertNotYetValid)
            && let Some(day) = valid_day(end_entity)
            && let Err(other) = judge(day)
        {
            return Err(match cause(&other, self_signed) {
                graver @ (NetError::CertSelfSigned | NetError::CertUntrusted | NetError::CertWrongName) => graver,
                _ => told,
            });
        }
        Err(told)
    }
}

/// A certificate that the profile names itself: only its name and its dates are left to check.
fn verify_own(end_entity: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), NetError> {
    let parsed = ParsedCertificate::try_from(end_entity).map_err(|_| NetError::CertInvalid)?;
    verify_server_name(&parsed, name).map_err(|error| cause(&error, false))?;
    let facts = cert::facts(end_entity).ok_or(NetError::CertInvalid)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    if now < facts.not_before.0 {
        Err(NetError::CertNotYetValid)
    } else if facts.not_after.0 < now {
        Err(NetError::CertExpired)
    } else {
        Ok(())
    }
}

/// A time within the certificate's validity: its last second.
fn valid_day(end_entity: &CertificateDer<'_>) -> Option<UnixTime> {
    let facts = cert::facts(end_entity)?;
    let secs = u64::try_from(facts.not_after.0 / 1_000_000).ok()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(secs)))
}

fn cause(error: &Error, self_signed: bool) -> NetError {
    let Error::InvalidCertificate(error) = error else { return NetError::CertInvalid };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => NetError::CertExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => NetError::CertNotYetValid,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => NetError::CertWrongName,
        CertificateError::Revoked => NetError::CertRevoked,
        // Self-signed certificates made by hand are often authorities too, or of version 1: the library has other words
        // for those, a browser has not.
        _ if self_signed => NetError::CertSelfSigned,
        CertificateError::UnknownIssuer | CertificateError::BadSignature => NetError::CertUntrusted,
        _ => NetError::CertInvalid,
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.trust.insecure {
            return Ok(ServerCertVerified::assertion());
        }
        match self.trust.verify(end_entity, intermediates, server_name, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(error) => {
                let chain = std::iter::once(end_entity).chain(intermediates);
                let chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
                *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((chain, error));
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.trust.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.trust.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.algorithms.supported_schemes()
    }
}

impl ResolvesClientCert for Witness {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked_for_certificate.store(true, Ordering::Relaxed);
        self.client.clone()
    }

    fn has_certs(&self) -> bool {
        // Also where there is none: only then does the library ask, and the answer tells that the server wanted one.
        true
    }
}
