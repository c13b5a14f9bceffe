//! Servers that let in whoever asks: nothing fails by it, and any site can use the person's session.

mod origin_not_validated;
mod reflects_any_origin_with_credentials;

use crate::diagnosis::rule::Rule;

pub(super) const RULES: &[Rule] = &[reflects_any_origin_with_credentials::RULE, origin_not_validated::RULE];
