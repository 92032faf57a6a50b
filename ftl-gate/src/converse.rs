//! The conversation before a program speaks its protocol: shell noise, sudo's prompt, and the line that says it started.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ftl_core::call::Secret;
use ftl_core::port::{ByteSource, ByteStream};
use ftl_core::result::HostError;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use crate::protocol::hello::find;

/// A password prompt that is ours alone, and what to answer.
pub struct Prompt {
    pub text: String,
    pub password: Secret,
}

/// What went wrong before the program started.
#[derive(Debug)]
pub enum Trouble {
    /// It ended, or closed its output, without a word: what it printed instead.
    Ended {
        stdout: Vec<u8>,
        stderr: Vec<u8>,
    },
    /// `Missing sudo password`, `Incorrect sudo password`, …
    Password(&'static str),
    TimedOut {
        stderr: Vec<u8>,
    },
    Host(HostError),
}

/// How much of a program's stderr is remembered, and of the noise before its first word.
const KEPT: usize = 64 * 1024;
const NOISE: usize = 1 << 20;

/// Collects what a program writes to stderr, for as long as it runs and somebody may ask for it.
#[derive(Clone)]
pub struct Errors {
    text: Arc<Mutex<Vec<u8>>>,
    changed: Arc<Notify>,
    ended: Arc<Semaphore>,
    _asked_for: Arc<watch::Sender<()>>,
}

impl Errors {
    pub fn collect(mut source: Box<dyn ByteSource>) -> Errors {
        let (asked_for, mut forgotten) = watch::channel(());
        let errors = Errors {
            text: Arc::default(),
            changed: Arc::default(),
            ended: Arc::new(Semaphore::new(0)),
            _asked_for: Arc::new(asked_for),
        };
        let (text, changed, ended) = (errors.text.clone(), errors.changed.clone(), errors.ended.clone());
        tokio::spawn(async move {
            loop {
                let received = tokio::select! {
                    received = source.receive() => received,
                    // Held any longer, the source would keep the program's pipes open: a sudo would ask for ever.
                    _ = forgotten.changed() => break,
                };
                let Ok(Some(bytes)) = received else { break };
                let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
                text.extend_from_slice(&bytes);
                let extra = text.len().saturating_sub(KEPT);
                text.drain(..extra);
                drop(text);
                changed.notify_one();
            }
            changed.notify_one();
            ended.close();
        });
        errors
    }

    pub fn text(&self) -> Vec<u8> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All of it, once the program closed it; what there is when it does not.
    pub async fn rest(&self, within: Duration) -> Vec<u8> {
        // The semaphore never has permits: it only tells that it was closed.
        let _ = tokio::time::timeout(within, self.ended.acquire()).await;
        self.text()
    }

    fn count(&self, what: &str) -> usize {
        let text = self.text();
        text.windows(what.len()).filter(|w| *w == what.as_bytes()).count()
    }

    fn contains(&self, what: &str) -> bool {
        find(&self.text(), what.as_bytes()).is_some()
    }
}

/// A program that printed its marker.
pub struct Started<T> {
    pub stream: ByteStream,
    pub errors: Errors,
    pub found: T,
    /// What it printed after the marker.
    pub rest: Vec<u8>,
}

/// An empty source, in the place of one that was taken out.
struct Nothing;
impl ByteSource for Nothing {
    fn receive<'a>(&'a mut self) -> ftl_core::port::BoxFuture<'a, Result<Option<Vec<u8>>, HostError>> {
        Box::pin(async { Ok(None) })
    }
}

