//! `reboot`: restarts the host and waits until it is back.

use std::time::{Duration, Instant};

use ftl_core::call::ExecRequest;
use ftl_core::result::HostError;
use ftl_core::shell_words::quote;
use ftl_core::value::{Map, to_text};

use super::wait_for_connection::{sleep, whole};
use super::{ActionContext, ActionFuture};
use crate::task::TaskFailure;

const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let mut result = Map::new();
        if context.target()?.connection.kind == "local" {
            result.insert("changed", false);
            result.insert("elapsed", 0i64);
            result.insert("rebooted", false);
            result.insert("failed", true);
            result.insert("msg", "Running reboot with local connection would reboot the control node.");
            return Ok(result);
        }
        if context.keywords.check {
            result.insert("changed", true);
            result.insert("elapsed", 0i64);
            result.insert("rebooted", true);
            return Ok(result);
        }
        context.only(&[
            "boot_time_command",
            "connect_timeout",
            "msg",
            "post_reboot_delay",
            "pre_reboot_delay",
            "reboot_command",
            "reboot_timeout",
            "search_paths",
            "test_command",
        ])?;
        let seconds =
            |name: &str, default| Ok::<u64, TaskFailure>(whole(context, name, default)?.max(0).unsigned_abs());
        let (before_reboot, after_reboot) = (seconds("pre_reboot_delay", 0)?, seconds("post_reboot_delay", 0)?);
        let timeout = seconds("reboot_timeout", 600)?;
        let begin = Instant::now();
        let boot_command = context.text("boot_time_command").unwrap_or_else(|| BOOT_ID.into());
        let before = output(context, &boot_command).await?;
        let command = reboot_command(context, before_reboot).await?;
        match execute(context, &command).await {
            Ok(done) if done.rc > 0 => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
                let (stdout, stderr) = (text(&done.stdout), text(&done.stderr));
                result.insert("failed", true);
                result.insert("rebooted", false);
                result.insert("elapsed", begin.elapsed().as_secs() as i64);
                result.insert("msg", format!("Reboot command failed. Error was: '{stdout}, {stderr}'"));
                return Ok(result);
            }
            Ok(_) => {}
            // The connection may go while the command answers: that is what was asked for.
            Err(TaskFailure::Host(HostError::Lost { .. } | HostError::Unreachable { .. })) => {}
            // So may a host that is busy going down; whether it did is asked below.
            Err(TaskFailure::Host(HostError::TimedOut { .. })) => {}
            Err(failure) => return Err(failure),
        }
        sleep(context, after_reboot).await;
        let back = wait(context, &boot_command, &before, timeout).await;
        result.insert("elapsed", begin.elapsed().as_secs() as i64);
        match back {
            Ok(()) => {
                result.insert("changed", true);
                result.insert("rebooted", true);
            }
            Err(text) => {
                result.insert("failed", true);
                result.insert("rebooted", true);
                result.insert("msg", text);
            }
        }
        Ok(result)
    })
}

async fn execute(context: &ActionContext<'_>, command: &str) -> Result<ftl_core::call::ExecOutput, TaskFailure> {
    let request =
        ExecRequest { command: command.to_string(), timeout: Some(Duration::from_secs(30)), ..ExecRequest::default() };
    Ok(context.step.run.runtime.exec(context.target()?, request).await?)
}

async fn output(context: &ActionContext<'_>, command: &str) -> Result<String, TaskFailure> {
    let done = execute(context, command).await?;
    if done.rc != 0 {
        return Err(TaskFailure::message(format!(
            "Failed to get host boot time info, rc: {}, stdout: {}, stderr: {}",
            done.rc,
            String::from_utf8_lossy(&done.stdout).trim(),
            String::from_utf8_lossy(&done.stderr).trim()
        )));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_string())
}

async fn reboot_command(context: &ActionContext<'_>, delay: u64) -> Result<String, TaskFailure> {
    if let Some(command) = context.text("reboot_command") {
        return Ok(command);
    }
    let message = context.text("msg").unwrap_or_else(|| "Reboot initiated by Ansible".into());
    let paths = match context.arg("search_paths") {
        Some(ftl_core::Value::List(l)) => l.items().iter().map(to_text).collect::<Vec<_>>(),
        Some(other) => vec![to_text(other)],
        None => ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"].map(String::from).to_vec(),
    };
    let programs = paths.iter().map(|path| quote(&format!("{path}/shutdown")));
    let tests: Vec<String> = programs.map(|program| format!("test -x {program} && echo {program}")).collect();
    let found = execute(context, &format!("{} || true", tests.join(" || "))).await?;
    let program = String::from_utf8_lossy(&found.stdout).lines().next().unwrap_or_default().to_string();
    if program.is_empty() {
        return Err(TaskFailure::plain(format!(
            "Unable to find command \"shutdown\" in search paths: {}",
            ftl_core::value::repr(&paths.iter().map(|p| ftl_core::Value::str(p.as_str())).collect::<ftl_core::Value>())
        )));
    }
    Ok(format!("{} -r {} \"{message}\"", quote(&program), delay / 60))
}

async fn wait(context: &ActionContext<'_>, boot_command: &str, before: &str, timeout: u64) -> Result<(), String> {
    let end = Instant::now() + Duration::from_secs(timeout);
    let test = context.text("test_command").unwrap_or_else(|| "whoami".into());
    let mut pause = 1;
    while Instant::now() < end && !context.step.run.cancel.is_cancelled() {
        if let Ok(target) = context.target() {
            // A connection from before the restart is of no use.
            let _ = context.step.run.runtime.reset(target).await;
        }
        let now = tokio::time::timeout(Duration::from_secs(30), output(context, boot_command)).await;
        // Some systems have nothing to say shortly before they go down.
        if let Ok(Ok(now)) = now
            && !now.is_empty()
            && now != before
            && let Ok(Ok(done)) = tokio::time::timeout(Duration::from_secs(30), execute(context, &test)).await
            && done.rc == 0
        {
            return Ok(());
        }
        sleep(context, pause).await;
        pause = (pause * 2).min(12);
    }
    Err(format!("Timed out waiting for last boot time check (timeout={timeout})"))
}
