//! Signing in by a form, as a person's browser does: the page with the form, the form sent back with its token, and a look
//! whether somebody is signed in now. A machine: it says what goes out, is told what came back, and ends with the cookies.
//!
//! A sign-in is good where the profile's `check` answers below 300 and not with the login again; without a `check`, where
//! the answer to the form set a cookie, is no error and is not the form again.
//!
//! How long it lasts is not guessed: it is made anew when the server refuses what it brought, whatever `Max-Age` said.

mod token;

use std::sync::Arc;

use url::Url;

use super::{Code, Reason, SignInStep};
use crate::base::{Secret, Wall};
use crate::browser::cookie::Jar;
use crate::browser::redirect::{self, Location};
use crate::browser::{Browser, Document, Navigation};
use crate::wire::exchange::BODY_KEPT;
use crate::wire::{Exchange, WireRequest};

/// What a profile says of its login, secrets filled in.
#[derive(Clone, Debug)]
pub struct Plan {
    pub browser: Browser,
    /// The page with the form; without `csrf` where the fields are sent at once.
    pub url: Url,
    pub fields: Vec<(String, Secret)>,
    /// `"auto"`, a field's name, or none.
    pub csrf: Option<String>,
    pub check: Option<Url>,
}

/// How a server refused a sign-in, or where it led nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The page has no form with the profile's fields.
    FormMissing,
    /// Nothing on the page is the token that the profile names.
    TokenMissing,
    /// The form of an https page would be sent over plain http.
    FormInsecure,
    /// The server did not take the token.
    TokenRefused,
    /// The form was answered with an error.
    FormRefused,
    /// The form came back: a wrong name or password.
    FormAgain,
    /// No cookie came.
    CookieMissing,
    /// A cookie came, and the browser does not store it.
    CookieRefused,
    /// The check says that nobody is signed in.
    SignedOut,
}

impl Refusal {
    pub const ALL: [Self; 9] = [
        Self::FormMissing,
        Self::TokenMissing,
        Self::FormInsecure,
        Self::TokenRefused,
        Self::FormRefused,
        Self::FormAgain,
        Self::CookieMissing,
        Self::CookieRefused,
        Self::SignedOut,
    ];

    /// Stable: the detail of a [`Code::LoginFailed`].
    pub fn code(self) -> &'static str {
        match self {
            Self::FormMissing => "form_missing",
            Self::TokenMissing => "token_missing",
            Self::FormInsecure => "form_insecure",
            Self::TokenRefused => "token_refused",
            Self::FormRefused => "form_refused",
            Self::FormAgain => "form_again",
            Self::CookieMissing => "cookie_missing",
            Self::CookieRefused => "cookie_refused",
            Self::SignedOut => "signed_out",
        }
    }

    /// Of a reason whose code is [`Code::LoginFailed`].
    pub fn of(reason: &Reason) -> Option<Self> {
        let detail = reason.detail.as_deref().filter(|_| reason.code == Code::LoginFailed)?;
        Self::ALL.into_iter().find(|refusal| refusal.code() == detail)
    }

    /// With the status of the answer that said so, where that is an error.
    fn by(self, exchange: &Exchange) -> Reason {
        let reason = Reason::new(Code::LoginFailed).with_detail(self.code());
        match exchange.status() {
            Some(status @ 400..) => reason.with_status(status),
            _ => reason,
        }
    }
}

/// What it wants next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Send this, and say what came of it by [`SignIn::on_exchange`].
    Send(Box<WireRequest>),
    /// It is over: the cookies, or why there are none.
    Done(Result<Jar, Reason>),
}

/// What is to be said of a step that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub step: SignInStep,
    pub exchange: Arc<Exchange>,
    /// `None`: it went well.
    pub reason: Option<Reason>,
}

/// One sign-in under way.
#[derive(Debug)]
pub struct SignIn {
    plan: Plan,
    jar: Jar,
    /// What the jar held before the form was sent.
    before: Jar,
    step: SignInStep,
    going: Navigation,
    /// The first answer to the form, where it was a redirect.
    submitted: Option<Exchange>,
    /// What the form's answers set is not stored.
    lost_cookie: bool,
}

