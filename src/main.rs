//! The thin binary: everything is in the library.

fn main() -> std::process::ExitCode {
    wirewatch::cli::run(std::env::args_os())
}
