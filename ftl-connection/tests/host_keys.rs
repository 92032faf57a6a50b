//! Known, unknown, changed, certified and revoked host keys against a real sshd.

mod sshd;

use ftl_core::call::ConnectionOptions;
use sshd::{Sshd, attempt, connector, keygen, run};

const HEADING: &str = "Failed to connect to the host via ssh: ";
const FAILED: &str = "Host key verification failed.";

fn known(sshd: &Sshd, text: &str) {
    let host = std::fs::read_to_string(sshd.path("host.pub")).unwrap();
    let other = std::fs::read_to_string(sshd.path("other.pub")).unwrap_or_default();
    let authority = std::fs::read_to_string(sshd.path("ca.pub")).unwrap_or_default();
    let name = format!("[127.0.0.1]:{}", sshd.port);
    let text = text.replace("<NAME>", &name).replace("<HOST>", host.trim()).replace("<OTHER>", other.trim());
    std::fs::write(sshd.path("known_hosts"), text.replace("<CA>", authority.trim())).unwrap();
}

fn strict(sshd: &Sshd, value: &str) -> ConnectionOptions {
    let mut options = sshd.options();
    options.ssh_extra_args = Some(format!("-o StrictHostKeyChecking={value}"));
    options
}

async fn says(options: &ConnectionOptions) -> String {
    match attempt(&*connector(), options, "echo in").await {
        Ok(text) => text,
        Err(message) => message,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_and_unknown() {
    let sshd = Sshd::start("");
    keygen(&sshd.directory.join("other"), &["-t", "ed25519", "-N", ""]);
    keygen(&sshd.directory.join("rsa"), &["-t", "rsa", "-b", "2048", "-N", ""]);
    let options = sshd.options();
    let check = async |text: &str, expected: &str| {
        known(&sshd, text);
        assert_eq!(says(&options).await, expected, "{text}");
    };
    check("# comment\njunk line\n<NAME> <HOST>\n", "0 in").await;
    check("[127.0.0.*]:*,!x <HOST>\n", "0 in").await;
    check("127.0.0.1 <HOST>\n", "0 in").await;
    check("", &format!("{HEADING}{FAILED}")).await;
    check("!<NAME>,!127.0.0.1,* <HOST>\n", &format!("{HEADING}{FAILED}")).await;
    check("<NAME> <OTHER>\n<NAME> <HOST>\n", "0 in").await;
    known(&sshd, "<NAME> <HOST>\n");
    run("ssh-keygen", &["-q", "-H", "-f", &sshd.path("known_hosts")]);
    assert!(std::fs::read_to_string(sshd.path("known_hosts")).unwrap().starts_with("|1|"));
    assert_eq!(says(&options).await, "0 in");
    known(&sshd, "");
    let text =
        format!("No ED25519 host key is known for [127.0.0.1]:{} and you have requested strict checking.", sshd.port);
    assert_eq!(says(&strict(&sshd, "yes")).await, format!("{HEADING}{text}\r\n{FAILED}"));
    // Accepted and remembered; hashed when the configuration says so.
    assert_eq!(says(&strict(&sshd, "accept-new")).await, "0 in");
    assert!(std::fs::read_to_string(sshd.path("known_hosts")).unwrap().starts_with("[127.0.0.1]:"));
    assert_eq!(says(&options).await, "0 in");
    known(&sshd, "");
    let mut options = sshd.options();
    options.host_key_checking = false;
    options.ssh_extra_args = Some("-o HashKnownHosts=yes".into());
    assert_eq!(says(&options).await, "0 in");
    assert!(std::fs::read_to_string(sshd.path("known_hosts")).unwrap().starts_with("|1|"));
    // An alias takes the place of name and port.
    known(&sshd, "alias <HOST>\n");
    options = sshd.options();
    options.ssh_extra_args = Some("-o HostKeyAlias=alias".into());
    assert_eq!(says(&options).await, "0 in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_and_revoked() {
    let sshd = Sshd::start("");
    keygen(&sshd.directory.join("other"), &["-t", "ed25519", "-N", ""]);
    known(&sshd, "<NAME> <OTHER>\n");
    // Word for word what the ssh program says.
    let options = sshd.options();
    let ours = says(&options).await;
    let mut by_program = options.clone();
    by_program.ssh_executable = Some("/usr/bin/ssh".into());
    let theirs = says(&by_program).await;
    assert_eq!(ours.replace("\r\n", "\n"), theirs.replace("\r\n", "\n"));
    assert!(ours.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") && ours.ends_with(FAILED), "{ours}");
    // Let pass for keys, never for passwords.
    let mut options = sshd.options();
    options.host_key_checking = false;
    assert_eq!(says(&options).await, "0 in");
    options.private_key_file = None;
    options.password = Some(ftl_core::call::Secret::new("x"));
    let message = says(&options).await;
    assert!(message.contains("Password authentication is disabled to avoid man-in-the-middle attacks."), "{message}");
    known(&sshd, "");
    for program in [None, Some("/usr/bin/ssh".to_string())] {
        let mut options = sshd.options();
        options.ssh_executable = program;
        options.password = Some(ftl_core::call::Secret::new("x"));
        let error = connector().connect("h", &options).await.err().unwrap();
        let failed = matches!(error, ftl_core::result::HostError::Failed { .. });
        assert!(
            failed && error.message().starts_with("Using a SSH password instead of a key is not possible"),
            "{error:?}"
        );
    }
    known(&sshd, "@revoked * <HOST>\n<NAME> <HOST>\n");
    let message = says(&sshd.options()).await;
    assert!(message.contains("REVOKED HOST KEY DETECTED") && message.ends_with(FAILED), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_certificates() {
    let directory = sshd::directory();
    for name in ["host", "key", "ca", "other"] {
        keygen(&directory.join(name), &["-t", "ed25519", "-N", ""]);
    }
    std::fs::copy(directory.join("key.pub"), directory.join("authorized")).unwrap();
    let path = |name: &str| directory.join(name).display().to_string();
    let sign = |extra: &[&str]| {
        let (ca, host) = (path("ca"), path("host.pub"));
        run("ssh-keygen", &[&["-q", "-s", &ca, "-I", "id", "-h"], extra, &[&host]].concat());
    };
    sign(&["-n", "127.0.0.1,web"]);
    let check = async |sshd: &Sshd, text: &str, expected: &str| {
        known(sshd, text);
        let found = says(&sshd.options()).await;
        assert!(found.ends_with(expected) && (expected != "0 in" || found == expected), "{text}: {found}");
    };
    let sshd = Sshd::start_in(directory.clone(), "HostCertificate {dir}/host-cert.pub");
    check(&sshd, "@cert-authority * <CA>\n", "0 in").await;
    check(&sshd, "@cert-authority [127.0.0.1]:* <CA>\n", "0 in").await;
    check(&sshd, "@cert-authority *.example <CA>\n", FAILED).await;
    check(&sshd, "@cert-authority * <OTHER>\n", FAILED).await;
    check(&sshd, "@cert-authority * <CA>\n@revoked * <CA>\n", FAILED).await;
    check(&sshd, "@cert-authority * <CA>\n@revoked * <HOST>\n", FAILED).await;
    for (extra, problem) in [
        (&["-n", "elsewhere"][..], "name is not a listed principal"),
        (&["-n", "127.0.0.1", "-V", "20200101:20200102"][..], "expired"),
        (&["-n", "127.0.0.1", "-V", "+1d:+2d"][..], "not yet valid"),
    ] {
        sign(extra);
        // Its own directory goes with a server, so each gets a copy.
        let copy = sshd::directory();
        run("sh", &["-c", &format!("cp -p {}/* {}", directory.display(), copy.display())]);
        let sshd = Sshd::start_in(copy, "HostCertificate {dir}/host-cert.pub");
        known(&sshd, "@cert-authority * <CA>\n");
        let message = says(&sshd.options()).await;
        assert!(message.contains(problem) && message.ends_with(FAILED), "{message}");
        // The plain key still counts.
        check(&sshd, "@cert-authority * <CA>\n<NAME> <HOST>\n", "0 in").await;
    }
}