impl SignIn {
    /// Begins with an empty jar, so that nothing old is in its way.
    pub fn start(plan: Plan, now: Wall) -> (Self, Next) {
        let (browser, url) = (plan.browser, plan.url.clone());
        let (jar, before) = (Jar::default(), Jar::default());
        let (step, going) = match plan.csrf {
            Some(_) => (SignInStep::Form, Navigation::to(browser, url)),
            None => {
                let fields: Vec<_> = filled(&plan, None).collect();
                (SignInStep::Submitted, Navigation::submit(browser, url.clone(), url, &fields, Vec::new()))
            }
        };
        let mut sign_in = Self { plan, jar, before, step, going, submitted: None, lost_cookie: false };
        let next = sign_in.send(now);
        (sign_in, next)
    }

    /// What came of the request. The body is up to [`PAGE`](crate::browser::form::PAGE) bytes long.
    pub fn on_exchange(&mut self, mut exchange: Exchange, now: Wall) -> (Next, Option<Told>) {
        match self.going.on_exchange(&mut exchange, &mut self.jar, now) {
            Ok(true) => {
                if self.step == SignInStep::Submitted {
                    self.submitted.get_or_insert(exchange);
                }
                (self.send(now), None)
            }
            Ok(false) => {
                let came = match self.step {
                    SignInStep::Form => self.form(&exchange),
                    SignInStep::Submitted => self.answered(&exchange),
                    SignInStep::Checked | SignInStep::Expired => self.checked(&exchange),
                };
                self.lost_cookie |= self.step == SignInStep::Submitted && self.going.has_lost_a_cookie();
                match came {
                    Ok(after) => self.go_on(after, exchange, now),
                    // Nobody seems to be signed in, and no wonder.
                    Err(Refusal::FormAgain | Refusal::CookieMissing | Refusal::SignedOut) if self.lost_cookie => {
                        let set = self.submitted.take().unwrap_or(exchange);
                        self.fail(Refusal::CookieRefused.by(&set), set)
                    }
                    Err(refusal) => self.fail(refusal.by(&exchange), exchange),
                }
            }
            Err(fault) => self.fail(Reason::from(&fault), exchange),
        }
    }

    fn send(&mut self, now: Wall) -> Next {
        Next::Send(Box::new(self.going.request(&mut self.jar, now)))
    }

    fn fail(&self, reason: Reason, exchange: Exchange) -> (Next, Option<Told>) {
        let told = Told { step: self.step, exchange: kept(exchange), reason: Some(reason.clone()) };
        (Next::Done(Err(reason)), Some(told))
    }

    /// The step went well; `None`: there is no other.
    fn go_on(
        &mut self,
        after: Option<(SignInStep, Navigation)>,
        exchange: Exchange,
        now: Wall,
    ) -> (Next, Option<Told>) {
        let mut exchange = self.submitted.take().unwrap_or(exchange);
        if let (SignInStep::Submitted, Ok(response)) = (self.step, &mut exchange.result) {
            // It may hold a token for what is beyond the cookies.
            response.body.clear();
        }
        let told = Told { step: self.step, exchange: kept(exchange), reason: None };
        let next = match after {
            Some((step, going)) => {
                (self.step, self.going) = (step, going);
                self.send(now)
            }
            None => Next::Done(Ok(std::mem::take(&mut self.jar))),
        };
        (next, Some(told))
    }

    /// The page with the form came.
    fn form(&mut self, exchange: &Exchange) -> Result<Option<(SignInStep, Navigation)>, Refusal> {
        let page = self.going.url().clone();
        // Without a page of its own: what takes the fields answers POST alone.
        let bare = matches!(exchange.status(), Some(405 | 501));
        if !bare && exchange.status().is_none_or(|status| 400 <= status) {
            return Err(Refusal::FormMissing);
        }
        let document = if bare { Document::default() } else { document(exchange) };
        let form = document.form_with(self.plan.fields.iter().map(|(name, _)| name.as_str()));
        let token = token::find(self.plan.csrf.as_deref(), &document, form, &self.jar, &page)?;
        // A page of scripts alone has no form, and its token in a cookie or a `meta`.
        let scripted = token.is_some() && (document.forms.is_empty() || self.plan.csrf.as_deref() != Some(token::AUTO));
        if form.is_none() && !scripted && !bare {
            return Err(Refusal::FormMissing);
        }
        let base = document.base.as_deref().and_then(|base| page.join(base).ok()).unwrap_or_else(|| page.clone());
        let action = form.and_then(|form| base.join(form.action.as_deref()?).ok());
        let to = action.filter(|to| matches!(to.scheme(), "http" | "https")).unwrap_or_else(|| page.clone());
        if page.scheme() == "https" && to.scheme() == "http" {
            return Err(Refusal::FormInsecure);
        }
        let mut fields: Vec<_> = filled(&self.plan, form).collect();
        let mut extra = Vec::new();
        if let Some(token) = token {
            fields.push((token.field, token.value.clone()));
            extra.extend(token.headers.iter().map(|name| ((*name).to_owned(), token.value.clone())));
        }
        self.before = self.jar.clone();
        Ok(Some((SignInStep::Submitted, Navigation::submit(self.plan.browser, page, to, &fields, extra))))
    }

