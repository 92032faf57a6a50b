//! The native modules against ansible-core's: the same results, the same files.

mod support;

use support::cases::check;

#[test]
fn command() {
    check("command", 119);
}

#[test]
fn copy() {
    check("copy", 203);
}

#[test]
fn file() {
    check("file", 669);
}

#[test]
fn ping() {
    check("ping", 16);
}

#[test]
fn setup() {
    check("setup", 17);
}

#[test]
fn slurp() {
    check("slurp", 26);
}

#[test]
fn stat() {
    check("stat", 64);
}

#[test]
fn lineinfile() {
    check("lineinfile", 522);
}

#[test]
fn tempfile() {
    check("tempfile", 23);
}

#[test]
fn wait_for() {
    check("wait_for", 70);
}
