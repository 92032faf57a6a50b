//! The lookup `password`: a password kept in a file of the controller.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ftl_core::Value;
use ftl_core::value::to_text;
use sha1::Digest;

use super::options::{IntOption, list_option, only_text, parse_key_values, term_text, text_option};
use super::search::play_path;
use crate::filter::argument::failure;
use crate::filter::password::{HashOptions, crypt};
use crate::filter::random::random_text;
use crate::{Arguments, Evaluation, Failure};

#[derive(Clone)]
struct Options {
    length: i64,
    encrypt: Option<String>,
    ident: Option<String>,
    seed: Option<Value>,
    characters: Vec<String>,
}

const NUMBER: IntOption = IntOption { lookup: "password", kind: "integer" };
const SALT_CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./";

pub(super) fn password(
    evaluation: &Evaluation<'_>,
    terms: Vec<Value>,
    mut args: Arguments,
) -> Result<Vec<Value>, Failure> {
    evaluation.impure();
    let characters = match list_option(&mut args, "chars")? {
        None => vec!["ascii_letters".into(), "digits".into(), ".,:-_".into()],
        Some(given) => given.iter().map(term_text).collect::<Result<_, _>>()?,
    };
    let defaults = Options {
        length: NUMBER.take(&mut args, "length", 20)?,
        encrypt: text_option(&mut args, "encrypt")?,
        ident: text_option(&mut args, "ident")?,
        seed: args.take_named("seed").filter(|v| !v.is_none()).map(|v| Value::str(to_text(&v))),
        characters,
    };
    terms.iter().map(|term| one(evaluation, &only_text(term, "split")?, defaults.clone()).map(Value::str)).collect()
}

/// `a,b,,`: names and characters at commas; two commas are a comma.
fn split_characters(text: &str) -> Vec<String> {
    let mut out = vec![];
    if text.contains(",,") {
        out.push(",".to_string());
    }
    out.extend(text.replace(",,", ",").split(',').filter(|c| !c.is_empty()).map(String::from));
    out
}

/// Path and options of a term like `some/file length=8`.
fn parse_term(term: &str, options: &mut Options) -> Result<String, Failure> {
    let Some((first, rest)) = term.split_once(' ') else { return Ok(term.into()) };
    let parsed = parse_key_values(rest)?;
    let path = match &parsed.words {
        None => first.to_string(),
        Some(words) => {
            let path = format!("{first} {words}");
            if !term.starts_with(&path) {
                return Err(failure("Unrecognized value after key=value parameters given to password lookup"));
            }
            path
        }
    };
    let known = ["length", "encrypt", "chars", "ident", "seed"];
    let unknown: Vec<&str> = parsed.pairs.iter().map(|(k, _)| k.as_str()).filter(|k| !known.contains(k)).collect();
    if !unknown.is_empty() {
        return Err(failure(format!("Unrecognized parameter(s) given to password lookup: {}", unknown.join(", "))));
    }
    for (key, value) in parsed.pairs {
        match key.as_str() {
            "length" => options.length = NUMBER.read("length", &Value::str(value))?,
            "encrypt" => options.encrypt = Some(value),
            "ident" => options.ident = Some(value),
            "seed" => options.seed = Some(Value::str(value)),
            _ => options.characters = split_characters(&value),
        }
    }
    Ok(path)
}

/// The attributes of Python's `string` module, or the characters themselves.
fn candidates(names: &[String]) -> String {
    const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const DIGITS: &str = "0123456789";
    const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    const WHITESPACE: &str = " \t\n\r\u{b}\u{c}";
    let all: String = names
        .iter()
        .map(|name| match name.as_str() {
            "ascii_lowercase" => LOWER.to_string(),
            "ascii_uppercase" => UPPER.into(),
            "ascii_letters" => format!("{LOWER}{UPPER}"),
            "digits" => DIGITS.into(),
            "hexdigits" => format!("{DIGITS}abcdefABCDEF"),
            "octdigits" => "01234567".into(),
            "punctuation" => PUNCTUATION.into(),
            "whitespace" => WHITESPACE.into(),
            "printable" => format!("{DIGITS}{LOWER}{UPPER}{PUNCTUATION}{WHITESPACE}"),
            other => other.into(),
        })
        .collect();
    all.replace(['"', '\''], "")
}

