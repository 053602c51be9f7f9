//! HTTP/2 frames as bytes (RFC 9113), for what no client library would send.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const GOAWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;

/// The last frame of a header block.
pub const END_HEADERS: u8 = 4;

/// One frame. `stream` is odd for those that a client opens.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The header block of a check (RFC 7541): names by their number in the static table.
pub fn check_headers() -> Vec<u8> {
    let literal = |index: &[u8], value: &str| {
        [index, &[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
    };
    [
        vec![0x83, 0x86],
        literal(&[0x04], "/envoy.service.auth.v3.Authorization/Check"),
        literal(&[0x01], "portvakt.test"),
        literal(&[0x0f, 0x10], "application/grpc"),
    ]
    .concat()
}

/// A connection whose client writes whatever it likes.
pub struct RawConnection {
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
}

impl RawConnection {
    /// Connects and says nothing.
    pub async fn connect(address: SocketAddr) -> Self {
        let (reader, writer) = TcpStream::connect(address).await.unwrap().into_split();
        Self { reader, writer }
    }

    /// Connects and begins as every client must.
    pub async fn open(address: SocketAddr) -> Self {
        let mut connection = Self::connect(address).await;
        assert!(connection.write(PREFACE).await);
        assert!(connection.write(&frame(SETTINGS, 0, 0, &[])).await);
        connection
    }

    /// Whether the other side still takes something.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
        self.writer.write_all(bytes).await.is_ok()
    }

    /// Until a frame of this kind comes, or the end.
    pub async fn next(&mut self, kind: u8) -> Option<Vec<u8>> {
        loop {
            let mut head = [0; 9];
            self.reader.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.reader.read_exact(&mut payload).await.ok()?;
            if head[3] == kind {
                return Some(payload);
            }
        }
    }

    /// Until the other side closes the connection.
    pub async fn closed(mut self) {
        let mut ignored = [0; 4096];
        while self.reader.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
    }

    /// Reads and forgets whatever comes, and writes on.
    pub fn ignoring_answers(self) -> OwnedWriteHalf {
        let Self { mut reader, writer } = self;
        tokio::spawn(async move {
            let mut ignored = [0; 4096];
            while reader.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
        });
        writer
    }
}
