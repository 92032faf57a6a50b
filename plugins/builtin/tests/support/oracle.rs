//! An installed ansible-core, found by `FTL_TEST_ANSIBLE` (a Python that has it).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

const NO_ANSIBLE: &str = "these tests need ansible-core: set FTL_TEST_ANSIBLE to a Python that has it (tests/run does)";

pub(crate) struct Oracle {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

pub(crate) fn python() -> String {
    std::env::var("FTL_TEST_ANSIBLE").unwrap_or("python3".into())
}

impl Oracle {
    pub(crate) fn start() -> Oracle {
        let python = python();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/oracle.py");
        let mut child = Command::new(&python)
            .args(["-I", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python}: {error}: {NO_ANSIBLE}"));
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Oracle { child, input, output }
    }

    /// The result the module printed, or the text of the exception it died of.
    pub(crate) fn run(
        &mut self,
        module: &str,
        args: &Value,
        cwd: &str,
        umask: u32,
        environment: &Value,
    ) -> Result<Value, String> {
        let order = json!({"module": module, "args": args, "cwd": cwd, "umask": umask, "environment": environment});
        writeln!(self.input, "{order}").expect(NO_ANSIBLE);
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).expect(NO_ANSIBLE);
        let (stdout, stderr) = (answer["stdout"].as_str().unwrap(), answer["stderr"].as_str().unwrap());
        if let Some(crash) = stderr.rsplit("CRASH ").next().filter(|_| stderr.contains("CRASH ")) {
            return Err(crash.to_owned());
        }
        match serde_json::from_str(stdout.trim()) {
            Ok(result) => Ok(result),
            Err(error) => panic!("no JSON of {module}: {error}: {stdout} {stderr}"),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
