//! Which column of a file feeds which value of which input.

use std::collections::HashMap;

use privet_model::graph::Port;

use super::error::RowsError;

/// For each input of the model, in order, its columns in the file, and what is worth telling about the rest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// One list per input, as long as the input is wide.
    pub(super) columns: Vec<Vec<usize>>,
    /// Whether they were found by their names, and not taken in order.
    pub(super) named: bool,
    /// Sentences for the user.
    pub(super) notes: Vec<String>,
}

impl Layout {
    /// By the names in the file's header. A single input without names of its own takes the columns in order.
    pub(super) fn by_name(inputs: &[Port], header: &[String]) -> Result<Self, RowsError> {
        let index = Index::new(header);
        let found: Vec<_> = inputs.iter().map(|port| index.columns_of(port)).collect();
        if let ([port], [Err(_)]) = (inputs, found.as_slice())
            && names(port).is_none()
        {
            return Self::single_unnamed(port, header);
        }
        let mut missing: Vec<_> = found.iter().filter_map(|f| f.as_ref().err()).flatten().cloned().collect();
        if !missing.is_empty() {
            missing.dedup();
            return Err(missing_columns(&missing, header));
        }
        let columns: Vec<Vec<usize>> = found.into_iter().flatten().collect();
        index.refuse_doubles(columns.iter().flatten())?;
        let notes = ignored(&columns, header).into_iter().collect();
        Ok(Self { columns, named: true, notes })
    }

    /// The same for a file of which some columns are kept: where those are, too. A kept column is no input unless the model needs it.
    pub(super) fn keeping(
        inputs: &[Port],
        header: &[String],
        keep: &[String],
    ) -> Result<(Self, Vec<usize>), RowsError> {
        let kept = kept(header, keep)?;
        let rest: Vec<usize> = (0..header.len()).filter(|place| !kept.contains(place)).collect();
        let names: Vec<String> = rest.iter().filter_map(|&place| header.get(place).cloned()).collect();
        if let Ok(mut layout) = Self::by_name(inputs, &names) {
            let places = layout.columns.iter_mut().flatten();
            places.for_each(|place| *place = rest.get(*place).copied().unwrap_or_default());
            return Ok((layout, kept));
        }
        Ok((Self::by_name(inputs, header)?, kept))
    }

    /// In the model's own order, where the file has no names.
    pub(super) fn by_position(inputs: &[Port], count: usize) -> Result<Self, RowsError> {
        let expected: usize = inputs.iter().map(|port| port.width).sum();
        if expected != count {
            return Err(RowsError::columns(format!(
                "Expected {expected} columns, got {count}; the first line holds numbers only, so columns \
                 have no names and are taken in order. Add a header with the names of the columns, or give \
                 exactly the model's columns."
            )));
        }
        let mut next = 0..count;
        let columns = inputs.iter().map(|port| next.by_ref().take(port.width).collect()).collect();
        Ok(Self { columns, named: false, notes: Vec::new() })
    }

    fn single_unnamed(port: &Port, header: &[String]) -> Result<Self, RowsError> {
        let extras: Vec<_> = header.iter().filter(|name| is_seldom_an_input(name)).map(quoted).collect();
        if header.len() == port.width {
            let mut layout = Self::by_position(std::slice::from_ref(port), header.len())?;
            let doubt =
                |name| format!("The column {name} was taken as an input of the model; check that it is one.");
            layout.notes.extend(extras.iter().map(doubt));
            return Ok(layout);
        }
        let hint = match extras.as_slice() {
            [] => "Give exactly the columns that the model was trained on, in that order.".to_owned(),
            extras => format!("Leave out what is no input; that may be {}.", extras.join(", ")),
        };
        Err(RowsError::columns(format!(
            "Expected {} columns for `{}`, got {}. The model does not name its columns, so they are taken in \
             order and their number must be right. {hint}",
            port.width,
            port.name,
            header.len()
        )))
    }
}

