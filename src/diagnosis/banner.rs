//! Who is on a port, by the first bytes that it says: by itself, or to the line `PING`.

/// The program, for a sentence; `None`: it says nothing, or speaks HTTP or TLS after all.
pub fn program(said: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(said);
    let lower = text.to_ascii_lowercase();
    let begins = |with: &str| lower.starts_with(with);
    let has = |part: &str| lower.contains(part);
    // A TLS record's head: an alert or a handshake, version 3.x.
    let is_tls = matches!(said, [0x15 | 0x16, 0x03, ..]);
    if said.is_empty() || begins("http/") || has("<html") || is_tls {
        return None;
    }
    let known = if begins("ssh-") {
        "an SSH server"
    } else if begins("+pong") || begins("-noauth") || begins("-denied") || begins("-err unknown command") {
        "a Redis server"
    } else if has("mysql") || has("mariadb") || matches!(said, [_, _, 0, 0, 10, ..]) {
        "a MySQL server"
    } else if begins("220") && has("ftp") {
        "an FTP server"
    } else if begins("220") || begins("554") {
        "a mail server (SMTP)"
    } else if begins("+ok") {
        "a mail server (POP3)"
    } else if begins("* ok") {
        "a mail server (IMAP)"
    } else if begins("rfb ") {
        "a VNC server"
    } else if begins("amqp") {
        "an AMQP broker"
    } else if begins("error\r\n") {
        "a memcached server"
    } else {
        return Some(format!("a program that says “{}”", line(&text)?));
    };
    Some(known.to_owned())
}

/// Its first line, where that can be read.
fn line(text: &str) -> Option<String> {
    let shown: String = text.lines().next()?.chars().filter(|one| !one.is_control()).take(60).collect();
    let readable = shown.chars().filter(|one| *one != char::REPLACEMENT_CHARACTER).count();
    (2 < readable && readable == shown.chars().count()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &[u8], expected: Option<&str>) {
        assert_eq!(program(said).as_deref(), expected, "{:?}", String::from_utf8_lossy(said));
    }

    #[test]
    fn programs_are_known_by_what_they_say_first() {
        check(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", Some("an SSH server"));
        check(b"+PONG\r\n", Some("a Redis server"));
        check(b"-NOAUTH Authentication required.\r\n", Some("a Redis server"));
        check(b"\x4a\x00\x00\x00\x0a8.0.36\x00", Some("a MySQL server"));
        check(b"220 (vsFTPd 3.0.5)\r\n", Some("an FTP server"));
        check(b"220 mail.example.test ESMTP Postfix\r\n", Some("a mail server (SMTP)"));
        check(b"hello there\r\nmore", Some("a program that says “hello there”"));
    }

    #[test]
    fn what_speaks_http_or_tls_or_nothing_is_no_other_program() {
        check(b"", None);
        check(b"HTTP/1.1 400 Bad Request\r\n", None);
        check(b"\x15\x03\x03\x00\x02\x02\x46", None);
        check(b"\x00\x01\xff\xfe", None);
    }
}
