//! Where a request goes, as its URL says it.

use url::{Host, Url};

use crate::wire::NetError;

/// Host, port and whether TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: Host<String>,
    pub(super) port: u16,
    pub(super) tls: bool,
    pub(super) websocket: bool,
}

impl Target {
    pub(super) fn of(url: &Url) -> Result<Self, NetError> {
        let fault = NetError::Configuration { what: "the URL is not http, https, ws or wss" };
        let (tls, websocket) = match url.scheme() {
            "http" => (false, false),
            "https" => (true, false),
            "ws" => (false, true),
            "wss" => (true, true),
            _ => return Err(fault),
        };
        let host = url.host().map(|host| host.to_owned()).ok_or_else(|| fault.clone())?;
        let port = url.port_or_known_default().ok_or(fault)?;
        Ok(Self { host, port, tls, websocket })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_has_its_port_and_its_tls() {
        let check = |url: &str, port, tls, websocket| {
            let target = Target::of(&Url::parse(url).unwrap()).unwrap();
            assert_eq!((target.port, target.tls, target.websocket), (port, tls, websocket), "{url}");
        };
        check("http://a/", 80, false, false);
        check("https://a/", 443, true, false);
        check("ws://a:90/", 90, false, true);
        check("wss://[::1]/", 443, true, true);
        assert!(Target::of(&Url::parse("ftp://a/").unwrap()).is_err());
    }
}
