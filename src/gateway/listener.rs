//! The data plane's socket: accepting connections and, at the end, letting them finish.
//!
//! # Design
//!
//! pingora's `HttpProxy` runs in this accept loop of ours instead of pingora's `Server` (which offers that as a use of
//! its constructor). `Server` sleeps the whole grace period on every stop, cannot tell which port it was given, and
//! hands a connection over before anyone can put a deadline on its first head.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use pingora_core::apps::HttpServerApp;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::l4::stream::Stream;
use pingora_core::protocols::{GetSocketDigest, SocketDigest};
use pingora_core::server::configuration::ServerConf;
use pingora_proxy::HttpProxy;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::Gateway;
use super::guard::Guarded;

/// How long a connection may wait for its next request.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Pause after the machine has run out of file descriptors, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound socket that does not accept yet.
#[derive(Debug)]
pub struct Listener {
    socket: StdListener,
    address: SocketAddr,
}

// === impl Listener ===

impl Listener {
    /// Binds `address`; port 0 takes a free one.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = StdListener::bind(address)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Where it listens, with the port that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` turns true; then takes no new connection, closes idle ones, and gives calls in flight the
    /// grace period to end.
    pub async fn serve(self, gateway: Gateway, mut stop: watch::Receiver<bool>) -> io::Result<()> {
        let listener = TcpListener::from_std(self.socket)?;
        let header_timeout = gateway.config().header_timeout.0;
        let grace = gateway.config().shutdown_grace.0;
        let mut proxy = HttpProxy::new(gateway, Arc::new(ServerConf::default()));
        proxy.handle_init_modules();
        let proxy = Arc::new(proxy);
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((socket, _peer)) => {
                    let guarded = Guarded::new(prepare(socket), header_timeout);
                    connections.spawn(Box::pin(converse(
                        Arc::clone(&proxy),
                        guarded,
                        stop.clone(),
                    )));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        proxy.http_cleanup().await;
        connections.close();
        if tokio::time::timeout(grace, connections.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                connections = connections.len(),
                "the grace period ended with calls in flight"
            );
        }
        Ok(())
    }
}

fn prepare(socket: TcpStream) -> Stream {
    let digest = SocketDigest::from_raw_fd(socket.as_raw_fd());
    let mut stream = Stream::from(socket);
    stream.set_socket_digest(digest);
    // Answers are one small write; waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay() {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    stream
}

/// One connection, request after request.
async fn converse(proxy: Arc<HttpProxy<Gateway>>, guarded: Guarded, stop: watch::Receiver<bool>) {
    let phase = guarded.phase();
    let mut session = ServerSession::new_http1(Box::new(guarded));
    session.set_keepalive(Some(KEEP_ALIVE.as_secs()));
    loop {
        phase.request_begins();
        session.set_connection_user_context(Some(Box::new(phase.clone())));
        let Some(reusable) = proxy.process_new_http(session, &stop).await else {
            return;
        };
        let (stream, settings) = reusable.consume();
        session = ServerSession::new_http1(stream);
        if let Some(settings) = settings {
            settings.apply_to_session(&mut session);
        }
    }
}
