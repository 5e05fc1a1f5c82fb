use super::fingerprint::{combine, fingerprint};
use super::labelling::Votes;
use super::near_duplicates::{equal_groups, near_duplicate_groups, near_duplicates};
use super::picture_label::PictureLabel;
use super::reading::{Content, Reading, read_all};
use super::scan::{LabelFolders, describe, scan};
use super::split::{Candidate, Subset, split_validation};
use super::{CopyCounts, DataSpec, Dataset, DatasetError, Item, SourceSummary, Split, Storage, Store};
use crate::part::Part;
use emotion_models::{InputSpec, MAX_LABELS, is_plain_label};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A picture file, before it is read.
struct File {
    path: PathBuf,
    relative: String,
    part: Part,
    /// Its folder's label.
    folder: usize,
    known: PictureLabel,
    source: usize,
}

impl File {
    /// Whether a picture in this part is used there.
    fn counts_in(&self, part: Part) -> bool {
        part == Part::Train || self.known.is_agreed()
    }
}

impl Dataset {
    /// Reads every picture of every source. Undecodable files are listed in [`Dataset::problems`].
    ///
    /// # Errors
    /// No train folder, an empty label, fewer than two or too many labels, labels that differ between the parts of a source, a
    /// folder that cannot be read, an impossible `spec`, or no room for the pictures on disk.
    pub fn load(spec: &DataSpec, input: &InputSpec, storage: &Storage, progress: bool) -> Result<Self, DatasetError> {
        check_spec(spec)?;
        let mut scans = Vec::new();
        let mut votes = Vec::new();
        for source in &spec.sources {
            let labelling = spec.labelling(source);
            let parts = scan(&source.path)?;
            check_parts(&source.path, &parts)?;
            let read = |part: &Part| spec.test || *part != Part::Test;
            let parts: BTreeMap<_, _> = parts
                .into_iter()
                .filter(|(part, _)| read(part))
                .map(|(part, folders)| (part, labelling.rename(folders)))
                .collect();
            let known: Vec<String> = parts[&Part::Train].keys().cloned().collect();
            votes.push(labelling.read(&source.path, &known)?);
            scans.push(parts);
        }
        let labels = unite_labels(spec, &scans, &votes)?;
        let (files, voted_out) = list_files(spec, &scans, &votes, &labels);
        let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
        let mut store = Store::new(paths.len() * input.len(), storage)?;
        let readings = read_all(&paths, Some((input, &mut store)), progress);
        let fingerprints = fingerprints(spec, &files, &readings, &votes);

        let mut problems = Vec::new();
        let mut undecodable = vec![0; spec.sources.len()];
        let mut pictures = Vec::new();
        for ((slot, file), reading) in files.into_iter().enumerate().zip(readings) {
            match reading.content {
                Ok(content) => pictures.push(Decoded { file, slot: slot as u32, digest: reading.digest, content }),
                Err(reason) => {
                    undecodable[file.source] += 1;
                    problems.push((file.path, reason));
                }
            }
        }
        check_every_label_has_pictures(&scans, &votes, &labels, &pictures)?;

        let (parts, pairs) = divide(spec, &scans, &pictures);
        let copies = count_copies(spec.sources.len(), &pictures, &parts, &pairs);
        let summaries = spec.sources.iter().enumerate().map(|(index, source)| SourceSummary {
            source: source.clone(),
            labelling: spec.labelling(source),
            labels: labels_of(&scans[index], votes[index].as_ref()).into_iter().collect(),
            train: count_labels(&pictures, &parts, index, Part::Train, labels.len()),
            val: count_labels(&pictures, &parts, index, Part::Val, labels.len()),
            test: count_labels(&pictures, &parts, index, Part::Test, labels.len()),
            own_val: scans[index].contains_key(&Part::Val),
            undecodable: undecodable[index],
            voted: pictures
                .iter()
                .filter(|picture| picture.file.source == index && picture.file.known.votes.is_some())
                .count(),
            voted_out: voted_out[index],
            fingerprint: fingerprints[index].clone(),
            copies: copies[index],
        });
        let sources = summaries.collect();
        let repeats = spec.sources.iter().map(|source| source.repeat).collect();
        let [train, val, test] = assemble(pictures, &parts, Arc::new(store), input.len(), repeats).map(Arc::new);
        if val.items.is_empty() {
            return Err(DatasetError::NoValidation);
        }
        Ok(Dataset {
            labels,
            train,
            val,
            test: (!test.items.is_empty()).then_some(test),
            fingerprint: combine(fingerprints),
            problems,
            sources,
        })
    }
}

fn check_spec(spec: &DataSpec) -> Result<(), DatasetError> {
    if spec.sources.is_empty() {
        return Err(DatasetError::NoSource);
    }
    if !(spec.val_fraction > 0.0 && spec.val_fraction < 1.0) {
        return Err(DatasetError::ValFraction(spec.val_fraction));
    }
    let mut seen = HashSet::new();
    for (name, labelling) in &spec.labelling {
        let wrong = |reason| DatasetError::Labelling { name: name.clone(), reason };
        labelling.check().map_err(wrong)?;
        if !spec.sources.iter().any(|source| source.name() == *name) {
            return Err(wrong("no data source has a folder of this name".into()));
        }
    }
    for source in &spec.sources {
        let path = source.path.canonicalize().unwrap_or_else(|_| source.path.clone());
        if !seen.insert(path) {
            return Err(DatasetError::SourceTwice { path: source.path.clone() });
        }
    }
    Ok(())
}

