//! Callers, good and bad, and what each of them must be answered.

use std::{
    net::SocketAddr,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{
    Answer, Envoy, Issuer, Token,
    documents::{CANTEEN, DIRECTORY, HOME, NEWSLETTER, WEBSHOP},
    token::now,
    world::{HOST, client},
};

const CALLERS: usize = 6;
/// Tokens of a kind between two rotations: the first use of each is verified, the others are known.
const TOKENS_OF_A_KIND: usize = 40;
/// So many unexpected answers are shown.
const SHOWN: usize = 10;

/// One request and what must come of it.
#[derive(Debug, Clone)]
struct Case {
    host: &'static str,
    path: &'static str,
    token: Option<String>,
    /// The reason of the denial; `None` for what is let through.
    denied: Option<&'static str>,
}

/// Callers that ask until they are told to stop.
pub struct Traffic {
    shared: Arc<Shared>,
    callers: Vec<JoinHandle<Seen>>,
}

struct Shared {
    envoy: SocketAddr,
    pause: Duration,
    done: AtomicBool,
    next: AtomicUsize,
    cases: RwLock<Cases>,
}

#[derive(Default)]
struct Cases {
    current: Vec<Case>,
    /// Let through by the key before; refused once that is withdrawn.
    retired: Vec<Case>,
}

/// What the callers saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub requests: usize,
    /// Answers of Portvakt that are not what they must be, and of the upstream where there must
    /// be none.
    pub wrong: usize,
    /// Requests that nobody decided.
    pub failed: usize,
    /// The first of both.
    pub unexpected: Vec<String>,
}

impl Traffic {
    /// Begins. Each caller pauses between its requests.
    pub fn start(envoy: &Envoy, issuer: &Issuer, pause: Duration) -> Self {
        let current = cases(issuer);
        let shared = Arc::new(Shared {
            envoy: envoy.address,
            pause,
            done: AtomicBool::default(),
            next: AtomicUsize::default(),
            cases: RwLock::new(Cases { current, retired: Vec::new() }),
        });
        let caller = |_| tokio::spawn(call(Arc::clone(&shared)));
        let callers = (0..CALLERS).map(caller).collect();
        Self { shared, callers }
    }

    /// Uses tokens of the key that the issuer signs with now, and no others for the time being.
    pub fn renew(&self, issuer: &Issuer) {
        let renewed = cases(issuer);
        let mut cases = self.shared.cases.write().unwrap();
        let before = std::mem::replace(&mut cases.current, renewed);
        let mut retired: Vec<_> = before
            .into_iter()
            .filter(|case| case.denied.is_none() && case.token.is_some())
            .collect();
        for case in &mut retired {
            case.denied = Some("token_key_unknown");
        }
        cases.retired = retired;
    }

    /// From now on the tokens of the key before are used too, and must be refused.
    pub fn retire(&self) {
        let mut cases = self.shared.cases.write().unwrap();
        let retired = std::mem::take(&mut cases.retired);
        cases.current.extend(retired);
    }

    /// Ends.
    pub async fn stop(self) -> Seen {
        self.shared.done.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        for caller in self.callers {
            let seen = caller.await.unwrap();
            all.requests += seen.requests;
            all.wrong += seen.wrong;
            all.failed += seen.failed;
            all.unexpected.extend(seen.unexpected);
        }
        all.unexpected.truncate(SHOWN);
        all
    }
}

async fn call(shared: Arc<Shared>) -> Seen {
    let client = client();
    let mut seen = Seen::default();
    while !shared.done.load(Ordering::Relaxed) {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let case = {
            let cases = shared.cases.read().unwrap();
            // Strides over the kinds, so that all are under way at the same time.
            cases.current[number * 7919 % cases.current.len()].clone()
        };
        let url = format!("http://{}{}", shared.envoy, case.path);
        let mut request = client.get(url).header("host", case.host);
        if let Some(token) = &case.token {
            request = request.bearer_auth(token);
        }
        seen.requests += 1;
        match request.send().await {
            Ok(response) => seen.judge(&case, &Answer::read(response).await),
            Err(error) => {
                seen.failed += 1;
                seen.note(format!("{error:?}"));
            }
        }
        if !shared.pause.is_zero() {
            tokio::time::sleep(shared.pause).await;
        }
    }
    seen
}

impl Seen {
    fn judge(&mut self, case: &Case, answer: &Answer) {
        let reason = answer.reason();
        let is_right = match case.denied {
            None => answer.status == 200,
            Some(denied) => reason.as_deref() == Some(denied) && answer.status != 200,
        };
        if is_right {
            return;
        }
        match answer.status {
            500.. => self.failed += 1,
            _ => self.wrong += 1,
        }
        self.note(format!("{case:?}: {} {reason:?}", answer.status));
    }

    fn note(&mut self, what: String) {
        if self.unexpected.len() < SHOWN {
            self.unexpected.push(what);
        }
    }
}

/// Requests of every kind, with tokens that nobody has seen.
fn cases(issuer: &Issuer) -> Vec<Case> {
    let kinds = kinds();
    let mut cases = vec![
        case(None, Some("token_missing")),
        case(Some("a.b".to_owned()), Some("token_malformed")),
        Case { path: "/internal/alive", ..case(None, None) },
        Case { host: "nobody.test", ..case(None, Some("application_unknown")) },
        Case { host: "archive.test", ..case(None, Some("application_disabled")) },
    ];
    for number in 0..TOKENS_OF_A_KIND {
        for (token, denied) in &kinds {
            let token = token.clone().claim("uti", number);
            cases.push(case(Some(issuer.issue(HOME, &token)), *denied));
        }
    }
    let stranger = Token::of_application(WEBSHOP).header("kid", "nobody's");
    cases.push(case(Some(issuer.issue(HOME, &stranger)), Some("token_key_unknown")));
    let good = issuer.issue(HOME, &Token::of_application(WEBSHOP));
    let other = issuer.issue(HOME, &Token::of_application(NEWSLETTER));
    let ((signed, _), (_, signature)) =
        (good.rsplit_once('.').unwrap(), other.rsplit_once('.').unwrap());
    cases.push(case(Some(format!("{signed}.{signature}")), Some("token_signature_invalid")));
    cases
}

fn case(token: Option<String>, denied: Option<&'static str>) -> Case {
    Case { host: HOST, path: "/", token, denied }
}

fn kinds() -> Vec<(Token, Option<&'static str>)> {
    let application = || Token::of_application(WEBSHOP);
    let user = || Token::of_user(WEBSHOP);
    let elsewhere = "https://sts.example/v2.0";
    vec![
        (application(), None),
        (user(), None),
        (user().claim("name", "x".repeat(500)), None),
        (application().claim("exp", now() - 100).claim("iat", now() - 200), Some("token_expired")),
        (application().claim("nbf", now() + 1000), Some("token_not_yet_valid")),
        (application().claim("aud", DIRECTORY), Some("token_audience_rejected")),
        (application().claim("iss", elsewhere), Some("token_issuer_rejected")),
        (application().claim("ver", "1.0"), Some("token_version_rejected")),
        (application().without("tid").claim("tid", 7), Some("token_claims_invalid")),
        (application().header("crit", json!(["exp"])), Some("token_kind_rejected")),
        (application().header("alg", "none"), Some("token_algorithm_rejected")),
        (application().claim("roles", json!([])), Some("role_missing")),
        (user().claim("scp", "other"), Some("scope_missing")),
        (user().claim("groups", json!([CANTEEN])), Some("user_not_granted")),
        (Token::of_application(NEWSLETTER), Some("consumer_not_granted")),
    ]
}
