//! The data plane: the only area that names `pingora_proxy`.
//!
//! [`Gateway`] is pingora's `ProxyHttp`; each phase hands over at once. What a request goes through reads like a list in
//! [`call`]: look at the head, recognise the dialect, authenticate, admit, read the body, parse, plan, exchange, render,
//! and, in `logging`, always, record and settle the permit.
//!
//! Translation happens inside `request_filter`: pingora's body filters run after the head has gone out and its replay
//! buffer stops at 64 KiB, so they cannot host it.

mod body;
mod budget;
mod call;
mod config;
mod front;
mod guard;
mod listener;
mod progress;
mod respond;
mod strangers;

use std::any::Any;

use async_trait::async_trait;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_error::{Error, ErrorType, Result};
use pingora_proxy::{FailToProxy, ProxyHttp, Session};

pub use call::{Gateway, Parts};
pub use config::Config;
pub use listener::Listener;
pub use progress::Progress;

use guard::Phase;

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Progress;

    fn new_ctx(&self) -> Progress {
        self.begin()
    }

    fn on_connection_reuse(
        &self,
        _: &mut Session,
        _: &mut Progress,
        phase: Box<dyn Any + Send + Sync>,
    ) {
        if let Ok(phase) = phase.downcast::<Phase>() {
            phase.head_ends();
        }
    }

    async fn request_filter(&self, session: &mut Session, progress: &mut Progress) -> Result<bool> {
        let response = Box::pin(self.answer(session, progress)).await;
        respond::send(session, progress.id, response).await?;
        Ok(true)
    }

    /// Never reached: `request_filter` has answered.
    async fn upstream_peer(&self, _: &mut Session, _: &mut Progress) -> Result<Box<HttpPeer>> {
        Error::e_explain(
            ErrorType::InternalError,
            "every call is answered before this phase",
        )
    }

    async fn fail_to_proxy(&self, _: &mut Session, error: &Error, _: &mut Progress) -> FailToProxy {
        tracing::debug!(%error, "the client did not take its answer");
        FailToProxy {
            error_code: 0,
            can_reuse_downstream: false,
        }
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, progress: &mut Progress) {
        self.finish(session, progress);
    }

    /// pingora logs this beside its errors; the default holds the query string.
    fn request_summary(&self, _: &Session, progress: &Progress) -> String {
        progress.id.hex()
    }
}
