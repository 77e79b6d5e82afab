//! The real weights, fetched once for all tests.

use std::path::PathBuf;
use std::sync::LazyLock;

use livegate::engine::weights::{self, Mode, Progress};

/// A complete models folder: the one that `LIVEGATE_TEST_MODELS` names, else one below the target directory, which the
/// first test that asks for it fills while the others, also those of other processes, wait.
pub fn models() -> PathBuf {
    static MODELS: LazyLock<PathBuf> = LazyLock::new(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "tests are configured by their environment"
        )]
        let given = std::env::var_os("LIVEGATE_TEST_MODELS").map(PathBuf::from);
        let (folder, mode) = match given {
            Some(folder) => (folder, Mode::Offline),
            None => (
                PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("models"),
                Mode::Online,
            ),
        };
        match weights::fetch(&folder, mode, &Silent) {
            Ok(_) => folder,
            Err(error) => panic!("the tests need the engine's weights: {error}"),
        }
    });
    MODELS.clone()
}

struct Silent;

impl Progress for Silent {
    fn step(&self, _: &str) {}
}
