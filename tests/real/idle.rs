//! The idle time-out of a real nginx is found, and the server behind it has none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use wirewatch::base::{Clock, ProfileId};
use wirewatch::diagnosis::Facts;
use wirewatch::diagnosis::idle::{Advice, advise};
use wirewatch::engine::idle::search;
use wirewatch::engine::{Patterns, SecretSource, Target};
use wirewatch::profile::{Kind, Proxy};
use wirewatch::watch::idle::{Found, How};

use crate::peers::{Nginx, Websockets};
use crate::profile;

/// What is found up to `most`, and what is said of it.
fn found(url: &str, most: Duration) -> (Found, Advice) {
    let mut profile = profile(Kind::WebSocket, url);
    profile.network.proxy = Proxy::Direct;
    let secrets: SecretSource = Arc::new(|_: &[String]| Ok(HashMap::new()));
    let target = Arc::new(Target::prepare(ProfileId(1), Arc::new(profile), &secrets, &Patterns::default()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let searched = runtime.block_on(search(&target, most, Clock, |_, _| {}));
    let handshake = searched.handshake.as_deref();
    assert!(handshake.is_some_and(|handshake| handshake.status() == Some(101)), "{searched:?}");
    let facts = Facts::of_session(&target.profile, None, handshake, None, Default::default());
    let advice = advise(&searched.found, &facts);
    (searched.found, advice)
}

#[test]
#[ignore = "needs nginx and Python: .ci/run installs them and runs cargo test --test real -- --ignored"]
fn the_time_out_of_a_proxy_is_found_and_the_ping_that_keeps_a_connection() {
    let server = Websockets::start(0);
    let nginx = Nginx::before(server.port);
    let (cut, advice) = found(&nginx.ws("/quiet/quiet"), Duration::from_secs(20));
    let Found::Cut { kept, cut, how: How::End, pinged: Some((every, true)) } = cut else { panic!("{cut:?}") };
    assert!(kept == cut && (1.9..2.5).contains(&cut.as_secs_f64()), "{cut:?}");
    assert!(every < Duration::from_millis(1_300) && advice.heartbeat == Some(every));
    assert!(
        advice.fixes.iter().any(|fix| fix.snippet.as_deref().is_some_and(|text| text.contains("proxy_read_timeout")))
    );
    assert_eq!(found(&server.ws("/quiet"), Duration::from_secs(4)).0, Found::NotWithin(Duration::from_secs(4)));
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn a_server_that_closes_by_itself_is_told_from_a_proxy() {
    let server = Websockets::start(0);
    let (closed, advice) = found(&server.ws("/bye?code=4008&after=2"), Duration::from_secs(20));
    // It goes by the connection's age: pings don't help.
    assert!(matches!(closed, Found::Cut { how: How::Close(Some(4008)), pinged: Some((_, false)), .. }), "{closed:?}");
    assert!(advice.fixes.is_empty() && advice.summary.contains("server itself closes"), "{}", advice.summary);
}
