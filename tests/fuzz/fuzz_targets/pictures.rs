//! Pictures: the probe never reads beyond a header, and the decoder never takes more than its limits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use livegate::engine::decode::decode;

fuzz_target!(|data: &[u8]| {
    let _ = decode(data);
});
