//! Questions to the person at the terminal.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ftl_core::mask::Masks;
use ftl_engine::{Prompt, Question};
use ftl_output::Display;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::exit::Failure;

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
    let quiet = question.private.then(|| Quiet::with(&stdin, LocalModes::ECHO)).flatten();
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
pub fn ask_secret(prompt: &str) -> Result<Option<String>, Failure> {
    if let Ok(mut terminal) = File::options().read(true).write(true).open("/dev/tty") {
        // Nobody watches for signals yet: Ctrl-C must not end us while the terminal is changed.
        let quiet = Quiet::with(&terminal, LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        let _ = terminal.write_all(prompt.as_bytes());
        let line = typed_line(&terminal);
        drop(quiet);
        let _ = terminal.write_all(b"\n");
        return line;
    }
    let mut err = std::io::stderr();
    let _ = err.write_all(prompt.as_bytes()).and_then(|()| err.flush());
    Ok(read_line(None))
}

/// A line of keys, with the editing that the terminal does otherwise; `None` when input ends.
fn typed_line(mut terminal: impl Read) -> Result<Option<String>, Failure> {
    let mut line = Vec::new();
    let mut key = [0];
    // One by one: what is typed ahead is for the next question.
    while terminal.read_exact(&mut key).is_ok() {
        match key[0] {
            b'\n' | b'\r' => return Ok(Some(String::from_utf8_lossy(&line).into_owned())),
            // Ctrl-C, Ctrl-D, backspace, Ctrl-U.
            3 => return Err(Failure::interrupted()),
            4 if line.is_empty() => return Ok(None),
            8 | 127 => {
                // A character may be several bytes: all but its first begin with the bits 10.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            21 => line.clear(),
            4 | 26 => {}
            byte => line.push(byte),
        }
    }
    Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned()))
}

/// Is there someone to ask?
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal()
}

/// The terminal that was changed, and how it was: the process may end while a question waits.
static CHANGED: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// A terminal without some of its services, until this is dropped.
struct Quiet;

impl Quiet {
    fn with(terminal: &impl AsFd, services: LocalModes) -> Option<Quiet> {
        let terminal = terminal.as_fd().try_clone_to_owned().ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(services);
        let mut changed = CHANGED.lock().unwrap_or_else(|e| e.into_inner());
        tcsetattr(&terminal, OptionalActions::Flush, &silent).ok()?;
        *changed = Some((terminal, before));
        Some(Quiet)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        restore();
    }
}

/// The terminal as it was before a question: to be called before the process ends.
pub fn restore() {
    if let Some((terminal, before)) = CHANGED.lock().unwrap_or_else(|e| e.into_inner()).take() {
        let _ = tcsetattr(&terminal, OptionalActions::Flush, &before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_typed_with_corrections() {
        let check =
            |keys: &[u8], line: Option<&str>| assert_eq!(typed_line(keys).unwrap().as_deref(), line, "{keys:?}");
        check(b"word\nmore", Some("word"));
        check(b"wos\x7frd\r", Some("word"));
        check("w\u{e4}\x7f\x7f\x7fsmall\n".as_bytes(), Some("small"));
        check(b"wrong\x15right\x1a\n", Some("right"));
        check(b"\n", Some(""));
        check(b"\x04", None);
        check(b"a\x04b", Some("ab"));
        check(b"", None);
        assert_eq!(typed_line(&b"a\x03b\n"[..]).unwrap_err().code, crate::exit::INTERRUPTED);
    }
}
