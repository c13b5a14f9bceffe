//! `explain --log`: reads logs, and goes on reading what is added to them, as `tail -F` does: a file that is cut short is read from its
//! beginning, one that was moved away is read to its end before the new one of that name.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use super::{ExplainArgs, json, text};
use crate::cli::{fail, harmless};
use crate::diagnosis::explain::{Known, Log, Splitter, mask};

/// How often a followed file is looked at.
const EVERY: Duration = Duration::from_millis(250);
const BLOCK: usize = 256 << 10;

pub(super) fn run(args: &ExplainArgs) -> ExitCode {
    let mut log = Log::default();
    let mut tails = Vec::new();
    for path in &args.log {
        let outcome = if path == Path::new("-") {
            let mut splitter = Splitter::default();
            take_all(&mut io::stdin().lock(), &mut splitter, &mut log, &mut |_, _| {})
                .map(|()| splitter.finish(|line, is_cut| drop(log.take(line, is_cut))))
        } else {
            let mut tail = Tail::of(path.clone());
            tail.read(&mut log, &mut |_, _| {}).map(|()| tails.push(tail))
        };
        if let Err(error) = outcome {
            return fail(&format!("{} can't be read: {error}", path.display()), "check the name and the permissions");
        }
    }
    if args.follow
        && let Err(code) = follow(args, &mut tails, &mut log)
    {
        return code;
    }
    for tail in &mut tails {
        tail.splitter.finish(|line, is_cut| drop(log.take(line, is_cut)));
    }
    // What was followed has been told line by line.
    if args.follow && args.json {
        return ExitCode::SUCCESS;
    }
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let shown = if args.json { format!("{:#}\n", json::log(&log)) } else { text::log(&log, colour) };
    let mut out = io::stdout().lock();
    match out.write_all(shown.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(&format!("standard output can't be written: {error}"), "")
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Until Ctrl-C, or until nobody reads any more.
fn follow(args: &ExplainArgs, tails: &mut [Tail], log: &mut Log) -> Result<(), ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| fail(&format!("no runtime: {error}"), ""))?;
    let names: Vec<String> = tails.iter().map(|tail| tail.path.display().to_string()).collect();
    eprintln!("following {}: Ctrl-C ends it", names.join(", "));
    runtime.block_on(async {
        let mut every = tokio::time::interval(EVERY);
        let mut out = io::stdout();
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(()),
                _ = every.tick() => {}
            }
            for tail in &mut *tails {
                let file = tail.path.display().to_string();
                let mut told = Ok(());
                let mut each = |line: &[u8], known: &Known| {
                    let line = mask(&harmless(&String::from_utf8_lossy(&line[..line.len().min(1_000)])));
                    let shown = if args.json {
                        json::followed(&file, &line, known).to_string()
                    } else {
                        let cause = known
                            .causes
                            .first()
                            .map_or_else(|| known.category.code().to_owned(), |(cause, _)| cause.to_string());
                        format!("{cause:<28} {line}")
                    };
                    if told.is_ok() {
                        told = writeln!(out, "{shown}");
                    }
                };
                // A file that is away for the moment comes again.
                let _ = tail.read(log, &mut each);
                match told.and_then(|()| out.flush()) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                    Err(error) => return Err(fail(&format!("standard output can't be written: {error}"), "")),
                }
            }
        }
    })
}

/// A file that grows.
struct Tail {
    path: PathBuf,
    file: Option<File>,
    identity: Option<u64>,
    /// How much of it is read.
    at: u64,
    splitter: Splitter,
}

impl Tail {
    fn of(path: PathBuf) -> Self {
        Self { path, file: None, identity: None, at: 0, splitter: Splitter::default() }
    }

    /// Takes what is there and not read yet.
    fn read(&mut self, log: &mut Log, each: &mut impl FnMut(&[u8], &Known)) -> io::Result<()> {
        self.take_rest(log, each)?;
        let meta = std::fs::metadata(&self.path)?;
        let moved = self.identity != identity(&meta);
        if self.file.is_some() && !moved && self.at <= meta.len() {
            return Ok(());
        }
        // Another file of that name, or the same one cut short; what stood without a line's end is a line.
        self.splitter.finish(|line, is_cut| {
            if let Some(known) = log.take(line, is_cut) {
                each(line, &known);
            }
        });
        self.file = Some(File::open(&self.path)?);
        self.identity = identity(&meta);
        self.at = 0;
        self.take_rest(log, each)
    }

    fn take_rest(&mut self, log: &mut Log, each: &mut impl FnMut(&[u8], &Known)) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut counted = Counted { inner: file, read: 0 };
        let outcome = take_all(&mut counted, &mut self.splitter, log, each);
        self.at += counted.read;
        outcome
    }
}

/// Counts what it reads.
struct Counted<'f> {
    inner: &'f mut File,
    read: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.read += read as u64;
        Ok(read)
    }
}

fn take_all(
    source: &mut impl Read,
    splitter: &mut Splitter,
    log: &mut Log,
    each: &mut impl FnMut(&[u8], &Known),
) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        match source.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(read) => splitter.feed(&block[..read], |line, is_cut| {
                if let Some(known) = log.take(line, is_cut) {
                    each(line, &known);
                }
            }),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Tells a file from another one of its name.
#[cfg(unix)]
fn identity(meta: &std::fs::Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Some(meta.ino())
}

#[cfg(not(unix))]
fn identity(meta: &std::fs::Metadata) -> Option<u64> {
    meta.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map(|since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        "2026/11/21 20:41:12 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream\n";

    #[test]
    fn what_is_added_is_read_once_over_truncation_and_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("error.log");
        let mut log = Log::default();
        let mut heard = 0;
        let mut tail = Tail::of(path.clone());
        let mut read = |expected: u64| {
            tail.read(&mut log, &mut |_, _| heard += 1).unwrap();
            assert_eq!((log.lines, heard), (expected, expected));
        };
        std::fs::write(&path, LINE.repeat(2)).unwrap();
        read(2);
        read(2);
        let mut file = File::options().append(true).open(&path).unwrap();
        // Half a line is none yet.
        file.write_all(&LINE.as_bytes()[..50]).unwrap();
        read(2);
        file.write_all(&LINE.as_bytes()[50..]).unwrap();
        read(3);
        std::fs::write(&path, LINE).unwrap();
        read(4);
        std::fs::rename(&path, folder.path().join("error.log.1")).unwrap();
        std::fs::write(&path, LINE.repeat(3)).unwrap();
        read(7);
    }
}
