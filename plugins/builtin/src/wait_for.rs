//! `wait_for`: waits for a file or a port.

use std::io::Read;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

use ftl_sdk::{Answer, Args, Argument, Failure, Host, Kind, Module, Object, Outcome, Value, json, text_of};

use crate::pattern::{Match, Pattern};
use crate::problem;

const STATES: [&str; 6] = ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"];

/// Seconds; Python's clock ends somewhere beyond.
const LONGEST: f64 = 1e9;

pub(crate) const MODULE: Module = Module {
    check_mode: false,
    covers,
    ..Module::new(
        "wait_for",
        &[
            Argument::text("host").or_text("127.0.0.1"),
            Argument::number("timeout").or_int(300),
            Argument::number("connect_timeout").or_int(5),
            Argument::number("delay").or_int(0),
            Argument::number("port"),
            Argument::list("active_connection_states", Kind::Str).or_words(&STATES),
            Argument::path("path"),
            Argument::text("search_regex"),
            Argument::text("state").or_text("started").choices(&["absent", "drained", "present", "started", "stopped"]),
            Argument::list("exclude_hosts", Kind::Str),
            Argument::number("sleep").or_int(1),
            Argument::text("msg"),
        ],
        run,
    )
};

/// Counting connections is left to Python, and so are times it refuses to wait and expressions that could mean something
/// else there.
fn covers(given: &Object, _: bool) -> bool {
    let drained = given.get("state").is_some_and(|state| state == "drained");
    let pattern = match given.get("search_regex") {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => Pattern::new(text, true).is_some(),
        Some(_) => false,
    };
    let time = |name: &str, least: f64| {
        let number = match given.get(name) {
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            _ => None,
        };
        // What is no number at all is refused with Ansible's words.
        number.is_none_or(|number: f64| (least..=LONGEST).contains(&number))
    };
    let times = time("timeout", 0.0) && time("delay", 0.0) && time("sleep", 0.0) && time("connect_timeout", 1.0);
    !drained && pattern && times
}

fn run(args: &mut Args, host: &Host) -> Answer {
    let path = args.text("path").filter(|path| !path.is_empty());
    let port = args.number("port").filter(|port| *port != 0);
    refuse(args, path, port)?;
    let pattern = match args.text("search_regex").filter(|text| !text.is_empty()) {
        Some(text) => Some(
            Pattern::new(text, true)
                .ok_or_else(|| Failure::new(format!("The regular expression {text} is not supported yet")))?,
        ),
        None => None,
    };
    let start = Instant::now();
    let number = |name| args.number(name).and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
    let wait = Wait {
        args,
        host,
        path,
        port,
        pattern,
        start,
        end: start + Duration::from_secs(number("timeout")),
        pause: Duration::from_secs(number("sleep")),
        connect: Duration::from_secs(number("connect_timeout")),
    };
    wait.sleep(Duration::from_secs(number("delay")));
    let found = match args.needed("state") {
        _ if port.is_none() && path.is_none() => {
            wait.sleep(Duration::from_secs(number("timeout")));
            None
        }
        "absent" | "stopped" => {
            wait.for_end()?;
            None
        }
        _ => wait.for_start()?,
    };
    let given = |name: &str| args.value(name).cloned().unwrap_or_default();
    let mut outcome = Outcome::new().with("state", given("state")).with("port", given("port"));
    outcome.set("search_regex", given("search_regex"));
    let (groups, named) = found.map_or_else(|| (json!([]), json!({})), |found| groups(&found));
    outcome.set("match_groups", groups);
    outcome.set("match_groupdict", named);
    outcome.set("path", given("path"));
    outcome.set("elapsed", wait.elapsed());
    Ok(outcome)
}

fn refuse(args: &Args, path: Option<&str>, port: Option<i64>) -> Result<(), Failure> {
    let state = args.needed("state");
    let failure = |message: String| Err(Failure::new(message).with("elapsed", 0));
    if port.is_some() && path.is_some() {
        return failure("port and path parameter can not both be passed to wait_for".into());
    }
    if path.is_some() && matches!(state, "stopped" | "drained") {
        return failure(format!("state={state} should only be used for checking a port in the wait_for module"));
    }
    if args.value("exclude_hosts").is_some() && state != "drained" {
        return failure("exclude_hosts should only be with state=drained".into());
    }
    let states = args.list("active_connection_states").unwrap_or_default();
    match states.iter().find(|state| !STATES.contains(&state.as_str())) {
        Some(unknown) => failure(format!("unknown active_connection_state ({unknown}) defined")),
        None => Ok(()),
    }
}

