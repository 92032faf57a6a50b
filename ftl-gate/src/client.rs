//! The controller's end of one gate: a task that always drains, streams by number, and a heartbeat.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ftl_core::port::{ByteSink, ByteSource, ByteStream};
use ftl_core::result::HostError;
use serde::Serialize;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::Instant;

use crate::converse::Errors;
use crate::protocol::frame::{Decoder, Frame, Kind, WINDOW, encode, encode_message};
use crate::protocol::hello::Banner;
use crate::protocol::message::{PackHeader, encode_request};
use crate::protocol::{Exit, Hello, Refusal, Spec};

/// How often a sign of life is asked for; the gate ends everything after 30 s without one.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long a gate may be silent after it was asked.
const SILENCE: Duration = Duration::from_secs(30);
/// Children of one gate at the same time.
const CHILDREN: usize = 64;

/// A running gate. Dropping the last reference ends it, with everything it started.
pub struct Gate {
    shared: Arc<Shared>,
    hello: Hello,
    banner: Banner,
    errors: Errors,
}

/// Why a request has no answer.
#[derive(Clone, Debug)]
pub enum GateError {
    /// The gate or the connection to it ended; the request was under way.
    Lost(String),
    /// The gate was gone before the request was sent.
    Closed(String),
    /// The request could not be started.
    Refused(Refusal),
    /// The answer was larger than allowed; what produced it was ended.
    TooLong { limit: usize },
}

/// What comes back on a stream.
pub(crate) enum Reply {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Exit(Exit),
    Refused(Refusal),
}

pub(crate) struct Shared {
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    streams: Mutex<Streams>,
    next: AtomicU32,
    pub(crate) children: Arc<Semaphore>,
    born: Instant,
    /// Milliseconds since `born` when the gate was last heard.
    heard: AtomicU64,
    /// It was given up because nothing came for too long.
    silent: AtomicBool,
    closing: Notify,
    ended: Notify,
}

#[derive(Default)]
struct Streams {
    open: HashMap<u32, Route>,
    /// Set when the gate is gone: why.
    over: Option<String>,
}

struct Route {
    replies: mpsc::UnboundedSender<Reply>,
    credit: Option<Arc<Semaphore>>,
}

impl Gate {
    /// Takes over the pipes of a gate program that just started and waits for its greeting.
    pub(crate) async fn greet(
        stream: ByteStream,
        errors: Errors,
        rest: Vec<u8>,
        banner: Banner,
    ) -> Result<Gate, HostError> {
        let ByteStream { input, mut output, errors: _ } = stream;
        let mut decoder = Decoder::default();
        decoder.push(&rest);
        let hello = loop {
            match decoder.next_frame().map_err(|e| HostError::failed(e.to_string()))? {
                Some(frame) if frame.kind == Kind::Hello => break frame,
                Some(_) => continue,
                None => match output.receive().await? {
                    Some(bytes) => decoder.push(&bytes),
                    None => {
                        let text = String::from_utf8_lossy(&errors.text()).trim().to_owned();
                        return Err(HostError::failed(format!("The gate ended at its start: {text}")));
                    }
                },
            }
        };
        let hello: Hello = serde_json::from_slice(&hello.payload)
            .map_err(|e| HostError::failed(format!("The gate's greeting is not understood: {e}")))?;
        let (outgoing, queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            outgoing,
            streams: Mutex::default(),
            next: AtomicU32::new(1),
            children: Arc::new(Semaphore::new(CHILDREN)),
            born: Instant::now(),
            heard: AtomicU64::new(0),
            silent: AtomicBool::new(false),
            closing: Notify::new(),
            ended: Notify::new(),
        });
        tokio::spawn(write(input, queue));
        tokio::spawn(drain(output, decoder, shared.clone()));
        Ok(Gate { shared, hello, banner, errors })
    }

    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// The path of its Python, as it was found.
    pub fn interpreter(&self) -> &str {
        &self.banner.interpreter
    }

    /// Was no Python found, and the usual place taken?
    pub fn is_fallback(&self) -> bool {
        self.banner.fallback
    }

    pub fn is_open(&self) -> bool {
        self.shared.streams().over.is_none()
    }

    /// Has it nothing to do?
    pub fn is_idle(&self) -> bool {
        self.shared.streams().open.is_empty()
    }

    /// Was it given up because it did not answer?
    pub fn is_silent(&self) -> bool {
        self.shared.silent.load(Ordering::Relaxed)
    }

    /// What the gate last wrote to stderr: for messages about a gate that died.
    pub fn last_words(&self) -> String {
        String::from_utf8_lossy(&self.errors.text()).trim().to_owned()
    }

    /// Sends a pack; what is sent later may rely on it.
    pub fn send_pack(&self, digest: &str, base: Option<&str>, bytes: &[u8]) -> Result<(), GateError> {
        let stream = self.shared.next.fetch_add(1, Ordering::Relaxed);
        self.shared.message(Kind::Pack, stream, &PackHeader { digest, base }, bytes)
    }

    /// Starts a request. The answer is read from the [`Stream`]; dropping that cancels the request.
    pub(crate) async fn start(&self, spec: &Spec, body: &[u8]) -> Result<Stream, GateError> {
        let permit = self.shared.children.clone().acquire_owned().await.ok();
        let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let (sender, replies) = mpsc::unbounded_channel();
        let credit = spec.streaming.then(|| Arc::new(Semaphore::new(WINDOW)));
        {
            let mut streams = self.shared.streams();
            if let Some(reason) = &streams.over {
                return Err(GateError::Closed(reason.clone()));
            }
            streams.open.insert(id, Route { replies: sender, credit: credit.clone() });
        }
        let stream =
            Stream { id, replies, shared: self.shared.clone(), credit, eaten: 0, done: false, _permit: permit };
        self.shared.message(Kind::Run, id, spec, body)?;
        Ok(stream)
    }

    /// Says goodbye and waits until the gate has gone (or the time is up).
    pub async fn close(&self, within: Duration) {
        self.shared.frame(Kind::Bye, 0, 0, &[]);
        let gone = async {
            loop {
                let ended = self.shared.ended.notified();
                if !self.is_open() {
                    return;
                }
                ended.await;
            }
        };
        let _ = tokio::time::timeout(within, gone).await;
        self.shared.closing.notify_one();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shared.frame(Kind::Bye, 0, 0, &[]);
        self.shared.closing.notify_one();
    }
}

