//! A WebSocket that takes the person's cookie from any page.

use crate::diagnosis::ask::FOREIGN;
use crate::diagnosis::fixes::origins;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::rules::upgrade::was_closed;
use crate::diagnosis::{CauseId, Facts, Fix, Severity};
use crate::wire::{Ask, Exchange, Purpose};

pub(super) const RULE: Rule = Rule { cause: CauseId::OriginNotValidated, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    if facts.reason.is_some() {
        return Fit::No;
    }
    let Some(own) = facts.exchanges.iter().find(|exchange| exchange.request.purpose == Purpose::Handshake) else {
        return Fit::No;
    };
    // Without a cookie there is nothing of the person's that a foreign page could use.
    if own.status() != Some(101) || !has_cookie(own) {
        return Fit::No;
    }
    match facts.asked_status(Ask::ForeignOrigin) {
        None if facts.asked(Ask::ForeignOrigin).is_none() => {
            Fit::CantTell(Match::new(0.1, "").asks(&[Ask::ForeignOrigin]))
        }
        Some(101) if facts.asked(Ask::ForeignOrigin).is_some_and(was_closed) => Fit::No,
        Some(101) => Fit::Warns(
            Severity::High,
            Match::new(
                0.95,
                format!(
                    "{} opens its WebSocket to any page, {FOREIGN} too, with the person's cookie: a foreign site can act in their name.",
                    facts.host()
                ),
            )
            .sign(format!("101 to Origin: {FOREIGN}")),
        ),
        _ => Fit::No,
    }
}

fn has_cookie(exchange: &Exchange) -> bool {
    exchange.request.headers.contains("cookie")
}

fn fixes(facts: &Facts<'_>) -> Vec<Fix> {
    let origin = facts.origin();
    let mut fixes = vec![Fix::any(format!(
        "Check the Origin of the handshake against a list, {origin} among them, before the socket is accepted."
    ))];
    fixes.push(Fix::at(
        "fastapi",
        "CORSMiddleware does not see WebSockets: refuse what is not in the list before a handshake reaches its route.",
        format!(
            "class OriginCheck:\n    def __init__(self, app):\n        self.app = app\n\n    \
             async def __call__(self, scope, receive, send):\n        \
             origin = dict(scope.get(\"headers\", [])).get(b\"origin\", b\"\").decode()\n        \
             if scope[\"type\"] == \"websocket\" and origin not in [\"{origin}\"]:\n            \
             await send({{\"type\": \"websocket.close\", \"code\": 1008}})\n            return\n        \
             await self.app(scope, receive, send)\n\n\napp.add_middleware(OriginCheck)"
        ),
    ));
    fixes.push(Fix::at(
        "django-channels",
        "In asgi.py: AllowedHostsOriginValidator lets pages of ALLOWED_HOSTS in alone.",
        "application = ProtocolTypeRouter({\n    \"http\": django_asgi_app,\n    \
         \"websocket\": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),\n})",
    ));
    let own = |fix: &Fix| !matches!(fix.stack, "fastapi" | "django-channels");
    fixes.extend(origins::named(facts).into_iter().filter(own));
    fixes
}
