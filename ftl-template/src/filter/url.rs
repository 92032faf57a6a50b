//! Filters over URLs.

use ftl_core::value::repr_str;
use ftl_core::{Map, Value};

use super::argument::strict_text;
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Value, Failure>;

/// The parts of a URL as Python's `urllib.parse.urlsplit` names them.
#[derive(Default)]
pub(crate) struct SplitUrl {
    pub(crate) scheme: String,
    pub(crate) netloc: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) fragment: String,
}

impl SplitUrl {
    pub(crate) fn parse(url: &str) -> Result<SplitUrl, Failure> {
        let url = url.trim_start_matches(|c: char| c <= ' ');
        let url: String = url.chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).collect();
        let mut out = SplitUrl::default();
        let mut rest = url.as_str();
        if let Some((scheme, after)) = rest.split_once(':') {
            let valid = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(valid) {
                out.scheme = scheme.to_lowercase();
                rest = after;
            }
        }
        if let Some(after) = rest.strip_prefix("//") {
            let end = after.find(['/', '?', '#']).unwrap_or(after.len());
            out.netloc = after[..end].into();
            rest = &after[end..];
            if out.netloc.contains('[') != out.netloc.contains(']') {
                return Err(Failure::value_error("Invalid IPv6 URL"));
            }
        }
        if let Some((before, fragment)) = rest.split_once('#') {
            out.fragment = fragment.into();
            rest = before;
        }
        if let Some((before, query)) = rest.split_once('?') {
            out.query = query.into();
            rest = before;
        }
        out.path = rest.into();
        Ok(out)
    }

    fn user_info(&self) -> Option<&str> {
        self.netloc.rsplit_once('@').map(|(info, _)| info)
    }

    pub(crate) fn username(&self) -> Option<&str> {
        self.user_info().map(|info| info.split_once(':').map_or(info, |(user, _)| user))
    }

    pub(crate) fn password(&self) -> Option<&str> {
        self.user_info().and_then(|info| info.split_once(':')).map(|(_, password)| password)
    }

    fn host_info(&self) -> (&str, Option<&str>) {
        let host = self.netloc.rsplit_once('@').map_or(self.netloc.as_str(), |(_, host)| host);
        let (name, port) = match host.split_once('[') {
            Some((_, bracketed)) => {
                let (name, after) = bracketed.split_once(']').unwrap_or((bracketed, ""));
                (name, after.split_once(':').map(|(_, port)| port))
            }
            None => match host.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (host, None),
            },
        };
        (name, port.filter(|p| !p.is_empty()))
    }

    pub(crate) fn hostname(&self) -> Option<String> {
        let name = self.host_info().0;
        (!name.is_empty()).then(|| match name.split_once('%') {
            Some((name, zone)) => format!("{}%{zone}", name.to_lowercase()),
            None => name.to_lowercase(),
        })
    }

    pub(crate) fn port(&self) -> Result<Option<i64>, Failure> {
        let Some(port) = self.host_info().1 else { return Ok(None) };
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            let port = repr_str(port);
            return Err(Failure::value_error(format!("Port could not be cast to integer value as {port}")));
        }
        match port.parse() {
            Ok(number @ 0..=65535) => Ok(Some(number)),
            _ => Err(Failure::value_error("Port out of range 0-65535")),
        }
    }
}

pub(super) fn urlsplit(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let query = args.take("query", 0).filter(Value::is_true);
    let alias = args.take("alias", 1).map_or_else(|| "urlsplit".to_string(), |v| ftl_core::value::to_text(&v));
    args.finish("split_url")?;
    let text = strict_text(&value, |kind| format!("'{kind}' object has no attribute 'decode'"))?;
    let url = SplitUrl::parse(&text)?;
    let optional = |text: Option<&str>| text.map_or(Value::None, Value::str);
    let parts: Map = [
        ("fragment", Value::str(url.fragment.as_str())),
        ("hostname", optional(url.hostname().as_deref())),
        ("netloc", Value::str(url.netloc.as_str())),
        ("password", optional(url.password())),
        ("path", Value::str(url.path.as_str())),
        ("port", url.port()?.map_or(Value::None, Value::Int)),
        ("query", Value::str(url.query.as_str())),
        ("scheme", Value::str(url.scheme.as_str())),
        ("username", optional(url.username())),
    ]
    .into_iter()
    .collect();
    match query {
        None => Ok(Value::dict(parts)),
        Some(name) => match parts.get_value(&name) {
            Some(part) => Ok(part.clone()),
            None => {
                let name = ftl_core::value::to_text(&name);
                Err(Failure::value_error(format!("{alias}: unknown URL component: {name}")))
            }
        },
    }
}

pub(super) fn urldecode(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    // The arguments of `unquote_plus`; every text here is UTF-8.
    let _ = (args.take("encoding", 0), args.take("errors", 1));
    args.finish("unquote_plus")?;
    let text = strict_text(&value, |kind| format!("'{kind}' object has no attribute 'replace'"))?;
    Ok(Value::str(percent_decode(&text.replace('+', " "))))
}

/// `urllib.parse.unquote`
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |i: usize| bytes.get(i).and_then(|b| (*b as char).to_digit(16));
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
