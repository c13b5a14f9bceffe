//! wirewatch watches HTTP, WebSocket and Socket.IO endpoints the way a page in a browser sees them, holds sessions open
//! for days, and says why one fails and what to change.
//!
//! # The rooms
//!
//! Each layer imports only from those above it; `tests/tidy.rs` holds the crate to this table.
//!
//! | layer | room | holds | never |
//! |---|---|---|---|
//! | 0 | [`base`] | typed ids, the clock, bounded rings, secrets, collected problems | imports another room |
//! | 1 | [`wire`] | requests, answers with raw ordered headers, phase timings, network errors | |
//! | 2 | [`browser`] | what a browser would do, as the specifications number it | sockets, tokio, the clock, logging |
//! | 2 | [`protocol`] | Engine.IO and Socket.IO packets | same |
//! | 2 | [`profile`] | what to watch: the TOML, its checking, its writing | same |
//! | 2 | [`serverconf`] | `.env`, nginx and Apache configuration → who is let in, findings | same |
//! | 2 | [`watch`] | evidence, verdict, the session machine, back-off, schedule, incidents, events | same |
//! | 2 | [`diagnosis`] | evidence → cause, and what to change | same |
//! | 2 | [`model`] | the live picture: series, lanes, rosters | same |
//! | 3 | [`net`] | DNS, TCP, proxy, TLS, HTTP, WebSocket, with the time of each phase | policy |
//! | 3 | [`store`] | history: schema, the writer thread, read-only queries | being asked while drawing |
//! | 3 | [`engine`] | tasks: probe, session, supervision, bus, commands | blocking a probe on a consumer |
//! | 3 | [`export`] | JSONL, CSV, figures; each with its own serialisable types | |
//! | 3 | [`lab`] | real servers on loopback that misbehave to order | |
//! | 4 | [`cli`], [`window`] | the faces; they don't know each other | deciding anything |
//!
//! # Invariants
//!
//! 1. Layer 2 can't fail by I/O and reads no clock: time is an argument.
//! 2. Only [`net`] opens sockets (the lab, being the other side, listens); only [`store`] opens the database, and only its
//!    writer thread writes it.
//! 3. A reason is a code, never a text; words are made at the face.
//! 4. Absent is `None`: a phase that didn't happen is not 0 ms, and `Unknown` is neither up nor down.
//! 5. A probe never waits for a consumer. Channels are bounded; what was lost is counted, shown and recorded.
//! 6. The window performs nothing while drawing, and repaints when something changed, never continuously.
//! 7. No secret has a `Debug`, a log line, a row, an export or a crash report that shows it.
//! 8. Nothing acknowledged is lost: an event is acknowledged when its transaction is on disk.
//! 9. Scheduled time and started time are kept apart: the monitor's own lateness is measured and shown.
//! 10. What comes from outside is bounded in size, depth and time before it is parsed.

pub mod base;
pub mod browser;
pub mod cli;
pub mod diagnosis;
pub mod engine;
pub mod export;
pub mod lab;
pub mod model;
pub mod net;
pub mod profile;
pub mod protocol;
pub mod serverconf;
pub mod store;
pub mod watch;
pub mod window;
pub mod wire;
