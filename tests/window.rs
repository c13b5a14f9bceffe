//! The real binary in a real window: Xvfb for a screen, xdotool for hands, ImageMagick for eyes.
//!
//! Needs Debian's `xvfb xdotool imagemagick` and the X11 and GL libraries that the README names; `.ci/run` installs them and
//! runs `cargo test --test window -- --ignored`. Screenshots stay in the target folder's `tmp/window`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't drive the window has to fail")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wirewatch::lab::{Lab, Options};

/// The longest that anything on this screen may take; generous, because software draws it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An X server of its own, on a display number that it picks itself.
struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    fn start() -> Self {
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

    fn tool(&self, program: &str, args: &[&str]) -> String {
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
struct Window<'a> {
    screen: &'a Screen,
    program: Child,
    id: String,
    /// Where its standard error goes.
    said: PathBuf,
}

impl<'a> Window<'a> {
    fn open(screen: &'a Screen, home: &Path, args: &[&str]) -> Self {
        let said = home.join("stderr.txt");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("DISPLAY", &screen.display)
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .stderr(std::fs::File::create(&said).unwrap());
        let program = command.spawn().unwrap();
        let mut window = Self { screen, program, id: String::new(), said };
        window.id = wait_for("the window", || {
            let found = screen.tool("xdotool", &["search", "--onlyvisible", "--name", "wirewatch"]);
            found.lines().next().map(str::to_owned)
        });
        // Without a window manager nobody hands out the keyboard.
        screen.tool("xdotool", &["windowfocus", "--sync", &window.id]);
        window
    }

    fn key(&self, key: &str) {
        self.screen.tool("xdotool", &["key", key]);
    }

    /// Types as a person does, who looks whether it is all there before going on.
    fn type_text(&self, text: &str) {
        self.screen.tool("xdotool", &["type", "--delay", "40", text]);
        self.settled();
    }

    /// Waits until two pictures in a row are the same but for what blinks and counts.
    fn settled(&self) {
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

    fn click(&self, x: u32, y: u32) {
        self.screen.tool("xdotool", &["mousemove", &x.to_string(), &y.to_string(), "click", "1"]);
    }

    /// Saves what is on the screen, and returns a digest of its pixels.
    fn shot(&self, name: &str) -> Shot {
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
    fn key_changes_picture(&self, key: &str, name: &str) -> Shot {
        let before = self.shot("before");
        self.key(key);
        wait_for(&format!("the picture to change after {key}"), || {
            let now = self.shot(name);
            (now.digest != before.digest).then_some(now)
        })
    }

    /// Ctrl+Q, and the program ends well and has said nothing of a panic.
    fn quit(mut self) {
        self.key("ctrl+q");
        let status = wait_for("the end", || self.program.try_wait().unwrap());
        assert!(status.success(), "{status}");
        let said = std::fs::read_to_string(&self.said).unwrap();
        assert!(!said.contains("panicked"), "{said}");
    }

    /// CPU time that the program has used, in seconds.
    fn cpu_seconds(&self) -> f64 {
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

struct Shot {
    file: PathBuf,
    colours: u32,
    digest: String,
}

/// The program's command line with this home, for what the window left behind.
fn told(home: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_wirewatch")).args(args).env("HOME", home).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn only_profile(folder: &Path) -> Option<String> {
    let path = std::fs::read_dir(folder).ok()?.next()?.ok()?.path();
    (path.extension()? == "toml").then(|| std::fs::read_to_string(path).ok())?
}

#[test]
#[ignore = "needs Xvfb, xdotool and ImageMagick: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn the_demo_opens_answers_keys_and_mouse_and_ends() {
    let screen = Screen::start();
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(&screen, home.path(), &["--demo"]);
    let opened = wait_for("a picture", || {
        let shot = window.shot("demo");
        (100 < shot.colours).then_some(shot)
    });
    assert!(opened.file.exists());
    window.key_changes_picture("question", "keys");
    window.key_changes_picture("Escape", "keys-closed");
    window.key_changes_picture("ctrl+k", "palette");
    window.type_text("light theme");
    window.key("Return");
    wait_for("a light picture", || {
        let shot = window.shot("light");
        let mean: f64 = screen
            .tool("convert", &[shot.file.to_str().unwrap(), "-colorspace", "Gray", "-format", "%[fx:mean]", "info:"])
            .parse()
            .ok()?;
        (0.6 < mean).then_some(())
    });
    for (key, name) in [
        ("2", "frames"),
        ("3", "last-check"),
        ("4", "profile"),
        ("1", "events"),
        ("Down", "next-row"),
        ("bracketleft", "shorter"),
    ] {
        window.key_changes_picture(key, name);
    }
    let before = window.shot("before-click");
    window.click(200, 330);
    wait_for("the clicked row to be selected", || (window.shot("clicked").digest != before.digest).then_some(()));
    window.quit();
}

#[test]
#[ignore = "needs Xvfb, xdotool and ImageMagick: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn a_profile_made_by_keyboard_is_saved_watched_and_there_after_a_restart() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lab = runtime.block_on(Lab::start(Options::default())).unwrap();
    let screen = Screen::start();
    let home = tempfile::tempdir().unwrap();
    let (profiles, data) = (home.path().join("profiles"), home.path().join("data"));
    std::fs::create_dir(&profiles).unwrap();
    let folders = ["--profiles", profiles.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let window = Window::open(&screen, home.path(), &folders);
    wait_for("the first start's choices", || (20 < window.shot("welcome").colours).then_some(()));
    window.key_changes_picture("n", "new-profile");
    window.type_text(lab.http_url("/carts?jitter=5ms..60ms").as_str());
    window.key("Return");
    let text = wait_for("the profile's file", || only_profile(&profiles));
    assert!(text.contains("/carts?jitter=5ms..60ms"), "{text}");
    window.key("r");
    let export = [&["export", "--since", "1h", "--format", "jsonl"][..], &folders].concat();
    wait_for("a check in the history", || told(home.path(), &export).contains("\"kind\":\"check\"").then_some(()));
    window.shot("watched");

    // An edit from outside is taken up: the request that arrives is another.
    let path = std::fs::read_dir(&profiles).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&path, text.replace("/carts?", "/edited?") + "\ninterval = \"1s\"\n").unwrap();
    wait_for("a request to the edited URL", || (!lab.seen_at("/edited").is_empty()).then_some(()));
    window.quit();

    let kept = told(home.path(), &export);
    assert!(kept.contains("\"kind\":\"stopped\""), "the end is not in the history:\n{kept}");
    let again = Window::open(&screen, home.path(), &folders);
    wait_for("the past", || (100 < again.shot("restarted").colours).then_some(()));
    again.quit();
}

#[test]
#[ignore = "needs Xvfb, xdotool and ImageMagick: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn a_window_with_nothing_to_show_uses_no_cpu() {
    let screen = Screen::start();
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(&screen, home.path(), &[]);
    wait_for("the first start's choices", || (20 < window.shot("idle").colours).then_some(()));
    // Ten ticks are what the engine's own clock may take; a window that keeps drawing on this screen takes hundreds.
    let before = window.cpu_seconds();
    std::thread::sleep(Duration::from_secs(5));
    let used = window.cpu_seconds() - before;
    assert!(used < 0.5, "an idle window used {used} s of CPU in 5 s");
    window.quit();
}

/// Asks again until there is an answer; what is awaited happens in other processes, which tell nobody.
#[track_caller]
fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}
