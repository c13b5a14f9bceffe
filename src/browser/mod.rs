//! Layer 2: what a browser would do with a request and its answer, as the Fetch, HTML, WebSocket, CSP and Mixed Content
//! specifications number it. Pure: no sockets, no clock, no log.

pub mod kind;

pub use kind::{Browser, Credentials};
