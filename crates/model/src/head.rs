//! The client head: what the client does with its own rows before anything is sent. All of it is public: reading
//! columns, marking missing values, encoding categories, and normalising rows where the model starts with that.

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::eval::{check_inputs, level_of_number, normalize};
use crate::graph::{Labels, Missing, Norm, Port};
use crate::ordinal::ordinal;
use crate::tensor::{Data, DataType, Tensor};

/// One value of an applicant: the `element`-th of model input `input`, or of a normalised group of such.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Feature {
    /// As the client gives it.
    Raw {
        /// Index of the model's input.
        input: usize,
        /// Which of its values.
        element: usize,
    },
    /// After normalisation of its row.
    Normalized {
        /// Index into [`Head::groups`].
        group: usize,
        /// Which member of the group.
        member: usize,
    },
}

/// Features whose row is brought to unit length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// In which sense.
    pub norm: Norm,
    /// Indices into [`Head::features`], all before the features of this group.
    pub members: Vec<usize>,
}

/// One number that enters the private core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Column {
    /// The feature's value; 0 where it is missing, if it may be.
    Value {
        /// Index into [`Head::features`].
        feature: usize,
        /// What counts as missing; `None`: nothing may be.
        missing: Option<Missing>,
    },
    /// 1 where the feature is missing, else 0. Sent always, whether or not anything is missing.
    Indicator {
        /// Index into [`Head::features`].
        feature: usize,
        /// What counts as missing.
        missing: Missing,
    },
    /// Where the feature's value, as float32, stands among all float32 numbers ([`ordinal`](crate::ordinal::ordinal)): what
    /// trees compare. 0 where it is missing.
    Ordinal {
        /// Index into [`Head::features`].
        feature: usize,
        /// What counts as missing.
        missing: Missing,
    },
    /// 1 where the feature is this level of its category, else 0.
    Level {
        /// Index into [`Head::features`].
        feature: usize,
        /// Index into [`Head::categories`].
        category: usize,
        /// Which level.
        level: usize,
    },
}

impl Column {
    /// Index of the feature it is made from.
    pub fn feature(&self) -> usize {
        match self {
            Self::Value { feature, .. }
            | Self::Indicator { feature, .. }
            | Self::Ordinal { feature, .. }
            | Self::Level { feature, .. } => *feature,
        }
    }
}

/// The levels of a categorical feature. They are schema, not secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// The known levels.
    pub levels: Labels,
    /// Whether an unknown one gives all zeros; otherwise it is refused.
    pub unknown_is_zeros: bool,
}

/// Most groups within groups, and most raw values for one feature, that a head from outside may ask the client to read.
const MAX_DEPTH: usize = 8;
const MAX_READS: usize = 1 << 16;

/// How the client turns its rows into the columns that the private core takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The model's inputs.
    pub inputs: Vec<Port>,
    /// The values that columns are made from.
    pub features: Vec<Feature>,
    /// Rows brought to unit length.
    pub groups: Vec<Group>,
    /// Levels of categories.
    pub categories: Vec<Category>,
    /// What enters the core, in order.
    pub columns: Vec<Column>,
}

impl Head {
    /// What a feature is called in messages.
    pub fn feature_name(&self, feature: usize) -> String {
        match self.features.get(feature) {
            Some(Feature::Raw { input, element }) => {
                self.inputs.get(*input).map_or_else(String::new, |port| port.element_name(*element))
            }
            Some(Feature::Normalized { group, member }) => {
                let member = self.groups.get(*group).and_then(|g| g.members.get(*member));
                format!("normalised {}", member.map_or_else(String::new, |&f| self.feature_name(f)))
            }
            None => String::new(),
        }
    }

    /// Whether a feature only takes whole numbers, which fixed point represents exactly.
    pub fn is_whole(&self, feature: usize) -> bool {
        match self.features.get(feature) {
            Some(Feature::Raw { input, .. }) => {
                self.inputs.get(*input).is_some_and(|p| !matches!(p.dtype, DataType::Fp32 | DataType::Fp64))
            }
            _ => false,
        }
    }

