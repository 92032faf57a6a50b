//! Strings and what is known about them: where they were written and whether they may be rendered.

use std::sync::{Arc, OnceLock};

use super::{Undefined, Value};
use crate::source::{Diagnostic, Origin};
use crate::vault::VaultSecrets;

/// A string with an optional mark. Two strings are equal when their text is, whatever their marks.
#[derive(Clone)]
pub struct Str {
    text: Arc<str>,
    mark: Option<Arc<Mark>>,
}

/// What a loader knows about a string.
#[derive(Clone, Debug, Default)]
pub struct Mark {
    /// Written by the operator: it may be rendered as a template. Only loaders make such strings.
    trusted: bool,
    pub origin: Option<Origin>,
    vault: Option<Arc<Vaulted>>,
}

/// What is known of a text that came out of a vault, or is in one still.
#[derive(Debug)]
struct Vaulted {
    envelope: Arc<str>,
    /// What opens it, while the text is the envelope.
    secrets: Option<Arc<VaultSecrets>>,
    opened: OnceLock<Value>,
}

impl Mark {
    pub fn trusted(&self) -> bool {
        self.trusted
    }
}

impl Str {
    /// Data: never rendered.
    pub fn plain(text: impl Into<Arc<str>>) -> Str {
        Str { text: text.into(), mark: None }
    }

    /// Data that remembers where it was written (`!unsafe` scalars).
    pub fn with_origin(text: impl Into<Arc<str>>, origin: Option<Origin>) -> Str {
        Str { text: text.into(), mark: Some(Arc::new(Mark { trusted: false, origin, vault: None })) }
    }

    /// Text the operator wrote. **For loaders only** (YAML, inventory, template files, the command line); `tests/tidy.rs`
    /// checks who calls it.
    pub fn trusted(text: impl Into<Arc<str>>, origin: Option<Origin>) -> Str {
        Str { text: text.into(), mark: Some(Arc::new(Mark { trusted: true, origin, vault: None })) }
    }

    /// The plaintext of a vault envelope. **For the vault loader only.** Like Ansible, never rendered as a template.
    pub fn decrypted(text: impl Into<Arc<str>>, envelope: Arc<str>, origin: Option<Origin>) -> Str {
        let vault = Vaulted { envelope, secrets: None, opened: OnceLock::new() };
        Str { text: text.into(), mark: Some(Arc::new(Mark { trusted: false, origin, vault: Some(Arc::new(vault)) })) }
    }

    /// A vault envelope that is opened when it is first rendered: a text like a template, whose rendering is decryption.
    pub fn sealed(envelope: impl Into<Arc<str>>, secrets: Arc<VaultSecrets>, origin: Option<Origin>) -> Str {
        let text = envelope.into();
        let vault = Vaulted { envelope: text.clone(), secrets: Some(secrets), opened: OnceLock::new() };
        Str { text, mark: Some(Arc::new(Mark { trusted: false, origin, vault: Some(Arc::new(vault)) })) }
    }

    /// The vault envelope of this text: secret, to be masked in every output.
    pub fn envelope(&self) -> Option<&Arc<str>> {
        Some(&self.mark.as_ref()?.vault.as_ref()?.envelope)
    }

    /// What a sealed text holds: the plaintext, or a value whose use is the error. Nothing for other texts.
    pub fn open(&self) -> Option<Value> {
        let vault = self.mark.as_ref()?.vault.as_ref()?;
        let secrets = vault.secrets.as_ref()?;
        Some(vault.opened.get_or_init(|| opened(&vault.envelope, secrets, self.origin().cloned())).clone())
    }

    fn is_sealed(&self) -> bool {
        self.mark.as_ref().is_some_and(|m| m.vault.as_ref().is_some_and(|v| v.secrets.is_some()))
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn shared(&self) -> Arc<str> {
        self.text.clone()
    }

    pub fn mark(&self) -> Option<&Mark> {
        self.mark.as_deref()
    }

    pub fn origin(&self) -> Option<&Origin> {
        self.mark.as_ref().and_then(|m| m.origin.as_ref())
    }

    pub fn is_trusted(&self) -> bool {
        self.mark.as_ref().is_some_and(|m| m.trusted)
    }

    /// May this be rendered, and would rendering change anything?
    pub fn is_template(&self) -> bool {
        match self.mark() {
            Some(mark) => (mark.trusted && looks_like_template(&self.text)) || self.is_sealed(),
            None => false,
        }
    }

    /// A part of this string, which keeps trust and origin: for loaders that split what they read.
    pub fn part(&self, text: impl Into<Arc<str>>) -> Str {
        Str { text: text.into(), mark: self.mark.clone() }
    }
}

fn opened(envelope: &Arc<str>, secrets: &VaultSecrets, origin: Option<Origin>) -> Value {
    let not_utf8 = || Diagnostic::error("The decrypted value is not valid UTF-8.");
    let decrypted = secrets.decrypt_text(envelope).and_then(|text| text.ok_or_else(not_utf8));
    match decrypted {
        Ok(text) => Value::Str(Str::decrypted(text, envelope.clone(), origin)),
        Err(error) => {
            let message = format!("Attempt to use undecryptable variable: {}", error.one_line());
            let error = Some(Box::new(Diagnostic::error(message.clone()).at(origin.clone())));
            Value::Undefined(Arc::new(Undefined { message, origin, error, envelope: Some(envelope.clone()) }))
        }
    }
}

/// Ansible's test: any of the default opening delimiters, or the header with which a text brings its own.
pub(crate) fn looks_like_template(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.starts_with(b"#jinja2:") || bytes.windows(2).any(|w| w[0] == b'{' && matches!(w[1], b'{' | b'%' | b'#'))
}

impl std::ops::Deref for Str {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}
impl PartialEq for Str {
    fn eq(&self, other: &Str) -> bool {
        self.text == other.text
    }
}
impl Eq for Str {}
impl std::fmt::Debug for Str {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", &*self.text)
    }
}
impl From<&str> for Str {
    fn from(text: &str) -> Str {
        Str::plain(text)
    }
}
