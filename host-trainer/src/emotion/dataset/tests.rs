#![allow(clippy::unwrap_used)]
use super::*;
use crate::random::{Purpose, stream};
use emotion_models::{Colour, InputSpec, PixelMap};
use rand::Rng;
use std::collections::HashSet;
use std::fs;
use std::path::Path;

const INPUT: InputSpec =
    InputSpec { width: 16, height: 12, colour: Colour::Rgb, pixel_map: PixelMap { offset: 128.0, scale: 1.0 / 128.0 } };

/// A picture of coloured blocks that no other `seed` shares.
fn picture(seed: u64, size: u32) -> image::RgbImage {
    let mut random = stream(Purpose::Sheet, seed, 0, 0);
    let blocks: Vec<[u8; 3]> = (0..64).map(|_| random.random()).collect();
    image::RgbImage::from_fn(size, size, |x, y| image::Rgb(blocks[(y * 8 / size * 8 + x * 8 / size) as usize]))
}

fn save(root: &Path, name: &str, seed: u64) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture(seed, 32).save(path).unwrap();
}

/// `count` pictures in `folder`, all different.
fn fill(root: &Path, folder: &str, count: u64) {
    let first = 1000 * folder.bytes().map(u64::from).sum::<u64>();
    (0..count).for_each(|number| save(root, &format!("{folder}/{number:03}.png"), first + number));
}

fn memory() -> Storage {
    Storage { cache: Cache::Memory, folder: ".".into() }
}

fn spec(roots: &[&Path]) -> DataSpec {
    let sources = roots.iter().map(|root| DataSource { path: root.to_path_buf(), repeat: 1 }).collect();
    DataSpec { sources, val_fraction: 0.2, test: true, seed: 1, labelling: BTreeMap::new() }
}

fn load(roots: &[&Path]) -> Result<Dataset, DatasetError> {
    Dataset::load(&spec(roots), &INPUT, &memory(), false)
}

fn complaint(root: &Path) -> String {
    load(&[root]).expect_err("an error").to_string()
}

#[test]
fn validation_is_cut_from_train_and_test_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    fill(root.path(), "train/sad", 20);
    fill(root.path(), "train/happy", 10);
    fill(root.path(), "test/sad", 3);
    fill(root.path(), "test/happy", 2);
    let data = load(&[root.path()]).unwrap();
    assert_eq!(data.labels, ["happy", "sad"]);
    assert_eq!((data.sources[0].train.clone(), data.sources[0].val.clone()), (vec![8, 16], vec![2, 4]));
    assert_eq!(data.sources[0].test, [2, 3]);
    assert_eq!(data.train.pictures().map(<[u8]>::len).sum::<usize>(), 24 * 3 * 16 * 12);
    let paths = |split: &Split| split.items.iter().map(|item| item.path.clone()).collect::<HashSet<_>>();
    assert!(paths(&data.train).is_disjoint(&paths(&data.val)));
    assert!(data.test.unwrap().items.iter().all(|item| item.path.starts_with(root.path().join("test"))));

    let disk = Storage { cache: Cache::Disk, folder: root.path().into() };
    let on_disk = Dataset::load(&spec(&[root.path()]), &INPUT, &disk, false).unwrap();
    assert!(on_disk.train.store.is_on_disk() && on_disk.train == data.train && on_disk.val == data.val);
    let untested = Dataset::load(&DataSpec { test: false, ..spec(&[root.path()]) }, &INPUT, &memory(), false).unwrap();
    assert!(untested.test.is_none() && untested.train.items == data.train.items);
    let again = load(&[root.path()]).unwrap();
    assert_eq!((&again.train, &again.val, &again.fingerprint), (&data.train, &data.val, &data.fingerprint));
    let other = Dataset::load(&DataSpec { seed: 2, ..spec(&[root.path()]) }, &INPUT, &memory(), false).unwrap();
    assert_ne!(paths(&other.val), paths(&data.val));
}

