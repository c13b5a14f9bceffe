//! Somebody's report in the window: how it comes in, what runs, what is kept.

use super::*;
use crate::window::vm::reproduce::tests::refused;

const CHROME: &str = "Access to fetch at 'https://api.test/carts' from origin 'https://app.test' has been blocked by CORS \
                      policy: No 'Access-Control-Allow-Origin' header is present on the requested resource.";
const CURL: &str = "curl https://api.test/me -H 'Origin: https://app.test' -H 'Authorization: Bearer s3cr3t-value-17'";

#[derive(Debug)]
struct File(PathBuf);

impl egui::DroppedFile for File {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

fn until_label(harness: &mut Harness<'static, Option<App>>, label: &str) {
    // It comes from a thread, in the middle of any frame.
    until(label, || {
        harness.step();
        harness.query_by_label_contains(label).is_some()
    });
    harness.run();
}

#[test]
fn a_pasted_line_opens_the_view_and_runs_as_it_says() {
    let (fake, mut harness) = window(sample::live());
    harness.event(egui::Event::Paste(CHROME.into()));
    until_label(&mut harness, "What the console of Chrome says.");
    let mut profile =
        crate::profile::Profile::new("carts", crate::profile::Kind::Http, "https://api.test/carts".parse().unwrap());
    profile.page = Some("https://app.test/".parse().unwrap());
    let profile = Arc::new(profile);
    let checked = Brought::Checked { url: profile.url.to_string(), reports: vec![refused(&profile)], profile };
    fake.brought.lock().unwrap().push(vec![checked]);
    harness.get_by_label("Reproduce").click();
    until_label(&mut harness, "Verdict: Reproduced: the same failure is found from here.");
    let begun = fake.begun.lock().unwrap();
    let [Errand::Examine { profile, .. }] = &begun[..] else { panic!("{begun:?}") };
    assert_eq!((profile.url.path(), profile.page.as_ref().unwrap().as_str()), ("/carts", "https://app.test/"));
}

#[test]
fn escape_closes_the_view_and_b_finds_it_as_it_was() {
    let (_, mut harness) = window(sample::live());
    harness.event(egui::Event::Paste(CHROME.into()));
    until_label(&mut harness, "What the console of Chrome says.");
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label("Reproduce a report").is_none());
    harness.key_press(Key::B);
    harness.run();
    harness.get_by_label("What the console of Chrome says.");
    harness.get_by_label_contains("API carts: ").click();
    harness.run();
    assert!(!app(&harness).reproducing, "a profile that is chosen is what one looks at");
}

#[test]
fn a_key_about_a_profile_does_nothing_while_the_view_stands_in_its_place() {
    let (fake, mut harness) = window(sample::live());
    harness.event(egui::Event::Paste(CHROME.into()));
    until_label(&mut harness, "What the console of Chrome says.");
    let before = app(&harness).selected;
    for key in [Key::R, Key::ArrowDown, Key::P] {
        harness.key_press(key);
        harness.run();
    }
    assert!(fake.sent.lock().unwrap().is_empty() && app(&harness).selected == before);
}

#[test]
fn a_dropped_file_is_read_and_one_that_is_not_there_is_named() {
    let (_, mut harness) = window(sample::live());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.txt");
    std::fs::write(&path, CHROME).unwrap();
    harness.input_mut().dropped_files.push(Arc::new(File(path)));
    until_label(&mut harness, "What the console of Chrome says.");
    harness.get_by_label("report.txt");
    harness.input_mut().dropped_files.push(Arc::new(File(folder.path().join("gone.har"))));
    until_label(&mut harness, "gone.har can’t be read: ");
}

#[test]
fn what_is_pasted_elsewhere_stays_there() {
    let (_, mut harness) = window(sample::live());
    harness.key_press(Key::Slash);
    harness.run();
    harness.event(egui::Event::Paste("carts".into()));
    harness.run();
    assert_eq!(app(&harness).roster.filter.text, "carts");
    assert!(!app(&harness).reproducing);
}

#[test]
fn secrets_go_into_the_keyring_only_where_that_is_asked_for() {
    for keep in [false, true] {
        let (fake, mut harness) = window(sample::live());
        harness.event(egui::Event::Paste(CURL.into()));
        until_label(&mut harness, "Came along, used for the run alone: api.test-token");
        assert!(harness.query_by_label_contains("s3cr3t").is_none() && harness.query_by_value("s3cr3t").is_none());
        let profile = app(&harness).reproduce.run().unwrap().profile;
        let checked = Brought::Checked { url: profile.url.to_string(), reports: vec![refused(&profile)], profile };
        fake.brought.lock().unwrap().push(vec![checked]);
        if keep {
            harness.get_by_label_contains("Keep them in the system’s keyring").click();
            harness.run();
        }
        harness.get_by_label("Reproduce").click();
        until_label(&mut harness, "Save as profile");
        harness.get_by_label("Save as profile").click();
        harness.run();
        until("the edit", || !fake.edits.lock().unwrap().is_empty());
        assert!(matches!(&fake.edits.lock().unwrap()[..], [Edit::Add(profile)] if profile.url.path() == "/me"));
        assert_eq!(fake.kept.lock().unwrap().len(), usize::from(keep));
    }
}