/// Where each name stands in the header.
struct Index<'a> {
    header: &'a [String],
    places: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn new(header: &'a [String]) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, name) in header.iter().enumerate() {
            places.entry(name).or_default().push(place);
        }
        Self { header, places }
    }

    /// The columns of an input, or the names that are missing.
    fn columns_of(&self, port: &Port) -> Result<Vec<usize>, Vec<String>> {
        let wanted = match names(port) {
            Some(names) => names.to_vec(),
            None if port.width == 1 => vec![port.name.clone()],
            None => (0..port.width).map(|element| port.element_name(element)).collect(),
        };
        let found: Vec<_> = wanted.iter().map(|name| self.find(name)).collect();
        if port.width == 1 && found == [None] {
            let place = self.find(&port.name).or_else(|| self.find(bare(&port.name)));
            return place.map(|place| vec![place]).ok_or(wanted);
        }
        if found.iter().all(Option::is_some) {
            return Ok(found.into_iter().flatten().collect());
        }
        Err(wanted
            .into_iter()
            .zip(found)
            .filter(|(_, place)| place.is_none())
            .map(|(name, _)| name)
            .collect())
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.places.get(name).and_then(|places| places.first()).copied()
    }

    /// A name that stands twice does not say which column is meant.
    fn refuse_doubles<'b>(&self, used: impl Iterator<Item = &'b usize>) -> Result<(), RowsError> {
        let names = used.filter_map(|&place| self.header.get(place));
        let doubled: Vec<_> =
            names.filter(|name| self.places.get(name.as_str()).is_some_and(|p| p.len() > 1)).collect();
        if doubled.is_empty() {
            return Ok(());
        }
        let doubled = doubled.into_iter().map(quoted).collect::<Vec<_>>().join(", ");
        Err(RowsError::columns(format!(
            "Expected every column once, but the file has more than one {doubled}. Keep one of each."
        )))
    }
}

/// Where each column stands that is kept.
fn kept(header: &[String], keep: &[String]) -> Result<Vec<usize>, RowsError> {
    let index = Index::new(header);
    let missing: Vec<_> = keep.iter().filter(|name| index.find(name).is_none()).map(quoted).collect();
    if !missing.is_empty() {
        return Err(RowsError::columns(format!(
            "The file does not have {}, which `--keep` names. Give names as they stand in the file.",
            missing.join(", ")
        )));
    }
    let kept: Vec<usize> = keep.iter().filter_map(|name| index.find(name)).collect();
    index.refuse_doubles(kept.iter())?;
    Ok(kept)
}

/// The name of a tensor without the number of the operator's output.
pub(super) fn bare(name: &str) -> &str {
    name.strip_suffix(":0").unwrap_or(name)
}

/// The names of the columns, where the model has one for each.
fn names(port: &Port) -> Option<&[String]> {
    (!port.columns.is_empty() && port.columns.len() == port.width).then_some(&port.columns)
}

fn missing_columns(missing: &[String], header: &[String]) -> RowsError {
    let list = missing.iter().map(quoted).collect::<Vec<_>>().join(", ");
    let (count, plural) = (missing.len(), if missing.len() == 1 { "" } else { "s" });
    let hint = match header {
        [only] if only.contains([';', '\t']) => "Columns must be separated by commas.",
        _ => "Add them under exactly these names; their order does not matter.",
    };
    RowsError::columns(format!(
        "The model needs {count} column{plural} that the file does not have: {list}. {hint}"
    ))
}

fn ignored(columns: &[Vec<usize>], header: &[String]) -> Option<String> {
    let mut used = vec![false; header.len()];
    for &place in columns.iter().flatten() {
        if let Some(used) = used.get_mut(place) {
            *used = true;
        }
    }
    let extra: Vec<_> =
        header.iter().zip(used).filter(|(_, used)| !used).map(|(name, _)| quoted(name)).collect();
    match extra.as_slice() {
        [] => None,
        [one] => Some(format!("The column {one} is no input of the model and was ignored.")),
        many => Some(format!(
            "{} columns are no inputs of the model and were ignored: {}.",
            many.len(),
            many.join(", ")
        )),
    }
}

fn quoted(name: &String) -> String {
    format!("`{name}`")
}