/// Reads until `look` finds what it wants in the output, answering the prompt at most once.
pub async fn wait_for<T>(
    mut stream: ByteStream,
    prompt: Option<&Prompt>,
    deadline: Instant,
    look: impl Fn(&[u8]) -> Option<(T, usize)>,
) -> Result<Started<T>, Trouble> {
    let errors = Errors::collect(std::mem::replace(&mut stream.errors, Box::new(Nothing)));
    let ByteStream { mut input, mut output, errors: nothing } = stream;
    let mut seen = Vec::new();
    let mut answered = false;
    'chunks: loop {
        // Kept across wake-ups by stderr: dropping a half-done receive could lose a chunk.
        let mut chunk = output.receive();
        let bytes = loop {
            tokio::select! {
                bytes = &mut chunk => break bytes.map_err(Trouble::Host)?,
                () = errors.changed.notified() => check_prompt(&errors, prompt, &mut answered, input.as_mut()).await?,
                () = tokio::time::sleep_until(deadline) => return Err(Trouble::TimedOut { stderr: errors.text() }),
            }
        };
        drop(chunk);
        let Some(bytes) = bytes else { break 'chunks };
        seen.extend_from_slice(&bytes);
        if let Some((found, end)) = look(&seen) {
            let rest = seen.split_off(end);
            return Ok(Started { stream: ByteStream { input, output, errors: nothing }, errors, found, rest });
        }
        let extra = seen.len().saturating_sub(NOISE);
        seen.drain(..extra);
    }
    // The rest of stderr says why; it may come a moment after the end of stdout.
    let _ = errors.rest(Duration::from_millis(500)).await;
    check_prompt(&errors, prompt, &mut answered, input.as_mut()).await?;
    Err(Trouble::Ended { stdout: seen, stderr: errors.text() })
}

async fn check_prompt(
    errors: &Errors,
    prompt: Option<&Prompt>,
    answered: &mut bool,
    input: &mut dyn ftl_core::port::ByteSink,
) -> Result<(), Trouble> {
    if errors.contains("Sorry, try again.") || prompt.is_some_and(|p| errors.count(&p.text) > 1) {
        return Err(Trouble::Password("Incorrect sudo password"));
    }
    if errors.contains("Sorry, a password is required to run sudo") || errors.contains("sudo: a password is required") {
        let message = if *answered { "Incorrect sudo password" } else { "Missing sudo password" };
        return Err(Trouble::Password(message));
    }
    if let Some(prompt) = prompt
        && !*answered
        && errors.contains(&prompt.text)
    {
        *answered = true;
        input.send(format!("{}\n", prompt.password.reveal()).into_bytes()).await.map_err(Trouble::Host)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ftl_core::port::{BoxFuture, ByteSink};

    use super::*;

    /// Says one thing, then nothing for ever; `_held` tells when it was dropped.
    struct Says {
        text: Option<&'static str>,
        _held: Arc<()>,
    }

    impl ByteSource for Says {
        fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Vec<u8>>, HostError>> {
            Box::pin(async {
                match self.text.take() {
                    Some(text) => Ok(Some(text.into())),
                    None => std::future::pending().await,
                }
            })
        }
    }

    struct Ignores;
    impl ByteSink for Ignores {
        fn send<'a>(&'a mut self, _: Vec<u8>) -> BoxFuture<'a, Result<(), HostError>> {
            Box::pin(async { Ok(()) })
        }

        fn close<'a>(&'a mut self) -> BoxFuture<'a, ()> {
            Box::pin(async {})
        }
    }

    #[tokio::test]
    async fn a_refused_password_lets_go_of_the_program() {
        let held = Arc::new(());
        let says = |text| Box::new(Says { text, _held: held.clone() });
        let stream = ByteStream {
            input: Box::new(Ignores),
            output: says(None),
            errors: says(Some("prompt:Sorry, try again.\nprompt:")),
        };
        let prompt = Prompt { text: "prompt:".into(), password: Secret::new("wrong") };
        let deadline = Instant::now() + Duration::from_secs(10);
        let look = |_: &[u8]| None::<((), usize)>;
        let trouble = wait_for(stream, Some(&prompt), deadline, look).await.err();
        assert!(matches!(trouble, Some(Trouble::Password("Incorrect sudo password"))), "{trouble:?}");
        for _ in 0..100 {
            if Arc::strong_count(&held) == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the pipes are still held");
    }
}
