//! Reads a command line by a program's table, with the rules and messages of Python's `argparse`.

use std::collections::BTreeMap;

use ftl_core::value::repr_str;

use super::spec::{Action, OptionSpec, Positional, Program};

/// What was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments {
    /// Texts by the option's name; a flag has one empty text for each time it was given.
    values: BTreeMap<&'static str, Vec<String>>,
    /// The options as written, in order.
    pub flags_used: Vec<String>,
    pub positionals: Vec<String>,
}

/// How parsing ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Run(Arguments),
    Help,
    Version(Arguments),
    /// The text after `error: `.
    Error(String),
}

impl Arguments {
    pub fn flag(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub fn count(&self, name: &str) -> usize {
        self.values.get(name).map_or(0, Vec::len)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.last().map(String::as_str)
    }

    pub fn texts(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.trim().parse().ok()
    }

    /// Options that were given, for `-vvvv`.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        self.values.iter().map(|(name, texts)| (*name, texts.as_slice()))
    }

    /// Gives an option a value, as if it had been written.
    pub fn set(&mut self, name: &'static str, text: impl Into<String>) {
        self.values.insert(name, vec![text.into()]);
    }
}

/// What one word of the command line is.
enum Word {
    Positional,
    /// An option, the flag it was written with, and the value after `=`.
    Option(&'static OptionSpec, String, Option<String>),
    Unknown,
}

/// An end of parsing before its time.
enum Stop {
    Help,
    Version,
    Error(String),
}

pub fn parse(program: &Program, words: &[String]) -> Outcome {
    let mut reader = Reader { program, words, arguments: Arguments::default(), extras: vec![], filled: false };
    match reader.read() {
        Ok(()) => Outcome::Run(reader.arguments),
        Err(Stop::Help) => Outcome::Help,
        Err(Stop::Version) => Outcome::Version(reader.arguments),
        Err(Stop::Error(message)) => Outcome::Error(message),
    }
}

struct Reader<'a> {
    program: &'a Program,
    words: &'a [String],
    arguments: Arguments,
    extras: Vec<String>,
    /// The positional arguments have been taken.
    filled: bool,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), Stop> {
        let mut kinds = Vec::new();
        let mut only_positionals = false;
        for word in self.words {
            kinds.push(match word.as_str() {
                _ if only_positionals => Word::Positional,
                "--" => {
                    only_positionals = true;
                    Word::Positional
                }
                _ => self.classify(word)?,
            });
        }
        let mut at = 0;
        while at < self.words.len() {
            match &kinds[at] {
                Word::Positional => {
                    let end = (at..kinds.len()).find(|i| !matches!(kinds[*i], Word::Positional)).unwrap_or(kinds.len());
                    self.positionals(at, end);
                    at = end;
                }
                Word::Unknown => {
                    self.extras.push(self.words[at].clone());
                    at += 1;
                }
                Word::Option(option, flag, value) => {
                    let next_is_value = matches!(kinds.get(at + 1), Some(Word::Positional));
                    let next = self.words.get(at + 1).filter(|word| next_is_value && *word != "--").cloned();
                    at += self.option(option, flag.clone(), value.clone(), next)?;
                }
            }
        }
        self.missing()?;
        match self.extras.is_empty() {
            true => Ok(()),
            false => Err(Stop::Error(format!("unrecognized arguments: {}", self.extras.join(" ")))),
        }
    }

    fn classify(&self, word: &str) -> Result<Word, Stop> {
        if !word.starts_with('-') || word.len() == 1 {
            return Ok(Word::Positional);
        }
        if let Some(option) = self.program.find(word) {
            return Ok(Word::Option(option, word.to_string(), None));
        }
        let attached = word.split_once('=');
        if let Some((option, flag, value)) = attached.and_then(|(flag, v)| Some((self.program.find(flag)?, flag, v))) {
            return Ok(Word::Option(option, flag.to_string(), Some(value.to_string())));
        }
        let candidates = self.candidates(word);
        match candidates.as_slice() {
            [] => {}
            [(option, flag, value)] => return Ok(Word::Option(option, flag.to_string(), value.clone())),
            many => {
                let flags: Vec<&str> = many.iter().map(|(_, flag, _)| *flag).collect();
                return Err(Stop::Error(format!("ambiguous option: {word} could match {}", flags.join(", "))));
            }
        }
        if word[1..].trim().parse::<f64>().is_ok() || word.contains(' ') {
            return Ok(Word::Positional);
        }
        Ok(Word::Unknown)
    }

    /// The options `word` may be short for: long ones that begin so, or a short one with its value attached.
    fn candidates(&self, word: &str) -> Vec<(&'static OptionSpec, &'static str, Option<String>)> {
        let mut found = Vec::new();
        if word.starts_with("--") {
            let (prefix, value) = match word.split_once('=') {
                Some((prefix, value)) => (prefix, Some(value.to_string())),
                None => (word, None),
            };
            for option in self.program.options() {
                let flags = option.flags().filter(|flag| flag.starts_with(prefix));
                found.extend(flags.map(|flag| (option, flag, value.clone())));
            }
            return found;
        }
        let short: String = word.chars().take(2).collect();
        for option in self.program.options() {
            for flag in option.flags() {
                if flag == short {
                    found.push((option, flag, Some(word[short.len()..].to_string())));
                } else if flag.starts_with(word) {
                    found.push((option, flag, None));
                }
            }
        }
        found
    }

    /// Takes an option; answers how many words it was.
    fn option(
        &mut self,
        option: &'static OptionSpec,
        flag: String,
        value: Option<String>,
        next: Option<String>,
    ) -> Result<usize, Stop> {
        if option.action.takes_value() {
            let (text, words) = match (value, next) {
                (Some(text), _) => (text, 1),
                (None, Some(text)) => (text, 2),
                (None, None) => return Err(self.wrong(option, "expected one argument")),
            };
            self.take(option, flag, text)?;
            return Ok(words);
        }
        let Some(rest) = value else {
            self.take(option, flag, String::new())?;
            return Ok(1);
        };
        // `-vCD`: what follows a flag without value are further short options.
        let ignored = || self.wrong(option, &format!("ignored explicit argument {}", repr_str(&rest)));
        let mut letters = rest.chars();
        let letter = letters.next().filter(|_| !flag.starts_with("--"));
        let Some(following) = letter.and_then(|letter| self.program.find(&format!("-{letter}"))) else {
            return Err(ignored());
        };
        let tail = letters.as_str();
        self.take(option, flag, String::new())?;
        let flag = format!("-{}", &rest[..rest.len() - tail.len()]);
        let attached = match tail.strip_prefix('=') {
            Some(value) if following.action.takes_value() => Some(value.to_string()),
            _ => (!tail.is_empty()).then(|| tail.to_string()),
        };
        self.option(following, flag, attached, next)
    }

    fn take(&mut self, option: &'static OptionSpec, flag: String, text: String) -> Result<(), Stop> {
        match option.action {
            Action::Help => return Err(Stop::Help),
            Action::Version => return Err(Stop::Version),
            Action::Number if text.trim().parse::<i64>().is_err() => {
                return Err(self.wrong(option, &format!("invalid tag_value value: {}", repr_str(&text))));
            }
            _ => {}
        }
        let rival = self.program.options().find(|other| {
            option.exclusive != 0
                && other.exclusive == option.exclusive
                && other.name != option.name
                && self.arguments.flag(other.name)
        });
        if let Some(rival) = rival {
            return Err(self.wrong(option, &format!("not allowed with argument {}", rival.title())));
        }
        self.arguments.flags_used.push(flag);
        self.arguments.values.entry(option.name).or_default().push(text);
        Ok(())
    }

    fn wrong(&self, option: &OptionSpec, what: &str) -> Stop {
        Stop::Error(format!("argument {}: {what}", option.title()))
    }

    /// Words between options go to the positional arguments once; those of later places are too many.
    fn positionals(&mut self, start: usize, end: usize) {
        let mut words: Vec<String> = self.words[start..end].to_vec();
        if let Some(dashes) = words.iter().position(|word| word == "--") {
            words.remove(dashes);
        }
        let room = match self.program.positional {
            _ if self.filled => 0,
            Positional::None => 0,
            Positional::One(..) | Positional::Maybe(..) => 1,
            Positional::Several(..) => usize::MAX,
        };
        let taken = words.len().min(room);
        self.filled |= taken > 0;
        self.extras.extend(words.split_off(taken));
        self.arguments.positionals.extend(words);
    }

    fn missing(&self) -> Result<(), Stop> {
        match self.program.positional {
            Positional::One(name, _) | Positional::Several(name, _) if !self.filled => {
                Err(Stop::Error(format!("the following arguments are required: {name}")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ADHOC, INVENTORY, PLAYBOOK};
    use super::*;

    fn shown(program: &Program, line: &str) -> String {
        let words: Vec<String> = line.split('|').filter(|w| !w.is_empty()).map(String::from).collect();
        match parse(program, &words) {
            Outcome::Help => "help".into(),
            Outcome::Version(_) => "version".into(),
            Outcome::Error(message) => message,
            Outcome::Run(arguments) => {
                let mut parts: Vec<String> =
                    arguments.given().map(|(name, texts)| format!("{name}={}", texts.join("+"))).collect();
                parts.push(arguments.positionals.join(" "));
                parts.join(" ")
            }
        }
    }

    /// Answers recorded from ansible-playbook 2.19.14.
    #[test]
    fn playbook_lines() {
        let check = |line: &str, expected: &str| assert_eq!(shown(&PLAYBOOK, line), expected, "{line}");
        check("a.yml", "a.yml");
        check("a.yml|b.yml|-i|x|-ia,b|--inventory=c", "inventory=x+a,b+c a.yml b.yml");
        check("-vvv|a.yml", "verbosity=++ a.yml");
        check("-vCD|a.yml", "check= diff= verbosity= a.yml");
        check("-vCi|x|a.yml", "check= inventory=x verbosity= a.yml");
        check("-vCix|a.yml", "check= inventory=x verbosity= a.yml");
        check("--inv|x|a.yml", "ambiguous option: --inv could match --inventory, --inventory-file");
        check("--limi|x|a.yml", "subset=x a.yml");
        check("-e|a=1|-e={\"b\": 2}|a.yml", "extra_vars=a=1+{\"b\": 2} a.yml");
        check("-e|-1|a.yml", "extra_vars=-1 a.yml");
        check("--|-a.yml", "-a.yml");
        check("", "the following arguments are required: playbook");
        check("-i|x", "the following arguments are required: playbook");
        check("a.yml|-i|x|b.yml", "unrecognized arguments: b.yml");
        check("--nope|a.yml", "unrecognized arguments: --nope");
        check("-e", "argument -e/--extra-vars: expected one argument");
        check("-i", "argument -i/--inventory/--inventory-file: expected one argument");
        check("-i|-C|a.yml", "argument -i/--inventory/--inventory-file: expected one argument");
        check("--li|a.yml", "ambiguous option: --li could match --list-hosts, --limit, --list-tasks, --list-tags");
        check("--check=3|a.yml", "argument -C/--check: ignored explicit argument '3'");
        check(
            "-k|--conn-pass-file|x|a.yml",
            "argument --connection-password-file/--conn-pass-file: not allowed with argument -k/--ask-pass",
        );
        check("--version", "version");
        check("-h", "help");
    }

    #[test]
    fn other_lines() {
        let adhoc = |line: &str, expected: &str| assert_eq!(shown(&ADHOC, line), expected, "{line}");
        adhoc("all|-m|ping", "module_name=ping all");
        adhoc("all|b", "unrecognized arguments: b");
        adhoc("all|-a|-c x", "argument -a/--args: expected one argument");
        adhoc("-i|h|all|-mshell|-a|x=1 y", "inventory=h module_args=x=1 y module_name=shell all");
        adhoc("all|-B|ten", "argument -B/--background: invalid tag_value value: 'ten'");
        let inventory = |line: &str, expected: &str| assert_eq!(shown(&INVENTORY, line), expected, "{line}");
        inventory("--list", "list= ");
        inventory("--graph|web|--vars", "graph= show_vars= web");
        inventory("--list-hosts", "unrecognized arguments: --list-hosts");
    }
}