fn one(evaluation: &Evaluation<'_>, term: &str, mut options: Options) -> Result<String, Failure> {
    let path = play_path(evaluation, &parse_term(term, &mut options)?);
    let keep = path != "/dev/null";
    let _lock = if keep { Some(Lock::take(evaluation, Path::new(&path))?) } else { None };
    let stored = if keep { read_stored(&path)? } else { None };
    let mut changed = stored.is_none();
    let Stored { password, mut salt, mut ident } = match stored {
        Some(stored) => stored,
        None => {
            let length = usize::try_from(options.length).unwrap_or(0);
            evaluation.check_text(length)?;
            let password = random_text(length, &candidates(&options.characters), options.seed.as_ref())?;
            Stored { password, salt: None, ident: None }
        }
    };
    let encrypt = options.encrypt.filter(|e| !e.is_empty());
    if let Some(method) = &encrypt
        && salt.is_none()
    {
        let size = match method.as_str() {
            "bcrypt" => 22,
            "sha256_crypt" | "sha512_crypt" => 16,
            _ => 8,
        };
        salt = Some(random_text(size, SALT_CHARACTERS, None)?);
        changed = true;
    }
    match (&ident, &options.ident) {
        (None, wanted) => ident = wanted.clone(),
        (Some(stored), Some(wanted)) if stored != wanted => {
            return Err(failure(format!(
                "The ident parameter provided ({stored}) does not match the stored one ({wanted})."
            )));
        }
        _ => {}
    }
    if encrypt.as_deref() == Some("bcrypt") && ident.is_none() {
        ident = Some("2b".into());
        changed = true;
    }
    if changed && keep {
        let content = match (&encrypt, &salt, &ident) {
            (None, None, _) => password.clone(),
            (_, Some(salt), Some(ident)) => format!("{password} salt={salt} ident={ident}"),
            (_, Some(salt), None) => format!("{password} salt={salt}"),
            (Some(_), None, _) => return Err(failure("encryption was requested but there is no salt")),
        };
        write_stored(Path::new(&path), &content)?;
    }
    match encrypt {
        None => Ok(password),
        Some(method) => crypt(&method, &password, HashOptions { salt, ident, ..HashOptions::default() }),
    }
}

struct Stored {
    password: String,
    salt: Option<String>,
    ident: Option<String>,
}

fn unusable(path: &Path, error: std::io::Error) -> Failure {
    failure(format!("Unable to use the password file '{}': {error}", path.display()))
}

fn read_stored(path: &str) -> Result<Option<Stored>, Failure> {
    let content = match std::fs::read(path) {
        Ok(content) => String::from_utf8_lossy(&content).trim_end().to_string(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(Path::new(path), error)),
    };
    Ok(Some(match content.rsplit_once(" salt=") {
        None => Stored { password: content, salt: None, ident: None },
        Some((password, rest)) => {
            let (salt, ident) = match rest.rsplit_once(" ident=") {
                Some((salt, ident)) => (salt, Some(ident.to_string())),
                None => (rest, None),
            };
            let salt = (!salt.is_empty()).then(|| salt.to_string());
            Stored { password: password.into(), salt, ident }
        }
    }))
}

fn make_directory(path: &Path) -> Result<PathBuf, Failure> {
    let directory = path.parent().unwrap_or(Path::new("/")).to_path_buf();
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory);
    made.map_err(|error| unusable(path, error))?;
    Ok(directory)
}

fn write_stored(path: &Path, content: &str) -> Result<(), Failure> {
    make_directory(path)?;
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        file.write_all(format!("{content}\n").as_bytes())
    };
    write().map_err(|error| unusable(path, error))
}

/// The lock file Ansible uses too; it goes when this is dropped.
struct Lock(PathBuf);

impl Lock {
    fn take(evaluation: &Evaluation<'_>, path: &Path) -> Result<Lock, Failure> {
        let digest = sha1::Sha1::digest(path.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        let file = make_directory(path)?.join(format!("{name}.ansible_lockfile"));
        // Seven seconds, as long as Ansible waits.
        for _ in 0..350 {
            match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(&file) {
                Ok(_) => return Ok(Lock(file)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(unusable(path, error)),
            }
            evaluation.check_deadline()?;
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(failure(format!(
            "Password lookup cannot get the lock in 7 seconds, abort...This may caused by un-removed lockfile\
             you can manually remove it from controller machine at {} and try again",
            file.display()
        )))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
