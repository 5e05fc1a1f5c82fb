//! `audit`: what a data set holds, and what is wrong with it.

use super::labellings::labellings;
use crate::emotion::dataset::near_duplicates::{equal_groups, near_duplicates};
use crate::emotion::dataset::reading::{Reading, read_all};
use crate::emotion::dataset::scan::{describe, scan};
use crate::emotion::dataset::{DatasetError, VotedFolder};
use crate::failure::Kind;
use crate::files::own_name;
use crate::output::say;
use anyhow::Result;
use clap::Args;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Folder with train/LABEL/* and perhaps val/ and test/, or with LABEL/* alone.
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// Training configuration whose `[data.labelling.NAME]` names people's votes for the pictures of a folder of that name: shows
    /// where votes and folders disagree.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Exit with code 6 when a picture and its copy lie in two subsets of the split.
    #[arg(long)]
    pub strict: bool,
}

/// The findings.
#[derive(Debug, Default, Serialize)]
pub struct Audit {
    /// Pictures that decode, by part and label.
    pub pictures: BTreeMap<String, BTreeMap<String, usize>>,
    /// Files that are no pictures and are passed over.
    pub other_files: usize,
    /// How many pictures have each size, `WIDTHxHEIGHT`.
    pub sizes: BTreeMap<String, usize>,
    /// Files that do not decode.
    pub undecodable: Vec<Undecodable>,
    /// Groups of equal files.
    pub equal: Vec<Vec<PathBuf>>,
    /// Near-duplicates that are not equal files.
    pub near: Vec<Near>,
    /// Pairs (equal or near) of which one lies in `test/` or `val/` and the other in another part.
    pub across_parts: Vec<[PathBuf; 2]>,
    /// Pairs (equal or near) with different labels.
    pub across_labels: Vec<[PathBuf; 2]>,
    /// What people called the pictures of each label, where they voted.
    pub votes: Vec<VotedFolder>,
}

/// A file that does not decode.
#[derive(Debug, Serialize)]
pub struct Undecodable {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Two near-duplicates.
#[derive(Debug, Serialize)]
pub struct Near {
    /// The two files.
    pub paths: [PathBuf; 2],
    /// Correlation of their thumbnails.
    pub correlation: f32,
    /// Whether one is the other flipped.
    pub mirrored: bool,
}

struct File {
    path: PathBuf,
    part: String,
    label: String,
}

/// Prints the findings.
///
/// # Errors
/// When the folder cannot be read or holds no picture.
pub fn run(args: &AuditArgs) -> Result<ExitCode> {
    let labelling = match &args.config {
        Some(config) => labellings(config, std::slice::from_ref(&args.data))?.remove(&own_name(&args.data)),
        None => None,
    };
    let votes = VotedFolder::compare(&args.data, &labelling.unwrap_or_default())?;
    let audit = Audit { votes, ..audit(&args.data, !args.json)? };
    match args.json {
        true => say!("{}", serde_json::to_string_pretty(&audit)?)?,
        false => print(&audit)?,
    }
    let found = args.strict && !audit.across_parts.is_empty();
    Ok(if found { ExitCode::from(Kind::Copies as u8) } else { ExitCode::SUCCESS })
}

/// Audits `data`; paths in the findings are relative to it.
///
/// # Errors
/// When the folder cannot be read or holds no picture.
pub fn audit(data: &Path, progress: bool) -> Result<Audit> {
    let mut files = vec![];
    let mut other_files = 0;
    for (part, labels) in scan(data)? {
        for (label, folder) in labels {
            other_files += folder.others;
            let file = |path| File { path, part: part.name().into(), label: label.clone() };
            files.extend(folder.pictures.into_iter().map(file));
        }
    }
    if files.is_empty() {
        return Err(DatasetError::NoPictures { path: data.into(), found: describe(data) }.into());
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let readings = read_all(&paths, None, progress);
    for file in &mut files {
        file.path = file.path.strip_prefix(data).map_or_else(|_| file.path.clone(), Path::to_path_buf);
    }
    Ok(findings(&files, readings, other_files))
}

fn findings(files: &[File], readings: Vec<Reading>, other_files: usize) -> Audit {
    let mut audit = Audit { other_files, ..Audit::default() };
    let digests: Vec<[u8; 32]> = readings.iter().map(|reading| reading.digest).collect();
    let (mut decoded, mut signatures) = (vec![], vec![]);
    for (index, (file, reading)) in files.iter().zip(readings).enumerate() {
        match reading.content {
            Ok(content) => {
                *audit.pictures.entry(file.part.clone()).or_default().entry(file.label.clone()).or_default() += 1;
                *audit.sizes.entry(format!("{}x{}", content.width, content.height)).or_default() += 1;
                decoded.push(index);
                signatures.push(content.signature);
            }
            Err(reason) => audit.undecodable.push(Undecodable { path: file.path.clone(), reason }),
        }
    }
    let whole: HashSet<usize> = decoded.iter().copied().collect();
    let groups =
        equal_groups(&digests).into_iter().map(|group| group.into_iter().filter(|i| whole.contains(i)).collect());
    let groups: Vec<Vec<usize>> = groups.filter(|group: &Vec<usize>| group.len() > 1).collect();
    let mut pairs: Vec<(usize, usize)> = vec![];
    for group in &groups {
        for (at, &first) in group.iter().enumerate() {
            pairs.extend(group[at + 1..].iter().map(|&second| (first, second)));
        }
        audit.equal.push(group.iter().map(|&index| files[index].path.clone()).collect());
    }
    for pair in near_duplicates(&signatures) {
        let (first, second) = (decoded[pair.first], decoded[pair.second]);
        if digests[first] != digests[second] {
            let paths = [files[first].path.clone(), files[second].path.clone()];
            let resemblance = pair.resemblance;
            audit.near.push(Near { paths, correlation: resemblance.correlation, mirrored: resemblance.mirrored });
            pairs.push((first, second));
        }
    }
    pairs.sort_unstable();
    for (first, second) in pairs {
        let both = || [files[first].path.clone(), files[second].path.clone()];
        if files[first].part != files[second].part {
            audit.across_parts.push(both());
        }
        if files[first].label != files[second].label {
            audit.across_labels.push(both());
        }
    }
    audit
}

fn print(audit: &Audit) -> Result<()> {
    for (part, labels) in &audit.pictures {
        say!("{part}: {} pictures", labels.values().sum::<usize>())?;
        for (label, count) in labels {
            say!("  {count:>7}  {label}")?;
        }
    }
    let mut sizes: Vec<(&String, &usize)> = audit.sizes.iter().collect();
    sizes.sort_by(|a, b| b.1.cmp(a.1));
    say!("sizes: {} different", sizes.len())?;
    for (size, count) in sizes.iter().take(5) {
        say!("  {count:>7}  {size}")?;
    }
    if audit.other_files > 0 {
        say!("{} files are no pictures and are passed over", audit.other_files)?;
    }
    say!("{} files do not decode", audit.undecodable.len())?;
    for file in &audit.undecodable {
        say!("  {}: {}", file.path.display(), file.reason)?;
    }
    say!("{} groups of equal files", audit.equal.len())?;
    for group in &audit.equal {
        say!("  {}", group.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("  =  "))?;
    }
    say!("{} pairs of near-copies", audit.near.len())?;
    for near in &audit.near {
        let how = if near.mirrored { ", mirrored" } else { "" };
        say!(
            "  {}  ~  {}  (correlation {:.3}{how})",
            near.paths[0].display(),
            near.paths[1].display(),
            near.correlation
        )?;
    }
    for folder in &audit.votes {
        say!("votes for {}", folder.text())?;
    }
    list("pairs with different labels", &audit.across_labels)?;
    list("pairs across the split", &audit.across_parts)
}

fn list(what: &str, pairs: &[[PathBuf; 2]]) -> Result<()> {
    say!("{} {what}", pairs.len())?;
    for [first, second] in pairs {
        say!("  {}  |  {}", first.display(), second.display())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::TestCard;

    #[test]
    fn finds_copies_across_split_and_labels_and_broken_files() {
        let folder = tempfile::tempdir().unwrap();
        let save = |name: &str, person: u64, size: u32| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            TestCard::new(person).draw("happy", 0, size, size).save(path).unwrap();
        };
        save("train/a/1.png", 1, 64);
        save("train/a/2.png", 2, 64);
        save("train/b/3.png", 3, 64);
        save("test/a/1.png", 1, 64);
        save("test/b/2.png", 2, 72);
        std::fs::write(folder.path().join("train/b/broken.png"), b"no picture").unwrap();
        let audit = audit(folder.path(), false).unwrap();
        assert_eq!(audit.pictures["train"]["a"], 2);
        assert_eq!(audit.undecodable.len(), 1);
        assert_eq!(
            audit.equal,
            [["test/a/1.png", "train/a/1.png"].map(PathBuf::from)].map(|mut g| {
                g.reverse();
                g.to_vec()
            })
        );
        assert!(audit.near.iter().any(|near| near.paths.iter().any(|p| p.ends_with("b/2.png"))));
        assert!(audit.across_parts.len() >= 2 && !audit.across_labels.is_empty());
    }
}
