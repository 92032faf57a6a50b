//! Becoming another user: sudo's command line, as ansible-core writes it.

use ftl_core::call::Become;
use ftl_core::result::HostError;
use ftl_gate::converse::Prompt;
use ftl_gate::launch::quote;

/// How to run a command as another user.
pub struct Escalation {
    pub prefix: String,
    pub prompt: Option<Prompt>,
}

/// The become plugins of ansible-core that are not here.
const PLUGINS: [&str; 2] = ["runas", "su"];

const DEFAULT_FLAGS: &str = "-H -S -n";

impl Escalation {
    pub fn new(wanted: &Become) -> Result<Escalation, HostError> {
        if !matches!(wanted.method.as_str(), "sudo" | "ansible.builtin.sudo") {
            let name = &wanted.method;
            return Err(HostError::failed(match PLUGINS.contains(&name.as_str()) || name.contains('.') {
                true => format!("The become method '{name}' is not supported yet."),
                false => format!(
                    "Invalid become method specified, could not find matching plugin: '{name}'. Use `ansible-doc -t become -l` to \
                     list available plugins."
                ),
            }));
        }
        let exe = wanted.exe.as_deref().filter(|exe| !exe.is_empty()).unwrap_or("sudo");
        let mut flags = wanted.flags.clone().unwrap_or_else(|| DEFAULT_FLAGS.into());
        let mut words = vec![exe.to_owned()];
        let mut prompt = None;
        if let Some(password) = &wanted.password {
            flags = interactive(&flags);
            let text = format!("[sudo via ansible, key={}] password:", key());
            words.extend([flags, format!("-p \"{text}\"")]);
            prompt = Some(Prompt { text, password: password.clone() });
        } else {
            words.push(flags);
        }
        if !wanted.user.is_empty() {
            words.push(format!("-u {}", quote(&wanted.user)));
        }
        words.retain(|word| !word.is_empty());
        Ok(Escalation { prefix: words.join(" "), prompt })
    }

    /// `command` must begin with a program, not with shell words.
    pub fn wrap(&self, command: &str) -> String {
        format!("{} {command}", self.prefix)
    }
}

/// The flags without `-n`, which forbids the prompt.
fn interactive(flags: &str) -> String {
    let words = flags.split_whitespace().filter(|word| !matches!(*word, "-n" | "--non-interactive"));
    let short = |word: &str| {
        if word.starts_with('-') && !word.starts_with("--") {
            let mut letters = word.to_owned();
            if let Some(at) = letters.find('n') {
                letters.remove(at);
            }
            letters
        } else {
            word.to_owned()
        }
    };
    words.map(short).collect::<Vec<_>>().join(" ")
}

fn key() -> String {
    let mut seed = ftl_gate::launch::nonce();
    let letter = |_| {
        let letter = char::from(b'a' + (seed % 26) as u8);
        seed /= 26;
        letter
    };
    // 26^26 is less than 2^128: every letter is random.
    (0..26).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ftl_core::call::Secret;

    fn wanted(password: bool, flags: Option<&str>) -> Become {
        Become {
            method: "sudo".into(),
            user: "root".into(),
            password: password.then(|| Secret::new("geheim")),
            exe: None,
            flags: flags.map(str::to_owned),
        }
    }

    #[test]
    fn command_lines() {
        let plain = Escalation::new(&wanted(false, None)).unwrap();
        assert_eq!(plain.wrap("/bin/sh -c x"), "sudo -H -S -n -u root /bin/sh -c x");
        let check = |flags: Option<&str>, expected: &str| {
            let asked = Escalation::new(&wanted(true, flags)).unwrap();
            let prompt = asked.prompt.as_ref().unwrap().text.clone();
            assert_eq!(asked.wrap("x"), format!("sudo {expected}-p \"{prompt}\" -u root x"));
        };
        check(None, "-H -S ");
        check(Some("-HSn -E"), "-HS -E ");
        check(Some("--non-interactive -S"), "-S ");
        check(Some(""), "");
    }

    #[test]
    fn other_methods_are_refused() {
        let error = Escalation::new(&Become { method: "su".into(), ..wanted(false, None) }).err().unwrap();
        assert_eq!(error.message(), "The become method 'su' is not supported yet.");
        let error = Escalation::new(&Become { method: "nosuch".into(), ..wanted(false, None) }).err().unwrap();
        assert!(error.message().starts_with("Invalid become method specified"), "{}", error.message());
    }
}
