//! Lookups in files of fields: `csvfile`, `ini`.

use ftl_core::Value;
use ftl_core::value::repr_str;

use super::options::{IntOption, bool_option, only_text, parse_key_values, term_text, text_option, to_bool};
use super::search::{find_file_or_warn, read_encoded_text};
use crate::filter::argument::failure;
use crate::python_regex::{Flags, Regex};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Vec<Value>, Failure>;

const NUMBER: IntOption = IntOption { lookup: "csvfile", kind: "int" };

#[derive(Clone)]
struct CsvOptions {
    column: i64,
    key_column: i64,
    default: Option<Value>,
    delimiter: String,
    file: String,
}

pub(super) fn csvfile(evaluation: &Evaluation<'_>, terms: Vec<Value>, mut args: Arguments) -> Answer {
    let mut options = CsvOptions {
        column: NUMBER.take(&mut args, "col", 1)?,
        key_column: NUMBER.take(&mut args, "keycol", 0)?,
        default: args.take_named("default").filter(|v| !v.is_none()),
        delimiter: text_option(&mut args, "delimiter")?.unwrap_or_else(|| "TAB".into()),
        file: text_option(&mut args, "file")?.unwrap_or_else(|| "ansible.csv".into()),
    };
    let mut encoding = args.take_named("encoding").unwrap_or_else(|| Value::str("utf-8"));
    if terms.is_empty() {
        return Err(failure("Search key is required but was not found"));
    }
    let mut out = vec![];
    for term in &terms {
        let parsed = parse_key_values(&only_text(term, "split")?)?;
        let Some(key) = parsed.words else { return Err(failure("Search key is required but was not found")) };
        for (name, value) in parsed.pairs {
            match name.as_str() {
                "col" => options.column = NUMBER.read("col", &Value::str(value))?,
                "keycol" => options.key_column = NUMBER.read("keycol", &Value::str(value))?,
                "default" => options.default = Some(Value::str(value)),
                "delimiter" => options.delimiter = value,
                "file" => options.file = value,
                "encoding" => encoding = Value::str(value),
                _ => return Err(Failure::value_error(format!("{} is not a valid option", repr_str(&name)))),
            }
        }
        let delimiter = if options.delimiter == "TAB" { "\t" } else { &options.delimiter };
        let mut delimiters = delimiter.chars();
        let (Some(delimiter), None) = (delimiters.next(), delimiters.next()) else {
            return Err(Failure::type_error("\"delimiter\" must be a 1-character string"));
        };
        let Some(path) = find_file_or_warn(evaluation, "files", &options.file)? else {
            return Err(Failure::type_error("expected str, bytes or os.PathLike object, not NoneType"));
        };
        let text = read_encoded_text(evaluation, &path, &encoding)?;
        let mut found = options.default.clone();
        for row in rows(&text, delimiter) {
            let cell = |column: i64| {
                let at = if column < 0 { column.saturating_add(row.len() as i64) } else { column };
                usize::try_from(at)
                    .ok()
                    .and_then(|at| row.get(at))
                    .ok_or_else(|| Failure::lookup_error("list index out of range"))
            };
            if !row.is_empty() && *cell(options.key_column)? == key {
                found = Some(Value::str(cell(options.column)?.as_str()));
                break;
            }
        }
        match found {
            Some(Value::List(items)) => out.extend(items.items().iter().cloned()),
            Some(value) => out.push(value),
            None => {}
        }
    }
    Ok(out)
}

/// The rows of a CSV text in the dialect Python calls `excel`.
fn rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut out = vec![];
    let (mut row, mut field) = (vec![], String::new());
    let (mut quoted, mut started) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted => {
                if chars.next_if_eq(&'"').is_some() {
                    field.push('"');
                } else {
                    quoted = false;
                }
            }
            _ if quoted => field.push(c),
            '"' if field.is_empty() => {
                quoted = true;
                started = true;
            }
            '\r' | '\n' => {
                if c == '\r' {
                    chars.next_if_eq(&'\n');
                }
                if started || !field.is_empty() || !row.is_empty() {
                    row.push(std::mem::take(&mut field));
                }
                out.push(std::mem::take(&mut row));
                started = false;
            }
            c if c == delimiter => {
                row.push(std::mem::take(&mut field));
                started = true;
            }
            c => field.push(c),
        }
    }
    if started || !field.is_empty() || !row.is_empty() {
        row.push(field);
        out.push(row);
    }
    out
}

#[derive(Clone)]
struct IniOptions {
    kind: String,
    file: String,
    section: String,
    is_pattern: bool,
    default: Value,
    case_sensitive: bool,
    allow_no_value: bool,
    interpolation: bool,
    encoding: Value,
}

