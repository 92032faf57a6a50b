//! Programs that modules run: in a group of their own, with the environment given, ended when nobody waits any more.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ftl_sdk::{Host, bytes_of};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// A program that ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Negative: the signal that ended it.
    pub rc: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// A program to run.
pub(crate) struct Program<'a> {
    pub words: &'a [String],
    pub directory: &'a Path,
    pub input: Option<Vec<u8>>,
    /// The language it speaks, where that is not the task's.
    pub locale: Option<&'static str>,
}

/// After the end of a program, its children may go on writing: silence this long is the end.
const SILENCE: Duration = Duration::from_secs(1);

/// What a program may print, as modules in gates may: more is no result anybody could use.
const MOST: usize = 64 << 20;

/// How often a program is asked whether it should go on.
const SLICE: Duration = Duration::from_millis(100);

pub(crate) fn run(program: Program<'_>, host: &Host) -> io::Result<Finished> {
    let name = program.words.first().map(String::as_str).unwrap_or_default();
    let mut command = Command::new(find(name, program.directory, host)?);
    let mut words = program.words.iter().map(|word| OsString::from_vec(bytes_of(word)));
    if let Some(first) = words.next() {
        command.arg0(first);
    }
    command.args(words).current_dir(program.directory).process_group(0);
    command.env_clear().envs(host.environment());
    for name in ["LANG", "LC_ALL", "LC_NUMERIC"] {
        command.envs(program.locale.map(|locale| (name, locale)));
    }
    command.stdin(if program.input.is_some() { Stdio::piped() } else { Stdio::null() });
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    collect(child, program.input.unwrap_or_default(), host)
}

/// The first executable file of that name on the path, as `execvp` would choose it.
fn find(name: &str, directory: &Path, host: &Host) -> io::Result<PathBuf> {
    let name = PathBuf::from(OsString::from_vec(bytes_of(name)));
    if name.as_os_str().as_bytes().contains(&b'/') {
        return Ok(directory.join(name));
    }
    let default = OsString::from("/bin:/usr/bin");
    let search = host.environment().get(OsStr::new("PATH")).unwrap_or(&default);
    let mut refused = false;
    for place in std::env::split_paths(search) {
        let candidate = directory.join(place).join(&name);
        match std::fs::metadata(&candidate) {
            Ok(found) if found.is_dir() => refused = true,
            Ok(_) if rustix::fs::access(&candidate, rustix::fs::Access::EXEC_OK).is_ok() => return Ok(candidate),
            Ok(_) => refused = true,
            Err(error) => refused |= error.kind() == io::ErrorKind::PermissionDenied,
        }
    }
    let code = if refused { rustix::io::Errno::ACCESS } else { rustix::io::Errno::NOENT };
    Err(code.into())
}

/// Is there such a program?
pub(crate) fn exists(name: &str, host: &Host) -> Option<PathBuf> {
    let found = find(name, host.cwd(), host).ok();
    // Ansible looks here too, whatever the path says.
    found.or_else(|| {
        ["/sbin", "/usr/sbin", "/usr/local/sbin"].iter().map(|dir| Path::new(dir).join(name)).find(|p| p.is_file())
    })
}

/// Moves bytes to and from the child until it ended and is silent.
fn collect(mut child: Child, input: Vec<u8>, host: &Host) -> io::Result<Finished> {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let ended = group.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let mut pipes = Pipes {
        stdin: child.stdin.take(),
        stdout: child.stdout.take(),
        stderr: child.stderr.take(),
        input,
        written: 0,
        out: Vec::new(),
        err: Vec::new(),
    };
    pipes.prepare()?;
    let mut last_word = Instant::now();
    let mut status = None;
    while !(pipes.are_closed() && status.is_some()) {
        let is_too_much = pipes.out.len() + pipes.err.len() > MOST;
        if is_too_much || host.is_cancelled() {
            if let Some(group) = group {
                kill_process_group(group, Signal::KILL).ok();
            }
            child.wait()?;
            return Err(match is_too_much {
                true => io::Error::other("The command printed more than 64 MiB and was ended."),
                false => io::Error::new(io::ErrorKind::Interrupted, "cancelled"),
            });
        }
        if pipes.turn(ended.as_ref().filter(|_| status.is_none()))? {
            last_word = Instant::now();
        }
        if status.is_none() {
            status = child.try_wait()?;
        } else if last_word.elapsed() >= SILENCE {
            break;
        }
    }
    let rc = status.map(exit_code).unwrap_or_default();
    Ok(Finished { rc, stdout: pipes.out, stderr: pipes.err })
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| -status.signal().unwrap_or_default())
}

struct Pipes {
    stdin: Option<std::process::ChildStdin>,
    stdout: Option<std::process::ChildStdout>,
    stderr: Option<std::process::ChildStderr>,
    input: Vec<u8>,
    written: usize,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Pipes {
    fn prepare(&self) -> io::Result<()> {
        if let Some(pipe) = &self.stdin {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        if let Some(pipe) = &self.stdout {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        if let Some(pipe) = &self.stderr {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(())
    }

    fn are_closed(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// Waits a slice of time and moves what can be moved; was there anything?
    fn turn(&mut self, ended: Option<&OwnedFd>) -> io::Result<bool> {
        {
            let mut fds = Vec::with_capacity(4);
            fds.extend(self.stdin.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::OUT)));
            fds.extend(self.stdout.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
            fds.extend(self.stderr.as_ref().map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
            fds.extend(ended.map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)));
            // Without a descriptor of the process, its end is noticed by asking often.
            let slice = if ended.is_some() { SLICE } else { Duration::from_millis(5) };
            match poll(&mut fds, Timespec::try_from(slice).ok().as_ref()) {
                Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(false),
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.feed();
        let heard = drain(&mut self.stdout, &mut self.out)?;
        Ok(drain(&mut self.stderr, &mut self.err)? || heard)
    }

    fn feed(&mut self) {
        let Some(pipe) = &mut self.stdin else { return };
        match pipe.write(&self.input[self.written..]) {
            Ok(length) => self.written += length,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return,
            // The program does not want to hear more.
            Err(_) => self.written = self.input.len(),
        }
        if self.written == self.input.len() {
            self.stdin = None;
        }
    }
}

fn drain<R: Read>(pipe: &mut Option<R>, into: &mut Vec<u8>) -> io::Result<bool> {
    let Some(open) = pipe else { return Ok(false) };
    let mut block = [0; 32768];
    let mut heard = false;
    loop {
        match open.read(&mut block) {
            Ok(0) => {
                *pipe = None;
                return Ok(heard);
            }
            Ok(length) => {
                into.extend_from_slice(&block[..length]);
                heard = true;
                if into.len() > MOST {
                    return Ok(heard);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(heard),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use ftl_sdk::Settings;

    use super::*;

    #[test]
    fn a_program_that_prints_without_end_is_ended() {
        let settings = Settings { cwd: "/".into(), ..Settings::default() };
        let words = ["cat", "/dev/zero"].map(str::to_owned);
        let program = Program { words: &words, directory: Path::new("/"), input: None, locale: None };
        let error = run(program, &Host::new("command", settings)).unwrap_err();
        assert_eq!(error.to_string(), "The command printed more than 64 MiB and was ended.");
    }
}
