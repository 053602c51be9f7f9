//! Attackers, in a process of their own and of the lowest priority, which pause.
//!
//! The driver starts its own program once more, by `nice`. Even so, an attacker that spins keeps
//! whoever wakes up waiting for the end of its turn, and on a machine with few cores every figure
//! would tell of that: a loop of shell that asks the service for nothing does the same harm. So
//! attackers send little at a time, many times a second, and leave the machine mostly idle. What
//! they cost is then what the service does about it.

use std::{
    env, fs,
    io::{self, Read, Write},
    net::SocketAddr,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::{self, timeout},
};

use crate::{
    checks::{self, check},
    subject::Subject,
    support::{
        Issuer, Token,
        attacks::{byte_by_byte, endless_headers, reset_streams},
        documents::{DIRECTORY, HOME, NEWSLETTER, WEBSHOP},
        frames::{PREFACE, RawConnection},
        token::now,
        until,
        wait::PATIENCE,
    },
};

/// The first argument of a program that attacks.
const ARGUMENT: &str = "attack";

/// Between two checks with tokens that nobody has seen: half as many as good ones.
const BETWEEN_TOKENS: Duration = Duration::from_millis(1);
/// Signed tokens that differ, more than a round takes; many times what the cache holds.
const SIGNED: usize = 3000;
/// Connections that reset streams, or send headers without an end, at once.
const CONNECTIONS: usize = 8;
/// Between the end of such a connection and the next.
const BETWEEN_CONNECTIONS: Duration = Duration::from_millis(20);
/// What each sends: more than is taken.
const STREAMS: u32 = 200;
const FRAMES: u32 = 8;
/// Connections of each kind of slow client.
const SLOW: usize = 100;
/// Between two bytes of theirs.
const BETWEEN_BYTES: Duration = Duration::from_millis(100);

/// What attackers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attack {
    UnknownKeys,
    /// Of the issuer's own key, and expired, for another application, or of one that is not granted.
    SignedTokens,
    Resets,
    EndlessHeaders,
    SlowClients,
}

impl Attack {
    pub const ALL: [Self; 5] = [
        Self::UnknownKeys,
        Self::SignedTokens,
        Self::Resets,
        Self::EndlessHeaders,
        Self::SlowClients,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownKeys => "unknown key ids",
            Self::SignedTokens => "signed tokens that do not hold",
            Self::Resets => "streams reset at once",
            Self::EndlessHeaders => "headers without an end",
            Self::SlowClients => "slow clients",
        }
    }

    /// What is counted of it.
    pub fn unit(self) -> &'static str {
        match self {
            Self::UnknownKeys | Self::SignedTokens => "checks",
            Self::Resets => "resets",
            Self::EndlessHeaders => "frames",
            Self::SlowClients => "connections",
        }
    }
}

/// An attack under way; it ends when it is dropped.
pub struct Attacking {
    process: Child,
    /// What the attackers read first.
    _tokens: NamedTempFile,
}

impl Attacking {
    /// Begins, and returns once something was sent.
    pub async fn start(attack: Attack, subject: &Subject) -> Self {
        let tokens = NamedTempFile::new().unwrap();
        serde_json::to_writer(&tokens, &material(attack, &subject.issuer)).unwrap();
        let mut process = Command::new("nice")
            .args(["-n", "19"])
            .arg(env::current_exe().unwrap())
            .args([ARGUMENT, attack.name(), &subject.address().to_string()])
            .arg(tokens.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = process.stdout.take().unwrap();
        let (begun, output) = timeout(
            PATIENCE,
            spawn_blocking(move || {
                let mut byte = [0];
                (output.read_exact(&mut byte), output)
            }),
        )
        .await
        .expect("the attack does not begin")
        .unwrap();
        begun.expect("the attackers ended at once");
        process.stdout = Some(output);
        Self { process, _tokens: tokens }
    }

    /// Ends it; how much there was of it.
    pub async fn stop(mut self) -> usize {
        drop(self.process.stdin.take());
        let ended = until("the end of the attack", async || self.process.try_wait().unwrap()).await;
        assert!(ended.success(), "the attackers: {ended}");
        let mut text = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        text.trim().parse().unwrap()
    }
}

impl Drop for Attacking {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A token that is right but for its signature, and for the attack with signed ones these.
fn material(attack: Attack, issuer: &Issuer) -> Value {
    let template = issuer.complete(HOME, &Token::of_application(WEBSHOP), "");
    let signed = match attack {
        Attack::SignedTokens => signed_tokens(issuer),
        _ => Vec::new(),
    };
    json!({"header": template.header, "claims": template.claims, "signed": signed})
}

fn signed_tokens(issuer: &Issuer) -> Vec<String> {
    let application = Token::of_application(WEBSHOP);
    let kinds = [
        application.clone().claim("exp", now() - 100).claim("iat", now() - 200),
        application.claim("aud", DIRECTORY),
        Token::of_application(NEWSLETTER),
    ];
    let tokens = kinds.iter().cycle().zip(0..SIGNED);
    tokens.map(|(kind, number)| issuer.issue(HOME, &kind.clone().claim("uti", number))).collect()
}

/// The program that attacks.
pub struct Attackers {
    attack: Attack,
    address: SocketAddr,
    token: Token,
    signed: Vec<String>,
    count: Arc<AtomicUsize>,
}

impl Attackers {
    /// Where the arguments are those of [`Attacking::start`].
    pub fn read(arguments: &[String]) -> Option<Self> {
        let [argument, name, address, tokens] = arguments else { return None };
        let attack = Attack::ALL.into_iter().find(|attack| attack.name() == name)?;
        let tokens: Value = serde_json::from_slice(&fs::read(tokens).ok()?).ok()?;
        let token = Token { header: tokens["header"].clone(), claims: tokens["claims"].clone() };
        let signed = serde_json::from_value(tokens["signed"].clone()).ok()?;
        let (address, count) = (address.parse().ok()?, Arc::default());
        (argument == ARGUMENT).then_some(Self { attack, address, token, signed, count })
    }

