//! What each browser makes of the same bytes, as seen in Chromium 156, Firefox 153 esr and WebKitGTK 2.50.

use super::*;
use crate::browser::websocket::deflate;

/// What is read of these pieces, in words: `t:` and `b:` messages, `ping`, `pong`, `c:` a close, `!` a breach.
fn read(browser: Browser, deflate: Option<Agreed>, pieces: &[&[u8]]) -> String {
    let mut frames = Frames::new(browser, deflate, 1000);
    let mut words = Vec::new();
    for piece in pieces {
        let mut events = Vec::new();
        let result = frames.read(piece, &mut events);
        words.extend(events.into_iter().map(|event| match event {
            Event::Message { text: true, payload, .. } => format!("t:{}", String::from_utf8(payload).unwrap()),
            Event::Message { payload, .. } => format!("b:{}", payload.escape_ascii()),
            Event::Ping(_) => "ping".into(),
            Event::Pong(_) => "pong".into(),
            Event::Close { code, reason } => format!("c:{}{reason}", code.map_or("-".into(), |code| code.to_string())),
        }));
        match result {
            Ok(()) => {}
            Err(Stop::TooLarge) => words.push("too large".into()),
            Err(Stop::Breach(breach)) => words.push(format!("!{}", breach.what())),
        }
        if result.is_err() {
            break;
        }
    }
    words.join(" ")
}

/// In one piece, and byte by byte.
#[track_caller]
fn check(bytes: &[u8], expected: [&str; 3]) {
    for (browser, expected) in Browser::ALL.into_iter().zip(expected) {
        assert_eq!(read(browser, None, &[bytes]), expected, "{browser:?}");
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(browser, None, &single), expected, "{browser:?}, byte by byte");
    }
}

#[test]
fn good_frames_are_messages_in_all_three() {
    check(b"\x81\x02hi\x82\x01\xff\x89\x00\x8a\x01x\x81\x00", ["t:hi b:\\xff ping pong t:"; 3]);
    check(b"\x01\x01a\x89\x00\x80\x01b", ["ping t:ab"; 3]);
    check(b"\x01\x00\x80\x00", ["t:"; 3]);
    check(b"\x81\x01\x00", ["t:\0"; 3]);
    check(b"\x88\x05\x03\xe9bye", ["c:1001bye"; 3]);
    check(b"\x88\x00", ["c:-"; 3]);
}

#[test]
fn bits_opcodes_and_masks() {
    check(b"\xc1\x05hello", ["!reserved bits"; 3]);
    check(b"\xa1\x05hello", ["!reserved bits"; 3]);
    check(b"\x83\x00", ["!unknown opcode"; 3]);
    check(b"\x8b\x00", ["!unknown opcode"; 3]);
    check(b"\x03\x00", ["!unknown opcode", "", "!unknown opcode"]);
    check(b"\x81\x85\x01\x02\x03\x04\x69\x67\x6f\x68\x64", ["!masked frame", "t:helle", "!masked frame"]);
    check(b"\x88\x82\x01\x02\x03\x04\x00\x00", ["!masked frame", "c:258", "!masked frame"]);
}

#[test]
fn control_frames_are_short_and_whole() {
    let long = [&b"\x89\x7e\x00\x7e"[..], &[b'a'; 126]].concat();
    check(&long, ["!control frame too long"; 3]);
    check(b"\x0a\x00", ["!fragmented control frame"; 3]);
    // "HTTP/1.1 404" as frames: a close without its end, of 84 bytes that never come.
    check(b"HTTP/1.1 404", ["!fragmented control frame", "", ""]);
}

#[test]
fn fragments_follow_each_other() {
    check(b"\x80\x00", ["!continuation of nothing"; 3]);
    check(b"\x00\x01a", ["!continuation of nothing"; 3]);
    check(b"\x01\x01a\x81\x01b", ["!message within a message"; 3]);
    // Firefox counts the fragments' bytes.
    check(b"\x01\x00\x81\x01b", ["!message within a message", "t:b", "!message within a message"]);
}

#[test]
fn text_is_utf8_for_chrome_as_it_comes_for_the_others_at_its_end() {
    check(b"\x81\x02\xc3\x28", ["!text is not UTF-8"; 3]);
    check(b"\x81\x01\xc3", ["!text is not UTF-8"; 3]);
    check(b"\x81\x03\xed\xa0\x80", ["!text is not UTF-8"; 3]);
    check(b"\x01\x02\xc3\x28", ["!text is not UTF-8", "", ""]);
    check(b"\x01\x01\xc3\x80\x01\xa9", ["t:é"; 3]);
}

