//! "Is it me?", on a machine whose cable is pulled, whose routes and name servers go, and whose sleep is over.

use std::time::Duration;

use url::Url;
use wirewatch::profile::{Kind, Profile};

use crate::cable::{Cable, FAR};
use crate::peers::Websockets;
use crate::watcher::Watcher;

/// Sessions and checks of four hosts.
fn profiles(port: u16) -> Vec<Profile> {
    let one = |name: &str, kind, url: String| {
        let mut profile = Profile::new(name, kind, Url::parse(&url).unwrap());
        profile.page = Some(Url::parse("http://app.localhost/").unwrap());
        profile.interval = Duration::from_secs(2);
        profile.timeout = Duration::from_secs(3);
        profile.alert.after = 1;
        profile.websocket.ping = Some(Duration::from_secs(1));
        profile
    };
    let session = |name, host| one(name, Kind::WebSocket, format!("ws://{host}:{port}/quiet"));
    let check = |name, host| one(name, Kind::Http, format!("http://{host}:{port}/missing"));
    let mut all = vec![session("s1", FAR[0]), session("s2", FAR[1]), session("s3", FAR[2])];
    all.extend([check("c1", FAR[0]), check("c2", FAR[2]), check("c3", FAR[3])]);
    all
}

#[test]
#[ignore = "needs root, iproute2 and Python websockets: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_pulled_cable_is_one_notice_and_suspended_sessions() {
    let Some(cable) = Cable::lay() else { return };
    let server = Websockets::on(&cable.server);
    let profiles = profiles(server.port);
    let mut watcher = Watcher::start(|program| cable.watcher.command(program), &profiles);
    watcher.until_each(&profiles[..3], "connected");
    watcher.until_kind("check");
    let end = std::time::Instant::now() + Duration::from_secs(4);
    watcher.until("x", |_| end < std::time::Instant::now());
    cable.pull_out();
    println!("pulled at story {}", watcher.story.len());
    let end = std::time::Instant::now() + Duration::from_secs(15);
    watcher.until("x", |_| end < std::time::Instant::now());
    println!("in at story {}", watcher.story.len());
    cable.plug_in();
    let end = std::time::Instant::now() + Duration::from_secs(10);
    watcher.until("x", |_| end < std::time::Instant::now());
    println!("{}", watcher.tell());
}
