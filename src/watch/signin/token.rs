//! The token against cross-site request forgery: where a page keeps it, and how it goes back.

use percent_encoding::percent_decode_str;
use url::Url;

use super::Refusal;
use crate::browser::Document;
use crate::browser::cookie::Jar;
use crate::browser::form::Form;

/// What stands for "find it yourself".
pub(super) const AUTO: &str = "auto";
/// Names under which frameworks put it into a form: Flask-WTF, Django, Spring and Express, Rails, Laravel.
const FIELDS: [&str; 5] = ["csrf_token", "csrfmiddlewaretoken", "_csrf", "authenticity_token", "_token"];
/// Names of a `meta` element that holds it for scripts.
const METAS: [&str; 3] = ["csrf-token", "csrf_token", "_csrf"];
/// Cookies that hold it for scripts, the field that takes it, and the header: Django; Angular, axios, Spring and Laravel.
const COOKIES: [(&str, &str, &[&str]); 2] =
    [("csrftoken", "csrfmiddlewaretoken", &["X-CSRFToken"]), ("XSRF-TOKEN", "_csrf", &["X-XSRF-TOKEN"])];

/// A token that stands beside the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) field: String,
    pub(super) value: String,
    /// Headers in which a script sends it too.
    pub(super) headers: &'static [&'static str],
}

/// The token that has to go with the form and is none of its controls. `"auto"`: whichever there is, and none is fine.
pub(super) fn find(
    csrf: Option<&str>,
    document: &Document,
    form: Option<&Form>,
    jar: &Jar,
    page: &Url,
) -> Result<Option<Token>, Refusal> {
    let holds = |name: &str| form.and_then(|form| form.value(name)).is_some_and(|value| !value.is_empty());
    // As scripts read it: servers write it percent-encoded.
    let cookie = |name: &str| {
        let value = jar.value(page, name)?;
        Some(percent_decode_str(&value).decode_utf8_lossy().into_owned())
    };
    match csrf {
        None => Ok(None),
        Some(AUTO) if FIELDS.iter().any(|name| holds(name)) => Ok(None),
        Some(AUTO) => {
            let meta = METAS.iter().find_map(|name| document.meta(name)).map(|value| Token {
                // Rails names the field itself.
                field: document.meta("csrf-param").unwrap_or("csrf_token").to_owned(),
                value: value.to_owned(),
                headers: &["X-CSRF-Token", "X-CSRFToken"],
            });
            let by_cookie = |(name, field, headers): &(&str, &str, &'static [&str])| {
                Some(Token { field: (*field).to_owned(), value: cookie(name)?, headers })
            };
            Ok(meta.or_else(|| COOKIES.iter().find_map(by_cookie)))
        }
        Some(name) if holds(name) => Ok(None),
        Some(name) => {
            let elsewhere = document.forms.iter().find_map(|form| form.value(name).filter(|value| !value.is_empty()));
            let value = elsewhere.or_else(|| document.meta(name)).map(str::to_owned).or_else(|| cookie(name));
            let value = value.ok_or(Refusal::TokenMissing)?;
            Ok(Some(Token { field: name.to_owned(), value, headers: &[] }))
        }
    }
}
