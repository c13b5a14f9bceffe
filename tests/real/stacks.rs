//! Real Socket.IO servers on loopback, each pinned and installed once: Flask-SocketIO in threads and on gevent,
//! python-socketio on ASGI, socket.io 2, 3 and 4 on Node.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::process::{Process, free_port, wait_for};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/socketio");

/// What the tests with real parts install, kept between runs.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers")
}

/// Installs into `folder` by `how` unless what stands there came from the same list, a file.
fn install(folder: &Path, list: &str, how: impl FnOnce()) {
    // Tests that run side by side want the same folder.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (list, stamp) = (std::fs::read_to_string(list).unwrap(), folder.join("installed"));
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == list) {
        return;
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
    std::fs::create_dir_all(folder).unwrap();
    how();
    std::fs::write(stamp, list).unwrap();
}

#[track_caller]
fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&done.stderr));
}

/// A Python of that name with the packages of that list.
pub fn python_with(name: &str, list: &str) -> String {
    let folder = installed().join(name);
    let program = folder.join("bin/python");
    install(&folder, list, || {
        let system = if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" };
        run(Command::new(system).args(["-m", "venv"]).arg(&folder));
        run(Command::new(&program).args(["-m", "pip", "install", "--quiet", "--no-deps", "--requirement", list]));
    });
    program.to_str().unwrap().to_owned()
}

/// The Python of the servers here.
pub fn python() -> &'static str {
    static PYTHON: LazyLock<String> = LazyLock::new(|| python_with("python", &format!("{SOURCES}/requirements.txt")));
    &PYTHON
}

/// The folder of a package of `package.json`.
pub fn node_module(name: &str) -> PathBuf {
    static MODULES: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = installed().join("node");
        install(&folder, &format!("{SOURCES}/package-lock.json"), || {
            for list in ["package.json", "package-lock.json"] {
                std::fs::copy(format!("{SOURCES}/{list}"), folder.join(list)).unwrap();
            }
            run(Command::new("npm").args(["ci", "--silent", "--ignore-scripts"]).current_dir(&folder));
        });
        folder.join("node_modules")
    });
    MODULES.join(name)
}

/// A server's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    FlaskThreads,
    FlaskGevent,
    Asgi,
    Node2,
    Node3,
    Node4,
}

impl Stack {
    pub const ALL: [Self; 6] =
        [Self::FlaskThreads, Self::FlaskGevent, Self::Asgi, Self::Node2, Self::Node3, Self::Node4];

    fn command(self) -> Command {
        let python = |script: &str, mode: &[&str]| {
            let mut command = Command::new(python());
            command.arg(format!("{SOURCES}/{script}")).args(mode);
            command
        };
        let node = |module: &str| {
            let mut command = Command::new("node");
            command.arg(format!("{SOURCES}/node_rooms.js")).arg(node_module(module));
            command
        };
        match self {
            Self::FlaskThreads => python("flask_rooms.py", &["threading"]),
            Self::FlaskGevent => python("flask_rooms.py", &["gevent"]),
            Self::Asgi => python("asgi_rooms.py", &[]),
            Self::Node2 => node("socket.io-2"),
            Self::Node3 => node("socket.io-3"),
            Self::Node4 => node("socket.io-4"),
        }
    }

    /// The Engine.IO revision that it speaks.
    pub fn revision(self) -> u8 {
        if self == Self::Node2 { 3 } else { 4 }
    }
}

/// A running server. Ends when it is dropped.
pub struct Rooms {
    process: Process,
    stack: Stack,
    options: Value,
    pub port: u16,
}

impl Rooms {
    /// Starts it with options of `flask_rooms.py`, at a free port.
    pub fn start(stack: Stack, mut options: Value) -> Self {
        options["port"] = json!(free_port());
        Self::spawn(stack, options)
    }

    fn spawn(stack: Stack, options: Value) -> Self {
        let mut child = stack
            .command()
            .arg(options.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{stack:?}: {error}"));
        let stdout = child.stdout.take().unwrap();
        let process = Process(child);
        let port = wait_for(stdout, "port ").trim_start_matches("port ").trim().parse().unwrap();
        Self { process, stack, options, port }
    }

    /// Kills it and starts it again at the same port, after `between`.
    pub fn restart(self, between: impl FnOnce()) -> Self {
        let Self { process, stack, options, .. } = self;
        drop(process);
        between();
        Self::spawn(stack, options)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Stops its clock: it takes connections and says nothing.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        run(Command::new("kill").args([signal, &self.process.0.id().to_string()]));
    }
}
