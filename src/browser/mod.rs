//! Layer 2: what a browser would do with a request and its answer, as the Fetch, HTML, WebSocket and Mixed Content
//! specifications number it. Pure: no sockets, no clock, no log.
//!
//! [`Fetch`] and [`websocket::Handshake`] are machines: each says what to [send](Step::Send) or that it is
//! [done](Step::Done). Functions bear the specifications' names and number their steps. [`dialect`] is the one place
//! where Chrome, Firefox and Safari differ in what they do, [`console`] has their words.

pub mod answer;
pub mod console;
pub mod cookie;
pub mod cors;
pub mod csp;
pub mod dialect;
pub mod eventsource;
pub mod fault;
pub mod fetch;
pub mod form;
pub mod headers;
pub mod http;
pub mod kind;
pub mod local_network;
pub mod method;
pub mod mixed;
pub mod navigation;
pub mod origin;
pub mod page;
pub mod permissions;
pub mod port;
pub mod preflight;
pub mod redirect;
pub mod scheme;
pub mod script;
pub mod sent;
pub mod unknowable;
pub mod websocket;
pub mod xhr;

pub use answer::{Answer, Interface, Outcome, ResponseType};
pub use cors::CorsError;
pub use eventsource::EventSource;
pub use fault::{ApiMisuse, Fault, Invalid, Misuse};
pub use fetch::{Fetch, Step};
pub use form::Document;
pub use kind::{Api, Browser, Credentials, Mode, Redirect};
pub use navigation::Navigation;
pub use page::{Abilities, Cookies, Memory, Page};
pub use script::ScriptRequest;
pub use unknowable::Unknowable;
pub use xhr::Xhr;
