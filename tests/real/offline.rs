//! "Is it me?", on a machine whose cable is pulled, whose routes and name servers go, and which sleeps.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use url::Url;
use wirewatch::profile::{Kind, Profile};

use crate::cable::{Cable, FAR, ROUTER};
use crate::peers::{Process, Websockets};
use crate::watcher::Watcher;

/// Three sessions and three checks, of these four hosts.
fn profiles(hosts: [&str; 4], port: u16) -> Vec<Profile> {
    let one = |name: &str, kind, url: String| {
        let mut profile = Profile::new(name, kind, Url::parse(&url).unwrap());
        profile.page = Some(Url::parse("http://app.localhost/").unwrap());
        profile.interval = Duration::from_secs(2);
        profile.timeout = Duration::from_secs(3);
        // One failure is an incident: what must not be told can't hide behind a second chance.
        profile.alert.after = 1;
        profile.websocket.ping = Some(Duration::from_secs(1));
        profile
    };
    let session = |name, host| one(name, Kind::WebSocket, format!("ws://{host}:{port}/quiet"));
    let check = |name, host| one(name, Kind::Http, format!("http://{host}:{port}/healthy"));
    let mut all = vec![session("s1", hosts[0]), session("s2", hosts[1]), session("s3", hosts[2])];
    all.extend([check("c1", hosts[1]), check("c2", hosts[2]), check("c3", hosts[3])]);
    all
}

/// A watcher of all of them behind the cable, each of them well.
struct World {
    cable: Cable,
    profiles: Vec<Profile>,
    watcher: Watcher,
    _server: Websockets,
    _names: Option<Process>,
}

impl World {
    /// With hosts by their addresses, or by names that the router's name server knows.
    fn start(by_name: bool) -> Option<Self> {
        let cable = Cable::lay()?;
        let names = by_name.then(|| name_server(&cable));
        let hosts = if by_name { ["a.test", "b.test", "c.test", "d.test"] } else { FAR };
        let server = Websockets::on(&cable.server);
        let profiles = profiles(hosts, server.port);
        let watcher = Watcher::start(|program| cable.watcher.command(program), &profiles);
        let mut world = Self { cable, profiles, watcher, _server: server, _names: names };
        world.until_all_are_well();
        Some(world)
    }

    /// Listens until each has said so, and none says otherwise.
    #[track_caller]
    fn until_all_are_well(&mut self) {
        self.watcher.until_each(&self.profiles, "connected");
    }

    /// Takes what is so far as given: the place from which the story is looked at.
    fn mark(&self) -> usize {
        self.watcher.story.len()
    }

    /// Listens until each is suspended for being offline, and then until the checks have come around twice more.
    #[track_caller]
    fn until_all_are_suspended(&mut self) {
        self.watcher.until_each(&self.profiles, "suspended");
        for _ in 0..2 {
            for name in ["c1", "c2", "c3"] {
                self.watcher.until("an idle check", |event| event["kind"] == "check" && event["profile"] == name);
            }
        }
    }

    /// Since `mark` there was one notice, and nothing about any endpoint that would be told to somebody.
    #[track_caller]
    fn it_was_us(&self, mark: usize) -> Value {
        let told = self.watcher.tell();
        let offline = self.watcher.since(mark, |event| event["kind"] == "offline");
        assert_eq!(offline.len(), 1, "{told}");
        assert_eq!(offline[0]["affected"], 6, "{told}");
        let wall = |event: &Value| {
            event["kind"] == "incident_opened"
                || event["outcome"] == "down"
                || (event["kind"] == "state" && ["error", "cors_error"].iter().any(|word| event["state"] == *word))
        };
        assert_eq!(self.watcher.since(mark, wall).len(), 0, "{told}");
        offline[0].clone()
    }

    /// Since `mark` it was over once, and the sessions came back at their own times within the first wait.
    #[track_caller]
    fn it_came_back(&self, mark: usize) {
        let told = self.watcher.tell();
        assert_eq!(self.watcher.since(mark, |event| event["kind"] == "online").len(), 1, "{told}");
        self.spread(mark);
    }

