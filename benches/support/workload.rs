//! What is asked of the proxies: four requests of one shape, which differ in size and in whether the key is known.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use bytes::Bytes;
use serde_json::Value;

use super::wire::Wire;

/// The id of the one known key.
pub const KEY_ID: &str = "bench";
/// Its secret.
pub const KEY_SECRET: &str = "a-secret-of-the-bench";
/// The header that carries the secret.
pub const SECRET_HEADER: &str = "x-df-api-secret";

/// An answer's number at or above this is an attack.
const THRESHOLD: f64 = 0.98;
const BOUNDARY: &str = "boundary-of-the-bench";
/// Signature and header chunk of a grey picture of 128 x 128 pixels: all that a gateway needs to see of one.
const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x80\0\0\0\x80\x08\0\0\0\0\xe6\x55\x3e\x17";

/// One kind of request.
#[derive(Debug)]
pub struct Workload {
    /// What a table calls it.
    pub name: &'static str,
    /// Head and body.
    pub request: Bytes,
    /// The status of every answer.
    pub status: u16,
    /// Measured requests in a round.
    pub requests: usize,
}

/// All of them.
#[must_use]
pub fn all() -> [Workload; 4] {
    [
        Workload {
            name: "call, 200 B",
            request: request(200, KEY_SECRET),
            status: 200,
            requests: 20_000,
        },
        Workload {
            name: "call, 100 KB",
            request: request(100_000, KEY_SECRET),
            status: 200,
            requests: 5_000,
        },
        // Cheap, so more of them: CPU time is counted in hundredths of a second.
        Workload {
            name: "401, 200 B",
            request: request(200, "wrong"),
            status: 401,
            requests: 60_000,
        },
        Workload {
            name: "401, 100 KB",
            request: request(100_000, "wrong"),
            status: 401,
            requests: 20_000,
        },
    ]
}

// === impl Workload ===

impl Workload {
    /// Whether the key is unknown.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.status == 401
    }

    /// Sends it once: status and verdict must be as expected.
    pub async fn check(&self, proxy: SocketAddr) -> anyhow::Result<()> {
        let mut wire = Wire::connect(proxy).await?;
        wire.write(&self.request).await?;
        let head = wire
            .read_head()
            .await?
            .context("the connection was closed without an answer")?;
        let body = wire.read_body(head.length).await?;
        ensure!(
            head.status == Some(self.status),
            "{:?}: {}",
            head.status,
            String::from_utf8_lossy(&body)
        );
        if !self.is_refused() {
            let answer: Value = serde_json::from_slice(&body).context("the answer is not JSON")?;
            let is_live = answer["score"]
                .as_f64()
                .is_some_and(|score| score < THRESHOLD);
            ensure!(
                answer["status"] == "OK" && is_live,
                "the verdict is not live: {answer}"
            );
        }
        Ok(())
    }
}

/// A form of `length` bytes with one picture in it.
fn request(length: usize, secret: &str) -> Bytes {
    let start = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n"
    );
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let padding = length.saturating_sub(start.len() + PICTURE.len() + end.len());
    let head = format!(
        "POST /face/anti_hack HTTP/1.1\r\nhost: gateway\r\nx-df-api-id: {KEY_ID}\r\n{SECRET_HEADER}: {secret}\r\n\
         content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {length}\r\n\r\n"
    );
    [
        head.as_bytes(),
        start.as_bytes(),
        PICTURE,
        &noise(padding),
        end.as_bytes(),
    ]
    .concat()
    .into()
}

/// Bytes like those of a compressed picture, the same in every run (xorshift32).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes()[0]
    })
    .take(length)
    .collect()
}
