//! An sshd on loopback, with keys of its own: the nearest real remote machine.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::processes;
use crate::sandbox::Sandbox;

pub struct Sshd {
    pub port: u16,
    directory: PathBuf,
    child: Child,
}

impl Sshd {
    pub fn start(sandbox: &Sandbox) -> Self {
        Self::start_with(sandbox, "")
    }

    /// Starts a server with further lines of `sshd_config`.
    pub fn start_with(sandbox: &Sandbox, settings: &str) -> Self {
        let directory = sandbox.root().join("sshd");
        fs::create_dir(&directory).expect("a fresh directory");
        for key in ["host", "user", "other"] {
            let mut make = Command::new("ssh-keygen");
            make.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(directory.join(key));
            assert!(make.status().expect("ssh-keygen starts").success(), "no key was made");
        }
        fs::copy(directory.join("user.pub"), directory.join("authorized")).expect("a key");
        // A free port may be taken before the server has it: then another one.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
            let config = directory.join("config");
            let at = directory.display();
            let text = format!(
                "ListenAddress 127.0.0.1:{port}\nHostKey {at}/host\nAuthorizedKeysFile {at}/authorized\n\
                 PidFile {at}/pid\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nUseDNS no\nPrintMotd no\n\
                 PasswordAuthentication no\nMaxSessions 50\nMaxStartups 200:30:400\n"
            );
            // The first value counts in sshd_config.
            fs::write(&config, format!("{settings}\n{text}")).expect("a file");
            // Root's sshd wants this directory.
            let _ = fs::create_dir_all("/run/sshd");
            let log = || File::create(directory.join("log")).expect("a log");
            let mut command = Command::new("/usr/sbin/sshd");
            command.args(["-D", "-e", "-f"]).arg(&config);
            command.stdin(Stdio::null()).stdout(log()).stderr(log());
            let mut child = command.spawn().expect("sshd starts (Debian: openssh-server)");
            let up = processes::wait_until(10.0, || {
                TcpStream::connect(("127.0.0.1", port)).is_ok() || child.try_wait().ok().flatten().is_some()
            });
            if up && child.try_wait().ok().flatten().is_none() {
                let server = Sshd { port, directory, child };
                server.trust(&server.known_line("host"));
                return server;
            }
            let _ = child.kill();
        }
        panic!("sshd did not come up: {}", fs::read_to_string(directory.join("log")).unwrap_or_default());
    }

    /// A line of `known_hosts` with one of the keys `host` (the right one) and `other`.
    pub fn known_line(&self, key: &str) -> String {
        let text = fs::read_to_string(self.directory.join(format!("{key}.pub"))).expect("a key");
        let mut words = text.split(' ');
        let (kind, key) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        format!("[127.0.0.1]:{} {kind} {key}", self.port)
    }

    /// Writes `known_hosts`.
    pub fn trust(&self, lines: &str) {
        fs::write(self.directory.join("known_hosts"), format!("{lines}\n")).expect("a file");
    }

    /// Also trusts this server behind another port.
    pub fn trust_port(&self, port: u16) {
        let line = self.known_line("host");
        self.trust(&format!("{line}\n{}", line.replace(&format!(":{} ", self.port), &format!(":{port} "))));
    }

    /// Variables of the inventory (INI) that lead to this server.
    pub fn variables(&self) -> String {
        self.variables_with_port(self.port)
    }

    pub fn variables_with_port(&self, port: u16) -> String {
        let at = self.directory.display();
        format!(
            "ansible_host=127.0.0.1 ansible_port={port} ansible_user={user} \
             ansible_ssh_private_key_file={at}/user ansible_python_interpreter=/usr/bin/python3 \
             ansible_remote_tmp={at}/remote_tmp ansible_async_dir={at}/async \
             ansible_ssh_common_args='-o UserKnownHostsFile={at}/known_hosts -o IdentitiesOnly=yes'",
            user = user()
        )
    }

    /// Where modules may leave temporary files.
    pub fn remote_tmp(&self) -> PathBuf {
        self.directory.join("remote_tmp")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that runs in its sessions.
    pub fn session_processes(&self) -> Vec<u32> {
        processes::below(self.pid())
    }

    /// Kills all sessions and keeps the server.
    pub fn kill_sessions(&self) {
        for pid in self.session_processes() {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if name.starts_with("sshd") {
                processes::signal(pid, Signal::KILL);
            }
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        for pid in self.session_processes() {
            processes::signal(pid, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn user() -> String {
    let id = Command::new("id").arg("-un").output().expect("id starts");
    String::from_utf8_lossy(&id.stdout).trim().to_string()
}

/// The files below a directory.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files_below(&path)),
            path => found.push(path),
        }
    }
    found
}
