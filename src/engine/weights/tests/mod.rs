//! Fetches made-up packages through stand-ins for the registries' tools. Nothing here needs a network.

mod folder;
mod packages;
mod world;

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_table_is_well_formed() {
    let hex = |pin: pin::Pin| {
        pin.sha256.len() == 64
            && pin
                .sha256
                .chars()
                .all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
    };
    let mut files = BTreeSet::new();
    for bundle in BUNDLES {
        assert!(bundle.packages.iter().all(|package| hex(package.archive)));
        for wanted in bundle.files {
            assert!(hex(wanted.pin) && hex(wanted.result()), "{}", wanted.file);
            assert!(files.insert(wanted.file), "{} is there twice", wanted.file);
        }
    }
    assert_eq!(
        files.into_iter().collect::<Vec<_>>(),
        [PORTRAIT, LIVENESS, YUNET]
    );
}
