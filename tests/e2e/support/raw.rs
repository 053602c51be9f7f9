//! Requests as bytes, for what clients would put right before sending it.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{Answer, wait::PATIENCE};

/// Sends a request and reads the answer. Lines end with `\r\n`; `lines` are request line and
/// headers beside `Connection: close`.
pub async fn send(address: SocketAddr, lines: &[&str]) -> Answer {
    timeout(PATIENCE, exchange(address, lines)).await.expect("no answer in time")
}

async fn exchange(address: SocketAddr, lines: &[&str]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !is_whole(&answer) && stream.read_buf(&mut answer).await.unwrap() > 0 {}
    parse(&String::from_utf8_lossy(&answer))
}

/// Whether nothing more needs to come: Envoy keeps a refused connection open for a second.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.parse().unwrap())
}

fn parse(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        (name.parse().unwrap(), value.trim().parse().unwrap())
    });
    let headers: reqwest::header::HeaderMap = headers.collect();
    let is_chunked = headers.contains_key("transfer-encoding");
    let body = if is_chunked { dechunk(body) } else { body.to_owned() };
    Answer { status, headers, body }
}

/// RFC 9112, section 7.1.
fn dechunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}
