//! The greeting: what the controller tells a gate at its start, and what the gate answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the protocol; the gate program is sent with every start, so both ends always agree.
pub const PROTOCOL: u32 = 1;
/// The oldest Python that modules of ansible-core 2.19 run on.
pub const MINIMUM_PYTHON: (u32, u32) = (3, 8);

/// Sent behind the program, as JSON.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Config {
    pub remote_tmp: Option<String>,
    /// Where tasks start (local connections).
    pub cwd: Option<String>,
    /// Packs that will be asked for: digest, and for local gates the directory they are already unpacked in.
    pub packs: BTreeMap<String, Option<String>>,
    /// Import what modules need right after the greeting.
    pub preload: Option<String>,
}

/// The first frame of a gate.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Hello {
    pub protocol: u32,
    #[serde(default)]
    pub uid: u32,
    #[serde(default)]
    pub pid: u32,
}

/// What the bootstrap prints before anything else: `MARKER version path`; before it the line `MARKER none` says that none
/// of the candidates was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    pub version: String,
    pub interpreter: String,
    /// None of the candidates was found.
    pub fallback: bool,
}

impl Banner {
    /// Looks for the marker in what the login shell and the bootstrap printed; answers the banner and where it ends.
    pub fn find(output: &[u8], marker: &str) -> Option<(Banner, usize)> {
        let start = find(output, marker.as_bytes())?;
        let length = output[start..].iter().position(|b| *b == b'\n')?;
        let line = String::from_utf8_lossy(&output[start + marker.len()..start + length]).into_owned();
        let end = start + length + 1;
        let Some((version, interpreter)) = line.trim().split_once(' ') else {
            let (banner, more) = Banner::find(&output[end..], marker)?;
            return Some((Banner { fallback: true, ..banner }, end + more));
        };
        let banner = Banner { version: version.to_owned(), interpreter: interpreter.to_owned(), fallback: false };
        Some((banner, end))
    }

    /// Whether the Python is new enough; unreadable versions are not.
    pub fn is_supported(&self) -> bool {
        let mut parts = self.version.split('.').map(|p| p.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= MINIMUM_PYTHON
    }
}

pub(crate) fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|w| w == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banners_are_found_in_noise() {
        let check = |text: &str, expected: Option<(&str, &str, &str)>| {
            let found = Banner::find(text.as_bytes(), "@@m");
            let found = found.map(|(b, at)| (b.version, b.interpreter, text[at..].to_owned(), b.fallback));
            let fallback = text.contains("none");
            assert_eq!(found, expected.map(|(v, i, r)| (v.into(), i.into(), r.into(), fallback)), "{text:?}");
        };
        check("@@m 3.11.7 /usr/bin/python3\nrest", Some(("3.11.7", "/usr/bin/python3", "rest")));
        check("motd\nx@@m 2.7.18 /usr/bin/python\n", Some(("2.7.18", "/usr/bin/python", "")));
        check("@@m none\n", None);
        check("@@m none\n@@m 3.11.7 /usr/bin/python3\nrest", Some(("3.11.7", "/usr/bin/python3", "rest")));
        check("@@m 3.11", None);
        check("nothing\n", None);
    }

    #[test]
    fn old_pythons_are_told_apart() {
        let check = |version: &str, expected| {
            let banner = Banner { version: version.into(), interpreter: String::new(), fallback: false };
            assert_eq!(banner.is_supported(), expected, "{version}");
        };
        check("3.8.0", true);
        check("3.13.1", true);
        check("4.0", true);
        check("3.7.17", false);
        check("2.7.18", false);
        check("x", false);
    }
}
