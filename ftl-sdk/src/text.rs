//! Bytes that are no UTF-8, carried through text without loss, as Python's `surrogateescape` does.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Private characters nobody uses; the byte is added. Whoever prints results turns them back into bytes.
const ESCAPE: u32 = 0x10dc00;

/// Text of these bytes; what is no UTF-8 is kept so that [`bytes_of`] finds it again.
pub fn text_of(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => escaped(bytes),
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(ESCAPE + u32::from(*byte))));
    }
    out
}

/// The bytes this text stands for.
pub fn bytes_of(text: &str) -> Vec<u8> {
    if !text.bytes().any(|byte| byte == 0xf4) {
        return text.as_bytes().to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    for letter in text.chars() {
        match (letter as u32).checked_sub(ESCAPE) {
            Some(byte @ 0x80..=0xff) => out.push(byte as u8),
            _ => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

pub(crate) fn path_of(text: &str) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(bytes_of(text)))
}

/// A path as text in results.
pub(crate) fn shown(path: &Path) -> String {
    text_of(path.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive() {
        for bytes in [&b"plain"[..], "gr\u{fc}n".as_bytes(), b"a\xffb\x80", b"\xf4\x8f\xbf\xbf"] {
            assert_eq!(bytes_of(&text_of(bytes)), bytes);
        }
        assert_eq!(text_of(b"a\xff").chars().count(), 2);
    }
}
