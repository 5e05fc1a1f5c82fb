//! Configuration keys under the names that earlier versions gave them.

use std::borrow::Cow;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Table ("" is the outermost), key as it was, key as it is.
const RENAMED: [(&str, &str, &str); 21] = [
    ("", "average", "ema"),
    ("", "mine_every", "hard_negatives_every"),
    ("data", "rough", "noisy_boxes"),
    ("data", "drawn", "synthetic"),
    ("data", "crops_each", "max_crops"),
    ("quantize", "settle_after", "freeze_ranges_after"),
    ("quantize", "calibrate_on", "calibration_images"),
    ("scenes", "whole", "whole_photo"),
    ("scenes", "empty", "without_face"),
    ("scenes", "pasted", "copy_paste"),
    ("scenes", "mined", "hard_negatives"),
    ("scenes", "around", "background"),
    ("scenes", "sizes", "face_sizes"),
    ("scenes", "turned", "rotation"),
    ("scenes", "stretched", "aspect_jitter"),
    ("scenes", "joined", "copy_paste_extra"),
    ("scenes", "hidden", "occlusion"),
    ("scenes", "coarse", "downscale"),
    ("scenes", "lit", "photometric_jitter"),
    ("scenes", "blurred", "blur"),
    ("scenes", "noisy", "noise"),
];

/// Gives every key of a configuration file its present name. It keeps its place in the text, so that messages about it show the
/// line that its writer sees.
pub fn rename(file: &mut DeTable<'_>) {
    for (table, old, new) in RENAMED {
        let keys = if table.is_empty() { Some(&mut *file) } else { file.get_mut(table).and_then(as_table) };
        // Under both names a key stays as it is: reading the file then says that it does not know the old one.
        let Some(keys) = keys.filter(|keys| !keys.contains_key(new)) else { continue };
        if let Some((key, value)) = keys.remove_entry(old) {
            keys.insert(Spanned::new(key.span(), Cow::Borrowed(new)), value);
        }
    }
}

fn as_table<'a, 'text>(value: &'a mut Spanned<DeValue<'text>>) -> Option<&'a mut DeTable<'text>> {
    match value.get_mut() {
        DeValue::Table(keys) => Some(keys),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::emotion::options::EmotionConfig;
    use crate::face::options::FaceConfig;
    use crate::run::config::Config;
    use toml::{Table, Value};

    /// A file of old keys, each with the value given to its name.
    fn old_file(tables: &[&str], value: impl Fn(&str) -> Value) -> String {
        let mut whole = Table::new();
        for (table, old, new) in RENAMED.into_iter().filter(|(table, ..)| tables.contains(table)) {
            let keys = match table {
                "" => &mut whole,
                _ => whole.entry(table).or_insert_with(|| Table::new().into()).as_table_mut().unwrap(),
            };
            keys.insert(old.into(), value(new));
        }
        toml::to_string(&whole).unwrap()
    }

    #[test]
    fn every_old_key_of_a_face_run_is_read() {
        let value = |new: &str| match new {
            "ema" => 0.25.into(),
            "noisy_boxes" => vec!["web"].into(),
            "face_sizes" => vec![0.125, 0.5].into(),
            "rotation" => vec![0.75, 10.0].into(),
            "hard_negatives_every" | "synthetic" | "max_crops" | "freeze_ranges_after" | "calibration_images" => {
                7.into()
            }
            _ => 0.0625.into(),
        };
        let text = old_file(&["", "data", "quantize", "scenes"], value);
        let read = Config::<FaceConfig>::parse(&text, Table::new()).unwrap();
        let present = toml::Table::try_from(&read).unwrap();
        for (table, _, new) in RENAMED {
            let keys = if table.is_empty() { &present } else { present[table].as_table().unwrap() };
            assert_eq!(keys[new].to_string(), value(new).to_string(), "{table}.{new}");
        }
    }

    #[test]
    fn old_keys_of_an_emotion_run_win_over_the_preset() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "average = 0.25\noperators = \"burn\"\n[quantize]\nsettle_after = 3\ncalibrate_on = 9\n")
            .unwrap();
        let read = Config::<EmotionConfig>::read(&path).unwrap().run;
        let quantize = read.quantize.unwrap();
        assert_eq!((read.ema, quantize.freeze_ranges_after, quantize.calibration_images), (0.25, 3, 9));
        assert_eq!(read.operators, crate::device::OperatorSet::Reference);
    }

    /// What reading a face run's configuration is refused with.
    fn refused(text: &str) -> String {
        format!("{:#}", Config::<FaceConfig>::parse(text, Table::new()).unwrap_err())
    }

    #[test]
    fn mistakes_are_told_with_the_line_that_was_written() {
        for (text, line) in [
            (
                "# Mine.\n\naverage = 0.5 # EMA\n\n# Long.\nepochs = 9\n\n# Photos.\n[data]\nsource = []\n",
                "10 | source = []",
            ),
            ("# Mine.\naverage = 'much'\n", "2 | average = 'much'"),
            ("# Mine.\n[data]\n\nrough = 7\n", "4 | rough = 7"),
        ] {
            let (told, number) = (refused(text), line.split(' ').next().unwrap());
            assert!(told.contains(&format!("at line {number},")) && told.contains(line), "{told}");
        }
    }

    #[test]
    fn a_key_under_both_names_is_refused() {
        let told = refused("ema = 0.5\naverage = 0.5\n");
        assert!(told.contains("at line 2") && told.contains("`average`"), "{told}");
    }
}
