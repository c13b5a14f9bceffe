//! Events as JSONL or CSV, one at a time: nothing here ever holds the whole history.
//!
//! JSONL is exact: an object a line, [`Record`]'s fields. CSV (RFC 4180, UTF-8, CRLF) is for spreadsheets: a fixed header,
//! the exchanges left out, and a text that a spreadsheet would run as a formula (it begins with `=`, `+`, `-`, `@`, a tab
//! or a carriage return) is preceded by an apostrophe, as what a server sends must not be run on anyone's machine.

use std::io::{self, Write};

use super::audited::AuditRecord;
use super::record::{BytesRecord, Names, Record};
use crate::store::{Filter, PAGE, Reader};
use crate::watch::Event;

/// The forms that events leave in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Jsonl,
    Csv,
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the history can't be read ({0})")]
    Read(String),
    #[error("the export can't be written ({0})")]
    Write(#[from] io::Error),
}

/// Writes events to one place.
#[derive(Debug)]
pub struct EventWriter<W> {
    out: W,
    format: Format,
    names: Names,
}

impl<W: Write> EventWriter<W> {
    /// Begins with what the format has before its first event.
    pub fn new(mut out: W, format: Format, names: Names) -> io::Result<Self> {
        if format == Format::Csv {
            write_row(&mut out, COLUMNS.iter().map(|(name, _)| Cell::Plain((*name).to_owned())))?;
        }
        Ok(Self { out, format, names })
    }

    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        let record = Record::of(event, &self.names);
        match self.format {
            Format::Jsonl => {
                serde_json::to_writer(&mut self.out, &record)?;
                self.out.write_all(b"\n")
            }
            Format::Csv => write_row(&mut self.out, COLUMNS.iter().map(|(_, cell)| cell(&record))),
        }
    }

    /// Hands back what was written to, all of it written.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Writes what the filter takes of the history, oldest first; how many events, and how many rows could not be read.
pub fn history<W: Write>(reader: &Reader, filter: &Filter, to: &mut EventWriter<W>) -> Result<(u64, u64), ExportError> {
    let (mut written, mut unreadable, mut after) = (0, 0, None);
    loop {
        let page = reader.page(filter, after, PAGE / 4).map_err(|error| ExportError::Read(error.to_string()))?;
        for event in &page.events {
            to.write(event)?;
        }
        written += page.events.len() as u64;
        unreadable += page.unreadable as u64;
        after = page.next;
        if after.is_none() {
            return Ok((written, unreadable));
        }
    }
}

enum Cell {
    Empty,
    /// Ours: a number, a time, a word of a closed list.
    Plain(String),
    /// Anyone's.
    Text(String),
}

fn plain(value: Option<impl ToString>) -> Cell {
    value.map_or(Cell::Empty, |value| Cell::Plain(value.to_string()))
}

fn text(value: Option<&str>) -> Cell {
    value.map_or(Cell::Empty, |value| Cell::Text(value.to_owned()))
}

