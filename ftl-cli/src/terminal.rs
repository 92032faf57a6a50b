//! Questions to the person at the terminal.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ftl_core::mask::Masks;
use ftl_engine::{Prompt, Question};
use ftl_output::Display;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The terminal while a run goes on: questions and output do not mix.
pub struct Terminal {
    pub display: Arc<Display>,
}

impl Prompt for Terminal {
    fn ask(&self, question: &Question) -> Option<String> {
        self.display.hide_progress(true);
        let answer = ask_in_run(question, self.display.masks());
        if let Some(answer) = answer.as_ref().filter(|_| question.private) {
            self.display.masks().add(answer);
        }
        self.display.hide_progress(false);
        answer
    }
}

fn ask_in_run(question: &Question, masks: &Masks) -> Option<String> {
    let mut out = std::io::stdout();
    let _ = out.write_all(masks.apply(question.text.clone()).as_bytes()).and_then(|()| out.flush());
    let stdin = std::io::stdin();
    let quiet = question.private.then(|| Quiet::new(&stdin)).flatten();
    let answer = read_line(question.seconds.map(Duration::from_secs));
    if quiet.is_some() {
        let _ = out.write_all(b"\n");
    }
    answer
}

/// A line of stdin, byte by byte so that nothing behind it is taken away; `None` when time or input ends.
fn read_line(limit: Option<Duration>) -> Option<String> {
    let start = Instant::now();
    let mut stdin = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        if let Some(limit) = limit {
            let left = limit.checked_sub(start.elapsed())?;
            let wait = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            let ready = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&wait));
            if !ready.is_ok_and(|count| count > 0) {
                return None;
            }
        }
        let mut byte = [0];
        match stdin.read(&mut byte) {
            Ok(1) if byte[0] == b'\n' || byte[0] == b'\r' => break,
            Ok(1) => line.push(byte[0]),
            _ if line.is_empty() => return None,
            _ => break,
        }
    }
    Some(String::from_utf8_lossy(&line).into_owned())
}

/// Asks for a password before a run: on the terminal itself, or as a line of stdin when there is none.
pub fn ask_secret(prompt: &str) -> Option<String> {
    if let Ok(mut terminal) = File::options().read(true).write(true).open("/dev/tty") {
        let quiet = Quiet::new(&terminal);
        let _ = terminal.write_all(prompt.as_bytes());
        let line = first_line(BufReader::new(&terminal));
        drop(quiet);
        let _ = terminal.write_all(b"\n");
        return line;
    }
    let mut err = std::io::stderr();
    let _ = err.write_all(prompt.as_bytes()).and_then(|()| err.flush());
    read_line(None)
}

fn first_line(mut reader: impl BufRead) -> Option<String> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim_end_matches(['\n', '\r']).to_string()),
    }
}

/// Is there someone to ask?
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal()
}

/// A terminal that does not echo, until this is dropped.
struct Quiet<T: std::os::fd::AsFd> {
    terminal: T,
    before: Termios,
}

impl Quiet<std::os::fd::OwnedFd> {
    fn new(terminal: &impl std::os::fd::AsFd) -> Option<Quiet<std::os::fd::OwnedFd>> {
        let terminal = terminal.as_fd().try_clone_to_owned().ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &silent).ok()?;
        Some(Quiet { terminal, before })
    }
}

impl<T: std::os::fd::AsFd> Drop for Quiet<T> {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}