    /// Since `mark` each session has waited a time of its own, of at most the back-off's first wait, before it dialled.
    #[track_caller]
    fn spread(&self, mark: usize) {
        let told = self.watcher.tell();
        let mut waits: Vec<f64> = Vec::new();
        for name in ["s1", "s2", "s3"] {
            let such = |event: &Value| event["kind"] == "retry" && event["profile"] == name;
            let retries = self.watcher.since(mark, such);
            waits.push(
                retries.last().unwrap_or_else(|| panic!("{name} did not wait\n{told}"))["wait_ms"].as_f64().unwrap(),
            );
        }
        assert!(waits.iter().all(|wait| *wait <= 1000.0), "{waits:?}\n{told}");
        assert!(waits[0] != waits[1] && waits[1] != waits[2], "{waits:?} are not spread\n{told}");
    }
}

/// dnsmasq on the serving machine, which knows four names.
fn name_server(cable: &Cable) -> Process {
    let mut command = cable.server.command("dnsmasq");
    command.args([
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--user=root",
        "--pid-file",
    ]);
    command.args(["--bind-interfaces", &format!("--listen-address={ROUTER}"), "--log-facility=-"]);
    for (name, address) in ["a", "b", "c", "d"].iter().zip(FAR) {
        command.arg(format!("--host-record={name}.test,{address}"));
    }
    let mut child: Child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let process = Process(child);
    crate::peers::wait_for(stderr, "started, version");
    process
}

fn signal(id: u32, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &id.to_string()]).status().unwrap().success());
}

#[test]
#[ignore = "needs root, iproute2 and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_pulled_cable_is_one_notice_and_suspended_sessions() {
    let Some(mut world) = World::start(false) else { return };
    let mark = world.mark();
    world.cable.pull_out();
    world.until_all_are_suspended();
    world.it_was_us(mark);
    let mark = world.mark();
    world.cable.plug_in();
    world.until_all_are_well();
    world.it_came_back(mark);
    let story = world.watcher.end();
    assert_eq!(story.iter().filter(|event| event["kind"] == "offline").count(), 1);
}

#[test]
#[ignore = "needs root, iproute2 and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_lost_default_route_is_one_notice() {
    let Some(mut world) = World::start(false) else { return };
    let mark = world.mark();
    world.cable.watcher.ip("route del default");
    world.until_all_are_suspended();
    assert_eq!(world.it_was_us(mark)["phase"], "connect");
    let mark = world.mark();
    world.cable.plug_in();
    world.until_all_are_well();
    world.it_came_back(mark);
}

#[test]
#[ignore = "needs root, iproute2, dnsmasq and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn no_name_server_is_one_notice_and_open_sessions_go_on() {
    let Some(mut world) = World::start(true) else { return };
    for nowhere in ["10.77.0.99", "127.0.0.1"] {
        let mark = world.mark();
        world.cable.watcher.ask_names_of(nowhere);
        let checks = world.profiles[3..].to_vec();
        world.watcher.until_each(&checks, "suspended");
        assert_eq!(world.it_was_us(mark)["phase"], "dns");
        let closed = world.watcher.since(mark, |event| event["kind"] == "closed");
        assert_eq!(closed.len(), 0, "sessions that are open need no names\n{}", world.watcher.tell());
        world.cable.watcher.ask_names_of(ROUTER);
        world.watcher.until_each(&checks, "connected");
    }
}

