//! Strings and what is known about them: where they were written and whether they may be rendered.

use std::sync::Arc;

use crate::source::Origin;

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
    /// The vault envelope this text was decrypted from: secret, to be masked in every output.
    pub vaulted: Option<Arc<str>>,
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
        Str { text: text.into(), mark: Some(Arc::new(Mark { trusted: false, origin, vaulted: None })) }
    }

    /// Text the operator wrote. **For loaders only** (YAML, inventory, template files, the command line); `tests/tidy.rs`
    /// checks who calls it.
    pub fn trusted(text: impl Into<Arc<str>>, origin: Option<Origin>) -> Str {
        Str { text: text.into(), mark: Some(Arc::new(Mark { trusted: true, origin, vaulted: None })) }
    }

    /// The plaintext of a vault envelope. **For the vault loader only.** Like Ansible, never rendered as a template.
    pub fn decrypted(text: impl Into<Arc<str>>, envelope: Arc<str>, origin: Option<Origin>) -> Str {
        Str { text: text.into(), mark: Some(Arc::new(Mark { trusted: false, origin, vaulted: Some(envelope) })) }
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
        self.is_trusted() && looks_like_template(&self.text)
    }

    /// A part of this string, which keeps trust and origin: for loaders that split what they read.
    pub fn part(&self, text: impl Into<Arc<str>>) -> Str {
        Str { text: text.into(), mark: self.mark.clone() }
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
