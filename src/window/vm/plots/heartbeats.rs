//! A Socket.IO server's heartbeats: the gap before each, against the most that it may be.

use std::time::Duration;

use super::columns::{finest, middle, past, recent, split};
use super::{Caches, Source, fine_width, words};
use crate::profile::Kind;

/// Gaps and their limit, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeats {
    /// (Seconds since the epoch, the longest gap of that pixel).
    pub gaps: Vec<[f64; 2]>,
    /// `pingInterval + pingTimeout`: beyond it the client takes the server for dead.
    pub limit: Option<f64>,
    pub longest: f64,
    /// The top of the axis.
    pub top: f64,
    pub sentence: String,
}

impl Heartbeats {
    /// `None`: the profile is of another kind, or none has come on view.
    pub(super) fn build(source: &Source<'_>, column: Duration, caches: &mut Caches) -> Option<Self> {
        let Source { watched, view, .. } = *source;
        if watched.kind() != Kind::SocketIo {
            return None;
        }
        let split = split(source, column);
        let pixel = fine_width(view, source.width, column);
        let columns = past(source, split, finest, |history| &history.heartbeats).chain(recent(
            source,
            split,
            pixel,
            &mut caches.heartbeats,
        ));
        let gaps: Vec<[f64; 2]> = columns
            .filter_map(|(column, width)| Some([middle(&column, width), f64::from(column.spread?.high) / 1e3]))
            .collect();
        if gaps.is_empty() {
            return None;
        }
        let of_memory = watched.socketio.as_ref().and_then(|seen| seen.heartbeat_limit);
        let limit = of_memory.or(source.history.and_then(|history| history.heartbeat_limit));
        let limit = limit.map(|limit| limit.as_secs_f64());
        let longest = gaps.iter().map(|[_, gap]| *gap).fold(0.0, f64::max);
        let top = limit.unwrap_or(0.0).max(longest) * 1.15;
        let mut vm = Self { gaps, limit, longest, top, sentence: String::new() };
        vm.sentence = format!("heartbeats of {}, {}: {}", watched.name, source.range, vm.words());
        Some(vm)
    }

    /// `longest gap 25 s of at most 45 s`
    fn words(&self) -> String {
        let mut words = format!("longest gap {}", seconds(self.longest));
        if let Some(limit) = self.limit {
            words.push_str(&format!(" of at most {}", seconds(limit)));
            let late = self.gaps.iter().filter(|[_, gap]| limit < *gap).count();
            if late != 0 {
                words.push_str(&format!(", {late} beyond it"));
            }
        }
        words
    }

    /// `limit 45 s`
    pub fn limit_words(&self) -> Option<String> {
        self.limit.map(|limit| format!("limit {}", seconds(limit)))
    }

    /// What the pointer reads at `x`, if a heartbeat is within `reach` of it, in seconds.
    pub(super) fn at(&self, x: f64, reach: f64) -> Option<String> {
        let near = self.gaps.iter().filter(|[at, _]| (at - x).abs() <= reach);
        let [_, gap] = near.min_by(|a, b| (a[0] - x).abs().total_cmp(&(b[0] - x).abs()))?;
        let limit = self.limit.map_or(String::new(), |limit| format!(", at most {}", seconds(limit)));
        Some(format!("heartbeat after {}{limit}", seconds(*gap)))
    }
}

fn seconds(secs: f64) -> String {
    words::latency(Duration::try_from_secs_f64(secs).unwrap_or_default())
}
