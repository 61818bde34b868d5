//! Rows from JSON lines: an object per row by column name, or for a single input an array per row.

use std::borrow::Cow;
use std::io::BufRead;

use privet_model::graph::Port;

use super::error::RowsError;
use super::json::{self, Value};
use super::layout::{self, Layout};
use super::table::{Content, Table};

/// Reads all rows.
pub(super) fn read(source: impl BufRead, inputs: &[Port]) -> Result<Content, RowsError> {
    let mut table = Table::new(inputs);
    let (mut plan, mut notes) = (None, Vec::new());
    for_each_line(source, |value, row| {
        if let ([_], Value::Array(_)) = (inputs, &value) {
            push_whole(&mut table, inputs, 0, &value)?;
        } else {
            let fields = fields(&value, row)?;
            if plan.is_none() {
                let (first, first_notes) = Plan::new(inputs, fields)?;
                (plan, notes) = (Some(first), first_notes);
            }
            if let Some(plan) = &plan {
                plan.push(&mut table, inputs, fields)?;
            }
        }
        table.end_row();
        Ok(true)
    })?;
    Ok(Content { tensors: table.finish()?, notes })
}

type Field<'a> = (Cow<'a, str>, Value<'a>);

/// Where the first row has each input, by name; the rows below it may have another order.
struct Plan(Vec<Source>);

enum Source {
    /// A list under this name.
    Whole(String),
    /// One value under each of these names.
    Columns(Vec<String>),
}

impl Plan {
    fn new(inputs: &[Port], fields: &[Field<'_>]) -> Result<(Self, Vec<String>), RowsError> {
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
        let layout = Layout::by_name(&rest, &header)?;
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
        self.refuse_missing(&mut finder, table.rows())?;
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
            return Err(RowsError::value(table.rows(), name, reason));
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
    let row = table.rows() + 1;
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

/// Calls `each` with every line's value until it says `false`. Empty lines are no rows.
fn for_each_line(
    mut source: impl BufRead,
    mut each: impl FnMut(Value<'_>, usize) -> Result<bool, RowsError>,
) -> Result<(), RowsError> {
    let (mut line, mut row) = (Vec::new(), 0);
    while source.read_until(b'\n', &mut line).map_err(|e| RowsError::unreadable(&e))? > 0 {
        let number = row + 1;
        let text = std::str::from_utf8(&line).map_err(|_| {
            RowsError::damaged(format!("Row {number} is not UTF-8 text. Save the file as UTF-8."))
        })?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if !text.is_empty() {
            let value = json::parse(text).map_err(|reason| {
                RowsError::damaged(format!(
                    "Row {number} is not JSON: {reason}. Write one JSON object per line."
                ))
            })?;
            if !each(value, row)? {
                return Ok(());
            }
            row += 1;
        }
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
#[path = "json_in_tests.rs"]
mod tests;
