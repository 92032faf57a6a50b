//! `unarchive`: brings an archive to the host and unpacks it there.

use ftl_core::value::{Map, Value};

use super::copy::{Content, file_item};
use super::files::{remote_join, truth};
use super::{ActionContext, ActionFuture};
use crate::argument_spec::class_name;
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        let mut args = context.args.clone();
        let mut remote = context.flag("remote_src", false);
        if let Some(copy) = args.remove("copy") {
            if args.contains_key("remote_src") {
                return Err(TaskFailure::plain("parameters are mutually exclusive: ('copy', 'remote_src')"));
            }
            remote = !copy.to_bool_loose().unwrap_or(false);
            args.insert("remote_src", remote);
        }
        let (Some(src), true) = (context.arg("src"), context.arg("dest").is_some()) else {
            return Err(TaskFailure::plain("src (or content) and dest are required"));
        };
        if context.arg("creates").is_some_and(Value::is_true) {
            let creates = context.only_text("creates", "startswith")?.unwrap_or_default();
            let creates = context.remote_expand(creates).await?;
            if context.remote_exists(&creates).await? {
                let mut map = Map::new();
                map.insert("msg", format!("skipped, since {creates} exists"));
                return Err(TaskFailure::Skipped(map));
            }
        }
        let dest = context.only_text("dest", "startswith")?.unwrap_or_default();
        let dest = context.remote_expand(dest).await?;
        let mut local = None;
        if !remote {
            let Value::Str(src) = src else {
                return Err(TaskFailure::message(format!(
                    "expected str, bytes or os.PathLike object, not {}",
                    class_name(src)
                )));
            };
            if src.contains("://") {
                return Err(TaskFailure::plain(format!(
                    "Unsupported option, an URI src ({}) is only supported when remote_src is True",
                    masked(src)
                )));
            }
            local = Some(context.find_file("files", src)?);
        }
        let stat = context.remote_stat(&dest, true, false).await?;
        if !truth(&stat, "exists") || !truth(&stat, "isdir") {
            return Err(TaskFailure::plain(format!("dest '{dest}' must be an existing dir")));
        }
        args.remove("decrypt");
        let module = context.find_module("ansible.legacy.unarchive")?;
        let Some(path) = local else { return context.run_foreground(module, args).await };
        let item = file_item(context, &path, None)?;
        let temp = context.remote_temp().await?;
        let place = remote_join(&temp, "source");
        args.insert("src", place.as_str());
        let source = match item.content {
            Content::Made(bytes) => ftl_core::call::Source::Bytes(bytes),
            Content::File(path) => ftl_core::call::Source::File(path),
        };
        let result = match context.transfer(source, &place, 0o600).await {
            Ok(()) => context.run_foreground(module, args).await,
            Err(failure) => Err(failure),
        };
        context.remote_remove(&temp).await;
        result
    })
}

/// An address without the user and the password in it.
fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_string() };
    let (place, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match place.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => format!("{scheme}://****:****@{host}{path}"),
        Some((_, host)) => format!("{scheme}://****@{host}{path}"),
        None => url.to_string(),
    }
}
