//! The book, on folders of its own.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::base::Clock;
use crate::profile::Kind;

/// Longer than anything here takes; a test that waits so long has failed.
const LONG: Duration = Duration::from_secs(20);

fn text(name: &str) -> String {
    format!("# mine\nname = \"{name}\"\nkind = \"http\"\nurl = \"https://a.test/\"\n")
}

fn profile(name: &str) -> Profile {
    Profile::new(name, Kind::Http, url::Url::parse("https://a.test/").unwrap())
}

/// A book over a folder with these files.
fn book(files: &[(&str, &str)]) -> (tempfile::TempDir, Book) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let book = Book::open(folder.path(), Interner::default());
    (folder, book)
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The changes, one a word: `added a`, `broken b`.
fn told(changes: &[BookChange]) -> Vec<String> {
    let word = |what: &What| match what {
        What::Added(_) => "added",
        What::Changed(_) => "changed",
        What::Broken { .. } => "broken",
        What::Removed => "removed",
    };
    changes.iter().map(|change| format!("{} {}", word(&change.what), change.key)).collect()
}

fn id(book: &Book, key: &str) -> ProfileId {
    book.find(key).unwrap().id
}

#[test]
fn a_broken_file_is_an_entry_and_disturbs_no_other() {
    let (_folder, book) = book(&[
        ("a.toml", &text("A")),
        ("b.toml", "name = \"Broken one\"\nkind = \"htp\"\nulr = \"x\"\n"),
        ("c.toml", "\0"),
        ("notes.txt", "no profile"),
        (".hidden.toml", "no profile"),
    ]);
    let names: Vec<_> = book.entries().iter().map(|entry| (entry.name().to_owned(), entry.problems().len())).collect();
    assert_eq!(names, [("A".to_owned(), 0), ("Broken one".to_owned(), 3), ("c".to_owned(), 1)]);
    let problem = book.find("b").unwrap().problems()[0].clone();
    assert_eq!((problem.file.unwrap().file_name().unwrap().to_str(), problem.line), (Some("b.toml"), Some(2)));
}

#[test]
fn a_consumer_is_told_the_newest_state_of_each_once() {
    let (folder, book) = book(&[("a.toml", &text("A")), ("b.toml", "?")]);
    let mut feed = book.subscribe(|| {});
    assert_eq!(told(&feed.drain()), ["added a", "broken b"]);
    for name in ["B1", "B2", "B3"] {
        fs::write(folder.path().join("b.toml"), text(name)).unwrap();
        book.rescan();
    }
    fs::write(folder.path().join("a.toml"), "").unwrap();
    book.rescan();
    let changes = feed.drain();
    assert_eq!(told(&changes), ["broken a", "added b"]);
    assert!(matches!(&changes[1].what, What::Added(profile) if profile.name == "B3"));
    fs::remove_file(folder.path().join("b.toml")).unwrap();
    book.rescan();
    assert_eq!(told(&feed.drain()), ["removed b"]);
    assert_eq!(feed.drain(), []);
}

#[test]
fn a_file_that_comes_back_has_the_id_that_it_had() {
    let (folder, book) = book(&[("a.toml", &text("A"))]);
    let before = id(&book, "a");
    fs::remove_file(folder.path().join("a.toml")).unwrap();
    book.rescan();
    assert!(book.get(before).is_none());
    fs::write(folder.path().join("a.toml"), text("A")).unwrap();
    book.rescan();
    assert_eq!(id(&book, "a"), before);
}

#[test]
fn an_outside_edit_is_taken_up_within_a_second() {
    let (folder, book) = book(&[("a.toml", &text("A"))]);
    book.watch();
    let mut feed = book.subscribe(|| {});
    feed.drain();
    // As editors do it: in place, by rename, as a new file, by removal.
    let path = folder.path().join("a.toml");
    let beside = folder.path().join("a.toml.new");
    let steps: [(&str, &dyn Fn()); 4] = [
        ("changed a", &|| fs::write(&path, text("A1")).unwrap()),
        ("changed a", &|| {
            fs::write(&beside, text("A2")).unwrap();
            fs::rename(&beside, &path).unwrap();
        }),
        ("added b", &|| fs::write(folder.path().join("b.toml"), text("B")).unwrap()),
        ("removed a", &|| fs::remove_file(&path).unwrap()),
    ];
    for (expected, step) in steps {
        let started = Clock.mono();
        step();
        assert_eq!(told(&feed.wait(LONG)), [expected]);
        let took = Clock.mono() - started;
        assert!(took < Duration::from_secs(1), "{expected} after {took:?}");
    }
}

