//! Which folder is which repository.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{names, server::ServerError, store::LayoutStore};

/// A directory of layouts, or one layout.
#[derive(Debug)]
pub(crate) struct Repositories {
    directory: PathBuf,
    /// The name of the one repository when the directory is itself a layout.
    sole: Option<String>,
    index_bytes: u64,
}

impl Repositories {
    pub(crate) fn open(
        directory: PathBuf,
        name: Option<String>,
        index_bytes: u64,
    ) -> Result<Self, ServerError> {
        let open = || -> io::Result<(PathBuf, bool)> {
            fs::create_dir_all(&directory)?;
            let directory = directory.canonicalize()?;
            let is_layout = directory.join("oci-layout").try_exists()?;
            Ok((directory, is_layout))
        };
        let (canonical, is_layout) = open().map_err(|source| ServerError::Directory {
            directory: directory.clone(),
            source,
        })?;
        let sole = if is_layout {
            let folder = canonical
                .file_name()
                .and_then(|name| name.to_str())
                .map(str::to_ascii_lowercase);
            Some(match name {
                Some(name) if names::is_repository(&name) => name,
                Some(name) => return Err(ServerError::Repository { name }),
                None => folder
                    .filter(|name| names::is_repository(name))
                    .unwrap_or_else(|| "layout".to_owned()),
            })
        } else {
            None
        };
        Ok(Self {
            directory: canonical,
            sole,
            index_bytes,
        })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The layout of `name`, whether or not it exists yet; `None` when it cannot exist here. `name` is a valid repository name.
    pub(crate) fn layout(&self, name: &str) -> Option<LayoutStore> {
        let path = match &self.sole {
            Some(sole) if sole == name => self.directory.clone(),
            Some(_) => return None,
            // The grammar of names has no `.` or `..` component and no separator but `/`.
            None => self.directory.join(name),
        };
        Some(LayoutStore::at(path, self.index_bytes))
    }
}
