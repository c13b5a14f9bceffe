//! A machine on which no window can open: one line that names the package and the terminal's monitor, and exit code 2.

use std::process::{Command, Stdio};

use crate::screen::Screen;

/// Where the system keeps a library, its links followed.
fn place_of(library: &str) -> String {
    let out = Command::new("/sbin/ldconfig").arg("-p").output().unwrap();
    let known = String::from_utf8(out.stdout).unwrap();
    let line = known.lines().find(|line| line.trim_start().starts_with(&format!("{library} ")));
    let path = line.and_then(|line| line.rsplit_once("=> ")).unwrap_or_else(|| panic!("{library} is not installed")).1;
    std::fs::canonicalize(path).unwrap().to_str().unwrap().to_owned()
}

/// What the program says where `hide` (a shell command in a mount namespace of its own) has taken something away. `None`,
/// and a line that says why, where this process may not make one.
fn said(hide: &str, variables: &[(&str, &str)]) -> Option<String> {
    let may = Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    if !may.is_ok_and(|status| status.success()) {
        use std::io::Write as _;
        // Past the test harness, which keeps what a passing test prints.
        let _ = writeln!(std::io::stderr(), "SKIPPED: mount namespaces need root: sudo .ci/run");
        return None;
    }
    let home = tempfile::tempdir().unwrap();
    let out = Command::new("unshare")
        .args(["--mount", "sh", "-c", &format!("{hide}; exec \"$0\" --demo"), env!("CARGO_BIN_EXE_wirewatch")])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    assert!(out.stdout.is_empty(), "{out:?}");
    Some(String::from_utf8(out.stderr).unwrap())
}

#[track_caller]
fn check(hide: &str, variables: &[(&str, &str)], expected: &str) {
    let Some(said) = said(hide, variables) else { return };
    // What libGL itself prints about its drivers stands before it.
    let said: String =
        said.lines().filter(|line| !line.starts_with("libGL error: ")).map(|line| line.to_owned() + "\n").collect();
    assert!(said.contains(expected), "{said}");
    assert!(said.contains("wirewatch watch") && said.lines().count() == 1 && !said.contains("panicked"), "{said}");
}

#[test]
#[ignore = "needs root and the window's libraries: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn a_missing_library_is_told_in_one_line_with_its_package() {
    for (library, package) in [
        ("libX11.so.6", "apt install libx11-6"),
        ("libXcursor.so.1", "apt install libxcursor1;"),
        ("libXi.so.6", "apt install libxi6;"),
        ("libX11-xcb.so.1", "apt install libx11-xcb1;"),
        ("libxkbcommon-x11.so.0", "apt install libxkbcommon-x11-0;"),
        ("libGL.so.1", "apt install libgl1;"),
    ] {
        check(&format!("mount --bind /dev/null {}", place_of(library)), &[("DISPLAY", ":0")], package);
    }
}

#[test]
#[ignore = "needs root and the window's libraries: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn no_display_or_a_dead_one_is_told_in_one_line() {
    check("true", &[], "no display: neither DISPLAY nor WAYLAND_DISPLAY is set");
    check("true", &[("DISPLAY", ":65535")], "the display can't be used");
    // Only Wayland's variable is set: there is a display by its name, and it is that which fails.
    check("true", &[("WAYLAND_DISPLAY", "/nowhere/wayland-0")], "the display can't be used");
}

#[test]
#[ignore = "needs root and Xvfb: .ci/run installs them and runs cargo test --test window -- --ignored"]
fn libraries_without_a_driver_for_them_are_told_in_one_line() {
    let screen = Screen::start();
    let display = [("DISPLAY", &*screen.display)];
    let drivers = format!("{}/dri", std::path::Path::new(&place_of("libGL.so.1")).parent().unwrap().display());
    let package = "apt install libgl1 libgl1-mesa-dri";
    check(&format!("mount -t tmpfs none {drivers}"), &display, package);
    check(&format!("mount --bind /dev/null {}", place_of("libGLX_mesa.so.0")), &display, package);
    // A variable that outlived its compositor doesn't keep the window from the display that is there: it fails for its own
    // reason, the driver's.
    let both = [("DISPLAY", &*screen.display), ("WAYLAND_DISPLAY", "/nowhere/wayland-0")];
    check(&format!("mount -t tmpfs none {drivers}"), &both, package);
}
