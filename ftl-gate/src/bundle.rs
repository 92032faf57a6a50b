//! The gate program as it travels: the parts in one text, compressed once per run.

use std::io::Write;
use std::sync::OnceLock;

/// The first program of the host's Python: its syntax is that of Python 2.7 too, so that it can say what it is.
const BOOTSTRAP: &str = include_str!("../python/bootstrap.py");
const PARTS: [&str; 2] = [include_str!("../python/styles.py"), include_str!("../python/gate.py")];

/// The gate program, zlib-compressed.
pub fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        let written = PARTS.iter().try_for_each(|part| encoder.write_all(part.as_bytes()));
        // Writing to memory does not fail; an empty program would end with a clear message of the bootstrap.
        written.and_then(|()| encoder.finish()).unwrap_or_default()
    })
}

/// The bootstrap as one line without single quotes, so that it survives every login shell.
pub fn bootstrap() -> String {
    let escaped = BOOTSTRAP.trim_end().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("exec(\"{escaped}\")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bootstrap_is_one_plain_line() {
        let line = bootstrap();
        assert!(line.len() < 1024, "{}", line.len());
        assert!(!line.contains(['\'', '\n', '!', '`', '$']), "{line}");
    }

    #[test]
    fn the_program_is_small() {
        assert!((1000..16_000).contains(&program().len()), "{}", program().len());
    }
}
