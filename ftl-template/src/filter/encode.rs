//! Filters that encode, hash and quote text.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ftl_core::Value;
use ftl_core::value::{repr_str, to_text, type_name};
use sha1::Digest;

use super::argument::{strict_text, text_of};
use crate::{Arguments, Evaluation, Failure};

type Answer = Result<Value, Failure>;

/// `to_bytes(value)`: the UTF-8 of the text; bytes as they are.
fn bytes_of(value: &Value) -> Result<Vec<u8>, Failure> {
    match value {
        Value::Bytes(bytes) => Ok(bytes.to_vec()),
        other => text_of(other).map(String::into_bytes),
    }
}

fn normal_encoding(value: &Value) -> String {
    to_text(value).to_lowercase().replace(['-', '_', ' '], "")
}

fn encode_text(text: &str, encoding: &Value) -> Result<Vec<u8>, Failure> {
    let name = normal_encoding(encoding);
    let units = |big: bool, mark: bool| {
        let mut out: Vec<u8> = if mark { vec![0xff, 0xfe] } else { vec![] };
        for unit in text.encode_utf16() {
            out.extend(if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
        }
        out
    };
    match name.as_str() {
        "utf8" => Ok(text.as_bytes().to_vec()),
        "utf16le" => Ok(units(false, false)),
        "utf16be" => Ok(units(true, false)),
        "utf16" => Ok(units(false, true)),
        "ascii" | "usascii" | "latin1" | "iso88591" => {
            let (limit, codec) = if name.ends_with("ascii") { (0x80, "ascii") } else { (0x100, "latin-1") };
            text.chars()
                .enumerate()
                .map(|(at, c)| match c as u32 {
                    code if code < limit => Ok(code as u8),
                    code => Err(Failure::value_error(format!(
                        "'{codec}' codec can't encode character {} in position {at}: ordinal not in range({limit})",
                        escaped_code(code)
                    ))),
                })
                .collect()
        }
        _ => Err(unknown_encoding(encoding)),
    }
}

fn escaped_code(code: u32) -> String {
    match code {
        0..=0xff => format!("'\\x{code:02x}'"),
        0x100..=0xffff => format!("'\\u{code:04x}'"),
        _ => format!("'\\U{code:08x}'"),
    }
}

fn unknown_encoding(encoding: &Value) -> Failure {
    Failure::lookup_error(format!("unknown encoding: {}", to_text(encoding)))
}

pub(crate) fn decode_text(bytes: &[u8], encoding: &Value) -> Result<String, Failure> {
    let units = |big: bool, bytes: &[u8]| {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|p| if big { u16::from_be_bytes([p[0], p[1]]) } else { u16::from_le_bytes([p[0], p[1]]) })
            .collect();
        String::from_utf16_lossy(&units)
    };
    Ok(match normal_encoding(encoding).as_str() {
        // Ansible keeps bytes that are no UTF-8 as lone surrogates, which our texts cannot hold.
        "utf8" => String::from_utf8_lossy(bytes).into_owned(),
        "utf16le" => units(false, bytes),
        "utf16be" => units(true, bytes),
        "utf16" => match bytes {
            [0xfe, 0xff, rest @ ..] => units(true, rest),
            [0xff, 0xfe, rest @ ..] => units(false, rest),
            rest => units(false, rest),
        },
        "ascii" | "usascii" => bytes.iter().map(|b| if *b < 0x80 { *b as char } else { '\u{fffd}' }).collect(),
        "latin1" | "iso88591" | "l1" => bytes.iter().map(|b| *b as char).collect(),
        "iso885915" | "latin9" => bytes.iter().map(|b| latin9(*b)).collect(),
        "utf8sig" => String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).into_owned(),
        _ => return Err(unknown_encoding(encoding)),
    })
}

/// ISO 8859-15: Latin 1 with the euro and seven letters in other places.
fn latin9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        other => other as char,
    }
}

pub(super) fn b64encode(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let encoding = args.take("encoding", 0).unwrap_or_else(|| Value::str("utf-8"));
    let url_safe = args.take_bool("urlsafe", 1, false);
    args.finish("b64encode")?;
    let bytes = match &value {
        Value::Bytes(bytes) => bytes.to_vec(),
        other => encode_text(&text_of(other)?, &encoding)?,
    };
    let engine =
        if url_safe { &base64::engine::general_purpose::URL_SAFE } else { &base64::engine::general_purpose::STANDARD };
    Ok(Value::str(engine.encode(bytes)))
}

pub(super) fn b64decode(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let encoding = args.take("encoding", 0).unwrap_or_else(|| Value::str("utf-8"));
    let url_safe = args.take_bool("urlsafe", 1, false);
    args.finish("b64decode")?;
    let bytes = decode_base64(&bytes_of(&value)?, url_safe)?;
    Ok(Value::str(decode_text(&bytes, &encoding)?))
}

