//! The documented precedence levels, as a type: a later layer beats an earlier one.

use std::sync::Arc;

use ftl_core::value::Map;

/// Ansible's list "Understanding variable precedence", lowest first. (Its first level, command-line values such as `-u`,
/// are settings and no variables; inventory levels 3 to 10 come ready-made and in order from the inventory; magic
/// variables and those of loops stand over all layers.)
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Layer {
    PlayRoleDefaults,
    RoleDefaults,
    Inventory,
    Facts,
    PlayVars,
    VarsFiles,
    PlayRoleVars,
    RoleVars,
    TaskVars,
    IncludeVars,
    SetFacts,
    RoleParams,
    IncludeParams,
    ExtraVars,
}

/// A stack of variable maps that only grows upwards.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers {
    maps: Vec<(Layer, Arc<Map>)>,
}

impl Layers {
    pub(super) fn push(&mut self, layer: Layer, map: &Arc<Map>) {
        if !map.is_empty() {
            debug_assert!(self.maps.last().is_none_or(|(top, _)| *top <= layer), "{layer:?} pushed out of order");
            self.maps.push((layer, map.clone()));
        }
    }

    pub(super) fn push_all<'a>(&mut self, layer: Layer, maps: impl IntoIterator<Item = &'a Arc<Map>>) {
        for map in maps {
            self.push(layer, map);
        }
    }

    /// Highest precedence first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Map>> {
        self.maps.iter().rev().map(|(_, map)| map)
    }

    pub(super) fn lowest_first(&self) -> impl Iterator<Item = &Arc<Map>> {
        self.maps.iter().map(|(_, map)| map)
    }
}
