//! The binary: everything is in the library.

use std::process::ExitCode;

/// Measured against the system's allocator in `benches/gateway.rs`.
#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    livegate::cli::main()
}
