//! The Channels layer's Redis can't be reached, and each consumer that uses it fails while it connects. From outside it is
//! an exception as any other.

use super::super::upgrade::Refused;
use crate::diagnosis::rule::{Fit, Match, Rule};
use crate::diagnosis::{CauseId, Facts, Fix};

pub(super) const RULE: Rule = Rule { cause: CauseId::ChannelLayerDown, look, fixes };

fn look(facts: &Facts<'_>) -> Fit {
    let Some(refused) = Refused::of(facts).filter(|refused| refused.status == 500) else { return Fit::No };
    if facts.stack_or_guess().is_some_and(|stack| stack != "django-channels") {
        return Fit::No;
    }
    let summary = format!("{}: the channel layer's Redis may be down.", refused.answered());
    let is_channels = refused.is_daphne() || facts.stack_or_guess() == Some("django-channels");
    Fit::CantTell(Match::new(if is_channels { 0.35 } else { 0.25 }, summary))
}

fn fixes(_: &Facts<'_>) -> Vec<Fix> {
    vec![
        Fix::any("Start the Redis of the channel layer, and let the server reach it: the log names it where it can't."),
        redis(),
    ]
}

/// Where Channels finds its Redis.
pub(super) fn redis() -> Fix {
    Fix::at(
        "django-channels",
        "Where the log names the channel layer: start its Redis (redis-cli ping answers PONG), and give CHANNEL_LAYERS its address.",
        "import os\n\nCHANNEL_LAYERS = {\n    \"default\": {\n        \"BACKEND\": \"channels_redis.core.RedisChannelLayer\",\n        \
         \"CONFIG\": {\"hosts\": [os.environ.get(\"REDIS_URL\", \"redis://127.0.0.1:6379/0\")]},\n    },\n}",
    )
}
