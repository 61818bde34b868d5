//! Which versions of the operator sets are understood.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use privet_model::Refusal;

use crate::onnx_proto::{NodeProto, OperatorSetIdProto};

/// ONNX itself.
pub(crate) const ONNX: &str = "";
/// Classical machine learning.
pub(crate) const ML: &str = "ai.onnx.ml";

/// Below 7 the operators broadcast by other rules; above, nobody has compared the answers.
const KNOWN: [(&str, RangeInclusive<i64>); 2] = [(ONNX, 7..=28), (ML, 1..=5)];

/// The versions that a file asks for.
pub(crate) struct Opsets<'a>(HashMap<&'a str, i64>);

impl Opsets<'_> {
    /// The version of ONNX's own operators; the latest where the file says nothing.
    pub(crate) fn onnx(&self) -> i64 {
        self.0.get(ONNX).copied().unwrap_or(*KNOWN[0].1.end())
    }

    /// The same of classical machine learning.
    pub(crate) fn ml(&self) -> i64 {
        self.0.get(ML).copied().unwrap_or(*KNOWN[1].1.end())
    }
}

/// The domain, in the one form that is used inside.
pub(crate) fn domain_of(domain: &str) -> &str {
    if domain == "ai.onnx" { ONNX } else { domain }
}

/// Reads the table, and checks the versions of those sets that some node uses.
pub(crate) fn read<'a>(table: &'a [OperatorSetIdProto], nodes: &[NodeProto]) -> Result<Opsets<'a>, Refusal> {
    let mut opsets = HashMap::new();
    for set in table {
        let domain = domain_of(&set.domain);
        if opsets.insert(domain, set.version).is_some_and(|before| before != set.version) {
            let message = format!("The file asks for two versions of operator set `{}`.", shown(domain));
            return Err(Refusal::new("E204", message));
        }
    }
    for (domain, known) in &KNOWN {
        let used = nodes.iter().any(|node| domain_of(&node.domain) == *domain);
        match opsets.get(domain) {
            Some(version) if used && !known.contains(version) => {
                return Err(unknown(domain, *version, known));
            }
            _ => {}
        }
    }
    Ok(Opsets(opsets))
}

fn unknown(domain: &str, version: i64, known: &RangeInclusive<i64>) -> Refusal {
    let (from, to, domain) = (known.start(), known.end(), shown(domain));
    let message = format!(
        "The file asks for version {version} of operator set `{domain}`; versions {from} to {to} are read. Export \
         the model with one of these."
    );
    Refusal::new("E204", message)
}

fn shown(domain: &str) -> &str {
    if domain.is_empty() { "ai.onnx" } else { domain }
}
