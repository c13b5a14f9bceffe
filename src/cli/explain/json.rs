//! The documents of `explain --json`. Field names and words are fixed: programs outside the crate read them.

use serde_json::{Value, json};

use super::proof::Proof;
use crate::diagnosis::explain::{Explained, Known, Log};

/// All lines, then what a check found.
pub(super) fn document(found: &[Explained], unknown: usize, proof: Option<&Proof>) -> Value {
    json!({
        "lines": found.iter().map(explained).collect::<Vec<_>>(),
        "unknown": unknown,
        "check": proof.map(|proof| json!({
            "outcome": proof.outcome.code(),
            "summary": proof.outcome.sentence(),
            "why": proof.outcome.why().iter().map(|why| why.phrase()).collect::<Vec<_>>(),
            "report": proof.document(),
        })),
    })
}

fn explained(one: &Explained) -> Value {
    let mut object = known(&one.known);
    object["line"] = one.line.clone().into();
    object["fixes"] =
        one.fixes.iter().map(|fix| json!({ "stack": fix.stack, "text": fix.text, "snippet": fix.snippet })).collect();
    object["by_example"] = one.by_example.into();
    object
}

fn known(known: &Known) -> Value {
    let causes: Vec<Value> = known
        .causes
        .iter()
        .map(|(cause, confidence)| json!({ "cause": cause.as_str(), "confidence": confidence }))
        .collect();
    json!({
        "source": known.source.code(),
        "category": known.category.code(),
        "cause": known.causes.first().map(|(cause, _)| cause.as_str()),
        "causes": causes,
        "means": known.means,
        "not": known.not,
        "next": known.next,
        "url": known.url.as_ref().map(|url| crate::diagnosis::explain::mask(url.as_str())),
        "page_origin": known.origin,
        "status": known.status,
        "value": known.value,
    })
}

/// What a log came to.
pub(super) fn log(log: &Log) -> Value {
    let categories: serde_json::Map<String, Value> =
        log.categories().into_iter().map(|(category, count)| (category.code().to_owned(), count.into())).collect();
    let kinds: Vec<Value> = log
        .kinds()
        .into_iter()
        .map(|kind| {
            let mut object = known(&kind.known);
            object["count"] = kind.count.into();
            object["example"] = kind.example.clone().into();
            object["first"] = kind.first.as_ref().map(ToString::to_string).into();
            object["last"] = kind.last.as_ref().map(ToString::to_string).into();
            let times: Vec<Value> = kind.times.iter().map(|(at, count)| json!([at.to_string(), count])).collect();
            object[if kind.by_hour { "per_hour" } else { "per_minute" }] = times.into();
            object
        })
        .collect();
    json!({
        "lines": log.lines,
        "well": log.well,
        "unknown": log.unknown,
        "cut": log.cut,
        "binary": log.binary,
        "categories": categories,
        "kinds": kinds,
    })
}

/// One line of a log that is followed.
pub(super) fn followed(file: &str, line: &str, what: &Known) -> Value {
    let mut object = known(what);
    object["file"] = file.into();
    object["line"] = line.into();
    object
}
