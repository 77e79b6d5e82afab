//! Files on the web, for calls that name theirs by URL: every file that can be named is there, for its name is its
//! content.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// Serves as long as the process lives.
pub fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("a connection");
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

/// Where a file is.
pub fn url(server: SocketAddr, file: &[u8]) -> String {
    let name: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("http://{server}/{name}")
}

/// One request per connection. Who goes away early wanted no more.
fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
    let request = lines.next().expect("a request").expect("text");
    while lines
        .next()
        .is_some_and(|line| !line.expect("text").is_empty())
    {}
    let name = request
        .split(' ')
        .nth(1)
        .expect("a path")
        .trim_start_matches('/');
    let digits = name.as_bytes().chunks(2);
    let file: Vec<u8> = digits
        .map(|pair| std::str::from_utf8(pair).expect("ASCII"))
        .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits"))
        .collect();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        file.len()
    );
    let _ = stream.write_all(&[head.as_bytes(), &file].concat());
}
