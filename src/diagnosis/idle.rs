//! What an idle time-out that was found means: who cuts, and what keeps a connection.

use std::time::Duration;

use super::fixes::{self, Fix};
use super::{CauseId, Facts};
use crate::watch::Reason;
use crate::watch::idle::{Found, How, Went};

/// Time-outs that products come with, in seconds.
const KNOWN: &[(u64, &str)] = &[
    (30, "Google Cloud's load balancers"),
    (50, "HAProxy as Debian sets it up (timeout client)"),
    (55, "Heroku's router"),
    (60, "nginx (proxy_read_timeout), Apache (ProxyTimeout) and AWS's application load balancer"),
    (100, "Cloudflare"),
    (240, "Azure's load balancer"),
    (300, "Apache as Debian sets it up (Timeout)"),
    (350, "AWS's network load balancer"),
    (3600, "HAProxy's timeout tunnel as it is often set"),
];

/// What it comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// Sentences.
    pub summary: String,
    /// Send something at least this often; `None`: nothing needs it, or nothing helps.
    pub heartbeat: Option<Duration>,
    pub fixes: Vec<Fix>,
}

/// What was found, in words; `facts` are of the profile and a handshake.
pub fn advise(found: &Found, facts: &Facts<'_>) -> Advice {
    let host = facts.host();
    let none = |summary: String| Advice { summary, heartbeat: None, fixes: Vec::new() };
    match found {
        Found::NotMade(reason) => none(format!("{host} could not be tried: {}.", phrase(reason))),
        Found::NotWithin(most) => none(format!("Nothing cuts a quiet connection to {host} within {}.", time(*most))),
        Found::Busy(every) => none(format!(
            "The server at {host} sends something by itself every {}: its connections are never quiet for longer, and nothing in between cut one before.",
            time(*every)
        )),
        Found::Cut { kept, cut, how, pinged } => {
            let when = if kept == cut { time(*cut) } else { format!("{} to {}", time(*kept), time(*cut)) };
            let (who, is_server) = match how {
                How::Close(code) => {
                    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
                    (format!("The server itself closes a connection to {host}{code}"), true)
                }
                How::End => (format!("Something in between ends a connection to {host} without a close frame"), false),
                How::Reset => (format!("Something in between resets a connection to {host}"), false),
                How::Silence => {
                    (format!("Something in between forgets a connection to {host} and tells nobody"), false)
                }
            };
            let mut summary = format!("{who} when it was quiet for {when}.");
            if !is_server && let Some(known) = known(*cut) {
                summary.push_str(&format!(" That is what {known} comes with."));
            }
            let every = match pinged {
                Some((every, true)) => {
                    summary.push_str(&format!(
                        " With a ping every {0} it stays. A page's script can't ping: let the server do it, or the script send a message, at least every {0}.",
                        time(*every)
                    ));
                    Some(*every)
                }
                Some((every, false)) => {
                    summary.push_str(&format!(
                        " A ping every {} doesn't help: it is the connection's age that counts, or pings stop on the way and only messages count.",
                        time(*every)
                    ));
                    None
                }
                None => None,
            };
            let fixes = if is_server { Vec::new() } else { fixes::for_cause(CauseId::ProxyIdleTimeout, facts) };
            Advice { summary, heartbeat: every, fixes }
        }
    }
}

/// What came of one trial, a phrase.
pub fn went(went: &Went) -> String {
    match went {
        Went::Kept => "still there".to_owned(),
        Went::Cut { after, how } => {
            let how = match how {
                How::Close(Some(code)) => format!("closed with {code}"),
                How::Close(None) => "closed without a code".to_owned(),
                How::End => "ended without a close frame".to_owned(),
                How::Reset => "reset".to_owned(),
                How::Silence => "no answer any more".to_owned(),
            };
            format!("{how} after {}", time(*after))
        }
        Went::Spoken { after } => format!("the server sent something after {}", time(*after)),
        Went::NotMade(reason) => format!("not opened: {}", phrase(reason)),
    }
}

fn phrase(reason: &Reason) -> String {
    super::words::phrase(reason)
}

/// Who is known to cut at that time, a thirtieth more or less.
fn known(cut: Duration) -> Option<&'static str> {
    let near = |secs: u64| (cut.as_secs_f64() / secs as f64 - 1.0).abs() < 0.034;
    KNOWN.iter().find(|(secs, _)| near(*secs)).map(|(_, who)| *who)
}

/// To a tenth of a second.
fn time(time: Duration) -> String {
    let secs = (time.as_secs_f64() * 10.0).round() / 10.0;
    if secs < 120.0 { format!("{secs} s") } else { format!("{} min", (secs / 6.0).round() / 10.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Wall;
    use crate::profile::{Kind, Profile};

    #[track_caller]
    fn check(found: Found, pieces: &[&str], heartbeat: Option<u64>) {
        let profile = Profile::new("case", Kind::WebSocket, "wss://api.test/ws".parse().unwrap());
        let advice = advise(&found, &Facts::of_session(&profile, None, None, None, Wall(0)));
        assert!(pieces.iter().all(|piece| advice.summary.contains(piece)), "{}", advice.summary);
        assert_eq!(advice.heartbeat, heartbeat.map(Duration::from_secs));
        let proxys = matches!(&found, Found::Cut { how, .. } if !matches!(how, How::Close(_)));
        assert_eq!(proxys, !advice.fixes.is_empty());
    }

    #[test]
    fn who_cuts_and_what_helps_is_said() {
        let cut = |secs: u64, how, pinged: Option<(u64, bool)>| Found::Cut {
            kept: Duration::from_secs(secs),
            cut: Duration::from_secs(secs),
            how,
            pinged: pinged.map(|(every, kept)| (Duration::from_secs(every), kept)),
        };
        let nginx = &["in between ends", "quiet for 60 s", "nginx (proxy_read_timeout)", "every 30 s it stays"];
        check(cut(60, How::End, Some((30, true))), nginx, Some(30));
        check(cut(7, How::Reset, Some((3, false))), &["resets", "quiet for 7 s", "doesn't help"], None);
        check(cut(40, How::Close(Some(4000)), None), &["The server itself closes", "(4000)"], None);
        let between = Found::Cut {
            kept: Duration::from_secs(340),
            cut: Duration::from_secs(350),
            how: How::Silence,
            pinged: None,
        };
        check(between, &["forgets", "5.7 min to 5.8 min", "AWS's network load balancer"], None);
        check(Found::NotWithin(Duration::from_secs(300)), &["Nothing cuts", "5 min"], None);
        check(Found::Busy(Duration::from_secs(25)), &["by itself every 25 s"], None);
    }
}