#[test]
fn an_editor_that_moves_the_file_away_and_writes_it_anew_is_one_change() {
    let (folder, book) = book(&[("a.toml", &text("A"))]);
    book.watch();
    let mut feed = book.subscribe(|| {});
    feed.drain();
    let path = folder.path().join("a.toml");
    fs::rename(&path, folder.path().join("a.toml~")).unwrap();
    fs::write(&path, text("A1")).unwrap();
    assert_eq!(told(&feed.wait(LONG)), ["changed a"]);
}

#[test]
fn a_folder_that_is_made_later_is_watched_then() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("profiles");
    let book = Book::open(&inner, Interner::default());
    fs::remove_dir(&inner).unwrap();
    book.rescan();
    assert!(book.folder_problem().unwrap().message.contains("can't be read"));
    book.watch();
    let mut feed = book.subscribe(|| {});
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("a.toml"), text("A")).unwrap();
    assert_eq!(told(&feed.wait(LONG)), ["added a"]);
    assert_eq!(book.folder_problem(), None);
}

#[test]
fn a_profile_is_added_under_a_free_name_made_of_its_own() {
    let (folder, book) = book(&[("sales-chat.toml", "?")]);
    for name in ["Sales chat", "Büro / Nürnberg!", "CON", "…"] {
        book.add(&profile(name)).unwrap();
    }
    assert_eq!(
        files(folder.path()),
        ["büro-nürnberg.toml", "con-profile.toml", "profile.toml", "sales-chat-2.toml", "sales-chat.toml"]
    );
    assert!(matches!(book.add(&profile("")), Err(BookError::Mistakes(_))));
}

#[test]
fn a_change_is_in_the_file_at_once_with_its_comments() {
    let (folder, book) = book(&[("a.toml", &text("A"))]);
    let entry = book.find("a").unwrap();
    let mut changed = (**entry.profile().unwrap()).clone();
    changed.interval = Duration::from_secs(5);
    book.save(entry.id, entry.version, &changed).unwrap();
    let now = fs::read_to_string(folder.path().join("a.toml")).unwrap();
    assert_eq!(now, format!("{}interval = \"5s\"\n", text("A")));
    assert_eq!(book.get(entry.id).unwrap().profile().unwrap().interval, Duration::from_secs(5));
}

