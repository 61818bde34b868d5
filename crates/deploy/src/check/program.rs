//! What a private program costs, tells and answers: by running it, between three parties in this process.

use privet_model::eval::evaluate;
use privet_model::graph::Graph;
use privet_model::head::Column;
use privet_model::private::Program;
use privet_model::tensor::Tensor;
use privet_mpc::Abort;
use privet_mpc::ledger::Ledger;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::Header;
use privet_mpc::protocols::dealer2::Keys;
use privet_mpc::protocols::protocol::Protocol as _;
use privet_mpc::protocols::replicated3::{Blocks, Comparisons, Gates, Replicated};
use privet_mpc::protocols::replicated3_malicious::{Malicious3, Share};
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::run::{self, Columns, Inputs, Owned, PartyConstants, share_constants};
use privet_mpc::session::Session;
use privet_mpc::tape::Recording;
use privet_mpc::world::{DangerousSeededEntropy, World};

use privet_ring::pack::packed_len;

use super::parties::bytes_up;
use super::{Cost, PublicFacts, RowsReport, StepReport, counted, label_changes, of_classes};
use crate::bundle::no_entropy;
use crate::error::Error;
use crate::numbers::Numbers;
use crate::prepared::PreparedProgram;

/// Costs of one row, counted while it is computed on zeros, and with `steps` of each step.
pub(super) fn cost(
    header: &Header,
    p: &PreparedProgram,
    protect: Protect,
    steps: bool,
) -> Result<Cost, Error> {
    let numbers = Numbers::Program(Box::new(p.program.clone()));
    let layout =
        crate::bundle::layout(header, &numbers, protect, p.private.head().columns.len(), p.program.scores());
    let Between { rounds, bytes: bytes_between, dealt: bytes_dealt, steps: costs } =
        between(header, p, protect)?;
    Ok(Cost {
        bound: p.program.bound,
        k: Some(p.program.input_ring()),
        rounds: 1 + rounds,
        bytes_up: bytes_up(header, &layout, 1),
        bytes_up_per_row: bytes_up(header, &layout, 1024) / 1024,
        bytes_between,
        bytes_dealt,
        steps: if steps { steps_of(p, &costs) } else { Vec::new() },
        ..Cost::default()
    })
}

/// Each step with its numbers, and what it costs by itself.
fn steps_of(p: &PreparedProgram, costs: &[run::Cost]) -> Vec<StepReport> {
    let program = &p.program;
    let errors = p.private.errors(program);
    let one = |at: usize| {
        let (step, n) = (&program.steps[at], &program.numbers[at]);
        let run::Cost { rounds, bytes } = costs.get(at).copied().unwrap_or_default();
        StepReport {
            node: step.origin.node.clone(),
            op: step.origin.op.clone(),
            does: step.action.name(),
            width: step.width,
            exponent: n.exponent,
            fraction: n.fraction,
            ring: n.ring,
            error: errors[at],
            rounds,
            bytes_between: bytes,
        }
    };
    (0..program.steps.len()).map(one).collect()
}

/// What goes between the parties for one row.
#[derive(Default)]
struct Between {
    /// Of the party that has the most.
    rounds: u32,
    /// Of all.
    bytes: usize,
    /// Of a dealer, ahead of time.
    dealt: usize,
    /// The same of each step, without what is dealt.
    steps: Vec<run::Cost>,
}

/// Neither rounds nor bytes depend on what the row says.
fn between(header: &Header, p: &PreparedProgram, protect: Protect) -> Result<Between, Error> {
    let program = &p.program;
    let (held, columns) = of_nobody(p, protect)?;
    let has_dealer = header.has_dealer;
    let world = World::new(0);
    let party = |session: Session| {
        let me = session.me().index();
        let secrets = held[me].owned(program);
        if header.finds_cheats {
            counted_checked(session, program, secrets, &columns)
        } else if has_dealer {
            counted_run::<Keys>(session, program, &secrets, &columns)
        } else {
            counted_run::<Blocks>(session, program, &secrets, &columns)
        }
    };
    let parties = if has_dealer { world.run_dealt([0; 32], party) } else { world.run([0; 32], party) };
    let mut all = Between { steps: vec![run::Cost::default(); program.steps.len()], ..Between::default() };
    for (role, party) in Role::ALL.into_iter().zip(parties) {
        let (ledger, steps) = party.map_err(crate::mpc::aborted)?;
        if has_dealer && role.index() == 0 {
            all.dealt = dealt(&ledger, program);
            continue;
        }
        all.rounds = all.rounds.max(ledger.rounds);
        all.bytes += ledger.bytes_between();
        for (all, one) in all.steps.iter_mut().zip(steps) {
            *all = run::Cost { rounds: all.rounds.max(one.rounds), bytes: all.bytes + one.bytes };
        }
    }
    Ok(all)
}

/// The same where a party may cheat, with the check and the answer.
fn counted_checked(
    session: Session,
    program: &Program,
    secrets: Vec<Owned<Replicated>>,
    columns: &Replicated,
) -> Result<(Ledger, Vec<run::Cost>), Abort> {
    let mut protocol = Malicious3::begin(session, &mut DangerousSeededEntropy::new(1))?;
    let secrets: Vec<_> = secrets.into_iter().map(crate::work::checked).collect();
    let (columns, inputs) =
        (Columns::Tensor(Share::from(columns).into()), Inputs { secrets: &secrets, rows: 1 });
    let (output, steps) = run::run_counted(&mut protocol, program, &inputs, columns)?;
    Ok((protocol.finish(output, program.output_ring())?.ledger().clone(), steps))
}

