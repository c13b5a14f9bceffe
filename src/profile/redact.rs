//! A profile that can be shown: credentials that a person wrote into the file in plain text are taken out.
//!
//! Invariant: what is left is still a profile, and names of secrets, headers, cookies and fields stay.

use url::Url;

use super::model::{Auth, Profile, Proxy, Setting};
use crate::base::secret::REDACTED;

/// The profile without the credentials in it.
pub fn without_credentials(profile: &Profile) -> Profile {
    let mut shown = profile.clone();
    hide_password(&mut shown.url);
    if let Proxy::Url(url) = &mut shown.network.proxy {
        hide_password(url);
    }
    match &mut shown.auth {
        Auth::None => {}
        Auth::Bearer(value) => hide(value),
        Auth::Cookie(value) => hide_cookies(value),
        Auth::Query(pairs) => pairs.iter_mut().for_each(|(_, value)| hide(value)),
        Auth::Login(login) => {
            let secret = |name: &str| {
                let lower = name.to_ascii_lowercase();
                ["pass", "secret", "token", "pin", "otp"].iter().any(|word| lower.contains(word))
            };
            login.fields.iter_mut().filter(|(name, _)| secret(name)).for_each(|(_, value)| hide(value));
        }
    }
    for (name, value) in &mut shown.request.headers {
        let lower = name.to_ascii_lowercase();
        if lower == "cookie" {
            hide_cookies(value);
        } else if ["authorization", "token", "api-key", "apikey", "secret"].iter().any(|word| lower.contains(word)) {
            hide(value);
        }
    }
    shown
}

fn hide(value: &mut Setting) {
    if let Setting::Plain(text) = value
        && !text.is_empty()
    {
        *text = REDACTED.into();
    }
}

/// `a=1; b=2` → `a=[redacted]; b=[redacted]`.
fn hide_cookies(value: &mut Setting) {
    if let Setting::Plain(text) = value {
        let pair = |pair: &str| match pair.split_once('=') {
            Some((name, _)) => format!("{}={REDACTED}", name.trim()),
            None => REDACTED.to_owned(),
        };
        *text = text.split(';').map(pair).collect::<Vec<_>>().join("; ").into();
    }
}

fn hide_password(url: &mut Url) {
    if url.password().is_some() {
        // Only an address without a host refuses, and none of these is one.
        let _ = url.set_password(Some("redacted"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{parse, update};

    #[test]
    fn credentials_in_plain_text_go_and_everything_else_stays() {
        for (auth, expected) in [
            ("bearer = \"canary\" # mine", "bearer = \"[redacted]\" # mine"),
            ("cookie = \"sid=canary; theme=canary\"", "cookie = \"sid=[redacted]; theme=[redacted]\""),
            ("query = { token = \"canary\" }", "query = { token = \"[redacted]\" }"),
            ("bearer = { secret = \"name\" }", "bearer = { secret = \"name\" }"),
        ] {
            let text = |auth: &str, password: &str, key: &str| {
                format!(
                    "name = \"A\"\nkind = \"http\"\nurl = \"https://u:{password}@a.test/\"\n\n[request]\nheaders = {{ X-Api-Key = \"{key}\", X-B = \"b\" }}\n\n[auth]\n{auth}\n"
                )
            };
            let original = text(auth, "canary", "canary");
            let profile = parse(&original, None).unwrap().0;
            let shown = update(&original, &without_credentials(&profile)).unwrap();
            assert_eq!(shown, text(expected, "redacted", "[redacted]"));
        }
    }
}
