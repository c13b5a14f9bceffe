//! [Methods](https://fetch.spec.whatwg.org/#methods): normalisation, the forbidden and the safelisted.

/// [Normalize](https://fetch.spec.whatwg.org/#concept-method-normalize): upper case for the six that forms and scripts have
/// always been careless with, every other method as it is.
pub fn normalize(method: &str) -> String {
    const KNOWN: [&str; 6] = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
    let upper = method.to_ascii_uppercase();
    if KNOWN.contains(&upper.as_str()) { upper } else { method.to_owned() }
}

/// [Forbidden method](https://fetch.spec.whatwg.org/#forbidden-method).
pub fn is_forbidden(method: &str) -> bool {
    ["CONNECT", "TRACE", "TRACK"].iter().any(|forbidden| forbidden.eq_ignore_ascii_case(method))
}

/// [CORS-safelisted method](https://fetch.spec.whatwg.org/#cors-safelisted-method); the method is normalised.
pub fn is_cors_safelisted(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_methods_are_put_into_upper_case_and_patch_is_not() {
        assert_eq!(normalize("pUt"), "PUT");
        assert_eq!(normalize("patch"), "patch");
        assert_eq!(normalize("chicken"), "chicken");
    }

    #[test]
    fn the_forbidden_are_forbidden_in_any_case() {
        assert!(is_forbidden("TrAcE"));
        assert!(!is_forbidden("PATCH"));
    }
}
