//! What a Socket.IO session does, by its profile. Invariants: nothing of the profile is copied but what is looked for by every
//! packet; what may hold a secret is put together when it goes out, and has no `Debug` before.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::base::Secret;
use crate::profile::model::{JsonSetting, Profile, SocketIo, Transport};
use crate::protocol::engine_io::Revision;

/// One profile's plan.
#[derive(Clone, Debug)]
pub struct Plan {
    profile: Arc<Profile>,
    secrets: Box<[(String, Secret)]>,
    /// Never empty.
    pub namespaces: Box<[Joined]>,
}

/// A namespace to join.
#[derive(Clone, Debug)]
pub struct Joined {
    pub name: Box<str>,
    /// Events that have to come.
    pub expect: Box<[Box<str>]>,
}

impl Plan {
    /// From a profile and the secrets that it names.
    pub fn new(profile: &Arc<Profile>, secrets: impl IntoIterator<Item = (String, Secret)>) -> Self {
        let SocketIo { namespaces, expect, .. } = &profile.socketio;
        let root = ["/".to_owned()];
        let names = if namespaces.is_empty() { &root[..] } else { namespaces };
        let joined = |name: &String| Joined {
            name: with_slash(name).into(),
            expect: expect
                .iter()
                .filter(|expect| with_slash(&expect.namespace) == with_slash(name))
                .map(|expect| expect.event.as_str().into())
                .collect(),
        };
        Self {
            namespaces: names.iter().map(joined).collect(),
            secrets: secrets.into_iter().collect(),
            profile: Arc::clone(profile),
        }
    }

    /// In order: the first begins, and is upgraded to the WebSocket where that stands behind it. Never empty.
    pub fn transports(&self) -> &[Transport] {
        match self.profile.socketio.transports.as_slice() {
            [] => &Transport::ALL,
            some => some,
        }
    }

    /// Whether the next of them is tried after one has failed.
    pub fn fallback(&self) -> bool {
        self.profile.reconnect.fallback
    }

    /// `None`: found out.
    pub fn revision(&self) -> Option<Revision> {
        self.profile.socketio.protocol.map(|number| if number == 3 { Revision::V3 } else { Revision::V4 })
    }

    /// From the beginning of an attempt to the answer of every namespace; also for an upgrade's probe, an acknowledgement and an
    /// expected event.
    pub fn timeout(&self) -> Duration {
        self.profile.timeout
    }

    /// Between two attempts to join a namespace that refused.
    pub fn again(&self) -> Duration {
        self.profile.interval
    }

    /// Between two WebSocket pings.
    pub fn ping(&self) -> Option<Duration> {
        self.profile.websocket.ping
    }

    /// The payload of each CONNECT.
    pub fn auth(&self) -> Option<Map<String, Value>> {
        let auth = &self.profile.socketio.auth;
        (!auth.is_empty()).then(|| self.object(auth))
    }

    /// What is emitted in that namespace once it is joined: events and their arguments.
    pub fn emits(&self, namespace: &str) -> Vec<(String, Vec<Value>)> {
        let emits = self.profile.socketio.emit.iter().filter(|emit| with_slash(&emit.namespace) == namespace);
        emits.map(|emit| (emit.event.clone(), emit.data.iter().map(|item| self.value(item)).collect())).collect()
    }

    fn value(&self, setting: &JsonSetting) -> Value {
        match setting {
            JsonSetting::Value(value) => value.clone(),
            JsonSetting::Secret(name) => {
                let found = self.secrets.iter().find(|(known, _)| known == name);
                // Without it there is no client, so nothing is ever sent with this in its place.
                Value::from(found.map_or("", |(_, secret)| secret.expose()))
            }
            JsonSetting::Object(fields) => Value::Object(self.object(fields)),
            JsonSetting::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
        }
    }

    fn object(&self, fields: &[(String, JsonSetting)]) -> Map<String, Value> {
        fields.iter().map(|(name, setting)| (name.clone(), self.value(setting))).collect()
    }
}

fn with_slash(name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("/{name}") }
}
