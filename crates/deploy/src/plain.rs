//! The baseline: the server gets the rows and has the model. Also the engine on which an enclave runs.

use std::sync::Arc;

use privet_model::Refusal;
use privet_model::cut::{Cut, cut};
use privet_model::eval::{check_inputs, evaluate};
use privet_model::graph::{Graph, Missing, Op, Port};
use privet_model::range::unusable;
use privet_model::tensor::{Data, Tensor};
use privet_ring::block_rows;
use privet_ring::entropy::Entropy;
use privet_ring::kernels::{check_rows, float_products};

use crate::bundle::Called;
use crate::caller::{Answer, Asked, Between, Caller, Job, Pending, chunks};
use crate::error::Error;
use crate::kind::Kind;
use crate::oip::{Host, InferReply, InferRequest, Metadata, Parameter, TensorMetadata};
use crate::tensors::{from_raw, inputs_of, rows_to_raw, to_raw, wanted_of};
use crate::trust::TrustCard;

/// A model, ready to answer rows in the clear: folded into one matrix where it is linear, node by node elsewhere.
pub struct Engine {
    graph: Graph,
    folded: Option<Cut>,
}

impl Engine {
    /// Prepares a model.
    pub fn new(graph: Graph) -> Self {
        let folded =
            cut(&graph).ok().filter(|c| c.core.is_accurate() && c.core.columns * c.core.scores() > 0);
        Self { graph, folded }
    }

    /// What the model takes.
    pub fn inputs(&self) -> &[Port] {
        &self.graph.inputs
    }

    /// The model's outputs. Refuses infinities, and missing values where the model has no imputation.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, Refusal> {
        if let Some(cut) = &self.folded {
            return cut.tail.finish(&scores(cut, inputs)?, cut.core.scores());
        }
        check_inputs(&self.graph.inputs, inputs)?;
        self.check_finite(inputs)?;
        evaluate(&self.graph, inputs)
    }

    fn check_finite(&self, inputs: &[Tensor]) -> Result<(), Refusal> {
        let imputes =
            self.graph.nodes.iter().any(|n| matches!(n.op, Op::Impute { missing: Missing::Nan, .. }));
        for (port, tensor) in self.graph.inputs.iter().zip(inputs) {
            let values = match &tensor.data {
                Data::F32(_) | Data::F64(_) => tensor.to_f64().unwrap_or_default(),
                Data::I64(_) | Data::Text(_) => Vec::new(),
            };
            if let Some(at) = values.iter().position(|x| x.is_infinite() || (x.is_nan() && !imputes)) {
                let (row, name) = (at / port.width + 1, port.element_name(at % port.width));
                return Err(Refusal::new(
                    "E104",
                    format!("Row {row}, feature `{name}` is missing or not finite."),
                ));
            }
        }
        Ok(())
    }
}

/// The scores of a folded model, in float64, a block of rows at a time.
pub fn scores(cut: &Cut, inputs: &[Tensor]) -> Result<Vec<f64>, Refusal> {
    let rows = cut.head.bind(inputs)?;
    let (columns, scores) = (cut.core.columns, cut.core.scores());
    let (low, high) = (vec![f64::MIN; columns], vec![f64::MAX; columns]);
    let mut out = vec![0.0; rows.len() * scores];
    let at_a_time = block_rows(columns);
    let (mut block, mut one) = (vec![0.0; at_a_time * columns], vec![0.0; at_a_time]);
    for first in (0..rows.len()).step_by(at_a_time) {
        let n = at_a_time.min(rows.len() - first);
        let block = &mut block[..n * columns];
        rows.fill(first, block);
        let mut ok = true;
        check_rows(block, &low, &high, &mut ok);
        if !ok {
            let at = block.iter().position(|x| !x.is_finite()).unwrap_or(0);
            return Err(unusable(&cut.head, at % columns, first + at / columns));
        }
        for s in 0..scores {
            float_products(block, cut.core.row(s), cut.core.bias[s], &mut one[..n]);
            one[..n].iter().enumerate().for_each(|(r, &y)| out[(first + r) * scores + s] = y);
        }
    }
    Ok(out)
}

/// What a reply may be believed to have run under.
const ASSURANCE: &str = "none";

/// The server.
pub struct PlainHost {
    engine: Engine,
    metadata: Metadata,
}

