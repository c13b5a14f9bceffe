//! Configured against observed: one real check from each page that the files name, and one from a page that they don't.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::base::{Clock, ProfileId};
use crate::cli::fail;
use crate::engine::against::{self, Tried};
use crate::engine::{Patterns, Secrets, Target};
use crate::profile::{Credentials, Kind, Profile};
use crate::serverconf::{Guard, Origins, Reading};

/// Tries the pages one after another, or exit code 2 and why on standard error.
pub(super) fn run(address: &str, reading: &Reading) -> Result<Vec<Tried>, ExitCode> {
    let url = Url::parse(address).map_err(|error| {
        fail(&format!("--against `{address}` is no URL: {error}"), "write it whole, such as https://api.example.com/")
    })?;
    let kind = kind_of(&url, reading);
    let Some(guard) = against::guard(reading, kind) else {
        return Err(fail(
            &format!("the files say nothing of who may connect there ({})", kind.word()),
            "name the file that does, or another URL: http, ws, or Socket.IO's root",
        ));
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| fail(&format!("no runtime: {error}"), ""))?;
    let tried = runtime.block_on(async {
        tokio::select! {
            tried = all(guard, kind, &url) => Some(tried),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    tried.ok_or(ExitCode::FAILURE)
}

/// Socket.IO's client is given the server's root, or its path.
fn kind_of(url: &Url, reading: &Reading) -> Kind {
    let used = reading.policy.socketio.used;
    match url.scheme() {
        "ws" | "wss" => Kind::WebSocket,
        _ if used && (url.path() == "/" || url.path().starts_with("/socket.io")) => Kind::SocketIo,
        _ => Kind::Http,
    }
}

async fn all(guard: &Guard, kind: Kind, url: &Url) -> Vec<Tried> {
    let mut profile = Profile::new("lint", kind, url.clone());
    // `*` is for requests without credentials.
    if guard.credentials == Some(true) && !matches!(guard.origins, Origins::Any) {
        profile.request.credentials = Credentials::Include;
    }
    let secrets = Arc::new(Secrets::system()).source();
    let target = Arc::new(Target::prepare(ProfileId(0), Arc::new(profile), &secrets, &Patterns::default()));
    let mut tried = Vec::new();
    against::run(&target, guard, Clock, |one| tried.push(one)).await;
    tried
}
