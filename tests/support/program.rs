//! Where the tested program and the ansible-core it works with are found.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// `ftl-play`: what `FTL_PLAY` names, or the one of this build, which is brought up to date first (a stale program
/// would pass or fail for reasons that are no longer in the tree).
pub fn ftl_play() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        if let Some(named) = std::env::var_os("FTL_PLAY") {
            return PathBuf::from(named);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let test = std::env::current_exe().expect("this test program has a path");
        // TARGET/debug/deps/e2e-0123 stands beside TARGET/debug/ftl-play.
        let built = test.parent().and_then(Path::parent).expect("a target directory").to_path_buf();
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--package", "ftl-cli", "--bin", "ftl-play"]).current_dir(repository());
        if built.ends_with("release") {
            build.arg("--release");
        }
        let status = build.status().expect("cargo starts");
        assert!(status.success(), "ftl-play does not build");
        built.join("ftl-play")
    });
    &PROGRAM
}

/// The virtual environment that holds ansible-core 2.19: the one whose Python `FTL_TEST_ANSIBLE` names (`tests/run` makes
/// one).
pub fn ansible() -> &'static Path {
    static VENV: LazyLock<PathBuf> = LazyLock::new(|| {
        let python = PathBuf::from(std::env::var_os("FTL_TEST_ANSIBLE").unwrap_or_default());
        // The Python itself is a link that leads out of the environment.
        let venv = python.parent().and_then(Path::parent).unwrap_or(Path::new("")).to_path_buf();
        let venv = venv.canonicalize().unwrap_or(venv);
        assert!(
            venv.join("bin/ansible-playbook").exists(),
            "no ansible-core beside '{}': FTL_TEST_ANSIBLE must name the Python of an environment that has it \
             (`tests/run` makes one)",
            python.display()
        );
        venv
    });
    &VENV
}
