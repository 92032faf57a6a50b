//! What a connector must know of the outside world: it never looks at the environment itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Everything a connector takes from its surroundings.
#[derive(Clone, Debug)]
pub struct ConnectorSettings {
    /// The home directory: `~` in options, and `~/.ssh`.
    pub home: PathBuf,
    /// The login name of the user who runs FTL.
    pub user: String,
    /// The environment: local programs get it, and `SSH_AUTH_SOCK`, `PATH`, `SHELL`, `LANG` and `LC_*` are read from it.
    pub environment: BTreeMap<String, String>,
    /// Where a private directory may be made when the `ssh` program needs one.
    pub temporary: PathBuf,
    /// How many connections to one address may be in the making at once.
    pub window: usize,
    /// How many key exchanges may run at once, over all hosts.
    pub handshakes: usize,
    /// How long a silent host is left alone before it is asked for a sign of life; after three such times it is dead.
    pub keepalive: Duration,
}

impl ConnectorSettings {
    pub fn new(
        home: impl Into<PathBuf>,
        user: impl Into<String>,
        environment: BTreeMap<String, String>,
    ) -> ConnectorSettings {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        ConnectorSettings {
            home: home.into(),
            user: user.into(),
            environment,
            temporary: PathBuf::from("/tmp"),
            window: 50,
            handshakes: cores * 4,
            keepalive: Duration::from_secs(15),
        }
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A path as a user writes it: `~` is the home directory.
    pub(crate) fn expand_home(&self, path: &str) -> PathBuf {
        match path.strip_prefix('~') {
            Some("") => self.home.clone(),
            Some(rest) if rest.starts_with('/') => self.home.join(rest.trim_start_matches('/')),
            _ => PathBuf::from(path),
        }
    }

    /// The first program of that name on the search path.
    pub(crate) fn find_program(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            let path = PathBuf::from(name);
            return path.is_file().then_some(path);
        }
        let search = self.variable("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        search.split(':').map(|directory| PathBuf::from(directory).join(name)).find(|path| path.is_file())
    }
}
