//! A store of files that cannot work until it is mended: a file stands where its folder would be.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use breakerbox::{FileStore, Registry};
use tempfile::TempDir;

/// Longer than anything may take on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Broken {
    store: FileStore,
    pub(crate) path: PathBuf,
    _folder: TempDir,
}

impl Broken {
    /// Attached to this registry.
    pub(crate) fn attach(registry: &Registry) -> Self {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let path = folder.path().join("states");
        fs::write(&path, "no folder").expect("a file");
        let store = FileStore::open(&path);
        registry.attach(&store).expect("the first store");
        Broken { store, path, _folder: folder }
    }

    /// Gives it its folder; what has waited is written.
    pub(crate) fn mend(&self) {
        fs::remove_file(&self.path).expect("the file is there");
        assert!(self.store.flush(LONG), "it does not recover");
    }
}
