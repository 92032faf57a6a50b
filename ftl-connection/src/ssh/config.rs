//! The effective configuration for one host: what `ssh -G` answers, cached.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use super::{arguments, parser};
use crate::process::{self, Launch};
use crate::settings::ConnectorSettings;

/// Option names in lower case with their values, in the order of `ssh -G`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostConfig {
    pub(crate) values: Vec<(String, String)>,
}

impl HostConfig {
    pub(crate) fn parse(text: &str) -> HostConfig {
        let pair = |line: &str| {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            (name.to_ascii_lowercase(), value.trim().to_string())
        };
        HostConfig { values: text.lines().filter(|line| !line.is_empty()).map(pair).collect() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The value, unless it is missing or `none`.
    pub(crate) fn some(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("none"))
    }

    pub(crate) fn is_yes(&self, name: &str) -> bool {
        matches!(self.text(name), "yes" | "true")
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    pub(crate) fn hostname(&self) -> &str {
        self.text("hostname")
    }

    pub(crate) fn port(&self) -> u16 {
        self.number("port").and_then(|port| u16::try_from(port).ok()).unwrap_or(22)
    }

    pub(crate) fn user(&self) -> &str {
        self.text("user")
    }

    /// The name under which the host's key is looked up, and whether the port belongs to it.
    pub(crate) fn key_name(&self) -> String {
        match (self.some("hostkeyalias"), self.port()) {
            (Some(alias), _) => alias.to_ascii_lowercase(),
            (None, 22) => self.hostname().to_ascii_lowercase(),
            (None, port) => format!("[{}]:{port}", self.hostname().to_ascii_lowercase()),
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.values.retain(|(key, _)| key != name);
        self.values.push((name.into(), value.into()));
    }
}

/// Expands `~`, `%` tokens and `${VARIABLE}` in a path or command of the configuration.
pub(crate) fn expand(text: &str, config: &HostConfig, original: &str, settings: &ConnectorSettings) -> String {
    let mut expanded = String::new();
    let text = match text.strip_prefix("~/") {
        Some(rest) => {
            expanded.push_str(&settings.home.to_string_lossy());
            expanded.push('/');
            rest
        }
        None => text,
    };
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => match letters.next() {
                Some('h') => expanded.push_str(config.hostname()),
                Some('p') => expanded.push_str(&config.port().to_string()),
                Some('r') => expanded.push_str(config.user()),
                Some('n') => expanded.push_str(original),
                Some('k') => expanded.push_str(config.some("hostkeyalias").unwrap_or(original)),
                Some('d') => expanded.push_str(&settings.home.to_string_lossy()),
                Some('u') => expanded.push_str(&settings.user),
                Some('i') => expanded.push_str(&rustix::process::getuid().as_raw().to_string()),
                Some('%') => expanded.push('%'),
                Some(other) => expanded.extend(['%', other]),
                None => expanded.push('%'),
            },
            '$' if letters.peek() == Some(&'{') => {
                letters.next();
                let name: String = letters.by_ref().take_while(|letter| *letter != '}').collect();
                expanded.push_str(settings.variable(&name).unwrap_or_default());
            }
            other => expanded.push(other),
        }
    }
    expanded
}

type Key = (PathBuf, String, Vec<String>);
type Answer = Arc<OnceCell<Result<Arc<HostConfig>, String>>>;

/// Asks `ssh -G` once per host and command line.
pub(crate) struct Resolver {
    settings: Arc<ConnectorSettings>,
    answers: Mutex<HashMap<Key, Answer>>,
    /// What an `ssh` says of a host without any configuration: options newer than FTL have their default here.
    baseline: OnceCell<Option<Arc<HostConfig>>>,
}

/// A host name for configurations that are the same for all hosts.
const ANY_HOST: &str = "ftl-any-host.invalid";
const PATIENCE: Duration = Duration::from_secs(10);

impl Resolver {
    pub(crate) fn new(settings: Arc<ConnectorSettings>) -> Resolver {
        Resolver { settings, answers: Mutex::default(), baseline: OnceCell::new() }
    }

