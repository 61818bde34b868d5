//! A real measured program behind its host, a key service, and a client.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use privet_deploy::Error;
use privet_deploy::caller::{Caller as _, Pending};
use privet_deploy::kind::Reveal;
use privet_deploy::oip::{Host as _, InferReply, InferRequest};
use privet_deploy::plain::Engine;
use privet_deploy::tee::caller::{TeeCaller, Trust};
use privet_deploy::tee::package::{Choices, Package, package};
use privet_enclave_image::{IMAGE, digest};
use privet_model::graph::{Function, Graph, NodeId, Op, Origin, Port};
use privet_model::tensor::{Data, DataType, Tensor};
use privet_serve::enclave::{EnclaveHost, EnclaveOptions, Relay};
use privet_serve::entropy::OsEntropy;
use privet_tee::frames::{Configuration, Start};
use privet_tee::policy::Policy;
use privet_tee::release::log::Entry;
use privet_tee::release::resource::ServiceKey;
use privet_tee::release::service::{Service, Store, Terms};
use privet_tee::statement::Hex;
use privet_tee::verify::Collateral;

pub const NOW: u64 = 1_800_000_000;
pub const COLUMNS: usize = 4;

pub struct World {
    pub host: EnclaveHost,
    pub caller: Arc<TeeCaller>,
}

pub fn graph() -> Graph {
    let port = |name: &str, dtype, width| Port {
        name: name.into(),
        dtype,
        width,
        flat: false,
        dims: Vec::new(),
        columns: Vec::new(),
    };
    let origin = |node: &str| Origin { node: node.into(), op: "Test".into() };
    let mut graph = Graph::new(vec![port("x", DataType::Fp32, COLUMNS)]);
    let op = Op::Linear { weights: vec![0.5, -0.25, 1.0, 0.125], bias: vec![0.1] };
    let linear = graph.add(op, vec![NodeId(0)], origin("linear")).unwrap();
    let sigmoid = graph.add(Op::Map(Function::Sigmoid), vec![linear], origin("sigmoid")).unwrap();
    graph.outputs = vec![(port("p", DataType::Fp64, 1), sigmoid)];
    graph
}

/// What the plain kind answers.
pub fn plain(rows: &[Tensor]) -> Vec<Tensor> {
    Engine::new(graph()).run(rows).unwrap()
}

pub fn rows(count: usize) -> Vec<Tensor> {
    let values = (0..count * COLUMNS).map(|i| (i % 97) as f32 / 50.0 - 1.0).collect();
    vec![Tensor::new(count, COLUMNS, Data::F32(values)).unwrap()]
}

pub struct Nothing;

impl Store for Nothing {
    fn log(&self, _: Entry, _: &ServiceKey) -> Result<(), String> {
        Ok(())
    }

    fn grant(&self, _: [u8; 16], _: u64, _: u64, _: u64) -> Result<u64, String> {
        Ok(0)
    }
}

pub fn policy() -> Policy {
    let program = Hex(digest());
    let text = "version = 1\n[simulator]\naccept = true\n[[accept]]\nkind = \"sim-process\"\n";
    Policy::parse(&format!("{text}measurement = [\"{program}\"]\n")).unwrap()
}

pub fn packaged() -> Package {
    let choices = Choices {
        name: "m".into(),
        reveal: Reveal::Score,
        version: 1,
        tokens: None,
        now: NOW,
        dangerous_simulated: true,
    };
    package(&graph(), &choices, &mut OsEntropy).unwrap()
}

pub fn start_of(package: &Package) -> Start {
    Start {
        public: package.public.json().into(),
        configuration: Configuration::new("simulated").to_text(),
        measured: None,
        model: package.sealed.clone(),
    }
}

impl World {
    pub fn new(replicas: usize) -> Self {
        Self::with(replicas, Duration::from_secs(20), None).unwrap()
    }

    pub fn with(replicas: usize, patience: Duration, relay: Option<Relay>) -> Result<Self, Error> {
        let package = packaged();
        let start = start_of(&package);
        let Package { public, resource, .. } = package;
        let terms = Terms {
            policy: policy(),
            collateral: Collateral::default(),
            floors: BTreeMap::new(),
            dangerous_any_platform: false,
        };
        let service = Service::new(terms, vec![resource], Box::new(Nothing), &mut OsEntropy).unwrap();
        let honest: Relay = Arc::new(move |m: &[u8]| Ok(service.answer(m, NOW, &mut OsEntropy)));
        let options = EnclaveOptions { program: IMAGE, start, replicas, patience };
        let host = EnclaveHost::new(&public, options, relay.unwrap_or(honest))?;
        let trust = Trust {
            policy: policy(),
            collateral: Collateral::default(),
            dangerous_accept_simulated: true,
            token: None,
        };
        Ok(Self { host, caller: TeeCaller::new(&public, trust)? })
    }

    /// The client drops its channel, as it does when a request was refused with `OPEN_AGAIN`.
    pub fn caller_forgets(&self) {
        let mut jobs = self.caller.jobs(Arc::new(rows(1)), &mut OsEntropy).unwrap();
        if let Ok(asked) = jobs.pop().unwrap().ask(&mut OsEntropy) {
            asked.again.unwrap().forget();
        }
    }

    pub fn open(&self) -> Result<(), Error> {
        match self.caller.opening(NOW, &mut OsEntropy)? {
            Some(opening) => {
                let reply = self.host.infer(opening.messages[0].clone())?;
                opening.pending.open(vec![reply], NOW, &mut OsEntropy)
            }
            None => Ok(()),
        }
    }

    pub fn seal(&self, rows: &[Tensor]) -> (InferRequest, Box<dyn Pending>) {
        let mut jobs = self.caller.jobs(Arc::new(rows.to_vec()), &mut OsEntropy).unwrap();
        assert_eq!(jobs.len(), 1);
        let mut asked = jobs.pop().unwrap().ask(&mut OsEntropy).unwrap();
        (asked.messages.pop().unwrap(), asked.pending)
    }

    pub fn predict(&self, rows: &[Tensor]) -> Result<Vec<Tensor>, Error> {
        self.open()?;
        let (request, pending) = self.seal(rows);
        let reply: InferReply = self.host.infer(request)?;
        Ok(pending.answer(vec![reply])?.outputs)
    }

    /// The same, of those that run at this moment.
    pub fn processes_now(&self) -> Vec<PathBuf> {
        self.host.pids().into_iter().filter_map(try_inner).collect()
    }

    /// Folders of the processes that hold the model, in `/proc`: the children of those that the host started.
    pub fn processes(&self) -> Vec<PathBuf> {
        self.host.pids().into_iter().map(inner).collect()
    }
}

/// The folder of the process that the program put itself into.
pub fn inner(pid: u32) -> PathBuf {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        if let Some(inner) = try_inner(pid) {
            return inner;
        }
        assert!(Instant::now() < end, "process {pid} has no child");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn try_inner(pid: u32) -> Option<PathBuf> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next().map(|child| PathBuf::from("/proc").join(child))
}

pub fn pid_of(process: &std::path::Path) -> rustix::process::Pid {
    let name = process.file_name().unwrap().to_str().unwrap();
    rustix::process::Pid::from_raw(name.parse().unwrap()).unwrap()
}
