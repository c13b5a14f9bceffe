//! Whether a window can open on this machine, asked before anything tries: a missing display or library is a sentence
//! with the package that brings it, never a panic.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    #[error("no display: neither DISPLAY nor WAYLAND_DISPLAY is set{ELSE}")]
    NoDisplay,
    #[error("the window needs {}, which brings {library}: apt install {}{ELSE}", packages.join(" "), packages.join(" "))]
    MissingLibrary { library: &'static str, packages: Vec<&'static str> },
    #[error("the display can't be used: {why}{ELSE}")]
    Display { why: String },
    #[error("no OpenGL on this display ({why}): apt install libgl1 libgl1-mesa-dri{ELSE}")]
    Graphics { why: String },
    /// The monitor itself could not start.
    #[error("{what}")]
    Start { what: String, hint: String },
}

/// What to do without a window; the end of every line that says there is none.
const ELSE: &str = "; without a window: wirewatch watch, or wirewatch watch --demo";

/// What the display system's libraries are called, and Debian's packages for them.
const X11: &[(&str, &str)] = &[
    ("libX11.so.6", "libx11-6"),
    ("libXcursor.so.1", "libxcursor1"),
    ("libXi.so.6", "libxi6"),
    ("libX11-xcb.so.1", "libx11-xcb1"),
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    ("libxkbcommon.so.0", "libxkbcommon0"),
    ("libGL.so.1", "libgl1"),
];
const WAYLAND: &[(&str, &str)] = &[
    ("libwayland-client.so.0", "libwayland-client0"),
    ("libwayland-egl.so.1", "libwayland-egl1"),
    ("libxkbcommon.so.0", "libxkbcommon0"),
    ("libEGL.so.1", "libegl1"),
];

/// The display system that a window would open on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    X11,
    Wayland,
    /// Not for this check to judge: Windows, macOS.
    Native,
}

/// What this machine says about displays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `DISPLAY` is set.
    pub x11: bool,
    /// `WAYLAND_DISPLAY` or `WAYLAND_SOCKET` is set.
    pub wayland: bool,
    /// And it names a socket that is there.
    pub compositor: bool,
}

impl Surroundings {
    /// As the environment of this process has it.
    fn look() -> Self {
        let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let (socket, name) = (value("WAYLAND_SOCKET"), value("WAYLAND_DISPLAY"));
        // An absolute name stands for itself, another for a socket in the session's folder.
        let place =
            name.as_ref().map(|name| value("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default().join(name));
        Self {
            x11: value("DISPLAY").is_some(),
            wayland: socket.is_some() || name.is_some(),
            compositor: socket.is_some() || place.is_some_and(|place| place.is_absolute() && place.exists()),
        }
    }
}

/// Picks the display system, or says what is missing. `loads` tells whether a library can be loaded.
pub fn choose(around: Surroundings, loads: impl Fn(&str) -> bool) -> Result<Display, WindowError> {
    let Surroundings { x11, compositor, .. } = around;
    // A variable that outlived its compositor gives way to a display that may be there.
    let wayland = around.wayland && (compositor || !x11);
    let lacking = |wanted: &[(&'static str, &'static str)]| -> Vec<(&'static str, &'static str)> {
        wanted.iter().copied().filter(|(library, _)| !loads(library)).collect()
    };
    if wayland && lacking(WAYLAND).is_empty() {
        return Ok(Display::Wayland);
    }
    let missing = match (x11, wayland) {
        (true, _) => lacking(X11),
        (false, true) => lacking(WAYLAND),
        (false, false) => return Err(WindowError::NoDisplay),
    };
    match missing.first() {
        None => Ok(Display::X11),
        Some((library, _)) => Err(WindowError::MissingLibrary {
            library,
            packages: missing.iter().map(|(_, package)| *package).collect(),
        }),
    }
}

/// The display system of this machine, or what is missing.
pub fn check() -> Result<Display, WindowError> {
    if cfg!(any(target_os = "windows", target_os = "macos")) {
        return Ok(Display::Native);
    }
    choose(Surroundings::look(), library_loads)
}

#[allow(unsafe_code, reason = "loading a library runs its initialisers; these are the ones the window loads anyway")]
fn library_loads(name: &str) -> bool {
    // SAFETY: the display system's own libraries, whose initialisers have no preconditions; winit and glutin load the
    // same ones a moment later.
    unsafe { libloading::Library::new(name) }.is_ok()
}

/// Runs `open`, which blocks until the window closes. A panic before `opened` is set (winit's and its libraries' way of
/// saying that a display is unusable) becomes an error; later ones go on as they would.
pub fn guard(open: impl FnOnce(Arc<AtomicBool>) -> Result<(), WindowError>) -> Result<(), WindowError> {
    let opened = Arc::new(AtomicBool::new(false));
    let before = Arc::new(std::panic::take_hook());
    let (hook, seen) = (Arc::clone(&before), Arc::clone(&opened));
    let main = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        if seen.load(Ordering::Relaxed) || std::thread::current().id() != main {
            hook(info);
        }
    }));
    let flag = Arc::clone(&opened);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || open(flag)));
    std::panic::set_hook(Box::new(move |info| before(info)));
    match result {
        Ok(result) => result,
        Err(payload) if opened.load(Ordering::Relaxed) => std::panic::resume_unwind(payload),
        Err(payload) => Err(WindowError::Display { why: said(payload.as_ref()) }),
    }
}

