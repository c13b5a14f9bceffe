//! `wirewatch lab` as a person starts it: it prints a URL a fault, answers there, and ends at Ctrl-C.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot start the program has to fail")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use url::Url;
use wirewatch::lab::Fault;

/// The program with these arguments, its output to be read.
fn lab(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
    command.arg("lab").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

/// What a GET of this URL begins with.
fn first_line(url: &Url) -> String {
    let mut tcp = TcpStream::connect(&*url.socket_addrs(|| None).unwrap()).unwrap();
    write!(tcp, "GET {} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n", url.path()).unwrap();
    let mut line = String::new();
    BufReader::new(tcp).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

#[cfg(unix)]
#[test]
fn it_prints_a_url_a_fault_serves_there_and_ends_at_ctrl_c() {
    let mut child = lab(&["--json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed = Vec::new();
    for fault in Fault::ALL {
        let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(line["name"], fault.name());
        printed.push(Url::parse(line["url"].as_str().unwrap()).unwrap());
    }
    let of = |fault: Fault| &printed[Fault::ALL.iter().position(|other| *other == fault).unwrap()];
    assert_eq!(first_line(of(Fault::Healthy)), "HTTP/1.1 200 OK");
    assert_eq!(first_line(of(Fault::BackendDown)), "HTTP/1.1 502 Bad Gateway");
    // It serves until then: the line on standard error says so before Ctrl-C is listened for.
    let mut told = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut told).unwrap();
    assert_eq!(told, "serving until Ctrl-C\n");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_address_that_others_can_reach_is_refused_with_what_to_change() {
    let mut child = lab(&["--addr", "0.0.0.0:0"]);
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(told.contains("not a loopback address") && told.contains("hint: give --addr"), "{told}");
}
