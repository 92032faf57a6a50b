//! What the process was started with: the only place that asks the system for it.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

use ftl_core::settings::PathRules;

/// Environment, directories and terminal, asked for once.
pub struct Surroundings {
    /// The program's name as it was called, without its directory.
    pub called: String,
    /// As it was called.
    pub executable: String,
    pub words: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub working_dir: PathBuf,
    /// `~`; the root directory when nothing tells.
    pub home: PathBuf,
    pub user: String,
    pub stdout_tty: bool,
    pub stderr_tty: bool,
    pub columns: Option<u16>,
}

impl Surroundings {
    pub fn ask() -> Surroundings {
        let mut arguments = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        let executable = arguments.next().unwrap_or_default();
        let env: BTreeMap<String, String> = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        let account = Account::own();
        let home = env.get("HOME").filter(|home| !home.is_empty()).cloned().or(account.home);
        let given = |name: &str| env.get(name).filter(|value| !value.is_empty()).cloned();
        let user = account.name.or_else(|| given("LOGNAME")).or_else(|| given("USER"));
        let stdout = std::io::stdout();
        let size = rustix::termios::tcgetwinsize(&stdout).ok().map(|size| size.ws_col).filter(|columns| *columns > 0);
        Surroundings {
            called: executable.rsplit('/').next().unwrap_or_default().to_string(),
            words: arguments.collect(),
            working_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            home: PathBuf::from(home.unwrap_or_else(|| "/".into())),
            user: user.unwrap_or_else(|| "root".into()),
            stdout_tty: stdout.is_terminal(),
            stderr_tty: std::io::stderr().is_terminal(),
            columns: size,
            executable,
            env,
        }
    }

    pub fn variable(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The width of usage and help texts.
    pub fn text_columns(&self) -> usize {
        let given = self.variable("COLUMNS").and_then(|columns| columns.parse().ok());
        given.filter(|columns| *columns > 0).or(self.columns.map(usize::from)).unwrap_or(80)
    }

    /// Calls `use_rules` with the rules for paths here.
    pub fn with_paths<R>(&self, use_rules: impl FnOnce(&PathRules<'_>) -> R) -> R {
        let home = self.home.to_string_lossy();
        let home_of = |user: &str| match user {
            "" => Some(home.to_string()),
            name => Account::named(name).home,
        };
        use_rules(&PathRules { env: &self.env, working_dir: &self.working_dir, home_of: &home_of })
    }

    /// A path of the command line: absolute, links kept.
    pub fn path(&self, text: &str) -> String {
        self.with_paths(|rules| rules.resolve(text, None)).to_string_lossy().into_owned()
    }
}

/// A line of the user database.
#[derive(Default)]
struct Account {
    name: Option<String>,
    home: Option<String>,
}

impl Account {
    fn own() -> Account {
        let id = rustix::process::getuid().as_raw().to_string();
        Account::find(|fields| fields.get(2) == Some(&id.as_str()))
    }

    fn named(name: &str) -> Account {
        Account::find(|fields| fields.first() == Some(&name))
    }

    fn find(wanted: impl Fn(&[&str]) -> bool) -> Account {
        let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        for line in text.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if wanted(&fields) {
                let field = |at: usize| fields.get(at).filter(|text| !text.is_empty()).map(|text| text.to_string());
                return Account { name: field(0), home: field(5) };
            }
        }
        Account::default()
    }
}
