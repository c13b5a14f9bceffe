//! What an Engine.IO or Socket.IO server is set to, and the page's client is not.

mod sticky_sessions_missing;
mod upgrades_disabled;

use crate::diagnosis::rule::Rule;

pub(super) const RULES: &[Rule] = &[sticky_sessions_missing::RULE, upgrades_disabled::RULE];
