//! Apache configurations, alone and beside a `.env`: who is let in, and what is said about them.

use crate::serverconf::tests::{found, let_in, read_all};
use crate::serverconf::{Guarded, Reading};

fn apache(text: &str) -> Reading {
    read_all(&[("apache2.conf", text)])
}

fn rules(reading: &Reading) -> Vec<String> {
    assert_eq!(reading.problems, []);
    found(reading).iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

#[track_caller]
fn lets_in(text: &str, origins: &str, expected: &[&str]) {
    let reading = apache(text);
    assert_eq!(let_in(&reading, Guarded::HttpCors), origins);
    assert_eq!(rules(&reading), expected, "{:#?}", reading.findings);
}

#[track_caller]
fn finds(text: &str, expected: &[&str]) {
    let reading = apache(text);
    assert_eq!(rules(&reading), expected, "{:#?}", reading.findings);
}

const VARY: &str = "Header always merge Vary Origin\n";

#[test]
fn a_header_lets_one_page_in_or_all() {
    let one = "Header always set Access-Control-Allow-Origin https://a.example";
    lets_in(one, "https://a.example", &[]);
    lets_in("Header always set Access-Control-Allow-Origin \"*\"", "any", &[]);
    let credentials = "\nHeader always set Access-Control-Allow-Credentials true";
    lets_in(
        &format!("Header always set Access-Control-Allow-Origin \"*\"{credentials}"),
        "any",
        &["error wildcard-with-credentials"],
    );
    let reflect = format!("{VARY}Header always set Access-Control-Allow-Origin expr=%{{req:Origin}}{credentials}");
    lets_in(&reflect, "reflected", &["error reflects-any-origin-with-credentials"]);
    lets_in(&one.replace("always ", ""), "https://a.example", &["warning error-response-without-cors"]);
    lets_in(&format!("{one}/"), "none", &["error origin-with-path"]);
}

#[test]
fn a_variable_of_the_origin_is_a_list() {
    let set = "SetEnvIf Origin \"^https://(app|www)\\.example\\.com$\" CORS=$0\n";
    let header = "Header always set Access-Control-Allow-Origin \"%{CORS}e\" env=CORS\n";
    let two = "https://app.example.com https://www.example.com";
    lets_in(&format!("{set}{header}{VARY}"), two, &[]);
    lets_in(&format!("{set}{header}"), two, &["warning vary-origin-missing"]);
    let wide = set.replace("^https://(app|www)\\.", "").replace("com$", "com");
    lets_in(&format!("{wide}{header}{VARY}"), "/example\\.com/", &["error origin-pattern-too-wide"]);
    let flag = "SetEnvIf Origin ^https://a\\.example$ OK\n\
                Header always set Access-Control-Allow-Origin expr=%{req:Origin} env=OK\n";
    lets_in(&format!("{flag}{VARY}"), "https://a.example", &[]);
    let rewrite = "RewriteEngine On\nRewriteCond %{HTTP:Origin} ^https://b\\.example$\n\
                   RewriteRule .* - [E=CORS:%{HTTP:Origin}]\n";
    lets_in(&format!("{rewrite}{header}{VARY}"), "https://b.example", &[]);
}

#[test]
fn a_header_goes_out_once() {
    let add = "Header always set Access-Control-Allow-Origin https://a.example\n\
               Header always add Access-Control-Allow-Origin https://b.example";
    finds(add, &["error duplicate-cors-headers"]);
    finds(&add.replace("always add", "set"), &["error duplicate-cors-headers"]);
    finds(&add.replace("always add", "always set"), &[]);
    let proxied = "<VirtualHost *:80>\nProxyPass / http://127.0.0.1:1/\n\
                   Header always set Access-Control-Allow-Origin https://a.example\n</VirtualHost>";
    let env = (".env", "CORS_ORIGINS=https://a.example");
    assert_eq!(rules(&read_all(&[env, ("apache2.conf", proxied)])), ["error duplicate-cors-headers"]);
    finds(proxied, &[]);
}

#[test]
fn an_upgrade_is_asked_for_where_the_first_pass_fits() {
    let host = "ProxyPreserveHost On\n";
    finds(&format!("{host}ProxyPass /ws http://127.0.0.1:1/ws upgrade=websocket"), &[]);
    finds(&format!("{host}ProxyPass /ws ws://127.0.0.1:1/ws"), &[]);
    finds(&format!("{host}ProxyPass /ws http://127.0.0.1:1/ws"), &["error proxy-drops-upgrade"]);
    let shadowed = format!("{host}ProxyPass / http://127.0.0.1:1/\nProxyPass /ws ws://127.0.0.1:1/ws");
    let reading = apache(&shadowed);
    assert_eq!(found(&reading), ["3:1 error proxy-drops-upgrade"], "{:#?}", reading.findings);
    let rewritten = "RewriteEngine On\nRewriteCond %{HTTP:Upgrade} websocket [NC]\n\
                     RewriteRule ^/(.*) ws://127.0.0.1:1/$1 [P,L]\n";
    finds(&format!("{host}{rewritten}ProxyPass /socket.io/ http://127.0.0.1:1/socket.io/"), &[]);
    let section = format!("{host}<Location /ws>\nProxyPass http://127.0.0.1:1/ws\n</Location>");
    finds(&section, &["error proxy-drops-upgrade"]);
}

#[test]
fn a_proxy_passes_on_what_it_was_given_and_waits() {
    let pass = "ProxyPass /ws http://127.0.0.1:1/ws upgrade=websocket\n";
    finds(pass, &["note host-not-forwarded"]);
    let django = read_all(&[(".env", "ALLOWED_HOSTS=api.example.com"), ("apache2.conf", pass)]);
    assert_eq!(rules(&django), ["error host-not-forwarded"]);
    let kept = format!("ProxyPreserveHost On\n{pass}");
    finds(&format!("{kept}RequestHeader unset Origin"), &["error origin-stripped-by-proxy"]);
    finds(&format!("{kept}RequestHeader set Origin http://127.0.0.1"), &["error origin-not-validated"]);
    finds(&format!("{kept}ProxyTimeout 20"), &["warning proxy-idle-timeout"]);
    let socketio = kept.replace("/ws", "/socket.io/");
    finds(&format!("{socketio}ProxyTimeout 20"), &["error proxy-idle-timeout"]);
    finds(&format!("{socketio}ProxyTimeout 60\nLimitRequestBody 1024"), &["warning body-too-large"]);
    let auth = "<Location /socket.io/>\nAuthType Basic\nRequire valid-user\n</Location>\n";
    finds(&format!("{socketio}{auth}"), &["warning http-auth-required"]);
    finds(&format!("{socketio}<Location />\nRequire all denied\n</Location>"), &["error origin-not-allowed"]);
}

#[test]
fn a_balancer_keeps_a_session_with_one_process() {
    let two = "ProxyPreserveHost On\n<Proxy balancer://app>\nBalancerMember http://127.0.0.1:1\n\
               BalancerMember http://127.0.0.1:2\n</Proxy>\n\
               ProxyPass /socket.io/ balancer://app/socket.io/ upgrade=websocket";
    finds(two, &["error sticky-sessions-missing"]);
    finds(&format!("{two} stickysession=ROUTEID"), &[]);
}

#[test]
fn tls_versions_add_up_as_apache_adds_them() {
    finds("SSLProtocol all -SSLv3", &["warning old-tls-versions"]);
    finds("SSLProtocol all -TLSv1 -TLSv1.1", &[]);
    finds("SSLProtocol -all +TLSv1.2 +TLSv1.3", &[]);
    finds("SSLProtocol TLSv1.1", &["error tls-version-unsupported"]);
}

#[test]
fn the_first_lines_tell_what_a_file_is() {
    use crate::serverconf::Form;
    let told = |text| Form::of_text(text);
    assert_eq!(told("# c\n<VirtualHost *:80>\nServerName a\n</VirtualHost>"), Some(Form::Apache));
    assert_eq!(told("server {\n listen 80;\n}"), Some(Form::Nginx));
    assert_eq!(told("A=1\nexport B_C = x;"), Some(Form::Env));
    assert_eq!(told("hello"), None);
}

#[test]
fn a_virtual_hosts_sockets_are_watched_by_name() {
    let text = "<VirtualHost *:8443>\nServerName api.example.com\nSSLEngine on\nProxyPreserveHost On\n\
                ProxyPass /ws http://127.0.0.1:1/ws upgrade=websocket\n</VirtualHost>";
    let profiles = apache(text).profiles();
    let urls: Vec<&str> = profiles.iter().map(|profile| profile.url.as_str()).collect();
    assert_eq!(urls, ["wss://api.example.com:8443/ws"]);
}
