//! One endpoint from many pages, against lab servers with a list of origins: the table says what the list says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has to fail")]

use std::collections::HashMap;
use std::process::{Command, Output};
use std::sync::Arc;

use serde_json::Value;
use wirewatch::base::{Clock, ProfileId};
use wirewatch::diagnosis::matrix::Why;
use wirewatch::engine::{Patterns, SecretSource, Target, matrix};
use wirewatch::lab::{Lab, Options};
use wirewatch::profile::model::{Auth, Login, Setting};
use wirewatch::profile::{Credentials, Kind, Profile, Proxy};

async fn pages(url: &str, page: &str) -> (Option<i32>, Value) {
    let output = run(&["check", url, "--page", page, "--pages", "--json"]).await;
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), document)
}

async fn run(words: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
    command.args(words).env("WIREWATCH_CONFIG_DIR", home.path()).env("WIREWATCH_DATA_DIR", home.path());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The pages that are said to be let in; each other one is said to be kept out.
#[track_caller]
fn let_in(document: &Value) -> Vec<&str> {
    let rows = document["pages"].as_array().unwrap();
    let (inside, outside): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| row["allowed"] == true);
    assert!(outside.iter().all(|row| row["allowed"] == false && row["page"].is_string()), "{document:#}");
    inside.iter().map(|row| row["page"].as_str().unwrap_or("-")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_table_says_what_the_servers_list_says() {
    let lab = Lab::start(Options::default()).await.unwrap();
    let list = "allow=http://localhost:3000&allow=http://127.0.0.1:3000&allow=null";
    let url = lab.http_url(&format!("/carts?{list}"));
    let (code, document) = pages(url.as_str(), "http://localhost:3000/").await;
    // The endpoint's own page needs nobody's leave.
    let own = url.origin().ascii_serialization();
    let expected = ["http://localhost:3000", "http://127.0.0.1:3000", &own, "null", "-"];
    assert_eq!((code, let_in(&document)), (Some(0), expected.to_vec()), "{document:#}");
    assert_eq!(document["pages"][0]["allow_origin"], "http://localhost:3000");

    let (code, document) = pages(url.as_str(), "http://localhost:5173/").await;
    assert_eq!(code, Some(1));
    assert_eq!(document["pages"][0]["cause"], "origin-not-allowed", "{document:#}");
    assert!(let_in(&document).contains(&"http://localhost:3000"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_socket_that_is_opened_to_one_page_alone_is_refused_to_all_others() {
    let lab = Lab::start(Options::default()).await.unwrap();
    let url = lab.ws_url("/ws?allow=https://shop.example.com");
    let (code, document) = pages(url.as_str(), "https://shop.example.com/").await;
    let rows = document["pages"].as_array().unwrap();
    let told = |why: &str| rows.iter().find(|row| row["why"] == why).map(|row| (&row["allowed"], &row["status"]));
    assert_eq!((code, told("own")), (Some(0), Some((&true.into(), &101.into()))), "{document:#}");
    for why in ["apex", "other-port", "other-scheme", "null", "foreign"] {
        assert_eq!(told(why), Some((&false.into(), &403.into())), "{why}: {document:#}");
    }
}

#[tokio::test]
async fn the_login_is_made_once_and_every_page_goes_by_it() {
    let lab = Lab::start(Options::default()).await.unwrap();
    let mut profile = Profile::new("orders", Kind::Http, lab.http_url("/orders?need=session&allow=any"));
    profile.page = Some(lab.http_url("/shop"));
    profile.request.credentials = Credentials::Include;
    profile.network.proxy = Proxy::Direct;
    profile.auth = Auth::Login(Login {
        url: lab.http_url("/login"),
        fields: vec![
            ("username".into(), Setting::Plain("ops".into())),
            ("password".into(), Setting::Plain("wirewatch".into())),
        ],
        csrf: Some("auto".into()),
        check: None,
    });
    let secrets: SecretSource = Arc::new(|_: &[String]| Ok(HashMap::new()));
    let target = Arc::new(Target::prepare(ProfileId(1), Arc::new(profile), &secrets, &Patterns::default()));
    let mut rows = Vec::new();
    matrix::run(&target, Clock, |_, seen| rows.push((seen.asker.why, seen.status))).await;
    let status = |why| rows.iter().find(|(found, _)| *found == why).map(|(_, status)| *status);
    // Same site, another port: the session's cookie goes along. From a foreign site it stays behind.
    let of = [Why::Own, Why::DevPort("where Vite serves pages"), Why::Foreign].map(status);
    assert_eq!(of, [Some(Some(200)), Some(Some(200)), Some(Some(401))], "{rows:?}");
    let posts = lab.seen_at("/login").iter().filter(|seen| seen.method == "POST").count();
    assert_eq!(posts, 1);
}
