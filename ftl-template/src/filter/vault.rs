//! The filters `vault` and `unvault`.

use std::sync::Arc;

use ftl_core::Value;
use ftl_core::source::{Diagnostic, Removal};
use ftl_core::value::{Str, to_text};
use ftl_core::vault::{VaultSecrets, is_encrypted};

use super::argument::failure;
use super::structure::python_class;
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Value, Failure>;

fn bytes(value: &Value, complaint: &str) -> Result<Vec<u8>, Failure> {
    match value {
        Value::Str(text) => Ok(text.as_bytes().to_vec()),
        Value::Bytes(bytes) => Ok(bytes.to_vec()),
        Value::Undefined(marker) => Err(Failure::undefined(marker.clone())),
        other => Err(Failure::type_error(format!("{complaint}, instead we got {}.", python_class(other)))),
    }
}

/// `vault_id`, or the undocumented `vaultid` in its place.
fn vault_id(evaluation: &Evaluation<'_>, given: Option<Value>, old: Option<Value>) -> String {
    let id = given.map_or_else(|| "filter_default".to_string(), |v| to_text(&v));
    let Some(old) = old else { return id };
    let deprecation = Diagnostic::deprecation("Use of undocumented `vaultid`.").hint("Use `vault_id` instead.");
    evaluation.warn(deprecation.removed(Removal::core("2.20")));
    if id == "filter_default" {
        return to_text(&old);
    }
    evaluation.warn(Diagnostic::warning("Ignoring vaultid as vault_id is already set."));
    id
}

pub(super) fn vault(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let secret = args.require("do_vault", "secret", 0)?;
    let salt = args.take_given("salt", 1);
    let id = args.take("vault_id", 2);
    let as_object = args.take("wrap_object", 3).is_some_and(|wanted| wanted.is_true());
    let old_id = args.take_given("vaultid", 4);
    args.finish("do_vault")?;
    let secret = bytes(&secret, "Secret passed is required to be a string")?;
    let data = bytes(&value, "Can only vault strings")?;
    let id = vault_id(evaluation, id, old_id);
    if salt.is_none() {
        evaluation.impure();
    }
    let salt = salt.map(|salt| to_text(&salt).into_bytes());
    let text = VaultSecrets::encrypt_with_secret(&data, &secret, Some(&id), salt.as_deref())
        .map_err(|cause| failure("Unable to encrypt.").caused_by(cause))?;
    if as_object {
        // As an inline `!vault` value of a file: its envelope goes where it is stored, its text where it is used.
        return Ok(Value::Str(Str::decrypted(to_text(&value), Arc::from(text), evaluation.origin().cloned())));
    }
    Ok(Value::str(text))
}

pub(super) fn unvault(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let secret = args.require("do_unvault", "secret", 0)?;
    let id = args.take("vault_id", 1);
    let old_id = args.take_given("vaultid", 2);
    args.finish("do_unvault")?;
    let secret = bytes(&secret, "Secret passed is required to be as string")?;
    let data = match &value {
        Value::Undefined(marker) if marker.envelope.is_some() => {
            marker.envelope.as_deref().unwrap_or_default().as_bytes().to_vec()
        }
        Value::Str(text) => match text.envelope() {
            Some(envelope) => envelope.as_bytes().to_vec(),
            None => text.as_bytes().to_vec(),
        },
        other => bytes(other, "Vault should be in the form of a string")?,
    };
    let id = vault_id(evaluation, id, old_id);
    if !is_encrypted(&data) {
        return Ok(Value::str(String::from_utf8_lossy(&data).into_owned()));
    }
    let plain = VaultSecrets::new(vec![(id, secret)], false)
        .decrypt(&data)
        .map_err(|cause| failure("Unable to decrypt.").caused_by(cause))?;
    Ok(Value::str(String::from_utf8_lossy(&plain).into_owned()))
}
