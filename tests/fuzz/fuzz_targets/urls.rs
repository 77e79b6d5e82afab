//! URLs of downloads: what is a place names a host, and what a redirect makes of it does too.

#![no_main]

use libfuzzer_sys::fuzz_target;
use livegate::media::Place;

fuzz_target!(|data: &str| {
    let (first, second) = data.split_once('\n').unwrap_or((data, ""));
    if let Ok(place) = Place::parse(first) {
        assert!(!place.host.is_empty() && !place.authority.contains('@'));
        if let Ok(next) = place.redirected(second) {
            assert!(!next.host.is_empty());
        }
    }
});