fn groups(found: &Match) -> (Value, Value) {
    let value = |part: Option<&Vec<u8>>| part.map_or(Value::Null, |part| text_of(part).into());
    let all = found.groups().iter().map(|part| value(part.as_ref())).collect();
    let named: Object = found.named().map(|(name, part)| (name.to_owned(), value(part))).collect();
    (all, Value::Object(named))
}

struct Wait<'a> {
    args: &'a Args,
    host: &'a Host,
    path: Option<&'a str>,
    port: Option<i64>,
    pattern: Option<Pattern>,
    start: Instant,
    end: Instant,
    pause: Duration,
    connect: Duration,
}

impl Wait<'_> {
    fn elapsed(&self) -> u64 {
        self.start.elapsed().as_secs() % 86400
    }

    /// Sleeps, unless nobody waits any more.
    fn sleep(&self, length: Duration) {
        let end = Instant::now() + length;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            if self.host.is_cancelled() {
                return;
            }
            std::thread::sleep(left.min(Duration::from_millis(200)));
        }
    }

    fn is_time_left(&self) -> bool {
        Instant::now() < self.end && !self.host.is_cancelled()
    }

    fn connect(&self, limit: Duration) -> Option<TcpStream> {
        let port = u16::try_from(self.port?).ok()?;
        let addresses = (self.args.needed("host"), port).to_socket_addrs().ok()?;
        addresses.into_iter().find_map(|address| TcpStream::connect_timeout(&address, limit).ok())
    }

    fn for_end(&self) -> Result<(), Failure> {
        while self.is_time_left() {
            let there = match self.path {
                Some(path) => self.host.at(path).exists(),
                None => self.connect(self.connect).is_some(),
            };
            if !there {
                return Ok(());
            }
            self.sleep(self.pause);
        }
        let host = self.args.needed("host");
        Err(self.timed_out(match (self.port, self.path) {
            (Some(port), _) => format!("Timeout when waiting for {host}:{port} to stop."),
            (None, path) => format!("Timeout when waiting for {} to be absent.", path.unwrap_or_default()),
        }))
    }

    fn timed_out(&self, message: String) -> Failure {
        let message = self.args.text("msg").filter(|text| !text.is_empty()).map_or(message, str::to_owned);
        Failure::new(message).with("elapsed", self.elapsed())
    }

    fn for_start(&self) -> Result<Option<Match>, Failure> {
        while self.is_time_left() {
            let found = match self.path {
                Some(path) => self.look_at(path)?,
                None => self.knock(),
            };
            if let Some(found) = found {
                return Ok(found);
            }
            self.sleep(self.pause);
        }
        let (host, search) = (self.args.needed("host"), self.args.text("search_regex").filter(|text| !text.is_empty()));
        Err(self.timed_out(match (self.port, search) {
            (Some(port), Some(search)) => format!("Timeout when waiting for search string {search} in {host}:{port}"),
            (Some(port), None) => format!("Timeout when waiting for {host}:{port}"),
            (None, Some(search)) => {
                format!("Timeout when waiting for search string {search} in {}", self.path.unwrap_or_default())
            }
            (None, None) => format!("Timeout when waiting for file {}", self.path.unwrap_or_default()),
        }))
    }

    /// Is the file there, with what is searched for in it?
    fn look_at(&self, path: &str) -> Result<Option<Option<Match>>, Failure> {
        let file = self.host.at(path);
        match std::fs::metadata(&file) {
            Ok(_) => {}
            Err(error) if error.raw_os_error() == Some(2) => return Ok(None),
            Err(error) => return Err(self.timed_out(format!("Failed to stat {path}, {}", problem::reason(&error)))),
        }
        Ok(match &self.pattern {
            None => Some(None),
            Some(pattern) => read(&file).and_then(|content| pattern.find(&content)).map(Some),
        })
    }

    /// Does the port answer, with what is searched for?
    fn knock(&self) -> Option<Option<Match>> {
        let left = self.end.saturating_duration_since(Instant::now());
        let left = Duration::from_secs(left.as_secs() + 1);
        let mut stream = self.connect(self.connect.min(left))?;
        let Some(pattern) = &self.pattern else { return Some(None) };
        let mut data = Vec::new();
        let mut block = [0; 1024];
        stream.set_read_timeout(Some(Duration::from_millis(200))).ok()?;
        while self.is_time_left() {
            match stream.read(&mut block) {
                Ok(0) => break,
                Ok(length) => {
                    data.extend_from_slice(&block[..length]);
                    // What matched is told of files only.
                    if pattern.is_match(&data) {
                        return Some(None);
                    }
                }
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                }
                Err(_) => break,
            }
        }
        None
    }
}

fn read(file: &Path) -> Option<Vec<u8>> {
    std::fs::read(file).ok()
}
