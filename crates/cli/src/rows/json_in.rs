//! Rows from JSON lines: an object per row by column name, or for a single input an array per row.

use std::borrow::Cow;
use std::io::BufRead;

use privet_model::graph::Port;
use privet_model::tensor::DataType;

use super::cell::Cell;
use super::error::RowsError;
use super::json::{self, Value};
use super::layout::{self, Layout};
use super::series::Series;
use super::table::{Content, Table};

/// Reads all rows.
pub(super) fn read(source: impl BufRead, inputs: &[Port]) -> Result<Content, RowsError> {
    let mut lines = Lines::open(source, inputs, &[])?;
    let mut table = Table::new(inputs);
    lines.fill(&mut table, usize::MAX)?;
    Ok(Content { tensors: table.finish()?, notes: lines.notes })
}

/// Rows, some at a time.
pub(super) struct Lines<'a, R> {
    source: R,
    inputs: Cow<'a, [Port]>,
    /// Where the inputs are, once there was an object.
    plan: Option<Plan>,
    pub(super) kept: Vec<Series>,
    /// Worth telling, once there was a row.
    pub(super) notes: Vec<String>,
    line: Vec<u8>,
    /// Whether the line was read already.
    peeked: bool,
    /// Whether there was a row that says how rows are.
    began: bool,
}

impl<'a, R: BufRead> Lines<'a, R> {
    /// Reads the first line, which says what type each column has that is to be kept.
    pub(super) fn open(
        source: R,
        inputs: impl Into<Cow<'a, [Port]>>,
        keep: &[String],
    ) -> Result<Self, RowsError> {
        let mut lines = Self {
            source,
            inputs: inputs.into(),
            plan: None,
            kept: Vec::new(),
            notes: Vec::new(),
            line: Vec::new(),
            peeked: false,
            began: false,
        };
        lines.peeked = lines.advance()?;
        if lines.peeked && !keep.is_empty() {
            lines.kept = kept(fields(&parsed(text_of(&lines.line, 0)?, 0)?, 0)?, keep)?;
        }
        Ok(lines)
    }

    /// Reads until the table has so many rows, or the file ends.
    pub(super) fn fill(&mut self, table: &mut Table<'_>, most: usize) -> Result<(), RowsError> {
        while table.rows() < most && self.step()? {
            let line = std::mem::take(&mut self.line);
            let read = self.row(table, &line);
            self.line = line;
            // What the first row does not say is not known of any.
            match read {
                Err(error) if !self.began => return Err(error),
                read => table.end(read)?,
            }
        }
        Ok(())
    }

    /// Passes over so many rows, or to the end; where the inputs are is learned from the first.
    pub(super) fn skip(&mut self, rows: usize) -> Result<(), RowsError> {
        for row in 0..rows {
            if !self.step()? {
                break;
            }
            if row == 0 {
                let line = std::mem::take(&mut self.line);
                self.learn(&parsed(text_of(&line, 0)?, 0)?, 0)?;
                self.line = line;
            }
        }
        Ok(())
    }

    fn row(&mut self, table: &mut Table<'_>, line: &[u8]) -> Result<(), RowsError> {
        let row = table.row();
        let value = parsed(text_of(line, row)?, row)?;
        self.learn(&value, row)?;
        if self.is_whole(&value) {
            return push_whole(table, &self.inputs, 0, &value);
        }
        let fields = fields(&value, row)?;
        for (place, series) in self.kept.iter().enumerate() {
            let value = fields.iter().find(|(name, _)| *name == series.name);
            keep(table, place, value.map_or(&Value::Missing, |(_, value)| value))?;
        }
        self.plan.as_ref().map_or(Ok(()), |plan| plan.push(table, &self.inputs, fields))
    }

    /// Where the inputs are, from the first object.
    fn learn(&mut self, value: &Value<'_>, row: usize) -> Result<(), RowsError> {
        self.began = true;
        if self.plan.is_none() && !self.is_whole(value) {
            self.began = false;
            let kept = |name: &str| self.kept.iter().any(|series| series.name == name);
            let (plan, notes) = Plan::new(&self.inputs, fields(value, row)?, kept)?;
            (self.plan, self.notes, self.began) = (Some(plan), notes, true);
        }
        Ok(())
    }

