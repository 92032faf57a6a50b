//! How events are shown: every display is a fold over `ftl_core::event::Event`, and none can influence a run.

mod banner;
mod colour;
mod display;
mod extra;
mod human;
mod log;
mod progress;
mod screen;
mod settings;
mod table;

pub use display::{Callbacks, Display, open};
pub use settings::{ColourNames, Colouring, FileReader, LogSettings, OutputSettings, ResultFormat, Writer};
pub use table::{has_extra, has_screen};
