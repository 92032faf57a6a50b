//! The native modules against ansible-core's: the same results, the same files.

mod support;

use support::cases::check;

#[test]
fn command() {
    check("command", 124);
}

#[test]
fn copy() {
    check("copy", 218);
}

#[test]
fn file() {
    check("file", 684);
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
    check("slurp", 28);
}

#[test]
fn stat() {
    check("stat", 69);
}

#[test]
fn lineinfile() {
    check("lineinfile", 531);
}

#[test]
fn tempfile() {
    check("tempfile", 27);
}

#[test]
fn wait_for() {
    check("wait_for", 73);
}
