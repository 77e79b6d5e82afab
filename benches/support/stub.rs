//! The upstream: reads any request away and gives the same answer at once.

use std::io;

use tokio::net::{TcpListener, TcpStream};

use super::wire::Wire;

/// Length of the answer's body, bytes; what is missing is white space.
const LENGTH: usize = 200;
const ANSWER: &str =
    r#"{"request_id":"TID00112233445566778899aabbccddeeff","status":"OK","score":0.12}"#;

/// Serves until the runtime ends.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {LENGTH}\r\n\r\n"
    );
    let answer: &'static [u8] = format!("{head}{ANSWER:LENGTH$}").into_bytes().leak();
    loop {
        let (stream, _peer) = listener.accept().await?;
        tokio::spawn(converse(stream, answer));
    }
}

async fn converse(stream: TcpStream, answer: &'static [u8]) -> io::Result<()> {
    let mut wire = Wire::new(stream)?;
    while let Some(head) = wire.read_head().await? {
        wire.skip_body(head.length).await?;
        wire.write(answer).await?;
    }
    Ok(())
}
