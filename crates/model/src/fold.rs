//! Folding: the affine part of a graph as sums over the columns that the client sends, in float64.
//!
//! Scalers, imputation and chains of linear operations all disappear into one matrix: imputation because a missing
//! feature is sent as value-or-zero plus an indicator, so that its fill value is one more weight.

use std::collections::BTreeMap;

use crate::Problem;
use crate::graph::{Function, Graph, Labels, Missing, Node, NodeId, Norm, Op};
use crate::head::{Category, Column, Feature, Group, Head};
use crate::rounded::Rounded;

/// `Σ coefficient·column + constant`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Combination {
    /// Coefficient by column. Zeros stay: which weights are zero is not for everyone to see.
    pub(crate) terms: BTreeMap<usize, Rounded>,
    pub(crate) constant: Rounded,
}

impl Combination {
    /// A single column.
    fn of(column: usize) -> Self {
        Self { terms: BTreeMap::from([(column, Rounded::exact(1.0))]), ..Self::default() }
    }

    fn add(&mut self, factor: f64, other: &Self) {
        for (&column, coefficient) in &other.terms {
            let term = self.terms.entry(column).or_default();
            *term = term.plus(coefficient.times(factor));
        }
        self.constant = self.constant.plus(other.constant.times(factor));
    }

    fn shifted(mut self, shift: f64) -> Self {
        self.constant = self.constant.plus(Rounded::exact(shift));
        self
    }

    /// `self - other`.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let mut out = self.clone();
        for (&column, &coefficient) in &other.terms {
            let term = out.terms.entry(column).or_default();
            *term = term.minus(coefficient);
        }
        out.constant = out.constant.minus(other.constant);
        out
    }
}

/// What a node's value is, seen from the client's columns.
#[derive(Clone)]
pub(crate) enum Form {
    /// Values of the applicant as they are (indices into [`Head::features`]).
    Raw(Vec<usize>),
    /// Affine in the columns.
    Affine(Vec<Combination>),
    /// Beyond the first operation that is not affine.
    Beyond,
    /// A problem was already reported; what follows from it is not worth reporting.
    Unknown,
}

/// Statistics of a feature that its model's own scaler or imputer tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The scaler's mean, or the imputer's fill.
    pub center: f64,
    /// The scaler's standard deviation, where there is a scaler.
    pub spread: Option<f64>,
}

#[derive(Default)]
pub(crate) struct Folder {
    pub(crate) head: Head,
    pub(crate) statistics: BTreeMap<usize, Statistics>,
    pub(crate) problems: Vec<Problem>,
    /// Where in `head.columns` a column already stands.
    index: BTreeMap<Key, usize>,
}

/// What makes two columns the same: the feature, its missing value, its category and level, whether it is an indicator.
type Key = (usize, Option<u64>, Option<(usize, usize)>, bool);

fn key(column: &Column) -> Key {
    let bits = |m: &Missing| match m {
        Missing::Nan => f64::NAN.to_bits(),
        Missing::Value(v) => v.to_bits(),
    };
    match column {
        Column::Value { feature, missing } => (*feature, missing.as_ref().map(bits), None, false),
        Column::Indicator { feature, missing } => (*feature, Some(bits(missing)), None, true),
        Column::Ordinal { feature, missing } => (*feature, Some(bits(missing)), Some((usize::MAX, 0)), false),
        Column::Level { feature, category, level } => (*feature, None, Some((*category, *level)), false),
    }
}

