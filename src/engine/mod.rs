//! Layer 3: the tasks that watch: probe, session, supervision; the bus their events go over and the commands they take.

pub mod bus;
pub mod command;
pub mod notices;
pub mod paths;

pub use bus::{Bus, Tap};
pub use command::Command;
pub use paths::Paths;
