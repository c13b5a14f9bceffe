//! What a TLS handshake showed.

use crate::base::Wall;

/// A finished (or refused) handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.3`; `None` where the handshake ended before it was agreed.
    pub version: Option<String>,
    pub cipher: Option<String>,
    /// `h2`, `http/1.1`.
    pub alpn: Option<String>,
    /// The server's chain, its own certificate first; kept where the handshake failed on it, too.
    pub chain: Vec<CertFacts>,
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertFacts {
    pub subject: String,
    pub issuer: String,
    /// Subject alternative names: DNS names and addresses.
    pub names: Vec<String>,
    pub not_before: Wall,
    pub not_after: Wall,
    /// Issuer and subject are the same name.
    pub self_signed: bool,
    /// SHA-256 of the certificate, lower-case hex.
    pub sha256: String,
}
