//! `--graph`: the tree of groups and hosts.

use ftl_core::Map;
use ftl_core::source::Diagnostic;
use ftl_core::value::to_text;

use super::view::Listing;
use crate::inventory::GroupId;

impl Listing<'_> {
    /// `ansible-inventory --graph GROUP [--vars]`
    pub fn graph(&self, group: &str, show_vars: bool) -> Result<String, Diagnostic> {
        let Some(start) = self.inventory.find_group(group) else {
            return Err(Diagnostic::error("Pattern must be valid group name when using --graph"));
        };
        let mut lines = vec![];
        self.draw_group(start, 0, show_vars, &mut lines)?;
        Ok(lines.join("\n"))
    }

    fn draw_group(
        &self,
        id: GroupId,
        depth: usize,
        show_vars: bool,
        lines: &mut Vec<String>,
    ) -> Result<(), Diagnostic> {
        let group = self.inventory.group(id);
        lines.push(branch(&format!("@{}:", group.name), depth));
        for child in &group.children {
            self.draw_group(*child, depth + 1, show_vars, lines)?;
        }
        let hosts = if id == GroupId::ALL { &[][..] } else { &group.hosts[..] };
        for host in hosts {
            lines.push(branch(self.inventory.host_name(*host), depth + 1));
            if show_vars {
                draw_vars(&*self.host_vars(*host)?, depth + 2, lines);
            }
        }
        if show_vars {
            draw_vars(&*self.group_vars(id)?, depth + 1, lines);
        }
        Ok(())
    }
}

fn draw_vars(vars: &Map, depth: usize, lines: &mut Vec<String>) {
    let mut entries: Vec<(String, String)> = vars.iter().map(|(k, v)| (to_text(k), to_text(v))).collect();
    entries.sort();
    lines.extend(entries.iter().map(|(key, value)| branch(&format!("{{{key} = {value}}}"), depth)));
}

fn branch(name: &str, depth: usize) -> String {
    match depth {
        0 => name.to_string(),
        _ => format!("{}--{name}", "  |".repeat(depth)),
    }
}
