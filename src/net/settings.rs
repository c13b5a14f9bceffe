//! What a client is made of: a profile's `[network]`, its secret key and the bounds of what a peer may send.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Host;

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

/// curl's `--connect-to`: what is dialled in place of a host and a port. What is sent (`Host`, the name in the TLS hello, the
/// name that the certificate has to bear) stays the URL's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectTo {
    /// As the URL has it, without brackets; `None`: any.
    pub host: Option<String>,
    /// `None`: any.
    pub port: Option<u16>,
    /// `None`: the name is one that doesn't resolve.
    pub to: Option<SocketAddr>,
}

/// How a [`Client`](super::Client) connects. Clients with equal settings share their TLS configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub proxy: Proxy,
    pub resolve: Vec<Resolve>,
    /// The first that fits counts, before `resolve`. Targets alone: a proxy is dialled as it is named.
    pub connect_to: Vec<ConnectTo>,
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
    /// What is dialled in place of that host and port, where anything is.
    pub(super) fn connects_to(&self, host: &Host<String>, port: u16) -> Option<&ConnectTo> {
        let host = host.to_string();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let fits = |entry: &&ConnectTo| {
            entry.port.is_none_or(|given| given == port)
                && entry.host.as_deref().is_none_or(|given| given.eq_ignore_ascii_case(host))
        };
        self.connect_to.iter().find(fits)
    }

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
            connect_to: Vec::new(),
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
    fn the_first_entry_that_fits_host_and_port_is_dialled() {
        let to = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
        let entry = |host: Option<&str>, port, to| ConnectTo { host: host.map(str::to_owned), port, to };
        let connect_to = vec![
            entry(Some("a.test"), Some(443), to(1)),
            entry(Some("::1"), None, to(2)),
            entry(Some("none.test"), None, None),
            entry(None, Some(80), to(3)),
        ];
        let settings = Settings { connect_to, ..Settings::default() };
        let check = |host: &str, port, expected: Option<Option<SocketAddr>>| {
            let host = Host::parse(host).unwrap();
            assert_eq!(settings.connects_to(&host, port).map(|entry| entry.to), expected, "{host}:{port}");
        };
        check("A.test", 443, Some(to(1)));
        check("a.test", 80, Some(to(3)));
        check("a.test", 81, None);
        check("[::1]", 9, Some(to(2)));
        check("none.test", 80, Some(None));
    }

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
