//! Layer 1: what goes over the wire and comes back, as facts. No policy, no I/O.

pub mod ask;
pub mod breach;
pub mod command;
pub mod error;
pub mod exchange;
pub mod frame;
pub mod headers;
pub mod listener;
pub mod timing;
pub mod tls;

pub use ask::Ask;
pub use breach::Breach;
pub use error::{NetError, Phase};
pub use exchange::{Attempt, Exchange, HttpVersion, Purpose, Quirks, Transfer, WireRequest, WireResponse};
pub use frame::{Direction, Frame, Opcode};
pub use headers::Headers;
pub use listener::Listener;
pub use timing::Phases;
pub use tls::{CertFacts, TlsFacts};