fn check_parts(root: &Path, parts: &BTreeMap<Part, LabelFolders>) -> Result<(), DatasetError> {
    let Some(train) = parts.get(&Part::Train).filter(|folders| !folders.is_empty()) else {
        return Err(DatasetError::NoTrain { path: root.to_owned(), found: describe(root) });
    };
    if let Some(label) = train.keys().find(|label| !is_plain_label(label)) {
        return Err(DatasetError::Label { path: root.to_owned(), label: label.clone() });
    }
    for (part, folders) in parts {
        if folders.keys().ne(train.keys()) {
            let only = |a: &LabelFolders, b: &LabelFolders| {
                a.keys().filter(|label| !b.contains_key(*label)).cloned().collect::<Vec<_>>()
            };
            let words = [(only(train, folders), "lacks"), (only(folders, train), "alone has")];
            let difference = words.iter().filter(|(labels, _)| !labels.is_empty());
            let difference = difference.map(|(labels, verb)| format!("{part}/ {verb} {}", labels.join(", ")));
            return Err(DatasetError::LabelsDiffer {
                path: root.to_owned(),
                part: part.to_string(),
                train: names(train.keys()),
                other: names(folders.keys()),
                difference: difference.collect::<Vec<_>>().join(", "),
            });
        }
        for (label, folder) in folders {
            if folder.pictures.is_empty() {
                let path = if folder.path.is_dir() { folder.path.clone() } else { root.join(part.name()).join(label) };
                return Err(DatasetError::EmptyLabel { found: describe(&path), path });
            }
        }
    }
    Ok(())
}

fn names<'a>(labels: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = labels.map(String::as_str).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// The labels that a source's folders have or that people voted for.
fn labels_of(parts: &BTreeMap<Part, LabelFolders>, votes: Option<&Votes>) -> BTreeSet<String> {
    let folders = parts.values().flat_map(|folders| folders.keys());
    folders.chain(votes.iter().flat_map(|votes| &votes.labels)).cloned().collect()
}

fn unite_labels(
    spec: &DataSpec,
    scans: &[BTreeMap<Part, LabelFolders>],
    votes: &[Option<Votes>],
) -> Result<Vec<String>, DatasetError> {
    let labels: BTreeSet<String> =
        scans.iter().zip(votes).flat_map(|(parts, votes)| labels_of(parts, votes.as_ref())).collect();
    let place = || spec.sources.iter().map(|source| source.path.display().to_string()).collect::<Vec<_>>().join(", ");
    let (count, found) = (labels.len(), names(labels.iter()));
    match count {
        0 | 1 => Err(DatasetError::TooFewLabels { count, place: place(), found }),
        2..=MAX_LABELS => Ok(labels.into_iter().collect()),
        _ => Err(DatasetError::TooManyLabels { count, limit: MAX_LABELS, place: place(), found }),
    }
}

/// The files to read, and for each source how many the votes leave out.
fn list_files(
    spec: &DataSpec,
    scans: &[BTreeMap<Part, LabelFolders>],
    votes: &[Option<Votes>],
    labels: &[String],
) -> (Vec<File>, Vec<usize>) {
    let mut files = Vec::new();
    let mut left_out = vec![0; scans.len()];
    for (source, (parts, data)) in scans.iter().zip(&spec.sources).enumerate() {
        for (&part, folders) in parts {
            for (label, folder) in folders {
                let folder_label = labels.partition_point(|other| other < label);
                for path in &folder.pictures {
                    let relative = relative_path(&data.path, path);
                    match PictureLabel::of(&relative, folder_label, labels, votes[source].as_ref()) {
                        None => left_out[source] += 1,
                        Some(known) => {
                            files.push(File {
                                path: path.clone(),
                                relative,
                                part,
                                folder: folder_label,
                                known,
                                source,
                            });
                        }
                    }
                }
            }
        }
    }
    (files, left_out)
}

