//! A certificate's facts, read from its bytes.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::base::Wall;
use crate::wire::CertFacts;

/// The most certificates of one chain that are read.
const CHAIN: usize = 10;
/// The most names of one certificate that are kept.
const NAMES: usize = 100;

/// The facts of a chain, in its order; a certificate that can't be read is left out.
pub(super) fn chain(certificates: &[CertificateDer<'_>]) -> Vec<CertFacts> {
    certificates.iter().take(CHAIN).filter_map(facts).collect()
}

pub(super) fn facts(der: &CertificateDer<'_>) -> Option<CertFacts> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
    Some(CertFacts {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names: names.iter().filter_map(name).take(NAMES).collect(),
        not_before: Wall(certificate.validity().not_before.timestamp().saturating_mul(1_000_000)),
        not_after: Wall(certificate.validity().not_after.timestamp().saturating_mul(1_000_000)),
        self_signed: is_self_signed(&certificate),
        sha256: hex(ring::digest::digest(&ring::digest::SHA256, der).as_ref()),
    })
}

/// Whether subject and issuer are the same name, byte by byte.
fn is_self_signed(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