impl Shared {
    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn frame(&self, kind: Kind, flags: u8, stream: u32, payload: &[u8]) {
        let mut out = Vec::new();
        encode(&mut out, kind, flags, stream, payload);
        // A gate that is gone is noticed by whoever waits for an answer.
        let _ = self.outgoing.send(out);
    }

    fn message<T: Serialize>(&self, kind: Kind, stream: u32, header: &T, body: &[u8]) -> Result<(), GateError> {
        let refused =
            |e: serde_json::Error| GateError::Refused(Refusal { message: e.to_string(), ..Refusal::default() });
        let message = encode_request(header, body).map_err(refused)?;
        let mut out = Vec::with_capacity(message.len() + 64);
        encode_message(&mut out, kind, stream, &message);
        self.outgoing.send(out).map_err(|_| GateError::Closed("the gate has ended".into()))
    }

    fn route(&self, frame: Frame) {
        let mut streams = self.streams();
        let Some(route) = streams.open.get(&frame.stream) else { return };
        let reply = match frame.kind {
            Kind::Stdout => Reply::Stdout(frame.payload),
            Kind::Stderr => Reply::Stderr(frame.payload),
            Kind::Exit => Reply::Exit(serde_json::from_slice(&frame.payload).unwrap_or_default()),
            Kind::Err => Reply::Refused(serde_json::from_slice(&frame.payload).unwrap_or_default()),
            Kind::Credit => {
                let bytes = frame.payload.first_chunk::<4>().map_or(0, |b| u32::from_be_bytes(*b));
                if let Some(credit) = &route.credit {
                    credit.add_permits(bytes as usize);
                }
                return;
            }
            _ => return,
        };
        let last = matches!(reply, Reply::Exit(_) | Reply::Refused(_));
        let _ = route.replies.send(reply);
        if last {
            if let Some(credit) = &route.credit {
                credit.close();
            }
            streams.open.remove(&frame.stream);
        }
    }

    fn end(&self, reason: String) {
        let mut streams = self.streams();
        streams.over.get_or_insert(reason);
        for (_, route) in streams.open.drain() {
            if let Some(credit) = route.credit {
                credit.close();
            }
        }
        drop(streams);
        self.ended.notify_waiters();
    }

    fn reason(&self) -> String {
        self.streams().over.clone().unwrap_or_else(|| "the gate has ended".into())
    }
}

