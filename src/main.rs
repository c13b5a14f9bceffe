//! The thin binary: everything is in the library.

fn main() -> std::process::ExitCode {
    wirewatch::base::panic::install_hook();
    wirewatch::cli::run(std::env::args_os())
}
