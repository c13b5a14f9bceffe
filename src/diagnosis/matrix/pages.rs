//! The pages that are tried, each with the reason why it is among them.

use std::collections::HashSet;

use url::Url;

use crate::browser::origin;
use crate::diagnosis::ask::FOREIGN;
use crate::profile::Profile;

/// The most askers of one endpoint.
pub const MOST: usize = 14;

/// A page that was opened from disk: its origin is `null`, as a sandboxed frame's is.
const FROM_DISK: &str = "file:///index.html";

/// Where development servers put their pages.
const DEV_PORTS: [(u16, &str); 5] = [
    (3000, "where React and Next.js serve pages"),
    (5173, "where Vite serves pages"),
    (8080, "where Vue and webpack serve pages"),
    (4200, "where Angular serves pages"),
    (8000, "where Django serves pages"),
];

/// Why a page is in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    Own,
    /// This machine by another of its names.
    OtherName,
    OtherScheme,
    PortLeftOut,
    OtherPort,
    /// With what serves pages there.
    DevPort(&'static str),
    WithWww,
    /// The domain that the page's name is under.
    Apex,
    /// The endpoint's own origin.
    Endpoint,
    Null,
    Foreign,
    /// No page: a program, which sends no `Origin`.
    Program,
}

impl Why {
    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::OtherName => "other-name",
            Self::OtherScheme => "other-scheme",
            Self::PortLeftOut => "port-left-out",
            Self::OtherPort => "other-port",
            Self::DevPort(_) => "dev-port",
            Self::WithWww => "with-www",
            Self::Apex => "apex",
            Self::Endpoint => "endpoint",
            Self::Null => "null",
            Self::Foreign => "foreign",
            Self::Program => "none",
        }
    }

    /// A phrase.
    pub fn words(self) -> &'static str {
        match self {
            Self::Own => "the profile's own page",
            Self::OtherName => "this machine by another name",
            Self::OtherScheme => "the page by the other scheme",
            Self::PortLeftOut => "the page without its port",
            Self::OtherPort => "the page on another port",
            Self::DevPort(serves) => serves,
            Self::WithWww => "the name with www before it",
            Self::Apex => "the domain itself",
            Self::Endpoint => "the endpoint's own origin",
            Self::Null => "a file on disk, a sandboxed frame",
            Self::Foreign => "a site that no list has",
            Self::Program => "not a browser: no Origin is sent",
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// `None`: a program.
    pub page: Option<Url>,
    pub why: Why,
}

impl Asker {
    /// As an `Origin` field has it; `None`: there is no such field.
    pub fn origin(&self) -> Option<String> {
        self.page.as_ref().map(origin::serialize)
    }
}

/// Everyone who is to ask, the profile's own page first; no origin twice.
pub fn askers(profile: &Profile) -> Vec<Asker> {
    let page = profile.page_url();
    let mut all = vec![(Why::Own, Some(page.clone()))];
    let with = |change: &dyn Fn(&mut Url) -> Option<()>| {
        let mut url = page.clone();
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        change(&mut url).map(|()| url)
    };
    let host = |name: &str| with(&|url| url.set_host(Some(name)).ok());
    let port = |port: Option<u16>| with(&|url| url.set_port(port).ok());
    let is_local = origin::is_loopback(&page);
    if is_local {
        all.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| (Why::OtherName, host(name))));
    }
    all.push((Why::OtherScheme, other_scheme(&page)));
    if page.port().is_some() {
        all.push((Why::PortLeftOut, port(None)));
    }
    if is_local {
        all.extend(DEV_PORTS.map(|(number, serves)| (Why::DevPort(serves), port(Some(number)))));
    } else {
        let other = if page.port() == Some(8443) { 8444 } else { 8443 };
        all.push((Why::OtherPort, port(Some(other))));
    }
    if let Some(domain) = origin::registrable_domain(&page) {
        all.push((Why::Apex, host(domain)));
        all.push((Why::WithWww, host(&format!("www.{domain}"))));
    }
    let own = Profile { page: None, ..profile.clone() };
    all.push((Why::Endpoint, Some(own.page_url())));
    all.push((Why::Null, Url::parse(FROM_DISK).ok()));
    all.push((Why::Foreign, Url::parse(FOREIGN).ok()));
    let mut known = HashSet::new();
    let mut askers: Vec<Asker> = all
        .into_iter()
        .filter_map(|(why, page)| Some(Asker { page: Some(page?), why }))
        .filter(|asker| known.insert(asker.origin()))
        .collect();
    askers.push(Asker { page: None, why: Why::Program });
    askers
}

/// The page's origin by the other scheme; a port that the URL spells stays.
fn other_scheme(page: &Url) -> Option<Url> {
    let scheme = match page.scheme() {
        "http" => "https",
        "https" => "http",
        _ => return None,
    };
    let port = page.port().map(|port| format!(":{port}")).unwrap_or_default();
    Url::parse(&format!("{scheme}://{}{port}/", page.host_str()?)).ok()
}