    /// Whether a feature is a member of a row of unit length, and so within ±1.
    pub fn is_of_unit_length(&self, feature: usize) -> bool {
        match self.features.get(feature) {
            Some(Feature::Normalized { group, .. }) => {
                self.groups.get(*group).is_some_and(|g| matches!(g.norm, Norm::L1 | Norm::L2))
            }
            _ => false,
        }
    }

    /// Checks that every index points at something, as a head that came from outside must be before it is used.
    pub fn is_sound(&self) -> bool {
        let feature_ok = |at: usize, f: &Feature| match f {
            Feature::Raw { input, element } => self.inputs.get(*input).is_some_and(|p| *element < p.width),
            Feature::Normalized { group, member } => self
                .groups
                .get(*group)
                .is_some_and(|g| *member < g.members.len() && g.members.iter().all(|&m| m < at)),
        };
        let work_ok = || self.work().iter().all(|&(depth, reads)| depth <= MAX_DEPTH && reads <= MAX_READS);
        let column_ok = |c: &Column| {
            c.feature() < self.features.len()
                && match c {
                    Column::Level { category, level, .. } => {
                        self.categories.get(*category).is_some_and(|c| *level < c.levels.len())
                    }
                    _ => true,
                }
        };
        self.features.iter().enumerate().all(|(at, f)| feature_ok(at, f))
            && self.columns.iter().all(column_ok)
            && work_ok()
    }

    /// For each feature, groups within groups that reading it goes through, and raw values that it reads. Every index
    /// must point at something before it.
    fn work(&self) -> Vec<(usize, usize)> {
        let mut work: Vec<(usize, usize)> = Vec::with_capacity(self.features.len());
        let mut of_group: Vec<Option<(usize, usize)>> = vec![None; self.groups.len()];
        for feature in &self.features {
            work.push(match feature {
                Feature::Raw { .. } => (0, 1),
                Feature::Normalized { group, .. } => *of_group[*group].get_or_insert_with(|| {
                    let members = self.groups[*group].members.iter().map(|&m| work[m]);
                    members.fold((1, 0), |(depth, reads), (d, r)| (depth.max(d + 1), reads.saturating_add(r)))
                }),
            });
        }
        work
    }

    /// Binds rows to this head, if they are what the model takes.
    pub fn bind<'a>(&'a self, inputs: &'a [Tensor]) -> Result<Rows<'a>, Refusal> {
        let rows = check_inputs(&self.inputs, inputs)?;
        Ok(Rows { head: self, inputs, count: rows, runs: self.runs() })
    }

    /// Longest stretches of columns that are consecutive values of one raw input, with nothing missing: the common
    /// case of one wide tensor, which is copied and not interpreted.
    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (column, what) in self.columns.iter().enumerate() {
            let place = match what {
                Column::Value { feature, missing: None } => match self.features[*feature] {
                    Feature::Raw { input, element } => Some((input, element)),
                    Feature::Normalized { .. } => None,
                },
                _ => None,
            };
            match (runs.last_mut(), place) {
                (Some(run), Some(place)) if run.continues(column, place) => run.len += 1,
                _ => runs.push(Run { column, place, len: 1 }),
            }
        }
        runs
    }
}

struct Run {
    column: usize,
    place: Option<(usize, usize)>,
    len: usize,
}

impl Run {
    fn continues(&self, column: usize, (input, element): (usize, usize)) -> bool {
        self.column + self.len == column
            && self.place.is_some_and(|(i, e)| (i, e + self.len) == (input, element))
    }
}

/// A client's rows, ready to be read as columns of the core.
pub struct Rows<'a> {
    head: &'a Head,
    inputs: &'a [Tensor],
    count: usize,
    runs: Vec<Run>,
}

