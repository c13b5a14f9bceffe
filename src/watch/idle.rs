//! How long a connection may be quiet before something cuts it: which quiet times to try, by what came of those before.
//!
//! Pure: the engine makes each trial on a connection of its own. Quiet times double from [`FIRST`] on, a few side by side. A cut
//! that shows itself says its time; one that doesn't (a state that a firewall forgot) is narrowed down between the longest that
//! was kept and the shortest that was not. Then one connection is pinged at half of that time: does it stay?
//!
//! Invariants: never more than [`AT_ONCE`] trials at a time, none longer than asked for, and an end comes.

use std::time::Duration;

use super::Reason;

/// The most connections at a time.
pub const AT_ONCE: usize = 4;
/// The shortest that is tried.
pub const FIRST: Duration = Duration::from_secs(5);
/// The finest that is told apart.
const FINEST: Duration = Duration::from_secs(1);

/// What one connection does after it has opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// Nothing for so long; then a ping, to see whether it is still there.
    Quiet(Duration),
    /// A ping now and then, for so long.
    Pinged { every: Duration, over: Duration },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Went {
    Kept,
    /// It ended when nothing had come or gone for `after`.
    Cut {
        after: Duration,
        how: How,
    },
    /// The server does not leave it quiet: something came each time after so long at most.
    Spoken {
        after: Duration,
    },
    NotMade(Reason),
}

/// How a connection was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A close frame came: that is the server itself.
    Close(Option<u16>),
    /// The stream ended.
    End,
    Reset,
    /// Nothing said so: only what was sent at the end was not answered.
    Silence,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    Start(Trial),
    /// What runs has to come to something first.
    Wait,
    Done(Found),
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It was still there after `kept`, and cut at `cut` at the latest; the same where the cut showed itself.
    Cut {
        kept: Duration,
        cut: Duration,
        how: How,
        /// Whether a ping at that interval kept a connection; `None`: it could not be tried.
        pinged: Option<(Duration, bool)>,
    },
    /// Kept for as long as was asked for.
    NotWithin(Duration),
    /// The server sends something at least this often: it is never quiet for longer.
    Busy(Duration),
    NotMade(Reason),
}

/// The search under way.
#[derive(Clone, Debug)]
pub struct Finder {
    most: Duration,
    at_once: usize,
    running: Vec<Trial>,
    tried: Vec<(Trial, Went)>,
}

impl Finder {
    /// Looks up to `most`.
    pub fn new(most: Duration) -> Self {
        Self { most: most.max(FINEST), at_once: AT_ONCE, running: Vec::new(), tried: Vec::new() }
    }

    /// Every trial that came to something, in the order of their ends.
    pub fn tried(&self) -> &[(Trial, Went)] {
        &self.tried
    }

    /// What to do now; what is to be started counts as running.
    pub fn step(&mut self) -> Next {
        let trial = match self.wanted() {
            Wanted::Trial(trial) if self.running.len() < self.at_once => trial,
            Wanted::Found(found) if self.running.is_empty() => return Next::Done(found),
            Wanted::Trial(_) | Wanted::Found(_) | Wanted::Nothing => return Next::Wait,
        };
        self.running.push(trial);
        Next::Start(trial)
    }

    /// What came of a trial; those that are returned have nothing more to say and are to be stopped.
    pub fn came(&mut self, trial: Trial, went: Went) -> Vec<Trial> {
        self.running.retain(|running| *running != trial);
        // Where others are open it may be one too many: fewer at a time.
        if matches!(went, Went::NotMade(_)) && !self.running.is_empty() {
            self.at_once = self.running.len();
            return Vec::new();
        }
        self.tried.push((trial, went));
        let limit = match (self.failure(), self.cut(), self.spoken()) {
            (Some(_), ..) => Duration::ZERO,
            (None, Some((cut, _)), _) => cut,
            (None, None, Some(spoken)) => spoken,
            (None, None, None) => return Vec::new(),
        };
        let is_moot = |running: &Trial| matches!(running, Trial::Quiet(quiet) if limit <= *quiet);
        let (moot, running) = self.running.drain(..).partition(is_moot);
        self.running = running;
        moot
    }

