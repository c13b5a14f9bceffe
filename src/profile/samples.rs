//! The samples that ship with the program: the files of `profiles/`, one for each kind and for each usual stack.

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The file's name without `.toml`.
    pub stem: &'static str,
    pub text: &'static str,
}

const SAMPLES: &[Sample] = &[
    Sample { stem: "http", text: include_str!("../../profiles/http.toml") },
    Sample { stem: "websocket", text: include_str!("../../profiles/websocket.toml") },
    Sample { stem: "socketio", text: include_str!("../../profiles/socketio.toml") },
    Sample { stem: "socketio-user", text: include_str!("../../profiles/socketio-user.toml") },
    Sample { stem: "socketio-admin", text: include_str!("../../profiles/socketio-admin.toml") },
    Sample { stem: "flask-socketio", text: include_str!("../../profiles/flask-socketio.toml") },
    Sample { stem: "fastapi", text: include_str!("../../profiles/fastapi.toml") },
    Sample { stem: "django-channels-nginx", text: include_str!("../../profiles/django-channels-nginx.toml") },
];

/// All samples, the simplest first.
pub fn samples() -> &'static [Sample] {
    SAMPLES
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::profile::{Kind, parse, update, write};

    #[test]
    fn every_sample_is_read_without_a_problem_and_comes_back_whole() {
        for Sample { stem, text } in samples() {
            let (profile, warnings) = parse(text, None).unwrap_or_else(|problems| panic!("{stem}: {problems:#?}"));
            assert!(warnings.is_empty(), "{stem}: {warnings:#?}");
            assert_eq!(parse(&write(&profile), None).unwrap().0, profile, "{stem}");
            let mut changed = profile.clone();
            changed.interval = Duration::from_secs(77);
            changed.name.push('!');
            let updated = update(text, &changed).unwrap();
            let comments = |text: &str| text.matches('#').count();
            assert_eq!(comments(&updated), comments(text), "{stem}");
        }
    }

    #[test]
    fn there_is_a_sample_for_each_kind_and_each_stack() {
        let profiles: Vec<_> = samples().iter().map(|sample| parse(sample.text, None).unwrap().0).collect();
        for kind in Kind::ALL {
            assert!(profiles.iter().any(|profile| profile.kind == kind), "{kind:?}");
        }
        let stacks: HashSet<_> = profiles.iter().filter_map(|profile| profile.stack.as_deref()).collect();
        for stack in ["flask-socketio", "fastapi", "django-channels", "node-socketio"] {
            assert!(stacks.contains(stack), "{stack}");
        }
    }

    #[test]
    fn every_file_of_the_folder_is_a_sample() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let mut stems: Vec<_> = samples().iter().map(|sample| format!("{}.toml", sample.stem)).collect();
        stems.sort();
        assert_eq!(names, stems);
    }
}
