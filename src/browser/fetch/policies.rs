//! What stands around a request: the page's Content Security Policies, and what earlier preflights permitted.

use super::Fetch;
use crate::base::Wall;
use crate::browser::answer::ResponseType;
use crate::browser::console::Remark;
use crate::browser::dialect::csp::{Asker, Check, checks};
use crate::browser::permissions::{Key, Permissions};
use crate::browser::{Fault, csp, dialect};

impl Fetch {
    /// [Main fetch](https://fetch.spec.whatwg.org/#concept-main-fetch), steps 5 to 7, in the browser's order: what the page's
    /// Content Security Policies say of the current URL, and whether they upgrade it.
    pub(super) fn policies(&mut self, asker: Asker) -> Option<Fault> {
        let mut upgraded = false;
        for check in checks(self.page.browser, asker) {
            if *check == Check::Upgrade {
                if let Some(secure) = self.page.upgrade(self.url()) {
                    let last = self.urls.len() - 1;
                    let url = std::mem::replace(&mut self.urls[last], secure);
                    self.remarks.push(Remark::Upgraded { url });
                    upgraded = true;
                }
                continue;
            }
            if *check == Check::Again && !upgraded {
                continue;
            }
            let violations = csp::violations(&self.page, *check, self.url(), 1 < self.urls.len());
            let refusal = csp::refusal(&self.page, &violations);
            self.remarks.extend(violations.into_iter().map(Remark::Violation));
            if refusal.is_some() {
                return refusal;
            }
        }
        None
    }

    /// The preflight cache, and where this request stands in it.
    pub(super) fn with_permissions<T>(&mut self, work: impl FnOnce(&mut Permissions, Key<'_>, Wall) -> T) -> T {
        let kept = !self.tainted || dialect::permission_rules(self.page.browser).of_tainted_origin;
        let origin = kept.then(|| self.page.origin());
        let url = &self.urls[self.urls.len() - 1];
        let key = Key { origin: origin.as_deref(), url, credentials: self.credentials };
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
