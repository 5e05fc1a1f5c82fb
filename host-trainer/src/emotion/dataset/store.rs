//! Decoded pictures: in memory, or, where they would fill it, in a file that the system pages in and out.

use super::DatasetError;
use memmap2::MmapMut;
use serde::{Deserialize, Serialize};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

/// Where decoded pictures are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Cache {
    /// In memory, unless they would take more than half of what is free.
    #[default]
    Auto,
    /// In memory.
    Memory,
    /// In a nameless file, which is gone when the program ends.
    Disk,
}

/// Where, and in which folder if on disk.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Memory or disk.
    pub cache: Cache,
    /// A folder that exists, with room for a byte per value of every picture.
    pub folder: PathBuf,
}

impl Storage {
    /// Memory, unless they would fill it; then the nearest folder that exists above `place`.
    pub fn near(cache: Cache, place: &Path) -> Self {
        let exists = place.ancestors().find(|folder| folder.is_dir());
        Storage { cache, folder: exists.map_or_else(|| ".".into(), Path::to_path_buf) }
    }
}

/// The bytes of all pictures of a data set.
#[derive(Debug)]
pub struct Store(StoreKind);

#[derive(Debug)]
enum StoreKind {
    Memory(Vec<u8>),
    Disk(MmapMut),
}

impl Store {
    /// `len` zeros.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn new(len: usize, storage: &Storage) -> Result<Self, DatasetError> {
        let disk = match storage.cache {
            Cache::Auto => crate::memory::available().is_some_and(|free| len as u64 > free / 2),
            Cache::Memory => false,
            Cache::Disk => true,
        };
        // A file of no length cannot be mapped.
        if !disk || len == 0 {
            return Ok(vec![0; len].into());
        }
        let failed = |source| DatasetError::Cache { path: storage.folder.clone(), mib: len.div_ceil(1 << 20), source };
        let file = tempfile::tempfile_in(&storage.folder).map_err(failed)?;
        file.set_len(len as u64).map_err(failed)?;
        // SAFETY: the file has no name and its handle stays here, so that nothing else can change or shorten it; it is as
        // long as the mapping, which lives as long as the pictures.
        let map = unsafe { MmapMut::map_mut(&file) }.map_err(failed)?;
        Ok(Store(StoreKind::Disk(map)))
    }

    /// Whether the pictures lie in a file.
    pub fn is_on_disk(&self) -> bool {
        matches!(self.0, StoreKind::Disk(_))
    }
}

impl From<Vec<u8>> for Store {
    fn from(bytes: Vec<u8>) -> Self {
        Store(StoreKind::Memory(bytes))
    }
}

impl Default for Store {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl Deref for Store {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            StoreKind::Memory(bytes) => bytes,
            StoreKind::Disk(map) => map,
        }
    }
}

impl DerefMut for Store {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            StoreKind::Memory(bytes) => bytes,
            StoreKind::Disk(map) => map,
        }
    }
}

impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn memory_and_disk_hold_the_same_and_leave_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = |cache| {
            let mut store = Store::new(10_000, &Storage::near(cache, &folder.path().join("not/there"))).unwrap();
            store.iter_mut().enumerate().for_each(|(index, byte)| *byte = index as u8);
            store
        };
        let (memory, disk) = (store(Cache::Memory), store(Cache::Disk));
        assert!(disk.is_on_disk() && !memory.is_on_disk() && !store(Cache::Auto).is_on_disk());
        assert_eq!(memory, disk);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(Store::new(0, &Storage::near(Cache::Disk, folder.path())).unwrap().is_empty());
        let nowhere = Storage { cache: Cache::Disk, folder: folder.path().join("gone") };
        assert!(Store::new(10, &nowhere).unwrap_err().to_string().contains("--cache"));
    }
}
