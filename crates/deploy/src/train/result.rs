//! A model that is kept as shares: each party's share of the weights becomes its half of a bundle, for a linear model that parties serve without
//! a message between them. Nobody ever has the weights, so the plan is one for all weights that a training can end with.

use privet_model::cut::cut;
use privet_model::graph::{Function, Graph, Op, Origin, Port};
use privet_model::plan::{Plan, RangeSource};
use privet_model::tensor::DataType;
use privet_model::training::Loss;
use privet_model::training::numbers::WEIGHTS;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::replicated3::Replicated;
use privet_mpc::role::Role;
use privet_ring::entropy::Entropy;
use privet_ring::fixed::{MAX_INPUT_BITS, outward_exponent, power_of_two};

use super::agreement::{Agreement, Outcome};
use crate::bundle::{FORMAT, Manifest, MpcPart, PartyFile, PublicBundle, random_hex};
use crate::error::Error;
use crate::kind::{Kind, Reveal};
use crate::numbers::Numbers;

/// The input of the model.
pub const INPUT: &str = "features";
/// Bits of the ring of answers.
const RING: u32 = 64;

/// The numbers of the model, whatever its weights are.
pub fn plan(agreement: &Agreement) -> Plan {
    let columns = agreement.feature_names().len();
    let exponent = outward_exponent(agreement.model.largest);
    let weights = (columns + 1) as f64 * agreement.model.most_weight;
    // As many bits of inputs as keep every sum below 2^62.
    let room = 62 - i64::from(WEIGHTS) - outward_exponent(weights);
    let input_bits = u32::try_from(room).unwrap_or(1).clamp(1, MAX_INPUT_BITS);
    let range = power_of_two(exponent);
    // Each input is off by half a unit at most, and decoding by a part of 2^52 of the score.
    let bound = weights * range * (power_of_two(-i64::from(input_bits) - 1) + power_of_two(-52));
    let bound = power_of_two(outward_exponent(bound));
    let small = |x: i64| i32::try_from(x).unwrap_or(i32::MAX);
    Plan {
        accuracy: bound,
        k: RING,
        input_bits,
        // A column counts by its range.
        weight_bits: u32::try_from(i64::from(WEIGHTS) - exponent).unwrap_or(0),
        range_exponents: vec![small(exponent); columns],
        range_source: RangeSource::Rows,
        score_exponent: small(outward_exponent(weights * range)),
        bound,
    }
}

/// The model's public half but for its secrets, of this id.
fn manifest(agreement: &Agreement, id: String, secrets: Vec<String>) -> Result<Manifest, Error> {
    let cut = cut(&graph(agreement)?).map_err(Error::from)?;
    let (head, tail) = (cut.head, cut.tail);
    let part = MpcPart {
        protocol: agreement.protocol.clone(),
        protect: Protect::Both,
        numbers: Numbers::Linear(plan(agreement)),
        head: head.clone(),
        tail: tail.clone(),
        scores: 1,
        parties: agreement.parties.iter().map(|party| party.key.clone()).collect(),
        most_rows: None,
    };
    Ok(Manifest {
        format: FORMAT,
        id,
        name: agreement.name.clone(),
        version: 1,
        kind: Kind::Mpc,
        reveal: Reveal::Score,
        inputs: head.inputs.clone(),
        outputs: tail.outputs.iter().map(|(port, _)| port.clone()).collect(),
        mpc: Some(part),
        tee: None,
        he: None,
        secrets,
    })
}

/// A model of the same shape: what stands around the weights, which are not looked at.
fn graph(agreement: &Agreement) -> Result<Graph, Error> {
    let columns: Vec<String> = agreement.feature_names().into_iter().cloned().collect();
    let width = columns.len();
    let port = |name: &str, width, columns| Port {
        name: name.into(),
        dtype: DataType::Fp64,
        width,
        flat: false,
        dims: Vec::new(),
        columns,
    };
    let origin = |node: &str, op: &str| Origin { node: node.into(), op: op.into() };
    let mut graph = Graph::new(vec![port(INPUT, width, columns)]);
    let unfit = |what: String| Error::refused("E350", format!("The model cannot be written down: {what}."));
    let linear = Op::Linear { weights: vec![1.0; width], bias: vec![1.0] };
    let mut last =
        graph.add(linear, vec![privet_model::graph::NodeId(0)], origin("linear", "Gemm")).map_err(unfit)?;
    let mut name = "value";
    if matches!(agreement.model.loss, Loss::Logistic) {
        last =
            graph.add(Op::Map(Function::Sigmoid), vec![last], origin("sigmoid", "Sigmoid")).map_err(unfit)?;
        name = "probability";
    }
    graph.outputs.push((port(name, 1, Vec::new()), last));
    Ok(graph)
}

/// This party's half, with a salt of its own; the public half comes later.
pub(super) fn half(
    agreement: &Agreement,
    role: Role,
    weights: &Replicated,
    entropy: &mut dyn Entropy,
) -> Result<PartyFile, Error> {
    let columns = agreement.feature_names().len();
    let plan = plan(agreement);
    // The constant has as many fraction bits as a score.
    let shift = plan.score_bits() - WEIGHTS;
    let constant = |part: &[u64]| if agreement.model.intercept { part[columns] << shift } else { 0 };
    let mut own = weights.own[..columns].to_vec();
    let mut next = weights.next[..columns].to_vec();
    let mut bias = constant(&weights.own);
    if agreement.header()?.finds_cheats {
        // There a constant is one more weight.
        own.push(constant(&weights.own));
        next.push(constant(&weights.next));
        bias = 0;
    }
    let both: Vec<u64> = own.iter().zip(&next).map(|(a, b)| a.wrapping_add(*b)).collect();
    Ok(PartyFile::of_shares(role, random_hex(entropy)?, &[vec![both, own], vec![vec![bias]]]))
}

/// The public half, once all parties have said what their halves' digests are. Made by the lead.
pub fn public(
    agreement: &Agreement,
    halves: Vec<String>,
    entropy: &mut dyn Entropy,
) -> Result<PublicBundle, Error> {
    PublicBundle::seal(manifest(agreement, random_hex(entropy)?, halves)?)
}

/// A party's half with the public half that the lead made, if that is what was agreed on.
pub(super) fn sealed(
    agreement: &Agreement,
    role: Role,
    mut half: PartyFile,
    public: &str,
) -> Result<PartyFile, Error> {
    let other = || {
        Error::integrity(
            "E501",
            "This public half is not that of the model which was agreed on. Nothing was written.",
        )
    };
    if agreement.result != Outcome::KeptAsShares {
        return Err(other());
    }
    let parsed = PublicBundle::parse(public)?;
    let Manifest { id, secrets, .. } = parsed.manifest();
    let expected = manifest(agreement, id.clone(), secrets.clone())?;
    if *parsed.manifest() != expected || secrets.get(role.index()) != Some(&half.digest()) {
        return Err(other());
    }
    half.public = public.into();
    Ok(half)
}
