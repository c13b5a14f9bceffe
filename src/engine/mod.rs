//! Layer 3: the tasks that watch: probe, session, supervision; the bus their events go over and the commands they take.

pub mod audit;
pub mod book;
pub mod bus;
pub mod command;
pub mod errand;
pub mod exchange;
pub mod further;
mod gauges;
mod hub;
pub mod keeping;
mod line;
mod login;
mod machine;
mod mailbox;
pub mod matrix;
pub mod monitor;
pub mod notices;
pub mod page;
pub mod paths;
pub mod probe;
mod redact;
mod run;
pub mod secrets;
mod session;
mod socketio;
mod supervise;
pub mod target;

pub use book::{Book, BookChange, BookError};
pub use bus::{Bus, Tap};
pub use command::Command;
pub use errand::{Brought, Errand, Underway};
pub use monitor::{Monitor, MonitorConfig, Profiles, StartError};
pub use paths::Paths;
pub use run::{Busy, Config, Engine, EngineStatus, PER_HOST};
pub use secrets::Secrets;
pub use target::{Patterns, SecretSource, Target};
