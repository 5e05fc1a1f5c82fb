//! CSV files as spreadsheets write them: with commas, semicolons or tabs, with a byte order mark, names of columns in capitals, and
//! decimal commas.

use csv::{Reader, ReaderBuilder, StringRecord, Trim};

/// A reader of a CSV's bytes, whatever separates its columns.
///
/// # Errors
/// Text that is not UTF-8, in words.
pub(crate) fn reader(bytes: &[u8]) -> Result<Reader<&[u8]>, String> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err("it is UTF-16: save it as CSV in UTF-8".to_owned());
    }
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let header = text.split(|&byte| byte == b'\n' || byte == b'\r').next().unwrap_or_default();
    let count = |separator: u8| header.iter().filter(|&&byte| byte == separator).count();
    // Of as many of each the first.
    let separator = [b',', b';', b'\t'].into_iter().rev().max_by_key(|&separator| count(separator)).unwrap_or(b',');
    Ok(ReaderBuilder::new().trim(Trim::All).delimiter(separator).from_reader(text))
}

/// The place of a column: the one of this very name, else of this name in other letters' case.
pub(crate) fn column(header: &StringRecord, name: &str) -> Option<usize> {
    let place = |same: &dyn Fn(&str) -> bool| header.iter().position(same);
    place(&|column| column == name).or_else(|| place(&|column| column.eq_ignore_ascii_case(name)))
}

/// A number, with a decimal point or comma.
pub(crate) fn number(text: &str) -> Option<f32> {
    let point = || (text.matches(',').count() == 1 && !text.contains('.')).then(|| text.replace(',', "."));
    text.parse().ok().or_else(|| point()?.parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_spreadsheets_write_is_read_alike() {
        for text in
            ["file,happy\na b.png,0.5\n", "\u{feff}File;HAPPY\r\na b.png;0,5\r\n", "FILE\thappy\na b.png\t0,5\n"]
        {
            let mut table = reader(text.as_bytes()).unwrap();
            let header = table.headers().unwrap().clone();
            let (file, happy) = (column(&header, "file").unwrap(), column(&header, "happy").unwrap());
            let row = table.records().next().unwrap().unwrap();
            assert_eq!((&row[file], number(&row[happy])), ("a b.png", Some(0.5)), "{text:?}");
        }
        assert_eq!(column(&StringRecord::from(vec!["W", "w"]), "w"), Some(1));
        assert!(reader(&[0xFF, 0xFE, b'f', 0]).unwrap_err().contains("UTF-8"));
        for none in ["", "1,2,3", "1.000,5", "much"] {
            assert_eq!(number(none), None, "{none}");
        }
    }
}
