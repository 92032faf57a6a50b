//! Is this the host it says it is? OpenSSH's rules for known, unknown, changed, certified and revoked keys.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, EcdsaCurve, HashAlg, PublicKey, PublicKeyOrCertificate};

use super::config::{HostConfig, expand};
use super::known_hosts::{Entry, KnownHosts, Marker};
use super::message::Notes;
use crate::settings::ConnectorSettings;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Strictness {
    Yes,
    Ask,
    AcceptNew,
    Off,
}

/// The check for one host, as configured.
pub(crate) struct HostKeyCheck {
    strictness: Strictness,
    /// The name keys are filed under: `host`, `[host]:port` or the alias.
    name: String,
    /// The name without the port, which is what a certificate speaks of.
    principal: String,
    has_port: bool,
    user_files: Vec<PathBuf>,
    global_files: Vec<PathBuf>,
    hashed: bool,
    exempt: bool,
    known: Arc<KnownHosts>,
}

/// The outcome of a check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Trusted,
    /// A changed key that the settings let pass: nothing secret may be sent.
    Tolerated,
    Refused(String),
}

enum Lookup {
    Found,
    New,
    Changed(Entry),
    Revoked(Entry),
}

const FAILED: &str = "Host key verification failed.";

impl HostKeyCheck {
    pub(crate) fn new(
        config: &HostConfig,
        original: &str,
        settings: &ConnectorSettings,
        known: Arc<KnownHosts>,
    ) -> HostKeyCheck {
        let files = |name: &str| {
            let words = super::arguments::split(config.text(name)).unwrap_or_default();
            let real = words.into_iter().filter(|word| !word.eq_ignore_ascii_case("none"));
            real.map(|word| PathBuf::from(expand(&word, config, original, settings))).collect()
        };
        let principal = config.some("hostkeyalias").unwrap_or(config.hostname()).to_ascii_lowercase();
        let loopback = config
            .hostname()
            .parse::<std::net::IpAddr>()
            .map_or(config.hostname() == "localhost", |ip| ip.is_loopback());
        HostKeyCheck {
            strictness: match config.text("stricthostkeychecking") {
                "yes" | "true" => Strictness::Yes,
                "no" | "false" | "off" => Strictness::Off,
                "accept-new" => Strictness::AcceptNew,
                _ => Strictness::Ask,
            },
            name: config.key_name(),
            principal,
            has_port: config.some("hostkeyalias").is_none() && config.port() != 22,
            user_files: files("userknownhostsfile"),
            global_files: files("globalknownhostsfile"),
            hashed: config.is_yes("hashknownhosts"),
            exempt: loopback && config.is_yes("nohostauthenticationforlocalhost"),
            known,
        }
    }

    fn entries(&self, name: &str) -> Vec<Entry> {
        let files = self.user_files.iter().chain(&self.global_files);
        let about = |file: &PathBuf| -> Vec<Entry> {
            self.known.entries(file).iter().filter(|entry| entry.is_about(name)).cloned().collect()
        };
        files.flat_map(about).collect()
    }

    /// The kinds of keys known for the host, and the kinds certificates may have: they are asked for first.
    pub(crate) fn preferred(&self, allowed: &str) -> (Vec<Algorithm>, Vec<Algorithm>) {
        let allowed: Vec<&str> = allowed.split(',').filter(|name| !name.is_empty()).collect();
        let permits = |name: &str| allowed.is_empty() || allowed.contains(&name);
        let entries = self.entries(&self.name);
        let known = |algorithm: &Algorithm| {
            let plain = key_type(algorithm);
            entries.iter().any(|entry| entry.marker == Marker::Plain && entry.key_type == plain)
        };
        let mut keys: Vec<Algorithm> =
            algorithms().into_iter().filter(|algorithm| permits(algorithm.as_str())).collect();
        keys.sort_by_key(|algorithm| !known(algorithm));
        let authority = entries.iter().any(|entry| entry.marker == Marker::Authority);
        let certificates = algorithms().into_iter().filter(|a| authority && permits(&a.to_certificate_type()));
        (keys, certificates.collect())
    }

