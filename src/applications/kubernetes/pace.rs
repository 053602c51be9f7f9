//! No watch is begun again and again without a pause.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};
use tonic::codegen::http::{Request, Uri};
use tower::Service;

/// From the beginning of a watch to whatever is asked next, at least. A watch that ends is begun
/// anew at once, and a server that is about to go may end each of them.
const LEAST: Duration = Duration::from_secs(1);

/// A client of one watch that keeps its pace.
#[derive(Debug)]
pub struct Paced<S> {
    inner: S,
    turn: Pin<Box<Sleep>>,
}

impl<S> Paced<S> {
    pub fn new(inner: S) -> Self {
        Self { inner, turn: Box::pin(sleep(Duration::ZERO)) }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Paced<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        ready!(self.turn.as_mut().poll(context));
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        if is_watch(request.uri()) {
            self.turn.as_mut().reset(Instant::now() + LEAST);
        }
        self.inner.call(request)
    }
}

/// Whether a request is answered by what happens from now on.
pub fn is_watch(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|parameter| parameter == "watch=true"))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceExt, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_follows_a_watch_comes_a_second_later() {
        let began = Instant::now();
        let asked = async |_: Request<()>| Ok::<_, Infallible>(began.elapsed().as_millis());
        let mut paced = Paced::new(service_fn(asked));
        for (query, expected) in [
            ("limit=1", 0),
            ("limit=1", 0),
            ("a=1&watch=true", 0),
            ("watch=true", 1000),
            ("", 2000),
        ] {
            let request = Request::get(format!("/apis?{query}")).body(()).unwrap();
            let at = paced.ready().await.unwrap().call(request).await.unwrap();
            assert!((expected..expected + 10).contains(&at), "{query}: {at}");
        }
    }
}
