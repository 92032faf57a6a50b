//! Variables over variables: `hash_behaviour`.

use ftl_core::{Map, Value};

use crate::settings::HashBehaviour;

/// Lays `over` on `under`.
pub fn combine_vars(under: &mut Map, over: &Map, behaviour: HashBehaviour) {
    for (key, value) in over {
        combine_entry(under, key.clone(), value.clone(), behaviour);
    }
}

pub(crate) fn combine_entry(under: &mut Map, key: Value, value: Value, behaviour: HashBehaviour) {
    if behaviour == HashBehaviour::Merge
        && let (Some(Value::Dict(below)), Value::Dict(above)) = (under.get_value(&key), &value)
    {
        let merged = merge_maps(&below.entries(), &above.entries());
        under.insert(key, Value::Dict(ftl_core::Dict::loaded(merged)));
        return;
    }
    under.insert(key, value);
}

/// Dicts merged all the way down; everything else is replaced.
pub fn merge_maps(under: &Map, over: &Map) -> Map {
    let mut merged = under.clone();
    combine_vars(&mut merged, over, HashBehaviour::Merge);
    merged
}