    /// The configuration for a host as it is called in the inventory; an error is what `ssh` would print.
    pub(crate) async fn resolve(&self, program: &str, host: &str, line: &[String]) -> Result<Arc<HostConfig>, String> {
        let Some(program) = self.settings.find_program(program) else {
            return parser::resolve(&self.settings, host, line).map(Arc::new);
        };
        if host.starts_with('-') || host.is_empty() {
            return Err(format!("ssh: Could not resolve hostname {host}: Name or service not known"));
        }
        // One process per run instead of one per host when no file says anything about single hosts.
        let uniform = !host.contains('@') && !host.contains('/') && parser::is_uniform(&self.settings, line);
        if !uniform {
            return self.ask(program, host, line).await;
        }
        let mut config = (*self.ask(program, ANY_HOST, line).await?).clone();
        config.set("host", host);
        config.set("hostname", &host.to_ascii_lowercase());
        Ok(Arc::new(config))
    }

    async fn ask(&self, program: PathBuf, host: &str, line: &[String]) -> Result<Arc<HostConfig>, String> {
        let key = (program.clone(), host.to_string(), line.to_vec());
        let cell = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.entry(key).or_default().clone()
        };
        cell.get_or_init(|| run(&self.settings, program, host, line)).await.clone()
    }

    pub(crate) async fn baseline(&self, program: &str) -> Option<Arc<HostConfig>> {
        let path = self.settings.find_program(program)?;
        let line = ["-F".to_string(), "none".to_string()];
        let ask = async { run(&self.settings, path, ANY_HOST, &line).await.ok() };
        self.baseline.get_or_init(|| ask).await.clone()
    }
}

async fn run(
    settings: &ConnectorSettings,
    program: PathBuf,
    host: &str,
    line: &[String],
) -> Result<Arc<HostConfig>, String> {
    let mut words = vec!["-G".into()];
    words.extend(line.iter().map(Into::into));
    words.push(host.into());
    let launch = Launch { program, arguments: words, directory: None, environment: Vec::new() };
    let running = process::start(settings, launch).map_err(|error| format!("ssh could not be started: {error}"))?;
    let answer = tokio::time::timeout(PATIENCE, process::collect(running, &[], 1 << 20)).await;
    let collected = answer.map_err(|_| "ssh -G did not answer".to_string())?.map_err(|error| error.message())?;
    if collected.code != 0 {
        return Err(String::from_utf8_lossy(&collected.stderr).trim_end().to_string());
    }
    Ok(Arc::new(HostConfig::parse(&String::from_utf8_lossy(&collected.stdout))))
}

/// The configuration file a command line names with `-F`.
pub(crate) fn named_file(line: &[String]) -> Option<&Path> {
    arguments::flags(line).into_iter().find(|flag| flag.letter == 'F').map(|flag| Path::new(flag.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_answers_of_ssh() {
        let config = HostConfig::parse(
            "host A\nuser bob\nhostname a.example\nport 2222\nidentityfile ~/a b\nproxycommand none\n",
        );
        assert_eq!(config.user(), "bob");
        assert_eq!(config.port(), 2222);
        assert_eq!(config.text("identityfile"), "~/a b");
        assert_eq!(config.some("proxycommand"), None);
        assert_eq!(config.key_name(), "[a.example]:2222");
    }

    #[test]
    fn expands_tokens() {
        let environment = [("X".to_string(), "y".to_string())].into();
        let settings = ConnectorSettings::new("/home/me", "me", environment);
        let config = HostConfig::parse("user bob\nhostname a.example\nport 2222\n");
        let check =
            |text: &str, expected: &str| assert_eq!(expand(text, &config, "alias", &settings), expected, "{text}");
        check("~/.ssh/id", "/home/me/.ssh/id");
        check("nc %h %p", "nc a.example 2222");
        check("%r@%n %u %d %%", "bob@alias me /home/me %");
        check("/a/${X}/${NONE}z", "/a/y/z");
    }
}
