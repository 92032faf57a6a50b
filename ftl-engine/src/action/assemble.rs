//! `assemble`: one file from the fragments in a directory.

use std::path::Path;

use ftl_core::call::Source;
use ftl_core::value::{Map, Value};
use ftl_template::python_regex::{Flags, Regex};

use super::copy::{Content, Item};
use super::files::remote_join;
use super::{ActionContext, ActionFuture, copy_diff};
use crate::argument_spec::class_name;
use crate::task::TaskFailure;

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        if context.arg("src").is_none() || context.arg("dest").is_none() {
            return Err(TaskFailure::plain("src and dest are required"));
        }
        let mut args = context.args.clone();
        args.remove("decrypt");
        if context.flag("remote_src", true) {
            return context.run_named("ansible.legacy.assemble", args).await;
        }
        let src = context.only_text("src", "startswith")?.unwrap_or_default();
        let path = context.find_file("files", src)?;
        if !path.is_dir() {
            return Err(TaskFailure::plain(format!("Source ({}) is not a directory", path.display())));
        }
        let content = assembled(context, &path)?;
        let dest = context.remote_expand(context.only_text("dest", "startswith")?.unwrap_or_default()).await?;
        for key in ["remote_src", "regexp", "delimiter", "ignore_hidden"] {
            args.remove(key);
        }
        args.insert("dest", dest.as_str());
        let diff = match context.keywords.diff {
            true => {
                let content = Content::Made(content.clone().into());
                let item = Item { content, name: "src".into(), shown: src.to_string(), is_text: false };
                Some(copy_diff::diff(context, &dest, &item).await?)
            }
            false => None,
        };
        let temp = context.remote_temp().await?;
        // The module compares what is there with what comes, and looks at `validate` and all the rest.
        let result = place(context, content, args, &temp).await;
        context.remote_remove(&temp).await;
        let mut result = result?;
        if let Some(diff) = diff {
            result.insert("diff", Value::dict(diff));
        }
        Ok(result)
    })
}

async fn place(context: &ActionContext<'_>, content: Vec<u8>, mut args: Map, temp: &str) -> Result<Map, TaskFailure> {
    let remote = remote_join(temp, "src");
    context.transfer(Source::Bytes(content.into()), &remote, 0o600).await?;
    args.insert("src", remote);
    let module = context.find_module("ansible.legacy.copy")?;
    context.run_foreground(module, args).await
}

fn assembled(context: &ActionContext<'_>, dir: &Path) -> Result<Vec<u8>, TaskFailure> {
    let io = |e: std::io::Error| TaskFailure::plain(format!("{}: {e}", dir.display()));
    let regex = match context.arg("regexp") {
        None => None,
        Some(Value::Str(pattern)) => {
            Some(Regex::new(pattern, Flags::default()).map_err(|e| TaskFailure::message(e.to_string()))?)
        }
        Some(other) => {
            return Err(TaskFailure::message(format!("{} is no regular expression", class_name(other))));
        }
    };
    let mut delimiter = match context.arg("delimiter").filter(|d| d.is_true()) {
        None => None,
        Some(Value::Str(text)) => Some(text.as_bytes().to_vec()),
        Some(other) => return Err(TaskFailure::message(format!("{} is no delimiter", class_name(other)))),
    };
    // Any value that Python takes for true, the text `no` among them.
    let truthy = |name: &str, default| context.args.get(name).map_or(default, Value::is_true);
    let (ignore_hidden, decrypt) = (truthy("ignore_hidden", false), truthy("decrypt", true));
    let names: Result<Vec<_>, _> = std::fs::read_dir(dir).and_then(|all| all.map(|e| Ok(e?.file_name())).collect());
    let mut names = names.map_err(io)?;
    names.sort();
    let mut out: Vec<u8> = vec![];
    let (mut delimit, mut newline) = (false, false);
    for name in names {
        let shown = name.to_string_lossy();
        if let Some(regex) = &regex
            && regex.search(&shown).map_err(|e| TaskFailure::plain(e.to_string()))?.is_none()
        {
            continue;
        }
        let path = dir.join(&name);
        if !path.is_file() || (ignore_hidden && shown.starts_with('.')) {
            continue;
        }
        let content = match decrypt {
            true => context.step.run.loader.read(&path)?,
            false => std::fs::read(&path).map_err(io)?,
        };
        if newline {
            out.push(b'\n');
        }
        if let (true, Some(delimiter)) = (delimit, &mut delimiter) {
            // Ansible unescapes anew for every fragment what it unescaped before.
            *delimiter = unescape(delimiter).map_err(TaskFailure::message)?;
            out.extend_from_slice(delimiter);
            out.push(b'\n');
        }
        newline = !content.ends_with(b"\n");
        delimit = true;
        out.extend(content);
    }
    Ok(out)
}

/// The escapes of a Python byte string.
fn unescape(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(&escaped) = text.get(at) else { return Err("Trailing \\ in string".into()) };
        at += 1;
        match escaped {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => out.push(escaped),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b't' => out.push(b'\t'),
            b'n' => out.push(b'\n'),
            b'v' => out.push(11),
            b'f' => out.push(12),
            b'r' => out.push(b'\r'),
            b'0'..=b'7' => {
                let more = text[at..].iter().take(2).take_while(|b| (b'0'..=b'7').contains(b)).count();
                let digits = &text[at - 1..at + more];
                out.push(digits.iter().fold(0u16, |n, d| n * 8 + u16::from(d - b'0')) as u8);
                at += more;
            }
            b'x' => {
                let digits = text.get(at..at + 2).and_then(|d| std::str::from_utf8(d).ok());
                let byte = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
                let Some(byte) = byte.and_then(|d| u8::from_str_radix(d, 16).ok()) else {
                    return Err(format!("invalid \\x escape at position {}", at - 2));
                };
                out.push(byte);
                at += 2;
            }
            other => out.extend([b'\\', other]),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_python_reads_them() {
        // Recorded from codecs.escape_decode.
        for (text, expected) in [
            ("--\\n\\x41\\t", Ok(&b"--\nA\t"[..])),
            ("a\\\\n\\q\\101\\0\\18", Ok(b"a\\n\\qA\x00\x018")),
            ("\\777\\é", Ok(b"\xff\\\xc3\xa9")),
            ("a\\x4", Err("invalid \\x escape at position 1".to_string())),
            ("\\x+1", Err("invalid \\x escape at position 0".to_string())),
            ("a\\", Err("Trailing \\ in string".to_string())),
        ] {
            assert_eq!(unescape(text.as_bytes()), expected.map(<[u8]>::to_vec), "{text}");
        }
    }
}
