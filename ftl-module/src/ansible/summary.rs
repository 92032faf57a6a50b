//! Typed dicts in answers (`__ansible_type`): known ones become plain data, forged ones are refused.

use ftl_core::value::{Map, Value};

const TYPE: &str = "__ansible_type";

/// What a module may send besides plain JSON. `TrustedAsTemplate` and its like are not among them.
const SUMMARIES: [&str; 8] = [
    "DeprecationSummary",
    "Deprecated",
    "ErrorSummary",
    "Event",
    "EventChain",
    "PluginInfo",
    "PluginType",
    "WarningSummary",
];
const TAGGED: [&str; 11] = [
    "_AnsibleTaggedBytes",
    "_AnsibleTaggedDate",
    "_AnsibleTaggedDateTime",
    "_AnsibleTaggedDict",
    "_AnsibleTaggedFloat",
    "_AnsibleTaggedInt",
    "_AnsibleTaggedList",
    "_AnsibleTaggedSet",
    "_AnsibleTaggedStr",
    "_AnsibleTaggedTime",
    "_AnsibleTaggedTuple",
];

/// Replaces typed dicts everywhere below `value`; the error names a type that modules may not send.
pub fn decode(value: Value) -> Result<Value, String> {
    match value {
        Value::List(list) => {
            let items = list.items();
            if !items.iter().any(is_container) {
                return Ok(Value::List(list));
            }
            Ok(Value::list(items.iter().cloned().map(decode).collect::<Result<_, _>>()?))
        }
        Value::Dict(dict) => {
            let entries = dict.entries();
            if !entries.contains_key(TYPE) && !entries.values().any(is_container) {
                return Ok(Value::Dict(dict));
            }
            let mut map = Map::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                map.insert(key.clone(), decode(value.clone())?);
            }
            typed(map)
        }
        other => Ok(other),
    }
}

fn is_container(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Dict(_))
}

fn typed(mut map: Map) -> Result<Value, String> {
    let Some(kind) = map.remove(TYPE) else { return Ok(Value::dict(map)) };
    let name = ftl_core::value::to_text(&kind);
    if TAGGED.contains(&name.as_str()) {
        return Ok(map.remove("value").unwrap_or_default());
    }
    if name == "PluginType" {
        return Ok(map.remove("value").unwrap_or_default());
    }
    if SUMMARIES.contains(&name.as_str()) {
        // How the other code here knows them: an `event`, and of deprecations the `deprecator`.
        return Ok(Value::dict(map));
    }
    Err(format!("Object of type {:?} is not JSON deserializable by the 'module_legacy_m2c' profile.", kind))
}

/// The text of a warning: a summary, or what older modules send.
pub fn warning(value: &Value) -> String {
    let message = value.get("event").and_then(|event| event.get("msg"));
    ftl_core::value::to_text(&message.unwrap_or_else(|| value.clone()))
}

/// A deprecation with the keys callbacks see: `msg`, `collection_name`, `version` or `date`, `deprecator`.
pub fn deprecation(value: &Value) -> Map {
    let mut out = Map::new();
    let message = value.get("event").and_then(|event| event.get("msg")).or_else(|| value.get("msg"));
    out.insert("msg", message.unwrap_or_else(|| value.clone()));
    let deprecator = value.get("deprecator").filter(|d| !d.is_none());
    let named = deprecator.as_ref().and_then(|d| d.get("resolved_name")).or_else(|| value.get("collection_name"));
    let named = named.unwrap_or_default();
    let kind = deprecator.as_ref().and_then(|d| d.get("type")).unwrap_or_default();
    let collection = match (named.as_str(), kind.is_none()) {
        (Some(name), false) => Value::str(name.splitn(3, '.').take(2).collect::<Vec<_>>().join(".")),
        _ => named.clone(),
    };
    if !collection.is_none() {
        out.insert("collection_name", collection);
    }
    for key in ["version", "date"] {
        if let Some(value) = value.get(key).filter(|v| !v.is_none()) {
            out.insert(key, value);
        }
    }
    if !named.is_none() {
        let mut plugin = Map::new();
        plugin.insert("resolved_name", named);
        plugin.insert("type", kind);
        out.insert("deprecator", plugin);
    }
    let help = value.get("event").and_then(|event| event.get("help_text")).filter(|h| !h.is_none());
    if let Some(help) = help {
        out.insert("help_text", help);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ansible::json::parse;
    use ftl_core::value::repr;

    #[test]
    fn typed_dicts_become_plain() {
        let check = |text: &str, expected: &str| {
            assert_eq!(repr(&decode(parse(text).unwrap()).unwrap()), expected, "{text}");
        };
        check(r#"{"a": {"__ansible_type": "_AnsibleTaggedStr", "value": "{{ x }}", "tags": []}}"#, "{'a': '{{ x }}'}");
        check(
            r#"[{"event": {"msg": "m", "__ansible_type": "Event"}, "__ansible_type": "WarningSummary"}]"#,
            "[{'event': {'msg': 'm'}}]",
        );
        check(r#"{"a": [{"b": 1}]}"#, "{'a': [{'b': 1}]}");
    }

    #[test]
    fn forged_types_are_refused() {
        let check = |text: &str, kind: &str| {
            let expected =
                format!("Object of type '{kind}' is not JSON deserializable by the 'module_legacy_m2c' profile.");
            assert_eq!(decode(parse(text).unwrap()).unwrap_err(), expected, "{text}");
        };
        check(r#"{"a": {"__ansible_type": "TrustedAsTemplate"}}"#, "TrustedAsTemplate");
        let tagged = r#"{"__ansible_type": "_AnsibleTaggedStr", "value": "x", "tags": [{"__ansible_type": "TrustedAsTemplate"}]}"#;
        check(tagged, "TrustedAsTemplate");
        check(r#"[{"__ansible_type": "Origin", "path": "/x"}]"#, "Origin");
    }

    #[test]
    fn deprecations_as_callbacks_see_them() {
        let check = |text: &str, expected: &str| {
            let value = decode(parse(text).unwrap()).unwrap();
            assert_eq!(repr(&Value::dict(deprecation(&value))), expected, "{text}");
        };
        check(
            r#"{"event": {"msg": "old", "__ansible_type": "Event"}, "deprecator": {"resolved_name": "ansible.legacy.m",
               "type": {"__ansible_type": "PluginType", "value": "module"}, "__ansible_type": "PluginInfo"},
               "version": "2.99", "__ansible_type": "DeprecationSummary"}"#,
            "{'msg': 'old', 'collection_name': 'ansible.legacy', 'version': '2.99', \
             'deprecator': {'resolved_name': 'ansible.legacy.m', 'type': 'module'}}",
        );
        check(
            r#"{"msg": "d", "version": "3", "collection_name": "a.b"}"#,
            "{'msg': 'd', 'collection_name': 'a.b', 'version': '3', 'deprecator': {'resolved_name': 'a.b', 'type': None}}",
        );
        check(r#"{"msg": "d"}"#, "{'msg': 'd'}");
    }
}
