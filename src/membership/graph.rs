//! Microsoft Graph's requests and answers, without asking anybody.
//!
//! Source: Microsoft Graph v1.0 reference, `user-list-memberof` with the advanced query parameters
//! of directory objects, and `directoryobject-checkmembergroups`.

use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::{
    config::Membership,
    http::Request,
    identifiers::{GroupId, Guid, UserId},
};

/// A filter takes no more identifiers than this.
const MOST_IN_A_FILTER: usize = 15;
/// `checkMemberGroups` takes no more identifiers than this.
const MOST_IN_A_CHECK: usize = 20;

/// One part of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    pub groups: Vec<GroupId>,
    /// Where the rest is found.
    pub next: Option<Url>,
}

/// The answer is not one to the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    #[error("the answer is no list of groups")]
    Unreadable,
    #[error("the answer goes on at another place than it came from")]
    GoesOnElsewhere,
}

/// How many groups one request may ask about.
pub fn most_at_once(membership: Membership) -> usize {
    match membership {
        Membership::Direct => MOST_IN_A_FILTER,
        Membership::Transitive => MOST_IN_A_CHECK,
    }
}

/// The request that tells of which of these groups a user is a member, and of no others.
pub fn request(base: &Url, membership: Membership, user: UserId, groups: &[GroupId]) -> Request {
    let user = user.to_string();
    match membership {
        Membership::Direct => {
            let quoted: Vec<_> = groups.iter().map(|group| format!("'{group}'")).collect();
            let mut url = append(base, &["v1.0", "users", &user, "memberOf"]);
            url.query_pairs_mut()
                .append_pair("$filter", &format!("id in ({})", quoted.join(",")))
                .append_pair("$select", "id")
                .append_pair("$count", "true");
            page(url)
        }
        Membership::Transitive => {
            let url = append(base, &["v1.0", "users", &user, "checkMemberGroups"]);
            let ids: Vec<_> = groups.iter().map(GroupId::to_string).collect();
            let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let headers = HeaderMap::from_iter([json]);
            let body = json!({"groupIds": ids}).to_string();
            Request { method: Method::POST, url, headers, body }
        }
    }
}

/// The request for a page of an answer.
pub fn page(url: Url) -> Request {
    // Filters on memberships are answered only with this header and `$count`.
    let level = (HeaderName::from_static("consistencylevel"), HeaderValue::from_static("eventual"));
    let headers = HeaderMap::from_iter([level]);
    Request { method: Method::GET, url, headers, body: String::new() }
}

/// Reads an answer. What follows it must be found where it came from, for the access token goes
/// there too.
///
/// # Errors
/// See [`PageError`].
pub fn read(body: &[u8], base: &Url) -> Result<Page, PageError> {
    #[derive(Deserialize)]
    struct Answer {
        value: Vec<Member>,
        #[serde(rename = "@odata.nextLink")]
        next: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Member {
        Id(String),
        Object { id: String },
    }

    let answer: Answer = serde_json::from_slice(body).map_err(|_| PageError::Unreadable)?;
    let id = |member: Member| match member {
        Member::Id(id) | Member::Object { id } => id.parse::<Guid>().ok(),
    };
    let next = answer.next.map(|next| Url::parse(&next).map_err(|_| PageError::GoesOnElsewhere));
    let next = next.transpose()?;
    if next.as_ref().is_some_and(|next| !is_at(base, next)) {
        return Err(PageError::GoesOnElsewhere);
    }
    Ok(Page { groups: answer.value.into_iter().filter_map(id).collect(), next })
}

/// What Graph says went wrong, for the log: its code, if that is a word.
pub fn error_code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: Inner,
    }

    #[derive(Deserialize)]
    struct Inner {
        code: String,
    }

    let code = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.error.code);
    code.ok()
        .filter(|code| code.len() <= 64)
        .filter(|code| code.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.')))
        .unwrap_or_else(|| "without a code".to_owned())
}

/// The URL with more segments in its path.
pub fn append(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

fn is_at(base: &Url, url: &Url) -> bool {
    url.origin() == base.origin() && url.username().is_empty() && url.password().is_none()
}
