//! What stands around a request: the page's Content Security Policies, and what earlier preflights permitted.

use super::Fetch;
use crate::base::Wall;
use crate::browser::answer::ResponseType;
use crate::browser::dialect::csp::Asker;
use crate::browser::permissions::{Key, Permissions};
use crate::browser::{Fault, csp, dialect};

impl Fetch {
    /// What the page's Content Security Policies say of the current URL, and whether they upgrade it.
    pub(super) fn policies(&mut self, asker: Asker) -> Option<Fault> {
        let (last, redirected) = (self.urls.len() - 1, 1 < self.urls.len());
        csp::ask(&self.page, asker, &mut self.urls[last], redirected, &mut self.remarks)
    }

    /// The preflight cache, and where this request stands in it.
    pub(super) fn with_permissions<T>(&mut self, work: impl FnOnce(&mut Permissions, Key<'_>, Wall) -> T) -> T {
        let kept = !self.tainted || dialect::permission_rules(self.page.browser).of_tainted_origin;
        let origin = kept.then_some(self.origin.as_str());
        let url = &self.urls[self.urls.len() - 1];
        let key = Key { origin, url, credentials: self.credentials };
        work(&mut self.memory.permissions, key, self.now)
    }

    /// [Clear cache entries](https://fetch.spec.whatwg.org/#concept-cache-clear), where CORS was in play.
    pub(super) fn clear_permissions(&mut self) {
        if self.tainting == ResponseType::Cors {
            let browser = self.page.browser;
            self.with_permissions(|permissions, key, _| permissions.clear(browser, key));
        }
    }
}
