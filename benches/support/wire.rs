//! As much HTTP/1.1 as generator and upstream need: messages with a declared length, one after the other.

use std::io;
use std::net::SocketAddr;

use bytes::{Buf, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BUFFER: usize = 64 * 1024;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// One connection, from either end.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    buffer: BytesMut,
}

/// What matters of a message's head.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Of an answer; requests have none.
    pub status: Option<u16>,
    /// Of the body, bytes.
    pub length: usize,
}

// === impl Wire ===

impl Wire {
    /// The client's end.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        Self::new(TcpStream::connect(address).await?)
    }

    /// The end of an open connection.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: BytesMut::with_capacity(BUFFER),
        })
    }

    /// Sends a message whole.
    pub async fn write(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(message).await
    }

    /// The next message's head, or `None` if the other end has closed.
    pub async fn read_head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = memmem::find(&self.buffer, END_OF_HEAD) {
                let head = Head::parse(self.buffer.get(..end).unwrap_or_default())?;
                self.buffer.advance(end + END_OF_HEAD.len());
                return Ok(Some(head));
            }
            if self.fill().await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// Reads the body that follows a head, and forgets it.
    pub async fn skip_body(&mut self, length: usize) -> io::Result<()> {
        let mut left = length;
        loop {
            let here = left.min(self.buffer.len());
            self.buffer.advance(here);
            left -= here;
            if left == 0 {
                return Ok(());
            }
            if self.fill().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads the body that follows a head.
    pub async fn read_body(&mut self, length: usize) -> io::Result<BytesMut> {
        while self.buffer.len() < length {
            if self.fill().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.split_to(length))
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(BUFFER);
        self.stream.read_buf(&mut self.buffer).await
    }
}

// === impl Head ===

impl Head {
    fn parse(head: &[u8]) -> io::Result<Self> {
        let malformed = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "a head without a content-length",
            )
        };
        let text = std::str::from_utf8(head).map_err(|_| malformed())?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let length = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .ok_or_else(malformed)?;
        Ok(Self {
            status: status
                .and_then(|rest| rest.get(..3))
                .and_then(|code| code.parse().ok()),
            length,
        })
    }
}