impl Rows<'_> {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Columns of rows `first..`, as many as `out` holds. What may not be sent (a missing value where none may be, an
    /// unknown level) is NaN here, so that one comparison with the ranges finds everything that must be refused.
    pub fn fill(&self, first: usize, out: &mut [f64]) {
        let width = self.head.columns.len().max(1);
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            for run in &self.runs {
                let out = &mut out[run.column..run.column + run.len];
                match run.place {
                    Some((input, element)) => self.copy(input, element, first + row, out),
                    None => out[0] = self.column(run.column, first + row),
                }
            }
        }
    }

    fn copy(&self, input: usize, element: usize, row: usize, out: &mut [f64]) {
        let tensor = &self.inputs[input];
        let at = row * tensor.width + element;
        match &tensor.data {
            Data::F32(v) => privet_ring::kernels::widen(&v[at..at + out.len()], out),
            Data::F64(v) => out.copy_from_slice(&v[at..at + out.len()]),
            Data::I64(v) => out.iter_mut().zip(&v[at..]).for_each(|(out, &x)| *out = x as f64),
            Data::Text(_) => out.fill(f64::NAN),
        }
    }

    fn column(&self, column: usize, row: usize) -> f64 {
        match &self.head.columns[column] {
            Column::Value { feature, missing } => match self.feature(*feature, row) {
                x if missing.is_some_and(|m| m.is(x)) => 0.0,
                x => x,
            },
            Column::Indicator { feature, missing } => f64::from(missing.is(self.feature(*feature, row))),
            Column::Ordinal { feature, missing } => match self.feature(*feature, row) {
                x if missing.is(x) => 0.0,
                x => ordinal(x),
            },
            Column::Level { feature, category, level } => {
                let category = &self.head.categories[*category];
                if !self.is_finite(*feature, row) {
                    return f64::NAN;
                }
                match self.level(*feature, &category.levels, row) {
                    Some(found) => f64::from(found == *level),
                    None if category.unknown_is_zeros => 0.0,
                    None => f64::NAN,
                }
            }
        }
    }

    fn feature(&self, feature: usize, row: usize) -> f64 {
        match self.head.features[feature] {
            Feature::Raw { input, element } => {
                let mut out = [0.0];
                self.copy(input, element, row, &mut out);
                out[0]
            }
            Feature::Normalized { group, member } => {
                let group = &self.head.groups[group];
                let mut values: Vec<f64> = group.members.iter().map(|&f| self.feature(f, row)).collect();
                normalize(group.norm, &mut values);
                // A NaN among the members makes the whole row unusable, not only its own place.
                if values.iter().any(|x| x.is_nan()) { f64::NAN } else { values[member] }
            }
        }
    }

    /// Whether a raw feature is a number that is there, a whole number, or text.
    fn is_finite(&self, feature: usize, row: usize) -> bool {
        let Feature::Raw { input, element } = self.head.features[feature] else { return true };
        let tensor = &self.inputs[input];
        let at = row * tensor.width + element;
        match &tensor.data {
            Data::F32(v) => v[at].is_finite(),
            Data::F64(v) => v[at].is_finite(),
            Data::I64(_) | Data::Text(_) => true,
        }
    }

    fn level(&self, feature: usize, levels: &Labels, row: usize) -> Option<usize> {
        let Feature::Raw { input, element } = self.head.features[feature] else { return None };
        let tensor = &self.inputs[input];
        let at = row * tensor.width + element;
        match (&tensor.data, levels) {
            (Data::I64(v), Labels::Int(l)) => l.iter().position(|&l| l == v[at]),
            (Data::Text(v), Labels::Text(l)) => l.iter().position(|l| *l == v[at]),
            (Data::Text(_), Labels::Int(_)) | (_, Labels::Text(_)) => None,
            (_, Labels::Int(l)) => level_of_number(self.feature(feature, row), l),
        }
    }
}