#[test]
fn an_outside_edit_made_meanwhile_is_not_overwritten() {
    let (folder, book) = book(&[("a.toml", &text("A"))]);
    let entry = book.find("a").unwrap();
    let path = folder.path().join("a.toml");
    fs::write(&path, text("Theirs")).unwrap();
    let saved = book.save(entry.id, entry.version, &profile("Mine"));
    assert!(matches!(saved, Err(BookError::Conflict(_))), "{saved:?}");
    assert!(matches!(book.save_text(entry.id, entry.version, "x"), Err(BookError::Conflict(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), text("Theirs"));
    // And it has been taken up already.
    assert_eq!(book.get(entry.id).unwrap().name(), "Theirs");
    // A change of one value goes into what is there now.
    book.set_enabled(&[entry.id], false).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}enabled = false\n", text("Theirs")));
}

#[test]
fn everything_that_was_done_can_be_undone_in_turn() {
    let (folder, book) = book(&[("a.toml", &text("A")), ("b.toml", &text("B"))]);
    let both = [id(&book, "a"), id(&book, "b")];
    let snapshot = || -> Vec<_> {
        files(folder.path())
            .iter()
            .map(|name| (name.clone(), fs::read_to_string(folder.path().join(name)).unwrap()))
            .collect()
    };
    type Operation<'a> = &'a dyn Fn() -> Result<(), BookError>;
    let operations: [(&str, Operation<'_>); 8] = [
        ("rename \"A\"", &|| book.rename(both[0], "A2")),
        ("disable 2 profiles", &|| book.set_enabled(&both, false)),
        ("regroup 2 profiles", &|| book.set_group(&both, &["x".into(), "y".into()])),
        ("tag 2 profiles", &|| book.set_tags(&both, &["t".into()])),
        ("duplicate \"A2\"", &|| book.duplicate(both[0]).map(|_| ())),
        ("add \"C\"", &|| book.add(&profile("C")).map(|_| ())),
        ("add the samples", &|| book.add_samples().map(|_| ())),
        ("remove 2 profiles", &|| book.remove(&both)),
    ];
    let mut states = Vec::new();
    for (_, operation) in &operations {
        states.push(snapshot());
        operation().unwrap();
    }
    for ((label, _), before) in operations.iter().zip(states).rev() {
        assert_eq!(book.undo_label().as_deref(), Some(*label));
        assert_eq!(book.undo().unwrap().as_deref(), Some(*label));
        assert_eq!(snapshot(), before, "{label}");
    }
    assert_eq!(book.undo().unwrap(), None);
    assert_eq!(book.entries().iter().map(|entry| entry.name().to_owned()).collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn undoing_does_not_overwrite_what_came_after() {
    let (folder, book) = book(&[("a.toml", &text("A"))]);
    book.rename(id(&book, "a"), "A2").unwrap();
    fs::write(folder.path().join("a.toml"), text("Theirs")).unwrap();
    assert!(matches!(book.undo(), Err(BookError::Conflict(_))));
    assert_eq!(fs::read_to_string(folder.path().join("a.toml")).unwrap(), text("Theirs"));
    assert_eq!(book.undo().unwrap(), None);
}

#[test]
fn a_copy_has_a_name_and_a_file_of_its_own_and_does_not_run() {
    let (_folder, book) = book(&[("a.toml", &text("A"))]);
    let first = book.duplicate(id(&book, "a")).unwrap();
    let second = book.duplicate(id(&book, "a")).unwrap();
    let entries = [first, second].map(|id| book.get(id).unwrap());
    assert_eq!(entries.each_ref().map(|entry| entry.name().to_owned()), ["A (copy)", "A (copy 2)"]);
    assert!(entries.iter().all(|entry| !entry.profile().unwrap().enabled));
    assert!(book.text(first).unwrap().0.starts_with("# mine\n"));
}

#[test]
fn a_broken_file_can_be_mended_as_text_and_removed() {
    let (folder, book) = book(&[("a.toml", "nonsense")]);
    let id = id(&book, "a");
    assert!(matches!(book.set_enabled(&[id], false), Err(BookError::Mistakes(_))));
    let (_, version) = book.text(id).unwrap();
    book.save_text(id, version, &text("A")).unwrap();
    assert_eq!(book.get(id).unwrap().name(), "A");
    book.undo().unwrap();
    assert!(book.get(id).unwrap().profile().is_none());
    book.remove(&[id]).unwrap();
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn where_one_of_several_can_not_be_changed_none_is() {
    let (folder, book) = book(&[("a.toml", &text("A")), ("b.toml", "nonsense")]);
    let both = [id(&book, "a"), id(&book, "b")];
    assert!(book.set_enabled(&both, false).is_err());
    assert_eq!(fs::read_to_string(folder.path().join("a.toml")).unwrap(), text("A"));
    assert_eq!(book.undo_label(), None);
}

#[test]
fn a_profile_is_found_by_key_by_name_and_nearly() {
    let (_folder, book) =
        book(&[("chat.toml", &text("Sales chat")), ("one.toml", &text("Twin")), ("two.toml", &text("Twin"))]);
    for wanted in ["chat", "chat.toml", "Sales chat", "sales CHAT"] {
        assert_eq!(&*book.find(wanted).unwrap().key, "chat", "{wanted}");
    }
    assert_eq!(
        book.find("Sales caht").unwrap_err(),
        FindError::NotFound { wanted: "Sales caht".into(), nearest: Some("Sales chat".into()) }
    );
    assert_eq!(book.find("Twin").unwrap_err().to_string(), "\"Twin\" is the name of 2 profiles: one, two");
}

#[test]
fn a_consumer_that_is_woken_may_ask_the_book() {
    let (folder, book) = book(&[("a.toml", &text("A"))]);
    let book = Arc::new(book);
    let asking = Arc::downgrade(&book);
    let (tell, heard) = std::sync::mpsc::sync_channel(8);
    let _feed = book.subscribe(move || {
        let count = asking.upgrade().map(|book| book.entries().len());
        let _ = tell.try_send(count);
    });
    assert_eq!(heard.recv(), Ok(Some(1)));
    fs::write(folder.path().join("b.toml"), text("B")).unwrap();
    book.rescan();
    assert_eq!(heard.recv(), Ok(Some(2)));
}

#[cfg(unix)]
#[test]
fn strange_files_are_told_and_wait_for_no_one() {
    use std::os::unix::ffi::OsStrExt;
    let (folder, book) = book(&[("a.toml", &text("A"))]);
    let raw = std::ffi::OsStr::from_bytes(b"b\xff.toml");
    fs::write(folder.path().join(raw), text("B")).unwrap();
    fs::write(folder.path().join("c.toml"), b"\xff\xfe").unwrap();
    fs::create_dir(folder.path().join("d.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("e.toml")).unwrap();
    book.rescan();
    let names: Vec<_> = book.entries().iter().map(|entry| entry.name().to_owned()).collect();
    assert_eq!(names, ["A", "B", "c"]);
}
