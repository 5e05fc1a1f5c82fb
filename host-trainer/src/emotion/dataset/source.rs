use super::DatasetError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// More repeats than this are a slip of the finger.
const MAX_REPEATS: usize = 1000;

/// A folder of pictures and how often its training pictures are seen in an epoch; `DIR` or `DIR*N` as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DataSource {
    /// The folder that holds `train/` and perhaps `val/` and `test/`.
    pub path: PathBuf,
    /// How often each training picture is seen in an epoch, at least 1.
    pub repeat: usize,
}

impl DataSource {
    /// The folder's own name.
    pub fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

impl FromStr for DataSource {
    type Err = DatasetError;

    fn from_str(text: &str) -> Result<Self, DatasetError> {
        let bad = || DatasetError::Source(text.to_owned());
        match text.rsplit_once('*') {
            // A folder may really be called so.
            Some(_) if Path::new(text).is_dir() => Ok(Self { path: text.into(), repeat: 1 }),
            Some((path, repeat)) if !path.is_empty() => {
                let repeat = repeat.parse().map_err(|_| bad())?;
                if repeat == 0 || repeat > MAX_REPEATS { Err(bad()) } else { Ok(Self { path: path.into(), repeat }) }
            }
            None if !text.is_empty() => Ok(Self { path: text.into(), repeat: 1 }),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.repeat {
            1 => write!(f, "{}", self.path.display()),
            repeat => write!(f, "{}*{repeat}", self.path.display()),
        }
    }
}

impl TryFrom<String> for DataSource {
    type Error = DatasetError;

    fn try_from(text: String) -> Result<Self, DatasetError> {
        text.parse()
    }
}

impl From<DataSource> for String {
    fn from(source: DataSource) -> Self {
        source.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sources_read_and_print_alike() {
        let source: DataSource = "a/b*4".parse().unwrap();
        assert_eq!(source, DataSource { path: "a/b".into(), repeat: 4 });
        assert_eq!(source.to_string(), "a/b*4");
        assert_eq!("a/b".parse::<DataSource>().unwrap().repeat, 1);
        for bad in ["", "*3", "a*0", "a*", "a*x", "a*99999999999"] {
            assert!(bad.parse::<DataSource>().is_err(), "{bad}");
        }
    }
}
