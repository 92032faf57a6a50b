//! The filter `password_hash`: crypt(3) hashes as Ansible makes them with passlib.

use ftl_core::Value;
use ftl_core::source::Diagnostic;
use ftl_core::value::to_text;
use md5::{Digest, Md5};

use super::argument::{failure, index, text_of};
use super::random::random_text;
use crate::{Arguments, Evaluation, Failure};

/// The alphabet of crypt(3), in its order.
const CRYPT64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// That of bcrypt.
const BCRYPT64: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// One line per method.
struct Method {
    short: &'static str,
    name: &'static str,
    salt_length: usize,
    salt_exact: bool,
    /// What Ansible asks for when no rounds are given.
    rounds: i64,
    allowed_rounds: std::ops::RangeInclusive<i64>,
}

const METHODS: &[Method] = &[
    Method { short: "md5", name: "md5_crypt", salt_length: 8, salt_exact: false, rounds: 0, allowed_rounds: 0..=0 },
    Method { short: "blowfish", name: "bcrypt", salt_length: 22, salt_exact: true, rounds: 12, allowed_rounds: 4..=31 },
    Method {
        short: "sha256",
        name: "sha256_crypt",
        salt_length: 16,
        salt_exact: false,
        rounds: 535_000,
        allowed_rounds: 1000..=999_999_999,
    },
    Method {
        short: "sha512",
        name: "sha512_crypt",
        salt_length: 16,
        salt_exact: false,
        rounds: 656_000,
        allowed_rounds: 1000..=999_999_999,
    },
];

/// What `do_encrypt` may be told.
#[derive(Default)]
pub(crate) struct HashOptions {
    pub(crate) salt: Option<String>,
    pub(crate) salt_size: Option<i64>,
    pub(crate) rounds: Option<i64>,
    pub(crate) ident: Option<String>,
}

pub(super) fn password_hash(evaluation: &Evaluation<'_>, value: Value, mut args: Arguments) -> Result<Value, Failure> {
    let method = args.take("hashtype", 0).map_or_else(|| "sha512".to_string(), |v| to_text(&v));
    let salt = args.take_given("salt", 1).map(|v| to_text(&v)).filter(|s| !s.is_empty());
    let salt_size = match args.take_given("salt_size", 2) {
        None => None,
        Some(size) => Some(index(&size).map_err(|_| Failure::type_error("salt_size must be an integer"))?),
    };
    let rounds = match args.take_given("rounds", 3) {
        None => None,
        Some(Value::Str(text)) => {
            Some(text.trim().parse().map_err(|_| Failure::type_error("rounds must be an integer"))?)
        }
        Some(rounds) => Some(index(&rounds)?),
    };
    let ident = args.take_given("ident", 4).map(|v| to_text(&v)).filter(|s| !s.is_empty());
    args.finish("get_encrypted_password")?;
    let Some(method) = METHODS.iter().find(|m| m.short == method || m.name == method) else {
        let names: Vec<_> = METHODS.iter().map(|m| m.short).collect();
        return Err(failure(format!(
            "{method} is not in the list of supported passlib algorithms: {}",
            names.join(", ")
        )));
    };
    if salt.is_none() {
        evaluation.impure();
    }
    let secret = match &value {
        Value::Str(_) | Value::Bytes(_) => text_of(&value)?,
        other => {
            super::argument::defined(other)?;
            let kind = ftl_core::value::type_name(other);
            return Err(Failure::type_error(format!("secret must be unicode or bytes, not {kind}")));
        }
    };
    evaluation.check_deadline()?;
    crypt(method.name, &secret, HashOptions { salt, salt_size, rounds: rounds.filter(|r| *r != 0), ident })
        .map(Value::str)
}

/// Ansible's `do_encrypt` for a method's full name.
pub(crate) fn crypt(name: &str, secret: &str, options: HashOptions) -> Result<String, Failure> {
    let Some(method) = METHODS.iter().find(|m| m.name == name || m.short == name) else {
        return Err(failure(format!("Installed passlib version 1.7.4 does not support the '{name}' algorithm.")));
    };
    let could_not = |message: String| failure("Could not hash the secret.").caused_by(Diagnostic::error(message));
    if secret.contains('\0') && method.name != "md5_crypt" {
        return Err(could_not(format!("{name} does not allow NULL bytes in password")));
    }
    let salt = make_salt(method, &options).map_err(could_not)?;
    let rounds = options.rounds.unwrap_or(method.rounds);
    if method.rounds != 0 && !method.allowed_rounds.contains(&rounds) {
        let (low, high) = (method.allowed_rounds.start(), method.allowed_rounds.end());
        return Err(could_not(if rounds < *low {
            format!("{name}: min_desired_rounds ({rounds}) is too low, must be at least {low}")
        } else {
            format!("{name}: max_desired_rounds ({rounds}) is too high, must be at most {high}")
        }));
    }
    match method.name {
        "md5_crypt" => Ok(format!("$1${salt}${}", md5_crypt(secret.as_bytes(), salt.as_bytes()))),
        "bcrypt" => bcrypt_hash(secret, &salt, rounds as u32, options.ident.as_deref()).map_err(could_not),
        _ => {
            let params = sha_crypt::Params::new(rounds as u32).map_err(|e| could_not(e.to_string()))?;
            // 5000 rounds are what crypt(3) does anyway: passlib does not write them.
            let shown = if rounds == 5000 { String::new() } else { format!("rounds={rounds}$") };
            Ok(if method.name == "sha256_crypt" {
                let digest = sha_crypt::sha256_crypt(secret.as_bytes(), salt.as_bytes(), params);
                format!("$5${shown}{salt}${}", shuffled_sha256(&digest))
            } else {
                let digest = sha_crypt::sha512_crypt(secret.as_bytes(), salt.as_bytes(), params);
                format!("$6${shown}{salt}${}", shuffled_sha512(&digest))
            })
        }
    }
}

