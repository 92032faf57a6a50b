//! Being written.

use ftl_core::settings::Settings;

use crate::surroundings::Surroundings;

pub fn main(_surroundings: &Surroundings, _settings: &Settings) -> u8 {
    5
}
