//! Arithmetic of two values: affine where one is constant.

use privet_model::graph::{Comparison, Function, NodeId, Op, Reduce, Windows};
use privet_model::tensor::DataType;

use super::layout::{Shape, joint, spread, stretched};
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, numbers, one};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Add,
    Sub,
    Mul,
    Div,
}

impl Kind {
    /// Scale and shift of what is left when the constant `c` stands on the right, or on the left.
    fn affine(self, c: f64, is_left: bool) -> Option<(f64, f64)> {
        Some(match (self, is_left) {
            (Self::Add, _) => (1.0, c),
            (Self::Sub, false) => (1.0, -c),
            (Self::Sub, true) => (-1.0, c),
            (Self::Mul, _) => (c, 0.0),
            (Self::Div, false) => (1.0 / c, 0.0),
            (Self::Div, true) => return None,
        })
    }
}

pub(super) fn add(call: &mut Call<'_, '_>) -> Lowered {
    arithmetic(call, Kind::Add)
}

pub(super) fn sub(call: &mut Call<'_, '_>) -> Lowered {
    arithmetic(call, Kind::Sub)
}

pub(super) fn mul(call: &mut Call<'_, '_>) -> Lowered {
    arithmetic(call, Kind::Mul)
}

pub(super) fn div(call: &mut Call<'_, '_>) -> Lowered {
    arithmetic(call, Kind::Div)
}

fn arithmetic(call: &mut Call<'_, '_>, kind: Kind) -> Lowered {
    let constant = match (call.is_constant(0), call.is_constant(1)) {
        (true, false) => Some(0),
        (false, true) => Some(1),
        _ => None,
    };
    if let Some(side) = constant
        && let Some(rows) = with_constant(call, kind, side)?
    {
        return one(rows);
    }
    let (a, b, _) = both(call)?;
    let id = between(call, kind, &a, &b)?;
    one(a.with(id))
}

/// Affine, unless the constant has no finite factor, or whole numbers are divided.
fn with_constant(call: &mut Call<'_, '_>, kind: Kind, side: usize) -> Result<Option<Rows>, Stop> {
    let x = call.numbers(1 - side)?;
    if kind == Kind::Div && x.is_whole() {
        return Ok(None);
    }
    let constant = call.constant(side)?;
    let given = numbers(&constant)?;
    let pairs: Option<Vec<(f64, f64)>> = given.iter().map(|&c| kind.affine(c, side == 0)).collect();
    let Some(pairs) = pairs.filter(|pairs| pairs.iter().all(|(a, b)| a.is_finite() && b.is_finite())) else {
        return Ok(None);
    };
    let to = joint(&[&Shape::of(&x), &Shape::fixed(&constant.dims)])?;
    let (scale, shift): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let scale = spread(call, &scale, &constant.dims, &to.dims)?;
    let shift = spread(call, &shift, &constant.dims, &to.dims)?;
    let x = if x.width() == 1 { x } else { stretched(call, &x, &to)? };
    let id = affine(call, &x, scale, shift)?;
    Ok(Some(Rows { id, ..x.shaped(to.dims, to.batch) }))
}

/// `scale[j]·x[j] + shift[j]`, also where a single column `x` becomes several.
pub(super) fn affine(
    call: &mut Call<'_, '_>,
    rows: &Rows,
    scale: Vec<f64>,
    shift: Vec<f64>,
) -> Result<NodeId, Stop> {
    let same = scale.len() == rows.width();
    let op = if same { Op::Affine { scale, shift } } else { Op::Linear { weights: scale, bias: shift } };
    if same || rows.width() == 1 {
        return call.emit(op, rows.id);
    }
    Err(Stop::problem("Its constant gives more values than it is applied to.", "Expand the value first."))
}

/// The same affine function of each value.
pub(super) fn scaled(call: &mut Call<'_, '_>, x: &Rows, scale: f64, shift: f64) -> Result<Rows, Stop> {
    let n = x.width();
    let id = call.emit(Op::Affine { scale: vec![scale; n], shift: vec![shift; n] }, x.id)?;
    Ok(x.with(id))
}

/// The first two inputs, stretched to their joint shape.
fn both(call: &mut Call<'_, '_>) -> Result<(Rows, Rows, Shape), Stop> {
    let (a, b) = (call.numbers(0)?, call.numbers(1)?);
    let to = joint(&[&Shape::of(&a), &Shape::of(&b)])?;
    let dtype = if call.is_constant(0) { b.dtype } else { a.dtype };
    let a = Rows { dtype, ..stretched(call, &a, &to)? };
    Ok((a, stretched(call, &b, &to)?, to))
}

