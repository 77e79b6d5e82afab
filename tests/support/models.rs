//! Where tests find the engine's weights and the sample portrait.

use std::path::PathBuf;

/// The folder of `LIVEGATE_TEST_MODELS`, else the one that the suite shares under the target folder.
pub fn models() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the one setting of the suite")]
    let named = std::env::var_os("LIVEGATE_TEST_MODELS");
    named.map_or_else(
        || PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("models"),
        PathBuf::from,
    )
}
