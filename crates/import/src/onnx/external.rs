//! Weights in files of their own, beside the model and nowhere else.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use privet_model::Refusal;

use crate::onnx_proto::StringStringEntryProto;

/// Gives the content of a file that lies in the model's folder, by its bare name, or says why not.
pub type Load<'l> = &'l dyn Fn(&str) -> Result<Vec<u8>, String>;

/// The files beside the model, each read once.
pub(crate) struct Beside<'l> {
    load: Option<Load<'l>>,
    files: RefCell<HashMap<String, Rc<Vec<u8>>>>,
}

impl<'l> Beside<'l> {
    pub(crate) fn new(load: Option<Load<'l>>) -> Self {
        Self { load, files: RefCell::default() }
    }

    /// For files of which all must be inside.
    #[cfg(test)]
    pub(crate) fn nothing() -> Self {
        Self::new(None)
    }

    /// Bytes that were read so far.
    pub(crate) fn len(&self) -> usize {
        self.files.borrow().values().map(|file| file.len()).sum()
    }

    /// The part of a file that these entries name.
    pub(crate) fn read(&self, entries: &[StringStringEntryProto], weight: &str) -> Result<Vec<u8>, Refusal> {
        let entry = |key: &str| entries.iter().find(|e| e.key == key).map(|e| e.value.as_str());
        let refuse =
            |why: String| Refusal::new("E207", format!("Weight `{weight}` lies outside the file; {why}"));
        let name = entry("location").unwrap_or_default();
        if !is_bare(name) {
            let why = "it may lie in a file of the same folder only, by its bare name.";
            return Err(refuse(why.into()));
        }
        let file = self.file(name).map_err(refuse)?;
        let number = |key: &str, default: usize| match entry(key) {
            None => Ok(default),
            Some(text) => {
                text.trim().parse::<usize>().map_err(|_| refuse(format!("its {key} is no number.")))
            }
        };
        let from = number("offset", 0)?;
        let length = number("length", file.len().saturating_sub(from))?;
        let part = from.checked_add(length).and_then(|to| file.get(from..to));
        part.map(<[u8]>::to_vec).ok_or_else(|| {
            let bytes = file.len();
            refuse(format!("`{name}` has {bytes} bytes, fewer than it names. Copy all files of the model."))
        })
    }

    fn file(&self, name: &str) -> Result<Rc<Vec<u8>>, String> {
        if let Some(file) = self.files.borrow().get(name) {
            return Ok(Rc::clone(file));
        }
        let load = self.load.ok_or("export the model with its weights inside.")?;
        let file = Rc::new(load(name).map_err(|why| format!("`{name}`: {why}."))?);
        self.files.borrow_mut().insert(name.to_owned(), Rc::clone(&file));
        Ok(file)
    }
}

/// Whether it names a file, and no place in a tree of folders, on any system.
fn is_bare(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.len() <= 255
        && !name.contains(|c: char| c.is_control() || "/\\:*?\"<>|".contains(c))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entries(list: &[(&str, &str)]) -> Vec<StringStringEntryProto> {
        let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
            key: (*key).into(),
            value: (*value).into(),
        };
        list.iter().map(entry).collect()
    }

    fn read(list: &[(&str, &str)]) -> Result<Vec<u8>, Refusal> {
        let load = |name: &str| match name {
            "w.bin" => Ok(vec![0, 1, 2, 3]),
            _ => Err("there is no such file".to_owned()),
        };
        Beside::new(Some(&load)).read(&entries(list), "w")
    }

    #[test]
    fn parts_of_files_in_the_same_folder_are_read() {
        assert_eq!(read(&[("location", "w.bin")]).unwrap(), [0, 1, 2, 3]);
        assert_eq!(read(&[("location", "w.bin"), ("offset", "1"), ("length", "2")]).unwrap(), [1, 2]);
        assert_eq!(read(&[("location", "w.bin"), ("offset", "4")]).unwrap(), [0_u8; 0]);
    }

    #[test]
    fn nothing_else_is() {
        for name in ["", "/etc/passwd", "../w.bin", "a/w.bin", "..", ".", "c:\\w", "w\0", "a\\b"] {
            let refusal = read(&[("location", name)]).unwrap_err();
            assert!(refusal.code == "E207" && refusal.message.contains("bare name"), "{name}: {refusal}");
        }
        let huge = u64::MAX.to_string();
        for (offset, length) in [("5", "0"), ("0", "5"), (huge.as_str(), "1"), ("1", huge.as_str())] {
            let refusal = read(&[("location", "w.bin"), ("offset", offset), ("length", length)]).unwrap_err();
            assert!(refusal.message.contains("4 bytes"), "{refusal}");
        }
        assert!(read(&[("location", "w.bin"), ("offset", "-1")]).unwrap_err().message.contains("no number"));
        assert!(read(&[("location", "other")]).unwrap_err().message.contains("no such file"));
        let refusal = Beside::nothing().read(&entries(&[("location", "w.bin")]), "w").unwrap_err();
        assert!(refusal.message.contains("weights inside"), "{refusal}");
    }
}