    fn wanted(&self) -> Wanted {
        if let Some(reason) = self.failure() {
            return Wanted::Found(Found::NotMade(reason.clone()));
        }
        let Some((cut, how)) = self.cut() else {
            if let Some(spoken) = self.spoken() {
                return Wanted::Found(Found::Busy(spoken));
            }
            let longest = self.quiet().max();
            return match longest {
                Some(longest) if longest == self.most => Wanted::Found(Found::NotWithin(self.most)),
                Some(longest) => Wanted::Trial(Trial::Quiet((longest * 2).min(self.most))),
                None => Wanted::Trial(Trial::Quiet(FIRST.min(self.most))),
            };
        };
        // Whoever waits sees a cut that shows itself when it happens.
        let kept = if how == How::Silence { self.kept() } else { cut };
        let precision = (cut / 20).max(FINEST);
        let open = cut.saturating_sub(kept);
        if precision < open {
            // Three at a time divide what is open by four.
            let between = [1, 2, 3].map(|nth| kept + open / 4 * nth);
            let is_old = |trial: &Trial| matches!(trial, Trial::Quiet(quiet) if !between.contains(quiet));
            let next = between.into_iter().find(|quiet| self.quiet().all(|known| known != *quiet));
            match next {
                _ if self.running.iter().any(is_old) => return Wanted::Nothing,
                Some(quiet) => return Wanted::Trial(Trial::Quiet(quiet)),
                None if !self.running.is_empty() => return Wanted::Nothing,
                // They came to nothing: what is known has to do.
                None => {}
            }
        }
        let every = cut / 2;
        let pinged = self.tried.iter().find(|(trial, _)| matches!(trial, Trial::Pinged { .. }));
        match pinged {
            None if self.running.iter().any(|trial| matches!(trial, Trial::Pinged { .. })) => Wanted::Nothing,
            None => Wanted::Trial(Trial::Pinged { every, over: cut + every }),
            Some((_, went)) => {
                let pinged = match went {
                    Went::Kept | Went::Spoken { .. } => Some((every, true)),
                    Went::Cut { .. } => Some((every, false)),
                    Went::NotMade(_) => None,
                };
                Wanted::Found(Found::Cut { kept, cut, how, pinged })
            }
        }
    }

    /// The quiet times that run or came to something.
    fn quiet(&self) -> impl Iterator<Item = Duration> {
        let all = self.running.iter().chain(self.tried.iter().map(|(trial, _)| trial));
        all.filter_map(|trial| match trial {
            Trial::Quiet(quiet) => Some(*quiet),
            Trial::Pinged { .. } => None,
        })
    }

    /// The shortest quiet time that was not survived.
    fn cut(&self) -> Option<(Duration, How)> {
        let cuts = self.tried.iter().filter_map(|tried| match tried {
            (Trial::Quiet(_), Went::Cut { after, how }) => Some((*after, *how)),
            _ => None,
        });
        cuts.min_by_key(|(after, _)| *after)
    }

    /// The longest quiet time that was.
    fn kept(&self) -> Duration {
        let kept = self.tried.iter().filter_map(|tried| match tried {
            (Trial::Quiet(quiet), Went::Kept) => Some(*quiet),
            _ => None,
        });
        kept.max().unwrap_or_default()
    }

    fn spoken(&self) -> Option<Duration> {
        let spoken = self.tried.iter().filter_map(|(_, went)| match went {
            Went::Spoken { after } => Some(*after),
            _ => None,
        });
        spoken.max()
    }

    fn failure(&self) -> Option<&Reason> {
        self.tried.iter().find_map(|tried| match tried {
            (Trial::Quiet(_), Went::NotMade(reason)) => Some(reason),
            _ => None,
        })
    }
}

enum Wanted {
    Trial(Trial),
    Nothing,
    Found(Found),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Code;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// What stands between here and there.
    #[derive(Clone, Copy)]
    struct World {
        /// A connection that is quiet for so long is cut.
        idle: Option<(Duration, How)>,
        /// One that is so old is cut.
        age: Option<Duration>,
        /// The server says something each time after so long.
        speaks: Option<Duration>,
        /// No more connections than these at a time.
        room: usize,
    }

    const OPEN: World = World { idle: None, age: None, speaks: None, room: 99 };

