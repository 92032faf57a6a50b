//! Options over settings: what every command is made from.

use std::path::PathBuf;

use ftl_core::settings::Settings;
use ftl_inventory::HashBehaviour;

use crate::args::Arguments;
use crate::surroundings::Surroundings;

/// What every command is made from.
pub struct Parts<'a> {
    pub surroundings: &'a Surroundings,
    pub arguments: &'a Arguments,
    pub settings: &'a Settings,
}

impl Parts<'_> {
    pub fn verbosity(&self) -> u8 {
        let configured = self.settings.number("DEFAULT_VERBOSITY").unwrap_or(0).max(0) as usize;
        let debug = if self.arguments.flag("debug") { 3 } else { 0 };
        (configured + debug + self.arguments.count("verbosity")).min(255) as u8
    }

    pub fn flag(&self, option: &str, setting: &str) -> bool {
        self.arguments.flag(option) || self.settings.flag(setting)
    }

    pub fn text(&self, option: &str, setting: &str) -> Option<String> {
        self.arguments.text(option).map(String::from).or_else(|| self.settings.text(setting))
    }

    pub fn number(&self, option: &str, setting: &str) -> i64 {
        self.arguments.number(option).or_else(|| self.settings.number(setting)).unwrap_or(0)
    }

    /// `FTL_COMPAT=strict`: what stock Ansible does, also where FTL would rather not.
    pub fn is_strict(&self) -> bool {
        self.surroundings.variable("FTL_COMPAT") == Some("strict")
    }

    /// The tags to run, `all` when none are given.
    pub fn tags(&self) -> Vec<String> {
        let tags = self.tag_list("tags", "TAGS_RUN");
        if tags.is_empty() { vec!["all".into()] } else { tags }
    }

    pub fn skip_tags(&self) -> Vec<String> {
        self.tag_list("skip_tags", "TAGS_SKIP")
    }

    /// No tags are given, neither to run nor to skip.
    pub fn has_no_tags(&self) -> bool {
        self.tag_list("tags", "TAGS_RUN").is_empty() && self.skip_tags().is_empty()
    }

    /// Comma-separated, from settings and options; each once. No text at all (`--tags "$NONE"`) is a tag that nothing has.
    fn tag_list(&self, option: &str, setting: &str) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        let configured = self.settings.list(setting);
        let given = configured.iter().chain(self.arguments.texts(option));
        for tag in given.flat_map(|text| text.split(',')).map(str::trim) {
            if !tags.iter().any(|known| known == tag) {
                tags.push(tag.to_string());
            }
        }
        tags
    }

    /// `-i`, else the setting; paths absolute, host lists as they are.
    pub fn inventory_sources(&self) -> Vec<String> {
        match self.arguments.texts("inventory") {
            [] => self.settings.list("DEFAULT_HOST_LIST"),
            given => given
                .iter()
                .map(|source| if source.contains(',') { source.clone() } else { self.surroundings.path(source) })
                .collect(),
        }
    }

    pub fn hash_behaviour(&self) -> HashBehaviour {
        let name = self.settings.text("DEFAULT_HASH_BEHAVIOUR").unwrap_or_default();
        HashBehaviour::parse(&name).unwrap_or(HashBehaviour::Replace)
    }

    pub fn cache_dir(&self) -> PathBuf {
        let base = self.surroundings.variable("XDG_CACHE_HOME").map(PathBuf::from);
        base.filter(|path| path.is_absolute()).unwrap_or_else(|| self.surroundings.home.join(".cache")).join("ftl")
    }
}
