//! All that was recorded of real browsers, against `wirewatch replay` over real sockets.
//!
//! Each line of `tests/cases/{first,second,more,jar}.jsonl` is a case as `replay` takes it; `SET.BROWSER.jsonl` beside it has what
//! that browser made of it. The server that they were recorded against stands in the lab, on free ports. What still differs
//! is listed in `tests/cases/README.md`, by id, each with its reason; a difference that is not listed fails, and so does a
//! listed one that is none any more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail")]

#[path = "common/oracle.rs"]
mod oracle;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};
use wirewatch::base::Clock;
use wirewatch::cli::replay::{Runner, replay};
use wirewatch::lab::Oracle;

const FOLDER: &str = "tests/cases";
/// How many cases run at once.
const JOBS: usize = 64;
/// How long a socket is stayed with whose end was recorded: it ends by itself, however slow the machine.
const TO_ITS_END: u64 = 60_000;

/// A field, and the least share of cases in which it has to agree, in percent.
type Demand = (&'static str, f64);

const CHROME: &[Demand] = &[
    ("outcome", 100.0),
    ("code", 100.0),
    ("preflighted", 100.0),
    ("requests", 100.0),
    ("exposed_headers", 100.0),
    ("close", 100.0),
    ("console", 99.0),
    ("console_all", 99.0),
    ("status", 99.0),
    ("response_type", 99.0),
    ("ready_state", 99.0),
    ("error", 99.0),
];
/// Allowed or not is what the script saw; which kind of refusal it was, no browser but Chromium tells.
const OTHERS: &[Demand] =
    &[("outcome", 99.0), ("console", 95.0), ("console_all", 95.0), ("close", 95.0), ("ready_state", 95.0)];

/// Of cookies it is what was sent that counts.
const JAR: &[Demand] = &[("outcome", 100.0), ("requests", 90.0), ("console", 95.0), ("console_all", 95.0)];

/// One case with what the browser made of it.
struct Recorded {
    case: Map<String, Value>,
    truth: Map<String, Value>,
}

fn lines(file: &str) -> Vec<Map<String, Value>> {
    let text = std::fs::read_to_string(format!("{FOLDER}/{file}.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn id(object: &Map<String, Value>) -> String {
    object["id"].as_str().unwrap().to_owned()
}

/// The script in a case's URL: long, and quoted by consoles, so that the files have `{s}` in its place.
fn script_of(case: &Map<String, Value>) -> Option<&str> {
    let (_, script) = case["url"].as_str().unwrap().split_once("s=")?;
    Some(script.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next().unwrap())
}

fn filled(value: &Value, script: &str) -> Value {
    match value {
        Value::String(text) => text.replace("{s}", script).into(),
        Value::Array(list) => list.iter().map(|item| filled(item, script)).collect(),
        other => other.clone(),
    }
}

fn recorded(set: &str, browser: &str) -> Vec<Recorded> {
    let mut cases: HashMap<String, Map<String, Value>> = lines(set).into_iter().map(|case| (id(&case), case)).collect();
    lines(&format!("{set}.{browser}"))
        .into_iter()
        .map(|truth| {
            let mut case = cases.remove(&id(&truth)).expect("a case for each answer");
            let script = script_of(&case).unwrap_or_default().to_owned();
            let truth = truth.iter().map(|(field, value)| (field.clone(), filled(value, &script))).collect();
            case.insert("browser".into(), browser.into());
            Recorded { case, truth }
        })
        .collect()
}

/// The case's line. A socket whose end was recorded is stayed with until then: how soon is the machine's affair.
fn line(recorded: &Recorded) -> String {
    let mut case = recorded.case.clone();
    if case.contains_key("observe_ms") && recorded.truth.contains_key("close") {
        case.insert("observe_ms".into(), TO_ITS_END.into());
    }
    Value::Object(case).to_string()
}

/// A field as both sides are compared by it; `None` where the truth says nothing about it.
fn compared(recorded: &Recorded, answer: &Value, browser: &str, field: &str) -> Option<(Value, Value)> {
    let truth = recorded.truth.get(field);
    let got = &answer[field];
    let pair = match field {
        "ready_state" | "console_all" => (truth?.clone(), got.clone()),
        "outcome" => {
            let truth = truth.cloned().unwrap_or_else(|| "allowed".into());
            let got = if browser != "chrome" && got != "allowed" { json!("refused") } else { got.clone() };
            (truth, got)
        }
        "preflighted" => (truth.cloned().unwrap_or(false.into()), got.clone()),
        "exposed_headers" => (truth.cloned().unwrap_or_else(|| json!([])), got.clone()),
        "requests" => {
            (truth.cloned().unwrap_or_else(|| json!([])), got.as_array().unwrap().iter().map(request).collect())
        }
        _ => (truth.cloned().unwrap_or_default(), got.clone()),
    };
    Some(pair)
}

/// Method, origin, then the cookies' names.
fn request(written: &Value) -> Value {
    let mut cookies: Vec<&str> =
        written["cookies"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    cookies.sort_unstable();
    let mut out = vec![written["method"].clone(), written["origin"].clone()];
    out.extend(cookies.into_iter().map(Value::from));
    out.into()
}

/// Runs every case as that browser.
async fn answers(cases: &[Recorded], oracle: &Oracle) -> Vec<Value> {
    let client = oracle::client(oracle.places(), oracle.ca_file());
    let runner = Runner { client, timeout: Duration::from_secs(120), clock: Clock };
    let input: String = cases.iter().map(|case| line(case) + "\n").collect();
    let mut output = Vec::new();
    replay(Box::new(std::io::Cursor::new(input)), &mut output, runner, JOBS).await.unwrap();
    let answers: Vec<Value> = output
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(answers.len(), cases.len());
    for (case, answer) in cases.iter().zip(&answers) {
        assert_eq!(answer["id"], case.case["id"], "answers stand in the order of the cases");
    }
    answers
}

/// What `tests/cases/README.md` lists for a set: ids by field, each with whether it is by chance.
fn known(set: &str, browser: &str) -> BTreeMap<(String, String), bool> {
    let text = std::fs::read_to_string(format!("{FOLDER}/README.md")).unwrap();
    let mut known = BTreeMap::new();
    for row in text.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, file, fields, ids, reason, _] = cells[..] else { continue };
        if file != format!("`{set}.{browser}`") {
            continue;
        }
        assert!(10 < reason.len(), "a reason for {ids}");
        let (fields, chance) = fields.strip_suffix("(by chance)").map_or((fields, false), |fields| (fields, true));
        for field in fields.split_whitespace() {
            for id in ids.split_whitespace() {
                known.insert((field.to_owned(), id.to_owned()), chance);
            }
        }
    }
    known
}

/// Runs a browser's part of a set, and holds it to the demands and to the list.
async fn check(set: &str, browser: &str, demands: &[Demand], oracle: &Oracle) -> String {
    let cases = recorded(set, browser);
    let answers = answers(&cases, oracle).await;
    let mut known = known(set, browser);
    let mut wrong = String::new();
    let mut shares = String::new();
    for (field, least) in demands {
        let (mut count, mut agree) = (0_u32, 0_u32);
        for (case, answer) in cases.iter().zip(&answers) {
            let Some((truth, got)) = compared(case, answer, browser, field) else { continue };
            count += 1;
            let listed = known.remove(&((*field).to_owned(), id(&case.case)));
            if truth == got {
                agree += 1;
                if listed == Some(false) {
                    writeln!(wrong, "{} {field}: listed as different, and agrees", id(&case.case)).unwrap();
                }
            } else if listed.is_none() {
                writeln!(wrong, "{} {field}\n  {browser}  {truth}\n  here    {got}", id(&case.case)).unwrap();
                if let Some(error) = answer["error"].as_str() {
                    writeln!(wrong, "  error   {error}").unwrap();
                }
            }
        }
        if count == 0 {
            continue;
        }
        let share = 100.0 * f64::from(agree) / f64::from(count);
        write!(shares, " {field} {share:.1}").unwrap();
        if share < *least {
            writeln!(wrong, "{field}: {share:.2} % of {count}, not {least} %").unwrap();
        }
    }
    for (field, id) in known.into_keys() {
        writeln!(wrong, "{id} {field}: listed, and there is no such case").unwrap();
    }
    println!("{set}.{browser}: {} cases,{shares}", cases.len());
    if wrong.is_empty() { wrong } else { format!("== {set}.{browser}\n{wrong}") }
}

async fn check_all(browser: &str, sets: &[&str], demands: &[Demand], jar: &[Demand]) {
    let oracle = Oracle::start().await.unwrap();
    let mut wrong = String::new();
    for set in sets {
        wrong += &check(set, browser, demands, &oracle).await;
    }
    wrong += &check("jar", browser, jar, &oracle).await;
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_did_the_same() {
    check_all("chrome", &["first", "second", "third"], CHROME, CHROME).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_did_the_same() {
    check_all("firefox", &["first", "second", "more"], OTHERS, JAR).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webkit_did_the_same() {
    check_all("safari", &["first", "second", "more"], OTHERS, JAR).await;
}
