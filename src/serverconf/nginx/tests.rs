//! nginx configurations, alone and beside a `.env`: who is let in, and what is said about them.

use crate::serverconf::tests::{found, let_in, read_all};
use crate::serverconf::{Guarded, Reading};

const UPGRADE: &str = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; \
                       proxy_set_header Host $http_host;";

/// One server with this inside.
fn server(inside: &str) -> Reading {
    read_all(&[("nginx.conf", &format!("events {{}} http {{ server {{ listen 80; {inside} }} }}"))])
}

fn rules(reading: &Reading) -> Vec<String> {
    assert_eq!(reading.problems, []);
    found(reading).iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

#[track_caller]
fn lets_in(inside: &str, origins: &str, expected: &[&str]) {
    let reading = server(inside);
    assert_eq!(let_in(&reading, Guarded::HttpCors), origins);
    assert_eq!(rules(&reading), expected, "{:#?}", reading.findings);
}

/// A location that passes sockets on, with this inside.
#[track_caller]
fn socket(inside: &str, expected: &[&str]) {
    let reading = server(&format!("location /socket.io/ {{ proxy_pass http://127.0.0.1:5000; {inside} }}"));
    assert_eq!(rules(&reading), expected, "{:#?}", reading.findings);
}

#[test]
fn a_header_lets_one_page_in_or_all() {
    let tail = "add_header Vary Origin always; return 204;";
    let one = format!("location / {{ add_header Access-Control-Allow-Origin https://app.example.com always; {tail} }}");
    lets_in(&one, "https://app.example.com", &[]);
    let any = format!("location / {{ add_header Access-Control-Allow-Origin * always; {tail} }}");
    lets_in(&any, "any", &[]);
    let with = format!(
        "location / {{ add_header Access-Control-Allow-Origin * always; add_header Access-Control-Allow-Credentials true always; {tail} }}"
    );
    lets_in(&with, "any", &["error wildcard-with-credentials"]);
    let all = with.replace("Origin *", "Origin $http_origin");
    lets_in(&all, "reflected", &["error reflects-any-origin-with-credentials"]);
    let slash = one.replace("example.com always", "example.com/ always");
    lets_in(&slash, "none", &["error origin-with-path"]);
    let two = one.replace("https://app", "'https://a.example https://app").replace("com always", "com' always");
    lets_in(&two, "none", &["error duplicate-cors-headers"]);
}

#[test]
fn a_map_of_the_origin_is_a_list() {
    let reading = read_all(&[(
        "nginx.conf",
        "map $http_origin $cors { default ''; https://a.example $http_origin; '~^https://(b|c)\\.example$' $http_origin;
           '~*example\\.org$' $http_origin; }
         server { location / { add_header Access-Control-Allow-Origin $cors always; add_header Vary Origin always;
           if ($request_method = OPTIONS) { return 204; } } }",
    )]);
    let listed = "https://a.example https://b.example https://c.example /example\\.org$/";
    assert_eq!(let_in(&reading, Guarded::HttpCors), listed);
    assert_eq!(found(&reading), ["2:13 error origin-pattern-too-wide"]);
}

