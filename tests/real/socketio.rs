//! Sessions to real Socket.IO servers: the upgrade, namespaces, events both ways, restarts, refusals, a frozen server.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;
use wirewatch::base::{Clock, ProfileId};
use wirewatch::diagnosis::Facts;
use wirewatch::diagnosis::stickiness::{Stickiness, judge};
use wirewatch::engine::{Command, Patterns, SecretSource, Target, stickiness};
use wirewatch::profile::model::{JsonSetting, Login};
use wirewatch::profile::{Auth, Credentials, Kind, Profile, Setting};
use wirewatch::watch::{
    Code, Event, EventBody, Message, MessageKind, NamespaceChange, SignInStep, State, Stuck, TransportStep, Wanted,
};
use wirewatch::wire::Direction;

use crate::common::Watching;
use crate::peers::Nginx;
use crate::stacks::{Rooms, Stack};
use crate::{SOON, profile};

/// Tries each of these servers, all at once; a failing one's thread has its name.
fn each(stacks: &[Stack], test: fn(Stack)) {
    std::thread::scope(|scope| {
        for stack in stacks {
            let thread = std::thread::Builder::new().name(format!("{stack:?}"));
            thread.spawn_scoped(scope, || test(*stack)).unwrap();
        }
    });
}

/// A profile of a server, for a page of another origin that is in the server's list, with credentials.
fn page(url: &str, stack: Stack) -> Profile {
    let mut profile = profile(Kind::SocketIo, url);
    profile.socketio.protocol = Some(stack.revision());
    profile.request.credentials = Credentials::Include;
    profile
}

fn with_token(mut profile: Profile, token: &str) -> Profile {
    profile.socketio.auth = vec![("token".into(), JsonSetting::Value(token.into()))];
    profile
}

fn emit(watching: &Watching, event: &str, data: Value, ack: bool) {
    let (namespace, event) = ("/".into(), event.into());
    let wanted = Wanted { namespace, event, data: vec![data], ack, volatile: false };
    watching.engine.send(Command::Emit { id: ProfileId(1), emit: Arc::new(wanted) }).unwrap();
}

#[track_caller]
fn until_step(watching: &mut Watching, wanted: &str) -> TransportStep {
    let fits = |event: &Event| matches!(&event.body, EventBody::Transport { step, .. } if step.code() == wanted);
    let event = watching.until(wanted, SOON, fits);
    let EventBody::Transport { step, .. } = &event.body else { unreachable!() };
    step.clone()
}

/// Listens until it is connected and upgraded, whichever comes first.
#[track_caller]
fn until_upgraded(watching: &mut Watching) {
    let (mut connected, mut upgraded) = (false, false);
    watching.until("connection and upgrade", SOON, |event| {
        match &event.body {
            EventBody::State { to, .. } => connected = *to == State::Connected,
            EventBody::Transport { step: TransportStep::Upgraded { .. }, .. } => upgraded = true,
            _ => {}
        }
        connected && upgraded
    });
}

#[track_caller]
fn until_namespace(watching: &mut Watching, name: &str, wanted: &str) -> NamespaceChange {
    let event = watching.until(&format!("{name} {wanted}"), SOON, |event| match &event.body {
        EventBody::Namespace { namespace, change } => &**namespace == name && change.code() == wanted,
        _ => false,
    });
    let EventBody::Namespace { change, .. } = &event.body else { unreachable!() };
    change.clone()
}

#[track_caller]
fn until_message(watching: &mut Watching, kind: MessageKind, name: &str) -> Arc<Message> {
    let event = watching.until(&format!("{} {name}", kind.code()), SOON, |event| match &event.body {
        EventBody::Message(got) => got.direction == Direction::In && got.kind == kind && &*got.event == name,
        _ => false,
    });
    let EventBody::Message(message) = &event.body else { unreachable!() };
    Arc::clone(message)
}

/// The reason with which it comes to that state.
#[track_caller]
fn until_reason(watching: &mut Watching, state: State) -> Option<Code> {
    let event = watching.until_state(state, SOON);
    let EventBody::State { reason, .. } = &event.body else { unreachable!() };
    reason.as_ref().map(|reason| reason.code)
}