impl PlainHost {
    /// Serves `graph` as `name`.
    pub fn new(name: impl Into<Called>, graph: Graph) -> Self {
        let text = |name: &str, value: String| (name.to_owned(), Parameter::Text(value));
        let trust = TrustCard::of(Kind::Plain, None);
        let Called { name, version } = name.into();
        let metadata = Metadata {
            name,
            version: version.to_string(),
            platform: "privet_plain".into(),
            inputs: graph.inputs.iter().map(TensorMetadata::from).collect(),
            outputs: graph.outputs.iter().map(|(port, _)| TensorMetadata::from(port)).collect(),
            parameters: vec![text("assurance", ASSURANCE.into()), text("trust", trust.to_string())],
        };
        Self { engine: Engine::new(graph), metadata }
    }
}

impl Host for PlainHost {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn rows(&self, request: &InferRequest) -> usize {
        let first = request.inputs.first().and_then(|raw| raw.shape.first());
        first.and_then(|&rows| usize::try_from(rows).ok()).unwrap_or(1)
    }

    fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
        let ports: Vec<&Port> = self.engine.graph.outputs.iter().map(|(port, _)| port).collect();
        let wanted = wanted_of(&ports, &request.outputs)?;
        let inputs = inputs_of(self.engine.inputs(), &request)?;
        let tensors = self.engine.run(&inputs)?;
        Ok(InferReply {
            id: request.id,
            parameters: vec![("assurance".into(), Parameter::Text(ASSURANCE.into()))],
            outputs: wanted.into_iter().map(|i| to_raw(ports[i], &tensors[i])).collect(),
        })
    }
}

/// The client.
pub struct PlainCaller {
    name: String,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl PlainCaller {
    /// For a model of this name and interface.
    pub fn new(name: String, inputs: Vec<Port>, outputs: Vec<Port>) -> Arc<Self> {
        Arc::new(Self { name, inputs, outputs })
    }
}

impl Caller for Arc<PlainCaller> {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn bound(&self) -> Option<f64> {
        None
    }

    fn assurance(&self) -> &'static str {
        ASSURANCE
    }

    fn jobs(&self, rows: Arc<Vec<Tensor>>, _: &mut dyn Entropy) -> Result<Vec<Box<dyn Job>>, Error> {
        let count = check_inputs(&self.inputs, &rows)?;
        let job = |range| {
            let (caller, rows) = (Arc::clone(self), Arc::clone(&rows));
            Box::new(PlainJob { caller, rows, range }) as Box<dyn Job>
        };
        Ok(chunks(&rows, count).map(job).collect())
    }
}

struct PlainJob {
    caller: Arc<PlainCaller>,
    rows: Arc<Vec<Tensor>>,
    range: std::ops::Range<usize>,
}

impl Job for PlainJob {
    fn ask(self: Box<Self>, _: &mut dyn Entropy) -> Result<Asked, Error> {
        let ports = self.caller.inputs.iter().enumerate();
        let inputs = ports.map(|(at, port)| rows_to_raw(port, &self.rows, at, &self.range)).collect();
        let message = InferRequest { model: self.caller.name.clone(), inputs, ..InferRequest::default() };
        let pending = PlainPending { caller: self.caller, rows: self.range.len() };
        Ok(Asked { messages: vec![message], pending: Box::new(pending), again: None })
    }
}

struct PlainPending {
    caller: Arc<PlainCaller>,
    rows: usize,
}

impl Pending for PlainPending {
    fn answer(self: Box<Self>, replies: Vec<InferReply>) -> Result<Answer, Error> {
        let missing =
            |port: &Port| Error::integrity("E510", format!("The server left out output `{}`.", port.name));
        let reply = replies.into_iter().next().unwrap_or_default();
        let one = |port: &Port| {
            let raw = reply.outputs.iter().find(|raw| raw.name == port.name).ok_or_else(|| missing(port))?;
            let tensor = from_raw(port, raw)?;
            if tensor.rows == self.rows {
                return Ok(tensor);
            }
            let (name, got, expected) = (&port.name, tensor.rows, self.rows);
            let what = format!("Output `{name}` came for {got} rows where {expected} were asked about.");
            Err(Error::integrity("E510", what))
        };
        let outputs = self.caller.outputs.iter().map(one).collect::<Result<_, _>>()?;
        Ok(Answer { outputs, scores: Vec::new(), between: Between::default() })
    }
}
