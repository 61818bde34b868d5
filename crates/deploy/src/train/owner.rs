//! An owner's side: rows become shares, and what parties open is added up.

use privet_model::training::Loss;
use privet_model::training::numbers::{Numbers, RESIDUALS, RING, ROWS, WEIGHTS};
use privet_mpc::protocols::replicated3_malicious::open;
use privet_mpc::request::{Layout, Request, combine};
use privet_mpc::role::{PARTIES, Role};
use privet_ring::entropy::Entropy;
use privet_ring::fixed::power_of_two;
use privet_ring::pack::{packed_len, unpack};
use privet_tee::statement::Hex;
use zeroize::Zeroizing;

use super::agreement::Agreement;
use super::offer::layout;
use super::wire::{Ask, Say, TAG, TAGS};
use crate::bundle::no_entropy;
use crate::error::Error;
use crate::mpc::{BODY, HEAD, packed_answer};
use crate::oip::{InferReply, InferRequest, RawTensor};
use crate::wire;

/// An owner's rows on their way to the parties. Its seeds are used for these rows and for nothing else.
pub struct Offering<'a> {
    agreement: &'a Agreement,
    owner: usize,
    layout: Layout,
    request: Request,
}

/// Some of an owner's rows, prepared.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// Row by row, in the order of [`Agreement::columns_of`].
    pub values: &'a [f64],
    /// Of an owner that has the label: one for each row.
    pub labels: &'a [f64],
    /// With tags: one for each row.
    pub tags: &'a [[u8; TAG]],
}

impl<'a> Offering<'a> {
    /// Begins.
    pub fn new(agreement: &'a Agreement, owner: usize, entropy: &mut dyn Entropy) -> Result<Self, Error> {
        let request = Request::draw(entropy).map_err(no_entropy)?;
        Ok(Self { agreement, owner, layout: layout(agreement, owner), request })
    }

    /// Rows of every chunk but the last.
    pub fn chunk_rows(&self) -> usize {
        self.layout.chunk_rows()
    }

    /// The next chunk as a call for each party.
    pub fn chunk(&mut self, rows: Rows<'_>) -> Result<[InferRequest; PARTIES], Error> {
        let (columns, has_label) = (self.layout.columns, self.agreement.label_of(self.owner).is_some());
        let own = columns - usize::from(has_label);
        // An owner may have the label and nothing else.
        let count = rows.values.len().checked_div(own).unwrap_or(rows.labels.len());
        let tags = if self.agreement.has_tags() { count } else { 0 };
        let labels = if has_label { count } else { 0 };
        let fits = rows.values.len() == count * own && rows.labels.len() == labels && rows.tags.len() == tags;
        let count = u32::try_from(count).ok().filter(|count| fits && *count as usize <= self.chunk_rows());
        let count =
            count.ok_or_else(|| Error::usage("E106", "Values, labels and tags are not of the same rows."))?;
        let ticket = self.request.ticket();
        let ticket = ticket.ok_or_else(|| Error::usage("E106", "There are too many rows."))?;
        let encode = |first: usize, out: &mut [u64]| {
            for (at, out) in (first..).zip(out.chunks_exact_mut(columns)) {
                self.encode(
                    rows.values.get(at * own..(at + 1) * own).unwrap_or_default(),
                    rows.labels.get(at),
                    out,
                )?;
            }
            Ok::<(), Error>(())
        };
        let split = self.request.split(ticket, &self.layout, count, encode)?;
        let name = &self.agreement.name;
        let call = |(role, message): (Role, &_)| {
            let (head, body) = wire::encode(role, message);
            let mut beside = vec![RawTensor::bytes(HEAD, head)];
            beside.extend(body.map(|body| RawTensor::bytes(BODY, body)));
            if tags > 0 {
                beside.push(RawTensor::bytes(TAGS, rows.tags.as_flattened().to_vec()));
            }
            Ask::Rows.call(name, beside)
        };
        let [a, b, c] = &split.messages;
        let [p0, p1, p2] = Role::ALL;
        Ok([call((p0, a)), call((p1, b)), call((p2, c))])
    }

