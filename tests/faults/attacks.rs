//! Attackers, in a process of their own and of the lowest priority, which pause.
//!
//! The driver starts its own program once more, by `nice`. Even so, an attacker that spins keeps
//! whoever wakes up waiting for the end of its turn, and on a machine with few cores every figure
//! would tell of that: a loop of shell that asks the service for nothing does the same harm. So
//! attackers send little at a time, many times a second, and leave the machine mostly idle. What
//! they cost is then what the service does about it.

use std::{
    env,
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
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::{self, timeout},
};

use crate::{
    checks::{self, check},
    subject::Subject,
    support::{
        Token,
        attacks::{byte_by_byte, endless_headers, reset_streams},
        documents::{HOME, WEBSHOP},
        frames::{PREFACE, RawConnection},
        until,
        wait::PATIENCE,
    },
};

/// The first argument of a program that attacks.
const ARGUMENT: &str = "attack";

/// Between two checks with key ids that nobody has seen: as many as good ones.
const BETWEEN_UNKNOWN_KEYS: Duration = Duration::from_millis(1);
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
    Resets,
    EndlessHeaders,
    SlowClients,
}

impl Attack {
    pub const ALL: [Self; 4] =
        [Self::UnknownKeys, Self::Resets, Self::EndlessHeaders, Self::SlowClients];

    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownKeys => "unknown key ids",
            Self::Resets => "streams reset at once",
            Self::EndlessHeaders => "headers without an end",
            Self::SlowClients => "slow clients",
        }
    }

    /// What is counted of it.
    pub fn unit(self) -> &'static str {
        match self {
            Self::UnknownKeys => "checks",
            Self::Resets => "resets",
            Self::EndlessHeaders => "frames",
            Self::SlowClients => "connections",
        }
    }
}

/// An attack under way; it ends when it is dropped.
pub struct Attacking(Child);

impl Attacking {
    /// Begins, and returns once something was sent.
    pub async fn start(attack: Attack, subject: &Subject) -> Self {
        let token = Token::of_application(WEBSHOP);
        let token = subject.issuer.complete(HOME, &token, "");
        let template = json!({"header": token.header, "claims": token.claims});
        let mut process = Command::new("nice")
            .args(["-n", "19"])
            .arg(env::current_exe().unwrap())
            .args([ARGUMENT, attack.name(), &subject.address().to_string(), &template.to_string()])
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
        Self(process)
    }

    /// Ends it; how much there was of it.
    pub async fn stop(mut self) -> usize {
        drop(self.0.stdin.take());
        let ended = until("the end of the attack", async || self.0.try_wait().unwrap()).await;
        assert!(ended.success(), "the attackers: {ended}");
        let mut text = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        text.trim().parse().unwrap()
    }
}

impl Drop for Attacking {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program that attacks.
pub struct Attackers {
    attack: Attack,
    address: SocketAddr,
    token: Token,
    count: Arc<AtomicUsize>,
}

impl Attackers {
    /// Where the arguments are those of [`Attacking::start`].
    pub fn read(arguments: &[String]) -> Option<Self> {
        let [argument, name, address, template] = arguments else { return None };
        let attack = Attack::ALL.into_iter().find(|attack| attack.name() == name)?;
        let template: Value = serde_json::from_str(template).ok()?;
        let token =
            Token { header: template["header"].clone(), claims: template["claims"].clone() };
        let count = Arc::default();
        (argument == ARGUMENT).then_some(Self {
            attack,
            address: address.parse().ok()?,
            token,
            count,
        })
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
                attackers.spawn(unknown_keys(address, self.token.clone(), Arc::clone(&self.count)));
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

/// Checks with well-formed tokens, each of which names a key of its own.
async fn unknown_keys(address: SocketAddr, token: Token, count: Arc<AtomicUsize>) {
    let client = checks::client(address).await;
    let mut rhythm = time::interval(BETWEEN_UNKNOWN_KEYS);
    let mut under_way = JoinSet::new();
    // The key is looked for before the signature is looked at, which need only be as long as one.
    let signature = "A".repeat(342);
    for number in 0.. {
        rhythm.tick().await;
        let token = token.clone().header("kid", format!("forged {number}"));
        let request = check(&format!("{}.{signature}", token.signing_input()));
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
