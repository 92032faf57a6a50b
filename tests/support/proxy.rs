//! A TCP relay on loopback that can fall silent or cut its connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    silent: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Relays a port of its own to `to` on 127.0.0.1.
    pub fn new(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let both = [(near.try_clone(), far.try_clone()), (far.try_clone(), near.try_clone())];
                shared.streams.lock().expect("a list").extend([near, far]);
                for (from, into) in both {
                    let (Ok(from), Ok(into)) = (from, into) else { continue };
                    let state = shared.clone();
                    thread::spawn(move || relay(from, into, &state));
                }
            }
        });
        Proxy { port, state }
    }

    /// Passes nothing on any more, and says nothing of it: what a firewall that drops packets does.
    pub fn fall_silent(&self) {
        self.state.silent.store(true, Ordering::SeqCst);
    }

    /// Passes on again what was held back.
    pub fn speak_again(&self) {
        self.state.silent.store(false, Ordering::SeqCst);
    }

    /// Ends all connections of now.
    pub fn cut(&self) {
        for stream in self.state.streams.lock().expect("a list").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.speak_again();
        self.cut();
    }
}

fn relay(mut from: TcpStream, mut into: TcpStream, state: &State) {
    let mut buffer = [0; 65536];
    while let Ok(count) = from.read(&mut buffer) {
        while state.silent.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
        if count == 0 || into.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = into.shutdown(Shutdown::Write);
}
