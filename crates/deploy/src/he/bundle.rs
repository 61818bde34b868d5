//! The bundle of a model that is served on ciphertexts: a public half, from whose numbers everyone checks the proof that no answer
//! fails, and a secret half for the server.

use privet_he::parameters::{Needs, Parameters};
use privet_model::Problems;
use privet_model::graph::Graph;
use privet_model::head::Head;
use privet_model::plan::{Integers, Plan};
use privet_model::tail::Tail;
use privet_model::tensor::Tensor;
use privet_ring::entropy::Entropy;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::bundle::{Called, FORMAT, Manifest, PublicBundle, random_hex, salted_digest, text, words};
use crate::check::{Planned, beyond, planned};
use crate::error::Error;
use crate::he::tickets::Secret;
use crate::kind::{Kind, Reveal};

/// The public part of a model that is served on ciphertexts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HePart {
    /// Ranges, bits, bound.
    pub plan: Plan,
    /// The ring, the modulus, the flood.
    pub parameters: Parameters,
    /// What the client does first.
    pub head: Head,
    /// What the client does last.
    pub tail: Tail,
    /// Scores per row.
    pub scores: usize,
}

/// The largest ring's coefficients.
const MOST_COLUMNS: usize = 16384;

/// What a model asks of the ring.
pub fn needs(plan: &Plan, head: &Head, scores: usize) -> Needs {
    Needs { plaintext_bits: plan.k, norm_bits: plan.norm_bits(head), columns: head.columns.len(), scores }
}

impl HePart {
    /// What it asks of the ring.
    pub fn needs(&self) -> Needs {
        needs(&self.plan, &self.head, self.scores)
    }

    /// Checks what came from outside: numbers, parts, and the parameters' proof.
    pub(crate) fn is_sound(&self) -> bool {
        let columns = self.head.columns.len();
        // Few enough first: what follows looks at pairs of them.
        self.scores > 0
            && (1..=MOST_COLUMNS).contains(&columns)
            && self.head.is_sound()
            && self.tail.is_sound(self.scores)
            && self.plan.is_sound(columns)
            && self.parameters.suit(self.needs())
    }
}

/// Cuts and plans a model for ciphertexts, or lists the nodes that they cannot be put through.
pub fn planned_for_he(
    graph: &Graph,
    reveal: Reveal,
    accuracy: f64,
    rows: Option<&[Tensor]>,
) -> Result<Planned, Error> {
    let beyond = beyond(graph, reveal);
    if !beyond.is_empty() {
        return Err(Problems(beyond).into());
    }
    planned(graph, accuracy, rows)
}

/// The parameters of a planned model, or why there are none.
pub fn parameters(planned: &Planned) -> Result<Parameters, Error> {
    let needs = needs(&planned.plan, &planned.cut.head, planned.cut.core.scores());
    Parameters::choose(needs).ok_or_else(|| {
        let Needs { plaintext_bits, columns, scores, .. } = needs;
        let what = format!(
            "No ring of up to {MOST_COLUMNS} coefficients serves {columns} columns and {scores} scores of {plaintext_bits} bits at \
             128-bit security. Ask for less accuracy, give `--rows` with smaller values, or choose another kind."
        );
        Error::refused("E215", what)
    })
}

/// The server's secret half: the model's integers. Wiped on drop, no printing `Debug`.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct HeFile {
    /// The public half, as text.
    pub public: String,
    /// Of this half's digest in the manifest.
    salt: String,
    /// Base64, without padding, of little-endian 64-bit words, row-major, one row per score.
    weights: String,
    /// The same of the biases.
    bias: String,
}

privet_ring::not_shown!(HeFile);

impl HeFile {
    /// Reads the file, and checks the model against the digest that everyone sees.
    pub fn open(&self) -> Result<(PublicBundle, Integers, Secret), Error> {
        let refuse =
            |what: &str| Error::refused("E230", format!("This server's bundle cannot be used: {what}."));
        let public = PublicBundle::parse(&self.public)?;
        public.he()?;
        if public.manifest().secrets != [self.digest()] {
            return Err(refuse("its model is not the one that the bundle was made with"));
        }
        let words = |text: &String| words(text).ok_or_else(|| refuse("its model is damaged"));
        let integers = Integers { weights: words(&self.weights)?, bias: words(&self.bias)? };
        Ok((public, integers, Secret::of(&self.salt)))
    }

    fn digest(&self) -> String {
        salted_digest(&self.salt, &[vec![&self.weights, &self.bias]], Kind::He as u8)
    }
}

/// A bundle of a planned linear model.
pub fn for_he(
    planned: &Planned,
    name: impl Into<Called>,
    reveal: Reveal,
    entropy: &mut dyn Entropy,
) -> Result<(PublicBundle, HeFile), Error> {
    let (Planned { cut, plan, integers }, Called { name, version }) = (planned, name.into());
    let part = HePart {
        plan: plan.clone(),
        parameters: parameters(planned)?,
        head: cut.head.clone(),
        tail: cut.tail.clone(),
        scores: cut.core.scores(),
    };
    let (weights, bias) = (Zeroizing::new(text(&integers.weights)), Zeroizing::new(text(&integers.bias)));
    let mut file = HeFile {
        public: String::new(),
        salt: random_hex(entropy)?,
        weights: weights.to_string(),
        bias: bias.to_string(),
    };
    let public = PublicBundle::seal(Manifest {
        format: FORMAT,
        id: random_hex(entropy)?,
        name,
        version,
        kind: Kind::He,
        reveal,
        inputs: cut.head.inputs.clone(),
        outputs: cut.tail.outputs.iter().map(|(port, _)| port.clone()).collect(),
        mpc: None,
        tee: None,
        he: Some(part),
        secrets: vec![file.digest()],
    })?;
    public.json().clone_into(&mut file.public);
    Ok((public, file))
}
