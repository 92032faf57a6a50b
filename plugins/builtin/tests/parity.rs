//! The native modules against ansible-core's: the same results, the same files.

mod support;

use support::cases::check;

#[test]
fn command() {
    check("command", 25);
}

#[test]
fn copy() {
    check("copy", 25);
}

#[test]
fn file() {
    check("file", 45);
}

#[test]
fn ping() {
    check("ping", 4);
}

#[test]
fn setup() {
    check("setup", 17);
}

#[test]
fn slurp() {
    check("slurp", 4);
}

#[test]
fn stat() {
    check("stat", 15);
}

#[test]
fn lineinfile() {
    check("lineinfile", 45);
}

#[test]
fn tempfile() {
    check("tempfile", 9);
}

#[test]
fn wait_for() {
    check("wait_for", 18);
}