#[test]
#[ignore = "needs Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_session_is_upgraded_and_events_go_both_ways() {
    each(&Stack::ALL, |stack| {
        let rooms = Rooms::start(stack, json!({}));
        let mut watching = Watching::start([page(&rooms.url(), stack)]);
        let opened = until_step(&mut watching, "opened");
        let TransportStep::Opened { revision, upgradable, ping_interval, .. } = opened else { unreachable!() };
        assert_eq!((revision, upgradable, ping_interval), (stack.revision(), true, Duration::from_secs(25)));
        until_upgraded(&mut watching);

        emit(&watching, "echo", json!({ "room": "kitchen", "n": 1 }), true);
        let back = until_message(&mut watching, MessageKind::Event, "echo");
        assert_eq!(serde_json::from_str::<Value>(&back.data).unwrap(), json!([{ "room": "kitchen", "n": 1 }]));
        assert_eq!(back.room.as_deref(), Some("kitchen"));
        emit(&watching, "echo", json!(2), true);
        let answer = until_message(&mut watching, MessageKind::Ack, "echo");
        assert!(answer.took.is_some() && answer.id.is_some(), "{answer:?}");
        emit(&watching, "bytes", json!(300), false);
        let bytes = until_message(&mut watching, MessageKind::Event, "bytes");
        assert!(bytes.attachments == 1 && 300 <= bytes.size, "{bytes:?}");
        emit(&watching, "binary", json!({ "$binary": "AAECAwQ=" }), true);
        let bytes = until_message(&mut watching, MessageKind::Event, "binary");
        assert!(bytes.attachments == 1 && 5 <= bytes.size, "{bytes:?}");
        let answer = until_message(&mut watching, MessageKind::Ack, "binary");
        assert_eq!(answer.attachments, 1, "{answer:?}");
        emit(&watching, "shout", json!("hi"), false);
        until_message(&mut watching, MessageKind::Event, "shout");
    });
}

#[test]
#[ignore = "needs Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn an_acknowledgement_that_does_not_come_is_told() {
    each(&[Stack::Asgi, Stack::Node4], |stack| {
        let rooms = Rooms::start(stack, json!({}));
        let mut patient = page(&rooms.url(), stack);
        patient.timeout = Duration::from_secs(1);
        let mut watching = Watching::start([patient]);
        watching.until_state(State::Connected, SOON);
        emit(&watching, "never", json!(1), true);
        watching.until(
            "a missing acknowledgement",
            SOON,
            |event| matches!(&event.body, EventBody::Message(message) if message.kind == MessageKind::AckMissing),
        );
    });
}

#[test]
#[ignore = "needs Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_namespace_is_refused_without_its_token_and_joined_with_it() {
    each(&Stack::ALL, |stack| {
        let rooms = Rooms::start(stack, json!({}));
        let of = |token: &str| {
            let mut profile = with_token(page(&rooms.url(), stack), token);
            profile.socketio.namespaces = vec!["/".into(), "/admin".into()];
            profile
        };
        let mut refused = Watching::start([of("guess")]);
        assert_eq!(until_reason(&mut refused, State::AuthRequired), Some(Code::AuthRequired));
        // The other namespace's events flow all the same.
        emit(&refused, "echo", json!(1), false);
        until_message(&mut refused, MessageKind::Event, "echo");

        let mut welcome = Watching::start([of("letmein")]);
        welcome.until_state(State::Connected, SOON);
        let joined = welcome
            .events
            .iter()
            .filter(|event| matches!(&event.body, EventBody::Namespace { change: NamespaceChange::Joined { .. }, .. }));
        assert_eq!(joined.count(), 2);
    });
}

