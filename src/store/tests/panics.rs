//! A panic of the writer: told, and nothing but its cause is lost.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use super::POISON;
use super::fixture::*;
use crate::base::Clock;
use crate::store::*;
use crate::watch::{Event, EventBody};

const PANICKED: HealthChange = HealthChange::Panicked("sabotage of the history");

fn poison() -> EventBody {
    EventBody::Notified { way: POISON.into(), problem: None }
}

#[test]
fn the_event_that_cannot_be_written_is_let_go_alone() {
    let mut rig = Rig::new();
    rig.send(1, frame("before"));
    let poison = rig.send(2, poison()).seq;
    let last = rig.send(3, frame("after")).seq;
    let status = rig.writer.as_ref().unwrap().status();
    wait_until(|| matches!(status.health(), Health::NotRecording { problem: Trouble::Fault, .. }));
    rig.acknowledged(last);
    wait_until(|| status.health() == Health::Recording);
    assert_eq!((status.dropped(), status.backlog()), (1, 0));
    let changes = rig.changes.lock().unwrap().clone();
    let [PANICKED, HealthChange::Lost(Trouble::Fault), again @ .., HealthChange::Resumed { dropped: 1 }] = &changes[..]
    else {
        panic!("{changes:?}")
    };
    assert!(again.iter().all(|change| *change == PANICKED), "lost is told once: {changes:?}");
    let kept: Vec<u64> = all(&rig.reader(), &Filter::default()).iter().map(|event| event.seq).collect();
    assert_eq!(kept, (1..=last).filter(|seq| *seq != poison).collect::<Vec<_>>());
}

#[test]
fn at_the_end_all_the_others_are_written() {
    let mut rig = Rig::new();
    for at in 0..100 {
        rig.send(at, if at % 40 == 7 { poison() } else { frame("x") });
    }
    assert_eq!(all(&rig.reader(), &Filter::default()).len(), 97);
}

#[test]
fn a_source_that_panics_is_heard_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(Config::new(folder.path().join("history.sqlite3")), Clock).unwrap();
    let (to, from) = sync_channel(10);
    let (mut source, mut bites) = (source(from), true);
    let changes: Arc<Mutex<Vec<HealthChange>>> = Arc::default();
    let told = Arc::clone(&changes);
    let source = move |wait| {
        assert!(!std::mem::take(&mut bites), "sabotage of the history");
        source(wait)
    };
    let writer = store.start(source, move |change| told.lock().unwrap().push(change)).unwrap();
    let reader = writer.reader().unwrap();
    to.send(Arc::new(Event { seq: 1, at: Clock.wall(), profile: None, body: EventBody::NetworkChanged })).unwrap();
    wait_until(|| writer.status().acknowledged() == 1);
    drop(to);
    writer.join();
    assert_eq!(
        *changes.lock().unwrap(),
        [PANICKED, HealthChange::Lost(Trouble::Fault), HealthChange::Resumed { dropped: 0 }]
    );
    assert_eq!(all(&reader, &Filter::default()).len(), 1);
}
