//! The JSON inside frames: what a gate is asked to do, and how it went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A request. The body (arguments, a program, nothing) follows the JSON as raw bytes; see [`encode_request`].
#[derive(Clone, Debug, Default, Serialize)]
pub struct Spec {
    /// What to do: `python`, `program`, `background`, `spawn`, `put`, `get`, `stat`, `remove`, …
    pub kind: &'static str,
    /// Changes to the environment of the login.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Seconds until the process group is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// Input follows as DATA frames, and stderr is passed on as it comes.
    #[serde(skip_serializing_if = "is_false")]
    pub streaming: bool,
    /// `python`: the pack with module_utils (its SHA-256).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core: Option<String>,
    /// `python`: a pack of extra files that goes before the core pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// `python`: the extra pack replaces files of the core pack, so nothing preloaded may be used.
    #[serde(skip_serializing_if = "is_false")]
    pub replaces: bool,
    /// `python`: always start a new interpreter.
    #[serde(skip_serializing_if = "is_false")]
    pub cold: bool,
    /// `python`: the soft limit for open files, within the hard one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rlimit_nofile: Option<u64>,
    /// `python`: the dotted name of the module; `program`: the file name it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `spawn`: the program and its arguments; `program`: the interpreter and its arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// `program`: how much of the body is the program; the rest are its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program_size: Option<usize>,
    /// `program`: the arguments go into a file.
    #[serde(skip_serializing_if = "is_false")]
    pub arguments: bool,
    /// `background`: the first part of the job's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// `background`: seconds, 0 for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub async_dir: Option<String>,
    /// File work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub follow: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub checksum: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// The header of a PACK.
#[derive(Clone, Debug, Serialize)]
pub struct PackHeader<'a> {
    pub digest: &'a str,
    /// The core pack an extra pack is completed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<&'a str>,
}

/// How a child ended.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Exit {
    /// Negative: the signal that ended it.
    pub rc: i32,
    #[serde(default)]
    pub timed_out: bool,
}

/// Why a request was not even started.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Refusal {
    pub message: String,
    /// Packs that must be sent first.
    #[serde(default)]
    pub missing: Vec<String>,
    #[serde(default)]
    pub trace: String,
}

/// `u32 length of the JSON | JSON | body`.
pub fn encode_request<T: Serialize>(header: &T, body: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let header = serde_json::to_vec(header)?;
    let mut out = Vec::with_capacity(4 + header.len() + body.len());
    out.extend_from_slice(&(header.len() as u32).to_be_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(body);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_hold_only_what_is_set() {
        let spec = Spec { kind: "stat", path: Some("/etc".into()), follow: true, ..Spec::default() };
        let bytes = encode_request(&spec, b"body").unwrap();
        let json = br#"{"kind":"stat","path":"/etc","follow":true}"#;
        assert_eq!(bytes[..4], (json.len() as u32).to_be_bytes());
        assert_eq!(&bytes[4..4 + json.len()], json);
        assert_eq!(&bytes[4 + json.len()..], b"body");
    }
}
