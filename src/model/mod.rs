//! Layer 2: the live picture that the faces draw: series, lanes, rosters. [`Live::apply`] is its only way to change what
//! was seen; time is an argument.
//!
//! Invariants: everything is bounded (see [`Limits`]); a failure is never a number in a latency series; what was not
//! watched is absent, neither up nor down.

pub mod beat;
pub mod columns;
pub mod lane;
pub mod live;
pub mod range;
pub mod reading;
pub mod roster;
pub mod series;
pub mod socketio;
pub mod watched;

pub use beat::{Beat, Beats};
pub use columns::{Column, ColumnCache, Spread};
pub use lane::{Lane, Segment};
pub use live::{Limits, Live, Offline, RecordingProblem};
pub use range::{Answer, Bin, EventPage, Fine, Query, RangeData};
pub use reading::{Reading, is_reconnect, read};
pub use roster::{Counts, Group, Order, Roster};
pub use series::{Sample, SampleKind, Series};
pub use socketio::{Counts as MessageCounts, NamespaceSeen, NamespaceState, Opened, SocketIoSeen};
pub use watched::{HandshakeSeen, Incident, Past, Retry, Watched};
