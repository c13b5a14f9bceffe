//! A case as it is run: URLs read, the page made, each request in the terms of its API.

use std::time::Duration;

use url::Url;

use super::case::{Api, Asked, Case};
use crate::browser::eventsource::Source;
use crate::browser::websocket::Socket;
use crate::browser::{Credentials, Interface, Page, ScriptRequest, Xhr};

/// One case, resolved.
#[derive(Debug)]
pub struct Plan {
    pub page: Page,
    /// `Set-Cookie` fields that navigations to these URLs bring first.
    pub cookies: Vec<(Url, Vec<u8>)>,
    /// Each with how long to wait after it.
    pub before: Vec<(Ask, Duration)>,
    pub ask: Ask,
}

/// What the script asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    Fetch(ScriptRequest),
    Xhr(Xhr),
    /// With how long to watch it.
    EventSource(Source, Duration),
    /// A URL with a scheme that is none all the same: the interface throws.
    Unparsable(Interface, String),
    /// With how long to stay once it is open.
    Socket(Socket, Duration),
}

impl Plan {
    /// Reads one line of the input.
    ///
    /// # Errors
    /// What is wrong with it, by the field's name.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        Case::read(line).map_err(|refusal| refusal.error).and_then(Self::of)
    }

    /// Resolves a case, or names the field that is wrong.
    pub(super) fn of(case: Case) -> Result<Self, String> {
        let Case { own, before, asked } = case;
        let page = url("page", &own.page)?;
        if !matches!(page.scheme(), "http" | "https") {
            return Err(format!("page: {:?} is no http or https URL", own.page));
        }
        let mut cookies = Vec::with_capacity(own.cookies.len());
        for (at, cookie) in own.cookies.iter().enumerate() {
            cookies.push((url(&format!("cookies[{at}].url"), &cookie.url)?, field_bytes(&cookie.set_cookie)));
        }
        let mut earlier = Vec::with_capacity(before.len());
        for (at, (wait, asked)) in before.into_iter().enumerate() {
            earlier.push((ask(&format!("before[{at}]."), asked)?, milliseconds(wait.wait_ms)));
        }
        let page = Page::new(page, own.browser).with_csp(own.csp.as_deref(), own.csp_report_only.as_deref());
        Ok(Self { page, cookies, before: earlier, ask: ask("", asked)? })
    }
}

fn ask(place: &str, asked: Asked) -> Result<Ask, String> {
    let url = match Url::parse(&asked.url) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => url(&format!("{place}url"), &asked.url)?,
        Err(_) => return Ok(Ask::Unparsable(asked.api.interface(), asked.url)),
    };
    match asked.api {
        Api::Fetch => Ok(Ask::Fetch(ScriptRequest {
            url,
            method: asked.method,
            headers: asked.headers.0,
            body: asked.body,
            mode: asked.mode,
            credentials: asked.credentials,
            redirect: asked.redirect,
        })),
        Api::WebSocket => {
            let socket = Socket { url, protocols: asked.protocols, extra: Vec::new() };
            Ok(Ask::Socket(socket, milliseconds(asked.observe_ms)))
        }
        Api::Xhr => Ok(Ask::Xhr(Xhr {
            url,
            method: asked.method,
            headers: asked.headers.0,
            body: asked.body,
            with_credentials: asked.credentials == Credentials::Include,
        })),
        Api::EventSource => {
            let source = Source { url, with_credentials: asked.credentials == Credentials::Include };
            Ok(Ask::EventSource(source, milliseconds(asked.observe_ms)))
        }
    }
}

fn url(field: &str, written: &str) -> Result<Url, String> {
    Url::parse(written).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => {
            format!("{field}: {written:?} is no whole URL: write it with its scheme and host")
        }
        error => format!("{field}: {written:?} is no URL: {error}"),
    })
}

/// A field's bytes: one for each character where there is one for it, else UTF-8.
fn field_bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|character| u8::try_from(character).ok())
        .collect::<Option<Vec<u8>>>()
        .unwrap_or_else(|| text.into())
}

fn milliseconds(given: f64) -> Duration {
    Duration::from_secs_f64(given / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(line: &str, expected: &str) {
        let error = Plan::of(Case::read(line.as_bytes()).unwrap()).unwrap_err();
        assert!(error.contains(expected), "{line}: {error}");
    }

    #[test]
    fn a_url_that_is_none_is_told_with_its_field() {
        refused(r#"{"id": "a", "page": "app.test", "url": "http://api.test/"}"#, "page: \"app.test\" is no whole URL");
        refused(r#"{"id": "a", "page": "data:,x", "url": "http://api.test/"}"#, "page: \"data:,x\" is no http");
        refused(
            r#"{"id": "a", "page": "http://", "url": "http://api.test/"}"#,
            "page: \"http://\" is no URL: empty host",
        );
        let before = r#"{"id": "a", "page": "http://a.test/", "url": "http://b.test/", "before": [{"url": "x"}]}"#;
        refused(before, "before[0].url: \"x\" is no whole URL");
    }

    #[test]
    fn a_url_that_a_script_may_well_write_is_for_its_browser_to_judge() {
        let line = r#"{"id": "a", "page": "http://app.test/", "url": "ws://", "api": "websocket"}"#;
        let plan = Plan::of(Case::read(line.as_bytes()).unwrap()).unwrap();
        assert_eq!(plan.ask, Ask::Unparsable(Interface::WebSocket, "ws://".into()));
    }
}
