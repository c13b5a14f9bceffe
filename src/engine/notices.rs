//! Tells people: a desktop notice, a webhook, a command. A consumer of the bus on a thread of its own; a slow receiver
//! delays other notices, never a probe.

use std::io;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use super::{Bus, Tap, supervise};
use crate::base::{Clock, ProfileId};
use crate::diagnosis::words;
use crate::profile::{Notify, Profile};
use crate::watch::notice::{Ledger, News, Notice};
use crate::watch::{EventBody, ProfileChange};

/// How long one receiver may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often repetitions are looked for.
const TICK: Duration = Duration::from_secs(1);
/// How many events the notices may fall behind.
const BEHIND: usize = 4096;

/// The profile of an id, as it is now.
pub type Lookup = Box<dyn Fn(ProfileId) -> Option<Arc<Profile>> + Send>;

/// Starts the thread; it ends with the bus. Give it `bus.tap` through [`tap`] and the bus to report on.
pub fn start(tap: Tap, bus: Arc<Bus>, lookup: Lookup) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bus = Arc::downgrade(&bus);
    std::thread::Builder::new().name("notices".into()).spawn(move || {
        let mut ledger = Ledger::default();
        let clock = Clock;
        supervise::turns(&bus, "notices", || {
            let Ok(event) = tap.recv_timeout(TICK) else { return false };
            let mut notices = ledger.due(clock.wall());
            if let Some((event, id)) = event.as_ref().and_then(|event| Some((event, event.profile?))) {
                match &event.body {
                    EventBody::Profile { change: ProfileChange::Removed, .. } => ledger.forget(id),
                    body @ (EventBody::IncidentOpened { .. }
                    | EventBody::IncidentClosed { .. }
                    | EventBody::Audited(_)) => {
                        let again = lookup(id).map_or(Duration::ZERO, |profile| profile.alert.again);
                        notices.extend(ledger.on_event(id, body, again, event.at));
                    }
                    _ => {}
                }
            }
            for notice in notices {
                let Some(profile) = lookup(notice.profile) else { continue };
                for way in &profile.alert.notify {
                    let problem = runtime.block_on(send(way, &Message::of(&notice, &profile))).err();
                    let Some(bus) = bus.upgrade() else { return false };
                    let body = EventBody::Notified { way: word(way).into(), problem: problem.map(Into::into) };
                    bus.publish(Some(notice.profile), body);
                }
            }
            true
        });
    })
}

/// A tap of the right size for [`start`].
pub fn tap(bus: &Bus) -> Tap {
    bus.tap("notices", BEHIND)
}

fn word(way: &Notify) -> &'static str {
    match way {
        Notify::Desktop => "desktop",
        Notify::Webhook(_) => "webhook",
        Notify::Command(_) => "command",
    }
}

/// What a webhook gets as JSON and a command on its standard input.
#[derive(Debug, Serialize)]
struct Message {
    /// `failing`, `still_failing`, `recovered`, `policy_opened`.
    news: &'static str,
    profile: String,
    /// RFC 3339, UTC.
    at: String,
    /// The reason's code.
    reason: Option<&'static str>,
    /// A line for people.
    text: String,
}

impl Message {
    fn of(notice: &Notice, profile: &Profile) -> Self {
        let (news, reason, text) = match &notice.news {
            News::Failing { reason, failures } => {
                let why = reason.as_ref().map_or_else(|| "no reason known".to_owned(), words::phrase);
                let times = if *failures == 1 { "once".to_owned() } else { format!("{failures} times in a row") };
                ("failing", reason.as_ref(), format!("{} fails, {times}: {why}", profile.name))
            }
            News::StillFailing { reason, since } => {
                let why = reason.as_ref().map_or_else(|| "no reason known".to_owned(), words::phrase);
                ("still_failing", reason.as_ref(), format!("{} has failed since {since}: {why}", profile.name))
            }
            News::Opened { what } => ("policy_opened", None, format!("{} {}", profile.name, what.join("; "))),
            News::Recovered { after } => {
                let text = format!("{} is well again, after {} s", profile.name, after.as_secs());
                ("recovered", None, text)
            }
        };
        let reason = reason.map(|reason| reason.code.as_str());
        Self { news, profile: profile.name.clone(), at: notice.at.to_string(), reason, text }
    }
}