impl IniOptions {
    fn set(&mut self, name: &str, value: &Value) -> Result<bool, Failure> {
        match name {
            "type" => self.kind = term_text(value)?,
            "file" => self.file = term_text(value)?,
            "section" => self.section = term_text(value)?,
            "re" => self.is_pattern = to_bool(value)?,
            "default" => self.default = value.clone(),
            "case_sensitive" => self.case_sensitive = to_bool(value)?,
            "allow_no_value" | "allow_none" => self.allow_no_value = to_bool(value)?,
            "interpolation" => self.interpolation = to_bool(value)?,
            "encoding" => self.encoding = value.clone(),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

const INI_OPTIONS: [&str; 10] = [
    "type",
    "file",
    "section",
    "re",
    "encoding",
    "default",
    "case_sensitive",
    "allow_no_value",
    "allow_none",
    "interpolation",
];

pub(super) fn ini(evaluation: &Evaluation<'_>, terms: Vec<Value>, mut args: Arguments) -> Answer {
    let mut options = IniOptions {
        kind: "ini".into(),
        file: "ansible.ini".into(),
        section: "global".into(),
        is_pattern: bool_option(&mut args, "re", false)?,
        default: Value::str(""),
        case_sensitive: false,
        allow_no_value: false,
        interpolation: bool_option(&mut args, "interpolation", true)?,
        encoding: Value::str("utf-8"),
    };
    for name in INI_OPTIONS {
        if let Some(value) = args.take_named(name) {
            options.set(name, &value)?;
        }
    }
    if !matches!(options.kind.as_str(), "ini" | "properties") {
        let kind = repr_str(&options.kind);
        return Err(failure(format!("Invalid value {kind} for config 'type' for 'ini' lookup plugin.")));
    }
    let mut out = vec![];
    for term in &terms {
        let term = match term {
            Value::Str(text) => text.to_string(),
            other => {
                let kind = ftl_core::value::type_name(other);
                return Err(Failure::type_error(format!("argument of type '{kind}' is not iterable")));
            }
        };
        let key = inline_options(&term, &mut options)?;
        let Some(path) = find_file_or_warn(evaluation, "files", &options.file)? else {
            return Err(failure("Invalid filename None."));
        };
        let mut text = read_encoded_text(evaluation, &path, &options.encoding)?;
        if options.kind == "properties" {
            text.insert_str(0, "[java_properties]\n");
            options.section = "java_properties".into();
        }
        let ini = Ini::parse(&text, &options)?;
        let Some(section) = ini.section(&options.section) else {
            let (section, file) = (repr_str(&options.section), repr_str(&options.file));
            return Err(Failure::value_error(format!("No section {section} in {file}.")));
        };
        if options.is_pattern {
            let regex = Regex::new(&key, Flags::default())?;
            for (name, value) in &section {
                if regex.match_start(name)?.is_some() {
                    out.push(ini_value(&section, name, value, &options)?);
                }
            }
            continue;
        }
        let key = if options.case_sensitive { key } else { key.to_lowercase() };
        match section.iter().find(|(name, _)| *name == key) {
            Some((name, value)) => out.push(ini_value(&section, name, value, &options)?),
            None => match &options.default {
                Value::List(items) => out.extend(items.items().iter().cloned()),
                default => out.push(default.clone()),
            },
        }
    }
    out.retain(|value| !value.is_none());
    Ok(out)
}

/// `key section=x file=y`: the key; the options are set.
fn inline_options(term: &str, options: &mut IniOptions) -> Result<String, Failure> {
    if !term.contains('=') && !term.trim().contains(' ') {
        return Ok(term.into());
    }
    let mut key: Option<String> = None;
    let mut params: Vec<(String, String)> = vec![];
    let mut current = "key".to_string();
    for phrase in term.split_whitespace() {
        if phrase.contains('=') {
            for known in INI_OPTIONS {
                if phrase.contains(&format!("{known}=")) {
                    current = known.into();
                }
            }
        }
        match params.iter_mut().find(|(name, _)| *name == current) {
            Some((_, text)) => {
                text.push(' ');
                text.push_str(phrase);
            }
            None => params.push((current.clone(), phrase.into())),
        }
    }
    for (_, param) in &params {
        match param.split_once('=') {
            Some((name, value)) => {
                if value.contains('=') {
                    return Err(Failure::value_error(format!("Could not use {} from {term}.", repr_str(param))));
                }
                if !options.set(name, &Value::str(value))? {
                    return Err(failure(format!("{} is not a valid option.", repr_str(name))));
                }
            }
            None if key.is_none() => key = Some(param.clone()),
            None => {}
        }
    }
    key.ok_or_else(|| {
        Failure::value_error(format!(
            "No key to look up was provided as first term within string inline options: {term}"
        ))
    })
}

type Section = Vec<(String, Option<String>)>;

/// What Python's `configparser` reads.
struct Ini {
    sections: Vec<(String, Section)>,
}

impl Ini {
    fn parse(text: &str, options: &IniOptions) -> Result<Ini, Failure> {
        let mut ini = Ini { sections: vec![("DEFAULT".into(), vec![])] };
        let mut current: Option<usize> = None;
        let mut indent_of_option = 0;
        let mut in_option = false;
        for (number, line) in text.lines().enumerate() {
            let content = line.trim();
            if content.starts_with(['#', ';']) {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            if content.is_empty() {
                // Empty lines belong to a value that goes on.
                if in_option
                    && let Some(section) = current
                    && let Some((_, Some(value))) = ini.sections[section].1.last_mut()
                {
                    value.push('\n');
                }
                continue;
            }
            if in_option
                && indent > indent_of_option
                && let Some(section) = current
            {
                if let Some((_, Some(value))) = ini.sections[section].1.last_mut() {
                    value.push('\n');
                    value.push_str(content);
                }
                continue;
            }
            in_option = false;
            if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.rfind(']').map(|end| &rest[..end])) {
                let known = ini.sections.iter().position(|(n, _)| n == name);
                if let Some(at) = known {
                    if name != "DEFAULT" {
                        return Err(Failure::value_error(format!(
                            "While reading from '<???>' [line {:>2}]: section {} already exists",
                            number + 1,
                            repr_str(name)
                        )));
                    }
                    current = Some(at);
                } else {
                    ini.sections.push((name.into(), vec![]));
                    current = Some(ini.sections.len() - 1);
                }
                continue;
            }
            let Some(section) = current else {
                return Err(Failure::value_error(format!(
                    "File contains no section headers.\nfile: '<???>', line: {}\n{}",
                    number + 1,
                    repr_str(&format!("{line}\n"))
                )));
            };
            let (name, value) = match content.find(['=', ':']) {
                Some(0) | None if !options.allow_no_value || content.starts_with(['=', ':']) => {
                    return Err(Failure::value_error(format!(
                        "Source contains parsing errors: '<???>'\n\t[line {:>2}]: {}",
                        number + 1,
                        repr_str(&format!("{line}\n"))
                    )));
                }
                Some(at) => (content[..at].trim_end(), Some(content[at + 1..].trim().to_string())),
                None => (content, None),
            };
            let name = if options.case_sensitive { name.to_string() } else { name.to_lowercase() };
            let entries = &mut ini.sections[section].1;
            if entries.iter().any(|(known, _)| *known == name) {
                return Err(Failure::value_error(format!("Duplicate option in {}.", repr_str(&options.file))));
            }
            entries.push((name, value));
            in_option = true;
            indent_of_option = indent;
        }
        for (_, section) in &mut ini.sections {
            for (_, value) in section.iter_mut() {
                if let Some(value) = value {
                    value.truncate(value.trim_end().len());
                }
            }
        }
        Ok(ini)
    }

    /// The options of a section with those of `[DEFAULT]` below.
    fn section(&self, name: &str) -> Option<Section> {
        let own = &self.sections.iter().find(|(n, _)| n == name)?.1;
        let mut out = self.sections[0].1.clone();
        if name == "DEFAULT" {
            return Some(out);
        }
        for (key, value) in own {
            match out.iter_mut().find(|(k, _)| k == key) {
                Some(entry) => entry.1 = value.clone(),
                None => out.push((key.clone(), value.clone())),
            }
        }
        Some(out)
    }
}

fn ini_value(section: &Section, name: &str, value: &Option<String>, options: &IniOptions) -> Result<Value, Failure> {
    match value {
        None => Ok(Value::None),
        Some(text) if options.interpolation => interpolate(section, name, text, 1).map(Value::str),
        Some(text) => Ok(Value::str(text.as_str())),
    }
}

/// `%(name)s` and `%%`
fn interpolate(section: &Section, name: &str, text: &str, depth: usize) -> Result<String, Failure> {
    if depth > 10 {
        return Err(Failure::value_error(format!(
            "Recursion limit exceeded in value substitution: option {} contains an interpolation key which cannot be \
             substituted",
            repr_str(name)
        )));
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
        } else if let Some((key, after)) = rest.strip_prefix('(').and_then(|r| r.split_once(")s")) {
            let found = section.iter().find(|(known, _)| *known == key.to_lowercase());
            let Some((_, value)) = found else {
                return Err(Failure::value_error(format!(
                    "Bad value substitution: option {} contains an interpolation key {} which is not a valid option \
                     name. Raw value: {}",
                    repr_str(name),
                    repr_str(key),
                    repr_str(text)
                )));
            };
            out.push_str(&interpolate(section, name, value.as_deref().unwrap_or(""), depth + 1)?);
            rest = after;
        } else {
            return Err(Failure::value_error(format!(
                "'%' must be followed by '%' or '(', found: {}",
                repr_str(&format!("%{rest}"))
            )));
        }
    }
    out.push_str(rest);
    Ok(out)
}
