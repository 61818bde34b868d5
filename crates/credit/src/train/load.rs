//! From the file into the matrix: threads read some columns each, and one writes what they made of them.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::matrix::{Lanes, Matrix, WIDTH, lanes_for};
use super::progress::Progress;
use super::rule::Rule;
use super::table::{Table, values};
use crate::failure::Failure;

/// Rows that are read at a time; a few of these per thread are all the memory that is used besides the matrix.
const ROWS: usize = 4096;

/// Columns side by side of some rows.
struct Tile {
    first_row: usize,
    lane: usize,
    rows: Vec<Lanes>,
}

/// Reads these features of the rows that have a place in the matrix. `places` says which, by row of the file.
pub(crate) fn load(
    table: &Table,
    columns: &[(String, Rule)],
    places: &[Option<usize>],
    threads: usize,
    progress: &dyn Fn(&Progress<'_>),
) -> Result<Matrix, Failure> {
    let rows = places.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let mut matrix = Matrix::zeros(places.iter().flatten().count(), columns.len());
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel(2 * threads);
        let readers: Vec<_> = shares(lanes_for(columns.len()), threads)
            .map(|lanes| {
                let send = send.clone();
                scope.spawn(move || read(table, columns, lanes, rows, &send))
            })
            .collect();
        drop(send);
        place(&mut matrix, places, &receive, rows, progress);
        readers.into_iter().try_for_each(|reader| {
            reader.join().unwrap_or_else(|_| Err(Failure::ours("A thread that reads ended early.")))
        })
    })?;
    Ok(matrix)
}

/// Cuts `0..all` into as many even parts as there are threads.
pub(crate) fn shares(all: usize, threads: usize) -> impl Iterator<Item = Range<usize>> {
    let threads = threads.clamp(1, all.max(1));
    (0..threads).map(move |i| i * all / threads..(i + 1) * all / threads)
}

/// What one thread reads.
fn read(
    table: &Table,
    columns: &[(String, Rule)],
    lanes: Range<usize>,
    rows: usize,
    send: &SyncSender<Tile>,
) -> Result<(), Failure> {
    let mine = &columns[(lanes.start * WIDTH).min(columns.len())..(lanes.end * WIDTH).min(columns.len())];
    let names: Vec<String> = mine.iter().map(|(name, _)| name.clone()).collect();
    let mut first_row = 0;
    for batch in table.read(&names, rows, ROWS)? {
        let batch = batch.map_err(|e| Failure::reading(table.path(), e))?;
        for (lane, columns) in lanes.clone().zip(mine.chunks(WIDTH)) {
            let mut rows = vec![Lanes::ZERO; batch.num_rows()];
            for (i, (name, rule)) in columns.iter().enumerate() {
                for (row, value) in rows.iter_mut().zip(values(&batch, name)?) {
                    row.0[i] = rule.scaled(value);
                }
            }
            if send.send(Tile { first_row, lane, rows }).is_err() {
                return Ok(());
            }
        }
        first_row += batch.num_rows();
    }
    Ok(())
}

/// Writes tiles where they belong.
fn place(
    matrix: &mut Matrix,
    places: &[Option<usize>],
    tiles: &Receiver<Tile>,
    rows: usize,
    progress: &dyn Fn(&Progress<'_>),
) {
    for Tile { first_row, lane, rows: tile } in tiles {
        for (lanes, place) in tile.iter().zip(&places[first_row..]) {
            if let &Some(row) = place {
                *matrix.lanes_mut(row, lane) = *lanes;
            }
        }
        if lane == 0 {
            progress(&Progress::Read { rows: first_row + tile.len(), of: rows });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_complete() {
        for (all, threads) in [(33, 2), (1, 8), (0, 3), (7, 7)] {
            let parts: Vec<_> = shares(all, threads).collect();
            assert_eq!(parts.iter().cloned().flatten().collect::<Vec<_>>(), (0..all).collect::<Vec<_>>());
            let lengths = parts.iter().map(ExactSizeIterator::len);
            assert!(lengths.clone().max().unwrap() - lengths.min().unwrap() <= 1);
        }
    }
}
