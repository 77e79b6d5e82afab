//! One request to a gateway on this machine, for commands that talk to one.

use std::net::SocketAddr;

use anyhow::Context;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Sends `request` on a connection of its own and collects the answer.
pub async fn send(address: SocketAddr, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("nothing listens on {address}"))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let mut request = request.map(Full::new);
    request
        .headers_mut()
        .insert(header::HOST, address.to_string().parse()?);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    drop(sender);
    driver.await??;
    Ok(Response::from_parts(head, body))
}
