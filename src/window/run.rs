//! Opens the window and holds it open: the monitor before it, the clean end after it.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;

use super::action::Range;
use super::app::App;
use super::backend::Backend;
use super::desk::Waker;
use super::launch::{self, Display, WindowError};
use super::settings::{self, Settings};
use super::station::Station;
use super::{FRAME_GAP, icon};
use crate::engine::{Monitor, MonitorConfig, Paths, Profiles, SecretSource, StartError, keeping};
use crate::lab::{self, Lab};
use crate::store::Retention;

/// What the window opens on.
#[derive(Debug)]
pub enum Show {
    /// The saved profiles.
    Saved(Paths),
    /// The built-in lab. The window's settings are read, and left as they are.
    Demo(Paths),
}

/// Opens the window; returns when it is closed.
///
/// # Errors
/// There is no display, a system library is missing, or the monitor can't begin.
pub fn run(show: &Show, secrets: SecretSource) -> Result<(), WindowError> {
    let display = launch::check()?;
    let ctx: Arc<OnceLock<egui::Context>> = Arc::default();
    let woken = Arc::clone(&ctx);
    let waker = Waker::new(move || {
        if let Some(ctx) = woken.get() {
            ctx.request_repaint_after(FRAME_GAP);
        }
    });
    let (paths, stage) = match show {
        Show::Saved(paths) => (paths, None),
        Show::Demo(paths) => (paths, Some(Stage::build()?)),
    };
    let (profiles, history) = match &stage {
        None => (Profiles::Folder(paths.profiles.clone()), paths.history()),
        Some(stage) => (Profiles::Folder(stage.profiles()), stage.folder.path().join("history.sqlite3")),
    };
    let wake = waker.clone();
    let demo = stage.is_some();
    let retention = if demo { Ok(Retention::default()) } else { keeping::load(&paths.config) };
    let retention =
        retention.map_err(|error| WindowError::Start { what: error.to_string(), hint: error.hint().to_owned() })?;
    let config = MonitorConfig {
        history: Some(history),
        retention,
        notices: !demo,
        on_change: Box::new(move || wake.wake()),
        ..MonitorConfig::new(profiles, secrets)
    };
    let beginning = Beginning::start(config, demo)?;
    let result = open(display, &paths.config, &beginning, waker, &ctx);
    let result = beginning.end().map_or(result, Err);
    drop(stage);
    result
}

/// The monitor, which reads the past while the window is being made: the first picture waits for the longer of the two.
struct Beginning {
    thread: Mutex<Option<JoinHandle<Result<Monitor, StartError>>>>,
    begun: Mutex<Option<Arc<Station>>>,
    failed: Mutex<Option<WindowError>>,
    demo: bool,
}

/// The window has nothing to show; [`Beginning::end`] says why.
#[derive(Debug, thiserror::Error)]
#[error("the monitor can't begin")]
struct NotBegun;

impl Beginning {
    fn start(config: MonitorConfig, demo: bool) -> Result<Arc<Self>, WindowError> {
        let thread = std::thread::Builder::new().name("begin".into()).spawn(move || Monitor::start(config));
        let thread = thread.map_err(|error| begin_failed(&StartError::System(error)))?;
        let thread = Mutex::new(Some(thread));
        Ok(Arc::new(Self { thread, begun: Mutex::default(), failed: Mutex::default(), demo }))
    }

    /// Waits until it has begun.
    fn station(&self) -> Result<Arc<Station>, NotBegun> {
        if let Some(thread) = lock(&self.thread).take() {
            let failed = match thread.join() {
                Ok(Ok(monitor)) => {
                    *lock(&self.begun) = Some(Arc::new(Station::new(monitor, self.demo)));
                    None
                }
                Ok(Err(error)) => Some(begin_failed(&error)),
                Err(_) => Some(WindowError::Start { what: NotBegun.to_string(), hint: String::new() }),
            };
            *lock(&self.failed) = failed;
        }
        lock(&self.begun).clone().ok_or(NotBegun)
    }

