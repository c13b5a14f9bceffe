//! Holds the source to the map in `src/lib.rs`: which room may import which, and where the clock, the colours, the sockets
//! and unbounded channels may stand.

#![allow(clippy::unwrap_used, reason = "a test that cannot read the source has to fail")]

use std::path::{Path, PathBuf};

/// Each room with the rooms that it may import, itself apart. Layers import from those above; within a layer the arrows
/// are these and no others, and none of them closes a ring.
const ROOMS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("wire", &["base"]),
    ("browser", &["base", "wire"]),
    ("protocol", &["base", "wire"]),
    ("profile", &["base", "wire", "browser"]),
    ("serverconf", &["base", "wire", "browser", "profile"]),
    ("watch", &["base", "wire", "browser", "protocol", "profile"]),
    ("diagnosis", &["base", "wire", "browser", "protocol", "profile", "serverconf", "watch"]),
    ("model", &["base", "wire", "browser", "protocol", "profile", "watch", "diagnosis"]),
    ("net", &["base", "wire", "browser", "profile"]),
    ("store", &["base", "wire", "browser", "protocol", "profile", "watch", "diagnosis", "model"]),
    ("lab", &["base", "wire", "browser", "protocol", "profile", "watch"]),
    ("export", &["base", "wire", "browser", "protocol", "profile", "watch", "diagnosis", "model", "store"]),
    (
        "engine",
        &[
            "base",
            "wire",
            "browser",
            "protocol",
            "profile",
            "serverconf",
            "watch",
            "diagnosis",
            "model",
            "net",
            "store",
        ],
    ),
    (
        "cli",
        &[
            "base",
            "wire",
            "browser",
            "protocol",
            "profile",
            "serverconf",
            "watch",
            "diagnosis",
            "model",
            "net",
            "store",
            "lab",
            "export",
            "engine",
            "window",
        ],
    ),
    (
        "window",
        &[
            "base",
            "wire",
            "browser",
            "protocol",
            "profile",
            "serverconf",
            "watch",
            "diagnosis",
            "model",
            "net",
            "store",
            "lab",
            "export",
            "engine",
        ],
    ),
];

/// Every file of the source with its room and its text, tests and comments taken off.
fn sources() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let inside = path.strip_prefix(&root).unwrap();
                let room = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
                found.push((inside.to_owned(), room, text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 20, "the source was not found");
    found
}

/// A file of tests beside the file they test.
fn holds_tests(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem == "tests" || stem.ends_with("_tests") || path.components().any(|part| part.as_os_str() == "tests")
}

/// The lines of production code: nothing after the tests' module begins, no comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
}

/// Fails with every line that `offends` picks, by file and number.
#[track_caller]
fn check(rule: &str, offends: impl Fn(&Path, &str, &str) -> bool) {
    let mut offences = Vec::new();
    for (path, room, text) in sources().into_iter().filter(|(path, ..)| !holds_tests(path)) {
        for (number, line) in code_lines(&text) {
            if offends(&path, &room, line) {
                offences.push(format!("src/{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(offences.is_empty(), "{rule}\n{}", offences.join("\n"));
}

/// The rooms named by `crate::room` in a line, also in `crate::{a::…, b::…}`.
fn named_rooms(line: &str) -> Vec<&'static str> {
    let mut named = Vec::new();
    for (_, rest) in line.match_indices("crate::").map(|(at, found)| line.split_at(at + found.len())) {
        let grouped = rest.starts_with('{');
        for (room, _) in ROOMS {
            let at_front = rest
                .strip_prefix(room)
                .is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
            let in_group =
                grouped && rest[1..].split([',', '{', '}']).any(|item| item.trim().split("::").next() == Some(room));
            if at_front || in_group {
                named.push(*room);
            }
        }
    }
    named
}

#[test]
fn rooms_import_only_from_the_layers_above() {
    check("an arrow points the wrong way", |_, room, line| {
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else { return false };
        named_rooms(line).into_iter().any(|named| named != room && !allowed.contains(&named))
    });
}

#[test]
fn the_arrows_close_no_ring() {
    for (index, (room, allowed)) in ROOMS.iter().enumerate() {
        for named in *allowed {
            let at = ROOMS.iter().position(|(name, _)| name == named).unwrap();
            assert!(at < index || (*room, *named) == ("cli", "window"), "{room} imports {named}, which comes after it");
        }
    }
}

#[test]
fn only_the_clock_asks_for_the_time() {
    check("`now()` outside base/clock.rs", |path, _, line| {
        path != Path::new("base/clock.rs")
            && ["Instant::now()", "SystemTime::now()", "Timestamp::now()", "Zoned::now()"]
                .iter()
                .any(|call| line.contains(call))
    });
}

#[test]
fn colours_are_tokens_of_the_theme() {
    check("a colour outside window/theme.rs", |path, room, line| {
        room == "window"
            && path != Path::new("window/theme.rs")
            && (line.contains("Color32::from_") || line.contains("Rgba::from_"))
    });
}

#[test]
fn every_channel_is_bounded() {
    check("an unbounded channel", |_, _, line| {
        line.contains("unbounded_channel") || line.contains("mpsc::channel()") || line.contains("unbounded()")
    });
}

#[test]
fn only_the_network_room_dials_and_only_the_lab_listens() {
    check("a socket outside net and lab", |_, room, line| {
        !["net", "lab"].contains(&room)
            && ["TcpStream::connect", "TcpListener::bind", "TcpSocket::new", "UdpSocket::bind"]
                .iter()
                .any(|call| line.contains(call))
    });
}

#[test]
fn only_the_store_opens_the_database() {
    check("rusqlite outside store", |_, room, line| room != "store" && line.contains("rusqlite"));
}

#[test]
fn the_pure_rooms_know_no_runtime() {
    check("tokio or I/O in a pure room", |_, room, line| {
        ["wire", "browser", "protocol", "profile", "serverconf", "watch", "diagnosis", "model"].contains(&room)
            && ["tokio::", "std::net::Tcp", "std::fs::", "std::env::", "log::", "tracing::"]
                .iter()
                .any(|call| line.contains(call))
    });
}

#[test]
fn every_file_says_what_it_is_for() {
    for (path, _, text) in sources() {
        assert!(text.starts_with("//!"), "src/{} does not open with `//!`", path.display());
    }
}

#[test]
fn the_import_reader_reads_groups_too() {
    assert_eq!(named_rooms("use crate::base::Clock;"), ["base"]);
    assert_eq!(named_rooms("use crate::{base::Clock, net};"), ["base", "net"]);
    assert_eq!(named_rooms("use crate::network::x;"), Vec::<&str>::new());
}