impl Folder {
    /// The form of every node, in order.
    pub(crate) fn forms(&mut self, graph: &Graph) -> Vec<Form> {
        self.head.inputs.clone_from(&graph.inputs);
        let mut forms: Vec<Form> = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let inputs: Vec<&Form> = node.inputs.iter().map(|id| &forms[id.0]).collect();
            let form = if inputs.iter().any(|f| matches!(f, Form::Unknown)) {
                Form::Unknown
            } else {
                self.form(node, &inputs).unwrap_or_else(|problem| {
                    self.problems.push(problem);
                    Form::Unknown
                })
            };
            forms.push(form);
        }
        forms
    }

    fn form(&mut self, node: &Node, inputs: &[&Form]) -> Result<Form, Problem> {
        let first = inputs.first().copied();
        Ok(match (&node.op, first) {
            (Op::Input(input), _) => self.raw(*input, node.width),
            _ if inputs.iter().any(|f| matches!(f, Form::Beyond)) => Form::Beyond,
            (Op::Concat, _) => self.concat(inputs),
            (Op::Add, _) => self.add(inputs),
            (Op::Select(indices), Some(form)) => select(form, indices),
            (Op::Normalize(norm), Some(Form::Raw(features))) => self.normalize(*norm, features),
            (Op::OneHot { levels, unknown_is_zeros }, Some(form)) => {
                self.one_hot(node, form, levels, *unknown_is_zeros)?
            }
            (Op::Impute { fill, missing }, Some(form)) => self.impute(node, form, fill, *missing)?,
            (Op::Affine { scale, shift }, Some(form)) => self.affine(form, scale, shift),
            (Op::Linear { weights, bias }, Some(form)) => self.linear(form, weights, bias),
            _ => Form::Beyond,
        })
    }

    fn add(&mut self, inputs: &[&Form]) -> Form {
        let sums: Vec<Vec<Combination>> = inputs.iter().map(|form| self.sums(form)).collect();
        let mut sums = sums.into_iter();
        let mut total = sums.next().unwrap_or_default();
        for other in sums {
            total.iter_mut().zip(&other).for_each(|(sum, other)| sum.add(1.0, other));
        }
        Form::Affine(total)
    }

    fn raw(&mut self, input: usize, width: usize) -> Form {
        let first = self.head.features.len();
        self.head.features.extend((0..width).map(|element| Feature::Raw { input, element }));
        Form::Raw((first..first + width).collect())
    }

    pub(crate) fn column(&mut self, column: Column) -> usize {
        let next = self.head.columns.len();
        let index = *self.index.entry(key(&column)).or_insert(next);
        if index == next {
            self.head.columns.push(column);
        }
        index
    }

    fn value(&mut self, feature: usize, missing: Option<Missing>) -> Combination {
        let column = self.column(Column::Value { feature, missing });
        Combination::of(column)
    }

    /// A form as sums over columns.
    pub(crate) fn sums(&mut self, form: &Form) -> Vec<Combination> {
        match form {
            Form::Raw(features) => features.iter().map(|&f| self.value(f, None)).collect(),
            Form::Affine(sums) => sums.clone(),
            Form::Beyond | Form::Unknown => Vec::new(),
        }
    }

    fn concat(&mut self, inputs: &[&Form]) -> Form {
        if inputs.iter().all(|f| matches!(f, Form::Raw(_))) {
            let features = inputs.iter().flat_map(|f| if let Form::Raw(v) = f { v.as_slice() } else { &[] });
            return Form::Raw(features.copied().collect());
        }
        Form::Affine(inputs.iter().flat_map(|f| self.sums(f)).collect())
    }

    fn affine(&mut self, form: &Form, scale: &[f64], shift: &[f64]) -> Form {
        let sums = self.sums(form);
        for ((sum, &scale), &shift) in sums.iter().zip(scale).zip(shift) {
            self.note_scaler(sum, scale, shift);
        }
        let scaled = |((sum, &scale), &shift): ((&Combination, &f64), &f64)| {
            let mut out = Combination::default();
            out.add(scale, sum);
            out.shifted(shift)
        };
        Form::Affine(sums.iter().zip(scale).zip(shift).map(scaled).collect())
    }

    /// A scaler `s·x + t` directly on a feature tells its mean `-t/s` and standard deviation `1/|s|`.
    fn note_scaler(&mut self, sum: &Combination, scale: f64, shift: f64) {
        let mut values = sum.terms.iter().filter_map(|(&c, &k)| match self.head.columns[c] {
            Column::Value { feature, .. } => Some((feature, k.value)),
            _ => None,
        });
        let (Some((feature, 1.0)), None) = (values.next(), values.next()) else { return };
        if scale != 0.0 && scale.is_finite() && sum.constant.value == 0.0 {
            let statistics = self.statistics.entry(feature).or_default();
            if statistics.spread.is_none() {
                *statistics = Statistics { center: -shift / scale, spread: Some(1.0 / scale.abs()) };
            }
        }
    }

    fn linear(&mut self, form: &Form, weights: &[f64], bias: &[f64]) -> Form {
        let sums = self.sums(form);
        let row = |(weights, &bias): (&[f64], &f64)| {
            let mut out = Combination::default();
            sums.iter().zip(weights).for_each(|(sum, &w)| out.add(w, sum));
            out.shifted(bias)
        };
        Form::Affine(weights.chunks_exact(sums.len().max(1)).zip(bias).map(row).collect())
    }

    fn impute(&mut self, node: &Node, form: &Form, fill: &[f64], missing: Missing) -> Result<Form, Problem> {
        let sums = match form {
            Form::Raw(features) => {
                let pairs = features.iter().zip(fill);
                pairs
                    .map(|(&feature, &fill)| {
                        self.imputed(feature, Rounded::exact(1.0), Rounded::default(), fill, missing)
                    })
                    .collect()
            }
            Form::Affine(sums) => {
                let each = sums.iter().zip(fill);
                each.map(|(sum, &fill)| self.impute_sum(node, sum, fill, missing))
                    .collect::<Result<_, _>>()?
            }
            Form::Beyond | Form::Unknown => Vec::new(),
        };
        Ok(Form::Affine(sums))
    }

    /// `a·x + b` where x is there, `fill` where it is missing: `a·value + (fill - b)·indicator + b`.
    fn imputed(
        &mut self,
        feature: usize,
        a: Rounded,
        b: Rounded,
        fill: f64,
        missing: Missing,
    ) -> Combination {
        let value = self.column(Column::Value { feature, missing: Some(missing) });
        let indicator = self.column(Column::Indicator { feature, missing });
        let instead = Rounded::exact(fill).minus(b);
        let center = if a.value == 0.0 { 0.0 } else { instead.value / a.value };
        self.statistics.entry(feature).or_insert(Statistics { center, spread: None });
        Combination { terms: BTreeMap::from([(value, a), (indicator, instead)]), constant: b }
    }

    /// Imputation behind other affine operations: possible while each value still comes from one feature, as NaN
    /// passes through them unchanged.
    fn impute_sum(
        &mut self,
        node: &Node,
        sum: &Combination,
        fill: f64,
        missing: Missing,
    ) -> Result<Combination, Problem> {
        let mut terms = sum.terms.iter();
        let (one, more) = (terms.next(), terms.next());
        match one.map(|(&c, &a)| (self.head.columns[c].clone(), a)) {
            Some((Column::Value { feature, missing: None }, a))
                if more.is_none() && missing == Missing::Nan =>
            {
                Ok(self.imputed(feature, a, sum.constant, fill, missing))
            }
            _ => Err(problem(
                node,
                "It fills values that are no longer single input features, or marks them by a number after scaling.",
                "Put the imputer first in the pipeline.",
            )),
        }
    }

    fn one_hot(&mut self, node: &Node, form: &Form, levels: &Labels, zeros: bool) -> Result<Form, Problem> {
        let Form::Raw(features) = form else {
            let reason =
                "It encodes a value that was computed, so its category cannot be read by the client.";
            return Err(problem(node, reason, "Encode categories directly from the model's inputs."));
        };
        let Some(&feature) = features.first() else { return Ok(Form::Unknown) };
        let category = self.head.categories.len();
        self.head.categories.push(Category { levels: levels.clone(), unknown_is_zeros: zeros });
        let sums = (0..levels.len()).map(|level| {
            let column = self.column(Column::Level { feature, category, level });
            Combination::of(column)
        });
        Ok(Form::Affine(sums.collect()))
    }

    fn normalize(&mut self, norm: Norm, members: &[usize]) -> Form {
        let group = self.head.groups.len();
        self.head.groups.push(Group { norm, members: members.to_vec() });
        let first = self.head.features.len();
        let normalized = (0..members.len()).map(|member| Feature::Normalized { group, member });
        self.head.features.extend(normalized);
        Form::Raw((first..first + members.len()).collect())
    }
}

