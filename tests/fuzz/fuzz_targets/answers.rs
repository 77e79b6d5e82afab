//! Every vendor's answer parser: whatever an upstream says is an outcome or a problem, and no broken answer is live.

#![no_main]

use bytes::Bytes;
use http::Response;
use libfuzzer_sys::fuzz_target;
use livegate::canonical::{Call, CallId, ImageLiveness, Media, Outcome, Secret, Verdict};
use livegate::vendors::{Memo, Turn, UpstreamCx, VENDORS};

const STATUSES: [u16; 8] = [200, 400, 401, 403, 404, 429, 500, 504];

fuzz_target!(|data: &[u8]| {
    let [which, status, body @ ..] = data else { return };
    let vendors: Vec<_> = VENDORS.iter().filter(|vendor| vendor.outbound.is_some()).collect();
    let vendor = vendors[usize::from(*which) % vendors.len()];
    let Some(outbound) = vendor.outbound else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let response = Response::builder().status(status).body(Bytes::copy_from_slice(body)).expect("a response");
    let call = Call::ImageLiveness(ImageLiveness { image: Media::Bytes(Bytes::from_static(b"x")), details: true });
    let secret = |name: &&'static str| (*name, Secret::new("0123456789abcdef0123456789abcdef".to_owned()));
    let secrets: Vec<_> = outbound.credentials().iter().map(secret).collect();
    let cx = UpstreamCx::new(CallId::from_bytes([7; 16]), "http://upstream.example", vendor.scale, 0, &secrets);
    if let Ok(Turn::Done(Outcome::Liveness(liveness))) = outbound.parse_response(&call, Memo::default(), response, &cx) {
        assert!(liveness.verdict != Verdict::Live || status == 200, "live from HTTP {status}");
    }
});
