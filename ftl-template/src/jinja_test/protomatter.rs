//! `ansible._protomatter.tagged_with`: is something known about a value?

use ftl_core::Value;
use ftl_core::value::repr;

use crate::Evaluation;
use crate::call::{Arguments, Failure};

pub(super) fn tagged_with(_: &Evaluation<'_>, value: Value, mut arguments: Arguments) -> Result<bool, Failure> {
    let name = arguments.require("tagged_with", "tag_name", 0)?;
    arguments.finish("tagged_with")?;
    match name.as_str() {
        Some(name @ ("Origin" | "TrustedAsTemplate" | "VaultedValue")) => {
            Ok(crate::filter::tags(&value).contains(&name))
        }
        Some("Deprecated" | "SourceWasEncrypted") => Ok(false),
        _ => Err(Failure::value_error(format!("Unknown tag name {}.", repr(&name)))),
    }
}
