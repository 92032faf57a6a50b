//! The algorithms to offer: fast and modern ones first, as far as the configuration allows them.

use russh::{Preferred, cipher, kex, mac};

use super::config::HostConfig;

/// Our algorithms in our order, as far as the configuration allows them; the kind of which none is left.
pub(crate) fn preferred(config: &HostConfig) -> Result<Preferred, &'static str> {
    const KEX: &[kex::Name] = &[
        kex::MLKEM768X25519_SHA256,
        kex::CURVE25519,
        kex::CURVE25519_PRE_RFC_8731,
        kex::ECDH_SHA2_NISTP256,
        kex::ECDH_SHA2_NISTP384,
        kex::ECDH_SHA2_NISTP521,
        kex::DH_GEX_SHA256,
        kex::DH_G18_SHA512,
        kex::DH_G16_SHA512,
        kex::DH_G14_SHA256,
        kex::DH_GEX_SHA1,
        kex::DH_G14_SHA1,
        kex::DH_G1_SHA1,
    ];
    // Never subject to a choice: they switch protections on.
    const KEX_MARKS: &[kex::Name] = &[kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT];
    const CIPHERS: &[cipher::Name] = &[
        cipher::AES_128_GCM,
        cipher::AES_256_GCM,
        cipher::CHACHA20_POLY1305,
        cipher::AES_128_CTR,
        cipher::AES_192_CTR,
        cipher::AES_256_CTR,
        cipher::AES_128_CBC,
        cipher::AES_192_CBC,
        cipher::AES_256_CBC,
    ];
    const MACS: &[mac::Name] = &[
        mac::HMAC_SHA256_ETM,
        mac::HMAC_SHA512_ETM,
        mac::HMAC_SHA256,
        mac::HMAC_SHA512,
        mac::HMAC_SHA1_ETM,
        mac::HMAC_SHA1,
    ];
    let kex_allowed = config.text("kexalgorithms");
    // OpenSSH before 9.9 does not know ML-KEM, so its list cannot allow it; nobody forbids it by that.
    let knows = |name: &str| kex_allowed.contains("sntrup") && name.starts_with("mlkem");
    let mut kex = allowed(KEX, kex_allowed, |name| knows(name), MODERN).ok_or("key exchange")?;
    kex.extend_from_slice(KEX_MARKS);
    let ciphers = allowed(CIPHERS, config.text("ciphers"), |_| false, MODERN).ok_or("cipher")?;
    let macs = allowed(MACS, config.text("macs"), |_| false, MODERN).ok_or("MAC")?;
    Ok(Preferred {
        kex: kex.into(),
        cipher: ciphers.into(),
        mac: macs.into(),
        compression: vec![russh::compression::NONE].into(),
        ..Preferred::DEFAULT
    })
}

/// Without a list in the configuration, nothing weak.
const MODERN: fn(&str) -> bool = |name| !name.contains("sha1") && !name.contains("cbc");

fn allowed<N: AsRef<str> + Copy>(
    ours: &[N],
    list: &str,
    also: impl Fn(&str) -> bool,
    by_default: fn(&str) -> bool,
) -> Option<Vec<N>> {
    // A list that adds to or takes from the defaults: only our own parser leaves those unresolved.
    let resolved = !list.is_empty() && !list.starts_with(['+', '-', '^']);
    let names: Vec<&str> = list.split(',').collect();
    let permits = |name: &str| if resolved { names.contains(&name) || also(name) } else { by_default(name) };
    let chosen: Vec<N> = ours.iter().filter(|name| permits((*name).as_ref())).copied().collect();
    (!chosen.is_empty()).then_some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_to_allowed_algorithms() {
        let names = |config: &str| {
            let preferred = preferred(&HostConfig::parse(config));
            preferred.map(|p| p.cipher.iter().map(|name| name.as_ref().to_string()).collect::<Vec<_>>().join(","))
        };
        assert_eq!(
            names("ciphers aes256-ctr,aes128-gcm@openssh.com\n"),
            Ok("aes128-gcm@openssh.com,aes256-ctr".into())
        );
        assert_eq!(names("ciphers 3des-cbc\n"), Err("cipher"));
        assert!(names("").unwrap().starts_with("aes128-gcm@openssh.com,"));
        assert_eq!(names("kexalgorithms sntrup761x25519-sha512\nciphers aes128-ctr\n"), Ok("aes128-ctr".into()));
        assert_eq!(names("kexalgorithms gss-x\n"), Err("key exchange"));
    }
}
