//! [Port blocking](https://fetch.spec.whatwg.org/#port-blocking): ports that no page may reach, whatever listens there.

use url::Url;

use super::{Browser, dialect};

/// The [bad ports](https://fetch.spec.whatwg.org/#bad-port) of the Fetch standard, in order.
pub const BAD_PORTS: &[u16] = &[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// [Should fetching request be blocked due to a bad port?](https://fetch.spec.whatwg.org/#block-bad-port) The port, if so.
pub fn bad_port(browser: Browser, url: &Url) -> Option<u16> {
    let port = url.port()?; // A scheme's own port is never bad.
    (BAD_PORTS.binary_search(&port).is_ok() && !dialect::open_ports(browser).contains(&port)).then_some(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_and_has_no_port_twice() {
        assert!(BAD_PORTS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_bad_port_is_bad_under_every_scheme_but_for_chromes_two() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert_eq!(bad_port(Browser::Chrome, &url("ws://a.test:6000/")), Some(6000));
        assert_eq!(bad_port(Browser::Chrome, &url("http://a.test:4190/")), None);
        assert_eq!(bad_port(Browser::Firefox, &url("http://a.test:4190/")), Some(4190));
        assert_eq!(bad_port(Browser::Chrome, &url("http://a.test/")), None);
    }
}
