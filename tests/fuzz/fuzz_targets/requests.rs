//! Every dialect's request parser: whatever arrives is a call or a problem of the caller's, and a parsed call renders
//! for every upstream that claims its op.

#![no_main]

use bytes::Bytes;
use http::Request;
use libfuzzer_sys::fuzz_target;
use livegate::canonical::{CallId, Secret};
use livegate::vendors::{DialectCx, DialectSettings, UpstreamCx, VENDORS};

const CONTENT_TYPES: [&str; 5] = [
    "multipart/form-data; boundary=x",
    "multipart/form-data;boundary=*****",
    "application/x-www-form-urlencoded",
    "application/json",
    "image/jpeg",
];

fuzz_target!(|data: &[u8]| {
    let [which, kind, body @ ..] = data else { return };
    let dialects: Vec<_> = VENDORS.iter().filter_map(|vendor| vendor.inbound).collect();
    let inbound = dialects[usize::from(*which) % dialects.len()];
    let ops = inbound.capabilities().ops;
    let support = &ops[usize::from(*which >> 4) % ops.len()];
    let content_type = CONTENT_TYPES[usize::from(*kind) % CONTENT_TYPES.len()];
    let request = Request::post(support.path)
        .header("content-type", content_type)
        .header("content-length", body.len())
        .body(Bytes::copy_from_slice(body))
        .expect("a request");
    let id = CallId::from_bytes([7; 16]);
    let settings = DialectSettings::default();
    let cx = DialectCx { id, settings: &settings };
    let _ = inbound.credential_in_body(&request);
    match inbound.parse_request(&cx, support.op, request) {
        Err(problem) => assert!(problem.kind.is_callers(), "{problem:?}"),
        Ok(call) => {
            for vendor in VENDORS {
                let Some(outbound) = vendor.outbound else { continue };
                let secret = |name: &&'static str| (*name, Secret::new("0123456789abcdef0123456789abcdef".to_owned()));
                let secrets: Vec<_> = outbound.credentials().iter().map(secret).collect();
                let cx = UpstreamCx::new(id, "http://upstream.example", vendor.scale, 0, &secrets);
                let _ = outbound.render_request(&call, &cx);
            }
        }
    }
});
