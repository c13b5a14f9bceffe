//! A client of the recorded cases' server, for the tests and the benchmarks that run them.

use std::net::SocketAddr;
use std::path::Path;

use wirewatch::net::{Client, ConnectTo, Settings};
use wirewatch::profile::model::Proxy;

/// `places` and `ca_file` are the server's own words.
pub fn client(places: Vec<(Option<String>, Option<u16>, Option<SocketAddr>)>, ca_file: &Path) -> Client {
    let connect_to = places.into_iter().map(|(host, port, to)| ConnectTo { host, port, to }).collect();
    let ca_file = Some(ca_file.to_owned());
    Client::new(&Settings { proxy: Proxy::Direct, ca_file, connect_to, ..Settings::default() }).unwrap()
}
