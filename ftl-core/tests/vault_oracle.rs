//! Envelopes as ansible-core 2.19.14 writes and reads them (recorded in `data/vault.json`), against ours.

use ftl_core::vault::VaultSecrets;
use serde_json::Value as Json;

fn recorded() -> Json {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vault.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn text<'a>(case: &'a Json, key: &str) -> &'a str {
    case[key].as_str().unwrap()
}

#[test]
fn envelopes_are_written_as_ansible_writes_them() {
    for case in recorded()["cases"].as_array().unwrap() {
        let id = case["vault_id"].as_str();
        let secrets =
            VaultSecrets::new(vec![(id.unwrap_or("default").into(), text(case, "secret").as_bytes().to_vec())], false);
        let envelope = secrets.encrypt(text(case, "plaintext").as_bytes(), id, Some(text(case, "salt").as_bytes()));
        assert_eq!(envelope.unwrap(), text(case, "envelope"));
        assert_eq!(secrets.decrypt(text(case, "envelope").as_bytes()).unwrap(), text(case, "plaintext").as_bytes());
        let fresh = secrets.encrypt(b"new", id, None).unwrap();
        assert_ne!(fresh, secrets.encrypt(b"new", id, None).unwrap(), "a salt is drawn each time");
        assert_eq!(secrets.decrypt(fresh.as_bytes()).unwrap(), b"new");
    }
}

#[test]
fn envelopes_are_read_or_refused_as_ansible_does() {
    for case in recorded()["decrypt"].as_array().unwrap() {
        let secrets = case["secrets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap().to_string(), pair[1].as_str().unwrap().as_bytes().to_vec()));
        let secrets = VaultSecrets::new(secrets.collect(), false);
        let got = match secrets.decrypt(text(case, "data").as_bytes()) {
            Ok(plaintext) => format!("ok {}", String::from_utf8(plaintext).unwrap()),
            Err(error) => format!("error {}", error.one_line()),
        };
        let wanted = match case["ok"].as_str() {
            Some(plaintext) => format!("ok {plaintext}"),
            None => format!("error {}", text(case, "err")),
        };
        assert_eq!(got, wanted, "{}", text(case, "name"));
    }
}

#[test]
fn ids_must_match_when_the_setting_says_so() {
    let envelope = |id: &str| VaultSecrets::encrypt_with_secret(b"x", b"pw", Some(id), Some(b"salt")).unwrap();
    let secrets = |id_match| VaultSecrets::new(vec![("dev".into(), b"pw".to_vec())], id_match);
    assert!(secrets(false).decrypt(envelope("prod").as_bytes()).is_ok());
    assert!(secrets(true).decrypt(envelope("prod").as_bytes()).is_err());
    assert!(secrets(true).decrypt(envelope("dev").as_bytes()).is_ok());
}

#[test]
fn an_unknown_version_is_refused() {
    // The header is not authenticated; ansible-core reads this one (reliability.md F60).
    let envelope =
        VaultSecrets::encrypt_with_secret(b"x", b"pw", None, Some(b"salt")).unwrap().replace(";1.1;", ";9.9;");
    let secrets = VaultSecrets::new(vec![("default".into(), b"pw".to_vec())], false);
    assert_eq!(
        secrets.decrypt(envelope.as_bytes()).unwrap_err().message,
        "Vault format version '9.9' is not supported."
    );
}
