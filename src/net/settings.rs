//! What a client is made of: a profile's `[network]`, its secret key and the bounds of what a peer may send.

use std::path::PathBuf;

use crate::base::Secret;
use crate::profile::model::{Network, Proxy, Resolve, Setting};
use crate::wire::NetError;

/// How much a peer may send before the exchange or the session ends with a named error. Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// All heads of one answer together: Chromium's own bound.
    pub headers: usize,
    /// An answer's body, after its transfer coding is taken off.
    pub body: u64,
    /// One WebSocket message, put together.
    pub message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { headers: 256 * 1024, body: 10 * 1024 * 1024, message: 16 * 1024 * 1024 }
    }
}

/// Where a client certificate's private key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKey {
    /// A PEM file's path.
    File(PathBuf),
    /// The PEM text itself.
    Pem(Secret),
}

/// How a [`Client`](super::Client) connects. Clients with equal settings share their TLS configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub proxy: Proxy,
    pub resolve: Vec<Resolve>,
    /// PEM certificates to trust besides the platform's.
    pub ca_file: Option<PathBuf>,
    /// Accept any certificate.
    pub insecure: bool,
    /// The client certificate's chain as PEM; its key may stand in the same file.
    pub client_cert: Option<PathBuf>,
    pub client_key: Option<ClientKey>,
    pub limits: Limits,
}

impl Settings {
    /// From a profile's `[network]`; `secret` looks a name up.
    ///
    /// # Errors
    /// [`NetError::Configuration`] where `client_key` names a secret that is not there.
    pub fn from_network(network: &Network, secret: impl Fn(&str) -> Option<Secret>) -> Result<Self, NetError> {
        let client_key = match &network.client_key {
            None => None,
            Some(Setting::Plain(path)) => Some(ClientKey::File(path.as_ref().into())),
            Some(Setting::Secret(name)) => Some(ClientKey::Pem(
                secret(name).ok_or(NetError::Configuration { what: "the secret of client_key is not set" })?,
            )),
        };
        Ok(Self {
            proxy: network.proxy.clone(),
            resolve: network.resolve.clone(),
            ca_file: network.ca_file.clone(),
            insecure: network.insecure,
            client_cert: network.client_cert.clone(),
            client_key,
            limits: Limits::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_a_secret_is_looked_up_and_missed_by_name() {
        let network = Network { client_key: Some(Setting::Secret("mtls".into())), ..Network::default() };
        let found = Settings::from_network(&network, |name| (name == "mtls").then(|| Secret::new("PEM")));
        assert_eq!(found.unwrap().client_key, Some(ClientKey::Pem(Secret::new("PEM"))));
        assert_eq!(
            Settings::from_network(&network, |_| None),
            Err(NetError::Configuration { what: "the secret of client_key is not set" })
        );
    }
}
