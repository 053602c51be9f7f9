//! Where metadata documents and key sets come from.

use url::Url;

use crate::http::Client;
pub use crate::http::FetchError;

/// Somebody who can be asked for them: the network, or a test.
pub trait Source: Sync {
    /// The body of a successful answer. That the URL may be asked at all was checked where it
    /// came from.
    fn get(&self, url: &Url) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send;
}

impl Source for Client {
    async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        Self::get(self, url).await
    }
}