fn make_salt(method: &Method, options: &HashOptions) -> Result<String, String> {
    let (name, limit) = (method.name, method.salt_length);
    let alphabet = std::str::from_utf8(CRYPT64).unwrap_or_default();
    let Some(salt) = &options.salt else {
        let size = match options.salt_size {
            None | Some(0) => limit,
            Some(size) if method.salt_exact && size != limit as i64 => {
                let relation = if size < limit as i64 { "small" } else { "large" };
                return Err(format!("salt_size too {relation} ({name} requires exactly {limit} chars)"));
            }
            Some(size) if size > limit as i64 => {
                return Err(format!("salt_size too large ({name} requires <= {limit} chars)"));
            }
            Some(size) => size.max(0) as usize,
        };
        let salt = random_text(size, alphabet, None).map_err(|f| f.to_string())?;
        return Ok(if method.salt_exact { without_padding_bits(&salt) } else { salt });
    };
    if salt.bytes().any(|b| !CRYPT64.contains(&b)) {
        return Err(format!("invalid characters in {name} salt"));
    }
    let length = salt.len();
    if method.salt_exact && length != limit {
        let relation = if length < limit { "small" } else { "large" };
        return Err(format!("salt too {relation} ({name} requires exactly {limit} chars)"));
    }
    if length > limit {
        return Err(format!("salt too large ({name} requires <= {limit} chars)"));
    }
    Ok(if method.salt_exact { without_padding_bits(salt) } else { salt.clone() })
}

/// Sixteen bytes need 128 of the 132 bits that 22 characters hold: the last four are made zero.
fn without_padding_bits(salt: &str) -> String {
    let mut bytes = salt.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut()
        && let Some(at) = BCRYPT64.iter().position(|c| c == last)
    {
        *last = BCRYPT64[at & 0b11_0000];
    }
    String::from_utf8(bytes).unwrap_or_default()
}

fn bcrypt_hash(secret: &str, salt: &str, rounds: u32, ident: Option<&str>) -> Result<String, String> {
    let ident = ident.unwrap_or("2b").trim_matches('$');
    if !matches!(ident, "2" | "2a" | "2b" | "2y") {
        return Err(format!("invalid ident: '{ident}'"));
    }
    let mut bits: Vec<u8> = vec![];
    let (mut held, mut count) = (0u32, 0);
    for c in salt.bytes() {
        let value = BCRYPT64.iter().position(|known| *known == c).unwrap_or(0) as u32;
        held = (held << 6) | value;
        count += 6;
        if count >= 8 {
            count -= 8;
            bits.push((held >> count) as u8);
        }
    }
    let salt_bytes: [u8; 16] = bits.get(..16).and_then(|b| b.try_into().ok()).ok_or("salt too small")?;
    let hash = bcrypt::hash_with_salt(secret.as_bytes(), rounds, salt_bytes).map_err(|e| e.to_string())?;
    let text = hash.format_for_version(bcrypt::Version::TwoB);
    Ok(format!("${ident}{}", &text[3..]))
}

/// Three bytes as four characters, least significant first.
fn encode24(out: &mut String, high: u8, middle: u8, low: u8, characters: usize) {
    let mut value = (high as u32) << 16 | (middle as u32) << 8 | low as u32;
    for _ in 0..characters {
        out.push(CRYPT64[(value & 63) as usize] as char);
        value >>= 6;
    }
}

fn shuffled_sha256(digest: &[u8; 32]) -> String {
    let mut out = String::new();
    let (mut a, mut b, mut c) = (0, 10, 20);
    for _ in 0..10 {
        encode24(&mut out, digest[a], digest[b], digest[c], 4);
        (a, b, c) = (c + 1, a + 1, b + 1);
    }
    encode24(&mut out, 0, digest[31], digest[30], 3);
    out
}

fn shuffled_sha512(digest: &[u8; 64]) -> String {
    let mut out = String::new();
    let (mut a, mut b, mut c) = (0, 21, 42);
    for _ in 0..21 {
        encode24(&mut out, digest[a], digest[b], digest[c], 4);
        (a, b, c) = (b + 1, c + 1, a + 1);
    }
    encode24(&mut out, 0, 0, digest[63], 2);
    out
}

/// Poul-Henning Kamp's scheme.
fn md5_crypt(secret: &[u8], salt: &[u8]) -> String {
    let inner = Md5::new().chain_update(secret).chain_update(salt).chain_update(secret).finalize();
    let mut start = Md5::new().chain_update(secret).chain_update(b"$1$").chain_update(salt);
    for chunk in secret.chunks(16) {
        start.update(&inner[..chunk.len()]);
    }
    let mut length = secret.len();
    while length > 0 {
        start.update(if length & 1 == 1 { &[0] } else { &secret[..1] });
        length >>= 1;
    }
    let mut digest = start.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        let odd = round & 1 == 1;
        if odd {
            next.update(secret)
        } else {
            next.update(digest)
        }
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(secret);
        }
        if odd {
            next.update(digest)
        } else {
            next.update(secret)
        }
        digest = next.finalize();
    }
    let mut out = String::new();
    for (a, b, c) in [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)] {
        encode24(&mut out, digest[a], digest[b], digest[c], 4);
    }
    encode24(&mut out, 0, 0, digest[11], 2);
    out
}