#[test]
#[ignore = "needs Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_session_outlives_a_restart_of_its_server() {
    each(&Stack::ALL, |stack| {
        let rooms = Rooms::start(stack, json!({}));
        let mut watching = Watching::start([page(&rooms.url(), stack)]);
        until_upgraded(&mut watching);
        let rooms = rooms.restart(|| {
            watching.until_state(State::Reconnecting, SOON);
        });
        until_upgraded(&mut watching);
        emit(&watching, "echo", json!(1), false);
        until_message(&mut watching, MessageKind::Event, "echo");
        drop(rooms);
    });
}

#[test]
#[ignore = "needs Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_frozen_server_is_missed_and_found_again() {
    each(&Stack::ALL, |stack| {
        let rooms = Rooms::start(stack, json!({ "ping_interval": 1, "ping_timeout": 1 }));
        let mut watching = Watching::start([page(&rooms.url(), stack)]);
        until_upgraded(&mut watching);
        watching.until("a heartbeat", SOON, |event| event.body.kind() == "heartbeat");
        rooms.freeze();
        assert_eq!(until_reason(&mut watching, State::Reconnecting), Some(Code::PingTimeout));
        rooms.thaw();
        watching.until_state(State::Connected, SOON);
    });
}

#[test]
#[ignore = "needs Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_page_that_is_not_in_the_list_of_origins_is_told_so() {
    each(&Stack::ALL, |stack| {
        let rooms = Rooms::start(stack, json!({}));
        let mut elsewhere = page(&rooms.url(), stack);
        elsewhere.page = Some(Url::parse("http://evil.localhost/").unwrap());
        Watching::start([elsewhere]).until_state(State::CorsError, SOON);
    });
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn a_server_that_offers_no_upgrade_is_stayed_with_on_polling() {
    let rooms = Rooms::start(Stack::FlaskThreads, json!({ "upgrades": false }));
    let mut watching = Watching::start([page(&rooms.url(), Stack::FlaskThreads)]);
    let TransportStep::Stuck { why, .. } = until_step(&mut watching, "stuck") else { unreachable!() };
    assert_eq!(why, Stuck::NotOffered);
    watching.until_state(State::Connected, SOON);
    emit(&watching, "bytes", json!(300), false);
    assert_eq!(until_message(&mut watching, MessageKind::Event, "bytes").attachments, 1);
}

#[test]
#[ignore = "needs nginx, Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn two_workers_without_stickiness_are_recognised() {
    each(&[Stack::FlaskThreads, Stack::Node4], |stack| {
        let workers = [Rooms::start(stack, json!({})), Rooms::start(stack, json!({}))];
        let nginx = Nginx::before_workers(&[workers[0].port, workers[1].port]);
        let mut polling = page(&nginx.http("/"), stack);
        polling.socketio.transports = vec![wirewatch::profile::Transport::Polling];
        let mut watching = Watching::start([polling]);
        watching.until("sticky_sessions_missing", SOON, |event| {
            matches!(&event.body, EventBody::State { reason: Some(reason), .. } if reason.code == Code::StickySessionsMissing)
        });
    });
}

#[test]
#[ignore = "needs Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_rate_limit_is_waited_for_as_told() {
    each(&[Stack::FlaskThreads, Stack::Node4], |stack| {
        let rooms = Rooms::start(stack, json!({ "handshakes": 1 }));
        let mut first = Watching::start([page(&rooms.url(), stack)]);
        first.until_state(State::Connected, SOON);
        let mut second = Watching::start([page(&rooms.url(), stack)]);
        let limited = second.until("429", SOON, |event| match &event.body {
            EventBody::Retry { wait, .. } => Duration::from_secs(1) < *wait,
            _ => false,
        });
        assert!(limited.profile.is_some());
        second.until_state(State::Connected, SOON);
    });
}

