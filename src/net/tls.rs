//! TLS with the platform's roots, no resumption (each check pays for its own handshake), and the server's chain kept.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, ConfigBuilder, Error, RootCertStore, WantsVerifier};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use super::settings::{ClientKey, Settings};
use super::trace::Trace;
use super::verify::{Trust, Witness};
use super::{cert, errno};
use crate::wire::{NetError, Phase, TlsFacts};

/// The largest PEM file that is read, in bytes.
const PEM_FILE: u64 = 4 * 1024 * 1024;

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

/// The platform's roots, read once.
static PLATFORM: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    // A certificate that can't be read is as good as absent: what it signed shows as untrusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
});

/// What to offer in ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// `h2`, `http/1.1`
    Http,
    /// `http/1.1` alone: a WebSocket's handshake.
    WebSocket,
}

/// The part of a client that clients with equal settings share.
#[derive(Debug)]
pub(super) struct Tls {
    http: ClientConfig,
    websocket: ClientConfig,
    trust: Arc<Trust>,
    client: Option<Arc<CertifiedKey>>,
}

type Shared = Mutex<HashMap<[u8; 32], Weak<Tls>>>;
static SHARED: LazyLock<Shared> = LazyLock::new(Shared::default);

impl Tls {
    /// The configuration for these settings: a shared one where another client has the same. Reads the files named.
    pub(super) fn shared(settings: &Settings) -> Result<Arc<Self>, NetError> {
        let material = Material::read(settings)?;
        let key = material.key();
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tls) = shared.get(&key).and_then(Weak::upgrade) {
            return Ok(tls);
        }
        let tls = Arc::new(Self::new(&material)?);
        shared.retain(|_, tls| 0 < tls.strong_count());
        shared.insert(key, Arc::downgrade(&tls));
        Ok(tls)
    }

    fn new(material: &Material) -> Result<Self, NetError> {
        let own = match &material.ca {
            Some(pem) => certificates(pem, "ca_file holds no PEM certificate")?,
            None => Vec::new(),
        };
        let roots = if own.is_empty() {
            Arc::clone(&PLATFORM)
        } else {
            let mut roots = RootCertStore::clone(&PLATFORM);
            for certificate in &own {
                let added = roots.add(certificate.clone());
                added.map_err(|_| NetError::Configuration { what: "a certificate in ca_file can't be read" })?;
            }
            Arc::new(roots)
        };
        // Fails only where there are no roots at all; then nothing is trusted.
        let roots = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&PROVIDER)).build().ok();
        let algorithms = PROVIDER.signature_verification_algorithms;
        let trust = Arc::new(Trust { roots, own, insecure: material.insecure, algorithms });
        let client = client_key(material)?;
        let witness = Arc::new(Witness::new(Arc::clone(&trust), client.clone()));
        let builder: ConfigBuilder<ClientConfig, WantsVerifier> =
            ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
                .with_safe_default_protocol_versions()
                .map_err(|_| NetError::TlsVersion)?;
        let mut http = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&witness) as _)
            .with_client_cert_resolver(witness);
        http.resumption = Resumption::disabled();
        let mut websocket = http.clone();
        http.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        websocket.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { http, websocket, trust, client })
    }

    /// The handshake. Sets `phases.tls` where it succeeds, and `tls` as far as it came.
    pub(super) async fn connect(
        &self,
        tcp: TcpStream,
        host: &Host<String>,
        offer: Offer,
        trace: &mut Trace,
    ) -> Result<TlsStream<TcpStream>, NetError> {
        let name = server_name(host)?;
        let witness = Arc::new(Witness::new(Arc::clone(&self.trust), self.client.clone()));
        let mut config = match offer {
            Offer::Http => self.http.clone(),
            Offer::WebSocket => self.websocket.clone(),
        };
        config.dangerous().set_certificate_verifier(Arc::clone(&witness) as _);
        config.client_auth_cert_resolver = Arc::clone(&witness) as _;
        let started = trace.now();
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, tcp);
        let result = trace
            .within(Phase::Tls, async {
                handshake.await.map_err(|error| match errno::on_stream(&error, Phase::Tls) {
                    // Before TLS 1.3 a server that misses a certificate says only that the handshake failed.
                    NetError::TlsVersion if witness.went_without_certificate() => NetError::ClientCertRequired,
                    error => error,
                })
            })
            .await;
        match result {
            Ok(stream) => {
                trace.phases.tls = Some(trace.since(started));
                let (_, connection) = stream.get_ref();
                let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
                trace.tls = Some(TlsFacts {
                    version: connection.protocol_version().and_then(|version| version.as_str()).map(dotted),
                    cipher: suite.and_then(|suite| suite.as_str()).map(str::to_owned),
                    alpn: connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
                    chain: cert::chain(connection.peer_certificates().unwrap_or_default()),
                });
                Ok(stream)
            }
            Err(error) => match witness.refused() {
                Some((chain, refusal)) => {
                    trace.tls = Some(TlsFacts { chain, ..TlsFacts::default() });
                    Err(refusal)
                }
                None => Err(error),
            },
        }
    }
}

