//! The text form of vault data: a header line, then the hexadecimal body in lines of 80 characters.

use crate::source::Diagnostic;

const HEADER: &str = "$ANSIBLE_VAULT";
const LINE: usize = 80;

/// Ansible's test: pure ASCII that starts with the header.
pub fn is_encrypted(data: &[u8]) -> bool {
    data.starts_with(HEADER.as_bytes()) && data.is_ascii()
}

/// A header and the body it announces, taken apart but not yet decrypted.
pub(super) struct Envelope {
    pub(super) vault_id: Option<String>,
    pub(super) salt: Vec<u8>,
    pub(super) hmac: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
}

impl Envelope {
    /// Reads the header; the body is left for [`Body::open`], because Ansible complains about missing secrets first.
    pub(super) fn parse(data: &[u8]) -> Result<Body<'_>, Diagnostic> {
        if !is_encrypted(data) {
            return Err(Diagnostic::error("Input is not vault encrypted data."));
        }
        // ASCII was just checked.
        let text = std::str::from_utf8(data).unwrap_or_default();
        let mut lines = text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}']);
        let header: Vec<&str> = lines.next().unwrap_or_default().trim().split(';').map(str::trim).collect();
        let [_, version, cipher, rest @ ..] = header.as_slice() else {
            return Err(Diagnostic::error("Vault envelope format error.")
                .caused_by(Diagnostic::error("list index out of range")));
        };
        if header[0] != HEADER {
            return Err(Diagnostic::error("Vault envelope format error."));
        }
        if *cipher != "AES256" {
            return Err(Diagnostic::error(format!("Cipher {} could not be found.", crate::value::repr_str(cipher))));
        }
        // The header is not authenticated: what it may say is kept small.
        if !matches!(*version, "1.1" | "1.2") {
            return Err(Diagnostic::error(format!(
                "Vault format version {} is not supported.",
                crate::value::repr_str(version)
            )));
        }
        Ok(Body { vault_id: rest.first().map(|id| id.to_string()), lines: lines.collect() })
    }

    /// The text of an envelope around already encrypted parts.
    pub(super) fn format(&self) -> String {
        let mut out = match self.vault_id.as_deref() {
            None | Some("" | "default") => format!("{HEADER};1.1;AES256\n"),
            Some(id) => format!("{HEADER};1.2;AES256;{id}\n"),
        };
        let inner = [hex(&self.salt), hex(&self.hmac), hex(&self.ciphertext)].join("\n");
        for line in hex(inner.as_bytes()).as_bytes().chunks(LINE) {
            out.extend(line.iter().map(|b| *b as char));
            out.push('\n');
        }
        out
    }
}

/// The part after the header.
pub(super) struct Body<'a> {
    pub(super) vault_id: Option<String>,
    lines: Vec<&'a str>,
}

impl Body<'_> {
    pub(super) fn open(self) -> Result<Envelope, Diagnostic> {
        let inner = unhex(self.lines.concat().as_bytes())?;
        let mut parts = inner.splitn(3, |b| *b == b'\n');
        let (Some(salt), Some(hmac), Some(ciphertext)) = (parts.next(), parts.next(), parts.next()) else {
            let got = inner.split(|b| *b == b'\n').count().min(3);
            return Err(Diagnostic::error("Vault vaulttext format error.")
                .caused_by(Diagnostic::error(format!("not enough values to unpack (expected 3, got {got})"))));
        };
        Ok(Envelope { vault_id: self.vault_id, salt: unhex(salt)?, hmac: unhex(hmac)?, ciphertext: unhex(ciphertext)? })
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[(b >> 4) as usize] as char, DIGITS[(b & 15) as usize] as char]).collect()
}

fn unhex(text: &[u8]) -> Result<Vec<u8>, Diagnostic> {
    let wrong = |why| Diagnostic::error("Vault format unhexlify error.").caused_by(Diagnostic::error(why));
    if !text.len().is_multiple_of(2) {
        return Err(wrong("Odd-length string"));
    }
    let digit = |b: u8| (b as char).to_digit(16);
    text.chunks(2)
        .map(|pair| match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) => Ok((high * 16 + low) as u8),
            _ => Err(wrong("Non-hexadecimal digit found")),
        })
        .collect()
}
