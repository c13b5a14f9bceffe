//! nginx: who is let in by the headers that it adds, and whether WebSockets get through it.
//!
//! - `parse`: words, blocks, `include`.
//! - `sites`: servers and locations, what each inherits, which location answers a path.
//! - `variables`: what `map`, `set` and `if` make of the page's origin.
//! - `cors`: `add_header`.
//! - `socket`: `Upgrade`, time-outs, `Host`, limits.
//! - `server`: TLS, redirects, upstreams.

mod cors;
mod parse;
mod server;
mod sites;
mod socket;
mod variables;

use std::path::Path;

use super::env::Environment;
use super::finding::{Finding, Severity};
use super::policy::Guard;
use super::tree::{Node, Reader};
use crate::base::Problem;

/// What a configuration comes to.
#[derive(Debug, Default)]
pub struct Nginx {
    pub guards: Vec<Guard>,
    pub findings: Vec<Finding>,
    /// Names, ports and socket paths, for profiles.
    pub sites: Vec<Site>,
}

/// A server, as pages reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub host: String,
    /// `None`: the scheme's own.
    pub port: Option<u16>,
    pub tls: bool,
    /// Where sockets are, and whether Socket.IO is.
    pub sockets: Vec<(String, bool)>,
}

/// Reads a file with all that it takes in; `app` is what the `.env` files beside it say of the application behind.
pub fn read(reader: &mut Reader<'_>, path: &Path, app: &Environment) -> Result<Nginx, Problem> {
    let root = parse::file(reader, path)?;
    let mut out = Nginx::default();
    unended(&root, &mut out.findings);
    let variables = variables::Variables::of(&root);
    let servers = sites::servers(&root);
    let full = |server: &&sites::Server<'_>| sites::MAX_LOCATIONS <= server.locations.len();
    if let Some(first) =
        root.first().filter(|_| sites::MAX_SERVERS <= servers.len() || servers.iter().any(|server| full(&server)))
    {
        let text = "there are more than 1000 servers, or locations of one: the others are not looked at";
        out.findings.push(first.finding(super::Rule::LineNotUnderstood, Severity::Note, text));
    }
    cors::check(&servers, &variables, app, &mut out);
    for server in &servers {
        socket::check(server, &root, app, &mut out.findings);
        server::check(server, &root, app, &mut out.findings);
        out.sites.extend(server::site(server, app));
    }
    Ok(out)
}

/// Directives that ran into the next line because a `;` is missing: nginx counts too many arguments, and doesn't start.
fn unended(nodes: &[Node], found: &mut Vec<Finding>) {
    const TWO: &[&str] =
        &["proxy_set_header", "proxy_http_version", "proxy_read_timeout", "proxy_pass", "proxy_buffering"];
    for node in nodes {
        let line = |at: usize| node.source.place(at..at).line;
        if TWO.contains(&node.name.as_str())
            && let Some(word) =
                node.args.iter().find(|word| TWO.contains(&word.text.as_str()) || word.text == "add_header")
            && line(word.at.start) != line(node.name_at.start)
        {
            let text = format!(
                "`{}` has no `;` at its end: nginx takes the next line for its arguments and doesn't start",
                node.name
            );
            found.push(
                node.finding(super::Rule::LineNotUnderstood, Severity::Error, text)
                    .instead("a `;` at the end of the line"),
            );
        }
        unended(node.block(), found);
    }
}

#[cfg(test)]
mod tests;