/// Sends by one way; the problem is told without the receiver's address, which may hold a token.
async fn send(way: &Notify, message: &Message) -> Result<(), String> {
    match way {
        Notify::Desktop => {
            let (title, text) = (message.profile.clone(), message.text.clone());
            let shown = tokio::task::spawn_blocking(move || {
                notify_rust::Notification::new().appname("wirewatch").summary(&title).body(&text).show().map(drop)
            });
            match tokio::time::timeout(PATIENCE, shown).await {
                Ok(Ok(Ok(()))) => Ok(()),
                Ok(Ok(Err(_))) => Err("no desktop notification service answers".into()),
                Ok(Err(_)) | Err(_) => Err("the desktop notification service did not answer in time".into()),
            }
        }
        Notify::Webhook(url) => webhook(url.as_str(), message).await,
        Notify::Command(path) => {
            let input = serde_json::to_vec(message).map_err(|error| error.to_string())?;
            let path = path.clone();
            tokio::task::spawn_blocking(move || run(&path, &input)).await.map_err(|error| error.to_string())?
        }
    }
}

async fn webhook(url: &str, message: &Message) -> Result<(), String> {
    // Fails where a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client =
        reqwest::Client::builder().timeout(PATIENCE).build().map_err(|error| error.without_url().to_string())?;
    let answer = client.post(url).json(message).send().await.map_err(|error| error.without_url().to_string())?;
    match answer.error_for_status() {
        Ok(_) => Ok(()),
        Err(error) => Err(error.without_url().to_string()),
    }
}

fn run(path: &std::path::Path, input: &[u8]) -> Result<(), String> {
    use std::io::Write;
    let quiet = || Stdio::null();
    let mut child = Command::new(path)
        .stdin(Stdio::piped())
        .stdout(quiet())
        .stderr(quiet())
        .spawn()
        .map_err(|error| format!("the command can't be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input is none the worse.
        let _ = stdin.write_all(input);
    }
    let waited_from = Clock.mono();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("the command ended with {status}")),
            Ok(None) if PATIENCE < Clock.mono().duration_since(waited_from) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err("the command did not end in time".into());
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Kind;
    use crate::watch::{Code, Reason};
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Answers one request with 200 and hands its text back.
    fn receiver() -> (url::Url, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = url::Url::parse(&format!("http://{}/hook?token=s3cret", listener.local_addr().unwrap())).unwrap();
        let got = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let mut got = Vec::new();
            let mut buffer = [0; 4096];
            while !String::from_utf8_lossy(&got).contains('}') {
                let read = peer.read(&mut buffer).unwrap();
                assert_ne!(read, 0);
                got.extend_from_slice(&buffer[..read]);
            }
            peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            String::from_utf8(got).unwrap()
        });
        (url, got)
    }

    #[test]
    fn an_incident_reaches_the_webhook_and_the_history() {
        let (url, got) = receiver();
        let mut profile = Profile::new("Sales chat", Kind::Http, "http://api.test/".parse().unwrap());
        profile.alert.notify = vec![Notify::Webhook(url)];
        let profile = Arc::new(profile);
        let bus = Arc::new(Bus::new(1, Clock));
        let seen = bus.tap("test", 16);
        let thread = start(tap(&bus), Arc::clone(&bus), Box::new(move |_| Some(Arc::clone(&profile)))).unwrap();
        let reason = Some(Reason::new(Code::Status).with_status(502));
        bus.publish(Some(ProfileId(1)), EventBody::IncidentOpened { reason, failures: 3 });
        let request = got.join().unwrap();
        assert!(request.contains("Sales chat fails, 3 times in a row: answered: 502 Bad Gateway"), "{request}");
        assert_eq!(seen.recv().unwrap().body.kind(), "incident_opened");
        let notified = EventBody::Notified { way: "webhook".into(), problem: None };
        assert_eq!(seen.recv().unwrap().body, notified);
        drop(bus);
        thread.join().unwrap();
    }

    #[test]
    fn a_webhook_that_can_not_be_reached_is_told_without_its_address() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let way = Notify::Webhook(url::Url::parse(&format!("http://{unused}/hook?token=s3cret")).unwrap());
        let message =
            Message { news: "failing", profile: "a".into(), at: String::new(), reason: None, text: "t".into() };
        let problem = runtime.block_on(send(&way, &message)).unwrap_err();
        assert!(!problem.contains("s3cret"), "{problem}");
    }

    #[test]
    fn a_command_that_fails_is_told() {
        assert!(run(std::path::Path::new("/bin/false"), b"{}").unwrap_err().contains("ended with"));
        assert_eq!(run(std::path::Path::new("/bin/true"), b"{}"), Ok(()));
    }
}
