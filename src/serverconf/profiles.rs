//! Profiles that watch what is configured: each address, from each page that the files let in.

use url::Url;

use super::Reading;
use super::nginx::Site;
use super::policy::{From, Guarded, Which};
use crate::browser::origin::serialize;
use crate::profile::{Credentials, Kind, Profile};

/// No one watches more pages of one server by hand.
const MOST: usize = 24;

impl Reading {
    /// A profile for each address and page; none where the files name no address.
    pub fn profiles(&self) -> Vec<Profile> {
        let mut out = Vec::new();
        let socketio = self.policy.socketio.used;
        let own = self.own_address();
        if let Some((url, _)) = &self.addresses.api {
            self.watch(&mut out, "API", Kind::Http, over_http(url), &[Guarded::HttpCors]);
        }
        match (&self.addresses.socket, own, socketio) {
            (Some((url, _)), _, true) | (None, Some(url), true) => {
                self.watch(&mut out, "Socket.IO", Kind::SocketIo, over_http(url), &[Guarded::SocketIo]);
            }
            (Some((url, _)), _, false) => {
                let url = over_ws(url);
                self.watch(&mut out, "socket", Kind::WebSocket, url, &[Guarded::Channels, Guarded::HttpCors]);
            }
            (None, _, _) => {}
        }
        for site in &self.sites {
            self.site(&mut out, site);
        }
        let mut seen = Vec::new();
        out.retain(|profile| {
            let key = (profile.url.clone(), profile.page.clone());
            let new = !seen.contains(&key);
            seen.push(key);
            new
        });
        out.truncate(MOST);
        out
    }

    /// The sockets of a proxy's server.
    fn site(&self, out: &mut Vec<Profile>, site: &Site) {
        let port = site.port.map(|port| format!(":{port}")).unwrap_or_default();
        for (path, socketio) in &site.sockets {
            let (kind, scheme, path) = match (socketio, site.tls) {
                (true, tls) => (Kind::SocketIo, if tls { "https" } else { "http" }, ""),
                (false, tls) => (Kind::WebSocket, if tls { "wss" } else { "ws" }, path.as_str()),
            };
            let Ok(url) = Url::parse(&format!("{scheme}://{}{port}{path}", site.host)) else { continue };
            let things = if *socketio { &[Guarded::SocketIo][..] } else { &[Guarded::Channels, Guarded::HttpCors] };
            self.watch(out, if *socketio { "Socket.IO" } else { "socket" }, kind, url, things);
        }
    }

    /// Where Flask listens, or where the API is.
    fn own_address(&self) -> Option<&Url> {
        self.addresses.own.as_ref().or(self.addresses.api.as_ref().map(|(url, _)| url))
    }

    fn watch(&self, out: &mut Vec<Profile>, what: &str, kind: Kind, url: Url, things: &[Guarded]) {
        let guard = things.iter().find_map(|thing| self.policy.guards.iter().find(|guard| guard.thing == *thing));
        let mut pages: Vec<Option<Url>> = Vec::new();
        for allowed in guard.iter().flat_map(|guard| guard.origins.listed()) {
            // The server's own page under its other name is no page of its own to watch.
            if let (Which::Origin(origin), From::Written) = (&allowed.what, allowed.from)
                && let Ok(page) = Url::parse(origin)
                && page.has_host()
            {
                pages.push(Some(page));
            }
        }
        pages.truncate(MOST);
        if pages.is_empty() {
            pages.push(None);
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        for page in pages {
            let name = match &page {
                Some(page) => {
                    format!("{host} {what}, from {}", serialize(page).split("://").last().unwrap_or_default())
                }
                None => format!("{host} {what}"),
            };
            let mut profile = Profile::new(name, kind, url.clone());
            profile.page = page;
            if guard.and_then(|guard| guard.credentials) == Some(true) {
                profile.request.credentials = Credentials::Include;
            }
            if kind == Kind::SocketIo {
                let used = &self.policy.socketio;
                if let Some(transports) = used.transports.clone().filter(|list| !list.is_empty()) {
                    profile.socketio.transports = transports;
                }
                profile.stack = Some("flask-socketio".into());
            }
            out.push(profile);
        }
    }
}

fn over_http(url: &Url) -> Url {
    with_scheme(url, &[("ws://", "http://"), ("wss://", "https://")])
}

fn over_ws(url: &Url) -> Url {
    with_scheme(url, &[("http://", "ws://"), ("https://", "wss://")])
}

fn with_scheme(url: &Url, schemes: &[(&str, &str)]) -> Url {
    let changed = schemes.iter().find_map(|(is, should)| {
        let rest = url.as_str().strip_prefix(is)?;
        Url::parse(&format!("{should}{rest}")).ok()
    });
    changed.unwrap_or_else(|| url.clone())
}