    /// Whether the row is a list of the only input's values.
    fn is_whole(&self, value: &Value<'_>) -> bool {
        self.inputs.len() == 1 && matches!(value, Value::Array(_)) && self.kept.is_empty()
    }

    fn step(&mut self) -> Result<bool, RowsError> {
        if std::mem::take(&mut self.peeked) { Ok(true) } else { self.advance() }
    }

    /// The next line that is not empty.
    fn advance(&mut self) -> Result<bool, RowsError> {
        advance(&mut self.source, &mut self.line)
    }
}

/// How many rows there are.
pub(super) fn count(mut source: impl BufRead) -> Result<usize, RowsError> {
    let (mut line, mut rows) = (Vec::new(), 0);
    while advance(&mut source, &mut line)? {
        rows += 1;
    }
    Ok(rows)
}

/// Reads a line that is not empty. Empty lines are no rows.
fn advance(source: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, RowsError> {
    loop {
        line.clear();
        if source.read_until(b'\n', line).map_err(|e| RowsError::unreadable(&e))? == 0 {
            return Ok(false);
        }
        // What is no text is a row all the same, of which an error tells.
        if std::str::from_utf8(line).map_or(true, |text| !trimmed(text).is_empty()) {
            return Ok(true);
        }
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim()
}

fn text_of(line: &[u8], row: usize) -> Result<&str, RowsError> {
    let not_text =
        |_| RowsError::damaged(format!("Row {} is not UTF-8 text. Save the file as UTF-8.", row + 1));
    std::str::from_utf8(line).map(trimmed).map_err(not_text)
}

fn parsed(text: &str, row: usize) -> Result<Value<'_>, RowsError> {
    json::parse(text).map_err(|reason| {
        RowsError::damaged(format!("Row {} is not JSON: {reason}. Write one JSON object per line.", row + 1))
    })
}

/// The columns to keep, each of the type that it has in the first row.
fn kept(fields: &[Field<'_>], keep: &[String]) -> Result<Vec<Series>, RowsError> {
    let of = |name: &String| {
        let value = fields.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let dtype = match value {
            Some(Value::Bool(_)) => DataType::Bool,
            Some(Value::Number(number)) if number.parse::<i64>().is_ok() => DataType::Int64,
            Some(Value::Number(_)) => DataType::Fp64,
            Some(Value::Text(_) | Value::Missing) => DataType::Bytes,
            Some(Value::Array(_) | Value::Object(_)) => {
                return Err(RowsError::columns(format!(
                    "`--keep {name}` names a list or an object. Name columns with one value per row."
                )));
            }
            None => {
                return Err(RowsError::columns(format!(
                    "The first row does not have `{name}`, which `--keep` names. Give names as they stand in the file."
                )));
            }
        };
        Ok(Series::new(name, dtype))
    };
    keep.iter().map(of).collect()
}

fn keep(table: &mut Table<'_>, place: usize, value: &Value<'_>) -> Result<(), RowsError> {
    match value {
        Value::Array(_) | Value::Object(_) => table.keep(place, Cell::Missing),
        value => value.each(&mut |cell| table.keep(place, cell)),
    }
}

type Field<'a> = (Cow<'a, str>, Value<'a>);

/// Where the first object has each input, by name; the rows below it may have another order.
struct Plan(Vec<Source>);

enum Source {
    /// A list under this name.
    Whole(String),
    /// One value under each of these names.
    Columns(Vec<String>),
}

impl Plan {
    fn new(
        inputs: &[Port],
        fields: &[Field<'_>],
        kept: impl Fn(&str) -> bool,
    ) -> Result<(Self, Vec<String>), RowsError> {
        let whole: Vec<_> = inputs.iter().map(|port| list_of(port, fields)).collect();
        let rest: Vec<Port> = inputs
            .iter()
            .zip(&whole)
            .filter(|(_, list)| list.is_none())
            .map(|(port, _)| port.clone())
            .collect();
        let header: Vec<String> = fields.iter().map(|(name, _)| name.to_string()).collect();
        let header: Vec<String> =
            header.into_iter().filter(|name| !whole.contains(&Some(name.clone()))).collect();
        let keep: Vec<String> = header.iter().filter(|name| kept(name)).cloned().collect();
        let (layout, _) = Layout::keeping(&rest, &header, &keep)?;
        let name = |place: usize| header.get(place).cloned().unwrap_or_default();
        let mut columns = layout.columns.into_iter();
        let sources = whole.into_iter().map(|list| match list {
            Some(name) => Source::Whole(name),
            None => Source::Columns(columns.next().unwrap_or_default().into_iter().map(name).collect()),
        });
        Ok((Self(sources.collect()), layout.notes))
    }

    fn push(&self, table: &mut Table<'_>, inputs: &[Port], fields: &[Field<'_>]) -> Result<(), RowsError> {
        let mut finder = Finder { fields, next: 0 };
        self.refuse_missing(&mut finder, table.row())?;
        for (input, source) in self.0.iter().enumerate() {
            match source {
                Source::Whole(name) => {
                    let value = finder.find(name).unwrap_or(&Value::Missing);
                    push_whole(table, inputs, input, value)?;
                }
                Source::Columns(names) => push_columns(table, &mut finder, input, names)?,
            }
        }
        Ok(())
    }

    fn refuse_missing(&self, finder: &mut Finder<'_, '_>, row: usize) -> Result<(), RowsError> {
        let names = self.0.iter().flat_map(|source| match source {
            Source::Whole(name) => std::slice::from_ref(name),
            Source::Columns(names) => names.as_slice(),
        });
        let missing: Vec<_> =
            names.filter(|name| finder.find(name).is_none()).map(|name| format!("`{name}`")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(RowsError::columns(format!(
            "Row {} lacks {}. Write `null` where a value is missing.",
            row + 1,
            missing.join(", ")
        )))
    }
}

/// Finds fields by name, fastest where they are asked for in the order of the line.
struct Finder<'a, 'b> {
    fields: &'a [Field<'b>],
    next: usize,
}

impl<'a, 'b> Finder<'a, 'b> {
    fn find(&mut self, name: &str) -> Option<&'a Value<'b>> {
        let ahead = self.fields.get(self.next).filter(|(key, _)| key == name).map(|_| self.next);
        let place = ahead.or_else(|| self.fields.iter().position(|(key, _)| key == name))?;
        self.next = place + 1;
        self.fields.get(place).map(|(_, value)| value)
    }
}

/// The name under which the row has this input as a list.
fn list_of(port: &Port, fields: &[Field<'_>]) -> Option<String> {
    let is_name = |name: &str| name == port.name || name == layout::bare(&port.name);
    let list = fields.iter().find(|(name, value)| is_name(name) && matches!(value, Value::Array(_)));
    list.map(|(name, _)| name.to_string())
}

fn push_columns(
    table: &mut Table<'_>,
    finder: &mut Finder<'_, '_>,
    input: usize,
    names: &[String],
) -> Result<(), RowsError> {
    for (element, name) in names.iter().enumerate() {
        let value = finder.find(name).unwrap_or(&Value::Missing);
        if matches!(value, Value::Array(_) | Value::Object(_)) {
            let reason = "expected one value, got a list or an object";
            return Err(RowsError::value(table.row(), name, reason));
        }
        value.each(&mut |cell| table.push(input, element, cell))?;
    }
    Ok(())
}

fn push_whole(
    table: &mut Table<'_>,
    inputs: &[Port],
    input: usize,
    value: &Value<'_>,
) -> Result<(), RowsError> {
    let width = inputs.get(input).map_or(0, |port| port.width);
    let row = table.row() + 1;
    match value.count() {
        Some(count) if count == width => {
            let mut elements = 0..width;
            value.each(&mut |cell| table.push(input, elements.next().unwrap_or_default(), cell))
        }
        Some(count) => {
            Err(RowsError::columns(format!("Row {row}: expected a list of {width} values, got {count}.")))
        }
        None => Err(RowsError::damaged(format!(
            "Row {row}: expected a list of {width} values, got objects in it. Write one object per line."
        ))),
    }
}

fn fields<'a, 'b>(value: &'a Value<'b>, row: usize) -> Result<&'a [Field<'b>], RowsError> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(RowsError::damaged(format!(
            "Row {}: expected an object with a value for every column. Arrays without names are for models \
             with a single input.",
            row + 1
        ))),
    }
}

#[cfg(test)]
#[path = "json_in_tests.rs"]
mod tests;
