//! What clients do that mean ill, each on a connection of its own.

use std::{net::SocketAddr, time::Duration};

use tokio::{io::AsyncWriteExt, time};

use super::frames::{
    CONTINUATION, DATA, END_HEADERS, HEADERS, RST_STREAM, RawConnection, check_headers, frame,
};

/// CANCEL (RFC 9113, section 7).
const CANCEL: [u8; 4] = [0, 0, 0, 8];
/// Streams that are opened and reset by one write.
const RESETS_AT_ONCE: usize = 200;

/// Opens streams and resets each at once, so many or until it is cut off; how many.
pub async fn reset_streams(address: SocketAddr, most: u32) -> u32 {
    let mut connection = RawConnection::open(address).await.ignoring_answers();
    let headers = check_headers();
    for begun in (0..most).step_by(RESETS_AT_ONCE) {
        let streams = (begun..most).take(RESETS_AT_ONCE).map(|number| 2 * number + 1);
        let frames = streams.flat_map(|stream| {
            let headers = frame(HEADERS, END_HEADERS, stream, &headers);
            [headers, frame(RST_STREAM, 0, stream, &CANCEL)].concat()
        });
        if connection.write_all(&frames.collect::<Vec<_>>()).await.is_err() {
            return begun;
        }
    }
    most
}

/// Sends a header block that does not end, in so many frames of 15 KiB or until it is cut off;
/// how many.
pub async fn endless_headers(address: SocketAddr, most: u32) -> u32 {
    let mut connection = RawConnection::open(address).await;
    // Literals that are never indexed, with a name of one byte and a value of 100.
    let field = [&[0x10, 1, b'x', 100][..], &[b'y'; 100]].concat();
    let fragment = frame(CONTINUATION, 0, 1, &field.repeat(150));
    let mut goes_on = connection.write(&frame(HEADERS, 0, 1, &check_headers())).await;
    let mut sent = 0;
    while goes_on && sent < most {
        goes_on = connection.write(&fragment).await;
        sent += 1;
    }
    sent
}

/// Sends so many bytes of a check one by one, and no more; the denial that comes of it.
pub async fn byte_by_byte(address: SocketAddr, bytes: usize, pause: Duration) -> Option<Vec<u8>> {
    let mut connection = RawConnection::open(address).await;
    connection.write(&frame(HEADERS, END_HEADERS, 1, &check_headers())).await;
    for _ in 0..bytes {
        connection.write(&frame(DATA, 0, 1, &[0])).await;
        time::sleep(pause).await;
    }
    connection.next(DATA).await
}

/// Begins a check whose message does not end. It takes a place until its deadline, or until the
/// connection closes.
pub async fn unfinished_check(address: SocketAddr) -> RawConnection {
    let mut connection = RawConnection::open(address).await;
    let beginning = [frame(HEADERS, END_HEADERS, 1, &check_headers()), frame(DATA, 0, 1, &[0; 4])];
    assert!(connection.write(&beginning.concat()).await);
    connection
}
