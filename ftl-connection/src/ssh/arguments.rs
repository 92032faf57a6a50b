//! The command line that Ansible would give to `ssh`: it decides the effective configuration.

use ftl_core::call::ConnectionOptions;

use crate::settings::ConnectorSettings;

/// Options for the `ssh` program in Ansible's order: the first value of an option wins.
pub(crate) fn command_line(options: &ConnectionOptions, settings: &ConnectorSettings) -> Result<Vec<String>, String> {
    let mut line = Vec::new();
    let option = |line: &mut Vec<String>, text: String| line.extend(["-o".to_string(), text]);
    line.extend(words("ssh_args", options.ssh_args.as_deref())?);
    if !options.host_key_checking {
        option(&mut line, "StrictHostKeyChecking=no".into());
    }
    if let Some(port) = options.port {
        option(&mut line, format!("Port={port}"));
    }
    if let Some(key) = &options.private_key_file {
        option(&mut line, format!("IdentityFile=\"{}\"", settings.expand_home(key).display()));
    }
    if options.password.is_none() {
        option(&mut line, "KbdInteractiveAuthentication=no".into());
        option(&mut line, "PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey".into());
        option(&mut line, "PasswordAuthentication=no".into());
    }
    if let Some(user) = &options.user {
        option(&mut line, format!("User=\"{user}\""));
    }
    if options.timeout > 0 {
        option(&mut line, format!("ConnectTimeout={}", options.timeout));
    }
    line.extend(words("ssh_common_args", options.ssh_common_args.as_deref())?);
    line.extend(words("ssh_extra_args", options.ssh_extra_args.as_deref())?);
    Ok(line)
}

fn words(name: &str, text: Option<&str>) -> Result<Vec<String>, String> {
    split(text.unwrap_or_default()).map_err(|problem| format!("{name}: {problem}"))
}

/// Splits a string into words as a POSIX shell would, without expanding anything.
pub(crate) fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(letters.next().ok_or("No escaped character")?),
            '\'' => loop {
                match letters.next().ok_or("No closing quotation")? {
                    '\'' => {
                        word.get_or_insert_default();
                        break;
                    }
                    inner => word.get_or_insert_default().push(inner),
                }
            },
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next().ok_or("No closing quotation")? {
                        '"' => break,
                        '\\' => match letters.next().ok_or("No closing quotation")? {
                            special @ ('"' | '\\') => word.push(special),
                            other => word.extend(['\\', other]),
                        },
                        inner => word.push(inner),
                    }
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Flags of `ssh` that take a value, in the same word or the next.
const WITH_VALUE: &str = "BbcDEeFIiJLlmOopPQRSWw";

/// A flag of a command line, with its value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flag<'a> {
    pub(crate) letter: char,
    pub(crate) value: &'a str,
}

/// Stands for the letter of a word that is no flag.
pub(crate) const BARE: char = ' ';

/// The flags of a command line in order.
pub(crate) fn flags(line: &[String]) -> Vec<Flag<'_>> {
    let mut flags = Vec::new();
    let mut words = line.iter();
    while let Some(word) = words.next() {
        let Some(cluster) = word.strip_prefix('-') else {
            flags.push(Flag { letter: BARE, value: word });
            continue;
        };
        let mut rest = cluster;
        while let Some(letter) = rest.chars().next() {
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            if WITH_VALUE.contains(letter) {
                let value = if rest.is_empty() { words.next().map_or("", String::as_str) } else { rest };
                flags.push(Flag { letter, value });
                break;
            }
            flags.push(Flag { letter, value: "" });
        }
    }
    flags
}

/// A word quoted for a POSIX shell.
pub(crate) fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./-_".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_like_a_shell() {
        let check = |text: &str, expected: Result<&[&str], &str>| {
            let expected = expected.map(|words| words.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(split(text), expected, "{text}");
        };
        check("", Ok(&[]));
        check("-C  -o ControlMaster=auto", Ok(&["-C", "-o", "ControlMaster=auto"]));
        check(r#"-o 'ProxyCommand=ssh -W %h:%p "a b"'"#, Ok(&["-o", r#"ProxyCommand=ssh -W %h:%p "a b""#]));
        check(r#""a\"b\c" '' x\ y"#, Ok(&[r#"a"b\c"#, "", "x y"]));
        check("'a", Err("No closing quotation"));
        check("a\\", Err("No escaped character"));
    }

    #[test]
    fn finds_flags() {
        let line: Vec<String> = ["-tAo", "Port=1", "-J", "a,b", "-p22", "word"].map(String::from).to_vec();
        let found: Vec<_> = flags(&line).iter().map(|flag| (flag.letter, flag.value.to_string())).collect();
        let expected = [('t', ""), ('A', ""), ('o', "Port=1"), ('J', "a,b"), ('p', "22"), (BARE, "word")];
        assert_eq!(found, expected.map(|(letter, value)| (letter, value.to_string())));
    }

    #[test]
    fn quotes_words() {
        let check = |word: &str, expected: &str| assert_eq!(quote(word), expected);
        check("plain-1.x", "plain-1.x");
        check("", "''");
        check("a b", "'a b'");
        check("it's", r#"'it'"'"'s'"#);
    }

    #[test]
    fn keeps_ansible_order() {
        let options = ConnectionOptions {
            ssh_args: Some("-o A=1".into()),
            port: Some(2222),
            private_key_file: Some("~/k".into()),
            user: Some("bob".into()),
            timeout: 10,
            ssh_extra_args: Some("-v".into()),
            host_key_checking: true,
            ..Default::default()
        };
        let settings = ConnectorSettings::new("/home/me", "me", Default::default());
        let line = command_line(&options, &settings).unwrap().join(" ");
        assert_eq!(
            line,
            "-o A=1 -o Port=2222 -o IdentityFile=\"/home/me/k\" -o KbdInteractiveAuthentication=no \
             -o PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey \
             -o PasswordAuthentication=no -o User=\"bob\" -o ConnectTimeout=10 -v"
        );
    }
}