type Column = (&'static str, fn(&Record) -> Cell);

/// The header and what stands under it. Only ever added to at the end.
const COLUMNS: &[Column] = &[
    ("seq", |r| plain(Some(r.seq))),
    ("at", |r| plain(Some(&r.at))),
    ("profile", |r| text(r.profile.as_deref())),
    ("kind", |r| plain(Some(r.kind))),
    ("from", |r| plain(r.from)),
    ("state", |r| plain(r.state)),
    ("outcome", |r| plain(r.outcome)),
    ("reason", |r| plain(r.reason)),
    ("category", |r| plain(r.category)),
    ("detail", |r| text(r.detail.as_deref())),
    ("status", |r| plain(r.status)),
    ("close_code", |r| plain(r.close_code)),
    ("close_reason", |r| text(r.closed.as_ref().map(|closed| closed.reason.as_str()))),
    ("closed_by", |r| plain(r.closed.as_ref().map(|closed| closed.by))),
    ("latency_ms", |r| plain(r.latency_ms)),
    ("total_ms", |r| plain(r.total_ms)),
    ("dns_ms", |r| plain(r.phases_ms.as_ref().and_then(|phases| phases.dns))),
    ("connect_ms", |r| plain(r.phases_ms.as_ref().and_then(|phases| phases.connect))),
    ("proxy_ms", |r| plain(r.phases_ms.as_ref().and_then(|phases| phases.proxy))),
    ("tls_ms", |r| plain(r.phases_ms.as_ref().and_then(|phases| phases.tls))),
    ("first_byte_ms", |r| plain(r.phases_ms.as_ref().and_then(|phases| phases.first_byte))),
    ("body_ms", |r| plain(r.phases_ms.as_ref().and_then(|phases| phases.body))),
    ("lateness_ms", |r| plain(r.lateness_ms)),
    ("console", |r| text(r.console.as_deref())),
    ("attempt", |r| plain(r.attempt)),
    ("wait_ms", |r| plain(r.wait_ms)),
    ("open_for_ms", |r| plain(r.open_for_ms)),
    ("direction", |r| {
        let frame = r.frame.as_ref().map(|frame| frame.direction);
        plain(frame.or(r.event.as_ref().map(|event| event.direction)))
    }),
    ("opcode", |r| plain(r.frame.as_ref().map(|frame| frame.opcode))),
    ("size", |r| {
        let frame = r.frame.as_ref().map(|frame| frame.size);
        plain(frame.or(r.event.as_ref().map(|event| event.size)))
    }),
    ("heartbeat", |r| plain(r.frame.as_ref().map(|frame| frame.heartbeat))),
    ("text", |r| match r.frame.as_ref().map(|frame| &frame.payload) {
        Some(BytesRecord::Text(payload)) => text(Some(payload)),
        _ => text(r.message.as_deref().or(r.problem.as_deref()).or(r.name.as_deref()).or(r.version.as_deref())),
    }),
    ("base64", |r| match r.frame.as_ref().map(|frame| &frame.payload) {
        Some(BytesRecord::Base64(payload)) => plain(Some(payload)),
        _ => Cell::Empty,
    }),
    ("transport", |r| plain(r.transport.as_ref().map(|transport| transport.name))),
    ("step", |r| plain(r.transport.as_ref().map(|transport| transport.step).or(r.step))),
    ("why", |r| plain(r.transport.as_ref().and_then(|transport| transport.why))),
    ("namespace", |r| {
        let namespace = r.namespace.as_ref().map(|namespace| namespace.name.as_str());
        text(namespace.or(r.event.as_ref().map(|event| event.namespace.as_str())))
    }),
    ("change", |r| plain(r.namespace.as_ref().map(|namespace| namespace.change).or(r.change))),
    ("message", |r| plain(r.event.as_ref().map(|event| event.kind))),
    ("event", |r| text(r.event.as_ref().map(|event| event.event.as_str()))),
    ("data", |r| {
        let namespace = r.namespace.as_ref().and_then(|namespace| namespace.data.as_deref());
        text(namespace.or(r.event.as_ref().map(|event| event.data.as_str())))
    }),
    ("ack_id", |r| plain(r.event.as_ref().and_then(|event| event.id))),
    ("took_ms", |r| {
        let event = r.event.as_ref().and_then(|event| event.took_ms);
        let namespace = r.namespace.as_ref().and_then(|namespace| namespace.took_ms);
        plain(event.or(namespace).or(r.transport.as_ref().and_then(|transport| transport.took_ms)))
    }),
    ("room", |r| text(r.event.as_ref().and_then(|event| event.room.as_deref()))),
    ("user", |r| text(r.event.as_ref().and_then(|event| event.user.as_deref()))),
    ("session_id", |r| {
        let namespace = r.namespace.as_ref().and_then(|namespace| namespace.session_id.as_deref());
        text(namespace.or(r.event.as_ref().and_then(|event| event.session_id.as_deref())))
    }),
    ("measured_by", |r| plain(r.measured_by)),
    ("gap_ms", |r| plain(r.gap_ms)),
    ("limit_ms", |r| plain(r.limit_ms)),
    ("audit", |r| text(r.audit.as_ref().map(AuditRecord::cell).as_deref())),
];

fn write_row(out: &mut impl Write, cells: impl Iterator<Item = Cell>) -> io::Result<()> {
    for (index, cell) in cells.enumerate() {
        if index != 0 {
            out.write_all(b",")?;
        }
        match cell {
            Cell::Empty => {}
            Cell::Plain(value) => write_cell(out, "", &value)?,
            Cell::Text(value) => {
                let runs = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
                write_cell(out, if runs { "'" } else { "" }, &value)?;
            }
        }
    }
    out.write_all(b"\r\n")
}

/// [RFC 4180, section 2](https://www.rfc-editor.org/rfc/rfc4180#section-2), rules 5 to 7.
fn write_cell(out: &mut impl Write, before: &str, value: &str) -> io::Result<()> {
    if value.contains(['"', ',', '\r', '\n']) {
        write!(out, "\"{before}{}\"", value.replace('"', "\"\""))
    } else {
        write!(out, "{before}{value}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::base::{ProfileId, Wall};
    use crate::profile::model::Transport;
    use crate::watch::{
        CheckReport, CloseFacts, ClosedBy, Code, EventBody, Message, MessageKind, Outcome, Reason, ScriptClose, State,
        Stuck, TransportStep,
    };
    use crate::wire::{Direction, Frame, Opcode, Phases};

    fn event(body: EventBody) -> Event {
        Event { seq: 7, at: Wall(1_700_000_000_123_456), profile: Some(ProfileId(1)), body }
    }

    fn export(format: Format, body: EventBody) -> String {
        let names = [(ProfileId(1), "Sales, chat".to_owned())].into_iter().collect();
        let mut writer = EventWriter::new(Vec::new(), format, names).unwrap();
        writer.write(&event(body)).unwrap();
        String::from_utf8(writer.finish().unwrap()).unwrap()
    }

    #[track_caller]
    fn jsonl(body: EventBody, expected: &str) {
        assert_eq!(export(Format::Jsonl, body).trim_end(), expected);
    }

    /// The filled cells under their names.
    fn cells(body: EventBody) -> Vec<String> {
        let csv = export(Format::Csv, body);
        let (header, row) = csv.split_once("\r\n").unwrap();
        let names = header.split(',').collect::<Vec<_>>();
        let (mut cells, mut quoted) = (vec![String::new()], false);
        for c in row.trim_end_matches("\r\n").chars() {
            match c {
                '"' => {
                    quoted = !quoted;
                    cells.last_mut().unwrap().push('"');
                }
                ',' if !quoted => cells.push(String::new()),
                c => cells.last_mut().unwrap().push(c),
            }
        }
        assert_eq!(names.len(), cells.len());
        names
            .iter()
            .zip(cells)
            .filter(|(_, cell)| !cell.is_empty())
            .map(|(name, cell)| format!("{name}={cell}"))
            .collect()
    }

    fn check(outcome: Outcome) -> EventBody {
        EventBody::Check(Arc::new(CheckReport {
            outcome,
            state: State::CorsError,
            reason: Some(Reason::new(Code::AllowOriginMismatch).with_detail("=HYPERLINK(\"x\")")),
            scheduled: Wall(0),
            lateness: Duration::from_micros(1_500),
            phases: Phases {
                connect: Some(Duration::from_millis(2)),
                total: Some(Duration::from_millis(9)),
                ..Phases::default()
            },
            status: Some(200),
            exchanges: Vec::new(),
            preflighted: false,
            console: None,
            close: None,
            steps: Vec::new(),
            further: Vec::new(),
        }))
    }

    #[test]
    fn a_state_is_one_object_a_line_with_its_reason() {
        jsonl(
            EventBody::State {
                from: State::Connected,
                to: State::Reconnecting,
                reason: Some(Reason::new(Code::Closed).with_close(1012)),
                attempt: 2,
            },
            r#"{"seq":7,"at":"2023-11-14T22:13:20.123Z","profile":"Sales, chat","kind":"state","from":"connected","state":"reconnecting","reason":"closed","category":"transport","close_code":1012,"attempt":2}"#,
        );
    }

    #[test]
    fn a_failed_check_has_a_total_and_no_latency() {
        let line = export(Format::Jsonl, check(Outcome::Down));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((value["total_ms"].as_f64(), value.get("latency_ms")), (Some(9.0), None));
        assert_eq!(value["phases_ms"].to_string(), r#"{"connect":2.0}"#);
        assert_eq!(value["lateness_ms"], 1.5);
        let good: serde_json::Value = serde_json::from_str(&export(Format::Jsonl, check(Outcome::Up))).unwrap();
        assert_eq!(good["latency_ms"], 9.0);
    }

    #[test]
    fn csv_quotes_what_needs_it_and_disarms_formulas() {
        let got = cells(check(Outcome::Down));
        assert!(got.contains(&r#"profile="Sales, chat""#.to_owned()), "{got:?}");
        assert!(got.contains(&r#"detail="'=HYPERLINK(""x"")""#.to_owned()), "{got:?}");
        assert!(got.contains(&"total_ms=9".to_owned()), "{got:?}");
    }

    #[test]
    fn a_frames_bytes_are_text_or_base64() {
        let frame = |payload: &[u8]| {
            EventBody::Frame(Frame {
                direction: Direction::In,
                opcode: Opcode::Text,
                size: 3,
                payload: payload.into(),
                heartbeat: false,
            })
        };
        assert!(export(Format::Jsonl, frame(b"a\nb")).contains(r#""text":"a\nb""#));
        assert!(export(Format::Jsonl, frame(&[0xff, 0])).contains(r#""base64":"/wA=""#));
        assert!(cells(frame(b"-1")).contains(&"text='-1".to_owned()));
    }

    #[test]
    fn a_message_is_flat_in_csv_and_nested_in_jsonl() {
        let message = Message {
            direction: Direction::Out,
            kind: MessageKind::Event,
            namespace: "/admin".into(),
            event: "=chat".into(),
            data: r#"[{"room":"a"}]"#.into(),
            size: 14,
            attachments: 0,
            id: Some(3),
            took: None,
            room: Some("a".into()),
            user: None,
            sid: Some("x7".into()),
        };
        let got = cells(EventBody::Message(Arc::new(message.clone())));
        for cell in
            ["direction=out", "namespace=/admin", "event='=chat", "ack_id=3", "room=a", "session_id=x7", "size=14"]
        {
            assert!(got.contains(&cell.to_owned()), "{cell} is not in {got:?}");
        }
        let line = export(Format::Jsonl, EventBody::Message(Arc::new(message)));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&value["event"]["event"], value["event"].get("user")), (&serde_json::json!("=chat"), None));
    }

    #[test]
    fn a_transport_says_why_it_is_polling() {
        let reason = Some(Reason::new(Code::HandshakeStatus).with_status(400));
        let step = TransportStep::Stuck { why: Stuck::Refused, reason };
        let got = cells(EventBody::Transport { transport: Transport::Polling, step });
        for cell in ["transport=polling", "step=stuck", "why=refused", "status=400", "reason=HandshakeStatus"] {
            assert!(got.contains(&cell.to_owned()), "{cell} is not in {got:?}");
        }
    }

    #[test]
    fn a_close_tells_both_sides() {
        let body = EventBody::Closed {
            facts: CloseFacts {
                code: Some(1008),
                reason: "no".into(),
                by: ClosedBy::Server,
                script: ScriptClose { code: 1008, reason: "no".into(), clean: true },
            },
            open_for: Duration::from_secs(61),
        };
        let got = cells(body);
        for cell in ["close_code=1008", "close_reason=no", "closed_by=server", "open_for_ms=61000"] {
            assert!(got.contains(&cell.to_owned()), "{got:?}");
        }
    }
}
