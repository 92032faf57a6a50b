//! A real sshd on a loopback port, with keys of its own, for one test.
#![allow(unreachable_pub, dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ftl_core::call::{ConnectionOptions, ExecRequest};
use ftl_core::port::{Connection, Connector};

static COUNT: AtomicU32 = AtomicU32::new(0);

pub struct Sshd {
    child: Child,
    pub port: u16,
    pub directory: PathBuf,
}

pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("THIS TEST NEEDS THE PROGRAM {program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn user() -> String {
    run("id", &["-un"]).trim().to_string()
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub fn directory() -> PathBuf {
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("ftl-sshd-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

pub fn keygen(path: &Path, arguments: &[&str]) {
    let path = path.display().to_string();
    run("ssh-keygen", &[&["-q", "-f", &path], arguments].concat());
}

impl Sshd {
    /// Starts a server; `extra` comes first in its configuration, `{dir}` being its directory.
    pub fn start(extra: &str) -> Sshd {
        let directory = directory();
        keygen(&directory.join("host"), &["-t", "ed25519", "-N", ""]);
        keygen(&directory.join("key"), &["-t", "ed25519", "-N", ""]);
        std::fs::copy(directory.join("key.pub"), directory.join("authorized")).unwrap();
        Sshd::start_in(directory, extra)
    }

    pub fn start_in(directory: PathBuf, extra: &str) -> Sshd {
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        let program = program.expect("THIS TEST NEEDS sshd (package openssh-server): not found");
        // Where Debian's sshd separates its privileges.
        let _ = std::fs::create_dir_all("/run/sshd");
        let port = free_port();
        let shown = directory.display();
        let config = format!(
            "{}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {shown}/host\nPidFile none\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nAuthorizedKeysFile {shown}/authorized\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nAcceptEnv LANG LC_* FTL_*\nLogLevel VERBOSE\nUseDNS no\n",
            extra.replace("{dir}", &shown.to_string())
        );
        std::fs::write(directory.join("sshd_config"), config).unwrap();
        // Known by its key unless a test says otherwise.
        let key = std::fs::read_to_string(directory.join("host.pub")).unwrap();
        let known = directory.join("known_hosts");
        if !known.exists() {
            std::fs::write(&known, format!("[127.0.0.1]:{port} {key}")).unwrap();
        }
        let log = std::fs::File::create(directory.join("log")).unwrap();
        let child = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(directory.join("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut sshd = Sshd { child, port, directory };
        let deadline = Instant::now() + Duration::from_secs(20);
        while !sshd.log().contains("Server listening") {
            assert!(sshd.child.try_wait().unwrap().is_none(), "sshd did not start: {}", sshd.log());
            assert!(Instant::now() < deadline, "sshd does not listen: {}", sshd.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        sshd
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    pub fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// Options that reach this server with its key.
    pub fn options(&self) -> ConnectionOptions {
        ConnectionOptions {
            kind: "ssh".into(),
            address: "127.0.0.1".into(),
            port: Some(self.port),
            user: Some(user()),
            private_key_file: Some(self.path("key")),
            ssh_args: Some("-C -o ControlMaster=auto -o ControlPersist=60s".into()),
            ssh_common_args: Some(format!(
                "-F none -o UserKnownHostsFile={} -o GlobalKnownHostsFile=none",
                self.path("known_hosts")
            )),
            timeout: 20,
            host_key_checking: true,
            ..Default::default()
        }
    }

    /// The processes of this server's sessions.
    pub fn sessions(&self) -> Vec<String> {
        let parent = self.child.id().to_string();
        let listed = Command::new("pgrep").args(["-P", &parent]).output().unwrap();
        String::from_utf8_lossy(&listed.stdout).lines().map(str::to_string).collect()
    }
}

impl Sshd {
    /// Sends a signal to every session; those that just ended do not matter.
    pub fn signal_sessions(&self, signal: &str) {
        for session in self.sessions() {
            let _ = Command::new("kill").args([signal, &session]).stderr(Stdio::null()).status();
        }
    }
}

/// The numbers of the processes with exactly this command line.
pub fn processes(line: &str) -> String {
    let found = Command::new("pgrep").args(["-x", "-f", line]).output().unwrap();
    String::from_utf8_lossy(&found.stdout).trim().to_string()
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.signal_sessions("-9");
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub fn settings(extra: &[(&str, &str)]) -> ftl_connection::ConnectorSettings {
    let mut environment = std::collections::BTreeMap::new();
    environment.insert("PATH".to_string(), "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".to_string());
    environment.insert("HOME".to_string(), "/nonexistent".to_string());
    environment.insert("SHELL".to_string(), "/bin/sh".to_string());
    environment.extend(extra.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    ftl_connection::ConnectorSettings::new("/nonexistent", user(), environment)
}

pub fn connector() -> std::sync::Arc<dyn Connector> {
    ftl_connection::connector(settings(&[]))
}

/// Connects and runs a command: its output, or the message of the error.
pub async fn attempt(connector: &dyn Connector, options: &ConnectionOptions, command: &str) -> Result<String, String> {
    let connection = connector.connect("host", options).await.map_err(|error| error.message())?;
    output(&*connection, command).await
}

pub async fn output(connection: &dyn Connection, command: &str) -> Result<String, String> {
    let request = ExecRequest { command: command.into(), ..Default::default() };
    let output = connection.exec(&request).await.map_err(|error| error.message())?;
    Ok(format!("{} {}", output.rc, String::from_utf8_lossy(&output.stdout).trim()))
}
