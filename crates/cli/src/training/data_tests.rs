#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use privet_model::graph::Port;

use super::*;
use crate::training::preparation::Feature;

/// A file of rows in a folder that lasts as long.
struct Saved {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Saved {
    fn new(name: &str, content: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        Self { _folder: folder, path }
    }

    fn open(&self, selection: Selection) -> Result<Reader, Error> {
        Reader::open(self.path.to_str().unwrap(), selection)
    }

    fn refusal(&self, selection: Selection) -> Error {
        self.open(selection).and_then(|mut reader| all(&mut reader)).unwrap_err()
    }
}

/// All rows, two at a time.
fn all(reader: &mut Reader) -> Result<Part, Error> {
    let mut whole = Part { rows: 0, values: Vec::new(), labels: Vec::new(), ids: Vec::new() };
    while let Some(part) = reader.next(2)? {
        whole.rows += part.rows;
        whole.values.extend(&part.values);
        whole.labels.extend(&part.labels);
        whole.ids.extend(part.ids.iter().cloned());
    }
    Ok(whole)
}

fn selection() -> Selection {
    Selection {
        columns: vec!["b".into(), "a".into()],
        label: Some(Label { column: "y".into(), values: Labels::Binary }),
        id: Some("id".into()),
        preparation: None,
        largest: 8.0,
        clip: false,
        norm: None,
    }
}

fn preparation() -> Preparation {
    let of = |name: &str, scale| Feature {
        name: name.into(),
        fill: 1.0,
        low: -100.0,
        high: 100.0,
        mean: 1.0,
        scale,
    };
    Preparation::fitted(vec![of("a", 10.0), of("other", 1.0), of("b", 20.0)], 1)
}

const ROWS: &str = "id,a,y,b,note\n x-1,1.5,0,-2,n\n07,2,1,3,n\n 7 ,-8,true,8,n\n";

#[test]
fn values_labels_and_ids_by_name() {
    let mut reader = Saved::new("r.csv", ROWS).open(selection()).unwrap();
    let part = all(&mut reader).unwrap();
    assert_eq!((part.rows, part.values.as_slice()), (3, &[-2.0, 1.5, 3.0, 2.0, 8.0, -8.0][..]));
    assert_eq!(
        (part.labels.as_slice(), &part.ids),
        (&[0.0, 1.0, 1.0][..], &["x-1", "07", "7"].map(str::to_owned).to_vec())
    );
    assert!(reader.notes()[0].contains("`note`"));
    assert_eq!(format!("{part:?}"), "Part(not shown)");
}

#[test]
fn every_format_gives_the_same() {
    let lines =
        "{\"id\": 1, \"a\": 1, \"b\": null, \"y\": 0}\n{\"id\": \"2\", \"a\": 3, \"b\": 4, \"y\": 1}\n";
    let plain = |name: &str, dtype| Port { columns: Vec::new(), ..column(name, dtype) };
    let tensor = |data| Tensor::new(2, 1, data).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let parquet = folder.path().join("r.parquet");
    let columns = [
        (plain("y", DataType::Int64), tensor(Data::I64(vec![0, 1]))),
        (plain("id", DataType::Int64), tensor(Data::I64(vec![1, 2]))),
        (plain("a", DataType::Fp32), tensor(Data::F32(vec![1.0, 3.0]))),
        (plain("b", DataType::Fp64), tensor(Data::F64(vec![f64::NAN, 4.0]))),
    ];
    crate::rows::write(parquet.to_str(), crate::rows::Format::Parquet, &columns).unwrap();
    let selection = Selection { preparation: Some(preparation()), ..selection() };
    let saved = [Saved::new("r.csv", "id,a,b,y\n1,1,,0\n2,3,4,1\n"), Saved::new("r.jsonl", lines)];
    for path in saved.iter().map(|saved| &saved.path).chain([&parquet]) {
        let mut reader = Reader::open(path.to_str().unwrap(), selection.clone()).unwrap();
        assert_eq!(reader.count().unwrap(), 2);
        let part = all(&mut reader).unwrap();
        assert_eq!(part.values, [0.0, 0.0, 0.15, 0.2], "{}", path.display());
        assert_eq!((part.labels.as_slice(), part.ids.join(" ").as_str()), (&[0.0, 1.0][..], "1 2"));
    }
}

#[test]
fn a_value_that_cannot_be_trained_on_is_named_and_not_shown() {
    let row = |b: &str| Saved::new("r.csv", &format!("id,a,y,b\n1,0,0,0\n2,0,0,0\n3,0,1,{b}\n"));
    for (b, words) in
        [("", "missing"), ("-inf", "not finite"), ("8.125", "magnitude than 8,"), ("-8.125", "than 8,")]
    {
        let error = row(b).refusal(selection());
        assert_eq!(error.code, "E120");
        assert!(
            error.message.contains("r.csv`: Row 3, column `b`: ") && error.message.contains(words),
            "{error}"
        );
        assert!(error.message.contains("`--preparation`") && !error.message.contains("8.125"), "{error}");
    }
    let tight = Selection { preparation: Some(preparation()), largest: 4.0, ..selection() };
    let error = row("99").refusal(tight.clone());
    assert!(error.message.contains("prepared value is greater in magnitude than 4,"), "{error}");
    for b in ["", "-inf", "80"] {
        assert!(all(&mut row(b).open(tight.clone()).unwrap()).is_ok());
    }
    let error = row("north").refusal(selection());
    assert!(
        error.code == "E114" && error.message.contains("Row 3, column `b`: expected a number, got text"),
        "{error}"
    );
}

#[test]
fn clipping_and_norms() {
    let saved = Saved::new("r.csv", "a,b\n30,40\n-inf,0\n0.3,-0.4\n0,0\n");
    let open = Selection { label: None, id: None, clip: true, largest: 40.0, ..selection() };
    let values = |selection| all(&mut saved.open(selection).unwrap()).unwrap().values.clone();
    assert_eq!(values(open.clone()), [40.0, 30.0, 0.0, -40.0, -0.4, 0.3, 0.0, 0.0]);
    let got = values(Selection { norm: Some(1.0), ..open.clone() });
    let expected = [0.8, 0.6, 0.0, -1.0, -0.4, 0.3, 0.0, 0.0];
    assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{got:?}");
    let missing = Saved::new("r.csv", "a,b\n1,\n").refusal(open);
    assert!(missing.code == "E120" && missing.message.contains("missing"), "{missing}");
}

#[test]
fn the_norm_of_great_values_does_not_overflow() {
    let mut row = [3e200, -4e200];
    shorten(&mut row, 5.0);
    assert!((row[0] - 3.0).abs() < 1e-14 && (row[1] + 4.0).abs() < 1e-14);
}

#[test]
fn labels() {
    let row = |y: &str| Saved::new("r.csv", &format!("id,a,y,b\n1,0,0,0\n2,0,{y},0\n"));
    let linear =
        Selection { label: Some(Label { column: "y".into(), values: Labels::Within(2.5) }), ..selection() };
    for (y, chosen, words) in [
        ("0.5", selection(), "0 and 1"),
        ("-1", selection(), "0 and 1"),
        ("inf", selection(), "0 and 1"),
        ("", selection(), "missing"),
        ("", linear.clone(), "missing"),
        ("-2.625", linear.clone(), "magnitude than 2.5,"),
        ("inf", linear.clone(), "magnitude than 2.5,"),
    ] {
        let error = row(y).refusal(chosen);
        assert!(error.code == "E121" && error.message.contains("Row 2, column `y`"), "{error}");
        assert!(error.message.contains(words) && !error.message.contains("2.625"), "{error}");
    }
    assert_eq!(all(&mut row("-2.5").open(linear).unwrap()).unwrap().labels, [0.0, -2.5]);
}

#[test]
fn ids() {
    let rows =
        |last: &str| Saved::new("r.csv", &format!("id,a,y,b\n1,0,0,0\n22,0,1,0\n3,0,1,0\n{last},0,1,0\n"));
    for (last, words) in [(" 22", "that of row 2 too"), ("", "missing"), (" ", "missing"), ("NA", "missing")]
    {
        let error = rows(last).refusal(selection());
        assert!(error.code == "E122" && error.message.contains("Row 4, column `id`"), "{error}");
        assert!(error.message.contains(words) && !error.message.contains("22"), "{error}");
    }
    assert_eq!(all(&mut rows("4").open(selection()).unwrap()).unwrap().ids[3], "4");
    let error = Saved::new("r.jsonl", "{\"id\": true, \"a\": 1, \"b\": 1, \"y\": 0}\n").refusal(selection());
    assert!(error.code == "E114" && error.message.contains("`id`"), "{error}");
}

#[test]
fn columns_are_told_apart_by_name_and_used_once() {
    let lacking = Saved::new("r.csv", "id,a,y\n1,2,0\n").refusal(selection());
    assert!(lacking.code == "E112" && lacking.message.contains("`b`"), "{lacking}");
    let unnamed = Saved::new("r.csv", "1.5,2,0,7\n1,2,0,8\n").refusal(selection());
    assert!(unnamed.code == "E112" && unnamed.message.contains("no names"), "{unnamed}");
    let label = Some(Label { column: "a".into(), values: Labels::Binary });
    let doubled = Saved::new("r.csv", ROWS).refusal(Selection { label, ..selection() });
    assert!(doubled.code == "E112" && doubled.message.contains("`a` is named twice"), "{doubled}");
    let columns = vec!["a".into(), "note".into()];
    let unprepared = Selection { columns, preparation: Some(preparation()), ..selection() };
    let error = Saved::new("r.csv", ROWS).refusal(unprepared);
    assert!(error.code == "E123" && error.message.contains("`note`"), "{error}");
}
