//! What `export` and `plot` share: the history opened for reading, and a profile of it found by name.

use std::process::ExitCode;

use super::{Folders, fail};
use crate::store::{Named, QueryError, Reader};

/// The history, or exit code 2 and why on standard error.
pub fn open(folders: &Folders) -> Result<Reader, ExitCode> {
    let paths = folders.find()?;
    Reader::open(&paths.history()).map_err(|error| fail(&error.to_string(), error.hint()))
}

/// Exit code 2, and why on standard error.
pub fn unreadable(error: QueryError) -> ExitCode {
    fail(&format!("the history can't be read: {error}"), "")
}

/// The profile of that name, or of that file's stem.
///
/// # Errors
/// A message and a hint that names the nearest, or all there are.
pub fn find<'a>(profiles: &'a [Named], wanted: &str) -> Result<&'a Named, (String, String)> {
    let found = profiles
        .iter()
        .find(|named| named.name == wanted)
        .or_else(|| profiles.iter().find(|named| named.key == wanted))
        .or_else(|| profiles.iter().find(|named| named.name.eq_ignore_ascii_case(wanted)));
    found.ok_or_else(|| {
        let distance = |named: &&Named| strsim::damerau_levenshtein(&named.name.to_lowercase(), &wanted.to_lowercase());
        let nearest = profiles.iter().min_by_key(distance).filter(|named| distance(named) <= wanted.len() / 2);
        let hint = match nearest {
            Some(nearest) => format!("did you mean `{}`?", nearest.name),
            None if profiles.is_empty() => "nothing has been recorded yet".to_owned(),
            None => format!(
                "it has {}",
                profiles.iter().take(10).map(|named| format!("`{}`", named.name)).collect::<Vec<_>>().join(", ")
            ),
        };
        (format!("the history has no profile `{wanted}`"), hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ProfileId;
    use crate::profile::Kind;

    #[track_caller]
    fn check(wanted: &str, expected: Result<u32, &str>) {
        let named = |id, key: &str, name: &str| Named {
            id: ProfileId(id),
            key: key.into(),
            name: name.into(),
            kind: Kind::Http,
        };
        let profiles = [named(1, "chat", "Sales chat"), named(2, "carts", "API carts")];
        match (find(&profiles, wanted), expected) {
            (Ok(found), Ok(id)) => assert_eq!(found.id.0, id),
            (Err((_, hint)), Err(expected)) => assert!(hint.contains(expected), "{hint}"),
            (got, _) => panic!("{got:?}"),
        }
    }

    #[test]
    fn a_profile_is_found_by_name_by_key_and_whatever_the_case() {
        check("Sales chat", Ok(1));
        check("carts", Ok(2));
        check("api CARTS", Ok(2));
    }

    #[test]
    fn what_is_not_there_gets_the_nearest_or_all() {
        check("Sale chat", Err("did you mean `Sales chat`?"));
        check("zzzzzzzz", Err("`API carts`"));
    }
}
