//! Layer 2: watching, without the watching's I/O: evidence, verdict, the session machine, back-off, schedule, incidents,
//! statistics, and the one stream of events.

pub mod audited;
pub mod backoff;
pub mod event;
pub mod idle;
pub mod incident;
pub mod meaning;
pub mod message;
pub mod notice;
pub mod reason;
pub mod rules;
pub mod schedule;
pub mod session;
pub mod severity;
pub mod signin;
pub mod socketio;
pub mod state;
pub mod stats;
pub mod surroundings;
pub mod verdict;

pub use audited::{AuditFinding, Audited, LetIn, PolicyChange, Tried};
pub use event::{CheckReport, Class, CloseFacts, ClosedBy, Event, EventBody, ProfileChange, ScriptClose};
pub use message::{
    Message, MessageKind, NamespaceChange, PongBy, SignInStep, SocketChange, SocketStep, Stuck, TransportStep, Wanted,
};
pub use reason::{Category, Code, Reason};
pub use rules::{Answer, SessionRules};
pub use severity::Severity;
pub use state::{Outcome, State};
pub use verdict::{End, Evidence, Expect, Verdict, judge};
