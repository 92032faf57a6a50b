//! `uri`: files that a request sends are brought to the host first.

use ftl_core::call::Source;
use ftl_core::value::{Map, Value, to_text};

use super::files::remote_join;
use super::{ActionContext, ActionFuture};
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        if context.keywords.check {
            let mut map = Map::new();
            map.insert("msg", "This action (uri) does not support check mode.");
            return Err(TaskFailure::Skipped(map));
        }
        let mut args = context.args.clone();
        let src = context.text("src").filter(|_| !context.flag("remote_src", false));
        let multipart = context.text("body_format").as_deref() == Some("form-multipart");
        if context.flag("remote_src", false) || (src.is_none() && !multipart) {
            return context.run_named("ansible.legacy.uri", args).await;
        }
        let temp = context.remote_temp().await?;
        let result = match bring(context, &mut args, src, &temp).await {
            Ok(()) => context.run_named("ansible.legacy.uri", args).await,
            Err(failure) => Err(failure),
        };
        if context.keywords.async_seconds == 0 {
            context.remote_remove(&temp).await;
        }
        result
    })
}

async fn bring(
    context: &ActionContext<'_>,
    args: &mut Map,
    src: Option<String>,
    temp: &str,
) -> Result<(), TaskFailure> {
    if let Some(src) = src {
        let place = send(context, &src, temp).await?;
        args.insert("src", place);
        return Ok(());
    }
    let Some(Value::Dict(body)) = args.get("body").cloned() else {
        let kind = args.get("body").map_or("NoneType".to_string(), crate::argument_spec::class_name);
        return Err(TaskFailure::plain(format!("body must be mapping, cannot be type {kind}")));
    };
    let mut fields = (*body.entries()).clone();
    for (_, value) in fields.iter_mut() {
        let Value::Dict(field) = value else { continue };
        let truthy = |key: &str| field.get(key).filter(Value::is_true);
        if let (Some(name), None) = (truthy("filename"), truthy("content")) {
            let place = send(context, &to_text(&name), temp).await?;
            let mut new = (*field.entries()).clone();
            new.insert("filename", place);
            *value = Value::dict(new);
        }
    }
    args.insert("body", Value::dict(fields));
    Ok(())
}

async fn send(context: &ActionContext<'_>, name: &str, temp: &str) -> Result<String, TaskFailure> {
    let path = context.find_file("files", name)?;
    let base = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let place = remote_join(temp, &base);
    context.transfer(Source::File(path), &place, 0o600).await?;
    Ok(place)
}
