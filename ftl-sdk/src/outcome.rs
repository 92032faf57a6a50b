//! How a module ended: what it reports, or why it failed.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::Object;

/// What a module's function returns.
pub type Answer = Result<Outcome, Failure>;

/// The keys of a result, in order.
#[derive(Clone, Debug, Default)]
pub struct Outcome(pub Object);

impl Outcome {
    pub fn new() -> Outcome {
        Outcome::default()
    }

    pub fn changed(changed: bool) -> Outcome {
        Outcome::new().with("changed", changed)
    }

    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Outcome {
        self.set(key, value);
        self
    }

    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }
}

impl From<Object> for Outcome {
    fn from(object: Object) -> Outcome {
        Outcome(object)
    }
}

/// Why a module failed, with the keys that go with it.
#[derive(Debug)]
pub struct Failure(Box<Parts>);

#[derive(Debug, Default)]
struct Parts {
    message: String,
    fields: Object,
    causes: Vec<String>,
    crash: bool,
    leftover: Option<PathBuf>,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Failure {
        Failure(Box::new(Parts { message: message.into(), ..Parts::default() }))
    }

    /// What a Python module raises and nobody catches: Ansible calls it "Module failed".
    pub fn crash(message: impl Into<String>) -> Failure {
        Failure(Box::new(Parts { message: message.into(), crash: true, ..Parts::default() }))
    }

    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Failure {
        self.0.fields.insert(key.to_owned(), value.into());
        self
    }

    pub fn with_all(mut self, fields: Object) -> Failure {
        self.0.fields.extend(fields);
        self
    }

    /// The error behind it; the outermost first.
    pub fn because(mut self, cause: impl Into<String>) -> Failure {
        self.0.causes.push(cause.into());
        self
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// A file that shall go, once the result says what it was like.
    pub fn leaving_nothing_at(mut self, path: PathBuf) -> Failure {
        self.0.leftover = Some(path);
        self
    }

    /// Did nobody foresee it?
    pub fn is_crash(&self) -> bool {
        self.0.crash
    }

    /// The result as Ansible's modules print it; whether it was a crash; the file that shall go.
    pub(crate) fn into_parts(self) -> (Object, bool, Option<PathBuf>) {
        let parts = *self.0;
        let mut result = parts.fields;
        // The message comes where Ansible has it, after the other keys.
        result.shift_remove("msg");
        result.insert("failed".into(), true.into());
        if !parts.crash {
            result.insert("msg".into(), parts.message.clone().into());
        }
        if parts.crash || !parts.causes.is_empty() {
            let event = event(&parts.message, &parts.causes);
            result.insert("exception".into(), json!({"event": event, "__ansible_type": "ErrorSummary"}));
        }
        (result, parts.crash, parts.leftover)
    }
}

fn event(message: &str, causes: &[String]) -> Value {
    let Some((cause, rest)) = causes.split_first() else {
        return json!({"msg": message, "__ansible_type": "Event"});
    };
    json!({
        "msg": message,
        "chain": {
            "msg_reason": "<<< caused by >>>",
            "traceback_reason": "The above exception was the direct cause of the following error:",
            "event": event(cause, rest),
            "follow": true,
            "__ansible_type": "EventChain",
        },
        "__ansible_type": "Event",
    })
}
