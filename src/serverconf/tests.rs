//! `.env` files of the three stacks: who is let in, and what is said about them.

use std::collections::HashMap;

use super::tree::Node;
use super::*;

/// Directives as one line, to compare them by.
pub(super) fn short(nodes: &[Node]) -> String {
    let one = |node: &Node| {
        let args: String = node.args.iter().map(|word| format!(" <{}>", word.text)).collect();
        let block = node.block.as_ref().map(|inside| format!(" {{{}}}", short(inside))).unwrap_or_default();
        format!("{}{args}{block};", node.name)
    };
    nodes.iter().map(one).collect()
}

/// Files that a test has in mind.
#[derive(Default)]
pub(crate) struct Table(pub HashMap<PathBuf, Vec<u8>>);

impl Files for Table {
    fn read(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let bytes = self.0.get(path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(bytes[..bytes.len().min(most + 1)].to_vec())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let inside = self.0.keys().filter_map(|path| path.strip_prefix(folder).ok()?.iter().next());
        Ok(inside.map(|name| name.to_string_lossy().into_owned()).collect())
    }

    fn is_there(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

/// Reads these files together.
pub(crate) fn read_all(files: &[(&str, &str)]) -> Reading {
    let table = Table(files.iter().map(|(path, text)| (path.into(), text.as_bytes().to_vec())).collect());
    let inputs: Vec<Input> = files.iter().map(|(path, _)| Input { path: path.into(), form: None }).collect();
    read(&inputs, &table)
}

/// Everyone who is let in by that guard.
pub(crate) fn let_in(reading: &Reading, thing: Guarded) -> String {
    let guard = observed::guard(&reading.policy, thing).unwrap();
    let listed: Vec<String> = guard
        .origins
        .listed()
        .iter()
        .map(|allowed| match allowed.from {
            policy::From::Written => allowed.what.text(),
            from => format!("{} ({})", allowed.what.text(), from.word()),
        })
        .collect();
    if listed.is_empty() { guard.origins.word().to_owned() } else { listed.join(" ") }
}

/// `line:column severity rule`, one a finding.
pub(crate) fn found(reading: &Reading) -> Vec<String> {
    let short = |finding: &Finding| {
        format!("{}:{} {} {}", finding.at.line, finding.at.column, finding.severity.word(), finding.rule)
    };
    reading.findings.iter().map(short).collect()
}

#[track_caller]
fn check(env: &str, thing: Guarded, lets_in: &str, expected: &[&str]) {
    let reading = read_all(&[(".env", env)]);
    assert_eq!(reading.problems, []);
    assert_eq!(let_in(&reading, thing), lets_in);
    assert_eq!(found(&reading), expected, "{:#?}", reading.findings);
}

#[track_caller]
fn finds(env: &str, expected: &[&str]) {
    let reading = read_all(&[(".env", env)]);
    assert_eq!(found(&reading), expected, "{:#?}", reading.findings);
}

#[test]
fn a_right_file_of_each_stack_is_accused_of_nothing() {
    let flask = "FLASK_HOST=0.0.0.0\nFLASK_PORT=5000\nSOCKETIO_CORS_ORIGINS=https://app.example.com,https://www.example.com\n\
                 SOCKETIO_CORS_METHODS=GET,POST,OPTIONS\nSOCKETIO_CORS_CREDENTIALS=true\nSOCKETIO_TRANSPORTS=polling,websocket\n\
                 SOCKETIO_PING_INTERVAL=25\nSOCKETIO_PING_TIMEOUT=20\nSOCKETIO_CONNECT_TIMEOUT=45\nSOCKETIO_RATE_LIMITING=true\n\
                 SOCKETIO_RATE_LIMIT_CONNECTIONS=60\nSOCKETIO_MAX_CONNECTIONS_PER_USER=5\n\
                 SOCKETIO_CONNECTION_CLEANUP_INTERVAL=300\nSESSION_COOKIE_NAME=session\nSESSION_COOKIE_HTTPONLY=true\n\
                 SESSION_COOKIE_SECURE=true\nSESSION_COOKIE_SAMESITE=Lax\n";
    check(flask, Guarded::SocketIo, "https://app.example.com https://www.example.com", &[]);
    let fastapi = "CORS_ALLOW_ORIGINS=[\"https://app.example.com\"]\nCORS_ALLOW_CREDENTIALS=true\nDEBUG=false\n\
                   VITE_API_URL=https://api.example.com\nVITE_WS_URL=wss://api.example.com/ws\n";
    check(fastapi, Guarded::HttpCors, "https://app.example.com", &[]);
    let django = "DEBUG=False\nALLOWED_HOSTS=api.example.com,.example.org\nCORS_ALLOWED_ORIGINS=https://app.example.com\n\
                  CORS_ALLOW_CREDENTIALS=True\nCSRF_TRUSTED_ORIGINS=https://*.example.com\nCSRF_COOKIE_SECURE=True\n\
                  SESSION_COOKIE_SECURE=True\n";
    check(django, Guarded::Channels, "*://api.example.com *://.example.org", &[]);
    check(django, Guarded::Csrf, "https://*.example.com", &[]);
}

#[test]
fn without_a_list_the_host_and_port_are_let_in_under_both_names() {
    let both = "http://localhost:5000 (derived) http://127.0.0.1:5000 (twin)";
    check("FLASK_HOST=0.0.0.0\nFLASK_PORT=5000", Guarded::SocketIo, both, &[]);
    let swapped = "http://127.0.0.1:8000 (derived) http://localhost:8000 (twin)";
    check("FLASK_HOST=127.0.0.1\nFLASK_PORT=8000", Guarded::SocketIo, swapped, &[]);
    check("FLASK_HOST=10.0.0.7\nFLASK_PORT=80", Guarded::SocketIo, "http://10.0.0.7 (derived)", &[]);
}

#[test]
fn an_entry_that_no_browser_sends_lets_nobody_in() {
    check(
        "CORS_ORIGINS=https://a.example.com/,b.example.com,https://c.example.com:443, https://D.example.com,,https://*.example.com",
        Guarded::HttpCors,
        "none",
        &[
            "1:14 error origin-with-path",
            "1:37 error origin-without-scheme",
            "1:51 error origin-port-mismatch",
            "1:78 error origin-letter-case",
            "1:78 warning list-whitespace",
            "1:100 warning list-empty-item",
            "1:101 error origin-wildcard-literal",
        ],
    );
}

#[test]
fn everyone_is_let_in_by_a_star_and_with_credentials_that_is_an_error() {
    check(
        "SOCKETIO_CORS_ORIGINS=*",
        Guarded::SocketIo,
        "reflected",
        &["1:23 error reflects-any-origin-with-credentials"],
    );
    let without = "SOCKETIO_CORS_ORIGINS=*\nSOCKETIO_CORS_CREDENTIALS=false";
    check(without, Guarded::SocketIo, "any", &["1:23 warning origin-not-validated"]);
    let with = "CORS_ORIGINS='[\"*\"]'\nCORS_ALLOW_CREDENTIALS=1";
    check(with, Guarded::HttpCors, "reflected", &["1:15 error reflects-any-origin-with-credentials"]);
    check("CORS_ORIGINS=*", Guarded::HttpCors, "any", &[]);
    let beside = "CORS_ORIGINS=https://a.example,*";
    check(beside, Guarded::HttpCors, "any", &["1:32 error wildcard-beside-origins"]);
}

#[test]
fn a_page_has_its_other_name_and_its_tls() {
    finds("CORS_ORIGINS=http://localhost:3000", &["1:14 warning localhost-127-mismatch"]);
    finds("CORS_ORIGINS=http://localhost:3000,http://127.0.0.1:3000", &[]);
    finds("CORS_ORIGINS=http://app.example.com", &["1:14 warning origin-scheme-mismatch"]);
}

#[test]
fn hosts_have_no_scheme_and_csrf_origins_have_one() {
    finds(
        "ALLOWED_HOSTS=https://api.example.com,api.example.com:8000,*",
        &["1:15 error host-with-scheme", "1:39 error host-with-port", "1:60 warning any-host-allowed"],
    );
    finds(
        "CSRF_TRUSTED_ORIGINS=app.example.com,*.example.com",
        &["1:22 error origin-without-scheme", "1:38 error origin-without-scheme"],
    );
    finds("ALLOWED_HOSTS=\nDEBUG=false", &["1:1 error host-not-allowed"]);
    check(
        "ALLOWED_HOSTS=\nDEBUG=1",
        Guarded::Channels,
        "*://.localhost (derived) *://127.0.0.1 (derived) *://[::1] (derived)",
        &[],
    );
    finds(
        "CORS_ALLOWED_ORIGINS=https://a.example\nCORS_ALLOW_CREDENTIALS=1\nCSRF_TRUSTED_ORIGINS=https://b.example",
        &["3:22 warning csrf-failed"],
    );
}

#[test]
fn cookies_fit_their_pages() {
    let secure = "CORS_ORIGINS=http://app.example.com,https://app.example.com\nSESSION_COOKIE_SECURE=true";
    finds(secure, &["2:23 error secure-cookie-over-http"]);
    finds("SESSION_COOKIE_SAMESITE=None\nSESSION_COOKIE_SECURE=false", &["1:25 error samesite-none-without-secure"]);
    let off = "CORS_ORIGINS=https://a.example\nCORS_ALLOW_CREDENTIALS=false\nSESSION_COOKIE_SAMESITE=None\nSESSION_COOKIE_SECURE=1";
    finds(off, &["2:24 warning credentials-not-allowed"]);
    finds("CORS_ORIGINS=https://app.example\nSESSION_COOKIE_SECURE=false", &["2:23 warning cookie-not-secure"]);
    let apart = "CORS_ORIGINS=https://app.example\nVITE_API_URL=https://api.other.example\nSESSION_COOKIE_SAMESITE=Lax";
    finds(apart, &["3:25 error samesite-blocks-cookie"]);
    finds("CORS_ORIGINS=https://app.example.com\nDEBUG=True", &["2:7 error debug-in-production"]);
    let beside = "CORS_ORIGINS=https://app.example.com,*\nDEBUG=True";
    finds(beside, &["1:38 error wildcard-beside-origins", "2:7 error debug-in-production"]);
    finds("CORS_ORIGINS=http://localhost:3000,http://127.0.0.1:3000\nDEBUG=True", &[]);
    finds(
        "VITE_API_URL=https://api.example.com\nSESSION_COOKIE_DOMAIN=.other.example",
        &["2:23 error cookie-domain-mismatch"],
    );
    finds("SESSION_COOKIE_NAME=__Host-session", &["1:21 error cookie-prefix"]);
    finds("SESSION_COOKIE_HTTPONLY=0", &["1:25 warning cookie-readable-by-scripts"]);
}

#[test]
fn pings_and_limits_are_in_the_servers_units() {
    finds("SOCKETIO_PING_INTERVAL=25000", &["1:24 error heartbeat-interval-too-long"]);
    finds("SOCKETIO_PING_INTERVAL=90", &["1:24 warning heartbeat-interval-too-long"]);
    finds("SOCKETIO_PING_TIMEOUT=0", &["1:23 error ping-timeout-zero"]);
    finds("SOCKETIO_PING_TIMEOUT=soon", &["1:23 error value-not-a-number"]);
    finds("SOCKETIO_TRANSPORTS=websockets,polling", &["1:21 error transport-unknown"]);
    finds("SOCKETIO_TRANSPORTS=websocket", &["1:21 warning polling-transport-disabled"]);
    finds("SOCKETIO_RATE_LIMITING=false", &["1:24 warning rate-limiting-off"]);
    finds("SOCKETIO_RATE_LIMITING=maybe", &["1:24 error value-not-a-boolean"]);
    finds("SOCKETIO_MAX_CONNECTIONS_PER_USER=1", &["1:35 warning concurrent-connection-limit"]);
    finds("SOCKETIO_CORS_METHODS=GET", &["1:23 error preflight-method-not-allowed"]);
}

#[test]
fn a_front_end_connects_to_what_its_page_may() {
    finds(
        "CORS_ORIGINS=https://app.example.com\nVITE_API_URL=http://api.example.com\nVITE_WS_URL=ws://api.example.com/ws",
        &["2:14 error insecure-request-from-https-page", "3:13 error insecure-websocket-from-https-page"],
    );
    finds("VITE_WS_URL=https://api.example.com/ws", &["1:13 warning url-scheme"]);
    finds("VITE_API_URL=api.example.com", &["1:14 error url-scheme"]);
    finds(
        "VITE_API_URL=http://localhost:8000\nVITE_WS_URL=ws://127.0.0.1:8000/ws",
        &["2:13 warning localhost-127-mismatch"],
    );
    finds("ALLOWED_HOSTS=example.com\nVITE_API_URL=https://api.example.com", &["2:14 error host-not-allowed"]);
}

#[test]
fn the_text_itself_may_be_wrong() {
    finds("\u{feff}CORS_ORIGINS=https://a.example", &["1:1 warning byte-order-mark"]);
    finds("CORS_ORIGINS=https://b.example\nCORS_ORIGINS=https://a.example", &["1:1 warning variable-repeated"]);
    finds("SOCKETIO_CORS_ORIGNS=https://a.example", &["1:1 warning variable-misspelled"]);
    finds("CORS_ORIGINS=\"https://a.example", &["1:14 error line-not-understood"]);
    finds("CORS_ORIGINS=['https://a.example']", &["1:14 warning list-form"]);
    finds("CORS_ORIGINS=https://a.example https://b.example", &["1:14 error list-separator"]);
}

#[test]
fn a_place_is_that_of_the_item_unless_variables_stand_between() {
    let reading = read_all(&[(".env", "H=x\nCORS_ORIGINS=\"https://a.example,https://b.example/\"")]);
    assert_eq!((reading.findings[0].at.column, reading.findings[0].at.width), (33, 18));
    let reading = read_all(&[(".env", "H=b.example\nCORS_ORIGINS=https://a.example,https://${H}/")]);
    assert_eq!((reading.findings[0].at.line, reading.findings[0].at.column), (2, 14));
}

#[test]
fn what_may_be_a_secret_is_not_shown() {
    let reading = read_all(&[(".env", "SECRET_KEY=\"hunter22\nCORS_ORIGINS=https://ops:hunter22@a.example")]);
    assert_eq!(reading.findings.len(), 2);
    for finding in &reading.findings {
        let said = format!("{finding:?} {}", reading.line(&finding.at));
        assert!(!said.contains("hunter22"), "{said}");
    }
}

#[test]
fn a_profile_watches_each_page_that_is_let_in() {
    let env = "SOCKETIO_CORS_ORIGINS=https://app.example.com,https://www.example.com\nSOCKETIO_TRANSPORTS=polling\n\
               VITE_API_URL=https://api.example.com";
    let profiles = read_all(&[(".env", env)]).profiles();
    let socketio: Vec<_> = profiles.iter().filter(|profile| profile.kind == crate::profile::Kind::SocketIo).collect();
    assert_eq!(socketio.len(), 2, "{profiles:#?}");
    for profile in &profiles {
        assert_eq!(crate::profile::check(profile), Ok(Vec::new()), "{}", profile.name);
    }
    assert_eq!(socketio[1].page_url().as_str(), "https://www.example.com/");
    assert_eq!(socketio[1].request.credentials, crate::profile::Credentials::Include);
}

#[test]
fn host_and_port_are_an_address_to_watch_beside_a_list_of_origins_too() {
    let env = "FLASK_HOST=0.0.0.0\nFLASK_PORT=5001\nSOCKETIO_CORS_ORIGINS=http://localhost:3000\n";
    let urls = |env: &str| -> Vec<String> {
        let profiles = read_all(&[(".env", env)]).profiles();
        profiles.iter().map(|profile| format!("{} from {}", profile.url, profile.page_url())).collect()
    };
    assert_eq!(urls(env), ["http://localhost:5001/ from http://localhost:3000/"]);
    // What the pages are built with is where they connect to.
    let built = urls(&format!("{env}VITE_API_URL=https://api.example.com\n"));
    assert!(built.iter().all(|url| url.starts_with("https://api.example.com/")), "{built:?}");
}

#[test]
fn what_can_not_be_read_is_a_problem_with_its_file() {
    let table = Table([(PathBuf::from(".env"), vec![b'a'; 2 * MAX_FILE])].into());
    let input = |path: &str, form| Input { path: path.into(), form };
    let problems = read(&[input(".env", None), input("b.env", None), input("c", None)], &table).problems;
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(said[0].starts_with(".env: it is larger than 4 MiB"), "{said:?}");
    assert!(said[1].starts_with("b.env: it can't be read"), "{said:?}");
    assert!(said[2].starts_with("c: it can't be read"), "{said:?}");
}

#[test]
fn the_advice_to_switch_the_browsers_security_off_is_found_in_a_comment_too() {
    finds("# run chrome --disable-web-security\n", &["1:14 warning web-security-disabled"]);
}

#[test]
fn credentials_that_a_proxy_passes_on_are_not_shown() {
    let line = "    proxy_set_header Authorization \"Basic b3BzOmh1bnRlcg==\";";
    assert_eq!(proxy::shown(line), "    proxy_set_header Authorization …");
    assert_eq!(proxy::shown("auth_basic realm;"), "auth_basic realm;");
}

#[test]
fn of_a_list_and_a_line_without_end_a_part_is_looked_at_and_shown() {
    let list = format!("CORS_ORIGINS={}", "a,".repeat(1_500_000));
    let reading = read_all(&[(".env", &list)]);
    assert!(found(&reading).iter().any(|finding| finding.ends_with("note list-form")));
    let one = "location /ws { proxy_pass http://a; } ";
    let nginx = format!("server {{ {} }}", one.repeat(2_000));
    let reading = read_all(&[("nginx.conf", &nginx)]);
    assert!(reading.findings.iter().all(|finding| reading.line(&finding.at).len() <= MAX_SHOWN));
}

proptest::proptest! {
    #[test]
    fn no_files_together_stop_the_reader(
        env in proptest::collection::vec(proptest::sample::select(WORDS), 0..24),
        nginx in proptest::collection::vec(proptest::sample::select(DIRECTIVES), 0..24),
        apache in proptest::collection::vec(proptest::sample::select(LINES), 0..24),
    ) {
        let files = [(".env", env.concat()), ("nginx.conf", nginx.concat()), ("apache2.conf", apache.join("\n"))];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let reading = read_all(&files);
        for finding in &reading.findings {
            let _ = reading.line(&finding.at);
        }
        for profile in reading.profiles() {
            proptest::prop_assert!(crate::profile::check(&profile).is_ok(), "{profile:?}");
        }
    }
}

const WORDS: &[&str] = &[
    "CORS_ORIGINS=",
    "SOCKETIO_CORS_ORIGINS=",
    "ALLOWED_HOSTS=",
    "FLASK_HOST=",
    "FLASK_PORT=",
    "VITE_WS_URL=",
    "VITE_API_URL=",
    "CORS_ALLOWED_ORIGIN_REGEXES=",
    "CSRF_TRUSTED_ORIGINS=",
    "SESSION_COOKIE_SAMESITE=",
    "SOCKETIO_PING_INTERVAL=",
    "SOCKETIO_TRANSPORTS=",
    "https://a.example",
    "http://localhost:3000",
    "*",
    "ws://[::1]",
    "wss://b.example/ws",
    "null",
    "None",
    "\n",
    "\n",
    ",",
    "[",
    "]",
    "\"",
    "'",
    "65536",
    "-1",
    "1e9",
    "nan",
    ".*",
    "^(",
    "é",
    "https://",
    "/",
    ":443",
    "@",
    "?x#y",
];

const DIRECTIVES: &[&str] = &[
    "http { ",
    "server { ",
    "location /ws { ",
    "location ~ \\.(a|b)$ { ",
    "if ($http_origin ~* a) { ",
    "} ",
    "} ",
    "; ",
    "listen 8080; ",
    "proxy_pass http://a/; ",
    "proxy_set_header Upgrade $http_upgrade; ",
    "proxy_set_header Host $host; ",
    "proxy_read_timeout 9h9; ",
    "add_header Access-Control-Allow-Origin $c always; ",
    "add_header X y; ",
    "map $http_origin $c { ",
    "set $c $http_origin; ",
    "default ''; ",
    "~é $http_origin; ",
    "set $c $c; ",
    "return 301 https://b.example; ",
    "server_name é; ",
    "include *; ",
    "\"",
    "limit_req zone=x; ",
];

const LINES: &[&str] = &[
    "<VirtualHost *:80>",
    "</VirtualHost>",
    "<Location /ws>",
    "</Location>",
    "<IfModule x>",
    "</IfModule>",
    "ProxyPass / ws://a/",
    "ProxyPass /socket.io/ balancer://a/ timeout=é",
    "Header set Access-Control-Allow-Origin %{C}e env=C",
    "Header",
    "SetEnvIf Origin ( C=$0",
    "SetEnvIf Origin .* C=$0",
    "RewriteRule .* - [E=C:%{HTTP:Origin}]",
    "RewriteCond",
    "SSLProtocol é -all",
    "Define A ${A}${A}",
    "Include ${A}",
    "\\",
    "Require all denied",
    "LimitRequestBody -1",
    "RequestHeader unset Origin",
    "ProxyTimeout 99999999999",
    "<",
    ">",
    "\"",
];
