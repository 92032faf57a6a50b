//! Lookups that run commands on the controller.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ftl_core::Value;

use super::options::term_text;
use crate::filter::argument::failure;
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Vec<Value>, Failure>;

pub(super) fn pipe(evaluation: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    let mut out = vec![];
    for term in &terms {
        let command = term_text(term)?;
        let output = run(evaluation, &command, "pipe")?;
        let text = String::from_utf8(output)
            .map_err(|e| Failure::value_error(format!("'utf-8' codec can't decode the output of {command}: {e}")))?;
        out.push(Value::str(text.trim_end()));
    }
    Ok(out)
}

pub(super) fn lines(evaluation: &Evaluation<'_>, terms: Vec<Value>, _: Arguments) -> Answer {
    let mut out = vec![];
    for term in &terms {
        let output = run(evaluation, &term_text(term)?, "lines")?;
        let text = String::from_utf8_lossy(&output).into_owned();
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let body = text.strip_suffix('\n').unwrap_or(&text);
        if !text.is_empty() {
            out.extend(body.split('\n').map(Value::str));
        }
    }
    Ok(out)
}

/// Runs a command in the shell, in the play's directory, until it ends or the template's deadline passes.
fn run(evaluation: &Evaluation<'_>, command: &str, lookup: &str) -> Result<Vec<u8>, Failure> {
    evaluation.impure();
    evaluation.check_deadline()?;
    let shared = evaluation.shared();
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(&shared.base_dir)
        .env_clear()
        .envs(&shared.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // A group of its own, so that ending it ends everything it started.
        .process_group(0)
        .spawn()
        .map_err(|e| failure(format!("lookup_plugin.{lookup}({command}) could not be started: {e}")))?;
    let Some(mut stdout) = child.stdout.take() else { return Err(failure("no output")) };
    let limit = shared.budget.text;
    let reader = std::thread::spawn(move || {
        let mut output = vec![];
        let result = Read::by_ref(&mut stdout).take(limit as u64 + 1).read_to_end(&mut output);
        result.map(|_| output)
    });
    let mut pause = Duration::from_micros(200);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {}
            Err(error) => return Err(failure(format!("lookup_plugin.{lookup}({command}) was lost: {error}"))),
        }
        let full = reader.is_finished() && evaluation.check_text(limit).is_err();
        if let Err(late) = evaluation.check_deadline() {
            end_group(&mut child);
            return Err(late);
        }
        if full {
            end_group(&mut child);
            return Err(failure(format!("lookup_plugin.{lookup}({command}) wrote too much")));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    };
    // What the command left behind may still hold the pipe: wait for it only as long as the template may take.
    while !reader.is_finished() {
        if let Err(late) = evaluation.check_deadline() {
            end_group(&mut child);
            return Err(late);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = reader
        .join()
        .map_err(|_| failure("the reader of a command's output failed"))?
        .map_err(|e| failure(format!("lookup_plugin.{lookup}({command}): {e}")))?;
    evaluation.check_text(output.len())?;
    if !status.success() {
        use std::os::unix::process::ExitStatusExt;
        let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
        return Err(failure(format!("lookup_plugin.{lookup}({command}) returned {code}")));
    }
    Ok(output)
}

fn end_group(child: &mut std::process::Child) {
    // The group has the child's own number; a signal through `kill` needs no unsafe code.
    let group = format!("-{}", child.id());
    let _ = Command::new("/bin/kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    let _ = child.kill();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(1) && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(5));
    }
}
