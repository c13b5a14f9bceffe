//! Another kind of endpoint than the source let guess, at the same address.

use super::Draft;
use super::request::take_socketio;
use crate::profile::model::Kind;

impl Draft {
    /// Makes it that kind: the scheme goes along, and Socket.IO's path goes where profiles have it.
    pub fn set_kind(&mut self, kind: Kind) {
        let profile = &mut self.profile;
        if profile.kind == kind {
            return;
        }
        if profile.kind == Kind::SocketIo {
            profile.url.set_path(&profile.socketio.path);
        }
        profile.kind = kind;
        if kind == Kind::SocketIo {
            return take_socketio(profile);
        }
        let scheme = match (kind, profile.url.scheme()) {
            (Kind::WebSocket, "http") => "ws",
            (Kind::WebSocket, "https") => "wss",
            (Kind::Http, "ws") => "http",
            (Kind::Http, "wss") => "https",
            _ => return,
        };
        // All four are special schemes, between which an address may change.
        let _ = profile.url.set_scheme(scheme);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::intake::{Form, read};

    #[track_caller]
    fn check(url: &str, kind: Kind, expected: &str) {
        let mut draft = read(url, Some(Form::Url)).drafts.remove(0);
        draft.set_kind(kind);
        let profile = &draft.profile;
        let path = if kind == Kind::SocketIo { profile.socketio.path.as_str() } else { "" };
        assert_eq!(format!("{} {path}", profile.url).trim_end(), expected);
        assert!(crate::profile::check(profile).is_ok());
    }

    #[test]
    fn the_address_follows_the_kind() {
        check("https://a.test/live", Kind::WebSocket, "wss://a.test/live");
        check("ws://a.test/live", Kind::Http, "http://a.test/live");
        check("wss://a.test/realtime/", Kind::SocketIo, "https://a.test/ /realtime/");
        check("https://a.test/socket.io/?EIO=4&transport=polling", Kind::Http, "https://a.test/socket.io/");
        check("https://a.test/socket.io/?EIO=4&transport=polling", Kind::WebSocket, "wss://a.test/socket.io/");
        check("http://a.test/", Kind::SocketIo, "http://a.test/ /socket.io/");
    }
}
