//! What a request's cookies came to on its way, hop by hop.

use url::Url;

use super::super::console::Remark;
use super::super::{Memory, Page};
use super::{Context, Excluded, Jar, Note};
use crate::base::Wall;
use crate::wire::Headers;

/// Collected while a machine runs, for its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    pub excluded: Vec<Excluded>,
    notes: Vec<Note>,
}

impl Trail {
    /// The `Cookie` field of the request to the last URL of `way`, which is the `exchange`th: what the profile gives, then what
    /// the jar holds.
    pub fn send(
        &mut self,
        memory: &mut Memory,
        page: &Page,
        way: &[Url],
        now: Wall,
        exchange: usize,
    ) -> Option<Vec<u8>> {
        let url = way.last()?;
        let given = memory.cookies.for_url(url).map(|given| given.as_bytes().to_vec());
        if memory.jar.is_empty() {
            return given;
        }
        let retrieved = memory.jar.retrieve(&Context::of_request(page, way), url, now, exchange);
        self.add(retrieved.excluded, retrieved.notes);
        match (given, retrieved.field) {
            (Some(mut given), Some(field)) => {
                given.extend_from_slice(b"; ");
                given.extend_from_slice(&field);
                Some(given)
            }
            (given, field) => given.or(field),
        }
    }

    /// Takes up what the answer to it sets.
    pub fn receive(&mut self, jar: &mut Jar, page: &Page, way: &[Url], fields: &Headers, now: Wall, exchange: usize) {
        let Some(url) = way.last() else { return };
        if fields.contains("set-cookie") {
            let received = jar.receive(&Context::of_request(page, way), url, fields, now, exchange);
            self.add(received.excluded, received.notes);
        }
    }

    /// What the console may have to say about what was done since this was last asked.
    pub fn notes(&mut self) -> impl Iterator<Item = Remark> {
        std::mem::take(&mut self.notes).into_iter().map(Remark::Cookie)
    }

    fn add(&mut self, excluded: Vec<Excluded>, notes: Vec<Note>) {
        let room = Excluded::MOST.saturating_sub(self.excluded.len());
        self.excluded.extend(excluded.into_iter().take(room));
        self.notes.extend(notes);
    }
}