    /// The form's answer came, redirects followed.
    fn answered(&self, exchange: &Exchange) -> Result<Option<(SignInStep, Navigation)>, Refusal> {
        if exchange.status().is_none_or(|status| 400 <= status) {
            return Err(if names_the_token(exchange) { Refusal::TokenRefused } else { Refusal::FormRefused });
        }
        if self.is_form_again(exchange) {
            return Err(Refusal::FormAgain);
        }
        match &self.plan.check {
            Some(check) => Ok(Some((SignInStep::Checked, Navigation::to(self.plan.browser, check.clone())))),
            None if !self.jar.has_more_than(&self.before) => Err(Refusal::CookieMissing),
            None => Ok(None),
        }
    }

    fn checked(&self, exchange: &Exchange) -> Result<Option<(SignInStep, Navigation)>, Refusal> {
        let well = exchange.status().is_some_and(|status| status < 300);
        let elsewhere = is_page(&self.plan.url, self.going.url());
        if well && !elsewhere && !self.is_form_again(exchange) { Ok(None) } else { Err(Refusal::SignedOut) }
    }

    /// Whether a page has all the fields that the profile fills in.
    fn is_form_again(&self, exchange: &Exchange) -> bool {
        let mut names = self.plan.fields.iter().map(|(name, _)| name.as_str());
        let document = document(exchange);
        let form = document.form_with(names.clone());
        form.is_some_and(|form| names.all(|name| form.value(name).is_some()))
    }
}

/// What of the form's controls is sent, the profile's fields filled in; fields that it has no control for come after.
fn filled<'a>(
    plan: &'a Plan,
    form: Option<&'a crate::browser::form::Form>,
) -> impl Iterator<Item = (String, String)> + 'a {
    let controls = form.map(|form| form.controls.as_slice()).unwrap_or_default();
    let own = |name: &str| plan.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.expose());
    let of_form = controls.iter().map(move |(name, value)| (name.clone(), own(name).unwrap_or(value).to_owned()));
    let beside = plan.fields.iter().filter(|(name, _)| !controls.iter().any(|(known, _)| known == name));
    of_form.chain(beside.map(|(name, value)| (name.clone(), value.expose().to_owned())))
}

fn document(exchange: &Exchange) -> Document {
    let page = exchange.response().filter(|response| {
        response.headers.first_str("content-type").is_none_or(|kind| kind.to_ascii_lowercase().contains("html"))
    });
    page.map(|response| Document::read(&response.body)).unwrap_or_default()
}

fn names_the_token(exchange: &Exchange) -> bool {
    let Some(response) = exchange.response() else { return false };
    // Laravel's own status for it.
    response.status == 419
        || String::from_utf8_lossy(&response.body[..response.body.len().min(BODY_KEPT)])
            .to_ascii_lowercase()
            .contains("csrf")
}

/// As every other exchange is kept.
fn kept(mut exchange: Exchange) -> Arc<Exchange> {
    if let Ok(response) = &mut exchange.result {
        response.body.truncate(BODY_KEPT);
    }
    Arc::new(exchange)
}

/// Whether a URL is that page, whatever its query and scheme.
fn is_page(page: &Url, url: &Url) -> bool {
    let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
    page.host_str() == url.host_str() && path(page) == path(url)
}

/// A redirect to the login page: the endpoint's way to say that nobody is signed in.
pub fn sent_to_login<'a>(
    login: &Url,
    browser: Browser,
    exchanges: impl IntoIterator<Item = &'a Exchange>,
) -> Option<Reason> {
    exchanges.into_iter().find_map(|exchange| {
        let response = exchange.response()?;
        match redirect::location_url(browser, response, &exchange.request.url) {
            Location::Url(to) if is_page(login, &to) && !is_page(login, &exchange.request.url) => {
                Some(Reason::new(Code::AuthRequired).with_status(response.status).with_detail(to.path()))
            }
            Location::Url(_) | Location::None | Location::Invalid => None,
        }
    })
}

#[cfg(test)]
mod tests;
