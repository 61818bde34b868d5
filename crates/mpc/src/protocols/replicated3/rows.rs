//! A client's rows: against a linear model, without a message between the parties; or as a tensor for other programs.

use privet_ring::block_rows;
use privet_ring::kernels::add_products;
use privet_ring::pack::unpack;
use privet_ring::prg::Stream;

use crate::Abort;
use crate::commitment::{of_bytes, of_seed};
use crate::protect::{Component, Protect};
use crate::request::{Held, Layout, PartyRequest};
use crate::role::Role;
use crate::session::{Additive, Session};
use crate::weights::PartyWeights;

use super::share::{Replicated, Sum};

/// A party's whole part of a linear model's prediction: check the components that it holds against the statement, then
/// `z_i = Σ_c x_c·F_c + b_i`, where the factors `F_c` are as [`PartyWeights`] says. No message to anyone but the client.
pub fn linear(
    session: &Session,
    layout: &Layout,
    weights: &PartyWeights,
    request: PartyRequest,
) -> Result<Additive, Abort> {
    let rows = request.statement.rows as usize;
    let components = layout.protect.components(session.me());
    check_form(layout, components, &request)?;
    check_commitments(components, &request)?;

    let scores = weights.bias.len();
    let mut z: Vec<u64> = std::iter::repeat_n(&weights.bias, rows).flatten().copied().collect();
    for (held, factor) in request.held.into_iter().zip(&weights.factors) {
        let mut expand = Expand::of(layout, held, request.statement.chunk);
        add_component(layout.columns, rows, &mut expand, factor, scores, &mut z);
    }
    Ok(Additive(z))
}

/// The rows of a request times a shared matrix of so many rows, in the ring 2^k, as [`Protocol::matmul`] does it with the tensor that
/// [`input`] makes of them: here they are expanded a few at a time and never lie in memory. For `protect = both`.
///
/// [`Protocol::matmul`]: crate::protocols::protocol::Protocol::matmul
pub fn product(
    session: &mut Session,
    layout: &Layout,
    request: PartyRequest,
    matrix: &Replicated,
    k: u32,
) -> Result<Sum, Abort> {
    let components = layout.protect.components(session.me());
    check_form(layout, components, &request)?;
    check_commitments(components, &request)?;
    let (rows, scores) = (request.statement.rows as usize, matrix.own.len() / layout.columns.max(1));
    let both: Vec<u64> = matrix.own.iter().zip(&matrix.next).map(|(a, b)| a.wrapping_add(*b)).collect();
    let mut z = session.step("matmul", |s| s.zero_share(rows * scores));
    for (held, factor) in request.held.into_iter().zip([&both, &matrix.own]) {
        let mut expand = Expand::of(layout, held, request.statement.chunk);
        add_component(layout.columns, rows, &mut expand, factor, scores, &mut z);
    }
    Ok(Sum::Summed { k, z })
}

/// What a client's rows are to a party, `rows × columns`.
pub enum Input {
    /// With `protect = both`.
    Shared(Replicated),
    /// With `protect = input`: one summand from each party, masked.
    Summed(Sum),
    /// With `protect = model`: the rows themselves.
    Known(Vec<u64>),
}

privet_ring::not_shown!(Input);

/// The rows of a request as a tensor, once the components that a party holds are checked against the statement.
pub fn input(session: &mut Session, layout: &Layout, request: PartyRequest) -> Result<Input, Abort> {
    let components = layout.protect.components(session.me());
    check_form(layout, components, &request)?;
    check_commitments(components, &request)?;
    let (n, chunk, k) = (request.statement.rows as usize * layout.columns, request.statement.chunk, layout.k);
    let mut expanded = request.held.into_iter().map(|held| {
        let mut tensor = vec![0; n];
        Expand::of(layout, held, chunk).block(0, &mut tensor);
        tensor
    });
    let (first, second) = (expanded.next().unwrap_or_default(), expanded.next());
    Ok(match (layout.protect, second) {
        (Protect::Model, _) => Input::Known(first),
        (_, Some(next)) => Input::Shared(Replicated { k, own: first, next }),
        (_, None) => {
            let mut z = session.zero_share(n);
            z.iter_mut().zip(first).for_each(|(z, x)| *z = z.wrapping_add(x));
            Input::Summed(Sum::Summed { k, z })
        }
    })
}

