//! Processes that are alive on this machine, which the loopback sshd makes the "remote" one too.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Processes whose current directory is `directory` or below.
pub fn working_in(directory: &Path) -> Vec<u32> {
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_path_buf());
    all().filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|at| at.starts_with(&directory))).collect()
}

/// All descendants of a process.
pub fn below(pid: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for child in all() {
        if let Some((parent, state)) = parent_and_state(child)
            && state != 'Z'
        {
            children.entry(parent).or_default().push(child);
        }
    }
    let (mut found, mut queue) = (vec![], vec![pid]);
    while let Some(next) = queue.pop() {
        for child in children.get(&next).into_iter().flatten() {
            found.push(*child);
            queue.push(*child);
        }
    }
    found
}

/// The command lines, for messages.
pub fn describe(pids: &[u32]) -> String {
    let line = |pid: &u32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let text = String::from_utf8_lossy(&words).replace('\0', " ");
        format!("{pid} {}", text.chars().take(100).collect::<String>())
    };
    pids.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        let _ = kill_process(pid, signal);
    }
}

/// Waits until the condition holds; answers whether it did in time.
pub fn wait_until(seconds: f64, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").expect("a /proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
}

fn parent_and_state(pid: u32) -> Option<(u32, char)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, parentheses too.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}
