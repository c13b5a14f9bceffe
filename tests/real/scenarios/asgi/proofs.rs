//! Each of our snippets, word for word, put into the server that failed.

use serde_json::{Value, json};

use super::Servers;
use super::cases::{allowing, apps, cases, sites};
use crate::scenarios::{Scenario, snippet};

/// One that fails, the stack whose snippet is taken, and where the lines go: the options of the server that has them.
struct Proof {
    before: Scenario,
    stack: &'static str,
    fixed: fn(String) -> Value,
    /// What is named afterwards.
    after: &'static str,
}

/// The same server with the snippet in its marked place.
fn in_app(app: &str, snippet: String) -> Value {
    json!({ "app": app, "fix": snippet })
}

fn proofs(servers: &Servers) -> Vec<Proof> {
    let own = |id: &str| servers.own(cases().iter().find(|case| case.id == id).unwrap());
    let fastapi = |before: Scenario, fixed: fn(String) -> Value| Proof { before, stack: "fastapi", fixed, after: "ok" };
    let django =
        |before: Scenario, fixed: fn(String) -> Value| Proof { before, stack: "django-channels", fixed, after: "ok" };
    let site = |name: &str, id: &str| servers.listed(id, name);
    let cors = |snippet| in_app("cors", snippet);
    vec![
        fastapi(servers.listed("fastapi-origin-403", "origins"), |env| json!({ "app": "origins", "fix_env": env })),
        fastapi(servers.listed("fastapi-no-origin-check", "cookies"), |fix| in_app("cookies", fix)),
        fastapi(servers.listed("fastapi-trailing-slash", "origins"), |fix| in_app("origins", fix)),
        fastapi(servers.listed("fastapi-star-credentials-no-cookie", "star"), cors),
        fastapi(servers.listed("asgi-socketio-double-cors", "double"), |fix| in_app("double", fix)),
        fastapi(own("no-route"), cors),
        fastapi(
            own("domain"),
            |fix| json!({ "app": "cookies", "fix": fix, "env": { "cookie": { "domain": "other.test" } } }),
        ),
        fastapi(own("path"), |fix| json!({ "app": "cookies", "fix": fix, "env": { "cookie": { "path": "/login" } } })),
        fastapi(
            own("secure"),
            |fix| json!({ "app": "cookies", "fix": fix, "env": { "debug": true, "cookie": { "secure": true } } }),
        ),
        fastapi(own("hosts"), |fix| json!({ "app": "cors", "env": allowing(json!({})), "fix_more": fix })),
        fastapi(own("no-cors"), cors),
        fastapi(own("other-origin"), cors),
        fastapi(own("method"), cors),
        fastapi(own("header"), cors),
        // The page can read that the application failed.
        Proof { after: "server-exception", ..fastapi(own("crash-unread"), cors) },
        django(site("spelled", "django-default-port-http"), |fix| json!({ "fix": fix })),
        django(
            site("other-host", "django-disallowed-host-ws"),
            |fix| json!({ "fix": fix, "ALLOWED_HOSTS": ["other.example.test"] }),
        ),
        django(site("secure-site", "django-session-secure-http"), |fix| {
            json!({ "fix": fix, "DEBUG": true, "SESSION_COOKIE_SECURE": true, "ALLOWED_HOSTS": ["api.example.test"],
                    "CORS_ALLOWED_ORIGINS": ["http://app.example.test"] })
        }),
        django(site("site", "django-ws-no-trailing-slash"), |fix| json!({ "fix_routing": fix })),
        django(own("d-host"), |fix| json!({ "fix": fix, "ALLOWED_HOSTS": ["other.example.test"] })),
        django(own("d-header"), |fix| json!({ "fix": fix })),
        django(own("d-unchecked"), |fix| json!({ "fix_asgi": fix, "origins": false })),
    ]
}

#[test]
#[ignore = "needs Python: .ci/run installs it and runs cargo test --test real -- --ignored"]
fn what_check_advises_mends_fastapi_and_django() {
    let faulty = Servers::start(&apps(), &sites());
    let proofs = proofs(&faulty);
    let befores: Vec<Scenario> = proofs.iter().map(|proof| proof.before.clone()).collect();
    let (mut apps, mut sites) = (Vec::new(), Vec::new());
    for (proof, document) in proofs.iter().zip(documents(&befores)) {
        let mut options = (proof.fixed)(snippet(&document, proof.stack));
        options["name"] = json!(proof.before.id);
        if proof.stack == "fastapi" { apps.push(options) } else { sites.push(options) }
    }
    let mended = Servers::start(&json!(apps), &json!(sites));
    let afters: Vec<Scenario> = befores
        .into_iter()
        .map(|before| {
            let port = mended.port(&before.id);
            before.on(port)
        })
        .collect();
    let wrong: Vec<String> = proofs
        .iter()
        .zip(documents(&afters))
        .filter_map(|(proof, document)| {
            let warned = document["warnings"].as_array().unwrap().iter().any(|one| one["severity"] == "high");
            let fine = document["cause"] == proof.after && !warned;
            (!fine).then(|| format!("{}: {} {}", proof.before.id, document["cause"], document["summary"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Of each, in order; a few at a time.
fn documents(scenarios: &[Scenario]) -> Vec<Value> {
    scenarios
        .chunks(4)
        .flat_map(|few| {
            std::thread::scope(|scope| {
                let threads: Vec<_> = few.iter().map(|one| scope.spawn(|| one.check())).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            })
        })
        .collect()
}
