//! One check of a Socket.IO profile: a connection of its own, beside the session: opened, every namespace asked, moved to the
//! WebSocket where it would be, stayed with as long as told, and left.

use std::sync::Arc;
use std::time::Duration;

use super::{Line, News};
use crate::base::{Clock, Moment};
use crate::browser::Answer;
use crate::engine::login::SignInTold;
use crate::engine::probe::{Manner, Probed};
use crate::engine::redact;
use crate::engine::target::Target;
use crate::watch::meaning::wants_sign_in;
use crate::watch::surroundings::Reach;
use crate::watch::{
    CheckReport, CloseFacts, Code, End, EventBody, Evidence, Reason, SignInStep, SocketChange, SocketStep, Verdict,
    judge,
};
use crate::wire::{Exchange, Phases, Purpose};

/// What came of it so far.
#[derive(Default)]
struct Seen {
    exchanges: Vec<Arc<Exchange>>,
    steps: Vec<SocketStep>,
    console: Option<Box<str>>,
    preflighted: bool,
    reach: Option<Reach>,
    /// From the beginning to the last namespace's answer.
    up_after: Option<Duration>,
    lacking: Option<Reason>,
    over: Option<(CloseFacts, Reason)>,
    /// The steps of the login, where it was made or tried for this check.
    sign_in: Vec<SignInTold>,
}

/// The most exchanges that a report keeps: the first ones, which open the connection.
const EXCHANGES: usize = 32;

/// Makes one; the secrets are still in its report.
pub(in crate::engine) async fn check(target: &Arc<Target>, manner: Manner, clock: Clock) -> Probed {
    let started = clock.now();
    let (Ok(_), Some(mut line)) = (target.client(), Line::new(target, clock, None)) else {
        let reason = target.client().err().cloned().unwrap_or_else(|| Reason::new(Code::NetworkConfiguration));
        return report(Seen::default(), Verdict::unknown(reason), started, manner);
    };
    let stay = manner.observe.unwrap_or(target.profile.observe);
    let mut told = Vec::new();
    // What the check before was signed in with, and is refused now, is renewed once.
    loop {
        let mut seen = Seen::default();
        let begun = clock.now();
        run(&mut line, &mut seen, begun, stay, clock).await;
        let is_new = !seen.sign_in.is_empty();
        told.append(&mut seen.sign_in);
        let total = clock.mono().saturating_duration_since(begun.mono);
        let verdict = verdict_of(target, &seen, total);
        let over = verdict.reason.clone().filter(|reason| target.rules().signs_in() && wants_sign_in(reason));
        match over {
            Some(reason) if !is_new && target.sign_out(line.entry(), clock.mono()) => {
                let exchange = seen.exchanges.pop();
                told.push(SignInTold { step: SignInStep::Expired, exchange, reason: Some(reason) });
            }
            _ => {
                seen.sign_in = told;
                return report(seen, verdict, started, manner);
            }
        }
    }
}

async fn run(line: &mut Line, seen: &mut Seen, started: Moment, stay: Duration, clock: Clock) {
    line.start();
    loop {
        let now = clock.mono();
        let settled = line.client().is_up() && !line.client().is_upgrading();
        let content = line.client().has_what_it_expects();
        let leave = seen.up_after.map(|up| started.mono + up + stay);
        if seen.over.is_some() {
            return;
        }
        if settled && content && leave.is_some_and(|leave| leave <= now) {
            for news in line.hang_up(true).await {
                seen.take(news, line, started, clock);
            }
            return line.part().await;
        }
        let over = leave.filter(|_| settled && content);
        let raw = line.wait(over).await;
        for news in line.act(raw).await {
            seen.take(news, line, started, clock);
        }
    }
}

impl Seen {
    fn take(&mut self, news: News, line: &Line, started: Moment, clock: Clock) {
        let at = clock.mono().saturating_duration_since(started.mono);
        match news {
            News::SignedIn(told) => {
                self.exchanges.extend(told.iter().filter_map(|told| told.exchange.clone()));
                self.sign_in = told;
            }
            News::Answered(answer) => self.answered(*answer),
            News::Tell(body) => {
                let what = match redact::event_body(body, &line.target().redactor()) {
                    EventBody::Transport { transport, step } => SocketChange::Transport { transport, step },
                    EventBody::Namespace { namespace, change } => SocketChange::Namespace { namespace, change },
                    _ => return,
                };
                self.steps.push(SocketStep { at, what });
            }
            News::Up { lacking, .. } => {
                self.up_after = Some(at);
                self.lacking = lacking;
            }
            News::Lacking(reason) => self.lacking = reason,
            News::Over { facts, reason, .. } => self.over = Some((facts, reason)),
            News::Recorded(_) => {}
        }
    }

    fn answered(&mut self, answer: Answer) {
        self.reach = answer.last().map(|last| Reach::of(last.result.as_ref().map(|_| ())));
        self.preflighted |= answer.preflighted;
        if answer.fault.is_some() {
            self.console = self.console.take().or_else(|| answer.console_line().map(Into::into));
        }
        let room = EXCHANGES.saturating_sub(self.exchanges.len());
        self.exchanges.extend(answer.exchanges.into_iter().take(room).map(Arc::new));
    }
}

fn verdict_of(target: &Target, seen: &Seen, total: Duration) -> Verdict {
    let end = match (&seen.over, &seen.lacking) {
        (Some((_, reason)), _) => {
            let answer = seen.exchanges.last().and_then(|exchange| exchange.response());
            End::Refused { reason: reason.clone(), answer: answer.filter(|_| seen.up_after.is_none()) }
        }
        (None, Some(reason)) => End::Refused { reason: reason.clone(), answer: None },
        (None, None) if seen.up_after.is_some() => End::Opened { ended: None },
        (None, None) => End::NotMade(Reason::new(Code::NetworkConfiguration)),
    };
    judge(&Evidence { end, total: Some(seen.up_after.unwrap_or(total)) }, target.expect())
}

fn report(seen: Seen, verdict: Verdict, started: Moment, manner: Manner) -> Probed {
    let lateness = started.mono.saturating_duration_since(manner.scheduled);
    let opening = seen
        .exchanges
        .iter()
        .find(|exchange| !matches!(exchange.request.purpose, Purpose::Preflight | Purpose::SignIn));
    let mut phases = opening.map_or_else(Phases::default, |exchange| exchange.phases);
    phases.total = seen.up_after;
    let decided = if seen.over.is_some() { seen.exchanges.last() } else { opening };
    let out = CheckReport {
        outcome: verdict.outcome,
        state: verdict.state,
        reason: verdict.reason,
        scheduled: started.wall.minus(lateness),
        lateness,
        phases,
        status: decided.and_then(|exchange| exchange.status()),
        preflighted: seen.preflighted,
        console: seen.console,
        close: seen.over.filter(|_| seen.up_after.is_some()).map(|(facts, _)| facts),
        steps: seen.steps,
        further: Vec::new(),
        exchanges: seen.exchanges,
    };
    Probed { report: out, reach: seen.reach, sign_in: seen.sign_in }
}