#[test]
#[ignore = "needs root, iproute2 and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn every_host_falling_silent_at_once_is_one_notice_and_one_host_alone_is_not() {
    let Some(mut world) = World::start(false) else { return };
    let mark = world.mark();
    FAR.iter().for_each(|host| world.cable.silence(host));
    world.until_all_are_suspended();
    assert_eq!(world.it_was_us(mark)["phase"], "connect");
    let mark = world.mark();
    FAR.iter().for_each(|host| world.cable.unsilence(host));
    world.until_all_are_well();
    world.it_came_back(mark);

    let mark = world.mark();
    world.cable.silence(FAR[1]);
    for name in ["s2", "c1"] {
        world.watcher.until("its incident", |event| event["kind"] == "incident_opened" && event["profile"] == name);
    }
    world.watcher.until("another check", |event| event["kind"] == "check" && event["profile"] == "c3");
    let others = world.watcher.since(mark, |event| {
        event["kind"] == "offline" || (event["kind"] == "state" && event["profile"] != "s2" && event["profile"] != "c1")
    });
    assert_eq!(others.len(), 0, "{others:?}\n{}", world.watcher.tell());
}

#[test]
#[ignore = "needs root, iproute2 and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn after_sleep_the_sessions_come_back_at_once() {
    let Some(mut world) = World::start(false) else { return };
    let mark = world.mark();
    signal(world.watcher.id(), "STOP");
    // The time itself is what is tested: a pause of ten seconds is what counts as sleep.
    std::thread::sleep(Duration::from_secs(12));
    signal(world.watcher.id(), "CONT");
    let woke = world.watcher.until_kind("woke");
    assert!(10_000.0 < woke["slept_ms"].as_f64().unwrap(), "{woke}");
    let sessions = world.profiles[..3].to_vec();
    world.watcher.until_each(&sessions, "connected");
    world.spread(mark);
    let told = world.watcher.tell();
    for name in ["s1", "s2", "s3"] {
        let such = |event: &Value| event["kind"] == "state" && event["profile"] == name;
        let reasons: Vec<_> = world.watcher.since(mark, such).iter().map(|event| event["reason"].clone()).collect();
        assert_eq!(reasons, ["woke".into(), "woke".into(), Value::Null], "{told}");
    }
    assert_eq!(world.watcher.since(mark, |event| event["kind"] == "incident_opened").len(), 0, "{told}");
}

#[test]
#[ignore = "needs root, iproute2 and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn another_network_is_noticed_and_what_hung_on_the_old_one_comes_back_at_once() {
    let Some(cable) = Cable::lay() else { return };
    let server = Websockets::on(&cable.server);
    let mut profiles = profiles(FAR, server.port);
    profiles.truncate(3);
    // Nothing listens there: its waits grow.
    let mut refused = profiles[0].clone();
    refused.name = "refused".into();
    refused.url.set_port(Some(server.port - 1)).unwrap();
    let watched = [&profiles[..], &[refused]].concat();
    let mut watcher = Watcher::start(|program| cable.watcher.command(program), &watched);
    watcher.until_each(&profiles, "connected");
    watcher.until("a long wait", |event| {
        event["profile"] == "refused" && 3000.0 < event["wait_ms"].as_f64().unwrap_or(0.0)
    });

    let mark = watcher.story.len();
    cable.join_other_network();
    watcher.until_kind("network_changed");
    let soon = watcher.until("an early attempt", |event| event["kind"] == "retry" && event["profile"] == "refused");
    assert!(soon["attempt"] == 1 && soon["wait_ms"].as_f64().unwrap() <= 1000.0, "{soon}");
    for one in &profiles {
        watcher.until("a pong", |event| event["kind"] == "pong" && event["profile"] == *one.name);
    }
    let told = watcher.tell();
    assert_eq!(watcher.since(mark, |event| event["kind"] == "closed").len(), 0, "they live on\n{told}");

    let mark = watcher.story.len();
    cable.leave_first_network();
    watcher.until_each(&profiles, "connected");
    let world = World { cable, profiles, watcher, _server: server, _names: None };
    world.spread(mark);
    let incidents = |event: &Value| event["kind"] == "incident_opened" && event["profile"] != "refused";
    assert_eq!(world.watcher.since(mark, incidents).len(), 0, "{}", world.watcher.tell());
}
