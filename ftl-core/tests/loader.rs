//! The loader of the operator's files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ftl_core::source::Loader;
use ftl_core::value::to_text;
use ftl_core::vault::VaultSecrets;

struct Dir(tempfile::TempDir);

impl Dir {
    fn new(files: &[(&str, &[u8])]) -> Dir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Dir(dir)
    }

    fn loader(&self) -> Loader {
        Loader::new(self.0.path(), Arc::new(VaultSecrets::new(vec![("default".into(), b"pw".to_vec())], false)))
    }

    /// A message with the directory's name taken out.
    fn shown(&self, text: &str) -> String {
        text.replace(&*self.0.path().to_string_lossy(), "DIR")
    }
}

#[test]
fn a_vault_file_is_decrypted() {
    let envelope = VaultSecrets::encrypt_with_secret(b"a: 1\n", b"pw", None, None).unwrap();
    let other = VaultSecrets::encrypt_with_secret(b"a: 1\n", b"other", None, None).unwrap();
    let dir = Dir::new(&[("v.yml", envelope.as_bytes()), ("w.yml", other.as_bytes())]);
    assert_eq!(dir.loader().load_value(Path::new("v.yml")).unwrap().get("a").unwrap().as_int(), Some(1));
    assert!(dir.loader().open(Path::new("v.yml")).unwrap().was_encrypted);
    let error = dir.loader().load_value(Path::new("w.yml")).unwrap_err();
    assert_eq!(error.message, "Decryption failed (no vault secrets were found that could decrypt).");
    assert_eq!(dir.shown(&error.origin.unwrap().to_string()), "DIR/w.yml");
}

#[test]
fn inline_vault_values_are_secret_and_never_templates() {
    let envelope = VaultSecrets::encrypt_with_secret(b"{{ x }}", b"pw", None, None).unwrap();
    let document = |envelope: &str| format!("a: !vault |\n  {}\n", envelope.trim_end().replace('\n', "\n  "));
    let other = VaultSecrets::encrypt_with_secret(b"x", b"other", None, None).unwrap();
    let dir = Dir::new(&[("v.yml", document(&envelope).as_bytes()), ("w.yml", document(&other).as_bytes())]);
    let value = dir.loader().load_value(Path::new("v.yml")).unwrap();
    let sealed = |value: ftl_core::Value| match value.get("a") {
        Some(ftl_core::Value::Str(text)) => text,
        other => panic!("{other:?}"),
    };
    let text = sealed(value.clone());
    assert_eq!(text.as_str(), envelope, "nothing is opened before it is used");
    assert!(value.has_template(), "rendering opens it");
    let Some(ftl_core::Value::Str(text)) = text.open() else { panic!("{value:?}") };
    assert_eq!(text.as_str(), "{{ x }}");
    assert!(!text.is_trusted() && !text.is_template());
    assert_eq!(text.envelope().map(|e| &**e), Some(&*envelope));
    assert_eq!(value.untrusted().get("a").and_then(|a| a.as_str().map(String::from)).as_deref(), Some("{{ x }}"));
    let value = dir.loader().load_value(Path::new("w.yml")).unwrap();
    let Some(ftl_core::Value::Undefined(unknown)) = sealed(value).open() else { panic!("it opened") };
    assert_eq!(
        unknown.message,
        "Attempt to use undecryptable variable: Decryption failed (no vault secrets were found that could decrypt)."
    );
    assert_eq!(dir.shown(&unknown.origin.as_ref().unwrap().to_string()), "DIR/w.yml:1:4");
}

#[test]
fn what_cannot_be_read_is_told_in_ansibles_words() {
    let dir = Dir::new(&[
        ("latin.yml", b"\xef\xbb\xbfa: \xe9\xe8\n"),
        ("one.yml", b"a: \"\xe9\"\n"),
        ("tab.yml", b"a:\n\tb: 1\n"),
        ("sub/x", b""),
    ]);
    let loader = dir.loader();
    let check = |name: &str, wanted: &str| {
        let error = loader.load_node(Path::new(name)).unwrap_err();
        let origin = error.origin.as_ref().map(|o| format!(" at {o}")).unwrap_or_default();
        assert_eq!(dir.shown(&format!("{}{origin}", error.one_line())), wanted);
    };
    check(
        "a/../no.yml",
        "Unable to retrieve file contents.\nCould not find or access 'DIR/no.yml' on the Ansible Controller.\nIf you \
         are using a module and expect the file to exist on the remote, see the remote_src option: [Errno 2] No such \
         file or directory: 'DIR/no.yml'",
    );
    check("sub", "An error occurred while trying to read the file 'DIR/sub': [Errno 21] Is a directory: 'DIR/sub'");
    check(
        "latin.yml",
        "YAML parsing failed: 'utf-8' codec can't encode characters in position 4-5: surrogates not allowed \
         at DIR/latin.yml",
    );
    check(
        "one.yml",
        "YAML parsing failed: 'utf-8' codec can't encode character '\\udce9' in position 4: surrogates not allowed \
         at DIR/one.yml",
    );
    check("tab.yml", "YAML parsing failed: Tabs are usually invalid in YAML. at DIR/tab.yml:2:1");
    let warnings = loader.take_warnings();
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].message.contains("latin.yml' could not be decoded as 'utf-8'."));
    assert!(loader.take_warnings().is_empty());
}

#[test]
fn a_file_is_parsed_once_until_it_changes() {
    let dir = Dir::new(&[("a.yml", b"{a: 1, a: 2}")]);
    let loader = dir.loader();
    for _ in 0..3 {
        assert_eq!(to_text(&loader.clone().load_value(Path::new("a.yml")).unwrap()), "{'a': 2}");
    }
    assert_eq!(loader.take_warnings().len(), 1, "the duplicate key is told once");
    fs::write(dir.0.path().join("a.yml"), "{a: 33}").unwrap();
    assert_eq!(to_text(&loader.load_value(Path::new("a.yml")).unwrap()), "{'a': 33}");
}

#[test]
fn vars_files_are_found_as_ansible_finds_them() {
    let dir = Dir::new(&[
        ("both", b""),
        ("both.yml", b""),
        ("one.yaml", b""),
        ("one.json", b""),
        ("tree/b.yml", b""),
        ("tree/a", b""),
        ("tree/.hidden.yml", b""),
        ("tree/old.yml~", b""),
        ("tree/notes.txt", b""),
        ("tree/sub/c.json", b""),
        ("tree/sub.d/no.yml", b""),
        ("tree.yml", b""),
    ]);
    let check = |name: &str, wanted: &[&str]| {
        let found = dir.loader().find_vars_files(Path::new("."), name).unwrap();
        let shown: Vec<String> = found.iter().map(|p| dir.shown(&p.to_string_lossy())).collect();
        assert_eq!(shown, wanted);
    };
    check("both", &["DIR/both"]);
    check("one", &["DIR/one.yaml"]);
    check("none", &[]);
    check("tree", &["DIR/tree/a", "DIR/tree/b.yml", "DIR/tree/sub/c.json"]);
}
