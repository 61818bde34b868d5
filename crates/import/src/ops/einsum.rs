//! Products and sums by the names of axes.

use privet_model::graph::Reduce;

use super::layout::{across, permuted, places, strides, viewed};
use super::products::multiplied;
use super::reduce::{along, without};
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// An operand and the letters of its axes.
#[derive(Clone)]
struct Named {
    x: Rows,
    letters: Vec<char>,
}

pub(super) fn einsum(call: &mut Call<'_, '_>) -> Lowered {
    let equation: String = call.text("equation")?.chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = equation.split_once("->").map_or((equation.as_str(), None), |(l, r)| (l, Some(r)));
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != call.inputs.len() || terms.is_empty() {
        return Err(bad(&equation));
    }
    let mut named = Vec::new();
    for (i, term) in terms.iter().enumerate() {
        let x = call.numbers(i)?;
        let letters = letters_of(term, x.rank()).ok_or_else(|| bad(&equation))?;
        named.push(diagonal(call, Named { x, letters })?);
    }
    let result = result_letters(right, &named, &equation)?;
    let mut rest = named.into_iter();
    let mut joined = rest.next().ok_or_else(|| bad(&equation))?;
    let mut later: Vec<Named> = rest.collect();
    while !later.is_empty() {
        let next = later.remove(0);
        let needed: Vec<char> = later.iter().flat_map(|n| n.letters.clone()).chain(result.clone()).collect();
        joined = pair(call, joined, next, &needed)?;
    }
    let joined = summed(call, joined, &result)?;
    let order: Option<Vec<usize>> =
        result.iter().map(|letter| joined.letters.iter().position(|l| l == letter)).collect();
    one(permuted(call, &joined.x, &order.ok_or_else(|| bad(&equation))?)?)
}

fn bad(equation: &str) -> Stop {
    Stop::problem(format!("Its equation is `{equation}`."), "Export it with one letter for each axis.")
}

/// One letter for each axis; those of an ellipsis are told apart by their place from the end.
fn letters_of(term: &str, rank: usize) -> Option<Vec<char>> {
    let named = |part: &str| part.chars().all(char::is_alphabetic).then(|| part.chars().collect::<Vec<_>>());
    let Some((before, after)) = term.split_once("...") else {
        return named(term).filter(|letters| letters.len() == rank);
    };
    let (before, after) = (named(before)?, named(after)?);
    let open = rank.checked_sub(before.len() + after.len())?;
    let dots = (0..open).rev().map(ellipsis);
    Some(before.into_iter().chain(dots).chain(after).collect())
}

fn ellipsis(from_end: usize) -> char {
    char::from_digit(u32::try_from(from_end).unwrap_or(9).min(9), 10).unwrap_or('9')
}

/// The letters of the result: those given, or those that stand once, in order.
fn result_letters(right: Option<&str>, named: &[Named], equation: &str) -> Result<Vec<char>, Stop> {
    let all: Vec<char> = named.iter().flat_map(|n| n.letters.clone()).collect();
    let mut dots: Vec<char> = all.iter().copied().filter(char::is_ascii_digit).collect();
    dots.sort_unstable_by(|a, b| b.cmp(a));
    dots.dedup();
    if let Some(right) = right {
        let rank = right.chars().filter(|c| c.is_alphabetic()).count();
        let rank = if right.contains("...") { rank + dots.len() } else { rank };
        return letters_of(right, rank).ok_or_else(|| bad(equation));
    }
    let mut single: Vec<char> = all.iter().copied().filter(|c| c.is_alphabetic()).collect();
    single.sort_unstable();
    single.dedup();
    single.retain(|c| all.iter().filter(|other| *other == c).count() == 1);
    Ok(dots.into_iter().chain(single).collect())
}