/// Whether a request has the form that `role` expects, and the components that its commitments were made for. For rows that are kept, and
/// computed with later.
pub fn checked(layout: &Layout, role: Role, request: &PartyRequest) -> Result<(), Abort> {
    let components = layout.protect.components(role);
    check_form(layout, components, request)?;
    check_commitments(components, request)
}

/// One component, expanded block by block: or as a whole.
enum Expand {
    Stream(Box<Stream>),
    Packed { bytes: bytes::Bytes, bits: u32, signed: bool },
}

impl Expand {
    fn of(layout: &Layout, held: Held, chunk: u32) -> Self {
        let bits = layout.protect.explicit_bits(layout.k, layout.encoded_bits);
        match held {
            Held::Seed(seed) => Self::Stream(Box::new(Stream::of_chunk(&seed, chunk))),
            Held::Packed { bytes, .. } => Self::Packed { bytes, bits, signed: bits != layout.k },
        }
    }

    fn block(&mut self, first: usize, out: &mut [u64]) {
        match self {
            Self::Stream(stream) => stream.fill(out),
            Self::Packed { bytes, bits, signed } => {
                unpack(*bits, bytes, first, out);
                if *signed {
                    // A value that is not hidden has fewer bits than the ring: its sign must reach all of them.
                    for x in out {
                        *x = privet_ring::signed(*x, *bits).cast_unsigned();
                    }
                }
            }
        }
    }
}

/// `z[r, s] += Σ_j x[r, j]·factor[s, j]`, a block of rows at a time.
fn add_component(columns: usize, rows: usize, x: &mut Expand, factor: &[u64], scores: usize, z: &mut [u64]) {
    let at_a_time = block_rows(columns);
    let (mut block, mut sums) = (vec![0; at_a_time * columns], vec![0; at_a_time]);
    for first in (0..rows).step_by(at_a_time) {
        let n = at_a_time.min(rows - first);
        x.block(first * columns, &mut block[..n * columns]);
        for (s, factor) in factor.chunks_exact(columns.max(1)).enumerate() {
            sums[..n].fill(0);
            add_products(&block[..n * columns], factor, &mut sums[..n]);
            for (r, &sum) in sums[..n].iter().enumerate() {
                let at = (first + r) * scores + s;
                z[at] = z[at].wrapping_add(sum);
            }
        }
    }
}

/// Kinds and lengths, before anything is computed with them.
fn check_form(layout: &Layout, components: &[Component], request: &PartyRequest) -> Result<(), Abort> {
    let wrong = |what: String| Err(Abort::Client(what));
    let (statement, held) = (&request.statement, &request.held);
    if statement.bundle != layout.bundle || statement.protect != layout.protect {
        return wrong("The request is for another bundle, or for another `protect`.".into());
    }
    let (most, got) = (layout.chunk_rows() + layout.check_rows, statement.rows);
    if !(1..=most).contains(&(got as usize)) {
        return wrong(format!("A chunk has 1 to {most} rows; {got} came."));
    }
    if held.len() != components.len() {
        return wrong(format!("Expected {} components, got {}.", components.len(), held.len()));
    }
    let expected = layout.explicit_len(statement.rows as usize);
    for (component, held) in components.iter().zip(held) {
        match (component.is_seeded(), held) {
            (true, Held::Seed(_)) => {}
            (false, Held::Packed { bytes, .. }) if Some(bytes.len()) == expected => {}
            (false, Held::Packed { bytes, .. }) => {
                let (rows, got) = (statement.rows, bytes.len());
                let expected = expected.unwrap_or(usize::MAX);
                return wrong(format!("A share of {rows} rows has {expected} bytes; {got} came."));
            }
            _ => return wrong(format!("{component:?} came in another form than this party takes it.")),
        }
    }
    Ok(())
}

/// Each component against its commitment, so that parties told different things draw different zero shares.
fn check_commitments(components: &[Component], request: &PartyRequest) -> Result<(), Abort> {
    for (component, held) in components.iter().zip(&request.held) {
        let commitments = &request.statement.commitments;
        let (expected, got) = match (component, held) {
            (Component::X1, Held::Seed(seed)) => (commitments[1], of_seed(seed)),
            (_, Held::Seed(seed)) => (commitments[0], of_seed(seed)),
            (_, Held::Packed { salt, bytes }) => (commitments[2], of_bytes(salt, bytes)),
        };
        // Hashes compare in constant time.
        if blake3::Hash::from(expected) != blake3::Hash::from(got) {
            return Err(Abort::Client(format!(
                "{component:?} is not the one that its commitment was made for."
            )));
        }
    }
    Ok(())
}
