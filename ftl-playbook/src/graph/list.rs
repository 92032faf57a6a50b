//! The texts of `--list-tasks`, `--list-tags`, `--list-hosts` and `--syntax-check`.

use std::sync::Arc;

use ftl_core::source::{Diagnostic, Loader};
use ftl_core::value::{Map, Value, repr, to_text};
use ftl_template::Renderer;

use super::tags::{flat_tags, selected};
use super::{BlockSpec, Entry, IncludeKind, PlaySpec, Playbook, TaskKind, TaskSpec};
use crate::options::ParseOptions;
use crate::parse::builtin_name;

/// What is to be listed.
pub struct ListRequest<'a> {
    pub tasks: bool,
    pub tags: bool,
    pub hosts: bool,
    /// `--tags`; for `--list-tags` alone, `never` and `all`.
    pub only: &'a [String],
    pub skip: &'a [String],
    /// The hosts a play's patterns match.
    pub find_hosts: &'a dyn Fn(&[String]) -> Vec<String>,
}

/// The text for one playbook, line end included.
pub fn list_playbook(
    playbook: &Playbook,
    request: &ListRequest,
    loader: &Loader,
    options: &ParseOptions,
) -> Result<String, Diagnostic> {
    let mut out = syntax_checked(&playbook.file);
    for (index, play) in playbook.plays.iter().enumerate() {
        let vars = Arc::new(play_variables(play, loader, options));
        let renderer = Renderer::new(vars, options.templates.clone());
        out.push_str(&Listing { play, request, renderer }.text(index + 1)?);
    }
    Ok(out)
}

/// The text of `--syntax-check` for a playbook without mistakes.
pub fn syntax_checked(file: &str) -> String {
    format!("\nplaybook: {file}\n")
}

/// Variables of a play as they are known without a host.
fn play_variables(play: &PlaySpec, loader: &Loader, options: &ParseOptions) -> Map {
    let mut vars = Map::new();
    let roles: Vec<_> = play.roles.iter().map(|id| play.graph.role(*id)).filter(|r| r.public).collect();
    let add = |vars: &mut Map, map: &Map| vars.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
    roles.iter().for_each(|r| add(&mut vars, &r.defaults));
    vars.insert("playbook_dir", Value::str(play.base_dir.to_string_lossy().into_owned()));
    for map in super::static_vars::vars_files(&play.vars_files, &play.vars, &play.base_dir, loader, options) {
        add(&mut vars, &map);
    }
    add(&mut vars, &play.vars);
    roles.iter().for_each(|r| add(&mut vars, &r.vars));
    add(&mut vars, &options.extra_vars);
    vars
}

struct Listing<'a> {
    play: &'a PlaySpec,
    request: &'a ListRequest<'a>,
    renderer: Renderer,
}

impl Listing<'_> {
    fn text(&self, number: usize) -> Result<String, Diagnostic> {
        let hosts = self.hosts()?;
        let joined = hosts.join(",");
        let name = match &self.play.name {
            Some(name) => to_text(&self.renderer.render(name)?),
            None => joined.clone(),
        };
        let own_tags = flat_tags(&self.play.keywords.tags);
        let mut out = format!("\n  play #{number} ({joined}): {name}\tTAGS: [{}]", own_tags.join(","));
        if self.request.hosts {
            let found = (self.request.find_hosts)(&hosts);
            let pattern = repr(&hosts.iter().map(|h| Value::str(h.clone())).collect());
            out.push_str(&format!("\n    pattern: {pattern}\n    hosts ({}):", found.len()));
            found.iter().for_each(|host| out.push_str(&format!("\n      {host}")));
        }
        out.push('\n');
        if !self.request.tasks && !self.request.tags {
            return Ok(out);
        }
        if self.request.tasks {
            out.push_str("    tasks:\n");
        }
        let mut all = own_tags.clone();
        for id in &self.play.body {
            self.block(self.play.graph.block(*id), &own_tags, &mut all, &mut out)?;
        }
        if self.request.tags {
            all.sort_unstable();
            out.push_str(&format!("      TASK TAGS: [{}]\n", all.join(", ")));
        }
        Ok(out)
    }

    fn hosts(&self) -> Result<Vec<String>, Diagnostic> {
        let hosts = self.renderer.render(&self.play.hosts)?;
        Ok(match hosts.as_items() {
            Some(items) => items.iter().map(to_text).collect(),
            None => vec![to_text(&hosts)],
        })
    }

    /// Tasks of the body only: Ansible lists neither `rescue` nor `always`.
    fn block(
        &self,
        block: &BlockSpec,
        own: &[String],
        all: &mut Vec<String>,
        out: &mut String,
    ) -> Result<(), Diagnostic> {
        for entry in &block.body {
            match entry {
                Entry::Block(id) => self.block(self.play.graph.block(*id), own, all, out)?,
                Entry::Task(id) => self.task(self.play.graph.task(*id), own, all, out)?,
            }
        }
        Ok(())
    }

    fn task(&self, task: &TaskSpec, own: &[String], all: &mut Vec<String>, out: &mut String) -> Result<(), Diagnostic> {
        let mut tags = Vec::new();
        for tag in &task.keywords.tags {
            tags.push(self.renderer.render(tag)?);
        }
        let hidden = task.implicit && matches!(task.kind, TaskKind::Meta(_));
        if hidden || !selected(&tags, self.request.only, self.request.skip) {
            return Ok(());
        }
        let tags = flat_tags(&tags);
        for tag in &tags {
            if !all.contains(tag) {
                all.push(tag.clone());
            }
        }
        if self.request.tasks {
            let mut shown = own.to_vec();
            shown.extend(tags.into_iter().filter(|t| !own.contains(t)));
            shown.sort_unstable();
            out.push_str(&format!("      {}\tTAGS: [{}]\n", self.title(task), shown.join(", ")));
        }
        Ok(())
    }

    fn title(&self, task: &TaskSpec) -> String {
        let Some(name) = task.name.as_ref().map(to_text).filter(|n| !n.is_empty()) else {
            return task.written_action.to_string();
        };
        let is_role_include = matches!(&task.kind, TaskKind::Include(i) if i.kind == IncludeKind::Role);
        match task.role.filter(|_| !is_role_include) {
            Some(role) => format!("{} : {name}", self.play.graph.role(role).name),
            None => name,
        }
    }
}

/// Is this action's name that of a builtin, in any of its three forms?
pub fn is_builtin(written: &str, short: &str) -> bool {
    builtin_name(written) == Some(short)
}
