//! Files that want to fill the memory. A binary of its own, because it reads the peak of the whole process.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "support/bombs.rs"]
mod support;

use std::fs;
use std::time::Duration;

use livegate::clock::Clock;
use livegate::engine::decode::decode;

/// Loose on purpose: build machines are busy, and the codecs alone are optimised in a debug build.
const MOST_TIME: Duration = Duration::from_secs(1);
const MOST_MEMORY: u64 = 70 << 20;

#[test]
fn no_bomb_costs_much_time_or_memory() {
    let bombs = support::bombs();
    let clock = Clock::system();
    for bomb in bombs {
        forget_peak_memory();
        let (before, start) = (peak_memory(), clock.instant());
        let decoded = decode(&bomb.bytes);
        let (took, grown) = (clock.instant() - start, peak_memory() - before);
        println!(
            "{}: {took:?}, {} KiB, {}",
            bomb.name,
            grown >> 10,
            decoded.is_ok()
        );
        assert!(took < MOST_TIME, "{} took {took:?}", bomb.name);
        assert!(grown < MOST_MEMORY, "{} took {grown} bytes", bomb.name);
    }
}

/// What was highest so far is forgotten, where the system can (Linux, proc(5)).
fn forget_peak_memory() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Highest resident memory of this process so far, bytes; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}
