//! Checksums of files.

use std::io::{self, Read};
use std::path::Path;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// The checksum in hex; `None` for an algorithm nobody knows.
pub(crate) fn of_file(path: &Path, algorithm: &str) -> io::Result<Option<String>> {
    Ok(Some(match algorithm {
        "md5" => read::<Md5>(path)?,
        "sha1" => read::<Sha1>(path)?,
        "sha224" => read::<Sha224>(path)?,
        "sha256" => read::<Sha256>(path)?,
        "sha384" => read::<Sha384>(path)?,
        "sha512" => read::<Sha512>(path)?,
        _ => return Ok(None),
    }))
}

/// SHA-1 and MD5 in one reading.
pub(crate) fn sha1_and_md5(path: &Path) -> io::Result<(String, String)> {
    let (mut sha1, mut md5) = (Sha1::new(), Md5::new());
    for_each_block(path, |block| {
        sha1.update(block);
        md5.update(block);
    })?;
    Ok((hex(&sha1.finalize()), hex(&md5.finalize())))
}

pub(crate) fn sha1(path: &Path) -> io::Result<String> {
    read::<Sha1>(path)
}

fn read<D: Digest>(path: &Path) -> io::Result<String> {
    let mut digest = D::new();
    for_each_block(path, |block| digest.update(block))?;
    Ok(hex(&digest.finalize()))
}

fn for_each_block(path: &Path, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file = std::fs::File::open(path)?;
    let mut block = vec![0; 64 * 1024];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(length) => take(&block[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
