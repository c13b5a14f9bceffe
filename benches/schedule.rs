//! How late checks start: 500 profiles at one check a second each, against the lab in another process.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't measure has to stop")]

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;
use wirewatch::base::{Clock, ProfileId};
use wirewatch::engine::{Bus, Command, Config, Engine, PER_HOST};
use wirewatch::lab::{Lab, Options};
use wirewatch::profile::{Kind, Profile};
use wirewatch::watch::stats::percentile;
use wirewatch::watch::{EventBody, Outcome};

const PROFILES: u32 = 500;
const WARM_UP: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(20);

fn main() {
    if common::role().is_some() {
        return common::serve(serve());
    }
    let lab = common::Role::start("lab", &[], 10_000);
    let bus = Arc::new(Bus::new(1, Clock));
    let tap = bus.tap("bench", 1_000_000);
    let secrets = Arc::new(|_: &[String]| Ok(HashMap::new()));
    let engine = Engine::start(Config { bus, clock: Clock, secrets, per_host: PER_HOST }).unwrap();
    for id in 1..=PROFILES {
        let url = Url::parse(&format!("{}/?allow=any&_={id}", lab.line)).unwrap();
        let mut profile = Profile::new(format!("endpoint {id}"), Kind::Http, url);
        profile.page = Url::parse("http://app.localhost/").ok();
        profile.interval = Duration::from_secs(1);
        engine.send(Command::Watch { id: ProfileId(id), profile: Arc::new(profile) }).unwrap();
    }
    std::thread::sleep(WARM_UP);
    while let Ok(Some(_)) = tap.try_recv() {}
    let skipped = engine.status().skipped;
    let (started, cpu) = (Clock.mono(), common::process_cpu(std::process::id()));
    let mut lateness = Vec::new();
    let mut down = 0;
    while let Some(left) = MEASURED.checked_sub(Clock.mono() - started) {
        if let Ok(Some(event)) = tap.recv_timeout(left)
            && let EventBody::Check(report) = &event.body
        {
            lateness.push(report.lateness);
            down += u32::from(report.outcome == Outcome::Down);
        }
    }
    let cpu = common::process_cpu(std::process::id()) - cpu;
    let skipped = engine.status().skipped - skipped;
    let time = (Clock.mono() - started).as_secs_f64();
    engine.shutdown();
    lateness.sort_unstable();
    let ms = |share| percentile(&lateness, share).map_or(0.0, |late| late.as_secs_f64() * 1e3);
    println!("{PROFILES} profiles at one check a second each, {time:.0} s");
    println!("  checks a second      {:8.1}   ({down} down, {skipped} slots skipped)", lateness.len() as f64 / time);
    println!("  lateness p50         {:8.2} ms", ms(0.5));
    println!("  lateness p99         {:8.2} ms   goal: under 20 ms", ms(0.99));
    println!("  lateness at worst    {:8.2} ms", ms(1.0));
    println!("  CPU a check          {:8.3} ms, everything included", cpu.as_secs_f64() * 1e3 / lateness.len() as f64);
}

async fn serve() {
    let lab = Lab::start(Options::default()).await.unwrap();
    common::ready(lab.http_url("/").as_str().trim_end_matches('/'));
    std::future::pending::<()>().await;
}
