//! `ansible.cfg` as Python's `configparser` reads it.

use std::collections::BTreeMap;

use crate::value::repr_str;

/// Sections with their keys (in lower case) and values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ini {
    sections: BTreeMap<String, BTreeMap<String, String>>,
}

/// The section whose values every other section has too.
const DEFAULT: &str = "DEFAULT";

struct Reader {
    ini: Ini,
    section: Option<String>,
    /// The key being read, its lines so far, and how far it was indented.
    open: Option<(String, Vec<String>)>,
    indent: usize,
    errors: Vec<String>,
}

impl Ini {
    /// The error is `configparser`'s.
    pub fn parse(text: &str) -> Result<Ini, String> {
        let mut reader = Reader { ini: Ini::default(), section: None, open: None, indent: 0, errors: vec![] };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines: Vec<&str> = text.split('\n').collect();
        if lines.last() == Some(&"") {
            lines.pop();
        }
        for (index, line) in lines.iter().enumerate() {
            reader.line(line.trim_end_matches('\r'), index + 1)?;
        }
        reader.close();
        match reader.errors.is_empty() {
            true => Ok(reader.ini),
            false => Err(format!("Source contains parsing errors: '<string>'{}", reader.errors.concat())),
        }
    }

    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        let own = self.sections.get(section)?;
        own.get(key).or_else(|| self.sections.get(DEFAULT)?.get(key)).map(String::as_str)
    }
}

impl Reader {
    fn line(&mut self, line: &str, number: usize) -> Result<(), String> {
        let value = without_comment(line).trim();
        if value.is_empty() {
            // A comment leaves the value that is open alone; an empty line is part of it.
            if let Some((_, lines)) = self.open.as_mut().filter(|_| line.trim().is_empty()) {
                lines.push(String::new());
            }
            return Ok(());
        }
        let indent = line.len() - line.trim_start().len();
        if let Some((_, lines)) = self.open.as_mut().filter(|_| indent > self.indent) {
            lines.push(value.to_string());
            return Ok(());
        }
        self.indent = indent;
        let header = value.strip_prefix('[').and_then(|rest| rest.rfind(']').map(|end| &rest[..end]));
        if let Some(name) = header.filter(|name| !name.is_empty()) {
            return self.section(name, number);
        }
        let Some(section) = self.section.clone() else {
            let shown = repr_str(&format!("{line}\n"));
            return Err(format!("File contains no section headers.\nfile: '<string>', line: {number}\n{shown}"));
        };
        self.option(&section, value, line, number)
    }

    fn section(&mut self, name: &str, number: usize) -> Result<(), String> {
        self.close();
        if name != DEFAULT && self.ini.sections.contains_key(name) {
            let shown = repr_str(name);
            return Err(format!("While reading from '<string>' [line {number:2}]: section {shown} already exists"));
        }
        self.ini.sections.entry(name.to_string()).or_default();
        self.section = Some(name.to_string());
        Ok(())
    }

    fn option(&mut self, section: &str, value: &str, line: &str, number: usize) -> Result<(), String> {
        self.close();
        let Some((key, text)) = value.split_once(['=', ':']).filter(|(key, _)| !key.trim().is_empty()) else {
            self.errors.push(format!("\n\t[line {number:2}]: {}", repr_str(&format!("{line}\n"))));
            return Ok(());
        };
        let key = key.trim().to_lowercase();
        let options = self.ini.sections.entry(section.to_string()).or_default();
        if options.contains_key(&key) {
            return Err(format!(
                "While reading from '<string>' [line {number:2}]: option {} in section {} already exists",
                repr_str(&key),
                repr_str(section)
            ));
        }
        options.insert(key.clone(), String::new());
        self.open = Some((key, vec![text.trim().to_string()]));
        Ok(())
    }

    fn close(&mut self) {
        let (Some(section), Some((key, lines))) = (&self.section, self.open.take()) else { return };
        let text = lines.join("\n").trim_end().to_string();
        self.ini.sections.entry(section.clone()).or_default().insert(key, text);
    }
}

/// Lines that begin with `#` or `;` say nothing, and what follows ` ;` says nothing.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with(['#', ';']) {
        return "";
    }
    let mut from = 0;
    while let Some(at) = line[from..].find(';').map(|at| at + from) {
        if at == 0 || line[..at].ends_with(char::is_whitespace) {
            return &line[..at];
        }
        from = at + 1;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_python_reads_them() {
        let check = |text: &str, section: &str, key: &str, expected: Option<&str>| {
            assert_eq!(Ini::parse(text).unwrap().get(section, key), expected, "{text:?}");
        };
        check("[defaults]\nforks = 5\n", "defaults", "forks", Some("5"));
        check("[defaults]\nForks:5", "defaults", "forks", Some("5"));
        check("[defaults]\nforks = 5 ; five\n", "defaults", "forks", Some("5"));
        check("[defaults]\nforks = 5;five\n", "defaults", "forks", Some("5;five"));
        check("[defaults]\nforks = 5 # five\n", "defaults", "forks", Some("5 # five"));
        check("[defaults]\n# x\n;y\ninventory = a,\n  b,\n  c\nforks=1", "defaults", "inventory", Some("a,\nb,\nc"));
        check("[defaults]\ninventory = a,\n\n  b\n", "defaults", "inventory", Some("a,\n\nb"));
        check("[defaults]\nroles_path =\n  a\n", "defaults", "roles_path", Some("\na"));
        check("[defaults]\nempty =\n", "defaults", "empty", Some(""));
        check("[DEFAULT]\nforks=7\n[defaults]\n", "defaults", "forks", Some("7"));
        check("[DEFAULT]\nforks=7\n", "defaults", "forks", None);
        check("[defaults]\n\n[ssh_connection]\nargs = -o A=b\n", "ssh_connection", "args", Some("-o A=b"));
    }

    #[test]
    fn mistakes_are_told_as_python_tells_them() {
        let check = |text: &str, expected: &str| assert_eq!(Ini::parse(text).unwrap_err(), expected, "{text:?}");
        check("forks=3\n", "File contains no section headers.\nfile: '<string>', line: 1\n'forks=3\\n'");
        check(
            "[defaults]\nforks=3\nforks=4\n",
            "While reading from '<string>' [line  3]: option 'forks' in section 'defaults' already exists",
        );
        check("[a]\n[a]\n", "While reading from '<string>' [line  2]: section 'a' already exists");
        check("[a]\nfoo\n", "Source contains parsing errors: '<string>'\n\t[line  2]: 'foo\\n'");
    }
}