/// Python's lenient decoder: characters outside of the alphabet are skipped, what follows the padding too.
fn decode_base64(text: &[u8], url_safe: bool) -> Result<Vec<u8>, Failure> {
    let mut kept = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'-' if url_safe => kept.push(b'+'),
            b'_' if url_safe => kept.push(b'/'),
            b'=' if kept.len() % 4 >= 2 => {
                let padding = 4 - kept.len() % 4;
                if text.iter().filter(|b| **b == b'=').count() < padding {
                    return Err(Failure::value_error("Incorrect padding"));
                }
                break;
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => kept.push(byte),
            _ => {}
        }
    }
    let padded = text.contains(&b'=');
    match kept.len() % 4 {
        1 => {
            return Err(Failure::value_error(format!(
                "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
                kept.len()
            )));
        }
        2 | 3 if !padded => return Err(Failure::value_error("Incorrect padding")),
        _ => {}
    }
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&alphabet::STANDARD, lenient).decode(kept).map_err(|e| Failure::value_error(e.to_string()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The digest of an algorithm of Python's `hashlib`.
fn digest(algorithm: &str, data: &[u8]) -> Option<String> {
    Some(match algorithm.to_lowercase().replace('-', "_").as_str() {
        "md5" => hex(&md5::Md5::digest(data)),
        "sha1" => hex(&sha1::Sha1::digest(data)),
        "sha224" | "sha2_224" => hex(&sha2::Sha224::digest(data)),
        "sha256" | "sha2_256" => hex(&sha2::Sha256::digest(data)),
        "sha384" | "sha2_384" => hex(&sha2::Sha384::digest(data)),
        "sha512" | "sha2_512" => hex(&sha2::Sha512::digest(data)),
        "sha512_224" => hex(&sha2::Sha512_224::digest(data)),
        "sha512_256" => hex(&sha2::Sha512_256::digest(data)),
        _ => return None,
    })
}

fn fixed_digest(algorithm: &str, value: Value, args: Arguments) -> Answer {
    args.finish("secure_hash_s")?;
    let data = bytes_of(&value)?;
    digest(algorithm, &data).map(Value::str).ok_or_else(|| Failure::unsupported(algorithm))
}

pub(super) fn md5(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    fixed_digest("md5", value, args)
}

pub(super) fn sha1(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    fixed_digest("sha1", value, args)
}

pub(super) fn hash(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let algorithm = args.take("hashtype", 0).map_or_else(|| "sha1".to_string(), |v| to_text(&v));
    args.finish("get_hash")?;
    let data = bytes_of(&value)?;
    match digest(&algorithm, &data) {
        Some(text) => Ok(Value::str(text)),
        None if matches!(&*algorithm, "blake2b" | "blake2s" | "sha3_224" | "sha3_256" | "sha3_384" | "sha3_512") => {
            Err(Failure::unsupported(format!("the hash '{algorithm}'")))
        }
        None => Err(Failure::value_error(format!("unsupported hash type {algorithm}"))),
    }
}

/// The namespace Ansible chose for itself.
const NAMESPACE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

pub(super) fn to_uuid(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let namespace = args.take("namespace", 0).map_or_else(|| NAMESPACE.to_string(), |v| to_text(&v));
    args.finish("to_uuid")?;
    // Python's UUID takes any spelling of 32 hexadecimal digits.
    let digits = namespace.replace("urn:", "").replace("uuid:", "");
    let digits = digits.trim_matches(|c| c == '{' || c == '}').replace('-', "");
    let Some(space) = (digits.len() == 32).then(|| uuid::Uuid::try_parse(&digits).ok()).flatten() else {
        return Err(Failure::value_error(format!(
            "Invalid value '{namespace}' for 'namespace': badly formed hexadecimal UUID string"
        )));
    };
    Ok(Value::str(uuid::Uuid::new_v5(&space, text_of(&value)?.as_bytes()).to_string()))
}

pub(super) fn quote(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("quote")?;
    let text = if value.is_none() { String::new() } else { text_of(&value)? };
    Ok(Value::str(quote_for_shell(&text)))
}

/// Python's `shlex.quote`.
pub(crate) fn quote_for_shell(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if text.is_empty() {
        "''".into()
    } else if text.chars().all(safe) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }
}

pub(super) fn split(_: &Evaluation<'_>, value: Value, mut args: Arguments) -> Answer {
    let separator = args.take_given("sep", 0);
    let limit = args.take("maxsplit", 1).map_or(Ok(-1), |v| super::argument::index(&v))?;
    args.finish("split")?;
    let complaint = |kind: &str| format!("descriptor 'split' for 'str' objects doesn't apply to a '{kind}' object");
    let text = strict_text(&value, complaint)?;
    let limit = if limit < 0 { usize::MAX } else { limit as usize };
    let pieces: Vec<Value> = match separator {
        Some(separator) => {
            let separator = strict_text(&separator, |kind| format!("must be str or None, not {kind}"))?;
            if separator.is_empty() {
                return Err(Failure::value_error("empty separator"));
            }
            text.splitn(limit.saturating_add(1), &*separator).map(Value::str).collect()
        }
        None => split_whitespace(&text, limit).into_iter().map(Value::str).collect(),
    };
    Ok(Value::list(pieces))
}

/// Python's `str.split()` without a separator.
pub(crate) fn split_whitespace(text: &str, limit: usize) -> Vec<&str> {
    let space = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
    let mut out = vec![];
    let mut rest = text.trim_start_matches(space);
    while !rest.is_empty() {
        if out.len() == limit {
            out.push(rest.trim_end_matches(space));
            break;
        }
        let end = rest.find(space).unwrap_or(rest.len());
        out.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(space);
    }
    out
}

pub(super) fn type_debug(_: &Evaluation<'_>, value: Value, args: Arguments) -> Answer {
    args.finish("type_debug")?;
    Ok(Value::str(type_name(&value)))
}

/// For messages: `repr` of a text.
pub(super) fn quoted(value: &Value) -> String {
    match value {
        Value::Str(text) => repr_str(text.as_str()),
        other => ftl_core::value::repr(other),
    }
}
