//! AES256 in counter mode with an HMAC-SHA256, keys derived by PBKDF2: the one cipher of Ansible Vault.

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const ROUNDS: u32 = 10_000;
const BLOCK: usize = 16;

/// What PBKDF2 makes of a secret and a salt.
#[derive(Clone)]
pub(super) struct Keys {
    bytes: [u8; 80],
}

impl Keys {
    pub(super) fn derive(secret: &[u8], salt: &[u8]) -> Keys {
        let mut bytes = [0; 80];
        // Fails only for secrets HMAC cannot take, and HMAC takes any length.
        let _ = pbkdf2::pbkdf2::<Hmac<Sha256>>(secret, salt, ROUNDS, &mut bytes);
        Keys { bytes }
    }

    fn hmac(&self, data: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.bytes[32..64]).ok()?;
        mac.update(data);
        Some(mac)
    }

    fn crypt(&self, data: &mut [u8]) -> Option<()> {
        Ctr128BE::<Aes256>::new_from_slices(&self.bytes[..32], &self.bytes[64..]).ok()?.apply_keystream(data);
        Some(())
    }

    /// The plaintext, or nothing when the HMAC (compared in constant time, before decrypting) does not fit.
    pub(super) fn decrypt(&self, ciphertext: &[u8], hmac: &[u8]) -> Option<Vec<u8>> {
        self.hmac(ciphertext)?.verify_slice(hmac).ok()?;
        let mut data = ciphertext.to_vec();
        self.crypt(&mut data)?;
        let padding = *data.last()? as usize;
        if padding == 0 || padding > BLOCK || padding > data.len() || !data.len().is_multiple_of(BLOCK) {
            return None;
        }
        if data[data.len() - padding..].iter().any(|b| *b as usize != padding) {
            return None;
        }
        data.truncate(data.len() - padding);
        Some(data)
    }

    /// Ciphertext and HMAC.
    pub(super) fn encrypt(&self, plaintext: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let padding = BLOCK - plaintext.len() % BLOCK;
        let mut data = plaintext.to_vec();
        data.resize(plaintext.len() + padding, padding as u8);
        self.crypt(&mut data)?;
        let hmac = self.hmac(&data)?.finalize().into_bytes().to_vec();
        Some((data, hmac))
    }
}
