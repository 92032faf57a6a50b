//! Who runs, with which environment and keys, and what the machine's owner wrote down in `facts.d`.

use std::os::unix::fs::PermissionsExt;

use ftl_sdk::{Args, Host, Object, Value, account, json, text_of};

use super::read;

pub(crate) const FACT_PATH: &str = "/etc/ansible/facts.d";

pub(crate) fn environment(host: &Host, _: &Args) -> Object {
    use std::os::unix::ffi::OsStrExt;
    let all =
        host.environment().iter().map(|(name, value)| (text_of(name.as_bytes()), text_of(value.as_bytes()).into()));
    Object::from_iter([("env".to_owned(), Value::Object(all.collect()))])
}

pub(crate) fn user(host: &Host, _: &Args) -> Object {
    let uid = rustix::process::getuid().as_raw();
    let said =
        ["LOGNAME", "USER", "LNAME", "USERNAME"].iter().find_map(|name| host.variable(name).filter(|n| !n.is_empty()));
    let by_number = || account::user_of(uid);
    let name = said.or_else(|| by_number().map(|user| user.name)).unwrap_or_default();
    let Some(user) = account::user_named(&name).or_else(by_number) else { return Object::new() };
    let facts = json!({
        "user_id": name,
        "user_uid": user.uid,
        "user_gid": user.gid,
        "user_gecos": user.gecos,
        "user_dir": user.home,
        "user_shell": user.shell,
        "real_user_id": uid,
        "effective_user_id": rustix::process::geteuid().as_raw(),
        "real_group_id": rustix::process::getgid().as_raw(),
        "effective_group_id": rustix::process::getgid().as_raw(),
    });
    facts.as_object().cloned().unwrap_or_default()
}

pub(crate) fn ssh_keys(_: &Host, _: &Args) -> Object {
    let mut facts = Object::new();
    for directory in ["/etc/ssh", "/etc/openssh", "/etc"] {
        for kind in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let name = format!("ssh_host_key_{kind}_public");
            if facts.contains_key(&name) {
                return facts;
            }
            let Some(text) = read::content(format!("{directory}/ssh_host_{kind}_key.pub")) else { continue };
            let mut words = text.split_whitespace();
            if let (Some(kind), Some(key)) = (words.next(), words.next()) {
                facts.insert(name.clone(), key.into());
                facts.insert(format!("{name}_keytype"), kind.into());
            }
        }
    }
    facts
}

/// Only files with plain JSON are read here: programs and ini files are left to Python.
pub(crate) fn is_local_covered(path: Option<&Value>) -> bool {
    let path = match path {
        None | Some(Value::Null) => FACT_PATH,
        Some(Value::String(path)) if path.starts_with('/') => path,
        Some(_) => return false,
    };
    let is_json = |file: &String| {
        let plain = std::fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o100 == 0);
        plain && std::fs::read(file).is_ok_and(|text| serde_json::from_slice(&text).is_ok_and(|fact| is_exact(&fact)))
    };
    fact_files(path).iter().all(is_json)
}

/// Has it only numbers that Python reads alike? Long integers, and -0, become floats here.
fn is_exact(fact: &Value) -> bool {
    match fact {
        Value::Number(number) if number.is_f64() => {
            number.as_f64().is_some_and(|number| number.abs() < 1e18 && (number != 0.0 || number.is_sign_positive()))
        }
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(map) => map.values().all(is_exact),
        _ => true,
    }
}

fn fact_files(path: &str) -> Vec<String> {
    let is_fact = |name: &String| name.ends_with(".fact") && !name.starts_with('.');
    let mut files: Vec<String> =
        read::names(path).into_iter().filter(is_fact).map(|name| format!("{path}/{name}")).collect();
    files.sort();
    files
}

pub(crate) fn local(_: &Host, args: &Args) -> Object {
    let fact = |file: String| {
        let name = file.rsplit('/').next().unwrap_or_default().replace(".fact", "");
        let value = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        (name, value.unwrap_or_default())
    };
    let facts = fact_files(args.needed("fact_path")).into_iter().map(fact).collect();
    Object::from_iter([("local".to_owned(), Value::Object(facts))])
}
