//! A site with a session: `/login` shows a form with a CSRF token and takes it back, `/me` says who one is, `/logout` ends
//! the session. The token is checked as Django does: the field has to be the cookie's value.

use std::time::Duration;

use super::answer::{Answer, Body, cookie, plain};
use super::conn::Head;
use super::shared::Shared;

pub(super) const COOKIE: &str = "lab_session";
const CSRF: &str = "csrftoken";
/// The one account.
pub(super) const USER: &str = "ops";
pub(super) const PASSWORD: &str = "wirewatch";

/// The answer of one of the three pages; `None`: another path.
pub(super) fn answer(head: &Head, shared: &Shared) -> Option<Answer> {
    match (head.path(), &*head.method) {
        ("/login", "POST") => Some(log_in(head, shared)),
        ("/login", _) => Some(form(shared)),
        ("/logout", _) => {
            let mut answer = plain(200, "logged out\n");
            answer.lines.push(format!("Set-Cookie: {COOKIE}=; Path=/; Max-Age=0").into_bytes());
            Some(answer)
        }
        ("/me", _) if cookie(head, COOKIE) == Some(shared.session()) => {
            Some(page(200, "application/json", format!("{{\"user\":\"{USER}\"}}\n")))
        }
        ("/me", _) => Some(plain(401, "not logged in\n")),
        _ => None,
    }
}

fn page(status: u16, kind: &str, text: String) -> Answer {
    Answer {
        lines: vec![format!("Content-Type: {kind}").into_bytes()],
        body: Body::Bytes(text.into_bytes()),
        wait: Duration::ZERO,
        ..plain(status, "")
    }
}

/// The token: the session's value backwards, so that it differs from lab to lab and from the session itself.
fn token(shared: &Shared) -> String {
    shared.session().chars().rev().collect()
}

fn form(shared: &Shared) -> Answer {
    let token = token(shared);
    let html = format!(
        "<!doctype html><title>Sign in</title><form method=post action=/login>\
         <input type=hidden name=csrfmiddlewaretoken value=\"{token}\">\
         <input name=username><input name=password type=password><button>Sign in</button></form>\n"
    );
    let mut answer = page(200, "text/html; charset=utf-8", html);
    answer.lines.push(format!("Set-Cookie: {CSRF}={token}; Path=/; SameSite=Lax").into_bytes());
    answer
}

fn log_in(head: &Head, shared: &Shared) -> Answer {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(&head.body).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| &**value);
    let csrf = cookie(head, CSRF);
    if csrf.is_none() || csrf.as_deref() != Some(field("csrfmiddlewaretoken")) {
        return plain(403, "CSRF verification failed. Request aborted.\n");
    }
    if field("username") != USER || field("password") != PASSWORD {
        // As Django and Flask have it: the form once more.
        return form(shared);
    }
    let mut answer = plain(302, "");
    answer.lines.push(b"Location: /me".to_vec());
    answer
        .lines
        .push(format!("Set-Cookie: {COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", shared.session()).into_bytes());
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(shared: &Shared, method: &str, path: &str, cookies: &str, body: &str) -> Answer {
        let head = Head {
            method: method.into(),
            target: path.into(),
            headers: [("Cookie", cookies)].into_iter().collect(),
            body: body.as_bytes().to_vec(),
            ..Head::default()
        };
        answer(&head, shared).unwrap()
    }

    #[test]
    fn the_right_form_opens_a_session_and_nothing_else_does() {
        let shared = Shared::new();
        let token = token(&shared);
        let csrf = format!("{CSRF}={token}");
        let body = format!("username={USER}&password={PASSWORD}&csrfmiddlewaretoken={token}");
        assert_eq!(ask(&shared, "GET", "/me", "", "").status, 401);
        assert_eq!(ask(&shared, "POST", "/login", "", &body).status, 403);
        let again = ask(&shared, "POST", "/login", &csrf, &body.replace(PASSWORD, "guess"));
        assert_eq!((again.status, again.body), (200, form(&shared).body));
        assert_eq!(ask(&shared, "POST", "/login", &csrf, &body).status, 302);
        let session = format!("{csrf}; {COOKIE}={}", shared.session());
        assert_eq!(ask(&shared, "GET", "/me", &session, "").status, 200);
        shared.end_sessions();
        assert_eq!(ask(&shared, "GET", "/me", &session, "").status, 401);
    }
}