#[test]
fn an_if_on_the_origin_is_a_list() {
    let inside = "location / {
        if ($http_origin ~* \"^https://(www|app)\\.example\\.com$\") { set $cors $http_origin; }
        if ($request_method = OPTIONS) { return 204; }
        add_header Access-Control-Allow-Origin $cors always; add_header Vary Origin always; }";
    lets_in(inside, "https://www.example.com https://app.example.com", &[]);
    let flag = "set $cors ''; if ($http_origin = https://a.example) { set $cors 'true'; }
        if ($request_method = OPTIONS) { set $cors \"${cors}options\"; }
        location / { proxy_pass http://127.0.0.1:1;
        if ($cors = \"trueoptions\") { add_header Access-Control-Allow-Origin $http_origin always; add_header Vary Origin; return 204; }
        if ($cors = 'true') { add_header Access-Control-Allow-Origin $http_origin always; add_header Vary Origin; } }";
    lets_in(flag, "https://a.example https://a.example", &[]);
}

#[test]
fn a_level_with_headers_of_its_own_inherits_none() {
    let inside = "add_header Access-Control-Allow-Origin https://a.example always;
        location /own { add_header X-Frame-Options DENY; return 200; } location /none { return 200; }";
    let reading = server(inside);
    assert_eq!(rules(&reading), ["error cors-headers-missing"], "{:#?}", reading.findings);
    assert!(reading.findings[0].at.line == 2 && reading.findings[0].text.contains("line 1"), "{:#?}", reading.findings);
    let merged = inside.replace("location /own {", "location /own { add_header_inherit merge;");
    assert_eq!(rules(&server(&merged)), Vec::<String>::new());
    let options =
        "location / { add_header Access-Control-Allow-Origin https://a.example always; proxy_pass http://127.0.0.1:1;
        if ($request_method = OPTIONS) { add_header Content-Length 0; return 204; } }";
    assert_eq!(rules(&server(options)), ["error cors-headers-missing"]);
}

#[test]
fn errors_and_preflights_carry_the_headers_too() {
    let once = "location / { add_header Access-Control-Allow-Origin https://a.example; return 204; }";
    assert_eq!(rules(&server(once)), ["warning error-response-without-cors"]);
    let file = "location / { add_header Access-Control-Allow-Origin https://a.example always; root /srv; }";
    assert_eq!(rules(&server(file)), ["warning preflight-options-405"]);
    let vary =
        "location / { add_header Access-Control-Allow-Origin $http_origin always; proxy_pass http://127.0.0.1:1; }";
    assert_eq!(rules(&server(vary)), ["warning vary-origin-missing"]);
    let twice = "location / { add_header Access-Control-Allow-Origin https://a.example always; return 204;
        add_header Access-Control-Allow-Origin https://b.example always; }";
    assert_eq!(rules(&server(twice)), ["error duplicate-cors-headers"]);
    let auth = "auth_basic realm; location / { add_header Access-Control-Allow-Origin https://a.example always;
        proxy_pass http://127.0.0.1:1; }";
    assert_eq!(rules(&server(auth)), ["warning http-auth-required"]);
}

#[test]
fn a_right_proxy_of_sockets_is_accused_of_nothing() {
    socket(&format!("{UPGRADE} proxy_read_timeout 1h;"), &[]);
    let map = "map $http_upgrade $connection_upgrade { default upgrade; '' close; }
        server { listen 443 ssl; listen 80; server_name api.example.com; location /ws { proxy_pass http://app;
        proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
        proxy_set_header Host $host; } }";
    assert_eq!(rules(&read_all(&[("nginx.conf", map)])), Vec::<String>::new());
}

#[test]
fn an_upgrade_needs_its_two_headers_at_the_same_level() {
    let host = "proxy_http_version 1.1; proxy_set_header Host $http_host;";
    socket(host, &["error proxy-drops-upgrade"]);
    socket(&UPGRADE.replace("Connection upgrade", "Connection close"), &["error proxy-drops-upgrade"]);
    socket(&UPGRADE.replace("proxy_http_version 1.1;", ""), &["note proxy-drops-upgrade"]);
    let above =
        format!("{UPGRADE} location /ws {{ proxy_pass http://127.0.0.1:1; proxy_set_header Host $http_host; }}");
    let reading = server(&above);
    assert_eq!(rules(&reading), ["error proxy-drops-upgrade"]);
    assert!(reading.findings[0].text.contains("inherits none"), "{:#?}", reading.findings);
}

#[test]
fn a_proxy_waits_longer_than_the_ping() {
    socket(&format!("{UPGRADE} proxy_read_timeout 20s;"), &["error proxy-idle-timeout"]);
    let nginx = format!("server {{ location /socket.io/ {{ proxy_pass http://127.0.0.1:1; {UPGRADE} }} }}");
    let env = "SOCKETIO_CORS_ORIGINS=https://a.example\nSOCKETIO_PING_INTERVAL=";
    let both = |ping: &str| rules(&read_all(&[(".env", &format!("{env}{ping}")), ("nginx.conf", &nginx)]));
    assert_eq!(both("30"), Vec::<String>::new());
    assert_eq!(both("75"), ["warning heartbeat-interval-too-long", "error proxy-idle-timeout"]);
}

#[test]
fn host_and_origin_come_through_as_they_are() {
    socket(&UPGRADE.replace("proxy_set_header Host $http_host;", ""), &["warning host-not-forwarded"]);
    socket(&format!("{UPGRADE} proxy_set_header Origin '';"), &["error origin-stripped-by-proxy"]);
    socket(&format!("{UPGRADE} proxy_set_header Origin http://127.0.0.1;"), &["error origin-not-validated"]);
    let odd = format!(
        "server {{ listen 8080; location /ws {{ proxy_pass http://127.0.0.1:1; {} }} }}",
        UPGRADE.replace("$http_host", "$host")
    );
    let reading = read_all(&[("nginx.conf", &odd)]);
    assert_eq!(rules(&reading), ["warning host-not-forwarded"]);
    assert!(reading.findings[0].text.contains(":8080"));
    let env = read_all(&[(".env", "FLASK_HOST=0.0.0.0"), ("nginx.conf", &odd.replace("/ws", "/socket.io"))]);
    assert_eq!(rules(&env), ["error host-not-forwarded"]);
}

#[test]
fn one_layer_alone_adds_the_headers() {
    let nginx = "server { location / { proxy_pass http://127.0.0.1:1; add_header Access-Control-Allow-Origin https://a.example always; } }";
    let env = (".env", "CORS_ALLOW_ORIGINS=https://a.example");
    assert_eq!(rules(&read_all(&[env, ("nginx.conf", nginx)])), ["error duplicate-cors-headers"]);
    let hidden = nginx.replace("add_header", "proxy_hide_header Access-Control-Allow-Origin; add_header");
    assert_eq!(rules(&read_all(&[env, ("nginx.conf", &hidden)])), Vec::<String>::new());
}

#[test]
fn polling_has_room_and_stays_with_one_process() {
    socket(&format!("{UPGRADE} limit_req zone=one;"), &["warning proxy-rate-limit-503"]);
    socket(&format!("{UPGRADE} client_max_body_size 10k;"), &["warning body-too-large"]);
    socket(&format!("{UPGRADE} auth_basic realm;"), &["warning http-auth-required"]);
    let two = format!(
        "upstream app {{ server 127.0.0.1:1; server 127.0.0.1:2; }} server {{ location /socket.io/ {{ proxy_pass http://app; {UPGRADE} }} }}"
    );
    assert_eq!(rules(&read_all(&[("nginx.conf", &two)])), ["error sticky-sessions-missing"]);
    assert_eq!(
        rules(&read_all(&[("nginx.conf", &two.replace("upstream app {", "upstream app { ip_hash;"))])),
        Vec::<String>::new()
    );
    let moved = format!("location /socket.io/ {{ proxy_pass http://127.0.0.1:1/; {UPGRADE} }}");
    assert_eq!(rules(&server(&moved)), ["error wrong-socketio-path"]);
}

#[test]
fn a_server_serves_what_the_application_has() {
    let env = (".env", "SOCKETIO_CORS_ORIGINS=https://a.example\nVITE_WS_URL=ws://api.example.com/socket.io/");
    let page = "server { listen 80; server_name api.example.com; return 301 https://$host$request_uri; }";
    let found = rules(&read_all(&[env, ("nginx.conf", page)]));
    assert_eq!(found, ["error insecure-websocket-from-https-page", "error redirect-on-upgrade"]);
    let other =
        "server { location /api/ { proxy_pass http://127.0.0.1:1; } location / { try_files $uri /index.html; } }";
    let found = rules(&read_all(&[(".env", "SOCKETIO_CORS_ORIGINS=https://a.example"), ("nginx.conf", other)]));
    assert_eq!(found, ["error path-not-proxied"]);
    assert_eq!(rules(&server("ssl_protocols TLSv1 TLSv1.1;")), ["error tls-version-unsupported"]);
    assert_eq!(rules(&server("ssl_protocols TLSv1.1 TLSv1.2;")), ["warning old-tls-versions"]);
    assert_eq!(rules(&server("location /events { proxy_pass http://127.0.0.1:1; }")), ["warning proxy-buffering"]);
}

#[test]
fn a_missing_semicolon_is_found_where_it_is_missing() {
    let reading =
        read_all(&[("nginx.conf", "server {\n location /ws {\n proxy_pass http://a\n proxy_http_version 1.1;\n }\n}")]);
    assert!(found(&reading).contains(&"3:2 error line-not-understood".to_owned()), "{:#?}", found(&reading));
}

#[test]
fn the_location_that_answers_is_nginxs() {
    let text = "server { location / { a; } location /ws { b; } location ^~ /ws/chat { c; } location ~ \\.io { d; } location = /ws/x { e; } }";
    let table = crate::serverconf::tests::Table([("nginx.conf".into(), text.as_bytes().to_vec())].into());
    let mut reader = crate::serverconf::Reader::new(&table, 1 << 20);
    let root = super::parse::file(&mut reader, std::path::Path::new("nginx.conf")).unwrap();
    let servers = super::sites::servers(&root);
    let answers = |path: &str| servers[0].answering(path).map(|location| location.block()[0].name.clone()).unwrap();
    let got: Vec<String> = ["/", "/ws/a", "/ws/chat.io", "/ws/a.io", "/ws/x"].into_iter().map(answers).collect();
    assert_eq!(got, ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_servers_sockets_are_watched_from_each_page() {
    let nginx = format!(
        "server {{ listen 80; listen 443 ssl; server_name api.example.com;
         location /socket.io/ {{ proxy_pass http://127.0.0.1:1; {UPGRADE} }} }}"
    );
    let env = "SOCKETIO_CORS_ORIGINS=https://app.example.com";
    let profiles = read_all(&[(".env", env), ("nginx.conf", &nginx)]).profiles();
    let seen: Vec<String> =
        profiles.iter().map(|profile| format!("{} from {}", profile.url, profile.page_url())).collect();
    assert_eq!(seen, ["https://api.example.com/ from https://app.example.com/"]);
}

#[test]
fn a_server_with_headers_of_its_own_inherits_none_either() {
    let text = "http { add_header Access-Control-Allow-Origin https://a.example always;
        server { listen 80; add_header X y; return 200; } }";
    assert_eq!(rules(&read_all(&[("nginx.conf", text)])), ["error cors-headers-missing"]);
}
