//! Ways to a host, what runs there, and what happens when the way breaks, against a real sshd.

mod sshd;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ftl_core::call::{ConnectionOptions, ExecRequest};
use ftl_core::port::{ByteSource, Connection};
use ftl_core::result::HostError;
use sshd::{Sshd, attempt, connector, free_port, output, processes, settings, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands() {
    let sshd = Sshd::start("");
    let connector = ftl_connection::connector(settings(&[("LC_FTL", "sent"), ("OTHER", "kept")]));
    let mut options = sshd.options();
    options.ssh_extra_args = Some("-o SendEnv=LC_* -o SetEnv=FTL_X=set".into());
    for program in [None, Some("/usr/bin/ssh".to_string())] {
        options.ssh_executable = program;
        let connection = connector.connect("h", &options).await.unwrap();
        assert_eq!(output(&*connection, "echo $LC_FTL $FTL_X $OTHER").await, Ok("0 sent set".into()));
        let request = ExecRequest {
            command: "cat; echo oops >&2; echo $V".into(),
            executable: Some("/bin/bash".into()),
            stdin: vec![b'x'; 300_000],
            environment: vec![("V".into(), "it's".into())],
            timeout: None,
        };
        let answer = connection.exec(&request).await.unwrap();
        assert_eq!((answer.rc, answer.stdout.len(), &answer.stderr[..]), (0, 300_005, &b"oops\n"[..]));
        // Input nobody reads is no error.
        let request = ExecRequest { command: "exit 7".into(), stdin: vec![b'x'; 20 << 20], ..Default::default() };
        assert_eq!(connection.exec(&request).await.unwrap().rc, 7);
        let limited =
            |command: String| ExecRequest { command, timeout: Some(Duration::from_secs(2)), ..Default::default() };
        let answer = connection.exec(&limited("echo \"it's\"; echo oops >&2; exit 3".into())).await.unwrap();
        assert_eq!((answer.rc, &answer.stdout[..], &answer.stderr[..]), (3, &b"it's\n"[..], &b"oops\n"[..]));
        let started = Instant::now();
        let mark = format!("{}7", std::process::id());
        let command = format!("trap '' TERM; (trap '' TERM; exec sleep {mark}) & sleep {mark}");
        assert!(matches!(connection.exec(&limited(command)).await, Err(HostError::TimedOut { seconds: 2 })));
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        if options.ssh_executable.is_none() {
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(processes(&format!("sleep {mark}")), "");
        }
        for number in processes(&format!("sleep {mark}")).lines() {
            let _ = std::process::Command::new("kill").args(["-9", number]).status();
        }
        // A daemon that keeps the pipes does not keep the command (the ssh program waits for it, as it always did).
        let started = Instant::now();
        assert_eq!(output(&*connection, "sleep 8 & echo started").await, Ok("0 started".into()));
        let by_library = options.ssh_executable.is_none();
        assert!(!by_library || started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
        let endless = connection.exec(&ExecRequest { command: "cat /dev/zero".into(), ..Default::default() }).await;
        assert!(endless.unwrap_err().message().contains("larger than 64 MiB"));
        assert_eq!(output(&*connection, "echo fine").await, Ok("0 fine".into()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_for_all() {
    let sshd = Sshd::start("MaxSessions 2");
    let connector = connector();
    let options = sshd.options();
    let all = (0..8).map(|_| connector.connect("h", &options));
    let all: Vec<_> = futures::future::join_all(all).await.into_iter().map(Result::unwrap).collect();
    assert!(all.iter().all(|one| Arc::ptr_eq(one, &all[0])));
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 1);
    // More channels than the host gives one connection: others are opened.
    let streams = futures::future::join_all(all.iter().map(|one| one.open("echo up; cat"))).await;
    for stream in streams {
        let mut stream = stream.unwrap();
        assert_eq!(stream.output.receive().await.unwrap().unwrap(), b"up\n");
    }
    // Killed between tasks: the next one has a new connection.
    sshd.signal_sessions("-9");
    closes(&*all[0]).await;
    assert_eq!(attempt(&*connector, &options, "echo again").await, Ok("0 again".into()));
}

async fn closes(connection: &dyn Connection) {
    let deadline = Instant::now() + Duration::from_secs(2);
    while connection.is_open() {
        assert!(Instant::now() < deadline, "{} is still open", connection.describe());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn echo(connection: &dyn Connection, size: usize) {
    let mut stream = connection.open("cat").await.unwrap();
    let mut input = stream.input;
    let sender = tokio::spawn(async move {
        let mut sent = 0;
        while sent < size {
            let chunk: Vec<u8> = (0..64 * 1024).map(|at| ((sent + at) % 251) as u8).collect();
            sent += chunk.len();
            input.send(chunk).await.unwrap();
        }
        input.close().await;
        (sent, input)
    });
    let mut received = 0;
    while let Some(chunk) = stream.output.receive().await.unwrap() {
        assert!(chunk.iter().enumerate().all(|(at, byte)| *byte == ((received + at) % 251) as u8));
        received += chunk.len();
    }
    assert_eq!(sender.await.unwrap().0, received);
    assert!(stream.errors.receive().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_megabytes_both_ways() {
    let sshd = Sshd::start("RekeyLimit 8M");
    let connection = connector().connect("h", &sshd.options()).await.unwrap();
    echo(&*connection, 50 << 20).await;
    let mut options = sshd.options();
    options.ssh_executable = Some("/usr/bin/ssh".into());
    let connection = connector().connect("h", &options).await.unwrap();
    assert!(connection.describe().contains("because ssh_executable is /usr/bin/ssh"));
    echo(&*connection, 5 << 20).await;
    let local = ConnectionOptions { kind: "local".into(), ..Default::default() };
    echo(&*connector().connect("h", &local).await.unwrap(), 50 << 20).await;
}

async fn end_of(output: &mut Box<dyn ByteSource>) -> Result<(), HostError> {
    while output.receive().await?.is_some() {}
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle() {
    let sshd = Sshd::start("");
    for program in [None, Some("/usr/bin/ssh".to_string())] {
        let mut options = sshd.options();
        options.ssh_executable = program;
        let connection = connector().connect("h", &options).await.unwrap();
        let mut stream = connection.open("echo up; sleep 10").await.unwrap();
        assert_eq!(stream.output.receive().await.unwrap().unwrap(), b"up\n");
        let started = Instant::now();
        sshd.signal_sessions("-9");
        let error =
            tokio::time::timeout(Duration::from_secs(5), end_of(&mut stream.output)).await.unwrap().unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        assert!(matches!(error, HostError::Lost { .. }), "{error:?}");
        assert!(error.message().starts_with("Failed to connect to the host via ssh: "), "{}", error.message());
        assert!(stream.input.send(vec![0; 1 << 20]).await.is_err());
        closes(&*connection).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_host_is_noticed() {
    let sshd = Sshd::start("");
    let mut own = settings(&[]);
    own.keepalive = Duration::from_secs(1);
    let connection = ftl_connection::connector(own).connect("h", &sshd.options()).await.unwrap();
    let mut stream = connection.open("sleep 20").await.unwrap();
    sshd.signal_sessions("-STOP");
    let started = Instant::now();
    // A sender that fills every buffer must not keep the silence from being noticed.
    let mut input = stream.input;
    let sender = tokio::spawn(async move { while input.send(vec![0; 1 << 20]).await.is_ok() {} });
    let error = tokio::time::timeout(Duration::from_secs(15), end_of(&mut stream.output)).await.unwrap().unwrap_err();
    assert!(matches!(error, HostError::Lost { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    tokio::time::timeout(Duration::from_secs(2), sender).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_streams_end_programs() {
    let sshd = Sshd::start("");
    let local = ConnectionOptions { kind: "local".into(), ..Default::default() };
    for options in [local, sshd.options()] {
        let connection = connector().connect("h", &options).await.unwrap();
        let mark = sshd.path("mark");
        let mut stream = connection.open(&format!("echo up; cat >/dev/null; touch {mark}")).await.unwrap();
        assert_eq!(stream.output.receive().await.unwrap().unwrap(), b"up\n");
        drop(stream);
        let deadline = Instant::now() + Duration::from_secs(5);
        while !std::path::Path::new(&mark).exists() {
            assert!(Instant::now() < deadline, "{} still runs", connection.describe());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::fs::remove_file(&mark).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_at_once_through_five_places() {
    let sshd = Sshd::start("MaxStartups 5:100:5");
    let connector = connector();
    let one = async |number: usize| {
        // Different options are different connections.
        let options = ConnectionOptions { remote_tmp: Some(number.to_string()), ..sshd.options() };
        attempt(&*connector, &options, "echo in").await
    };
    let all = futures::future::join_all((0..40).map(one)).await;
    let failed: Vec<_> = all.into_iter().filter(|result| *result != Ok("0 in".into())).collect();
    assert!(failed.is_empty(), "{} failed: {failed:?}", failed.len());
    assert_eq!(sshd.log().matches("Accepted publickey").count(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jumps_and_proxies() {
    let target = Sshd::start("");
    let gate = Sshd::start("");
    let me = user();
    let (port, key, known) = (gate.port, gate.path("key"), gate.path("known_hosts"));
    let file = gate.path("config");
    let text = format!(
        "Host gate\n HostName 127.0.0.1\n Port {port}\n User {me}\n IdentityFile {key}\n UserKnownHostsFile {known}\n"
    );
    std::fs::write(&file, text).unwrap();
    let through = |extra: &str| {
        let known = target.path("known_hosts");
        let common = format!("-F {file} -o UserKnownHostsFile={known}");
        ConnectionOptions { ssh_common_args: Some(common), ssh_extra_args: Some(extra.into()), ..target.options() }
    };
    let connector = connector();
    let proxies =
        ["-J gate".to_string(), "-J gate,gate".to_string(), format!("-o 'ProxyCommand=ssh -F {file} -W %h:%p gate'")];
    for (number, proxy) in proxies.iter().enumerate() {
        let before = gate.log().matches("Accepted publickey").count();
        let mut options = through(proxy);
        options.remote_tmp = Some(number.to_string());
        let connection = connector.connect("h", &options).await.unwrap();
        assert_eq!(output(&*connection, "echo in").await, Ok("0 in".into()), "{proxy}");
        assert!(connection.describe().starts_with("ssh: "), "{}", connection.describe());
        assert!(gate.log().matches("Accepted publickey").count() > before, "{proxy}");
    }
    // All targets behind one gate share the connection to it.
    let before = gate.log().matches("Accepted publickey").count();
    let many = (10..20).map(|number| {
        let options = ConnectionOptions { remote_tmp: Some(number.to_string()), ..through("-J gate") };
        let connector = connector.clone();
        async move { attempt(&*connector, &options, "echo in").await }
    });
    assert!(futures::future::join_all(many).await.iter().all(|result| *result == Ok("0 in".into())));
    assert_eq!(gate.log().matches("Accepted publickey").count(), before + 1);
    let mut options = through("-J gate");
    options.port = Some(free_port());
    let message = attempt(&*connector, &options, "true").await.unwrap_err();
    assert!(message.contains("open failed: connect failed: Connection refused"), "{message}");
    // What the library cannot do goes to the program.
    let forward = free_port();
    let connection = connector.connect("h", &through(&format!("-L {forward}:127.0.0.1:{port}"))).await.unwrap();
    assert!(
        connection.describe().starts_with("ssh program: 127.0.0.1 (because the option localforward is"),
        "{}",
        connection.describe()
    );
    assert_eq!(output(&*connection, "echo in").await, Ok("0 in".into()));
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", forward)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_are_not_there() {
    let port = free_port();
    let sshd = Sshd::start("");
    let check = async |options: ConnectionOptions, limit: u64, expected: &str| {
        let started = Instant::now();
        let message = attempt(&*connector(), &options, "true").await.unwrap_err();
        assert_eq!(message, format!("Failed to connect to the host via ssh: {expected}"));
        assert!(started.elapsed() < Duration::from_millis(limit), "{expected}: {:?}", started.elapsed());
    };
    let with = |change: &dyn Fn(&mut ConnectionOptions)| {
        let mut options = sshd.options();
        change(&mut options);
        options
    };
    let refused = with(&|options| options.port = Some(port));
    check(refused, 2000, &format!("ssh: connect to host 127.0.0.1 port {port}: Connection refused")).await;
    let unknown = with(&|options| options.address = "no-such-host.invalid".into());
    let message = attempt(&*connector(), &unknown, "true").await.unwrap_err();
    assert!(
        message.starts_with(
            "Failed to connect to the host via ssh: ssh: Could not resolve hostname no-such-host.invalid: "
        ),
        "{message}"
    );
    // It listens, but says nothing; then it says nothing sensible for ever.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let options = with(&|options| {
        options.port = Some(port);
        options.timeout = 1;
    });
    let expected =
        format!("Connection timed out during banner exchange\r\nConnection to 127.0.0.1 port {port} timed out");
    check(options.clone(), 2500, &expected).await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = silent.accept().await {
            tokio::spawn(async move { tokio::io::copy(&mut tokio::io::repeat(b'x'), &mut stream).await });
        }
    });
    let started = Instant::now();
    assert!(attempt(&*connector(), &options, "true").await.is_err());
    assert!(started.elapsed() < Duration::from_millis(2500));
    // Nobody answers at all: the queue of the listener is full, so the kernel drops what comes.
    use rustix::net;
    let deaf = net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None).unwrap();
    net::bind(&deaf, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    net::listen(&deaf, 0).unwrap();
    let place: std::net::SocketAddr = net::getsockname(&deaf).unwrap().try_into().unwrap();
    let _filled = tokio::net::TcpStream::connect(place).await.unwrap();
    let port = place.port();
    let options = with(&|options| {
        options.port = Some(port);
        options.timeout = 1;
    });
    check(options, 2500, &format!("ssh: connect to host 127.0.0.1 port {port}: Connection timed out")).await;
    let bad = with(&|options| options.ssh_extra_args = Some("-o NoSuchOption=1".into()));
    check(bad, 5000, "command-line: line 0: Bad configuration option: nosuchoption").await;
    let kind = with(&|options| options.kind = "winrm".into());
    let message = attempt(&*connector(), &kind, "true").await.unwrap_err();
    assert_eq!(message, "The connection type 'winrm' is not supported yet.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_local_machine() {
    let directory = sshd::directory();
    let options = ConnectionOptions { kind: "local".into(), local_cwd: Some(directory.clone()), ..Default::default() };
    let connection = connector().connect("localhost", &options).await.unwrap();
    assert_eq!(output(&*connection, "pwd; exit 4").await, Ok(format!("4 {}", directory.display())));
    assert_eq!(output(&*connection, "kill -9 $$").await, Ok("-9 ".into()));
    // A session of its own: nothing can ask on our terminal.
    assert_eq!(output(&*connection, "test $(ps -o sid= -p $$) = $$; echo $?").await, Ok("0 0".into()));
    let request = |command: &str, seconds| ExecRequest {
        command: command.into(),
        timeout: Some(Duration::from_secs(seconds)),
        ..Default::default()
    };
    // Everything the command started ends with its time, even what ignores the polite signal.
    let mark = format!("{}9", std::process::id());
    let command = format!("trap '' TERM; (trap '' TERM; exec sleep {mark}) & sleep {mark}");
    assert!(matches!(connection.exec(&request(&command, 1)).await, Err(HostError::TimedOut { seconds: 1 })));
    tokio::time::sleep(Duration::from_millis(3000)).await;
    assert_eq!(processes(&format!("sleep {mark}")), "");
    let started = Instant::now();
    assert_eq!(output(&*connection, "sleep 5 & echo started").await, Ok("0 started".into()));
    assert!(started.elapsed() < Duration::from_secs(2));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_without_the_ssh_program() {
    let sshd = Sshd::start("");
    let connector = ftl_connection::connector(settings(&[("PATH", "/nonexistent")]));
    assert_eq!(attempt(&*connector, &sshd.options(), "echo in").await, Ok("0 in".into()));
    let config = sshd.path("config");
    let text = format!(
        "Host web*\n HostName 127.0.0.1\n Port {}\n UserKnownHostsFile {}\n",
        sshd.port,
        sshd.path("known_hosts")
    );
    std::fs::write(&config, text).unwrap();
    let options = ConnectionOptions {
        address: "web1".into(),
        port: None,
        ssh_common_args: Some(format!("-F {config}")),
        ..sshd.options()
    };
    assert_eq!(attempt(&*connector, &options, "echo in").await, Ok("0 in".into()));
    let options = ConnectionOptions { ssh_extra_args: Some("-o PKCS11Provider=/lib/x.so".into()), ..options };
    let message = attempt(&*connector, &options, "true").await.unwrap_err();
    let expected = "the program ssh was not found, but it is needed because the option pkcs11provider is /lib/x.so";
    assert_eq!(message, format!("Failed to connect to the host via ssh: {expected}"));
    let local = ConnectionOptions { kind: "local".into(), ..Default::default() };
    assert_eq!(attempt(&*connector, &local, "echo in").await, Ok("0 in".into()));
}
