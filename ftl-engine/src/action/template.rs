//! `template`: a file rendered on the controller, then copied.

use std::path::{Path, PathBuf};

use ftl_core::source::Origin;
use ftl_core::value::{Map, Str, Value, repr, to_text};
use ftl_template::{FileOptions, template_variables};

use super::copy::{Content, Item, copy_one, fail};
use super::files::missing_file;
use super::{ActionContext, ActionFuture};
use crate::argument_spec::class_name;
use crate::task::TaskFailure;

/// Arguments that only text (or a number) will do for.
const TEXTS: [&str; 10] = [
    "src",
    "dest",
    "state",
    "newline_sequence",
    "variable_start_string",
    "variable_end_string",
    "block_start_string",
    "block_end_string",
    "comment_start_string",
    "comment_end_string",
];

/// Options of rendering, which the copy does not know.
const RENDERING: [&str; 11] = [
    "newline_sequence",
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "trim_blocks",
    "lstrip_blocks",
    "output_encoding",
    "src",
];

pub(super) fn run<'a>(context: &'a ActionContext<'a>) -> ActionFuture<'a> {
    Box::pin(async move {
        for name in TEXTS {
            if let Some(value @ (Value::List(_) | Value::Dict(_) | Value::Tuple(_))) = context.arg(name) {
                let shown = repr(value);
                return Err(TaskFailure::message(format!("Invalid value provided for 'string': {shown}")));
            }
        }
        if context.arg("state").is_some() {
            return Err(TaskFailure::plain("'state' cannot be specified on a template"));
        }
        let (Some(src), Some(dest)) = (context.text("src"), context.text("dest")) else {
            return Err(TaskFailure::plain("src and dest are required"));
        };
        let options = options(context)?;
        let path = context.find_file("templates", &src).map_err(|failure| match failure {
            TaskFailure::Error(error) => missing_file(error.one_line()),
            other => other,
        })?;
        let text = render(context, &src, &path, &dest, options)?;
        let bytes = encode(&text, context)?;
        if context.arg("content").is_some() {
            return Err(fail("src and content are mutually exclusive"));
        }
        if dest.is_empty() {
            return Err(fail("dest is required"));
        }
        let mut args: Map = context
            .args
            .iter()
            .filter(|(k, _)| !k.as_str().is_some_and(|k| RENDERING.contains(&k)))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if args.get("mode").is_some_and(|m| m.as_str() == Some("preserve")) {
            args.insert("mode", mode_of(&path));
        }
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let item = Item {
            content: Content::Made(bytes.into()),
            name,
            shown: path.to_string_lossy().into_owned(),
            is_text: false,
        };
        let dest = context.remote_expand(&dest).await?;
        Ok(copy_one(context, &args, &item, &dest, context.flag("follow", false)).await?.unwrap_or_else(|| {
            let mut result = Map::new();
            result.insert("dest", dest.as_str());
            result.insert("src", path.to_string_lossy().into_owned());
            result.insert("changed", false);
            result
        }))
    })
}

fn mode_of(path: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    let mode = path.metadata().map(|m| m.permissions().mode() & 0o7777).unwrap_or(0o644);
    format!("0{mode:03o}")
}

fn options(context: &ActionContext<'_>) -> Result<FileOptions, TaskFailure> {
    let defaults = FileOptions::default();
    let newline = match context.args.get("newline_sequence").map_or("\n".into(), to_text).as_str() {
        "\\n" | "\n" => "\n",
        "\\r" | "\r" => "\r",
        "\\r\\n" | "\r\n" => "\r\n",
        _ => return Err(TaskFailure::plain("newline_sequence needs to be one of: \n, \r or")),
    };
    let text = |key: &str, default: &str| match context.args.get(key) {
        None => Ok(default.to_string()),
        Some(Value::None) => Err(TaskFailure::message(format!(
            "TemplateOverrides.{key} must be <class 'str'> instead of <class 'NoneType'>"
        ))),
        Some(value) => Ok(to_text(value)),
    };
    Ok(FileOptions {
        variable_start: text("variable_start_string", &defaults.variable_start)?,
        variable_end: text("variable_end_string", &defaults.variable_end)?,
        block_start: text("block_start_string", &defaults.block_start)?,
        block_end: text("block_end_string", &defaults.block_end)?,
        comment_start: text("comment_start_string", &defaults.comment_start)?,
        comment_end: text("comment_end_string", &defaults.comment_end)?,
        newline_sequence: newline.into(),
        trim_blocks: context.flag("trim_blocks", true),
        lstrip_blocks: context.flag("lstrip_blocks", false),
        ..defaults
    })
}

