//! Ansible Vault: envelopes, secrets and the AES256 cipher behind them.

mod cipher;
mod envelope;
mod secrets;

pub use envelope::is_encrypted;
pub use secrets::VaultSecrets;