#[test]
#[ignore = "needs Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn a_rate_limit_in_a_refusals_words_is_one() {
    each(&[Stack::Asgi, Stack::Node4], |stack| {
        let rooms = Rooms::start(stack, json!({ "joins": 1 }));
        let mut profile = with_token(page(&rooms.url(), stack), "letmein");
        profile.socketio.namespaces = vec!["/".into(), "/admin".into()];
        let mut watching = Watching::start([profile]);
        let refused = until_namespace(&mut watching, "/admin", "refused");
        let NamespaceChange::Refused { reason, data } = refused else { unreachable!() };
        assert_eq!(reason.code, Code::RateLimited, "{data}");
    });
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn a_login_that_a_restart_has_ended_is_made_again() {
    let rooms = Rooms::start(Stack::FlaskThreads, json!({ "login": true, "origins": "*" }));
    let url = |path: &str| Url::parse(&rooms.url()).unwrap().join(path).unwrap();
    let field = |name: &str, value: &str| (name.to_owned(), Setting::Plain(value.into()));
    let fields = vec![field("username", "ops"), field("password", "wirewatch")];
    let mut profile = page(&rooms.url(), Stack::FlaskThreads);
    // A session's cookie is for pages of the server's own site.
    profile.page = Some(url("/"));
    let mut stranger = Watching::start([profile.clone()]);
    assert_eq!(until_reason(&mut stranger, State::AuthRequired), Some(Code::AuthRequired));

    profile.auth =
        Auth::Login(Login { url: url("/login"), fields, csrf: Some("auto".into()), check: Some(url("/me")) });
    let mut watching = Watching::start([profile]);
    watching.until_state(State::Connected, SOON);
    let _rooms = rooms.restart(|| {
        watching.until_state(State::Reconnecting, SOON);
    });
    watching.until("signing in again", SOON, |event| {
        matches!(&event.body, EventBody::SignIn { step: SignInStep::Submitted, .. })
    });
    watching.until_state(State::Connected, SOON);
}

#[test]
#[ignore = "needs Node: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn the_state_of_a_connection_is_recovered() {
    let rooms = Rooms::start(Stack::Node4, json!({ "recovery": true }));
    let mut watching = Watching::start([page(&rooms.url(), Stack::Node4)]);
    let sid_of = |change| match change {
        NamespaceChange::Joined { sid, recovered, .. } => (sid, recovered),
        other => panic!("{other:?}"),
    };
    let (first, recovered) = sid_of(until_namespace(&mut watching, "/", "joined"));
    assert!(!recovered && first.is_some());
    until_upgraded(&mut watching);
    emit(&watching, "cut", json!(1), false);
    assert_eq!(sid_of(until_namespace(&mut watching, "/", "joined")), (first, true));
}

/// What six sessions through that location of nginx show.
fn stickiness_behind(nginx: &Nginx, location: &str, stack: Stack) -> Stickiness {
    let mut profile = page(&nginx.http("/"), stack);
    profile.socketio.path = format!("{location}socket.io/");
    profile.network.proxy = wirewatch::profile::Proxy::Direct;
    let secrets: SecretSource = Arc::new(|_: &[String]| Ok(std::collections::HashMap::new()));
    let target = Arc::new(Target::prepare(ProfileId(1), Arc::new(profile), &secrets, &Patterns::default()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sessions = runtime.block_on(stickiness::sessions(&target, 6, Clock)).unwrap();
    judge(&Facts::of_session(&target.profile, None, None, None, Default::default()), &sessions)
}

#[test]
#[ignore = "needs nginx, Python and Node: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn sessions_that_wander_between_workers_are_told_from_those_that_stay() {
    each(&[Stack::FlaskThreads, Stack::Node4], |stack| {
        let workers = [Rooms::start(stack, json!({})), Rooms::start(stack, json!({}))];
        let nginx = Nginx::before_workers(&workers.each_ref().map(|worker| worker.port));
        let wander = stickiness_behind(&nginx, "/turns/", stack);
        assert!(wander.opened == 6 && 0 < wander.lost, "{wander:?}");
        assert_eq!(wander.cause.map(|cause| cause.as_str()), Some("sticky-sessions-missing"));
        let seen = wander.workers.unwrap();
        assert_eq!((&*seen.by, seen.answers.len()), ("X-Backend", 2));

        let stay = stickiness_behind(&nginx, "/pinned/", stack);
        assert_eq!((stay.opened, stay.lost, stay.cause, stay.workers), (6, 0, None, None), "{}", stay.summary);
    });
}
