//! A client that sends exactly the bytes it is given: half the requests in these tests are ones that no HTTP library
//! would send.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap};
use serde_json::Value;

/// Longer than any deadline of the gateway under test; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// One answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

// === impl Reply ===

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

/// A connection that stays open between requests.
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

// === impl Connection ===

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the gateway listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Sends bytes; a peer that has closed already is noticed when its answer is read.
    pub fn send(&mut self, bytes: &[u8]) {
        if let Err(error) = self.stream.write_all(bytes) {
            let closed = matches!(
                error.kind(),
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
            );
            assert!(closed, "{error}");
        }
    }

    /// Says that nothing more will be sent.
    pub fn end_sending(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("half closed");
    }

    /// The next answer, or `None` if the connection was closed without one. Interim answers are skipped.
    pub fn receive(&mut self) -> Option<Reply> {
        loop {
            let end = loop {
                if let Some(end) = find(&self.read, b"\r\n\r\n") {
                    break end;
                }
                if !self.fill() {
                    return None;
                }
            };
            let head = String::from_utf8(self.read[..end].to_vec()).expect("a text head");
            self.read.drain(..end + 4);
            let mut lines = head.split("\r\n");
            let status: u16 = lines
                .next()
                .and_then(|line| line.split(' ').nth(1))
                .and_then(|s| s.parse().ok())
                .expect("a status");
            if status == 100 {
                continue;
            }
            let headers: Vec<(String, String)> = lines
                .map(|line| line.split_once(": ").expect("a header"))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            let length = headers
                .iter()
                .find(|(name, _)| name == "content-length")
                .expect("a length")
                .1
                .parse();
            let length: usize = length.expect("a number");
            while self.read.len() < length {
                assert!(self.fill(), "the answer breaks off");
            }
            let body = self.read.drain(..length).collect();
            return Some(Reply {
                status,
                headers,
                body,
            });
        }
    }

    /// Whether the peer asks for the body (100, RFC 9110 section 10.1.1).
    pub fn is_told_to_continue(&mut self) -> bool {
        const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        while self.read.len() < INTERIM.len() && self.fill() {}
        let told = self.read.starts_with(INTERIM);
        self.read.drain(..INTERIM.len().min(self.read.len()));
        told
    }

    fn fill(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.read.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

/// Sends one request on a connection of its own.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Reply {
    let mut connection = Connection::open(address);
    connection.send(request);
    connection.receive().expect("an answer")
}

/// A request with a body of known length.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!(
        "{method} {target} HTTP/1.1\r\nhost: gateway\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

/// Sends a request that an adapter made, with more headers.
pub fn send(address: SocketAddr, request: &Request<Bytes>, more: &[(&str, &str)]) -> Reply {
    let target = request.uri().path_and_query().expect("a path").as_str();
    let headers = [headers(request.headers()).as_slice(), more].concat();
    let method = request.method().as_str();
    exchange(
        address,
        &self::request(method, target, &headers, request.body()),
    )
}

/// Headers as text, without those that [`request`] writes itself.
pub fn headers(headers: &HeaderMap) -> Vec<(&str, &str)> {
    headers
        .iter()
        .filter(|(name, _)| *name != HOST && *name != CONTENT_LENGTH)
        .map(|(name, value)| (name.as_str(), value.to_str().expect("text")))
        .collect()
}

/// A form with one file: content type and body.
pub fn form(field: &str, file: &[u8], fields: &[(&str, &str)]) -> (String, Vec<u8>) {
    let boundary = "form-boundary-of-the-tests";
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"x\"\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