/// Reads for as long as the gate speaks: nothing a host sends waits for a slow reader (credits bound the memory).
async fn drain(mut output: Box<dyn ByteSource>, mut decoder: Decoder, shared: Arc<Shared>) {
    let mut beat = tokio::time::interval(HEARTBEAT);
    let reason = loop {
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => shared.route(frame),
                Ok(None) => break,
                Err(error) => return shared.end(error.to_string()),
            }
        }
        let mut chunk = output.receive();
        let received = loop {
            tokio::select! {
                received = &mut chunk => break Some(received),
                () = shared.closing.notified() => break Some(Ok(None)),
                _ = beat.tick() => {
                    let heard = Duration::from_millis(shared.heard.load(Ordering::Relaxed));
                    if shared.born.elapsed() > heard + HEARTBEAT + SILENCE {
                        break None;
                    }
                    shared.frame(Kind::Ping, 0, 0, &[]);
                }
            }
        };
        drop(chunk);
        shared.heard.store(shared.born.elapsed().as_millis() as u64, Ordering::Relaxed);
        match received {
            Some(Ok(Some(bytes))) => decoder.push(&bytes),
            Some(Ok(None)) => break "the gate has ended".to_owned(),
            Some(Err(error)) => break error.message(),
            None => {
                shared.silent.store(true, Ordering::Relaxed);
                break "the gate did not answer any more".to_owned();
            }
        }
    };
    shared.end(reason);
}

async fn write(mut input: Box<dyn ByteSink>, mut queue: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(mut bytes) = queue.recv().await {
        // What is queued already travels in one write.
        while bytes.len() < 256 * 1024
            && let Ok(more) = queue.try_recv()
        {
            bytes.extend_from_slice(&more);
        }
        if input.send(bytes).await.is_err() {
            break;
        }
    }
    input.close().await;
}

/// One request under way.
pub(crate) struct Stream {
    pub(crate) id: u32,
    replies: mpsc::UnboundedReceiver<Reply>,
    pub(crate) shared: Arc<Shared>,
    /// How much may be sent to the child's stdin.
    pub(crate) credit: Option<Arc<Semaphore>>,
    eaten: usize,
    done: bool,
    _permit: Option<tokio::sync::OwnedSemaphorePermit>,
}

impl Stream {
    pub(crate) async fn next(&mut self) -> Result<Reply, GateError> {
        match self.replies.recv().await {
            Some(Reply::Refused(refusal)) => {
                self.done = true;
                Err(GateError::Refused(refusal))
            }
            Some(reply) => {
                match &reply {
                    Reply::Stdout(bytes) | Reply::Stderr(bytes) => self.eat(bytes.len()),
                    _ => self.done = true,
                }
                Ok(reply)
            }
            None => {
                self.done = true;
                Err(GateError::Lost(self.shared.reason()))
            }
        }
    }

    /// Gives credit back in large steps.
    fn eat(&mut self, bytes: usize) {
        self.eaten += bytes;
        if self.eaten >= WINDOW / 4 {
            self.shared.frame(Kind::Credit, 0, self.id, &(self.eaten as u32).to_be_bytes());
            self.eaten = 0;
        }
    }

    pub(crate) fn input(&self) -> Input {
        Input { id: self.id, shared: self.shared.clone(), credit: self.credit.clone() }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.done {
            self.shared.streams().open.remove(&self.id);
            self.shared.frame(Kind::Cancel, 0, self.id, &[]);
        }
    }
}

/// The way to a child's stdin.
pub(crate) struct Input {
    id: u32,
    shared: Arc<Shared>,
    credit: Option<Arc<Semaphore>>,
}

impl Input {
    /// Sends a piece once there is credit for it; `false` when nobody reads any more.
    pub(crate) async fn send(&self, bytes: &[u8]) -> bool {
        let Some(credit) = &self.credit else { return false };
        for piece in bytes.chunks(crate::protocol::frame::MAX_PAYLOAD) {
            match credit.acquire_many(piece.len() as u32).await {
                Ok(permit) => permit.forget(),
                Err(_) => return false,
            }
            self.shared.frame(Kind::Data, 0, self.id, piece);
        }
        true
    }

    pub(crate) fn end(&self) {
        self.shared.frame(Kind::Data, crate::protocol::frame::END, self.id, &[]);
    }
}
