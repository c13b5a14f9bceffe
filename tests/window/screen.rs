//! A screen, the program's window on it, and what can be done to both.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that anything on this screen may take; generous, because software draws it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An X server of its own, on a display number that it picks itself.
pub struct Screen {
    server: Child,
    pub display: String,
}

impl Screen {
    pub fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1440x900x24", "-noreset", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("Xvfb can't be started ({error}): apt-get install xvfb"));
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { server, display: format!(":{}", number.trim()) }
    }

    pub fn tool(&self, program: &str, args: &[&str]) -> String {
        let out = Command::new(program)
            .args(args)
            .env("DISPLAY", &self.display)
            .output()
            .unwrap_or_else(|error| panic!("{program} can't be started: {error}"));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The running program and its window.
pub struct Window<'a> {
    screen: &'a Screen,
    program: Child,
    id: String,
    /// Where its standard error goes.
    said: PathBuf,
}

impl<'a> Window<'a> {
    pub fn open(screen: &'a Screen, home: &Path, args: &[&str]) -> Self {
        Self::open_with(screen, home, args, &[])
    }

    /// With more variables in its environment.
    pub fn open_with(screen: &'a Screen, home: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let said = home.join("stderr.txt");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("DISPLAY", &screen.display)
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .envs(variables.iter().copied())
            .stderr(std::fs::File::create(&said).unwrap());
        let program = command.spawn().unwrap();
        let mut window = Self { screen, program, id: String::new(), said };
        window.id = wait_for("the window", || {
            let found = screen.tool("xdotool", &["search", "--onlyvisible", "--name", "wirewatch"]);
            found.lines().next().map(str::to_owned)
        });
        window.focus();
        window
    }

    /// Gives it the keyboard: without a window manager nobody else does.
    pub fn focus(&self) {
        self.screen.tool("xdotool", &["windowfocus", "--sync", &self.id]);
    }

    pub fn key(&self, key: &str) {
        self.screen.tool("xdotool", &["key", key]);
    }

    /// Types as a person does, who looks whether it is all there before going on.
    pub fn type_text(&self, text: &str) {
        self.screen.tool("xdotool", &["type", "--delay", "40", text]);
        self.settled();
    }

    /// Waits until two pictures in a row are the same but for what blinks and counts.
    pub fn settled(&self) {
        let mut before = self.shot("settling").digest;
        let mut tries = 0;
        wait_for("a picture that stays", || {
            tries += 1;
            let now = self.shot("settling").digest;
            // A demo never stands still: five pictures are as good.
            let same = now == before || 5 < tries;
            before = now;
            same.then_some(())
        });
    }

    pub fn click(&self, x: u32, y: u32) {
        self.screen.tool("xdotool", &["mousemove", &x.to_string(), &y.to_string(), "click", "1"]);
    }

    /// Saves what is on the screen, and returns a digest of its pixels.
    pub fn shot(&self, name: &str) -> Shot {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("window");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.png"));
        let path = file.to_str().unwrap();
        self.screen.tool("import", &["-window", "root", path]);
        let colours = self.screen.tool("identify", &["-format", "%k", path]).parse().unwrap_or(0);
        let digest = self.screen.tool("identify", &["-format", "%#", path]);
        assert_ne!(digest, "", "no screenshot was taken");
        Shot { file, colours, digest }
    }

    /// Presses `key` and waits until the picture is another.
    pub fn key_changes_picture(&self, key: &str, name: &str) -> Shot {
        let before = self.shot("before");
        self.key(key);
        wait_for(&format!("the picture to change after {key}"), || {
            let now = self.shot(name);
            (now.digest != before.digest).then_some(now)
        })
    }

    /// Ctrl+Q, and the program ends well and has said nothing of a panic.
    pub fn quit(mut self) {
        self.key("ctrl+q");
        let status = wait_for("the end", || self.program.try_wait().unwrap());
        assert!(status.success(), "{status}");
        let said = std::fs::read_to_string(&self.said).unwrap();
        assert!(!said.contains("panicked"), "{said}");
    }

    /// CPU time that the program has used, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.program.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        ticks as f64 / 100.0
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

pub struct Shot {
    pub file: PathBuf,
    pub colours: u32,
    pub digest: String,
}

/// Asks again until there is an answer; what is awaited happens in other processes, which tell nobody.
#[track_caller]
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}