/// `TLSv1_3` as it is usually written.
fn dotted(version: &str) -> String {
    version.replace('_', ".")
}

fn server_name(host: &Host<String>) -> Result<ServerName<'static>, NetError> {
    match host {
        Host::Ipv4(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Ipv6(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name).to_owned();
            // A host that is no DNS name can't be in a certificate either.
            ServerName::try_from(name).map_err(|_| NetError::CertWrongName)
        }
    }
}

/// A handshake's or a TLS connection's failure, by its cause.
pub(super) fn failure(error: &Error) -> NetError {
    match error {
        Error::AlertReceived(alert) => match alert {
            AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity
            | AlertDescription::InappropriateFallback => NetError::TlsVersion,
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied => NetError::ClientCertRequired,
            _ => NetError::TlsProtocol,
        },
        Error::PeerIncompatible(_) => NetError::TlsVersion,
        Error::InvalidCertificate(_) | Error::NoCertificatesPresented => NetError::CertInvalid,
        _ => NetError::TlsProtocol,
    }
}

/// The bytes that a TLS configuration is made from.
struct Material {
    ca: Option<Vec<u8>>,
    cert: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
    insecure: bool,
}

impl Material {
    fn read(settings: &Settings) -> Result<Self, NetError> {
        let read = |path: Option<&Path>, what| path.map(|path| read_file(path, what)).transpose();
        Ok(Self {
            ca: read(settings.ca_file.as_deref(), "ca_file can't be read")?,
            cert: read(settings.client_cert.as_deref(), "client_cert can't be read")?,
            key: match &settings.client_key {
                None => None,
                Some(ClientKey::File(path)) => Some(read_file(path, "client_key can't be read")?),
                Some(ClientKey::Pem(pem)) => Some(pem.expose().as_bytes().to_vec()),
            },
            insecure: settings.insecure,
        })
    }

    fn key(&self) -> [u8; 32] {
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for part in [&self.ca, &self.cert, &self.key] {
            let length = part.as_ref().map_or(u64::MAX, |part| part.len() as u64);
            digest.update(&length.to_be_bytes());
            digest.update(part.as_deref().unwrap_or_default());
        }
        digest.update(&[u8::from(self.insecure)]);
        let mut key = [0; 32];
        key.copy_from_slice(digest.finish().as_ref());
        key
    }
}

fn read_file(path: &Path, what: &'static str) -> Result<Vec<u8>, NetError> {
    let fault = NetError::Configuration { what };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|_| fault.clone())?;
    file.take(PEM_FILE).read_to_end(&mut bytes).map_err(|_| fault)?;
    Ok(bytes)
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, NetError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(NetError::Configuration { what }),
    }
}

