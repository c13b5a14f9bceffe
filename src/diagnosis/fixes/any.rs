//! The advice that holds whatever serves the endpoint.

use crate::browser::cookie::Why;
use crate::browser::local_network::Decision;
use crate::diagnosis::ask::other_slash;
use crate::diagnosis::{CauseId, Facts};
use crate::watch::signin::Refusal;

/// One or two sentences; `None` where only the server's own log can tell.
pub(super) fn advice(cause: CauseId, facts: &Facts<'_>) -> Option<String> {
    let (origin, url) = (facts.origin(), facts.url);
    let name = url.host_str().unwrap_or_default();
    let path = url.path();
    let secure = match url.scheme() {
        "ws" => "wss",
        "http" => "https",
        other => other,
    };
    Some(match cause {
        CauseId::Ok => return None,
        CauseId::AuthRequired => match facts.reason.and_then(|reason| reason.close) {
            Some(close) => format!("Sign in before connecting, or send the credentials in the way that the server reads; {close} is its refusal of missing auth."),
            None => "Sign in first, or send the credentials (auth) in the way that the server reads: a cookie, a header, a token.".to_owned(),
        },
        CauseId::SamesiteBlocksCookie => format!(
            "Serve the page and {name} from one site; else set {} with SameSite=None and Secure, and guard every route that changes something against cross-site requests.",
            cookie(facts, cause)
        ),
        CauseId::SamesiteNoneWithoutSecure => format!("Set {} with Secure too, over https.", cookie(facts, cause)),
        CauseId::SecureCookieOverHttp => format!("Use {secure}:// for {name}: {} is Secure and travels over TLS alone.", cookie(facts, cause)),
        CauseId::CookieDomainMismatch => format!("Leave Domain out of {}, or write {name} or its parent domain there.", cookie(facts, cause)),
        CauseId::CookiePathMismatch => format!("Set {} with Path=/.", cookie(facts, cause)),
        CauseId::LocalNetworkAccess => match facts.beside.local_network.map(|local| local.decision) {
            Some(Decision::Refuses) => "Serve the page over https: a page over http can't even ask.".to_owned(),
            _ => "Tell people to allow it when they are asked (later by the icon at the left of the address); in a company the policy LocalNetworkAccessAllowedForUrls allows it for them.".to_owned(),
        },
        CauseId::SessionMissing if facts.lost_by(cause).is_some() => missing_for(facts),
        CauseId::SessionMissing => "Sign in again; check that the session cookie is set for this host and sent (SameSite, Secure, Domain, credentials: \"include\").".to_owned(),
        CauseId::LoginFailed => match facts.reason.and_then(Refusal::of) {
            Some(Refusal::FormMissing) => "Give the profile's `auth.login.url` the page that has the form, and its `fields` the names of the form's inputs; where there is no such page, take `csrf` out.".to_owned(),
            Some(Refusal::FormInsecure) => "Let the form's action be https, as its page is.".to_owned(),
            Some(Refusal::CookieMissing | Refusal::CookieRefused | Refusal::SignedOut) => "Sign in by hand with the browser's network panel open and compare: which cookie comes, and whether it is stored (Secure, SameSite, Domain).".to_owned(),
            _ => "Check the name and the password that the profile's `auth.login.fields` give, by hand and in a private window; an account may be locked after many attempts.".to_owned(),
        },
        CauseId::InsufficientPermissions => "Give the user the right that this needs, or use another user.".to_owned(),
        CauseId::CsrfFailed => format!("Send the CSRF token with the request, and name {origin} among the trusted origins."),
        CauseId::TokenMissing => "Send the token that the server expects (often ?token=… on a WebSocket, where scripts can set no header).".to_owned(),
        CauseId::TokenInvalid => "Get a new token: this one does not verify. Check that issuer and server have the same key and algorithm.".to_owned(),
        CauseId::TokenExpired => "Get a new token: this one has expired. Renew it before each reconnection.".to_owned(),
        CauseId::TooManyConnections => "Connect less often: keep one connection, back off, honour Retry-After; or raise the rate limit for this client.".to_owned(),
        CauseId::ConcurrentConnectionLimit => "Close connections that are no longer needed, or raise the server's limit of connections.".to_owned(),
        CauseId::ServerOverloaded => "Back off and try again later; give the server more room, or spread the clients.".to_owned(),
        CauseId::ServiceRestart => "Nothing: the server restarts. Reconnect with back-off and jitter.".to_owned(),
        CauseId::HostNotAllowed => format!("Add {name} to ALLOWED_HOSTS (or to the trusted hosts of the framework)."),
        CauseId::NotFound => format!("Check the path {path}, and that the answer 404 is not of another server than the one you mean."),
        CauseId::ServerException if facts.is_websocket() && facts.stack_or_guess() == Some("django-channels") => {
            "Read the server's log at that time: it names the exception behind the 500 (or 1011). With Channels, check that \
             the channel layer's Redis can be reached, and that a route matches the path."
                .to_owned()
        }
        CauseId::ServerException => {
            "Read the server's log at that time: it names the exception behind the 500 (or 1011).".to_owned()
        }
        CauseId::WebsocketRouteMissing => format!("Check the path {path} (its last slash too) against the server's WebSocket routes."),
        CauseId::WebsocketTrailingSlash => format!("Try {} instead: the route has the other form of the last slash.", other_slash(path)),
        CauseId::MessageTooLarge => "Send smaller messages, or raise the limit on both sides.".to_owned(),
        CauseId::AcceptedThenSilent => "Look in the server's log for what it does after accepting; a firewall that swallows frames looks the same.".to_owned(),
        CauseId::ServerDisconnectsClient => match facts.reason.and_then(|reason| reason.close) {
            Some(close) => format!("The server closes on purpose ({close}): its log says why."),
            None => "The server closes on purpose: its log says why.".to_owned(),
        },
        _ => return None,
    })
}

/// The cookie in question, for a sentence.
fn cookie(facts: &Facts<'_>, cause: CauseId) -> String {
    facts.lost_by(cause).map_or_else(|| "the session's cookie".to_owned(), |lost| format!("the cookie {}", lost.name))
}

/// What mends a session's cookie that no cause of its own stands for.
fn missing_for(facts: &Facts<'_>) -> String {
    let name = cookie(facts, CauseId::SessionMissing);
    let host = facts.url.host_str().unwrap_or_default();
    match facts.lost_by(CauseId::SessionMissing).map(|lost| lost.why) {
        Some(Why::ThirdParty | Why::Partition) => {
            format!(
                "Serve the page and {host} from one site: cookies of other sites don't reach it; or send a token in place of {name}."
            )
        }
        Some(Why::Prefix) => format!(
            "Set {name} with what its prefix promises: __Secure- wants Secure; __Host- wants Secure, Path=/ and no Domain."
        ),
        Some(Why::Expired) => {
            format!("Set {name} with a Max-Age or an Expires that lies ahead, and look at the server's clock.")
        }
        _ => format!("Set {name} with a name and a value of plain characters, 4096 bytes together at most."),
    }
}
