//! Tests on the form of URIs.

use ftl_core::Value;

use crate::filter::argument::defined_items;
use crate::filter::url::SplitUrl;
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<bool, Failure>;

/// The URL when it has one of the schemes; anything that cannot be taken apart is no URI.
fn parse(value: &Value, schemes: Option<Value>) -> Result<Option<SplitUrl>, Failure> {
    let Value::Str(text) = value else { return Ok(None) };
    let Ok(url) = SplitUrl::parse(text.as_str()) else { return Ok(None) };
    let accepted = match schemes.filter(Value::is_true) {
        None => true,
        Some(Value::Str(names)) => names.contains(&url.scheme),
        Some(names) => match defined_items(&names) {
            Ok(names) => names.iter().any(|n| n.as_str() == Some(&url.scheme)),
            Err(_) => false,
        },
    };
    Ok(accepted.then_some(url))
}

pub(super) fn uri(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let schemes = args.take_given("schemes", 0);
    args.finish("is_uri")?;
    // Python takes nothing apart into nothing, without an error.
    Ok((value.is_none() && schemes.is_none()) || parse(&value, schemes)?.is_some())
}

pub(super) fn url(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let schemes = args.take_given("schemes", 0);
    args.finish("is_url")?;
    Ok(parse(&value, schemes)?.is_some_and(|url| !url.netloc.is_empty() || url.scheme == "file"))
}

pub(super) fn urn(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("is_urn")?;
    Ok(parse(&value, Some(Value::list(vec![Value::str("urn")])))?.is_some())
}
