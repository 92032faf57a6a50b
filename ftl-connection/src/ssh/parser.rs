//! A reader of OpenSSH client configuration files, for machines without the `ssh` program.

use std::path::{Path, PathBuf};

use super::arguments::{BARE, flags, split};
use super::config::{HostConfig, named_file};
use crate::settings::ConnectorSettings;

/// Options of which all values count.
const MULTIPLE: &[&str] =
    &["identityfile", "certificatefile", "sendenv", "setenv", "localforward", "remoteforward", "dynamicforward"];
const DEPTH: usize = 16;

/// Defaults that matter, as `ssh -G` would print them.
const DEFAULTS: &[(&str, &str)] = &[
    ("port", "22"),
    ("addressfamily", "any"),
    ("stricthostkeychecking", "ask"),
    ("passwordauthentication", "yes"),
    ("kbdinteractiveauthentication", "yes"),
    ("pubkeyauthentication", "true"),
    ("identitiesonly", "no"),
    ("hashknownhosts", "no"),
    ("forwardagent", "no"),
    ("numberofpasswordprompts", "3"),
    ("globalknownhostsfile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"),
];
const DEFAULT_KEYS: &[&str] = &["id_rsa", "id_ecdsa", "id_ed25519"];

/// The effective configuration of a host, as far as this reader knows the language.
pub(crate) fn resolve(settings: &ConnectorSettings, host: &str, line: &[String]) -> Result<HostConfig, String> {
    let mut reader = Reader { settings, host, values: Vec::new() };
    reader.read_command_line(line)?;
    match named_file(line) {
        Some(path) if path == Path::new("none") => {}
        Some(path) => reader.read_file(path, 0, true)?,
        None => {
            reader.read_file(&settings.home.join(".ssh/config"), 0, false)?;
            reader.read_file(Path::new("/etc/ssh/ssh_config"), 0, false)?;
        }
    }
    reader.finish()
}

/// Do all configuration files say the same for every host? Then one answer serves all.
pub(crate) fn is_uniform(settings: &ConnectorSettings, line: &[String]) -> bool {
    // Tokens and jumps on the command line may depend on the host's name as well.
    let depends = |text: &str| ["%h", "%n", "%k", "%C"].iter().any(|token| text.contains(token));
    let renames = |text: &str| text.to_ascii_lowercase().trim_start().starts_with("hostname");
    let canonical = |text: &str| text.to_ascii_lowercase().contains("canonicalizehostname");
    let bad_flag = flags(line).iter().any(|flag| {
        flag.letter == 'o'
            && (depends_unless_proxy(flag.value, depends) || renames(flag.value) || canonical(flag.value))
    });
    if bad_flag {
        return false;
    }
    let files = match named_file(line) {
        Some(path) if path == Path::new("none") => Vec::new(),
        Some(path) => vec![path.to_path_buf()],
        None => vec![settings.home.join(".ssh/config"), PathBuf::from("/etc/ssh/ssh_config")],
    };
    files.iter().all(|file| file_is_uniform(settings, file, 0, &depends))
}

/// A proxy command is expanded by FTL itself, so its tokens do no harm.
fn depends_unless_proxy(text: &str, depends: impl Fn(&str) -> bool) -> bool {
    depends(text) && !text.to_ascii_lowercase().trim_start().starts_with("proxycommand")
}

fn file_is_uniform(settings: &ConnectorSettings, path: &Path, depth: usize, depends: &dyn Fn(&str) -> bool) -> bool {
    let Ok(text) = std::fs::read_to_string(path) else {
        return !path.exists();
    };
    depth < DEPTH
        && text.lines().filter_map(directive).all(|(name, value)| match name.as_str() {
            "host" => value.trim() == "*",
            "match" | "hostname" | "canonicalizehostname" => false,
            "include" => {
                included(settings, path, &value).iter().all(|file| file_is_uniform(settings, file, depth + 1, depends))
            }
            "proxycommand" => true,
            _ => !depends(&value),
        })
}

/// A line's option name in lower case and its value; none for blank lines and comments.
fn directive(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim();
    Some((name.to_ascii_lowercase(), rest.to_string()))
}

