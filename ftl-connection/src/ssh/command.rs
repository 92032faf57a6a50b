//! Command lines for the far end, and how to end what they started.

use ftl_core::call::ExecRequest;
use rand::RngExt as _;

use super::arguments::quote;

/// The line for the login shell.
pub(crate) fn shell_command(request: &ExecRequest) -> String {
    let mut line = String::new();
    for (name, value) in &request.environment {
        line.push_str(&format!("{name}={} ", quote(value)));
    }
    match &request.executable {
        Some(shell) => line.push_str(&format!("{shell} -c {}", quote(&request.command))),
        None => line.push_str(&request.command),
    }
    line
}

/// Lets a command tell its process number, so that it can be ended when its time is over.
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn new() -> Mark {
        Mark(format!("ftl-{:032x}", rand::rng().random::<u128>()))
    }

    /// The command in the login shell, after a line on stderr that says who runs it.
    pub(crate) fn marked(&self, line: &str) -> String {
        let script = format!("echo {} $$ >&2; exec \"${{SHELL:-/bin/sh}}\" -c {}", self.0, quote(line));
        format!("sh -c {}", quote(&script))
    }

    /// Takes that line out of stderr and reads it.
    pub(crate) fn take(&self, errors: &mut Vec<u8>) -> Option<u32> {
        let at = errors.windows(self.0.len()).position(|window| window == self.0.as_bytes())?;
        let length = errors.get(at..)?.iter().position(|byte| *byte == b'\n')? + 1;
        let line: Vec<u8> = errors.drain(at..at + length).collect();
        let number = String::from_utf8_lossy(line.get(self.0.len()..)?).trim().parse().ok();
        number.filter(|number| *number > 1)
    }
}

/// A command that asks the group of a process to end, and a second later makes it.
pub(crate) fn kill_command(process: u32) -> String {
    let script = format!(
        "set -- $(cat /proc/{process}/stat 2>/dev/null); g=${{5:-$(ps -o pgid= -p {process} | tr -d ' ')}}; g=${{g:-{process}}}; \
         kill -TERM -$g; (sleep 1; kill -KILL -$g) </dev/null >/dev/null 2>&1 &"
    );
    format!("sh -c {}", quote(&script))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_shell_lines() {
        let request = |executable: Option<&str>| ExecRequest {
            command: "echo \"$A\"".into(),
            executable: executable.map(Into::into),
            environment: vec![("A".into(), "b c".into())],
            ..Default::default()
        };
        assert_eq!(shell_command(&request(None)), "A='b c' echo \"$A\"");
        assert_eq!(shell_command(&request(Some("/bin/bash"))), "A='b c' /bin/bash -c 'echo \"$A\"'");
    }

    #[test]
    fn marks_are_taken_out() {
        let mark = Mark("ftl-x".into());
        assert_eq!(
            mark.marked("a 'b'"),
            r#"sh -c 'echo ftl-x $$ >&2; exec "${SHELL:-/bin/sh}" -c '"'"'a '"'"'"'"'"'"'"'"'b'"'"'"'"'"'"'"'"''"'"''"#
        );
        let check = |text: &str, rest: &str, expected: Option<u32>| {
            let mut errors = text.as_bytes().to_vec();
            assert_eq!(mark.take(&mut errors), expected, "{text}");
            assert_eq!(errors, rest.as_bytes());
        };
        check("ftl-x 123\nmore\n", "more\n", Some(123));
        check("motd\nftl-x 123\n", "motd\n", Some(123));
        check("nothing\n", "nothing\n", None);
        check("ftl-x 12", "ftl-x 12", None);
        check("ftl-x 1\n", "", None);
    }
}