/// A panic's message, its first line.
fn said(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("the display system gave up");
    text.lines().next().unwrap_or_default().to_owned()
}

impl WindowError {
    /// What to change, where the line itself does not say it.
    pub fn hint(&self) -> &str {
        match self {
            Self::Start { hint, .. } => hint,
            Self::NoDisplay | Self::MissingLibrary { .. } | Self::Display { .. } | Self::Graphics { .. } => "",
        }
    }
}

impl From<eframe::Error> for WindowError {
    fn from(error: eframe::Error) -> Self {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        // winit puts the place in its source before what happened.
        let why = line.split_once(".rs:").and_then(|(_, rest)| rest.split_once(": ")).map_or(line, |(_, why)| why);
        let why = why.to_owned();
        match error {
            // glutin's own text is the whole of its wish list.
            eframe::Error::NoGlutinConfigs(..) => Self::Graphics { why: "it offers no usable configuration".into() },
            eframe::Error::AppCreation(_) => Self::Start { what: why, hint: String::new() },
            eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) => Self::Display { why },
            _ => Self::Graphics { why },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x11`, `wayland` (with a compositor) or `stale` (without).
    #[track_caller]
    fn check(displays: &[&str], missing: &[&str], expected: &str) {
        let has = |name| displays.contains(&name);
        let around =
            Surroundings { x11: has("x11"), wayland: has("wayland") || has("stale"), compositor: has("wayland") };
        let got = choose(around, |library| !missing.contains(&library));
        let got = match got {
            Ok(display) => format!("{display:?}"),
            Err(error) => error.to_string(),
        };
        assert!(got.starts_with(expected), "{got}");
    }

    #[test]
    fn without_a_display_the_line_names_the_terminal_monitor() {
        check(&[], &[], "no display");
        let line = WindowError::NoDisplay.to_string();
        assert!(line.contains("wirewatch watch --demo") && line.lines().count() == 1, "{line}");
    }

    #[test]
    fn a_missing_library_is_named_with_every_package_that_lacks() {
        check(
            &["x11"],
            &["libXi.so.6", "libGL.so.1"],
            "the window needs libxi6 libgl1, which brings libXi.so.6: apt install libxi6 libgl1; without",
        );
    }

    #[test]
    fn wayland_comes_first_and_x11_stands_in_for_it() {
        check(&["x11", "wayland"], &[], "Wayland");
        check(&["x11", "wayland"], &["libwayland-client.so.0"], "X11");
        check(&["wayland"], &["libwayland-client.so.0"], "the window needs libwayland-client0");
        check(&["x11"], &["libwayland-client.so.0"], "X11");
        check(&["x11", "stale"], &[], "X11");
        check(&["stale"], &[], "Wayland");
    }

    #[test]
    fn a_panic_before_the_window_opened_is_an_error() {
        let result = guard(|_| std::panic::panic_any("Library libxkbcommon-x11.so could not be loaded."));
        assert!(matches!(result, Err(WindowError::Display { why }) if why.contains("libxkbcommon-x11")));
    }
}