/// The files an `Include` names, in order: the last part of a path may have wildcards.
fn included(settings: &ConnectorSettings, from: &Path, value: &str) -> Vec<PathBuf> {
    let base = if from.starts_with(&settings.home) { settings.home.join(".ssh") } else { PathBuf::from("/etc/ssh") };
    let mut files = Vec::new();
    for word in split(value).unwrap_or_default() {
        let path = base.join(settings.expand_home(&word));
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_string();
        if !name.contains(['*', '?']) {
            files.push(path);
            continue;
        }
        let Some(directory) = path.parent() else { continue };
        let mut found: Vec<PathBuf> =
            std::fs::read_dir(directory).into_iter().flatten().flatten().map(|e| e.path()).collect();
        found.retain(|file| file.file_name().and_then(|n| n.to_str()).is_some_and(|n| wildcard(&name, n)));
        found.sort();
        files.extend(found);
    }
    files
}

/// Does a name match a pattern of `*` and `?`?
pub(crate) fn wildcard(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(letter) if *letter == b'?' || name.get(seen) == Some(letter) => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((back, taken)) => {
                    star = Some((back, taken + 1));
                    at = back + 1;
                    seen = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|letter| *letter == b'*')
}

/// Does a name match a list of patterns, none of them negated for it?
pub(crate) fn pattern_list<'a>(patterns: impl Iterator<Item = &'a str>, name: &str) -> bool {
    let mut matched = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if wildcard(&negated.to_ascii_lowercase(), name) => return false,
            Some(_) => {}
            None => matched |= wildcard(&pattern.to_ascii_lowercase(), name),
        }
    }
    matched
}

struct Reader<'a> {
    settings: &'a ConnectorSettings,
    host: &'a str,
    values: Vec<(String, String)>,
}

impl Reader<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn take(&mut self, name: &str, value: &str) {
        let name = match name {
            "challengeresponseauthentication" | "skeyauthentication" => "kbdinteractiveauthentication",
            "dsaauthentication" => return,
            other => other,
        };
        if MULTIPLE.contains(&name) || self.get(name).is_none() {
            self.values.push((name.into(), unquoted(value)));
        }
    }

    fn read_command_line(&mut self, line: &[String]) -> Result<(), String> {
        for flag in flags(line) {
            match flag.letter {
                'o' => match directive(flag.value) {
                    Some((name, value)) => self.take(&name, &value),
                    None => return Err("command-line: line 0: Bad configuration option".into()),
                },
                BARE => {
                    return Err(format!("ssh: Could not resolve hostname {}: Name or service not known", flag.value));
                }
                'p' => self.take("port", flag.value),
                'l' => self.take("user", flag.value),
                'i' => self.take("identityfile", flag.value),
                'J' => self.take("proxyjump", flag.value),
                'A' => self.take("forwardagent", "yes"),
                'a' => self.take("forwardagent", "no"),
                'b' => self.take("bindaddress", flag.value),
                '4' => self.take("addressfamily", "inet"),
                '6' => self.take("addressfamily", "inet6"),
                'c' => self.take("ciphers", flag.value),
                'm' => self.take("macs", flag.value),
                'C' => self.take("compression", "yes"),
                'q' | 'v' | 't' | 'T' | 'x' | 'F' | 'S' | 'M' | 'k' | 'e' | 'g' => {}
                other => return Err(format!("the option -{other} needs the ssh program, which was not found")),
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path, depth: usize, wanted: bool) -> Result<(), String> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(_) if wanted => {
                return Err(format!("Can't open user config file {}: No such file or directory", path.display()));
            }
            Err(_) => return Ok(()),
        };
        if depth >= DEPTH {
            return Err("Too many recursive configuration includes".into());
        }
        let mut active = true;
        for (number, line) in text.lines().enumerate() {
            let Some((name, value)) = directive(line) else { continue };
            match name.as_str() {
                "host" => {
                    let words = split(&value).unwrap_or_default();
                    active = pattern_list(words.iter().map(String::as_str), &self.host.to_ascii_lowercase());
                }
                "match" => {
                    active = self
                        .matches(&value)
                        .map_err(|problem| format!("{} line {}: {problem}", path.display(), number + 1))?;
                }
                "include" if active => {
                    for file in included(self.settings, path, &value) {
                        self.read_file(&file, depth + 1, false)?;
                    }
                }
                _ if active => self.take(&name, &value),
                _ => {}
            }
        }
        Ok(())
    }

    fn matches(&self, value: &str) -> Result<bool, String> {
        let words = split(value).map_err(ToString::to_string)?;
        let mut words = words.iter();
        let mut all = true;
        while let Some(word) = words.next() {
            let (negated, criterion) = match word.strip_prefix('!') {
                Some(rest) => (true, rest.to_ascii_lowercase()),
                None => (false, word.to_ascii_lowercase()),
            };
            let matched = match criterion.as_str() {
                "all" => true,
                "canonical" | "final" => false,
                _ => {
                    let patterns = words.next().ok_or_else(|| format!("missing argument for {criterion}"))?;
                    let subject = match criterion.as_str() {
                        "host" => self.get("hostname").unwrap_or(self.host).to_string(),
                        "originalhost" => self.host.to_string(),
                        "user" => self.get("user").unwrap_or(&self.settings.user).to_string(),
                        "localuser" => self.settings.user.clone(),
                        other => return Err(format!("Match {other} needs the ssh program, which was not found")),
                    };
                    pattern_list(patterns.split(','), &subject.to_ascii_lowercase())
                }
            };
            all &= matched != negated;
        }
        Ok(all)
    }

    fn finish(mut self) -> Result<HostConfig, String> {
        let hostname = self.get("hostname").unwrap_or("%h").replace("%h", self.host).to_ascii_lowercase();
        self.values.retain(|(name, _)| name != "hostname");
        self.values.push(("hostname".into(), hostname));
        let host = self.host;
        self.take("host", host);
        let user = self.settings.user.clone();
        self.take("user", &user);
        for (name, value) in DEFAULTS {
            self.take(name, value);
        }
        let home = self.settings.home.display().to_string();
        self.take("userknownhostsfile", &format!("{home}/.ssh/known_hosts {home}/.ssh/known_hosts2"));
        if self.get("identityfile").is_none() {
            for name in DEFAULT_KEYS {
                self.values.push(("identityfile".into(), format!("~/.ssh/{name}")));
            }
        }
        Ok(HostConfig { values: self.values })
    }
}

