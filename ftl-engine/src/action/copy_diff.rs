//! The two sides of a `diff` for `copy` and `template`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ftl_core::value::{Map, Value, to_text};

use super::ActionContext;
use super::copy::{Content, Item};
use crate::task::TaskFailure;

pub(super) async fn diff(context: &ActionContext<'_>, target: &str, item: &Item) -> Result<Map, TaskFailure> {
    let limit = context.step.run.settings.max_diff_size as u64;
    let mut out = Map::new();
    let mut args = Map::new();
    args.insert("path", target);
    args.insert("_diff_peek", true);
    let peek = context.run_foreground(context.find_module("ansible.legacy.file")?, args).await?;
    if peek.get("failed").is_some_and(Value::is_true) {
        out.insert(
            "prepared",
            format!(
                "Failed to get diff between '{target}' and '{}': {}",
                item.shown,
                peek.get("msg").map(to_text).unwrap_or_default()
            ),
        );
        return Ok(out);
    }
    let state = peek.get("state").map(to_text).unwrap_or_default();
    if peek.get("state").is_none_or(Value::is_none) || state == "absent" {
        out.insert("before", "");
    } else if peek.get("appears_binary").is_some_and(Value::is_true) {
        out.insert("dst_binary", 1i64);
    } else if limit > 0 && peek.get("size").and_then(Value::as_int).unwrap_or(0) as u64 > limit {
        out.insert("dst_larger", limit as i64);
    } else {
        let mut args = Map::new();
        args.insert("path", target);
        let slurped = context.run_foreground(context.find_module("ansible.legacy.slurp")?, args).await?;
        let content = slurped.get("content").map(to_text).unwrap_or_default();
        let bytes = STANDARD.decode(content.trim()).map_err(|e| TaskFailure::plain(format!("{target}: {e}")))?;
        out.insert("before_header", target);
        out.insert("before", String::from_utf8_lossy(&bytes).into_owned());
    }
    new_side(item, target, limit, &mut out).map_err(|e| TaskFailure::plain(format!("{}: {e}", item.shown)))?;
    Ok(out)
}

fn new_side(item: &Item, target: &str, limit: u64, out: &mut Map) -> std::io::Result<()> {
    let size = match &item.content {
        Content::Made(bytes) => bytes.len() as u64,
        Content::File(path) => path.metadata()?.len(),
    };
    if limit > 0 && size > limit {
        out.insert("src_larger", limit as i64);
        return Ok(());
    }
    let bytes = match &item.content {
        Content::Made(bytes) => bytes.to_vec(),
        Content::File(path) => std::fs::read(path)?,
    };
    if bytes.contains(&0) {
        out.insert("src_binary", 1i64);
        return Ok(());
    }
    out.insert("after_header", if item.is_text { target } else { item.shown.as_str() });
    out.insert("after", String::from_utf8_lossy(&bytes).into_owned());
    Ok(())
}