    /// Values and label of a row as integers, refusing what no plan was made for.
    fn encode(&self, values: &[f64], label: Option<&f64>, out: &mut [u64]) -> Result<(), Error> {
        let largest = self.agreement.model.largest;
        for ((x, out), column) in values.iter().zip(&mut *out).zip(self.agreement.columns_of(self.owner)) {
            if x.is_nan() || x.abs() > largest {
                let what = format!(
                    "A value of column `{column}` is not within ±{largest}. Nothing of its chunk was sent."
                );
                return Err(Error::refused("E101", what));
            }
            *out = fixed(*x, ROWS);
        }
        let (Some(label), Some(out)) = (label, out.last_mut()) else { return Ok(()) };
        let (is_class, most) = (self.agreement.model.loss == Loss::Logistic, self.agreement.largest_label());
        let fine = if is_class { [0.0, 1.0].contains(label) } else { label.abs() <= most };
        if !fine {
            let expected = if is_class { "0 or 1".to_owned() } else { format!("a number within ±{most}") };
            return Err(Error::refused(
                "E101",
                format!("A label is not {expected}. Nothing of its chunk was sent."),
            ));
        }
        *out = fixed(*label, if is_class { 0 } else { RESIDUALS });
        Ok(())
    }
}

#[allow(clippy::cast_possible_truncation)] // far below 2^63
fn fixed(x: f64, fraction: u32) -> u64 {
    ((x * power_of_two(fraction.into())).round_ties_even() as i64).cast_unsigned()
}

fn real(x: u64, fraction: u32) -> f64 {
    x.cast_signed() as f64 * power_of_two(-i64::from(fraction))
}

/// How good a state is on rows that it did not learn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// The mean loss.
    pub loss: f64,
    /// The area under the curve; none where there are no classes, or only one of them.
    pub auc: Option<f64>,
}

impl Judgement {
    /// Of what the parties opened, for so many rows.
    pub fn of(agreement: &Agreement, replies: &[InferReply], rows: u64) -> Result<Self, Error> {
        let numbers = agreement.numbers()?;
        let has_classes = agreement.model.loss == Loss::Logistic;
        let opened = opened(agreement, replies, if has_classes { 3 } else { 1 })?;
        let loss = real(opened[0], numbers.loss()) / rows.max(1) as f64;
        let auc = opened.get(1..3).filter(|pairs| pairs[1] > 0);
        Ok(Self { loss, auc: auc.map(|pairs| pairs[0] as f64 / 2.0 / pairs[1] as f64) })
    }
}

/// A trained model.
pub struct Weights {
    /// By column.
    pub weights: Vec<f64>,
    /// The constant.
    pub intercept: f64,
}

privet_ring::not_shown!(Weights);

impl Weights {
    /// Of what the parties opened.
    pub fn of(agreement: &Agreement, replies: &[InferReply]) -> Result<Self, Error> {
        let Numbers { recipe, .. } = agreement.numbers()?;
        let opened = Zeroizing::new(opened(agreement, replies, recipe.columns)?);
        let mut weights: Vec<f64> = opened.iter().map(|&w| real(w, WEIGHTS)).collect();
        let intercept = if recipe.intercept { weights.pop() } else { None };
        Ok(Self { weights, intercept: intercept.unwrap_or(0.0) })
    }
}

/// What the three parties' answers say together, `n` numbers, if they answered the very same.
fn opened(agreement: &Agreement, replies: &[InferReply], n: usize) -> Result<Vec<u64>, Error> {
    let points = replies.iter().map(|reply| match Say::of(reply)? {
        Say::Opened { point: Hex(point), .. } => Ok(point),
        _ => Err(Error::integrity("E511", "A party opened nothing.")),
    });
    let points = points.collect::<Result<Vec<_>, Error>>()?;
    let point = points.first().copied().unwrap_or_default();
    if points.len() != PARTIES {
        return Err(Error::integrity("E511", "A party did not answer."));
    }
    let finds_cheats = agreement.header()?.finds_cheats;
    let length = packed_len(n, RING).and_then(|one| one.checked_mul(1 + usize::from(finds_cheats)));
    let packed = |role: Role| packed_answer(&replies[role.index()], role, &point, length);
    let packed = [packed(Role::ALL[0])?, packed(Role::ALL[1])?, packed(Role::ALL[2])?];
    if finds_cheats {
        let cheated = |e| Error::integrity("E515", format!("{e}. Nothing was taken."));
        return open(packed, n, RING).map_err(cheated);
    }
    Ok(combine(packed.map(|packed| {
        let mut share = vec![0; n];
        unpack(RING, packed, 0, &mut share);
        share
    })))
}
