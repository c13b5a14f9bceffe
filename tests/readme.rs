//! What README.md says can be typed and pasted: each command parses, the profile reads without a mistake, the pictures are
//! there. And the one line that a machine without a screen gets.

#![allow(clippy::unwrap_used, reason = "a test that cannot read README.md has to fail")]

use std::path::Path;
use std::process::Command;

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The fenced blocks of that language.
fn blocks(language: &str) -> Vec<String> {
    let text = readme();
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A command line's words: spaces part them, double quotes keep them, `#` and `>` end them.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
            continue;
        }
        for word in part.split_whitespace() {
            if word == "#" || word == ">" {
                return words;
            }
            words.push(word.to_owned());
        }
    }
    words
}

#[test]
fn every_command_of_the_readme_is_one_that_the_program_takes() {
    let mut tried = 0;
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        let words = words(line);
        let args = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["cargo", "run", "--release"] => vec![],
            ["cargo", "run", "--release", "--", ..] => words[4..].to_vec(),
            ["wirewatch", ..] => words[1..].to_vec(),
            ["cargo", "test"] => continue,
            _ => panic!("a command that no test knows: {line}"),
        };
        let parsed = wirewatch::cli::command().try_get_matches_from([vec!["wirewatch".to_owned()], args].concat());
        assert!(parsed.is_ok(), "{line}\n{}", parsed.unwrap_err());
        tried += 1;
    }
    assert!(10 < tried, "the commands were not found");
}

#[test]
fn the_profile_of_the_readme_reads_without_a_mistake() {
    for block in blocks("toml") {
        let read = wirewatch::profile::parse(&block, None);
        assert!(read.as_ref().is_ok_and(|(_, warnings)| warnings.is_empty()), "{read:?}");
    }
}

#[test]
fn the_pictures_are_there() {
    let text = readme();
    let pictures: Vec<&str> =
        text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|to| to.ends_with(".png")).collect();
    assert_eq!(pictures.len(), 2);
    for picture in pictures {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(picture).is_file(), "{picture}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_display_one_line_says_so_and_names_the_way_without_a_window() {
    for args in [&["--demo"][..], &[]] {
        let home = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_wirewatch"))
            .args(args)
            .env_clear()
            .env("HOME", home.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("wirewatch watch") && said.contains("watch --demo"), "{said}");
    }
}
