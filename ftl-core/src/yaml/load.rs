//! The ways to read a document: JSON first, then YAML, as Ansible does it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::compose::Composer;
use super::construct::Constructor;
use super::json;
use super::node::Node;
use super::problem::{Place, Problem};
use super::tree::Tree;
use crate::source::Diagnostic;
use crate::value::Value;
use crate::vault::VaultSecrets;

/// `DUPLICATE_YAML_DICT_KEY`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DuplicateKeys {
    #[default]
    Warn,
    Error,
    Ignore,
}

#[derive(Clone, Debug)]
pub struct LoadOptions<'a> {
    /// The file's name, for origins; something like `<unicode string>` for text that is in no file.
    pub file: &'a str,
    pub secrets: &'a Arc<VaultSecrets>,
    pub duplicate_keys: DuplicateKeys,
    /// Strings are the operator's: they may be rendered.
    pub trusted: bool,
    /// Try JSON before YAML.
    pub json_first: bool,
    /// `!unsafe`, `!vault` and `!vault-encrypted` mean something.
    pub ansible_tags: bool,
    /// Messages may be guessed from the text; not for text that came out of a vault or of no file.
    pub text_known: bool,
}

impl<'a> LoadOptions<'a> {
    /// For files the operator wrote.
    pub fn new(file: &'a str, secrets: &'a Arc<VaultSecrets>) -> LoadOptions<'a> {
        LoadOptions {
            file,
            secrets,
            duplicate_keys: DuplicateKeys::default(),
            trusted: true,
            json_first: true,
            ansible_tags: true,
            text_known: !file.starts_with('<'),
        }
    }
}

/// A document that was read, and what there is to say about it.
#[derive(Clone, Debug)]
pub struct Loaded<T = Node> {
    pub root: T,
    pub warnings: Vec<Diagnostic>,
}

/// Reads the one document of `text`; an empty text is a null.
pub fn load(text: &str, options: &LoadOptions) -> Result<Loaded<Node>, Diagnostic> {
    load_tree(text, options)
}

/// As [`load`], straight to a value: faster where places matter on strings only.
pub fn load_value(text: &str, options: &LoadOptions) -> Result<Loaded<Value>, Diagnostic> {
    load_tree(text, options)
}

/// Reads every document of a stream. JSON is not tried.
pub fn load_all(text: &str, options: &LoadOptions) -> Result<Loaded<Vec<Node>>, Diagnostic> {
    compose(text, options, |composer| composer.all())
}

/// What the `from_yaml` filter makes of text: data, without Ansible's tags; errors are PyYAML's own texts.
pub fn from_text(text: &str) -> Result<Loaded<Value>, Diagnostic> {
    from_text_with(text, |composer| Ok(composer.single()?.unwrap_or_default()))
}

/// What the `from_yaml_all` filter makes of text.
pub fn from_text_all(text: &str) -> Result<Loaded<Vec<Value>>, Diagnostic> {
    from_text_with(text, |composer| composer.all())
}

fn from_text_with<R>(
    text: &str,
    run: impl for<'a> FnOnce(&mut Composer<'a, Value>) -> Result<R, Problem>,
) -> Result<Loaded<R>, Diagnostic> {
    let secrets = Arc::default();
    let options = LoadOptions { trusted: false, ansible_tags: false, ..LoadOptions::new("<unknown>", &secrets) };
    run_composer(text, &options, run).map_err(|problem| Diagnostic::error(problem.exception_text()))
}

fn load_tree<T: Tree>(text: &str, options: &LoadOptions) -> Result<Loaded<T>, Diagnostic> {
    if options.json_first
        && let Some(root) = json::load(text, options)
    {
        return Ok(Loaded { root, warnings: Vec::new() });
    }
    compose(text, options, |composer| {
        let root = composer.single()?;
        Ok(root.unwrap_or_else(|| T::scalar(Value::None, || Place::default().origin(&Arc::from(options.file)))))
    })
}

fn compose<'a, T: Tree, R>(
    text: &'a str,
    options: &'a LoadOptions<'a>,
    run: impl FnOnce(&mut Composer<'a, T>) -> Result<R, Problem>,
) -> Result<Loaded<R>, Diagnostic> {
    run_composer(text, options, run)
        .map_err(|problem| problem.diagnostic(&Arc::from(options.file), options.text_known.then_some(text)))
}

fn run_composer<'a, T: Tree, R>(
    text: &'a str,
    options: &'a LoadOptions<'a>,
    run: impl FnOnce(&mut Composer<'a, T>) -> Result<R, Problem>,
) -> Result<Loaded<R>, Problem> {
    let mut composer = Composer::new(text, Constructor::new(options, Arc::from(options.file)));
    // The parser asserts its own consistency; a failed assertion must not end the run.
    let root = catch_unwind(AssertUnwindSafe(|| run(&mut composer)))
        .unwrap_or_else(|_| Err(Problem::Plain("the YAML parser failed unexpectedly".into())))?;
    Ok(Loaded { root, warnings: composer.constructor.take_warnings() })
}
