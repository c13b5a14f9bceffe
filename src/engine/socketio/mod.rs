//! The task of one Socket.IO session: the session machine says when to connect, the line's client how.

mod asking;
mod check;
mod line;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(super) use self::check::check;
use self::line::{Line, News, Raw};
use super::mailbox::Mailbox;
use super::session::{Flood, Shared, Wish, signal};
use super::target::Target;
use crate::watch::EventBody;
use crate::watch::session::{Effect, Input, Session};

enum Happening {
    Wish(Wish),
    Line(Raw),
}

struct Task {
    shared: Arc<Shared>,
    target: Arc<Target>,
    machine: Session,
    rng: fastrand::Rng,
    line: Line,
    flood: Flood,
    /// Counted among the open ones.
    counted: bool,
}

/// Runs a session until it is told to stop. It begins at rest: put [`Wish::Connect`] into the mailbox.
pub(super) async fn run(shared: Arc<Shared>, target: Arc<Target>, mailbox: Arc<Mailbox<Wish>>) {
    let Some(line) = Line::new(&target, shared.clock, Some(Arc::clone(&shared))) else { return };
    let machine = Session::new(Arc::clone(target.rules()));
    let rng = fastrand::Rng::new();
    let mut task = Task { shared, target, machine, rng, line, flood: Flood::default(), counted: false };
    loop {
        let happening = task.wait(&mailbox).await;
        let stop = matches!(happening, Happening::Wish(Wish::Stop));
        // Boxed: what it takes to send is not held while the session waits.
        Box::pin(task.act(happening)).await;
        if stop {
            return task.line.part().await;
        }
    }
}

impl Task {
    async fn wait(&mut self, mailbox: &Mailbox<Wish>) -> Happening {
        let deadline = self.machine.deadline();
        tokio::select! {
            wish = poll_fn(|cx| mailbox.poll_take(cx)) => Happening::Wish(wish),
            raw = self.line.wait(deadline) => Happening::Line(raw),
        }
    }

    async fn act(&mut self, happening: Happening) {
        let now = self.shared.clock.now();
        self.flood.breathe(now.mono, &self.target, &self.shared.bus);
        let mut news = VecDeque::new();
        match happening {
            // What is due of the line's own comes next.
            Happening::Line(Raw::Due) if self.machine.deadline().is_some_and(|at| at <= now.mono) => {
                self.input(Input::Tick, false, &mut news).await;
            }
            Happening::Line(raw) => {
                #[cfg(test)]
                super::supervise::sabotage::pass(&self.target.profile.name, "session");
                news.extend(self.line.act(raw).await);
            }
            Happening::Wish(Wish::Emit(wanted)) => news.extend(self.line.emit(wanted).await),
            Happening::Wish(Wish::PollingOnly(on)) => {
                news.extend(self.line.polling_only(on).await);
                self.input(Input::Reconnect, false, &mut news).await;
            }
            Happening::Wish(Wish::NetworkChanged) if self.line.is_homeless() => {
                self.input(Input::AddressLost, false, &mut news).await;
            }
            Happening::Wish(wish) => self.input(wish.into(), false, &mut news).await,
        }
        while let Some(next) = news.pop_front() {
            self.heed(next, &mut news).await;
        }
        if let Some(reach) = self.line.take_reach() {
            self.shared.tell(signal(&self.target, &self.machine, &[], false, Some(reach))).await;
        }
    }

    /// What the line tells.
    async fn heed(&mut self, next: News, news: &mut VecDeque<News>) {
        match next {
            News::Recorded(body) => {
                if self.flood.admits(&body) {
                    self.publish(body);
                }
            }
            News::Tell(body) => self.publish(body),
            News::Answered(_) => {}
            News::SignedIn(told) => told.into_iter().for_each(|told| self.publish(told.into())),
            News::Up { exchange, lacking } => {
                self.count(true);
                if let Some(exchange) = exchange {
                    self.input(Input::Opened { exchange, protocol: None, lacking }, false, news).await;
                }
            }
            News::Lacking(reason) => self.input(Input::Lacking(reason), false, news).await,
            News::Over { facts, reason, exchange, retry_after, another_way } => {
                self.count(false);
                if self.machine.is_open() {
                    self.input(Input::Over { facts, reason }, false, news).await;
                } else {
                    self.input(Input::Failed { exchange, reason, retry_after, another_way }, true, news).await;
                }
            }
        }
    }

    /// Tells the machine, and does what it says.
    async fn input(&mut self, input: Input<'_>, failed: bool, news: &mut VecDeque<News>) {
        let mut effects = Vec::new();
        self.machine.on(input, self.shared.clock.now(), &mut self.rng, &mut effects);
        let reach = if failed { self.line.take_reach() } else { None };
        self.shared.tell(signal(&self.target, &self.machine, &effects, failed, reach)).await;
        for effect in effects {
            match effect {
                Effect::Emit(body) => self.publish(body),
                Effect::Dial => {
                    self.count(false);
                    match self.target.client() {
                        Ok(_) => self.line.start(),
                        Err(reason) => news.push_back(News::nothing_sent(reason.clone())),
                    }
                }
                Effect::HangUp { code } => {
                    self.count(false);
                    news.extend(self.line.hang_up(code.is_some()).await);
                }
                Effect::SignOut => {
                    // Its back-off says when it tries again.
                    let _ = self.target.sign_out(self.line.entry(), self.shared.clock.mono());
                }
                // Of WebSocket profiles: events are said by the line.
                Effect::Send { .. } | Effect::Ping { .. } => {}
            }
        }
    }

    fn count(&mut self, open: bool) {
        if std::mem::replace(&mut self.counted, open) != open {
            let counter = &self.shared.open;
            if open {
                counter.fetch_add(1, Ordering::Relaxed)
            } else {
                counter.fetch_sub(1, Ordering::Relaxed)
            };
        }
    }

    fn publish(&self, body: EventBody) {
        self.target.publish(&self.shared.bus, body);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.count(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_session_is_small() {
        fn size<A, B, C, F: Future>(_: fn(A, B, C) -> F) -> usize {
            std::mem::size_of::<F>()
        }
        assert!(size(run) <= 900, "{}", size(run));
    }
}
