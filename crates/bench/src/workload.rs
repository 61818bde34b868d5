//! A model as it is to be served, rows to ask about, and the right answers.

use std::path::Path;

use privet_deploy::Error;
use privet_deploy::kind::{Kind, Reveal};
use privet_deploy::plain::{Engine, scores};
use privet_model::cut::cut;
use privet_model::graph::Graph;
use privet_model::tensor::{Data, Tensor};
use privet_mpc::protect::Protect;
use privet_mpc::protocols::{Header, PROTOCOLS};
use privet_serve::up::network::Network;
use privet_serve::up::{Running, Wanted};

use crate::measure::Expected;

/// How a model is served.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Largest error of what is revealed.
    pub accuracy: f64,
    /// What the client gets.
    pub reveal: Reveal,
    /// What is hidden from the parties.
    pub protect: Protect,
    /// Above which a label is the second of two classes.
    pub threshold: Option<f64>,
}

/// One model, with rows to ask about.
#[derive(Clone, Copy)]
pub struct Workload<'a> {
    /// The program whose `serve` command runs a role.
    pub program: &'a Path,
    /// The exported file.
    pub file: &'a Path,
    /// The same, read, and giving what is to be revealed.
    pub graph: &'a Graph,
    /// Served under this name.
    pub name: &'a str,
    /// Rows from which the plan takes its ranges; without, from the model.
    pub ranges: Option<&'a [Tensor]>,
    /// Rows to ask about.
    pub rows: &'a [Tensor],
    /// How it is served.
    pub how: How,
    /// What lies between the roles.
    pub network: Network,
}

/// One way to serve a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Which kind.
    pub kind: Kind,
    /// Which protocol, where the kind is `mpc`.
    pub protocol: &'static Header,
}

impl Way {
    /// Every protocol of parties, and every other kind once.
    pub fn all(kinds: impl IntoIterator<Item = Kind>, protocols: &[&'static Header]) -> Vec<Self> {
        let of = |kind: Kind| {
            let protocols = if kind == Kind::Mpc { protocols } else { &PROTOCOLS[..1] };
            protocols.iter().map(move |&protocol| Self { kind, protocol })
        };
        kinds.into_iter().flat_map(of).collect()
    }

    /// The protocol's name, where the kind has several.
    pub fn protocol(&self) -> Option<&'static str> {
        (self.kind == Kind::Mpc).then_some(self.protocol.name)
    }
}

impl Workload<'_> {
    /// Runs this workload's model so.
    pub async fn start(&self, Way { kind, protocol }: Way) -> Result<Running, Error> {
        let wanted = Wanted {
            program: self.program,
            file: self.file,
            graph: self.graph,
            name: self.name,
            kind,
            protocol,
            protect: self.how.protect,
            reveal: self.how.reveal,
            threshold: self.how.threshold,
            accuracy: self.how.accuracy,
            rows: self.ranges,
            network: self.network,
            origins: &[],
        };
        Running::start(&wanted, None).await
    }

    /// The right answers to these rows.
    pub fn expected(&self, rows: &[Tensor]) -> Result<Expected, Error> {
        let outputs = Engine::new(self.graph.clone()).run(rows)?;
        let scores = match cut(self.graph) {
            // What a private program reveals is compared as outputs.
            _ if self.how.reveal != Reveal::Score => Vec::new(),
            Ok(cut) => scores(&cut, rows)?,
            Err(_) => Vec::new(),
        };
        Ok(Expected { scores, outputs })
    }

    /// Values of one row.
    pub fn width(&self) -> usize {
        self.graph.inputs.iter().map(|port| port.width).sum()
    }

    /// Scores of one row.
    pub fn scores(&self) -> usize {
        cut(self.graph).map_or(1, |cut| cut.core.scores())
    }
}

/// `batch` rows, taken from `rows` again and again.
pub fn cycled(rows: &[Tensor], batch: usize) -> Vec<Tensor> {
    let cycle = |tensor: &Tensor| {
        let mut out = tensor.slice(0, batch.min(tensor.rows));
        while out.rows < batch && tensor.rows > 0 {
            out.append(tensor.slice(0, tensor.rows.min(batch - out.rows)));
        }
        out
    };
    rows.iter().map(cycle).collect()
}

/// Hex of a hash of rows' values.
pub fn digest(rows: &[Tensor]) -> String {
    let mut hasher = blake3::Hasher::new();
    for tensor in rows {
        hasher.update(&(tensor.rows as u64).to_le_bytes()).update(&(tensor.width as u64).to_le_bytes());
        let mut add = |bytes: &[u8]| {
            hasher.update(bytes);
        };
        match &tensor.data {
            Data::F32(values) => values.iter().for_each(|x| add(&x.to_le_bytes())),
            Data::F64(values) => values.iter().for_each(|x| add(&x.to_le_bytes())),
            Data::I64(values) => values.iter().for_each(|x| add(&x.to_le_bytes())),
            Data::Text(values) => values.iter().for_each(|x| add(format!("{x}\0").as_bytes())),
        }
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_repeated_in_order() {
        let rows = [Tensor { rows: 3, width: 1, data: Data::I64(vec![1, 2, 3]) }];
        assert!(cycled(&rows, 7)[0].data == Data::I64(vec![1, 2, 3, 1, 2, 3, 1]));
        assert!(cycled(&rows, 2)[0].data == Data::I64(vec![1, 2]));
        assert_ne!(digest(&rows), digest(&cycled(&rows, 2)));
        assert_eq!(digest(&rows), digest(&cycled(&rows, 3)));
    }
}