/// A letter that stands twice in one operand means its diagonal.
fn diagonal(call: &mut Call<'_, '_>, named: Named) -> Result<Named, Stop> {
    let Named { x, letters } = &named;
    let twice =
        (0..letters.len()).find_map(|at| Some((letters[..at].iter().position(|l| *l == letters[at])?, at)));
    let Some((first, second)) = twice else { return Ok(named) };
    if x.dims[first] != x.dims[second] || x.batch == Some(first) || x.batch == Some(second) {
        return Err(across(i64::try_from(second).unwrap_or(0)));
    }
    let mut steps = strides(&x.dims);
    steps[first] += steps[second];
    let keep = |list: &[usize]| {
        list.iter().enumerate().filter(|(axis, _)| *axis != second).map(|(_, v)| *v).collect::<Vec<_>>()
    };
    let (dims, steps) = (keep(&x.dims), keep(&steps));
    let id = viewed(call, x.id, &dims, &steps)?;
    let batch = x.batch.map(|axis| if axis > second { axis - 1 } else { axis });
    let mut letters = letters.clone();
    letters.remove(second);
    debug_assert_eq!(places(&dims, &steps).len(), dims.iter().product::<usize>());
    let x = Rows { id, ..x.shaped(dims, batch) };
    diagonal(call, Named { x, letters })
}

/// Without the axes that nobody needs.
fn summed(call: &mut Call<'_, '_>, named: Named, needed: &[char]) -> Result<Named, Stop> {
    let gone: Vec<usize> =
        (0..named.letters.len()).filter(|&at| !needed.contains(&named.letters[at])).collect();
    if gone.is_empty() {
        return Ok(named);
    }
    let x = without(&along(call, &named.x, &gone, Reduce::Sum)?, &gone);
    let letters = named.letters.iter().filter(|l| needed.contains(l)).copied().collect();
    Ok(Named { x, letters })
}

/// The product of two, summed over letters that only they have.
fn pair(call: &mut Call<'_, '_>, a: Named, b: Named, needed: &[char]) -> Result<Named, Stop> {
    let wanted_a: Vec<char> = b.letters.iter().chain(needed).copied().collect();
    let a = summed(call, a, &wanted_a)?;
    let wanted_b: Vec<char> = a.letters.iter().chain(needed).copied().collect();
    let b = summed(call, b, &wanted_b)?;
    let in_both = |l: &&char| a.letters.contains(l) && b.letters.contains(l);
    let stack: Vec<char> = a.letters.iter().filter(in_both).filter(|l| needed.contains(l)).copied().collect();
    let inner: Vec<char> =
        a.letters.iter().filter(in_both).filter(|l| !needed.contains(l)).copied().collect();
    let rows: Vec<char> = a.letters.iter().filter(|l| !b.letters.contains(l)).copied().collect();
    let columns: Vec<char> = b.letters.iter().filter(|l| !a.letters.contains(l)).copied().collect();
    let left = matrix(call, &a, &stack, &rows, &inner)?;
    let right = matrix(call, &b, &stack, &inner, &columns)?;
    let product = multiplied(call, &left, &right)?;
    let letters: Vec<char> = [&stack[..], &rows, &columns].concat();
    let size = |l: &char| {
        let of = |n: &Named| n.letters.iter().position(|o| o == l).map_or(1, |at| n.x.dims[at]);
        of(&a).max(of(&b))
    };
    let dims = letters.iter().map(size).collect();
    let batch = |n: &Named| n.x.batch.map(|axis| n.letters[axis]);
    let letter = batch(&a).or(batch(&b));
    let axis = letter.and_then(|letter| letters.iter().position(|&l| l == letter));
    Ok(Named { x: product.shaped(dims, axis), letters })
}

/// The operand as a stack of matrices: the axes of the stack, then two that hold all others.
fn matrix(
    call: &mut Call<'_, '_>,
    named: &Named,
    stack: &[char],
    rows: &[char],
    columns: &[char],
) -> Result<Rows, Stop> {
    let order: Vec<usize> = [stack, rows, columns]
        .concat()
        .iter()
        .filter_map(|letter| named.letters.iter().position(|l| l == letter))
        .collect();
    let x = permuted(call, &named.x, &order)?;
    let (s, r) = (stack.len(), stack.len() + rows.len());
    let size = |range: &[usize]| range.iter().product::<usize>();
    let dims = [&x.dims[..s], &[size(&x.dims[s..r]), size(&x.dims[r..])]].concat();
    // The rows of the batch may only stand in front of the axes that they share a dimension with.
    let lead = |from: usize, axis: usize| x.dims[from..axis].iter().all(|&d| d == 1);
    let batch = match x.batch {
        None => None,
        Some(axis) if axis < s => Some(axis),
        Some(axis) if axis < r && lead(s, axis) => Some(s),
        Some(axis) if axis >= r && lead(r, axis) => Some(s + 1),
        Some(axis) => return Err(across(i64::try_from(axis).unwrap_or(0))),
    };
    Ok(x.shaped(dims, batch))
}
