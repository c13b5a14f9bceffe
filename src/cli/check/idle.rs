//! `check --idle-cutoff`: how long a connection may be quiet before something cuts it.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::base::{Clock, Wall};
use crate::cli::{fail, harmless};
use crate::diagnosis::idle::{Advice, advise, went};
use crate::diagnosis::{CauseId, Facts};
use crate::engine::Target;
use crate::engine::idle::{Searched, search};
use crate::profile::{Kind, format_duration};
use crate::watch::idle::{Found, How, Trial, Went};
use crate::watch::{Code, Reason};

/// Runs it; `runtime` is the command's.
pub(super) fn run(target: &Arc<Target>, most: Duration, as_json: bool, runtime: &tokio::runtime::Runtime) -> ExitCode {
    let profile = &target.profile;
    if profile.kind == Kind::Http {
        return fail(
            "--idle-cutoff needs a connection that stays open",
            "give a ws:// or wss:// URL, or a Socket.IO profile",
        );
    }
    let say = |line: String| {
        if !as_json {
            // A reader that has gone is told of at the end.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    };
    let tell = |trial: Trial, came: Option<&Went>| {
        came.into_iter().for_each(|came| say(format!("  {:<34} {}", phrase(trial), harmless(&went(came)))));
    };
    say(format!("{}, quiet for up to {}", harmless(&profile.name), format_duration(most)));
    let searched = runtime.block_on(async {
        tokio::select! {
            searched = search(target, most, Clock, tell) => Some(searched),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    let Some(searched) = searched else { return ExitCode::FAILURE };
    // Who is in between is told as for any socket that was cut.
    let reason = Reason::new(Code::ClosedAbnormally);
    let facts = Facts::of_session(profile, Some(&reason), searched.handshake.as_deref(), None, Wall::default());
    let advice = advise(&searched.found, &facts);
    let url = target.redactor().text(profile.url.as_str()).into_owned();
    let shown = if as_json { format!("{:#}\n", document(target, &url, &searched, &advice)) } else { text(&advice) };
    let mut out = std::io::stdout().lock();
    match out.write_all(shown.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            fail(&format!("standard output can't be written: {error}"), "")
        }
        _ => match searched.found {
            Found::NotWithin(_) | Found::Busy(_) => ExitCode::SUCCESS,
            Found::Cut { .. } | Found::NotMade(_) => ExitCode::FAILURE,
        },
    }
}

fn phrase(trial: Trial) -> String {
    match trial {
        Trial::Quiet(quiet) => format!("quiet for {}", seconds(quiet)),
        Trial::Pinged { every, over } => format!("a ping every {} for {}", seconds(every), seconds(over)),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn text(advice: &Advice) -> String {
    let mut out = format!("\n{}\n", harmless(&advice.summary));
    for fix in &advice.fixes {
        let stack = if fix.stack == "any" { String::new() } else { format!(" ({})", fix.stack) };
        out.push_str(&format!("\nFix{stack}: {}\n", fix.text));
        fix.snippet.iter().flat_map(|snippet| snippet.lines()).for_each(|line| out.push_str(&format!("    {line}\n")));
    }
    out
}

fn document(target: &Target, url: &str, searched: &Searched, advice: &Advice) -> Value {
    let (mut found, mut cause) = (json!({}), None);
    match &searched.found {
        Found::Cut { kept, cut, how, pinged } => {
            let (word, code) = match how {
                How::Close(code) => ("close", *code),
                How::End => ("end", None),
                How::Reset => ("reset", None),
                How::Silence => ("silence", None),
            };
            cause = (word != "close").then(|| CauseId::ProxyIdleTimeout.as_str());
            found = json!({
                "kept_s": kept.as_secs_f64(), "cut_s": cut.as_secs_f64(), "how": word, "close_code": code,
                "ping": pinged.map(|(every, kept)| json!({ "every_s": every.as_secs_f64(), "kept": kept })),
            });
        }
        Found::NotWithin(most) => found["not_within_s"] = most.as_secs_f64().into(),
        Found::Busy(every) => found["busy_every_s"] = every.as_secs_f64().into(),
        Found::NotMade(reason) => found["not_made"] = reason.code.as_str().into(),
    }
    let trials = searched.tried.iter().map(|(trial, came)| {
        let (quiet, pinged) = match trial {
            Trial::Quiet(quiet) => (Some(quiet.as_secs_f64()), None),
            Trial::Pinged { every, .. } => (None, Some(every.as_secs_f64())),
        };
        json!({ "quiet_s": quiet, "ping_every_s": pinged, "went": went(came) })
    });
    json!({
        "target": target.profile.name,
        "url": url,
        "page": target.profile.page_url().as_str(),
        "found": found,
        "cause": cause,
        "summary": advice.summary,
        "heartbeat_s": advice.heartbeat.map(|every| every.as_secs_f64()),
        "fixes": advice.fixes.iter()
            .map(|fix| json!({ "stack": fix.stack, "text": fix.text, "snippet": fix.snippet }))
            .collect::<Vec<_>>(),
        "trials": trials.collect::<Vec<_>>(),
    })
}
