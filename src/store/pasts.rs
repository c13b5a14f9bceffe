//! The past of many profiles at once: what the window's first picture waits for.

use super::{PastLimits, Reader, Store, StoreError};
use crate::base::ProfileId;
use crate::model::Past;
use crate::profile::Profile;

/// The most threads that read at once.
const READERS: usize = 4;

/// What the history has of these profiles, read by as many threads as there are cores, each with a [`Reader`] of its own.
/// A profile whose past can't be read is left out: it begins without one, and the history stays as it was.
///
/// # Errors
/// No reader can be opened.
pub fn read_pasts(
    store: &Store,
    profiles: &[(ProfileId, Option<&Profile>)],
) -> Result<Vec<(ProfileId, Past)>, StoreError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, READERS);
    let parts: Vec<_> = profiles.chunks(profiles.len().div_ceil(threads).max(1)).collect();
    let readers = parts.iter().map(|_| store.reader()).collect::<Result<Vec<_>, _>>()?;
    Ok(std::thread::scope(|scope| {
        let reading: Vec<_> =
            readers.into_iter().zip(parts).map(|(reader, part)| scope.spawn(move || read(&reader, part))).collect();
        reading.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    }))
}

fn read(reader: &Reader, part: &[(ProfileId, Option<&Profile>)]) -> Vec<(ProfileId, Past)> {
    let one = |(id, profile): &(ProfileId, Option<&Profile>)| {
        reader.past(*id, *profile, PastLimits::default()).ok().map(|past| (*id, past))
    };
    part.iter().filter_map(one).collect()
}
