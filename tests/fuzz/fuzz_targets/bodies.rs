//! The shared body readers: multipart under any boundary, forms, base64.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use livegate::vendors::body::{base64, form, multipart};

fuzz_target!(|data: &[u8]| {
    let [split, rest @ ..] = data else { return };
    let (boundary, body) = rest.split_at(usize::from(*split).min(rest.len()));
    let body = Bytes::copy_from_slice(body);
    let _ = multipart::read(&body, boundary);
    if let Ok(fields) = form::read(&body) {
        if let Ok(Some(field)) = fields.one("image_base64") {
            let _ = (field.text(), field.base64());
        }
    }
    let _ = base64::decode(&body);
});