fn select(form: &Form, indices: &[usize]) -> Form {
    match form {
        Form::Raw(features) => Form::Raw(indices.iter().map(|&i| features[i]).collect()),
        Form::Affine(sums) => Form::Affine(indices.iter().map(|&i| sums[i].clone()).collect()),
        other => other.clone(),
    }
}

pub(crate) fn problem(node: &Node, reason: &str, hint: &str) -> Problem {
    let crate::graph::Origin { node, op } = node.origin.clone();
    Problem { node, op, reason: reason.into(), hint: hint.into() }
}

/// Why a node that is behind the affine part keeps a model from being a linear one with a public tail.
pub(crate) fn obstacle(graph: &Graph, node: &Node) -> Option<Problem> {
    match node.op {
        Op::Normalize(_)
        | Op::Map(Function::Sigmoid)
        | Op::Softmax { .. }
        | Op::LogSoftmax { .. }
        | Op::Label(_)
        | Op::Select(_)
        | Op::Concat => None,
        Op::Affine { .. } | Op::Linear { .. } | Op::Impute { .. } | Op::OneHot { .. } => {
            Some(after_nonlinear(graph, node))
        }
        _ => Some(problem(node, "It is not affine.", "A linear model ends with `Sigmoid` or `Softmax`.")),
    }
}

/// Constants behind an operation that is not affine would have to be computed privately there, or shown.
fn after_nonlinear(graph: &Graph, node: &Node) -> Problem {
    let mut at: Option<NodeId> = node.inputs.first().copied();
    while let Some(id) = at {
        let before = &graph.nodes[id.0];
        if matches!(
            before.op,
            Op::Map(Function::Sigmoid)
                | Op::Softmax { .. }
                | Op::LogSoftmax { .. }
                | Op::Normalize(_)
                | Op::Label(_)
        ) {
            let reason = format!(
                "It has constants of its own behind `{}` ({}), which is not affine.",
                before.origin.node, before.origin.op
            );
            let hint = match before.op {
                Op::Normalize(_) => "Put the normaliser first, before any scaling: then the client runs it.",
                _ => "A linear model ends with its activation; put scaling before it.",
            };
            return problem(node, &reason, hint);
        }
        at = before.inputs.first().copied();
    }
    problem(node, "It comes behind an operation that is not affine.", "")
}
