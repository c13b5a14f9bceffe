//! The same from what was recorded: a check's exchanges tell which cookies were left out, and why.

use url::Url;

use super::super::{Credentials, Memory, Page};
use super::{Context, Excluded, Trail};
use crate::base::Wall;
use crate::wire::{Exchange, Purpose};

/// What the exchanges of one request of `page` left out, from an empty jar on. `now`: when they were made.
pub fn left_out<'a>(
    page: &Page,
    credentials: Credentials,
    exchanges: impl IntoIterator<Item = &'a Exchange>,
    now: Wall,
) -> Vec<Excluded> {
    let (mut memory, mut trail, mut way) = (Memory::default(), Trail::default(), Vec::<Url>::new());
    let mut home = true;
    for (at, exchange) in exchanges.into_iter().enumerate() {
        let request = &exchange.request;
        match (request.purpose, &exchange.result) {
            (Purpose::Preflight | Purpose::Asked(_), _) | (Purpose::SignIn, Err(_)) => continue,
            (Purpose::SignIn, Ok(response)) => {
                let context = Context::of_navigation(page.browser, &request.url);
                trail.excluded.extend(memory.jar.receive(&context, &request.url, &response.headers, now, at).excluded);
                continue;
            }
            (Purpose::Actual | Purpose::Handshake, _) => {}
        }
        way.push(request.url.clone());
        home &= page.is_same_origin(&request.url);
        let include = match (request.purpose, credentials) {
            (Purpose::Handshake, _) | (_, Credentials::Include) => true,
            (_, Credentials::SameOrigin) => home,
            (_, Credentials::Omit) => false,
        };
        if include {
            trail.send(&mut memory, page, &way, now, at);
            if let Ok(response) = &exchange.result {
                trail.receive(&mut memory.jar, page, &way, &response.headers, now, at);
            }
        }
    }
    trail.excluded
}