/// A value without the quotes around it.
fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inner.unwrap_or(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_wildcards() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(wildcard(pattern, name), expected, "{pattern} {name}")
        };
        check("*", "", true);
        check("a*c", "abbc", true);
        check("a*c", "abbd", false);
        check("10.0.?.1", "10.0.9.1", true);
        check("*.example.org", "a.b.example.org", true);
        check("a?", "a", false);
        let list = |text: &str, name: &str, expected: bool| {
            assert_eq!(pattern_list(text.split(' '), name), expected, "{text} {name}");
        };
        list("*.org !x.org", "x.org", false);
        list("*.org !x.org", "y.org", true);
        list("!x.org", "y.org", false);
    }

    #[test]
    fn resolves_without_the_program() {
        let home = std::env::temp_dir().join(format!("ftl-parser-{}", std::process::id()));
        std::fs::create_dir_all(home.join(".ssh/conf.d")).unwrap();
        let text = "Host web*\n  HostName %h.example.org\n  User=deploy\n  IdentityFile \"~/a b\"\nMatch user deploy host *.org\n  Port 2200\n\
                    Include conf.d/*.conf\nHost *\n  User other\n";
        std::fs::write(home.join(".ssh/config"), text).unwrap();
        std::fs::write(home.join(".ssh/conf.d/x.conf"), "ProxyJump gate\n").unwrap();
        let settings = ConnectorSettings::new(&home, "me", Default::default());
        let line: Vec<String> = ["-o", "ConnectTimeout=7", "-A"].map(String::from).to_vec();
        let config = resolve(&settings, "Web1", &line).unwrap();
        let check = |name: &str, expected: &str| assert_eq!(config.text(name), expected, "{name}");
        check("hostname", "web1.example.org");
        check("user", "deploy");
        check("port", "2200");
        check("identityfile", "~/a b");
        check("proxyjump", "gate");
        check("connecttimeout", "7");
        check("forwardagent", "yes");
        check("stricthostkeychecking", "ask");
        let other = resolve(&settings, "db", &[]).unwrap();
        assert_eq!((other.user(), other.port(), other.text("identityfile")), ("other", 22, "~/.ssh/id_rsa"));
        assert!(!is_uniform(&settings, &[]));
        std::fs::write(home.join(".ssh/config"), "Host *\n  User other\n").unwrap();
        assert!(is_uniform(&settings, &[]));
        assert!(!is_uniform(&settings, &["-o".into(), "IdentityFile=/keys/%h".into()]));
        std::fs::remove_dir_all(&home).unwrap();
    }
}