/// Row numbers and labels, which exports of tables bring along.
fn is_seldom_an_input(name: &str) -> bool {
    const KNOWN: [&str; 10] = [
        "",
        "id",
        "index",
        "unnamed: 0",
        "row",
        "label",
        "target",
        "class",
        "y",
        "default payment next month",
    ];
    KNOWN.contains(&name.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use privet_model::tensor::DataType;
    use proptest::prelude::*;

    fn port(name: &str, width: usize, columns: &[&str]) -> Port {
        let columns = columns.iter().map(ToString::to_string).collect();
        Port { name: name.into(), dtype: DataType::Fp32, width, flat: false, dims: Vec::new(), columns }
    }

    fn header(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn any_order_and_extra_columns_with_a_note() {
        let layout = Layout::by_name(&[port("x", 2, &["a", "b"])], &header(&["ID", "b", "a", "y"])).unwrap();
        assert_eq!(layout.columns, [[2, 1]]);
        assert_eq!(layout.notes, ["2 columns are no inputs of the model and were ignored: `ID`, `y`."]);
    }

    #[test]
    fn one_error_lists_all_missing_columns_of_all_inputs() {
        let inputs = [port("x", 3, &["a", "b", "c"]), port("AGE", 1, &[])];
        let error = Layout::by_name(&inputs, &header(&["b"])).unwrap_err();
        assert_eq!(error.code, "E112");
        assert!(error.message.contains("needs 3 columns") && error.message.contains("`a`, `c`, `AGE`"));
    }

    #[test]
    fn a_doubled_column_is_refused_only_where_it_is_needed() {
        let inputs = [port("x", 1, &["a"])];
        assert!(Layout::by_name(&inputs, &header(&["a", "a"])).unwrap_err().message.contains("`a`"));
        assert!(Layout::by_name(&inputs, &header(&["a", "b", "b"])).is_ok());
    }

    #[test]
    fn without_names_the_number_of_columns_must_be_right() {
        let inputs = [port("x", 2, &[])];
        assert_eq!(Layout::by_name(&inputs, &header(&["p", "q"])).unwrap().columns, [[0, 1]]);
        let doubtful = Layout::by_name(&inputs, &header(&["ID", "q"])).unwrap();
        assert!(
            doubtful.columns == [[0, 1]] && doubtful.notes.len() == 1 && doubtful.notes[0].contains("`ID`")
        );
        assert_eq!(Layout::by_name(&inputs, &header(&["x[1]", "z", "x[0]"])).unwrap().columns, [[2, 0]]);
        let error = Layout::by_name(&inputs, &header(&["p", "q", "ID"])).unwrap_err();
        assert!(error.message.contains("Expected 2 columns") && error.message.contains("got 3"));
        assert!(error.message.contains("`ID`"));
        assert!(Layout::by_position(&inputs, 3).unwrap_err().message.contains("got 3"));
    }

    #[test]
    fn a_kept_column_is_no_input_unless_the_model_needs_it() {
        let keeping = |columns: &[&str], names: &[&str], keep: &[&str]| {
            Layout::keeping(&[port("x", 2, columns)], &header(names), &header(keep))
        };
        let (layout, kept) = keeping(&[], &["p", "ID", "q"], &["ID"]).unwrap();
        assert!(layout.columns == [[0, 2]] && kept == [1] && layout.notes.is_empty());
        let (layout, kept) = keeping(&["a", "b"], &["a", "b", "c"], &["b"]).unwrap();
        assert!(layout.columns == [[0, 1]] && kept == [1] && layout.notes.len() == 1);
        let error = keeping(&["a", "b"], &["a", "b"], &["ID", "a"]).unwrap_err();
        assert!(error.message.contains("`ID`") && !error.message.contains("`a`"), "{error}");
        assert!(
            keeping(&["a", "b"], &["a", "b", "c", "c"], &["c"])
                .unwrap_err()
                .message
                .contains("more than one")
        );
        assert!(keeping(&["a", "b"], &["a", "c"], &["c"]).unwrap_err().message.contains("`b`"));
    }

    #[test]
    fn the_number_of_a_tensor_may_be_left_out() {
        let inputs = [port("a:0", 1, &[]), port("b", 1, &[])];
        assert_eq!(Layout::by_name(&inputs, &header(&["b", "a"])).unwrap().columns, [[1], [0]]);
    }

    proptest! {
        #[test]
        fn any_header_order_finds_the_columns(order in Just((0..9).collect::<Vec<usize>>()).prop_shuffle()) {
            let names: Vec<String> = (0..9).map(|i| format!("c{i}")).collect();
            let mut x = port("x", 9, &[]);
            x.columns = names.clone();
            let shuffled: Vec<String> = order.iter().map(|&i| names[i].clone()).collect();
            let layout = Layout::by_name(&[x], &shuffled).unwrap();
            for (element, &place) in layout.columns[0].iter().enumerate() {
                prop_assert_eq!(&shuffled[place], &names[element]);
            }
        }
    }
}
