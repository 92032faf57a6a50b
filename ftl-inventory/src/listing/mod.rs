//! What `ansible-inventory` prints: `--list`, `--host`, `--graph`, as JSON or YAML.

mod graph;
mod json;
mod shown;
mod view;
mod yaml;

pub use view::Listing;
