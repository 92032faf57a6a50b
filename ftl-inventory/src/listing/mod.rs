//! What `ansible-inventory` prints: `--list`, `--host`, `--graph`, as JSON or YAML.

mod view;
mod shown;
mod json;
mod graph;
mod yaml;

pub use view::Listing;
