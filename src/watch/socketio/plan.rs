//! What a Socket.IO session does, from its profile: secrets filled in, nothing decided yet.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::profile::model::{JsonSetting, Profile, Transport};
use crate::protocol::engine_io::Revision;

/// One profile's plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In order: the first begins, and is upgraded to the WebSocket where that stands behind it. Never empty.
    pub transports: Box<[Transport]>,
    /// Whether the next of them is tried after one has failed.
    pub fallback: bool,
    /// `None`: found out.
    pub revision: Option<Revision>,
    /// Never empty.
    pub namespaces: Box<[Joined]>,
    /// From the beginning of an attempt to the answer of every namespace; also for an upgrade's probe, an
    /// acknowledgement and an expected event.
    pub timeout: Duration,
    /// Between two attempts to join a namespace that refused.
    pub again: Duration,
    /// Between two WebSocket pings.
    pub ping: Option<Duration>,
}

/// A namespace to join, and what to do there. Texts may hold secrets.
#[derive(Clone, Debug)]
pub struct Joined {
    pub name: Box<str>,
    /// The payload of its CONNECT.
    pub auth: Option<Value>,
    /// Sent once joined: event and arguments.
    pub emit: Box<[(String, Vec<Value>)]>,
    /// Events that have to come.
    pub expect: Box<[Box<str>]>,
}

impl Plan {
    /// From a profile; `fill` gives the value of a secret's name.
    pub fn new(profile: &Profile, mut fill: impl FnMut(&str) -> Arc<str>) -> Self {
        let socketio = &profile.socketio;
        let auth = (!socketio.auth.is_empty()).then(|| object(&socketio.auth, &mut fill));
        let transports: Box<[_]> = match socketio.transports.as_slice() {
            [] => Transport::ALL.into(),
            some => some.into(),
        };
        let mut namespaces: Vec<Joined> = Vec::new();
        let root = ["/".to_owned()];
        let names = if socketio.namespaces.is_empty() { &root[..] } else { &socketio.namespaces };
        for name in names {
            let here = |namespace: &str| with_slash(namespace) == with_slash(name);
            let emits = socketio.emit.iter().filter(|emit| here(&emit.namespace));
            namespaces.push(Joined {
                name: with_slash(name).into(),
                auth: auth.clone(),
                emit: emits
                    .map(|emit| (emit.event.clone(), emit.data.iter().map(|item| value(item, &mut fill)).collect()))
                    .collect(),
                expect: socketio
                    .expect
                    .iter()
                    .filter(|expect| here(&expect.namespace))
                    .map(|expect| expect.event.as_str().into())
                    .collect(),
            });
        }
        Self {
            transports,
            fallback: profile.reconnect.fallback,
            revision: socketio.protocol.map(|number| if number == 3 { Revision::V3 } else { Revision::V4 }),
            namespaces: namespaces.into(),
            timeout: profile.timeout,
            again: profile.interval,
            ping: profile.websocket.ping,
        }
    }
}

fn with_slash(name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("/{name}") }
}

fn value(setting: &JsonSetting, fill: &mut impl FnMut(&str) -> Arc<str>) -> Value {
    match setting {
        JsonSetting::Value(value) => value.clone(),
        JsonSetting::Secret(name) => Value::String(fill(name).to_string()),
        JsonSetting::Object(fields) => object(fields, fill),
        JsonSetting::Array(items) => Value::Array(items.iter().map(|item| value(item, fill)).collect()),
    }
}

fn object(fields: &[(String, JsonSetting)], fill: &mut impl FnMut(&str) -> Arc<str>) -> Value {
    Value::Object(fields.iter().map(|(name, setting)| (name.clone(), value(setting, fill))).collect())
}
