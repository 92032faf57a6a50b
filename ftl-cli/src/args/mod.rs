//! Command lines as `argparse` reads them, by tables of options.

mod spec;
mod parse;
mod help;
mod options;
mod programs;

pub use help::{help, usage};
pub use parse::{Arguments, Outcome, parse};
pub use programs::{ADHOC, EVAL, FTL, GATE_BUILDER, INVENTORY, LOCALHOST, PLAYBOOK};
pub use spec::{Action, OptionSpec, Positional, Program};