    /// Ends the monitor, also one that the window did not come to; why it did not begin.
    fn end(&self) -> Option<WindowError> {
        if let Ok(station) = self.station() {
            station.close();
        }
        lock(&self.failed).take()
    }
}

fn begin_failed(error: &StartError) -> WindowError {
    WindowError::Start { what: error.to_string(), hint: error.hint().to_owned() }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(
    display: Display,
    config: &Path,
    beginning: &Arc<Beginning>,
    waker: Waker,
    late_ctx: &Arc<OnceLock<egui::Context>>,
) -> Result<(), WindowError> {
    let file = config.join(settings::FILE);
    let loaded = Settings::load(&file);
    // The demo looks as the person likes it, begins at its own beginning, and changes nothing of theirs.
    let (loaded, file) = if beginning.demo {
        (loaded.map(|kept| Settings { range: Range::M15, selected: None, collapsed: Vec::new(), ..kept }), None)
    } else {
        (loaded, Some(file))
    };
    let (width, height) = loaded.as_ref().map_or_else(|_| Settings::default().size, |settings| settings.size);
    let mut options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("wirewatch")
            .with_app_id("wirewatch")
            .with_icon(icon::data())
            .with_inner_size([width, height])
            .with_min_inner_size([720.0, 480.0]),
        ..eframe::NativeOptions::default()
    };
    force(&mut options, display);
    let beginning = Arc::clone(beginning);
    launch::guard(|opened| {
        let late_ctx = Arc::clone(late_ctx);
        eframe::run_native(
            "wirewatch",
            options,
            Box::new(move |creation| {
                let ctx = creation.egui_ctx.clone();
                let backend: Arc<dyn Backend> = beginning.station()?;
                let app = App::new(&ctx, backend, waker, loaded, file)?;
                close_on_signal(ctx.clone())?;
                let _ = late_ctx.set(ctx);
                opened.store(true, Ordering::Relaxed);
                Ok(Box::new(app))
            }),
        )
        .map_err(WindowError::from)
    })
}

/// winit takes Wayland where its variable is set, even where its libraries are missing and X11 would do.
fn force(options: &mut eframe::NativeOptions, display: Display) {
    #[cfg(target_os = "linux")]
    if display == Display::X11 {
        use winit::platform::x11::EventLoopBuilderExtX11 as _;
        options.event_loop_builder = Some(Box::new(|builder| {
            builder.with_x11();
        }));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (options, display);
}

/// Ctrl-C on the terminal, and a session's end, close the window as its button does.
fn close_on_signal(ctx: egui::Context) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        if runtime.block_on(ended()).is_ok() {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            ctx.request_repaint();
        }
    })?;
    Ok(())
}

#[cfg(unix)]
async fn ended() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn ended() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// The demo's world: the lab's servers, and a folder for its profiles and history that goes with it.
struct Stage {
    folder: tempfile::TempDir,
    lab: Lab,
    /// The servers' threads; ended after the lab.
    _runtime: tokio::runtime::Runtime,
}

impl Stage {
    fn build() -> Result<Self, WindowError> {
        let start = |error: std::io::Error| WindowError::Start {
            what: format!("the demo's servers can't start: {error}"),
            hint: "end other programs, or free some space in the folder for temporary files".into(),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("lab")
            .enable_all()
            .build()
            .map_err(start)?;
        let lab = runtime.block_on(Lab::start(lab::Options::default())).map_err(start)?;
        let folder = tempfile::Builder::new().prefix("wirewatch-demo-").tempdir().map_err(start)?;
        let stage = Self { folder, lab, _runtime: runtime };
        std::fs::create_dir(stage.profiles()).map_err(start)?;
        for (index, demo) in lab::demo(&stage.lab).into_iter().enumerate() {
            let file = stage.profiles().join(format!("{index:02}.toml"));
            std::fs::write(file, crate::profile::write(&demo.profile)).map_err(start)?;
        }
        Ok(stage)
    }

    fn profiles(&self) -> std::path::PathBuf {
        self.folder.path().join("profiles")
    }
}
