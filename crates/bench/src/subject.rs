//! A deployment that is measured: who its processes are, what they needed, and what a request to it cannot do without.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use privet_deploy::Error;
use privet_deploy::check::CIPHERTEXTS;
use privet_deploy::he::bundle::HePart;
use privet_deploy::numbers::Numbers;
use privet_deploy::trust::TrustCard;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::Header;
use privet_mpc::request::Layout;
use privet_serve::belief::Belief;
use privet_serve::deployed::Deployed;
use privet_serve::deployment::DeploymentFile;
use privet_serve::up::Running;

use crate::limits::Work;
use crate::process::{cpu_seconds, family, peak_bytes};
use crate::record::{Memory, Started, Trust};
use crate::workload::{Way, Workload};

/// No call of a benchmark waits longer.
const DEADLINE: Duration = Duration::from_secs(120);

/// What a private kind computes with.
pub enum Plan {
    /// Parties, by a protocol.
    Parties(Numbers, Layout, &'static Header),
    /// A server, on ciphertexts.
    Ciphertexts(Box<HePart>),
}

impl Plan {
    /// Bits of an element.
    pub fn k(&self) -> u32 {
        match self {
            Self::Parties(numbers, ..) => numbers.input_ring(),
            Self::Ciphertexts(part) => part.plan.k,
        }
    }

    /// Proven.
    pub fn bound(&self) -> f64 {
        match self {
            Self::Parties(numbers, ..) => numbers.bound(),
            Self::Ciphertexts(part) => part.plan.bound,
        }
    }

    /// What is hidden from parties.
    pub fn protect(&self) -> Option<Protect> {
        match self {
            Self::Parties(_, layout, _) => Some(layout.protect),
            Self::Ciphertexts(_) => None,
        }
    }

    /// What the way of computing is called.
    pub fn protocol(&self) -> &'static str {
        match self {
            Self::Parties(.., header) => header.name,
            Self::Ciphertexts(_) => CIPHERTEXTS,
        }
    }
}

/// A deployment that runs.
pub struct Subject {
    /// How it serves.
    pub way: Way,
    /// Its client.
    pub deployed: Deployed,
    /// What is computed with, where that is no model as it was exported.
    pub plan: Option<Plan>,
    /// How it started.
    pub start: Started,
    running: Running,
    processes: Vec<(String, u32)>,
}

impl Subject {
    /// Brings a workload up so, and asks for its first answer as a new client.
    pub async fn start(workload: &Workload<'_>, network: &str, way: Way) -> Result<Self, Error> {
        let start = Instant::now();
        let running = workload.start(way).await?;
        let cold_start_s = start.elapsed().as_secs_f64();
        let started = match first(workload, &running.file(), way, network, cold_start_s).await {
            Ok(started) => started,
            Err(e) => {
                running.stop().await;
                return Err(e);
            }
        };
        let deployed = Deployed::open_with(&running.file(), DEADLINE, &own())?;
        let (plan, processes) = (plan(&running.file())?, processes(&running));
        Ok(Self { way, deployed, plan, start: started, running, processes })
    }

    /// Ends it.
    pub async fn stop(self) {
        self.running.stop().await;
    }

    /// Processor seconds so far, by role; `client` is this process.
    pub fn cpu(&self) -> BTreeMap<String, f64> {
        let own = cpu_seconds(std::process::id()).map(|s| ("client".to_owned(), s));
        let roles = self.processes.iter().filter_map(|(role, id)| Some((role.clone(), cpu_seconds(*id)?)));
        own.into_iter().chain(roles).collect()
    }

    /// The most memory that each role had at a time.
    pub fn memory(&self, model: &str) -> Vec<Memory> {
        let of = |(role, id): &(String, u32)| {
            Some(Memory {
                system: "privet".into(),
                model: model.into(),
                kind: self.way.kind.name().into(),
                protocol: self.way.protocol().map(Into::into),
                role: role.clone(),
                peak_bytes: peak_bytes(*id)?,
            })
        };
        self.processes.iter().filter_map(of).collect()
    }

    /// The protocol's name, where it has one.
    pub fn protocol(&self) -> Option<String> {
        self.plan.as_ref().map(|plan| plan.protocol().into())
    }

    /// Who could see what.
    pub fn trust(&self) -> Trust {
        let protect = self.plan.as_ref().and_then(Plan::protect);
        let card = TrustCard::of(self.way.kind, protect.map(|protect| (self.way.protocol, protect)));
        let protocol = self.way.protocol().map(Into::into);
        Trust { kind: self.way.kind.name().into(), protocol, title: card.title, lines: card.lines }
    }

    /// What a request of so many rows cannot do without; none where that is not known of the model.
    pub fn work(&self, workload: &Workload<'_>, batch: usize) -> Option<Work> {
        match &self.plan {
            None => Some(Work::plain((workload.width() * batch) as f64, workload.scores() as f64)),
            Some(Plan::Parties(Numbers::Linear(_), layout, header)) if !header.has_dealer => {
                Some(Work::parties(layout, batch))
            }
            Some(Plan::Parties(..)) => None,
            Some(Plan::Ciphertexts(part)) => {
                Some(Work::ciphertexts(&part.parameters, part.head.columns.len(), part.scores, batch))
            }
        }
    }
}

/// A new client's way to its first answer.
async fn first(
    workload: &Workload<'_>,
    file: &Path,
    way: Way,
    network: &str,
    cold_start_s: f64,
) -> Result<Started, Error> {
    let row = workload.rows.iter().map(|tensor| tensor.slice(0, 1)).collect();
    let deployed = Deployed::open_with(file, DEADLINE, &own())?;
    let opening = deployed.opened().await?;
    let start = Instant::now();
    deployed.predict(Arc::new(row)).await?;
    Ok(Started {
        kind: way.kind.name().into(),
        protocol: way.protocol().map(Into::into),
        reveal: workload.how.reveal.name().into(),
        network: network.into(),
        cold_start_s,
        evidence_s: opening.map(|o| o.evidence.as_secs_f64()),
        verification_s: opening.map(|o| o.verification.as_secs_f64()),
        first_request_s: start.elapsed().as_secs_f64(),
        assurance: deployed.caller().assurance().into(),
    })
}

fn plan(file: &Path) -> Result<Option<Plan>, Error> {
    let (_, public) = DeploymentFile::read(file)?;
    let manifest = public.manifest();
    if let Some(part) = &manifest.mpc {
        return Ok(Some(Plan::Parties(part.numbers.clone(), public.layout()?, part.header())));
    }
    Ok(manifest.he.clone().map(|part| Plan::Ciphertexts(Box::new(part))))
}

/// Every process of a deployment: its roles, and what they started, which is an enclave's program.
fn processes(running: &Running) -> Vec<(String, u32)> {
    let roles = running.processes().into_iter().filter_map(|(role, id)| Some((role, id?)));
    let named = |(role, id): (String, u32)| {
        let all = family(id).into_iter().enumerate();
        all.map(move |(n, id)| (if n == 0 { role.clone() } else { format!("{role}, inside") }, id))
    };
    roles.flat_map(named).collect()
}

/// Deployments that this program itself brought up on this machine, simulators among them: every number says so.
pub fn own() -> Belief {
    Belief::dangerous_accept_simulated()
}
