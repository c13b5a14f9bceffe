//! Runs one line: the requests before it, its own, then what became of it.

use std::time::Duration;

use super::answer;
use super::case::{Case, Refusal};
use super::plan::{Ask, Plan};
use crate::base::Clock;
use crate::browser::{Answer, Memory, Page};
use crate::engine::exchange;
use crate::net::Client;
use crate::wire::NetError;

/// What every case shares.
#[derive(Clone, Debug)]
pub struct Runner {
    pub client: Client,
    /// How long one request may take, redirects included.
    pub timeout: Duration,
    pub clock: Clock,
}

/// What a case came to.
#[derive(Debug)]
pub(super) struct Replayed {
    pub(super) answer: Box<Answer>,
    /// From the first request's start to the answer; what is observed afterwards is not in it.
    pub(super) total: Duration,
    /// Exchanges, by number, whose server was spoken to in plain text and speaks TLS: no connection came up.
    pub(super) unheard: Vec<usize>,
}

impl Runner {
    /// The answer to one line of the input, itself one line (without its end).
    pub async fn answer(&self, line: &[u8]) -> String {
        let case = match Case::read(line) {
            Ok(case) => case,
            Err(Refusal { id, error }) => return answer::of_refusal(id.as_deref(), &error),
        };
        let id = case.own.id.clone();
        match Plan::of(case) {
            Ok(plan) => answer::of_answer(&id, &self.run(plan).await),
            Err(error) => answer::of_refusal(Some(&id), &error),
        }
    }

    async fn run(&self, plan: Plan) -> Replayed {
        let Plan { page, cookies, before, ask } = plan;
        let mut memory = Memory::default();
        for (url, field) in cookies {
            // What the browser would drop isn't there: no more is asked.
            let _ = memory.jar.set_from_navigation(page.browser, &url, &field, self.clock.wall());
        }
        for (ask, wait) in before {
            (_, memory) = self.ask(&page, ask, memory).await;
            tokio::time::sleep(wait).await;
        }
        let mut replayed = self.ask(&page, ask, memory).await.0;
        for (at, exchange) in replayed.answer.exchanges.iter().enumerate() {
            let url = &exchange.request.url;
            let plain = matches!(url.scheme(), "http" | "ws");
            if plain && exchange.result == Err(NetError::EmptyResponse) {
                let deadline = self.clock.mono() + self.timeout;
                if self.client.speaks_tls(url, deadline).await {
                    replayed.unheard.push(at);
                }
            }
        }
        replayed
    }

    async fn ask(&self, page: &Page, ask: Ask, memory: Memory) -> (Replayed, Memory) {
        let started = self.clock.mono();
        let deadline = started + self.timeout;
        let took = || self.clock.mono().saturating_duration_since(started);
        match ask {
            Ask::Fetch(request) => {
                let (answer, memory) =
                    exchange::fetch(page.clone(), request, memory, &self.client, self.clock, deadline).await;
                (Replayed { answer, total: took(), unheard: Vec::new() }, memory)
            }
            Ask::Xhr(request) => {
                let (answer, memory) =
                    exchange::xhr(page.clone(), request, memory, &self.client, self.clock, deadline).await;
                (Replayed { answer, total: took(), unheard: Vec::new() }, memory)
            }
            Ask::EventSource(source, observe) => {
                let (page, client, clock) = (page.clone(), &self.client, self.clock);
                let (answer, memory, total) =
                    exchange::event_source(page, source, memory, client, clock, deadline, observe).await;
                (Replayed { answer, total, unheard: Vec::new() }, memory)
            }
            Ask::Unparsable(interface, text) => (
                Replayed { answer: Answer::unparsable(page, interface, &text), total: took(), unheard: Vec::new() },
                memory,
            ),
            Ask::Socket(socket, observe) => {
                let (mut answer, socket, memory) =
                    exchange::open(page.clone(), socket, memory, &self.client, self.clock, deadline).await;
                let total = took();
                if let Some(socket) = socket {
                    exchange::stay(&mut answer, socket, observe).await;
                }
                (Replayed { answer, total, unheard: Vec::new() }, memory)
            }
        }
    }
}
