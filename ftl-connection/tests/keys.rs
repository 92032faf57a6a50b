//! Keys, certificates and passwords against a real sshd.

mod sshd;

use ftl_core::call::Secret;
use sshd::{Sshd, attempt, connector, keygen, run, settings, user};

const DENIED: &str = "Permission denied (publickey).";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_and_encrypted_keys() {
    let sshd = Sshd::start("");
    keygen(&sshd.directory.join("rsa"), &["-t", "rsa", "-b", "2048", "-N", ""]);
    keygen(&sshd.directory.join("ecdsa"), &["-t", "ecdsa", "-N", ""]);
    keygen(&sshd.directory.join("locked"), &["-t", "ed25519", "-N", "open sesame", "-a", "4"]);
    keygen(&sshd.directory.join("pem"), &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""]);
    keygen(&sshd.directory.join("other"), &["-t", "ed25519", "-N", ""]);
    for name in ["rsa.pub", "ecdsa.pub", "locked.pub", "pem.pub"] {
        let mut all = std::fs::read_to_string(sshd.path("authorized")).unwrap();
        all += &std::fs::read_to_string(sshd.path(name)).unwrap();
        std::fs::write(sshd.path("authorized"), all).unwrap();
    }
    let connector = connector();
    let try_key = async |name: &str, passphrase: Option<&str>| {
        let mut options = sshd.options();
        options.private_key_file = Some(sshd.path(name));
        options.private_key_passphrase = passphrase.map(Secret::new);
        attempt(&*connector, &options, "echo hello; exit 3").await
    };
    for (name, passphrase) in
        [("key", None), ("rsa", None), ("ecdsa", None), ("pem", None), ("locked", Some("open sesame"))]
    {
        assert_eq!(try_key(name, passphrase).await, Ok("3 hello".into()), "{name}");
    }
    let fails = async |name: &str, passphrase: Option<&str>, details: &str| {
        let message = try_key(name, passphrase).await.unwrap_err();
        assert!(message.starts_with("Failed to connect to the host via ssh: "), "{message}");
        assert!(
            message.contains(details) && message.ends_with(&format!("{}@127.0.0.1: {DENIED}", user())),
            "{message}"
        );
    };
    let started = std::time::Instant::now();
    fails("other", None, "").await;
    fails("locked", None, "the key is encrypted and no passphrase is set").await;
    fails("locked", Some("wrong"), "incorrect passphrase supplied to decrypt private key").await;
    fails("missing", None, "no such identity: ").await;
    run("chmod", &["0644", &sshd.path("key")]);
    fails("key", None, "UNPROTECTED PRIVATE KEY FILE").await;
    assert!(started.elapsed().as_secs() < 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_certificates() {
    let sshd = Sshd::start("TrustedUserCAKeys {dir}/ca.pub");
    keygen(&sshd.directory.join("ca"), &["-t", "ed25519", "-N", ""]);
    keygen(&sshd.directory.join("certified"), &["-t", "ecdsa", "-N", ""]);
    let me = user();
    run("ssh-keygen", &["-q", "-s", &sshd.path("ca"), "-I", "id", "-n", &me, &sshd.path("certified.pub")]);
    let mut options = sshd.options();
    options.private_key_file = Some(sshd.path("certified"));
    assert_eq!(attempt(&*connector(), &options, "echo yes").await, Ok("0 yes".into()));
    // The same by CertificateFile.
    std::fs::rename(sshd.path("certified-cert.pub"), sshd.path("elsewhere")).unwrap();
    assert!(attempt(&*connector(), &options, "true").await.is_err());
    options.ssh_extra_args = Some(format!("-o CertificateFile={}", sshd.path("elsewhere")));
    assert_eq!(attempt(&*connector(), &options, "echo yes").await, Ok("0 yes".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents() {
    let sshd = Sshd::start("AllowAgentForwarding yes");
    let socket = sshd.path("agent");
    let agent = run("ssh-agent", &["-s", "-a", &socket]);
    let pid = agent.split("SSH_AGENT_PID=").nth(1).and_then(|rest| rest.split(';').next()).unwrap().to_string();
    let add = |key: &str| run("env", &[&format!("SSH_AUTH_SOCK={socket}"), "ssh-add", "-q", key]);
    for number in 0..8 {
        let name = format!("wrong{number}");
        keygen(&sshd.directory.join(&name), &["-t", "ed25519", "-N", ""]);
        add(&sshd.path(&name));
    }
    let connector = ftl_connection::connector(settings(&[("SSH_AUTH_SOCK", &socket)]));
    // Eight wrong keys do not keep the named one from being first.
    assert_eq!(attempt(&*connector, &sshd.options(), "echo yes").await, Ok("0 yes".into()));
    let mut options = sshd.options();
    options.private_key_file = None;
    let message = attempt(&*connector, &options, "true").await.unwrap_err();
    assert!(
        message.ends_with(DENIED) && message.contains("More keys are left, but 5 were refused already: "),
        "{message}"
    );
    assert!(!sshd.log().contains("Too many authentication failures"), "{}", sshd.log());
    // The agent signs for a file that is locked.
    keygen(&sshd.directory.join("locked"), &["-t", "rsa", "-b", "2048", "-N", ""]);
    std::fs::copy(sshd.path("locked.pub"), sshd.path("authorized")).unwrap();
    add(&sshd.path("locked"));
    run("ssh-keygen", &["-q", "-p", "-f", &sshd.path("locked"), "-P", "", "-N", "secret"]);
    options.private_key_file = Some(sshd.path("locked"));
    options.ssh_extra_args = Some("-A".into());
    let lent = attempt(&*connector, &options, "ssh-add -l | grep -c ED25519").await;
    assert_eq!(lent, Ok("0 8".into()));
    run("kill", &[&pid]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords() {
    // Needs the right to make a user; PAM checks the password.
    let name = format!("ftlpw{}", std::process::id() % 10000);
    if run("id", &["-u"]).trim() != "0" {
        eprintln!("PASSWORDS ARE NOT TESTED: that needs root");
        return;
    }
    run("useradd", &["-m", &name]);
    run("sh", &["-c", &format!("echo '{name}:a{{{{1+1}}}}b' | chpasswd")]);
    let result = tokio::spawn(password_cases(name.clone())).await;
    // Its last session may still be closing.
    run(
        "sh",
        &[
            "-c",
            &format!(
                "for i in 1 2 3 4 5 6 7 8 9; do userdel -r {name} 2>/dev/null && exit; sleep 0.3; done; userdel -f -r {name}"
            ),
        ],
    );
    result.unwrap();
}

async fn password_cases(name: String) {
    for methods in ["PasswordAuthentication yes", "KbdInteractiveAuthentication yes\nUsePAM yes"] {
        let sshd = Sshd::start(methods);
        let mut options = sshd.options();
        options.private_key_file = None;
        options.user = Some(name.clone());
        options.password = Some(Secret::new("a{{1+1}}b"));
        assert_eq!(attempt(&*connector(), &options, "id -un").await, Ok(format!("0 {name}")), "{methods}");
        options.password = Some(Secret::new("wrong"));
        let message = attempt(&*connector(), &options, "true").await.unwrap_err();
        assert!(message.contains(&format!("{name}@127.0.0.1: Permission denied (publickey,")), "{message}");
        let refusals = || sshd.log().matches("Failed ").count() - sshd.log().matches("Failed none").count();
        // The server writes it down after it answered.
        for _ in 0..50 {
            if refusals() > 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_eq!(refusals(), 1, "{}", sshd.log());
        // The ssh program gets it from a pipe.
        options.password = Some(Secret::new("a{{1+1}}b"));
        options.ssh_executable = Some("/usr/bin/ssh".into());
        assert_eq!(attempt(&*connector(), &options, "id -un").await, Ok(format!("0 {name}")), "{methods}");
        options.password = Some(Secret::new("wrong"));
        let message = attempt(&*connector(), &options, "true").await.unwrap_err();
        assert!(message.contains("Permission denied (publickey,"), "{message}");
    }
}