fn between(call: &mut Call<'_, '_>, kind: Kind, a: &Rows, b: &Rows) -> Result<NodeId, Stop> {
    match kind {
        Kind::Add => call.emit_many(Op::Add, vec![a.id, b.id]),
        Kind::Sub => minus(call, a, b),
        Kind::Mul => call.emit_many(Op::Multiply, vec![a.id, b.id]),
        Kind::Div => {
            let quotient = call.emit_many(Op::Divide, vec![a.id, b.id])?;
            // Whole numbers drop the remainder.
            if a.is_whole() { call.emit(Op::Map(Function::Truncate), quotient) } else { Ok(quotient) }
        }
    }
}

/// `a - b`, of one shape.
pub(super) fn minus(call: &mut Call<'_, '_>, a: &Rows, b: &Rows) -> Result<NodeId, Stop> {
    let negated = scaled(call, b, -1.0, 0.0)?;
    call.emit_many(Op::Add, vec![a.id, negated.id])
}

pub(super) fn neg(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    one(scaled(call, &x, -1.0, 0.0)?)
}

/// All inputs, stretched to their joint shape.
fn all(call: &mut Call<'_, '_>) -> Result<Vec<Rows>, Stop> {
    let given = (0..call.inputs.len()).map(|i| call.numbers(i)).collect::<Result<Vec<_>, _>>()?;
    let shapes: Vec<Shape> = given.iter().map(Shape::of).collect();
    let to = joint(&shapes.iter().collect::<Vec<_>>())?;
    given.iter().map(|x| stretched(call, x, &to)).collect()
}

pub(super) fn sum(call: &mut Call<'_, '_>) -> Lowered {
    let all = all(call)?;
    let id = added(call, &all)?;
    one(all[0].with(id))
}

pub(super) fn mean(call: &mut Call<'_, '_>) -> Lowered {
    let all = all(call)?;
    let id = added(call, &all)?;
    one(scaled(call, &all[0].with(id), 1.0 / all.len() as f64, 0.0)?)
}

fn added(call: &mut Call<'_, '_>, all: &[Rows]) -> Result<NodeId, Stop> {
    let none = || Stop::problem("It has no inputs.", "Export the model again.");
    let (first, rest) = all.split_first().ok_or_else(none)?;
    rest.iter().try_fold(first.id, |sum, x| call.emit_many(Op::Add, vec![sum, x.id]))
}

pub(super) fn max(call: &mut Call<'_, '_>) -> Lowered {
    extreme(call, Reduce::Max)
}

pub(super) fn min(call: &mut Call<'_, '_>) -> Lowered {
    extreme(call, Reduce::Min)
}

/// The greatest or least of the inputs, place by place.
fn extreme(call: &mut Call<'_, '_>, reduce: Reduce) -> Lowered {
    if call.inputs.len() == 2 && call.is_constant(0) != call.is_constant(1) {
        let side = usize::from(call.is_constant(1));
        let bound = call.constant(side)?;
        let x = call.numbers(1 - side)?;
        if let Some(bound) = bound.single().filter(|_| bound.dims.len() <= x.rank()) {
            let (low, high) = match reduce {
                Reduce::Max => (bound, f64::INFINITY),
                _ => (f64::NEG_INFINITY, bound),
            };
            let id = call.emit(Op::Map(Function::Clip { low, high }), x.id)?;
            return one(x.with(id));
        }
    }
    let all = all(call)?;
    let id = across_values(call, &all, reduce)?;
    one(all[0].with(id))
}

/// The greatest or least of several values of one shape, place by place.
pub(super) fn across_values(call: &mut Call<'_, '_>, all: &[Rows], reduce: Reduce) -> Result<NodeId, Stop> {
    let [first, _, ..] = all else { return added(call, all) };
    let n = first.width();
    let joined = call.emit_many(Op::Concat, all.iter().map(|x| x.id).collect())?;
    call.builder.charge(n.saturating_mul(all.len()))?;
    let windows = Windows((0..n).map(|at| (0..all.len()).map(|i| i * n + at).collect()).collect());
    call.emit(Op::Reduce { reduce, windows }, joined)
}

pub(super) fn compare(call: &mut Call<'_, '_>) -> Lowered {
    let (comparison, swap) = match &*call.node.op_type {
        "Less" => (Comparison::Less, false),
        "LessOrEqual" => (Comparison::LessOrEqual, false),
        "Greater" => (Comparison::Less, true),
        "GreaterOrEqual" => (Comparison::LessOrEqual, true),
        _ => (Comparison::Equal, false),
    };
    let (a, b, _) = both(call)?;
    let (left, right) = if swap { (b.id, a.id) } else { (a.id, b.id) };
    let id = call.emit_many(Op::Compare(comparison), vec![left, right])?;
    one(Rows { dtype: DataType::Bool, ..a.with(id) })
}