#[test]
fn close_frames() {
    check(b"\x88\x01\x03", ["!close frame of one byte", "c:-", "!close frame of one byte"]);
    check(b"\x88\x04\x03\xe8\xc3\x28", ["!text is not UTF-8"; 3]);
    let code = |code: u16| [&b"\x88\x02"[..], &code.to_be_bytes()].concat();
    for passed in [1000, 1001, 1002, 1003, 1007, 1010, 1011, 3000, 4999] {
        check(&code(passed), [&*format!("c:{passed}"); 3]);
    }
    for odd in [0, 999, 1004, 1012, 1014, 1016, 2999, 5000, 65535] {
        let passed = format!("c:{odd}");
        check(&code(odd), [&passed, &passed, "!close code"]);
    }
    for reserved in [1005, 1006, 1015] {
        check(&code(reserved), ["!close code", &format!("c:{reserved}"), "!close code"]);
    }
    check(b"\x88\x00\x88\x02\x03\xe8", ["c:- !frame after the close", "c:-", "c:-"]);
    check(b"\x88\x02\x03\xe8\x81\x01a", ["c:1000 !frame after the close", "c:1000", "c:1000"]);
}

#[test]
fn lengths_are_short_and_within_bounds() {
    check(b"\x81\x7e\x00\x05hello", ["!frame length"; 3]);
    check(b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x05hello", ["!frame length"; 3]);
    check(b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", ["!frame length", "!frame length", "!frame too large"]);
    check(b"\x82\x7f\x00\x00\x00\x00\x06\x40\x00\x00", ["too large"; 3]);
    let half = [&b"\x01\x7e\x02\x58"[..], &[b'a'; 600]].concat();
    let rest = [&b"\x80\x7e\x02\x58"[..], &[b'a'; 600]].concat();
    check(&[half, rest].concat(), ["too large"; 3]);
}

#[test]
fn chrome_lets_go_of_what_came_before_in_the_same_read() {
    let pieces: [&[u8]; 2] = [b"\x81\x01a", b"\x81\x01b\x0a\x00"];
    assert_eq!(read(Browser::Chrome, None, &pieces), "t:a !fragmented control frame");
    assert_eq!(read(Browser::Firefox, None, &pieces), "t:a t:b !fragmented control frame");
}

fn compressed(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, u8::try_from(payload.len()).unwrap()], payload].concat()
}

#[track_caller]
fn check_deflate(bytes: &[u8], expected: [&str; 3]) {
    for (browser, expected) in Browser::ALL.into_iter().zip(expected) {
        assert_eq!(read(browser, Some(Agreed::default()), &[bytes]), expected, "{browser:?}");
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(browser, Some(Agreed::default()), &single), expected, "{browser:?}, byte by byte");
    }
}

#[test]
fn compressed_messages_are_inflated_and_others_pass_beside_them() {
    let hello = compressed(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    let again = compressed(0xc1, b"\xf2\x00\x11\x00\x00");
    check_deflate(&[&hello[..], b"\x81\x02hi", &again].concat(), ["t:Hello t:hi t:Hello"; 3]);
    let first = compressed(0x41, b"\xf2\x48\xcd");
    let rest = compressed(0x80, b"\xc9\xc9\x07\x00");
    check_deflate(&[&first[..], b"\x89\x00", &rest].concat(), ["ping t:Hello"; 3]);
}

#[test]
fn what_does_not_inflate_is_a_breach_and_a_bomb_is_too_large() {
    check_deflate(b"\xc1\x05hello", ["!compressed message"; 3]);
    check_deflate(b"\xc9\x00", ["!reserved bits"; 3]);
    check_deflate(b"\xe1\x00", ["!reserved bits"; 3]);
    let first = compressed(0x41, b"\xf2\x48\xcd");
    let marked = compressed(0xc0, b"\xc9\xc9\x07\x00");
    check_deflate(&[first, marked].concat(), ["!compressed message", "!reserved bits", "!compressed message"]);
    let bomb = deflate::deflated(&[b'a'; 50_000], 15);
    check_deflate(&compressed(0xc2, &bomb), ["too large"; 3]);
}

#[test]
fn the_size_on_the_wire_is_told() {
    let mut frames = Frames::new(Browser::Chrome, Some(Agreed::default()), 1000);
    let mut events = Vec::new();
    frames.read(&compressed(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00"), &mut events).unwrap();
    assert_eq!(events, [Event::Message { text: true, payload: b"Hello".to_vec(), wire: 7 }]);
}

#[test]
fn between_messages_nothing_is_held() {
    assert!(std::mem::size_of::<Frames>() <= 72, "{}", std::mem::size_of::<Frames>());
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_hold_more_than_the_limit(
        pieces in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..40), 0..20),
        deflate in proptest::bool::ANY,
    ) {
        for browser in Browser::ALL {
            let mut frames = Frames::new(browser, deflate.then(Agreed::default), 500);
            let mut events = Vec::new();
            for piece in &pieces {
                if frames.read(piece, &mut events).is_err() {
                    break;
                }
                let held = frames.message.as_ref().map_or(0, |message| message.payload.len());
                proptest::prop_assert!(held <= 500);
            }
        }
    }
}