fn client_key(material: &Material) -> Result<Option<Arc<CertifiedKey>>, NetError> {
    let fault = |what| NetError::Configuration { what };
    let Some(cert) = &material.cert else {
        return match material.key {
            Some(_) => Err(fault("client_key is given and client_cert is not")),
            None => Ok(None),
        };
    };
    let chain = certificates(cert, "client_cert holds no PEM certificate")?;
    let key = material.key.as_ref().unwrap_or(cert);
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| fault("client_key holds no PEM private key"))?;
    let certified = CertifiedKey::from_der(chain, key, &PROVIDER)
        .map_err(|_| fault("client_key does not belong to client_cert"))?;
    Ok(Some(Arc::new(certified)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::net::peer;
    use crate::net::peer_tls::{Authority, BOTH, Identity, Valid, file, get, params, serve, server};
    use rcgen::{BasicConstraints, IsCa};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Settings that trust `authority`.
    fn trusting(authority: &Authority) -> (Settings, tempfile::NamedTempFile) {
        let file = authority.file();
        (Settings { ca_file: Some(file.path().into()), ..Settings::default() }, file)
    }

    async fn check(settings: &Settings, identity: Identity, name: &str, expected: Result<u16, NetError>) {
        let address = serve(server(identity, &[], BOTH, None)).await;
        let exchange = get(settings, name, address).await;
        assert_eq!(exchange.result.clone().map(|response| response.status), expected);
        let facts = exchange.tls.expect("the chain is kept either way");
        assert!(!facts.chain.is_empty());
        assert_eq!(exchange.phases.tls.is_some(), expected.is_ok());
        assert_eq!(facts.version.is_some(), expected.is_ok());
    }

    #[tokio::test]
    async fn a_certificate_of_a_trusted_authority_is_good_and_its_facts_are_kept() {
        let authority = Authority::new();
        let (settings, _file) = trusting(&authority);
        let identity = authority.issue(&params("api.test", Valid::Now));
        let sha256 = ring::digest::digest(&ring::digest::SHA256, &identity.chain[0]);
        let address = serve(server(identity, &["http/1.1"], BOTH, None)).await;
        let exchange = get(&settings, "api.test", address).await;
        assert_eq!(exchange.status(), Some(200));
        let facts = exchange.tls.unwrap();
        assert_eq!((facts.version.as_deref(), facts.alpn.as_deref()), (Some("TLSv1.3"), Some("http/1.1")));
        assert!(facts.cipher.unwrap().starts_with("TLS13_"));
        let leaf = &facts.chain[0];
        assert_eq!((leaf.subject.as_str(), leaf.self_signed), ("CN=api.test", false));
        assert_eq!(leaf.issuer, "CN=The tests' own authority");
        assert_eq!(leaf.names, ["api.test"]);
        assert_eq!(leaf.not_before.to_string(), "2020-01-01T00:00:00.000Z");
        assert_eq!(leaf.not_after.to_string(), "2120-01-01T00:00:00.000Z");
        assert_eq!(leaf.sha256, cert::hex(sha256.as_ref()));
    }

    #[tokio::test]
    async fn each_fault_of_a_certificate_has_its_name() {
        let authority = Authority::new();
        let (settings, _file) = trusting(&authority);
        let issue = |name, valid| authority.issue(&params(name, valid));
        check(&settings, issue("api.test", Valid::Past), "api.test", Err(NetError::CertExpired)).await;
        check(&settings, issue("api.test", Valid::Future), "api.test", Err(NetError::CertNotYetValid)).await;
        check(&settings, issue("other.test", Valid::Now), "api.test", Err(NetError::CertWrongName)).await;
        let stranger = Authority::new().issue(&params("api.test", Valid::Now));
        check(&settings, stranger, "api.test", Err(NetError::CertUntrusted)).await;
        let own = Identity::self_signed(&params("api.test", Valid::Now));
        check(&settings, own, "api.test", Err(NetError::CertSelfSigned)).await;
    }

    #[tokio::test]
    async fn of_several_faults_the_one_that_chromium_tells_is_told() {
        let authority = Authority::new();
        let (settings, _file) = trusting(&authority);
        let past = params("other.test", Valid::Past);
        check(&settings, authority.issue(&past), "api.test", Err(NetError::CertWrongName)).await;
        check(&settings, Authority::new().issue(&past), "api.test", Err(NetError::CertUntrusted)).await;
        check(&settings, Identity::self_signed(&past), "api.test", Err(NetError::CertSelfSigned)).await;
    }

    /// `openssl req -x509` makes such ones: an authority that serves.
    fn home_made(valid: Valid) -> Identity {
        let mut params = params("api.test", valid);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Identity::self_signed(&params)
    }

    #[tokio::test]
    async fn a_home_made_certificate_is_self_signed_and_good_once_the_profile_names_it() {
        check(&Settings::default(), home_made(Valid::Now), "api.test", Err(NetError::CertSelfSigned)).await;
        for (valid, name, expected) in [
            (Valid::Now, "api.test", Ok(200)),
            (Valid::Now, "other.test", Err(NetError::CertWrongName)),
            (Valid::Past, "api.test", Err(NetError::CertExpired)),
        ] {
            let identity = home_made(valid);
            let file = file(&identity.pem);
            let settings = Settings { ca_file: Some(file.path().into()), ..Settings::default() };
            check(&settings, identity, name, expected).await;
        }
    }

    #[tokio::test]
    async fn insecure_takes_any_certificate() {
        let settings = Settings { insecure: true, ..Settings::default() };
        check(&settings, home_made(Valid::Past), "other.test", Ok(200)).await;
    }

    #[tokio::test]
    async fn a_client_certificate_is_shown_where_it_is_wanted_and_missed_by_name() {
        let authority = Authority::new();
        let (trusting, _file) = trusting(&authority);
        let client = authority.issue(&params("client.test", Valid::Now));
        let cert = file(&client.pem);
        let showing = Settings {
            client_cert: Some(cert.path().into()),
            client_key: Some(ClientKey::Pem(Secret::new(client.key_pem.clone()))),
            ..trusting.clone()
        };
        for versions in [&[&rustls::version::TLS13][..], &[&rustls::version::TLS12][..]] {
            let serve_one = || async {
                let identity = authority.issue(&params("api.test", Valid::Now));
                serve(server(identity, &[], versions, Some(&authority))).await
            };
            let exchange = get(&showing, "api.test", serve_one().await).await;
            assert_eq!(exchange.status(), Some(200));
            let exchange = get(&trusting, "api.test", serve_one().await).await;
            assert_eq!(exchange.result, Err(NetError::ClientCertRequired), "{versions:?}");
        }
    }

    #[tokio::test]
    async fn a_server_without_tls_or_without_our_versions_is_told_apart() {
        let check = async |reply: &'static [u8], expected: NetError| {
            let (address, _) = peer::play(move |mut stream| async move {
                let _ = stream.read(&mut [0; 2048]).await;
                let _ = stream.write_all(reply).await;
                let _ = stream.shutdown().await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
            })
            .await;
            assert_eq!(get(&Settings::default(), "api.test", address).await.result, Err(expected));
        };
        check(b"HTTP/1.1 400 Bad Request\r\n\r\n", NetError::TlsProtocol).await;
        check(b"\x15\x03\x01\x00\x02\x02\x46", NetError::TlsVersion).await;
        check(b"\x15\x03\x03\x00\x02\x02\x28", NetError::TlsVersion).await;
        check(b"", NetError::ConnectionClosed { phase: Phase::Tls }).await;
    }

    #[tokio::test]
    async fn a_server_that_never_answers_the_hello_is_given_up_at_the_deadline() {
        let (address, played) = peer::play(|stream| async move {
            let _held = stream;
            std::future::pending::<()>().await;
        })
        .await;
        let url = format!("https://{address}/");
        let deadline = crate::base::Clock.mono() + std::time::Duration::from_millis(50);
        let client = crate::net::Client::new(&Settings::default()).unwrap();
        let exchange = client.exchange(peer::request("GET", &url, &[], ""), deadline).await;
        assert!(matches!(exchange.result, Err(NetError::Timeout { phase: Phase::Tls, .. })), "{:?}", exchange.result);
        played.abort();
    }

    #[test]
    fn equal_settings_share_and_wrong_files_are_named() {
        let one = Tls::shared(&Settings::default()).unwrap();
        assert!(Arc::ptr_eq(&one, &Tls::shared(&Settings::default()).unwrap()));
        let insecure = Settings { insecure: true, ..Settings::default() };
        assert!(!Arc::ptr_eq(&one, &Tls::shared(&insecure).unwrap()));

        let check = |settings: Settings, expected| {
            assert_eq!(Tls::shared(&settings).unwrap_err(), NetError::Configuration { what: expected });
        };
        let text = file("not PEM");
        let path = || Some(text.path().into());
        check(Settings { ca_file: Some("/nowhere/ca.pem".into()), ..Settings::default() }, "ca_file can't be read");
        check(Settings { ca_file: path(), ..Settings::default() }, "ca_file holds no PEM certificate");
        check(Settings { client_cert: path(), ..Settings::default() }, "client_cert holds no PEM certificate");
        let key = || Some(ClientKey::Pem(Secret::new("x")));
        let alone = "client_key is given and client_cert is not";
        check(Settings { client_key: key(), ..Settings::default() }, alone);
        let identity = Identity::self_signed(&params("a.test", Valid::Now));
        let cert = file(&identity.pem);
        let of = |client_key| Settings { client_cert: Some(cert.path().into()), client_key, ..Settings::default() };
        check(of(key()), "client_key holds no PEM private key");
        let other = Identity::self_signed(&params("b.test", Valid::Now));
        let other = ClientKey::Pem(Secret::new(other.key_pem));
        check(of(Some(other)), "client_key does not belong to client_cert");
    }
}