/// The remainder, with the sign of the divisor, or of what is divided where `fmod` says so.
pub(super) fn modulo(call: &mut Call<'_, '_>) -> Lowered {
    let (a, b, _) = both(call)?;
    let quotient = call.emit_many(Op::Divide, vec![a.id, b.id])?;
    let toward = if call.int("fmod", 0) == 0 { Function::Floor } else { Function::Truncate };
    let whole = call.emit(Op::Map(toward), quotient)?;
    let multiple = call.emit_many(Op::Multiply, vec![whole, b.id])?;
    let id = minus(call, &a, &b.with(multiple))?;
    let bounded = call.is_constant(1) && numbers(&*call.constant(1)?)?.iter().all(|x| x.is_finite());
    if a.is_whole() || bounded {
        return one(a.with(id));
    }
    let by_infinity = by_infinity(call, &a, &b)?;
    let size = call.emit(Op::Map(Function::Abs), b.id)?;
    let infinite = call.fixed(vec![f64::INFINITY; a.width()])?;
    let kept = call.emit_many(Op::Compare(Comparison::Equal), vec![size, infinite])?;
    let id = call.emit_many(Op::Choose, vec![kept, by_infinity, id])?;
    one(a.with(id))
}

/// What an infinite divisor leaves: the number itself, or the divisor where its sign is wanted and differs.
fn by_infinity(call: &mut Call<'_, '_>, a: &Rows, b: &Rows) -> Result<NodeId, Stop> {
    if call.int("fmod", 0) != 0 {
        return Ok(a.id);
    }
    let signs = call.emit_many(Op::Multiply, vec![a.id, b.id])?;
    let zero = call.fixed(vec![0.0; a.width()])?;
    let differ = call.emit_many(Op::Compare(Comparison::Less), vec![signs, zero])?;
    call.emit_many(Op::Choose, vec![differ, b.id, a.id])
}

/// 1 where it is infinite on a side that counts.
pub(super) fn is_inf(call: &mut Call<'_, '_>) -> Lowered {
    let (positive, negative) = (call.int("detect_positive", 1) != 0, call.int("detect_negative", 1) != 0);
    let x = call.numbers(0)?;
    let mut found = x.with(call.fixed(vec![0.0; x.width()])?);
    for (counts, infinity) in [(positive, f64::INFINITY), (negative, f64::NEG_INFINITY)] {
        if counts {
            let infinite = call.fixed(vec![infinity; x.width()])?;
            let same = call.emit_many(Op::Compare(Comparison::Equal), vec![x.id, infinite])?;
            found = x.with(across_values(call, &[found, x.with(same)], Reduce::Max)?);
        }
    }
    one(Rows { dtype: DataType::Bool, ..found })
}

/// Of 0 and 1: products, the greater, whether they differ.
pub(super) fn logic(call: &mut Call<'_, '_>) -> Lowered {
    let (a, b, _) = both(call)?;
    let id = match &*call.node.op_type {
        "And" => call.emit_many(Op::Multiply, vec![a.id, b.id])?,
        "Or" => across_values(call, &[a.clone(), b], Reduce::Max)?,
        _ => {
            let same = call.emit_many(Op::Compare(Comparison::Equal), vec![a.id, b.id])?;
            scaled(call, &a.with(same), -1.0, 1.0)?.id
        }
    };
    one(Rows { dtype: DataType::Bool, ..a.with(id) })
}

pub(super) fn not(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    one(Rows { dtype: DataType::Bool, ..scaled(call, &x, -1.0, 1.0)? })
}

/// The second where the first holds, else the third; known choices only select.
pub(super) fn choose(call: &mut Call<'_, '_>) -> Lowered {
    let (a, b) = (call.numbers(1)?, call.numbers(2)?);
    let dtype = if call.is_constant(1) { b.dtype } else { a.dtype };
    if call.is_constant(0) {
        let condition = call.constant(0)?;
        let to = joint(&[&Shape::fixed(&condition.dims), &Shape::of(&a), &Shape::of(&b)])?;
        let known = spread(call, &numbers(&condition)?, &condition.dims, &to.dims)?;
        let (a, b) = (stretched(call, &a, &to)?, stretched(call, &b, &to)?);
        let n = known.len();
        let both = call.emit_many(Op::Concat, vec![a.id, b.id])?;
        let places = known.iter().enumerate().map(|(at, &c)| if c == 0.0 { n + at } else { at }).collect();
        let id = call.emit(Op::Select(places), both)?;
        return one(Rows { dtype, ..a.with(id) });
    }
    let condition = call.numbers(0)?;
    let to = joint(&[&Shape::of(&condition), &Shape::of(&a), &Shape::of(&b)])?;
    let (a, b) = (stretched(call, &a, &to)?, stretched(call, &b, &to)?);
    let condition = stretched(call, &condition, &to)?;
    let id = call.emit_many(Op::Choose, vec![condition.id, a.id, b.id])?;
    one(Rows { dtype, ..a.with(id) })
}
