//! A program at the host with its pipes carried in a gate's stream: how gates of other users are started.

use ftl_core::port::{BoxFuture, ByteSink, ByteSource, ByteStream};
use ftl_core::result::HostError;
use tokio::sync::mpsc;

use crate::client::{Gate, GateError, Input, Reply};
use crate::protocol::Spec;

impl Gate {
    /// Runs `/bin/sh -c command` with open pipes. Dropping the output end cancels the program.
    pub async fn open(&self, command: &str) -> Result<ByteStream, GateError> {
        let spec = Spec {
            kind: "spawn",
            streaming: true,
            command: ["/bin/sh", "-c", command].map(str::to_owned).to_vec(),
            ..Spec::default()
        };
        let mut stream = self.start(&spec, &[]).await?;
        let input = stream.input();
        // Bounded by the stream's credit: the pump stops giving it when a queue is full.
        let (out, output) = mpsc::channel(32);
        let (err, errors) = mpsc::channel(32);
        tokio::spawn(async move {
            loop {
                let delivered = tokio::select! {
                    reply = stream.next() => match reply {
                        Ok(Reply::Stdout(bytes)) => out.send(bytes).await.is_ok(),
                        // Nobody interested in stderr is no reason to stop.
                        Ok(Reply::Stderr(bytes)) => { let _ = err.send(bytes).await; true }
                        _ => false,
                    },
                    () = out.closed() => false,
                };
                if !delivered {
                    break;
                }
            }
        });
        Ok(ByteStream {
            input: Box::new(Sink(Some(input))),
            output: Box::new(Source(output)),
            errors: Box::new(Source(errors)),
        })
    }
}

struct Sink(Option<Input>);

impl ByteSink for Sink {
    fn send<'a>(&'a mut self, bytes: Vec<u8>) -> BoxFuture<'a, Result<(), HostError>> {
        Box::pin(async move {
            match &self.0 {
                Some(input) if input.send(&bytes).await => Ok(()),
                _ => Err(HostError::Lost { message: "the program has ended".into() }),
            }
        })
    }

    fn close<'a>(&'a mut self) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Some(input) = self.0.take() {
                input.end();
            }
        })
    }
}

struct Source(mpsc::Receiver<Vec<u8>>);

impl ByteSource for Source {
    fn receive<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Vec<u8>>, HostError>> {
        Box::pin(async move { Ok(self.0.recv().await) })
    }
}