    impl World {
        /// What comes of a trial, and after how long.
        fn went(self, trial: Trial) -> (Went, Duration) {
            let end = |after: Duration, how| (Went::Cut { after, how }, after);
            let (quiet, over) = match trial {
                Trial::Quiet(quiet) => (quiet, quiet),
                Trial::Pinged { every, over } => (every, over),
            };
            match (self.speaks, self.idle, self.age) {
                (Some(speaks), _, _) if speaks <= quiet => (Went::Spoken { after: speaks }, speaks * 2),
                (_, Some((idle, How::Silence)), _) if idle <= quiet => {
                    (Went::Cut { after: quiet, how: How::Silence }, quiet + secs(5))
                }
                (_, Some((idle, how)), _) if idle <= quiet => end(idle, how),
                (_, _, Some(age)) if age <= over => end(age, How::End),
                _ => (Went::Kept, over),
            }
        }
    }

    /// Finds it in a made-up world; what was found, and how long that took there.
    #[track_caller]
    fn check(most: Duration, world: World, expected: &str, at_most: Duration) {
        let mut finder = Finder::new(most);
        let mut now = Duration::ZERO;
        let mut running: Vec<(Duration, Trial, Went)> = Vec::new();
        for _ in 0..200 {
            match finder.step() {
                Next::Start(trial) if running.len() < world.room => {
                    let (went, took) = world.went(trial);
                    running.push((now + took, trial, went));
                    assert!(running.len() <= AT_ONCE, "{running:?}");
                    if let Trial::Quiet(quiet) = trial {
                        assert!(quiet <= most);
                    }
                }
                Next::Start(trial) => {
                    assert!(finder.came(trial, Went::NotMade(Reason::new(Code::RateLimited))).is_empty());
                }
                Next::Wait => {
                    running.sort_by_key(|(end, ..)| *end);
                    let (end, trial, went) = running.remove(0);
                    now = end;
                    let moot = finder.came(trial, went);
                    running.retain(|(_, trial, _)| !moot.contains(trial));
                }
                Next::Done(found) => {
                    assert_eq!(format!("{found:?}"), expected);
                    assert!(now <= at_most, "it took {now:?}");
                    return;
                }
            }
        }
        panic!("it never ends: {finder:?}");
    }

    #[test]
    fn a_cut_that_shows_itself_is_told_to_the_moment() {
        let nginx = World { idle: Some((secs(60), How::End)), ..OPEN };
        let found = "Cut { kept: 60s, cut: 60s, how: End, pinged: Some((30s, true)) }";
        check(secs(300), nginx, found, secs(160));
        let short = World { idle: Some((secs(2), How::Reset)), ..OPEN };
        check(secs(300), short, "Cut { kept: 2s, cut: 2s, how: Reset, pinged: Some((1s, true)) }", secs(5));
    }

    #[test]
    fn a_cut_that_nothing_tells_of_is_narrowed_down() {
        let nat = World { idle: Some((secs(130), How::Silence)), ..OPEN };
        let found = "Cut { kept: 127.5s, cut: 130s, how: Silence, pinged: Some((65s, true)) }";
        check(secs(600), nat, found, secs(1_000));
    }

    #[test]
    fn an_age_that_ends_a_connection_is_told_from_quiet() {
        let aged = World { age: Some(secs(30)), ..OPEN };
        check(secs(300), aged, "Cut { kept: 30s, cut: 30s, how: End, pinged: Some((15s, false)) }", secs(90));
    }

    #[test]
    fn what_lasts_is_not_within_and_what_speaks_is_never_quiet() {
        check(secs(300), OPEN, "NotWithin(300s)", secs(320));
        check(secs(3), OPEN, "NotWithin(3s)", secs(3));
        let engine_io = World { speaks: Some(secs(25)), idle: Some((secs(60), How::End)), ..OPEN };
        check(secs(300), engine_io, "Busy(25s)", secs(60));
        // A time-out below the server's own ping is found all the same.
        let below = World { speaks: Some(secs(25)), idle: Some((secs(10), How::End)), ..OPEN };
        check(
            secs(300),
            World { speaks: None, ..below },
            "Cut { kept: 10s, cut: 10s, how: End, pinged: Some((5s, true)) }",
            secs(30),
        );
    }

    #[test]
    fn a_server_with_room_for_few_is_asked_one_after_another() {
        let narrow = World { room: 1, ..OPEN };
        check(secs(40), narrow, "NotWithin(40s)", secs(75));
        check(
            secs(40),
            World { room: 0, ..OPEN },
            "NotMade(Reason { code: RateLimited, status: None, close: None, detail: None })",
            secs(0),
        );
    }
}
