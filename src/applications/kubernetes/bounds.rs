//! No answer takes more memory than there is.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{TryFutureExt, future::MapOk};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tonic::codegen::http::{Request, Response};
use tower::{BoxError, Service};

use super::pace::is_watch;

/// As many bytes may an answer have, or of a watch, which has no end, a line: 16 MiB. Objects have a
/// megabyte and a half at most, unless etcd was told otherwise.
const MOST: usize = 16 << 20;

/// An answer was given up in the midst of it.
#[derive(Debug, thiserror::Error)]
#[error("the answer, or a line of it, is larger than 16 MiB")]
pub struct TooLarge;

/// A client whose answers end, or fail with [`TooLarge`].
#[derive(Debug)]
pub struct Bounded<S> {
    inner: S,
}

/// The body of an answer, of which so much was read.
#[derive(Debug)]
pub struct BoundedBody<A> {
    inner: A,
    /// Whether each line counts for itself.
    is_of_lines: bool,
    read: usize,
}

impl<S> Bounded<S> {
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, A, B> Service<Request<B>> for Bounded<S>
where
    S: Service<Request<B>, Response = Response<A>>,
{
    type Response = Response<BoundedBody<A>>;
    type Error = S::Error;
    type Future = MapOk<S::Future, fn(Response<A>) -> Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let bound = if is_watch(request.uri()) { of_watch } else { of_list };
        self.inner.call(request).map_ok(bound)
    }
}

fn of_list<A>(response: Response<A>) -> Response<BoundedBody<A>> {
    response.map(|inner| BoundedBody { inner, is_of_lines: false, read: 0 })
}

/// What is refused is read as a whole.
fn of_watch<A>(response: Response<A>) -> Response<BoundedBody<A>> {
    let is_of_lines = response.status().is_success();
    response.map(|inner| BoundedBody { inner, is_of_lines, read: 0 })
}

impl<A> BoundedBody<A> {
    /// Whether it is what a watch brings.
    pub fn is_of_lines(&self) -> bool {
        self.is_of_lines
    }

    fn count(&mut self, data: &[u8]) -> Result<(), TooLarge> {
        let line = match data.iter().rposition(|byte| *byte == b'\n') {
            Some(end) if self.is_of_lines => {
                self.read = 0;
                &data[end + 1..]
            }
            _ => data,
        };
        self.read += line.len();
        if self.read > MOST { Err(TooLarge) } else { Ok(()) }
    }
}

impl<A: Body<Data = Bytes> + Unpin> Body for BoundedBody<A>
where
    A::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(Into::into)?;
            self.count(frame.data_ref().map_or(&[], |data| data))?;
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};
    use tower::{ServiceExt, service_fn};

    use super::*;

    const PIECE: usize = 1 << 20;

    /// How many pieces of an answer without end are read.
    async fn read(query: &str, status: u16, piece: &'static [u8]) -> usize {
        let answer = async |_: Request<()>| {
            let pieces =
                stream::repeat_with(|| Ok::<_, Infallible>(Frame::data(Bytes::from_static(piece))));
            let response = Response::builder().status(status);
            Ok::<_, Infallible>(response.body(StreamBody::new(pieces)).unwrap())
        };
        let request = Request::get(format!("/apis?{query}")).body(()).unwrap();
        let mut body = Bounded::new(service_fn(answer)).oneshot(request).await.unwrap();
        for number in 0..100 {
            if let Err(error) = body.frame().await.unwrap() {
                assert!(error.is::<TooLarge>(), "{error}");
                return number;
            }
        }
        100
    }

    #[tokio::test]
    async fn what_has_no_end_is_given_up_unless_it_is_the_lines_of_a_watch() {
        static LINES: [u8; PIECE] = [b'\n'; PIECE];
        static ENDLESS: [u8; PIECE] = [b' '; PIECE];
        for (query, status, piece, pieces) in [
            ("limit=100", 200, &ENDLESS, 16),
            ("limit=100", 200, &LINES, 16),
            ("watch=true", 200, &ENDLESS, 16),
            ("watch=true", 200, &LINES, 100),
            ("watch=true", 500, &LINES, 16),
        ] {
            assert_eq!(read(query, status, piece).await, pieces, "{query} {status}");
        }
    }

    #[test]
    fn of_a_watch_only_the_line_that_is_not_whole_counts() {
        let mut body = BoundedBody { inner: (), is_of_lines: true, read: MOST - 2 };
        for (data, read) in [("ab", Some(MOST)), ("c\nde\nf", Some(1)), ("gh", Some(3))] {
            let counted = body.count(data.as_bytes()).ok().map(|()| body.read);
            assert_eq!(counted, read, "{data}");
        }
        assert!(body.count(&vec![b' '; MOST]).is_err());
    }
}
