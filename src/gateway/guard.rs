//! A client's connection with a deadline on request heads.
//!
//! pingora's read timeout starts anew with every byte, so a client that sends one byte a minute holds a connection and
//! a growing buffer for ever. [`Guarded`] gives the head as a whole a time and a size. The body has its own deadline,
//! in [`body`](super::body).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::protocols::l4::stream::Stream;
use pingora_core::protocols::{
    GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    TimingDigest, UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Nothing of the next head has arrived.
const WAITING: u8 = 0;
/// Some of the head has arrived.
const HEAD: u8 = 1;
/// The head is complete; what follows is body.
const BODY: u8 = 2;

/// More than any head that [`front`](super::front) lets pass, and the body bytes that may share its packets.
const MAX_HEAD_READ: usize = 128 * 1024;

/// A client's connection.
#[derive(Debug)]
pub struct Guarded {
    inner: Stream,
    phase: Phase,
    within: Duration,
    read: usize,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Where a connection is within a request; shared with whoever knows when that changes.
#[derive(Debug, Clone, Default)]
pub struct Phase(Arc<AtomicU8>);

// === impl Phase ===

impl Phase {
    /// The next bytes begin a new head.
    pub fn request_begins(&self) {
        self.0.store(WAITING, Ordering::Release);
    }

    /// The head has been read whole.
    pub fn head_ends(&self) {
        self.0.store(BODY, Ordering::Release);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }
}

// === impl Guarded ===

impl Guarded {
    /// Guards a connection: every head must be complete `within` this time after its first byte.
    #[must_use]
    pub fn new(inner: Stream, within: Duration) -> Self {
        Self {
            inner,
            phase: Phase::default(),
            within,
            read: 0,
            timer: None,
        }
    }

    /// The handle by which this connection is told where it is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase.clone()
    }

    fn check_head(
        &mut self,
        cx: &mut Context<'_>,
        polled: &Poll<io::Result<()>>,
        arrived: usize,
    ) -> io::Result<()> {
        match self.phase.get() {
            BODY => {
                self.read = 0;
                self.timer = None;
            }
            WAITING if arrived == 0 => {
                self.read = 0;
                self.timer = None;
            }
            _ => {
                self.phase.0.store(HEAD, Ordering::Release);
                self.read += arrived;
                if self.read > MAX_HEAD_READ {
                    return Err(io::Error::other("the request's head is too large"));
                }
            }
        }
        if polled.is_pending() && self.phase.get() == HEAD {
            // Most heads come in one piece and never get here.
            let within = self.within;
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
            if timer.as_mut().poll(cx).is_ready() {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the request's head did not arrive in time",
                ));
            }
        }
        Ok(())
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        let arrived = buf.filled().len() - before;
        match self.check_head(cx, &polled, arrived) {
            Ok(()) => polled,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[async_trait]
impl Shutdown for Guarded {
    async fn shutdown(&mut self) {
        Shutdown::shutdown(&mut self.inner).await;
    }
}

impl UniqueID for Guarded {
    fn id(&self) -> UniqueIDType {
        self.inner.id()
    }
}

impl Ssl for Guarded {}

#[async_trait]
impl Peek for Guarded {
    async fn try_peek(&mut self, buf: &mut [u8]) -> io::Result<bool> {
        self.inner.try_peek(buf).await
    }
}

impl GetTimingDigest for Guarded {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.inner.get_timing_digest()
    }
}

impl GetProxyDigest for Guarded {
    fn get_proxy_digest(&self) -> Option<Arc<pingora_core::protocols::raw_connect::ProxyDigest>> {
        self.inner.get_proxy_digest()
    }
}

impl GetSocketDigest for Guarded {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.inner.get_socket_digest()
    }

    fn set_socket_digest(&mut self, digest: SocketDigest) {
        self.inner.set_socket_digest(digest);
    }
}