/// `path` below `root` with `/` between folders on every system.
pub(crate) fn relative_path(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    relative.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn fingerprints(spec: &DataSpec, files: &[File], readings: &[Reading], votes: &[Option<Votes>]) -> Vec<String> {
    let of_source = |source: usize| {
        let own = files.iter().zip(readings).filter(move |(file, _)| file.source == source);
        let pictures = own.map(|(file, reading)| (file.relative.as_str(), &reading.digest));
        fingerprint(pictures.chain(votes[source].iter().map(|votes| ("votes", &votes.digest))))
    };
    (0..spec.sources.len()).map(of_source).collect()
}

/// A picture that decodes.
struct Decoded {
    file: File,
    /// Its place in the store.
    slot: u32,
    digest: [u8; 32],
    content: Content,
}

fn check_every_label_has_pictures(
    scans: &[BTreeMap<Part, LabelFolders>],
    votes: &[Option<Votes>],
    labels: &[String],
    pictures: &[Decoded],
) -> Result<(), DatasetError> {
    let present: HashSet<(usize, Part, usize)> =
        pictures.iter().map(|Decoded { file, .. }| (file.source, file.part, file.folder)).collect();
    for (source, parts) in scans.iter().enumerate() {
        for (&part, folders) in parts {
            for (label, folder) in folders {
                let index = labels.partition_point(|other| other < label);
                let left_out = votes[source].is_some();
                if !left_out && !present.contains(&(source, part, index)) {
                    let path = folder.path.clone();
                    let found = format!("{} files that do not decode", folder.pictures.len());
                    return Err(DatasetError::EmptyLabel { path, found });
                }
            }
        }
    }
    Ok(())
}

/// The part each picture ends up in, and all pairs of copies.
fn divide(
    spec: &DataSpec,
    scans: &[BTreeMap<Part, LabelFolders>],
    pictures: &[Decoded],
) -> (Vec<Part>, Vec<(usize, usize)>) {
    let signatures: Vec<_> = pictures.iter().map(|picture| picture.content.signature.clone()).collect();
    let digests: Vec<_> = pictures.iter().map(|picture| picture.digest).collect();
    let mut pairs: Vec<(usize, usize)> =
        near_duplicates(&signatures).iter().map(|pair| (pair.first, pair.second)).collect();
    for group in equal_groups(&digests) {
        pairs.extend(group.iter().enumerate().flat_map(|(at, &a)| group[at + 1..].iter().map(move |&b| (a, b))));
    }
    pairs.sort_unstable();
    pairs.dedup();

    let candidate = |Decoded { file, .. }: &Decoded| Candidate {
        label: file.known.label,
        source: file.source,
        subset: match file.part {
            Part::Train if !scans[file.source].contains_key(&Part::Val) => None,
            Part::Train => Some(Subset::Train),
            Part::Val => Some(Subset::Val),
            // Test pictures are in no group here: they never choose anything.
            Part::Test => Some(Subset::Train),
        },
    };
    let candidates: Vec<Candidate> = pictures.iter().map(candidate).collect();
    let tests = |index: usize| pictures[index].file.part == Part::Test;
    let training_pairs = pairs.iter().copied().filter(|&(a, b)| !tests(a) && !tests(b));
    let subsets = split_validation(
        &candidates,
        &near_duplicate_groups(pictures.len(), training_pairs),
        spec.val_fraction,
        spec.seed,
    );
    let part = |(picture, subset): (&Decoded, Subset)| match (picture.file.part, subset) {
        (Part::Test, _) => Part::Test,
        (_, Subset::Train) => Part::Train,
        (_, Subset::Val) => Part::Val,
    };
    (pictures.iter().zip(subsets).map(part).collect(), pairs)
}

fn count_copies(sources: usize, pictures: &[Decoded], parts: &[Part], pairs: &[(usize, usize)]) -> Vec<CopyCounts> {
    let seen: HashSet<(usize, Part)> = pairs.iter().flat_map(|&(a, b)| [(a, parts[b]), (b, parts[a])]).collect();
    let mut counts = vec![CopyCounts::default(); sources];
    for (index, Decoded { file, .. }) in pictures.iter().enumerate() {
        let counts = &mut counts[file.source];
        let has = |part| usize::from(seen.contains(&(index, part)));
        match parts[index] {
            Part::Train => counts.kept_together += has(Part::Train),
            Part::Val => {
                counts.kept_together += has(Part::Val);
                counts.val_in_train += has(Part::Train);
            }
            Part::Test => {
                counts.test_in_train += has(Part::Train);
                counts.test_in_val += has(Part::Val);
            }
        }
    }
    counts
}

fn count_labels(pictures: &[Decoded], parts: &[Part], source: usize, part: Part, labels: usize) -> Vec<usize> {
    let mut counts = vec![0; labels];
    for (Decoded { file, .. }, &own) in pictures.iter().zip(parts) {
        if file.source == source && own == part && file.counts_in(part) {
            counts[file.known.label] += 1;
        }
    }
    counts
}

/// Puts every picture into its split; all share one store.
fn assemble(
    pictures: Vec<Decoded>,
    parts: &[Part],
    store: Arc<Store>,
    stride: usize,
    repeats: Vec<usize>,
) -> [Split; 3] {
    let mut splits = Part::ALL.map(|part| {
        let count = parts.iter().filter(|&&own| own == part).count();
        let repeats = if part == Part::Train { repeats.clone() } else { vec![1; repeats.len()] };
        let (items, slots) = (Vec::with_capacity(count), Vec::with_capacity(count));
        Split { items, store: store.clone(), slots, stride, repeats }
    });
    for (Decoded { file, slot, .. }, &part) in pictures.into_iter().zip(parts) {
        if !file.counts_in(part) {
            continue;
        }
        let split = &mut splits[part as usize];
        split.items.push(Item {
            path: file.path,
            label: file.known.label,
            votes: file.known.votes,
            source: file.source,
        });
        split.slots.push(slot);
    }
    splits
}