fn render(
    context: &ActionContext<'_>,
    src: &str,
    path: &Path,
    dest: &str,
    mut options: FileOptions,
) -> Result<String, TaskFailure> {
    let text = context.step.run.loader.read_text(path)?;
    let mut search = context.step.search_path();
    search.push(context.step.play.base_dir.clone());
    search.extend(path.parent().map(Path::to_path_buf));
    options.search_path = search.iter().flat_map(|p| [p.join("templates"), p.clone()]).collect::<Vec<PathBuf>>();
    let managed = context.scope_value("ansible_managed").is_none();
    let variables = template_variables(context.renderer.shared(), src, path, Some(dest), managed)?;
    let renderer = context.renderer.with_variables(variables);
    let shown = path.to_string_lossy().into_owned();
    Ok(renderer.render_file(&Str::trusted(text, Some(Origin::file(shown))), &options)?)
}

fn encode(text: &str, context: &ActionContext<'_>) -> Result<Vec<u8>, TaskFailure> {
    let encoding = match context.arg("output_encoding").filter(|e| e.is_true()) {
        None => "utf-8",
        Some(Value::Str(name)) => name.as_str(),
        Some(other) => {
            let kind = class_name(other);
            return Err(TaskFailure::message(format!("encode() argument 'encoding' must be str, not {kind}")));
        }
    };
    let normal = encoding.to_lowercase().replace(['-', '_'], "");
    match normal.as_str() {
        "utf8" => Ok(text.as_bytes().to_vec()),
        "utf8sig" => Ok([b"\xef\xbb\xbf", text.as_bytes()].concat()),
        "ascii" | "usascii" => {
            bytes(text, "ascii", "ordinal not in range(128)", |c| u8::try_from(c).ok().filter(u8::is_ascii))
        }
        "latin1" | "iso88591" | "l1" => bytes(text, "latin-1", "ordinal not in range(256)", |c| u8::try_from(c).ok()),
        "windows1252" | "cp1252" => bytes(text, "charmap", "character maps to <undefined>", cp1252),
        "utf16le" => Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        "utf16be" => Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        "utf16" => Ok([0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()),
        _ => Err(TaskFailure::plain(format!("output_encoding '{encoding}' is not supported yet"))),
    }
}

/// One byte per character; the error is that of Python's `codec`.
fn bytes(text: &str, codec: &str, why: &str, byte_of: fn(char) -> Option<u8>) -> Result<Vec<u8>, TaskFailure> {
    let encoded: Option<Vec<u8>> = text.chars().map(byte_of).collect();
    encoded.ok_or_else(|| {
        let wrong = |c: char| byte_of(c).is_none();
        let first = text.chars().take_while(|c| !wrong(*c)).count();
        let run: Vec<char> = text.chars().skip(first).take_while(|c| wrong(*c)).collect();
        let place = match run.as_slice() {
            [one] => format!("character '{}' in position {first}", escaped(*one)),
            more => format!("characters in position {first}-{}", first + more.len().max(1) - 1),
        };
        TaskFailure::message(format!("'{codec}' codec can't encode {place}: {why}"))
    })
}

fn escaped(c: char) -> String {
    match c as u32 {
        n @ 0..=0xff => format!("\\x{n:02x}"),
        n @ 0..=0xffff => format!("\\u{n:04x}"),
        n => format!("\\U{n:08x}"),
    }
}

fn cp1252(c: char) -> Option<u8> {
    const HIGH: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    match c as u32 {
        n @ (0..=0x7f | 0xa0..=0xff) => Some(n as u8),
        _ => HIGH.chars().position(|h| h == c).map(|i| 0x80 + i as u8),
    }
}
