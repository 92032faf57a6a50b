//! The variables that names of static imports and roles may use: no host is known yet.

use std::path::Path;
use std::sync::Arc;

use ftl_core::source::{Diagnostic, Loader};
use ftl_core::value::{Map, Value};
use ftl_template::Renderer;

use super::build::{Builder, Frame};
use crate::include_file::normalize;
use crate::options::ParseOptions;

impl Builder<'_> {
    /// Renders with what is known before the play runs: vars and vars_files of the play, roles, blocks, and `-e`.
    pub(crate) fn static_value(&mut self, value: &Value, frame: &Frame, own: &[Arc<Map>]) -> Result<Value, Diagnostic> {
        if !value.has_template() {
            return Ok(value.clone());
        }
        let vars = self.static_vars(frame, own);
        Renderer::new(Arc::new(vars), self.options.templates.clone()).render(value)
    }

    pub(crate) fn static_text(&mut self, value: &Value, frame: &Frame, own: &[Arc<Map>]) -> Result<String, Diagnostic> {
        self.static_value(value, frame, own).map(|v| ftl_core::value::to_text(&v))
    }

    fn static_vars(&mut self, frame: &Frame, own: &[Arc<Map>]) -> Map {
        let mut vars = self.magic(frame);
        let mut add = |map: &Map| vars.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
        let mut chain = Vec::new();
        let mut next = frame.role;
        while let Some(id) = next {
            let role = self.graph.role(id).clone();
            next = role.parent;
            chain.insert(0, role);
        }
        let public: Vec<_> = self.roles.iter().map(|id| self.graph.role(*id).clone()).filter(|r| r.public).collect();
        public.iter().chain(&chain).for_each(|r| add(&r.defaults));
        add(&self.play.vars.clone());
        for file in self.vars_files() {
            add(&file);
        }
        public.iter().chain(&chain).for_each(|r| add(&r.vars));
        frame.keywords.vars.iter().chain(own).for_each(|m| add(m));
        chain.iter().for_each(|r| add(&r.params));
        frame.keywords.include_params.iter().for_each(|m| add(m));
        add(&self.options.extra_vars);
        vars
    }

    fn magic(&self, frame: &Frame) -> Map {
        let text = |path: &Path| Value::str(path.to_string_lossy().into_owned());
        let mut vars = Map::new();
        vars.insert("playbook_dir", text(&self.play.playbook_dir));
        vars.insert("omit", Value::Omit);
        if let Some(role) = self.role(frame) {
            vars.insert("role_path", text(&role.path));
            vars.insert("role_name", Value::str(role.name.rsplit('.').next().unwrap_or(&role.name)));
            vars.insert("ansible_role_name", Value::str(role.name.clone()));
            vars.insert("ansible_collection_name", role.collection.clone().map_or(Value::None, Value::str));
        }
        vars
    }

    /// Variables of the play's `vars_files`, as far as their names can be known; read once.
    fn vars_files(&mut self) -> Vec<Arc<Map>> {
        if let Some(files) = &self.play.loaded_vars_files {
            return files.clone();
        }
        let play = &self.play;
        let files = vars_files(&play.vars_files, &play.vars, &play.base_dir, self.loader, self.options);
        self.play.loaded_vars_files = Some(files.clone());
        files
    }
}

pub(crate) fn vars_files(
    entries: &[Value],
    play_vars: &Map,
    base_dir: &Path,
    loader: &Loader,
    options: &ParseOptions,
) -> Vec<Arc<Map>> {
    // Their own names may use the play's vars, not each other's.
    let mut known = Map::clone(play_vars);
    known.insert("playbook_dir", Value::str(base_dir.to_string_lossy().into_owned()));
    known.extend(options.extra_vars.iter().map(|(k, v)| (k.clone(), v.clone())));
    let renderer = Renderer::new(Arc::new(known), options.templates.clone());
    let mut files = Vec::new();
    for entry in entries {
        let candidates = entry.as_items().map_or_else(|| vec![entry.clone()], |items| items.to_vec());
        let found = candidates.iter().find_map(|name| {
            let name = renderer.render(name).ok()?;
            let name = name.as_str()?;
            let places = [base_dir.join("vars").join(name), base_dir.join(name)];
            places.into_iter().map(|p| normalize(&p)).find(|p| p.is_file())
        });
        // What cannot be read is reported when the play runs and the file is wanted.
        if let Some(map) = found.and_then(|path| loader.load_value(&path).ok()).and_then(|v| v.as_map()) {
            files.push(map);
        }
    }
    files
}