/// Bytes that a dealer sends for a row, to both servers together.
pub fn dealt_bytes(p: &PreparedProgram, protect: Protect) -> Result<usize, Error> {
    let (held, columns) = of_nobody(p, protect)?;
    let session = World::new(0).dealer([0; 32], &Recording::default());
    let secrets = held[0].owned(&p.program);
    let (ledger, _) =
        counted_run::<Keys>(session, &p.program, &secrets, &columns).map_err(crate::mpc::aborted)?;
    Ok(dealt(&ledger, &p.program))
}

/// What a dealer said, and what it would have answered.
fn dealt(of_dealer: &Ledger, program: &Program) -> usize {
    of_dealer.bytes_between() + packed_len(program.scores(), program.output_ring()).unwrap_or(0)
}

/// Shares of the constants, and of a row of zeros that is each party's. Nothing here is a secret: every party is in this
/// process.
fn of_nobody(
    p: &PreparedProgram,
    protect: Protect,
) -> Result<([PartyConstants; PARTIES], Replicated), Error> {
    let held =
        share_constants(&p.constants, protect, &mut DangerousSeededEntropy::new(0)).map_err(no_entropy)?;
    let zeros = vec![0; p.program.columns.len()];
    Ok((held, Replicated { k: p.program.input_ring(), own: zeros.clone(), next: zeros }))
}

fn counted_run<C: Comparisons>(
    session: Session,
    program: &Program,
    secrets: &[Owned<Replicated>],
    columns: &Replicated,
) -> Result<(Ledger, Vec<run::Cost>), Abort> {
    let mut protocol = Gates::<C>::new(session);
    let (_, steps) = run::run_counted(
        &mut protocol,
        program,
        &Inputs { secrets, rows: 1 },
        Columns::Tensor(columns.clone().into()),
    )?;
    Ok((protocol.ledger().clone(), steps))
}

/// The program on the owner's rows, in the clear, beside the model as it is defined.
pub(super) fn on_rows(graph: &Graph, p: &PreparedProgram, rows: &[Tensor]) -> Result<RowsReport, Error> {
    let head = p.private.head();
    let bound = head.bind(rows)?;
    let mut columns = vec![0.0; bound.len() * head.columns.len()];
    Numbers::Program(Box::new(p.program.clone())).encoder().check(head, &bound, 0, &mut columns)?;
    let scores = p.program.in_the_clear(&p.constants, &columns);
    let private = p.private.tail().finish(&scores, p.program.scores())?;
    let reference = evaluate(graph, rows)?;
    let pairs = || reference.iter().zip(&private);
    let worst_error = pairs().map(|(a, b)| difference(a, b)).fold(0.0, f64::max);
    let changes =
        of_classes(graph).into_iter().zip(pairs()).map(|(classes, (a, b))| label_changes(a, b, classes));
    let label_changes = changes.max().unwrap_or(0);
    Ok(RowsReport { rows: bound.len(), worst_error, label_changes, labels: counted(&reference) })
}

/// The largest difference of two numeric outputs.
fn difference(a: &Tensor, b: &Tensor) -> f64 {
    match (&a.data, &b.data) {
        (privet_model::tensor::Data::F32(_) | privet_model::tensor::Data::F64(_), _) => {
            let (a, b) = (a.to_f64().unwrap_or_default(), b.to_f64().unwrap_or_default());
            a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        }
        _ => 0.0,
    }
}

/// What anyone who handles the bundle learns.
pub(super) fn public_facts(p: &PreparedProgram) -> PublicFacts {
    let (head, program) = (p.private.head(), &p.program);
    let mut features: Vec<usize> = head.columns.iter().map(Column::feature).collect();
    features.sort_unstable();
    features.dedup();
    let limits = head.columns.iter().zip(&program.columns).filter_map(|(column, encoding)| match column {
        Column::Value { feature, .. } => Some((head.feature_name(*feature), encoding.ends())),
        Column::Indicator { .. } | Column::Level { .. } | Column::Ordinal { .. } => None,
    });
    let shown = program.shown.iter().map(|s| program.numbers[s.step].exponent).max().unwrap_or(0);
    let weights = program.numbers.iter().map(|n| n.weight).max().unwrap_or(0);
    let inputs = program.numbers.iter().zip(&program.steps).filter(|(_, s)| s.is_columns());
    PublicFacts {
        columns: head.columns.len(),
        features: features.len(),
        scores: program.scores(),
        ranges: program.range_source,
        limits: limits.collect(),
        score_range: 2f64.powi(shown),
        fraction_bits: (inputs.map(|(n, _)| n.fraction).max().unwrap_or(0), weights),
        answers: "Everyone sees the model's shape: its layers, their sizes, how many trees of how many branches, and the power of \
                  two that each layer's values stay below; not its weights, thresholds or paths. Answers to enough rows let a \
                  client train a copy of any model, in any kind, plain included: row budgets and `label` are the remedies."
            .into(),
    }
}