#[test]
fn pixels_are_planes_at_the_size_of_the_net() {
    let root = tempfile::tempdir().unwrap();
    for label in ["a", "b"] {
        for number in 0..3 {
            let path = root.path().join(format!("train/{label}/{number}.png"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            image::RgbImage::from_pixel(40, 40, image::Rgb([200, number, 10])).save(path).unwrap();
        }
    }
    let data = load(&[root.path()]).unwrap();
    let planes: Vec<&[u8]> = data.train.picture(0).chunks(16 * 12).collect();
    assert!(planes[0].iter().all(|&red| red == 200) && planes[2].iter().all(|&blue| blue == 10));
}

#[test]
fn copies_stay_on_one_side_and_are_counted() {
    let root = tempfile::tempdir().unwrap();
    for number in 0..40 {
        // Each picture twice: the very file, or another size and format, under another name.
        save(root.path(), &format!("train/a/{number:02}-x.png"), number);
        let copy = root.path().join(format!("train/a/{number:02}-y.jpg"));
        picture(number, 64).save(copy).unwrap();
    }
    fill(root.path(), "train/b", 20);
    save(root.path(), "test/a/leak.png", 7);
    save(root.path(), "test/b/new.png", 12345);
    let data = load(&[root.path()]).unwrap();
    let numbers = |split: &Split| -> HashSet<String> {
        let of_a = split.items.iter().filter(|item| item.label == 0);
        of_a.map(|item| item.path.file_name().unwrap().to_string_lossy()[..2].to_owned()).collect()
    };
    assert!(numbers(&data.train).is_disjoint(&numbers(&data.val)));
    assert_eq!(data.sources[0].val, [16, 4]);
    let copies = data.sources[0].copies;
    assert_eq!((copies.kept_together, copies.val_in_train), (80, 0));
    assert_eq!(copies.test_in_train + copies.test_in_val, 1);
}

#[test]
fn sources_unite_their_labels_and_keep_their_own_validation() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(first.path(), "train/happy", 10);
    fill(first.path(), "train/sad", 10);
    fill(second.path(), "train/angry", 6);
    fill(second.path(), "train/happy", 6);
    fill(second.path(), "val/angry", 2);
    fill(second.path(), "val/happy", 3);
    let mut spec = spec(&[first.path(), second.path()]);
    spec.sources[1].repeat = 3;
    let data = Dataset::load(&spec, &INPUT, &memory(), false).unwrap();
    assert_eq!(data.labels, ["angry", "happy", "sad"]);
    assert_eq!((data.present_labels(0), data.present_labels(1)), (vec![false, true, true], vec![true, true, false]));
    assert_eq!((data.sources[0].own_val, data.sources[1].own_val), (false, true));
    assert_eq!(data.sources[0].val, [0, 2, 2]);
    assert_eq!((data.sources[1].train.clone(), data.sources[1].val.clone()), (vec![6, 6, 0], vec![2, 3, 0]));
    assert!(data.test.is_none());
    assert_eq!(data.train.order().len(), 16 + 3 * 12);
    assert_eq!(data.val.order().len(), 9);
}

#[test]
fn files_that_do_not_decode_are_named_and_junk_is_not() {
    let root = tempfile::tempdir().unwrap();
    fill(root.path(), "train/a", 4);
    fill(root.path(), "train/b", 4);
    fs::write(root.path().join("train/a/broken.jpg"), b"\xff\xd8\xff\xe0 cut").unwrap();
    fs::write(root.path().join("train/a/.DS_Store"), b"x").unwrap();
    fs::write(root.path().join("train/b/Thumbs.db"), b"x").unwrap();
    fs::write(root.path().join("labels.csv"), b"x").unwrap();
    let data = load(&[root.path()]).unwrap();
    assert_eq!(data.problems.len(), 1);
    assert!(data.problems[0].0.ends_with("train/a/broken.jpg"));
    assert_eq!(data.sources[0].undecodable, 1);
    assert_eq!(data.train.items.len() + data.val.items.len(), 8);
}

#[test]
fn complaints_say_what_was_found() {
    let root = tempfile::tempdir().unwrap();
    fill(root.path(), "happy", 1);
    assert!(complaint(root.path()).contains("at least 2 labels, found 1"), "{}", complaint(root.path()));

    fill(root.path(), "train/happy", 2);
    assert!(complaint(root.path()).contains("at least 2 labels"), "{}", complaint(root.path()));

    fs::create_dir_all(root.path().join("train/sad")).unwrap();
    fs::write(root.path().join("train/sad/notes.txt"), b"x").unwrap();
    assert!(complaint(root.path()).contains("train/sad") && complaint(root.path()).contains("1 file"));

    fs::write(root.path().join("train/sad/broken.png"), b"x").unwrap();
    assert!(complaint(root.path()).contains("do not decode"), "{}", complaint(root.path()));

    fill(root.path(), "train/sad", 2);
    fill(root.path(), "test/happy", 1);
    fill(root.path(), "test/angry", 1);
    let text = complaint(root.path());
    assert!(text.contains("test/ lacks sad") && text.contains("test/ alone has angry"), "{text}");

    let many = tempfile::tempdir().unwrap();
    (0..17).for_each(|label| fill(many.path(), &format!("train/label{label}"), 1));
    assert!(complaint(many.path()).contains("at most 16 labels, found 17"), "{}", complaint(many.path()));

    assert!(complaint(&many.path().join("nowhere")).contains("cannot read"));
    assert!(load(&[many.path(), many.path()]).expect_err("an error").to_string().contains("given twice"));
    assert!(matches!(load(&[]), Err(DatasetError::NoSource)));
}

#[test]
fn votes_say_what_a_picture_shows_and_whether_it_counts() {
    let root = tempfile::tempdir().unwrap();
    fill(root.path(), "train/sad", 10);
    fill(root.path(), "train/happy", 10);
    fill(root.path(), "test/sad", 3);
    fill(root.path(), "test/happy", 1);
    let first = "file,calm,sadness,happy,none\n";
    let rows =
        "train/sad/000.png,9,1,0,0\ntrain/sad/001.png,0,1,0,9\ntest/sad/000.png,7,3,0,0\ntest/sad/001.png,4,4,2,0\n";
    fs::write(root.path().join("votes.csv"), format!("{first}{rows}")).unwrap();
    let columns = [("calm", "neutral"), ("sadness", "sad"), ("happy", "happy")];
    let labelling = Labelling {
        votes: Some("votes.csv".into()),
        columns: columns.map(|(column, label)| (column.to_owned(), label.to_owned())).into(),
        other_columns: vec!["none".into()],
        ..Labelling::default()
    };
    let name = root.path().file_name().unwrap().to_string_lossy().into_owned();
    let spec = DataSpec { labelling: [(name, labelling)].into(), ..spec(&[root.path()]) };
    let data = Dataset::load(&spec, &INPUT, &memory(), false).unwrap();
    assert_eq!(data.labels, ["happy", "neutral", "sad"]);
    let summary = &data.sources[0];
    assert_eq!((summary.voted, summary.voted_out), (3, 1));
    assert_eq!(summary.train.iter().zip(&summary.val).map(|(a, b)| a + b).collect::<Vec<_>>(), [10, 1, 8]);
    // One test picture became another label's, and one is left out: most do not agree on it.
    assert_eq!(summary.test, [1, 1, 1]);
    let voted = data.test.as_ref().unwrap().items.iter().find(|item| item.votes.is_some()).unwrap();
    assert_eq!((voted.label, voted.votes.as_deref()), (1, Some([0.0, 0.7, 0.3].as_slice())));
    let plain = load(&[root.path()]).unwrap();
    assert!(plain.fingerprint != data.fingerprint && plain.sources[0].voted == 0);

    let unknown = DataSpec { labelling: [("elsewhere".to_owned(), Labelling::default())].into(), ..spec };
    let complaint = Dataset::load(&unknown, &INPUT, &memory(), false).expect_err("an error").to_string();
    assert!(complaint.contains("data.labelling.elsewhere"), "{complaint}");
}
