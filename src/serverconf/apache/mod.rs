//! Apache: who is let in by the headers that it sets, and whether WebSockets get through it.
//!
//! - `parse`: lines, sections, `Include`, `Define`.
//! - `headers`: `Header`, `SetEnvIf Origin`, `RequestHeader`.
//! - `socket`: `ProxyPass`, `RewriteRule … [P]`, time-outs, limits, TLS.

mod headers;
mod parse;
mod socket;

use std::path::Path;

use super::env::Environment;
use super::finding::Finding;
use super::nginx::Site;
use super::policy::Guard;
use super::tree::{Node, Reader};
use crate::base::Problem;

/// What a configuration comes to.
#[derive(Debug, Default)]
pub struct Apache {
    pub guards: Vec<Guard>,
    pub findings: Vec<Finding>,
    /// Names, ports and socket paths, for profiles.
    pub sites: Vec<Site>,
    /// How many sections with CORS headers have been looked at.
    sections: usize,
}

/// How many of them are: what stands above each is asked for with it.
const MAX_SECTIONS: usize = 1000;

/// The sections around a place, outermost first.
type Levels<'a> = Vec<&'a [Node]>;

/// Reads a file with all that it takes in; `app` is what the `.env` files beside it say of the application behind.
pub fn read(reader: &mut Reader<'_>, path: &Path, app: &Environment) -> Result<Apache, Problem> {
    let root = parse::file(reader, path, &mut parse::Defined::new())?;
    let mut out = Apache::default();
    let hosts: Vec<&Node> = root.iter().filter(|node| node.is("VirtualHost")).collect();
    walk(&vec![&root[..]], None, app, &mut out);
    socket::check(&vec![&root[..]], None, app, &mut out.findings);
    for host in hosts {
        let levels = vec![&root[..], host.block()];
        let port = host.arg(0).rsplit(':').next().and_then(|port| port.parse().ok());
        socket::check(&levels, port, app, &mut out.findings);
        out.sites.extend(socket::site(host, &levels, app));
    }
    Ok(out)
}

/// Each section with headers of its own.
fn walk<'a>(levels: &Levels<'a>, section: Option<&'a Node>, app: &Environment, out: &mut Apache) {
    headers::check(levels, section, app, out);
    for node in levels.last().copied().unwrap_or_default() {
        if node.block.is_some() {
            let mut inside = levels.clone();
            inside.push(node.block());
            walk(&inside, Some(node), app, out);
        }
    }
}

/// A directive that the innermost section which has it decides, the last of several.
fn scalar<'a>(levels: &Levels<'a>, name: &str) -> Option<&'a Node> {
    levels.iter().rev().find_map(|level| level.iter().rev().find(|node| node.is(name)))
}

#[cfg(test)]
mod tests;
