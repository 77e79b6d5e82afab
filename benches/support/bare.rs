//! What livegate is compared with: pingora with nothing in it, on one worker thread, as a process of its own.
//!
//! pingora's proxy runs in an accept loop of ours, because its `Server` does not tell which free port it was given.
//! What happens to a connection after that is pingora's own code.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use pingora_core::apps::ServerApp;
use pingora_core::protocols::l4::stream::Stream;
use pingora_core::server::ShutdownWatch;
use pingora_core::server::configuration::ServerConf;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_error::Result;
use pingora_http::ResponseHeader;
use pingora_proxy::{HttpProxy, ProxyHttp, Session};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::workload::{KEY_SECRET, SECRET_HEADER};

const REFUSAL: &[u8] = br#"{"status":"UNAUTHORIZED"}"#;

/// What a bare proxy does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Streams it to the upstream and the answer back.
    Relay,
    /// Answers 401 unless one header has the one known value.
    Refuse,
}

// === impl Role ===

impl Role {
    /// As it is written on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Refuse => "refuse",
        }
    }
}

/// Serves until the process is killed. Prints where it listens, in the words of livegate.
pub fn run(role: Role, upstream: SocketAddr) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let announcement = json!({ "fields": { "gateway": listener.local_addr()?.to_string() } });
        writeln!(std::io::stdout(), "{announcement}")?;
        tokio::spawn(accept(listener, Bare { role, upstream })).await?
    })
}

async fn accept(listener: TcpListener, bare: Bare) -> anyhow::Result<()> {
    let mut proxy = HttpProxy::new(bare, Arc::new(ServerConf::default()));
    proxy.handle_init_modules();
    let proxy = Arc::new(proxy);
    let (_never_stopped, shutdown) = watch::channel(false);
    loop {
        let (socket, _peer) = listener.accept().await?;
        let mut stream = Stream::from(socket);
        stream.set_nodelay()?;
        tokio::spawn(converse(Arc::clone(&proxy), stream, shutdown.clone()));
    }
}

async fn converse(proxy: Arc<HttpProxy<Bare>>, stream: Stream, shutdown: ShutdownWatch) {
    let mut open = Some(Box::new(stream) as pingora_core::protocols::Stream);
    while let Some(stream) = open {
        open = proxy.process_new(stream, &shutdown).await;
    }
}

#[derive(Debug)]
struct Bare {
    role: Role,
    upstream: SocketAddr,
}

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn request_filter(&self, session: &mut Session, (): &mut ()) -> Result<bool> {
        let secret = session.req_header().headers.get(SECRET_HEADER);
        if self.role == Role::Relay || secret.is_some_and(|secret| secret == KEY_SECRET) {
            return Ok(false);
        }
        let mut head = ResponseHeader::build(401, Some(1))?;
        head.insert_header("content-length", REFUSAL.len())?;
        // As livegate does: the rest of the body is read away and the connection kept.
        session
            .as_downstream_mut()
            .set_close_on_response_before_downstream_finish(false);
        session.write_response_header(Box::new(head), false).await?;
        session
            .write_response_body(Some(Bytes::from_static(REFUSAL)), true)
            .await?;
        Ok(true)
    }

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream, false, String::new())))
    }
}
