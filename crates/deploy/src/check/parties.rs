//! What each protocol of parties costs, tells and is trusted with, side by side.

use std::collections::BTreeMap;

use privet_mpc::protocols::{Header, PROTOCOLS};
use privet_ring::pack::packed_len;

use super::{Cost, Options, Planned, linear_steps, program};
use crate::dealer2 as dealt;
use crate::error::Error;
use crate::kind::Kind;
use crate::mpc;
use crate::numbers::Numbers;
use crate::prepared::Prepared;
use crate::trust::TrustCard;

/// Of every protocol that hides what is to be hidden.
pub(super) fn costs(prepared: &Prepared, options: Options) -> Result<BTreeMap<&'static str, Cost>, Error> {
    let runs = |header: &&&Header| header.protects.contains(&options.protect);
    let one = |header: &&'static Header| {
        let cost = match prepared {
            Prepared::Linear(planned) => linear(header, planned, options),
            Prepared::Program(p) => program::cost(header, p, options.protect, options.steps)?,
        };
        let trust = Some(TrustCard::of(Kind::Mpc, Some((header, options.protect))));
        Ok((header.name, Cost { trust, ..cost }))
    };
    PROTOCOLS.iter().filter(runs).map(one).collect()
}

fn linear(header: &Header, planned: &Planned, options: Options) -> Cost {
    let Planned { cut, plan, .. } = planned;
    let numbers = Numbers::Linear(plan.clone());
    let layout =
        crate::bundle::layout(header, &numbers, options.protect, cut.core.columns, cut.core.scores());
    let dealt = if header.has_dealer { packed_len(cut.core.scores(), plan.k) } else { None };
    Cost {
        bound: plan.bound,
        k: Some(plan.k),
        rounds: header.linear_rounds,
        bytes_up: bytes_up(header, &layout, 1),
        bytes_up_per_row: bytes_up(header, &layout, 1024) / 1024,
        bytes_between: header.linear_bytes_between,
        bytes_dealt: dealt.unwrap_or(0),
        steps: if options.steps { linear_steps(planned) } else { Vec::new() },
        ..Cost::default()
    }
}

/// Bytes that a client sends for so many rows.
pub(super) fn bytes_up(header: &Header, layout: &privet_mpc::request::Layout, rows: usize) -> usize {
    if header.has_dealer { dealt::bytes_up(layout, rows) } else { mpc::traffic(layout, rows).0 }
}