    /// Attacks until its input ends, and then writes how much it did.
    pub async fn go_on_until_told(self) -> ExitCode {
        let mut attackers = JoinSet::new();
        self.begin(&mut attackers);
        let count = || self.count.load(Ordering::Relaxed);
        until("the first of it", async || (count() > 0).then_some(())).await;
        println!();
        io::stdout().flush().unwrap();
        let told = spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
        told.await.unwrap().unwrap();
        println!("{}", count());
        ExitCode::SUCCESS
    }

    fn begin(&self, attackers: &mut JoinSet<()>) {
        let address = self.address;
        match self.attack {
            Attack::UnknownKeys => {
                let tokens = unknown_keys(self.token.clone());
                attackers.spawn(refused(address, tokens, Arc::clone(&self.count)));
            }
            Attack::SignedTokens => {
                let tokens = self.signed.clone().into_iter().cycle();
                attackers.spawn(refused(address, tokens, Arc::clone(&self.count)));
            }
            Attack::Resets => self.again_and_again(attackers, CONNECTIONS, move || async move {
                reset_streams(address, STREAMS).await as usize
            }),
            Attack::EndlessHeaders => {
                self.again_and_again(attackers, CONNECTIONS, move || async move {
                    endless_headers(address, FRAMES).await as usize
                });
            }
            Attack::SlowClients => {
                for beginning in [&b""[..], &PREFACE[..10]] {
                    self.again_and_again(attackers, SLOW, move || unfinished(address, beginning));
                }
                self.again_and_again(attackers, SLOW, move || async move {
                    byte_by_byte(address, 10, BETWEEN_BYTES).await;
                    1
                });
            }
        }
    }

    /// So many side by side, which do not begin at the same time; each anew when it ends.
    fn again_and_again<F: Future<Output = usize> + Send + 'static>(
        &self,
        attackers: &mut JoinSet<()>,
        how_many: usize,
        attack: impl Fn() -> F + Clone + Send + 'static,
    ) {
        for number in 0..how_many {
            let (attack, count) = (attack.clone(), Arc::clone(&self.count));
            let share = number as f64 / how_many as f64;
            attackers.spawn(async move {
                time::sleep(BETWEEN_CONNECTIONS.mul_f64(share)).await;
                loop {
                    count.fetch_add(attack().await, Ordering::Relaxed);
                    time::sleep(BETWEEN_CONNECTIONS).await;
                }
            });
        }
    }
}

/// Well-formed tokens, each of which names a key of its own.
fn unknown_keys(token: Token) -> impl Iterator<Item = String> {
    // The key is looked for before the signature is looked at, which need only be as long as one.
    let signature = "A".repeat(342);
    (0..).map(move |number: u64| {
        let token = token.clone().header("kid", format!("forged {number}"));
        format!("{}.{signature}", token.signing_input())
    })
}

/// Checks with tokens none of which may be let in.
async fn refused(
    address: SocketAddr,
    tokens: impl Iterator<Item = String>,
    count: Arc<AtomicUsize>,
) {
    let client = checks::client(address).await;
    let mut rhythm = time::interval(BETWEEN_TOKENS);
    let mut under_way = JoinSet::new();
    for token in tokens {
        rhythm.tick().await;
        let request = check(&token);
        let (mut client, count) = (client.clone(), Arc::clone(&count));
        under_way.spawn(async move {
            let response = client.check(request).await.unwrap().into_inner();
            assert!(!checks::is_allowed(&response));
            count.fetch_add(1, Ordering::Relaxed);
        });
        while under_way.try_join_next().is_some() {}
    }
}

/// A connection that stays unfinished until it is closed.
async fn unfinished(address: SocketAddr, beginning: &[u8]) -> usize {
    let mut connection = RawConnection::connect(address).await;
    connection.write(beginning).await;
    connection.closed().await;
    1
}
