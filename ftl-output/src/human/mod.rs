//! Displays for people.

mod callback_result;
mod default;
mod diff;
mod dump;
mod minimal;
mod oneline;
mod recap;
mod sequence;

pub(crate) use callback_result::{is_action, is_debug, visible};
pub(crate) use default::Default;
pub(crate) use dump::Dumper;
pub(crate) use minimal::Minimal;
pub(crate) use oneline::Oneline;
