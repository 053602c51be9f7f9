//! The pages' files, which are part of the program.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    extract::Path,
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// A file as browsers get it.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

macro_rules! assets {
    ($($name:literal $content_type:ident $path:literal,)+) => {
        const ASSETS: &[Asset] = &[$(Asset {
            name: $name,
            content_type: $content_type,
            content: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/console/", $path)),
        },)+];
    };
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

assets! {
    "index.html" HTML "index.html",
    "style.css" STYLE "style.css",
    "icon.svg" IMAGE "icon.svg",
    "app.js" SCRIPT "app.js",
    "api.js" SCRIPT "api.js",
    "dom.js" SCRIPT "dom.js",
    "format.js" SCRIPT "format.js",
    "applications.js" SCRIPT "applications.js",
    "application.js" SCRIPT "application.js",
    "graph.js" SCRIPT "graph.js",
    "drawing.js" SCRIPT "drawing.js",
    "decisions.js" SCRIPT "decisions.js",
    "explain.js" SCRIPT "explain.js",
    "period.js" SCRIPT "period.js",
    "search.js" SCRIPT "search.js",
    "cytoscape.js" SCRIPT "node_modules/cytoscape/dist/cytoscape.esm.min.mjs",
    "cytoscape-licence.txt" TEXT "node_modules/cytoscape/LICENSE",
}

/// What tells one build's files from another's.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let whole: Vec<u8> = ASSETS.iter().flat_map(|asset| asset.content).copied().collect();
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, &whole)))
});

/// The page.
pub async fn index(headers: HeaderMap) -> Response {
    answer("index.html", &headers)
}

/// Any other file.
pub async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    answer(&name, &headers)
}

fn answer(name: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    };
    // Asked about each time: another program may be behind the same address tomorrow.
    let caching = [(CACHE_CONTROL, "no-cache"), (ETAG, TAG.as_str())];
    if headers.get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == TAG.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, asset.content_type)], asset.content).into_response()
}
