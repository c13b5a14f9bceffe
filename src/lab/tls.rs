//! Certificates made at run time: a certificate authority of the lab's own, and what stands on each TLS port.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::Port;

/// The names that the lab's certificates are for.
const NAMES: [&str; 6] = ["localhost", "*.localhost", "shop.localhost", "*.shop.localhost", "127.0.0.1", "::1"];

/// The versions of HTTP that the lab speaks, as ALPN names them.
const BOTH: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub struct Identity {
    pub cert_pem: String,
    pub key_pem: String,
}

/// The lab's authority and the TLS ports' acceptors.
pub(super) struct Certs {
    pub ca_pem: String,
    pub client: Identity,
    acceptors: Vec<(Port, TlsAcceptor)>,
}

impl Certs {
    pub fn make() -> io::Result<Self> {
        let ca_key = KeyPair::generate().map_err(io::Error::other)?;
        let mut ca = named("wirewatch lab CA", &[])?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_cert = ca.self_signed(&ca_key).map_err(io::Error::other)?;
        let issuer = Issuer::new(ca, ca_key);

        let key = KeyPair::generate().map_err(io::Error::other)?;
        let leaf = |params: CertificateParams| {
            params.signed_by(&key, &issuer).map(|cert| cert.der().clone()).map_err(io::Error::other)
        };
        let good = leaf(named("lab", &NAMES)?)?;
        let mut expired = named("expired", &NAMES)?;
        (expired.not_before, expired.not_after) = (date_time_ymd(2024, 1, 1), date_time_ymd(2024, 2, 1));
        let mut early = named("not yet valid", &NAMES)?;
        (early.not_before, early.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1));
        let alone = named("self-signed", &NAMES)?.self_signed(&key).map_err(io::Error::other)?.der().clone();

        let mut client = named("lab client", &[])?;
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client_key = KeyPair::generate().map_err(io::Error::other)?;
        let client_cert = client.signed_by(&client_key, &issuer).map_err(io::Error::other)?;

        let plain = |cert: CertificateDer<'static>| acceptor(cert, &key, None, &BOTH);
        let acceptors = vec![
            (Port::Tls, plain(good.clone())?),
            (Port::SelfSigned, plain(alone)?),
            (Port::Expired, plain(leaf(expired)?)?),
            (Port::NotYetValid, plain(leaf(early)?)?),
            (Port::WrongName, plain(leaf(named("wrong name", &["elsewhere.example"])?)?)?),
            (Port::ClientCert, acceptor(good, &key, Some(ca_cert.der()), &BOTH)?),
        ];
        let client = Identity { cert_pem: client_cert.pem(), key_pem: client_key.serialize_pem() };
        Ok(Self { ca_pem: ca_cert.pem(), client, acceptors })
    }

    /// What stands on a port; `None`: it does not speak TLS.
    pub fn acceptor(&self, port: Port) -> Option<TlsAcceptor> {
        self.acceptors.iter().find(|(for_port, _)| *for_port == port).map(|(_, acceptor)| acceptor.clone())
    }
}

/// What stands on the TLS ports of the recorded cases' server.
pub(super) struct Stand {
    pub ca_pem: String,
    pub good: TlsAcceptor,
    pub self_signed: TlsAcceptor,
    pub expired: TlsAcceptor,
    pub wrong_name: TlsAcceptor,
}

impl Stand {
    /// For these names, all but the last.
    pub fn make(names: &[&str]) -> io::Result<Self> {
        let ca_key = KeyPair::generate().map_err(io::Error::other)?;
        let mut ca = named("oracle CA", &[])?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_pem = ca.self_signed(&ca_key).map_err(io::Error::other)?.pem();
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let stand = |cert: rcgen::Certificate| acceptor(cert.der().clone(), &key, None, &[b"http/1.1"]);
        let leaf = |params: CertificateParams| params.signed_by(&key, &issuer).map_err(io::Error::other);
        let mut expired = named("expired", names)?;
        (expired.not_before, expired.not_after) = (date_time_ymd(2024, 1, 1), date_time_ymd(2024, 2, 1));
        let alone = named("self-signed", names)?.self_signed(&key).map_err(io::Error::other)?;
        Ok(Self {
            ca_pem,
            good: stand(leaf(named("good", names)?)?)?,
            self_signed: stand(alone)?,
            expired: stand(leaf(expired)?)?,
            wrong_name: stand(leaf(named("wrong name", &["elsewhere.example"])?)?)?,
        })
    }
}

/// A certificate's contents, valid for a long time.
fn named(name: &str, alternative: &[&str]) -> io::Result<CertificateParams> {
    let names: Vec<String> = alternative.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2080, 1, 1));
    Ok(params)
}

fn acceptor(
    cert: CertificateDer<'static>,
    key: &KeyPair,
    clients: Option<&CertificateDer<'static>>,
    protocols: &[&[u8]],
) -> io::Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(ca.clone()).map_err(io::Error::other)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(io::Error::other)?)
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = builder.with_single_cert(vec![cert], key).map_err(io::Error::other)?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(config)))
}
