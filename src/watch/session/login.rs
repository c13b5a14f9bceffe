//! Where the profile has a login: a refusal for want of credentials means that its session is over.

use super::{Effect, Session};
use crate::base::Moment;
use crate::watch::meaning::wants_sign_in;
use crate::watch::{EventBody, Reason, SignInStep, State};

impl Session {
    /// Signs out after such a refusal, and dials at once, which signs in again. False: it is no such refusal, or the second in
    /// a row. After that slow attempts go on, each with a sign-in of its own; a connection that is open and lacks a part
    /// stays.
    pub(super) fn sign_in_again(&mut self, reason: &Reason, now: Moment, out: &mut Vec<Effect>) -> bool {
        let mends = self.rules.signs_in() && wants_sign_in(reason);
        if !mends || (self.renewed && self.is_open()) {
            return false;
        }
        let first = !std::mem::replace(&mut self.renewed, true);
        if first {
            if self.is_open() {
                self.drop_connection(Some(1000), now, out);
            }
            self.set_state(State::AuthRequired, Some(reason.clone()), out);
        }
        let expired = EventBody::SignIn { step: SignInStep::Expired, exchange: None, reason: Some(reason.clone()) };
        out.extend([Effect::SignOut, Effect::Emit(expired)]);
        if first {
            self.dial(out);
        }
        first
    }
}
