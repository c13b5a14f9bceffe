//! Layer 0: what every room may use and that uses no room: ids, the clock, bounded rings, secrets, tokens, problems,
//! sentences with holes.

pub mod clock;
pub mod id;
pub mod jwt;
pub mod panic;
pub mod problem;
pub mod ring;
pub mod secret;
pub mod template;

pub use clock::{Clock, Moment, Wall};
pub use id::{Interner, ProfileId};
pub use problem::{Problem, Severity};
pub use ring::Ring;
pub use secret::Secret;
