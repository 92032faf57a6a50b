//! The secrets of a run, and which of them opens an envelope.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::cipher::Keys;
use super::envelope::{Envelope, is_encrypted};
use crate::mask::Masks;
use crate::source::Diagnostic;

/// Keys by index of the secret and salt.
type DerivedKeys = HashMap<(usize, Vec<u8>), Arc<Keys>>;

/// Vault secrets by id, best first. Derived keys are kept, because deriving one takes milliseconds.
#[derive(Default)]
pub struct VaultSecrets {
    secrets: Vec<(String, Vec<u8>)>,
    /// `DEFAULT_VAULT_ID_MATCH`: only secrets of the envelope's own id are tried.
    id_match: bool,
    keys: Mutex<DerivedKeys>,
    masks: Arc<Masks>,
}

impl VaultSecrets {
    pub fn new(secrets: Vec<(String, Vec<u8>)>, id_match: bool) -> VaultSecrets {
        VaultSecrets { secrets, id_match, ..VaultSecrets::default() }
    }

    /// The same, with the masks of a display: it hides these secrets, and what they open.
    #[must_use]
    pub fn masked_by(self, masks: Arc<Masks>) -> VaultSecrets {
        for (_, secret) in &self.secrets {
            masks.add(&String::from_utf8_lossy(secret));
        }
        VaultSecrets { masks, ..self }
    }

    /// Where every secret of the run goes, whoever comes to know it.
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The ids, best first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|(id, _)| id.as_str())
    }

    /// The text in an envelope; from now on no display shows it. `None`: it is not UTF-8.
    pub fn decrypt_text(&self, envelope: &str) -> Result<Option<String>, Diagnostic> {
        let text = String::from_utf8(self.decrypt(envelope.as_bytes())?).ok();
        text.iter().for_each(|text| self.masks.add(text));
        Ok(text)
    }

    /// The plaintext of an envelope.
    pub fn decrypt(&self, data: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let body = Envelope::parse(data)?;
        if self.secrets.is_empty() {
            return Err(Diagnostic::error("Attempting to decrypt but no vault secrets found."));
        }
        let vault_id = body.vault_id.clone().unwrap_or_else(|| "default".into());
        let envelope = body.open()?;
        for index in self.candidates(&vault_id) {
            let keys = self.keys(index, &envelope.salt);
            if let Some(plaintext) = keys.decrypt(&envelope.ciphertext, &envelope.hmac) {
                return Ok(plaintext);
            }
        }
        Err(Diagnostic::error("Decryption failed (no vault secrets were found that could decrypt)."))
    }

    /// Encrypts with the secret of `vault_id`, or with the first one. A salt is drawn when none is given.
    pub fn encrypt(&self, plaintext: &[u8], vault_id: Option<&str>, salt: Option<&[u8]>) -> Result<String, Diagnostic> {
        if is_encrypted(plaintext) {
            return Err(Diagnostic::error("input is already encrypted"));
        }
        let index = match vault_id {
            Some(id) => self.secrets.iter().position(|(known, _)| known == id).ok_or_else(|| {
                let known: Vec<String> = self.ids().map(crate::value::repr_str).collect();
                Diagnostic::error(format!(
                    "Did not find a match for --encrypt-vault-id={id} in the known vault-ids [{}]",
                    known.join(", ")
                ))
            })?,
            None if self.secrets.is_empty() => {
                return Err(Diagnostic::error("A vault password must be specified to encrypt data"));
            }
            None => 0,
        };
        let salt = salt.map_or_else(|| rand::random::<[u8; 32]>().to_vec(), <[u8]>::to_vec);
        let (ciphertext, hmac) = self
            .keys(index, &salt)
            .encrypt(plaintext)
            .ok_or_else(|| Diagnostic::error("The data could not be encrypted."))?;
        Ok(Envelope { vault_id: vault_id.map(str::to_string), salt, hmac, ciphertext }.format())
    }

    /// Encrypts with a secret that is not one of these (the `vault` filter).
    pub fn encrypt_with_secret(
        plaintext: &[u8],
        secret: &[u8],
        vault_id: Option<&str>,
        salt: Option<&[u8]>,
    ) -> Result<String, Diagnostic> {
        VaultSecrets::new(vec![(vault_id.unwrap_or("default").to_string(), secret.to_vec())], false)
            .encrypt(plaintext, vault_id, salt)
    }

    /// The secrets to try, in their own order as Ansible does it: the envelope's id only matters when ids must match.
    fn candidates(&self, vault_id: &str) -> Vec<usize> {
        (0..self.secrets.len()).filter(|index| !self.id_match || self.secrets[*index].0 == vault_id).collect()
    }

    fn keys(&self, index: usize, salt: &[u8]) -> Arc<Keys> {
        let place = (index, salt.to_vec());
        let lock = || self.keys.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(keys) = lock().get(&place) {
            return keys.clone();
        }
        // Derived outside the lock: other threads may work on other salts meanwhile.
        let keys = Arc::new(Keys::derive(&self.secrets[index].1, salt));
        lock().insert(place, keys.clone());
        keys
    }
}

impl std::fmt::Debug for VaultSecrets {
    /// Ids alone: secrets are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}
