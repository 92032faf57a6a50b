//! The YAML files of a role: `tasks/main.yml`, `vars/main/*.yml` and their like.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftl_core::source::Diagnostic;
use ftl_core::value::{Map, Value};
use ftl_core::yaml::Node;

use super::locate::RolePlace;
use crate::graph::build::{Builder, file_problem};
use crate::include_file::normalize;
use crate::options::Problem;

const EXTENSIONS: [&str; 3] = [".yml", ".yaml", ".json"];

impl Builder<'_> {
    /// The file a part of the role is in, for `main` or the name that `<part>_from` gives.
    pub(crate) fn role_file(
        &self,
        role: &RolePlace,
        part: &str,
        from: Option<&str>,
        directories: bool,
    ) -> Result<Vec<PathBuf>, Problem> {
        let dir = role.path.join(part);
        if !dir.is_dir() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = match from {
            None => EXTENSIONS.iter().copied().chain([""]).map(|e| format!("main{e}")).collect(),
            Some(name) => [""].into_iter().chain(EXTENSIONS).map(|e| format!("{name}{e}")).collect(),
        };
        for name in &names {
            let path = dir.join(name);
            if path.is_dir() {
                if directories {
                    return self.loader.find_vars_files(&dir, name).map_err(file_problem);
                }
            } else if path.exists() {
                let path = normalize(&path);
                self.inside(role, &dir, &path)?;
                return Ok(vec![path]);
            }
        }
        match from {
            Some(name) => {
                Err(Problem::parse(Diagnostic::error(format!("Could not find specified file in role: {part}/{name}"))))
            }
            None => Ok(Vec::new()),
        }
    }

    fn inside(&self, role: &RolePlace, dir: &Path, path: &Path) -> Result<(), Problem> {
        let real = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_path_buf());
        if real(path).starts_with(real(dir)) {
            return Ok(());
        }
        Err(Problem::parse(Diagnostic::error(format!(
            "Failed loading '{}' for role ({}) as it is not inside the expected role path: '{}'",
            path.display(),
            role.name,
            dir.display()
        ))))
    }

    /// `tasks`, `handlers` or `meta` of a role, and the file they are in.
    pub(crate) fn role_node(
        &mut self,
        role: &RolePlace,
        part: &str,
        from: Option<&str>,
    ) -> Result<Option<(Node, PathBuf)>, Problem> {
        let Some(path) = self.role_file(role, part, from, false)?.into_iter().next() else { return Ok(None) };
        let node = self.read(&path)?;
        Ok((!is_empty(&node)).then_some((node, path)))
    }

    /// `vars` or `defaults` of a role.
    pub(crate) fn role_vars(&mut self, role: &RolePlace, part: &str, from: Option<&str>) -> Result<Arc<Map>, Problem> {
        let mut all: Option<Arc<Map>> = None;
        for path in self.role_file(role, part, from, true)? {
            let value = self.loader.load_value(&path).map_err(file_problem)?;
            if !value.is_true() {
                continue;
            }
            let Value::Dict(dict) = &value else {
                return Err(Problem::parse(Diagnostic::error(format!(
                    "The {part}/main.yml file for role '{}' must contain a dictionary of variables",
                    role.name
                ))));
            };
            all = Some(match all {
                None => dict.entries(),
                Some(before) => {
                    let mut merged = Map::clone(&before);
                    merged.extend(dict.entries().iter().map(|(k, v)| (k.clone(), v.clone())));
                    Arc::new(merged)
                }
            });
        }
        Ok(all.unwrap_or_default())
    }
}

fn is_empty(node: &Node) -> bool {
    node.is_none()
        || node.as_seq().is_some_and(<[Node]>::is_empty)
        || node.as_map().is_some_and(<[(Node, Node)]>::is_empty)
}