    /// Judges what a host presented; the signature of the key exchange is verified already.
    pub(crate) fn verify(&self, presented: &PublicKeyOrCertificate, notes: &Notes) -> Verdict {
        if self.exempt {
            return Verdict::Trusted;
        }
        let key = presented.public_key();
        let Ok(wire) = key.to_bytes() else { return Verdict::Refused(FAILED.into()) };
        if let Some(certificate) = presented.certificate() {
            match self.certified(certificate, &wire) {
                Ok(true) => return Verdict::Trusted,
                Ok(false) => {}
                // As OpenSSH: a certificate that does not hold is worth no more than the key in it.
                Err(problem) => notes.add(problem),
            }
        }
        let authority =
            presented.certificate().and_then(|c| PublicKey::new(c.signature_key().clone(), "").to_bytes().ok());
        match self.look_up(&self.name, &wire, &plain_type(&key), authority.as_deref()) {
            Lookup::Found => Verdict::Trusted,
            Lookup::Revoked(entry) => self.revoked(&key, &entry),
            Lookup::Changed(entry) => self.changed(&key, &entry, notes),
            Lookup::New => self.unknown(&key, &wire, notes),
        }
    }

    fn certified(&self, certificate: &Certificate, key: &[u8]) -> Result<bool, String> {
        let signer = PublicKey::new(certificate.signature_key().clone(), "");
        let Ok(signer_wire) = signer.to_bytes() else { return Ok(false) };
        let entries = self.entries(&self.name);
        let plain = if self.has_port { self.entries(&self.principal) } else { Vec::new() };
        let all = || entries.iter().chain(&plain);
        if all().any(|e| e.marker == Marker::Revoked && (e.key == signer_wire || e.key == key)) {
            return Ok(false);
        }
        if !all().any(|e| e.marker == Marker::Authority && e.key == signer_wire) {
            return Ok(false);
        }
        if certificate.cert_type() != CertType::Host {
            return Err("Certificate invalid: not a host certificate".into());
        }
        let principals = certificate.valid_principals();
        if !principals.is_empty() && !principals.iter().any(|name| name.eq_ignore_ascii_case(&self.principal)) {
            return Err("Certificate invalid: name is not a listed principal".into());
        }
        if certificate.critical_options().iter().next().is_some() {
            return Err("Certificate for host contains unsupported critical options(s)".into());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if now < certificate.valid_after() {
            return Err("Certificate invalid: not yet valid".into());
        }
        if now >= certificate.valid_before() {
            return Err("Certificate invalid: expired".into());
        }
        let authority = [certificate.signature_key().fingerprint(HashAlg::Sha256)];
        certificate.validate_at(now, &authority).map_err(|_| "Certificate invalid: signature".to_string())?;
        Ok(true)
    }

    fn look_up(&self, name: &str, key: &[u8], key_type: &str, authority: Option<&[u8]>) -> Lookup {
        let entries = self.entries(name);
        let revoked =
            |entry: &&Entry| entry.marker == Marker::Revoked && (entry.key == key || Some(&entry.key[..]) == authority);
        if let Some(entry) = entries.iter().find(revoked) {
            return Lookup::Revoked(entry.clone());
        }
        let plain = || entries.iter().filter(|entry| entry.marker == Marker::Plain);
        if plain().any(|entry| entry.key == key) {
            return Lookup::Found;
        }
        if let Some(entry) = plain().find(|entry| entry.key_type == key_type) {
            return Lookup::Changed(entry.clone());
        }
        // A key filed without its port counts, but never against a host.
        if self.has_port && name != self.principal {
            return match self.look_up(&self.principal, key, key_type, authority) {
                Lookup::Changed(_) => Lookup::New,
                other => other,
            };
        }
        Lookup::New
    }

    fn unknown(&self, key: &PublicKey, wire: &[u8], notes: &Notes) -> Verdict {
        let kind = display_type(key);
        match self.strictness {
            Strictness::Yes => {
                let name = &self.name;
                notes.add(format!("No {kind} host key is known for {name} and you have requested strict checking."));
                Verdict::Refused(FAILED.into())
            }
            Strictness::Ask => Verdict::Refused(FAILED.into()),
            Strictness::AcceptNew | Strictness::Off => {
                let Some(file) = self.user_files.first() else { return Verdict::Trusted };
                match self.known.add(file, &self.name, &plain_type(key), wire, self.hashed) {
                    Ok(()) => notes.add(format!(
                        "Warning: Permanently added '{}' ({kind}) to the list of known hosts.",
                        self.name
                    )),
                    Err(_) => {
                        notes.add(format!("Failed to add the host to the list of known hosts ({}).", file.display()))
                    }
                }
                Verdict::Trusted
            }
        }
    }

    fn changed(&self, key: &PublicKey, entry: &Entry, notes: &Notes) -> Verdict {
        let kind = display_type(key);
        let rule = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";
        let file = self.user_files.first().map_or(String::new(), |file| file.display().to_string());
        let offending = entry.file.display();
        notes.add(
            [
                rule,
                "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
                rule,
                "IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!",
                "Someone could be eavesdropping on you right now (man-in-the-middle attack)!",
                "It is also possible that a host key has just been changed.",
                &format!("The fingerprint for the {kind} key sent by the remote host is"),
            ]
            .join("\r\n")
                + &format!("\n{}.\r\nPlease contact your system administrator.", key.fingerprint(HashAlg::Sha256)),
        );
        notes.add(format!("Add correct host key in {file} to get rid of this message."));
        notes.add(format!("Offending {kind} key in {offending}:{}", entry.line));
        notes.add(format!("  remove with:\r\n  ssh-keygen -f \"{offending}\" -R \"{}\"", self.name));
        if self.strictness != Strictness::Off {
            notes.add(format!("Host key for {} has changed and you have requested strict checking.", self.name));
            return Verdict::Refused(FAILED.into());
        }
        notes.add("Password authentication is disabled to avoid man-in-the-middle attacks.");
        notes.add("Keyboard-interactive authentication is disabled to avoid man-in-the-middle attacks.");
        Verdict::Tolerated
    }

    fn revoked(&self, key: &PublicKey, entry: &Entry) -> Verdict {
        let rule = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";
        let kind = display_type(key);
        let name = &self.name;
        Verdict::Refused(format!(
            "{rule}\r\n@       WARNING: REVOKED HOST KEY DETECTED!               @\r\n{rule}\r\n\
             The {kind} host key for {name} is marked as revoked.\r\n\
             This could mean that a stolen key is being used to impersonate this host.\r\n\
             {kind} host key for {name} was revoked and you have requested strict checking. \
             ({}:{})\r\n{FAILED}",
            entry.file.display(),
            entry.line
        ))
    }
}

fn algorithms() -> Vec<Algorithm> {
    let curve = |curve| Algorithm::Ecdsa { curve };
    let rsa = |hash| Algorithm::Rsa { hash };
    vec![
        Algorithm::Ed25519,
        curve(EcdsaCurve::NistP256),
        curve(EcdsaCurve::NistP384),
        curve(EcdsaCurve::NistP521),
        rsa(Some(HashAlg::Sha512)),
        rsa(Some(HashAlg::Sha256)),
        // Signatures with SHA-1 only where the configuration asks for them by name.
        rsa(None),
    ]
}

/// The type as a known_hosts line names it: RSA keys have one name whatever the hash.
fn key_type(algorithm: &Algorithm) -> String {
    match algorithm {
        Algorithm::Rsa { .. } => "ssh-rsa".into(),
        other => other.as_str().to_string(),
    }
}

fn plain_type(key: &PublicKey) -> String {
    key_type(&key.algorithm())
}

fn display_type(key: &PublicKey) -> &'static str {
    match key.algorithm() {
        Algorithm::Ed25519 => "ED25519",
        Algorithm::Ecdsa { .. } => "ECDSA",
        Algorithm::Rsa { .. } => "RSA",
        Algorithm::Dsa => "DSA",
        Algorithm::SkEd25519 => "ED25519-SK",
        Algorithm::SkEcdsaSha2NistP256 => "ECDSA-SK",
        _ => "UNKNOWN",
    }
}
