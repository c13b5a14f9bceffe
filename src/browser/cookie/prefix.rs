//! [Cookie name prefixes](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.4): names that promise
//! how the cookie was set.

use super::super::dialect::cookies as dialect;
use super::Context;

/// What a cookie says of itself, as far as prefixes look at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise<'a> {
    pub(super) name: &'a [u8],
    pub(super) secure: bool,
    pub(super) http_only: bool,
    /// It goes to one host alone.
    pub(super) host_only: bool,
    /// It has a `Domain`, which can only be the host itself.
    pub(super) written_domain: bool,
    /// `Path` as written; `None` where it has none.
    pub(super) written_path: Option<&'a [u8]>,
    pub(super) path: &'a [u8],
}

/// Whether the cookie keeps what its name promises. Names compare without case.
pub(super) fn keeps(context: &Context, cookie: &Promise<'_>) -> bool {
    let browser = context.browser;
    if !dialect::knows_prefixes(browser) {
        return true;
    }
    let starts =
        |prefix: &[u8]| cookie.name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let secure = cookie.secure && context.trustworthy;
    let path = if dialect::host_prefix_wants_path(browser) { cookie.written_path } else { Some(cookie.path) };
    let host_only = cookie.host_only && (!cookie.written_domain || context.takes_own_domain);
    let host = secure && host_only && path == Some(b"/");
    if starts(b"__Host-Http-") {
        return host && cookie.http_only;
    }
    if starts(b"__Host-") {
        return host;
    }
    if starts(b"__Http-") {
        return secure && cookie.http_only;
    }
    if starts(b"__Secure-") {
        return secure;
    }
    true
}

/// Whether a value begins as a prefixed name does: without a name of its own it would be read back as one.
pub(super) fn is_hidden(value: &[u8]) -> bool {
    const PREFIXES: [&[u8]; 3] = [b"__host-", b"__http-", b"__secure-"];
    PREFIXES.iter().any(|prefix| value.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
}
