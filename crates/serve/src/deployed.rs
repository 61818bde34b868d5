//! A deployment in use: rows in, answers out, whatever its kind.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use http::StatusCode;
use privet_deploy::bundle::PublicBundle;
use privet_deploy::caller::{Answer, Asked, Between, Caller, Job, OPEN_AGAIN, Opening, Preparation};
use privet_deploy::dealer2::caller::DealtCaller;
use privet_deploy::he::caller::HeCaller;
use privet_deploy::kind::Kind;
use privet_deploy::mpc::MpcCaller;
use privet_deploy::oip::{InferReply, InferRequest};
use privet_deploy::plain::PlainCaller;
use privet_deploy::tee::caller::TeeCaller;
use privet_deploy::{Blame, Error};
use privet_model::graph::Port;
use privet_model::tensor::{Data, Tensor};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::belief::Belief;
use crate::client::Client;
use crate::compute::{INLINE, compute};
use crate::deployment::DeploymentFile;
use crate::entropy::OsEntropy;
use crate::link::LATE;
use crate::trace;

/// Jobs under way at a time: enough to keep splitting, sending and computing busy at once, few enough to bound memory.
const IN_FLIGHT: usize = 4;
/// Tries of a job to get what it needs.
const OPENINGS: usize = 50;

/// A deployment that can be asked. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Deployed {
    file: Arc<DeploymentFile>,
    caller: Arc<dyn Caller>,
    public: Arc<PublicBundle>,
    clients: Arc<Vec<Client>>,
    /// Who gets what jobs lack.
    turn: Arc<tokio::sync::Mutex<()>>,
    deadline: Duration,
}

impl Deployed {
    /// Opens a deployment. Nothing is connected before the first call; no call waits longer than `deadline`.
    pub fn open(path: &Path, deadline: Duration) -> Result<Self, Error> {
        Self::open_with(path, deadline, &Belief::default())
    }

    /// The same, with what the user says about whom to believe.
    pub fn open_with(path: &Path, deadline: Duration, belief: &Belief) -> Result<Self, Error> {
        let (file, public) = DeploymentFile::read(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let manifest = public.manifest();
        let caller: Arc<dyn Caller> = match file.kind {
            Kind::Plain => {
                let (inputs, outputs) = (manifest.inputs.clone(), manifest.outputs.clone());
                Arc::new(PlainCaller::new(file.name.clone(), inputs, outputs))
            }
            Kind::Mpc if public.mpc()?.has_dealer() => Arc::new(DealtCaller::new(&public)?),
            Kind::Mpc => Arc::new(MpcCaller::new(&public)?),
            Kind::Tee => Arc::new(TeeCaller::new(&public, belief.trust(&file, folder)?)?),
            Kind::He => Arc::new(HeCaller::new(&public)?),
        };
        let shown = file.shown(folder)?;
        let client = |entry: &crate::deployment::EndpointEntry| Client::new(&entry.endpoint(folder, &shown)?);
        let clients = file.endpoints.iter().map(client).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            file: Arc::new(file),
            caller,
            public: Arc::new(public),
            clients: Arc::new(clients),
            turn: Arc::default(),
            deadline,
        })
    }

    /// The file that it was opened from.
    pub fn file(&self) -> &DeploymentFile {
        &self.file
    }

    /// What everyone knows of it.
    pub fn public(&self) -> &PublicBundle {
        &self.public
    }

    /// What every role says at a path, in the order of roles: its counts at `/metrics`, say.
    pub async fn texts(&self, path: &str) -> Result<Vec<Result<(StatusCode, String), Error>>, Error> {
        let deadline = after(self.deadline)?;
        Ok(join_all(self.clients.iter().map(|client| client.text(path, deadline))).await)
    }

    /// The client side of its kind.
    pub fn caller(&self) -> &dyn Caller {
        &*self.caller
    }

    /// Waits until every role is ready, or says who is not.
    pub async fn ready(&self, patience: Duration) -> Result<(), Error> {
        let deadline = after(patience)?;
        for (client, entry) in self.clients.iter().zip(&self.file.endpoints) {
            loop {
                match client.ready(deadline).await {
                    Ok(true) => break,
                    Err(e) if e.blame != Blame::Unreachable || Instant::now() >= deadline => return Err(e),
                    Ok(false) if Instant::now() >= deadline => {
                        let what = format!("`{}` answers, but is not ready.", entry.name);
                        return Err(Error::new(Blame::Unreachable, "E306", what));
                    }
                    _ => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        }
        Ok(())
    }

    /// The answer for these rows, in their order.
    pub async fn predict(&self, rows: Arc<Vec<Tensor>>) -> Result<Answer, Error> {
        self.predict_with(rows, |_| {}).await
    }

    /// The same; `progress` is told how many rows have been answered so far.
    pub async fn predict_with(
        &self,
        rows: Arc<Vec<Tensor>>,
        progress: impl Fn(usize),
    ) -> Result<Answer, Error> {
        let long = rows.iter().map(|tensor| tensor.data.bytes()).sum::<usize>() > INLINE;
        let mut jobs = compute(long, || self.caller.jobs(rows, &mut OsEntropy))?;
        let answer = if jobs.len() > 1 {
            self.many(jobs, progress).await
        } else if let Some(job) = jobs.pop() {
            self.one(job, long).await
        } else {
            Ok(self.nothing())
        };
        self.prepare_in_background();
        answer
    }

    /// Does what can be done before there are rows, for so many of them, now and whenever some was used up. Kinds that can do nothing
    /// ahead do nothing.
    pub async fn prepare_ahead(&self, rows: usize) -> Result<(), Error> {
        self.caller.prepare_ahead(rows);
        self.prepare().await
    }

    /// Goes on preparing while the next rows are asked about. What fails is tried again after the next answer.
    fn prepare_in_background(&self) {
        if !self.caller.is_short() {
            return;
        }
        let deployed = self.clone();
        tokio::spawn(async move {
            if let Err(e) = deployed.prepare().await {
                tracing::warn!("nothing could be prepared ahead: {e}");
            }
        });
    }

    async fn prepare(&self) -> Result<(), Error> {
        while let Some(Preparation { messages, pending }) = self.caller.preparation(&mut OsEntropy)? {
            pending.keep(self.ask(messages).await)?;
        }
        Ok(())
    }

    async fn many(&self, jobs: Vec<Box<dyn Job>>, progress: impl Fn(usize)) -> Result<Answer, Error> {
        let permits = Arc::new(Semaphore::new(IN_FLIGHT));
        let mut tasks = JoinSet::new();
        let mut parts: Vec<Option<Answer>> = jobs.iter().map(|_| None).collect();
        for (at, job) in jobs.into_iter().enumerate() {
            let (deployed, permits, trace) = (self.clone(), Arc::clone(&permits), trace::current());
            tasks.spawn(async move {
                let _permit = permits.acquire_owned().await;
                (at, trace::within(trace, deployed.one(job, true)).await)
            });
        }
        let mut done = 0;
        while let Some(joined) = tasks.join_next().await {
            let (at, part) =
                joined.map_err(|e| Error::new(Blame::Ours, "E902", format!("A task failed: {e}.")))?;
            let part = part?;
            done += part.outputs.first().map_or(0, |t| t.rows);
            progress(done);
            parts[at] = Some(part);
        }
        let mut whole = self.nothing();
        parts.into_iter().flatten().for_each(|part| whole.append(part));
        Ok(whole)
    }

    /// Makes sure that rows may be sent: some kinds ask something first. What that took, where it was not done before.
    pub async fn opened(&self) -> Result<Option<OpeningTimes>, Error> {
        let mut times = None;
        while let Some(opening) = self.caller.opening(now(), &mut OsEntropy)? {
            let start = Instant::now();
            let replies = self.ask(opening.messages).await?;
            let evidence = start.elapsed();
            opening.pending.open(replies, now(), &mut OsEntropy)?;
            let so_far: OpeningTimes = times.unwrap_or_default();
            times = Some(OpeningTimes {
                evidence: so_far.evidence + evidence,
                verification: so_far.verification + start.elapsed().saturating_sub(evidence),
            });
        }
        Ok(times)
    }

    /// One job's answer; `long` where making its messages takes long.
    async fn one(&self, mut job: Box<dyn Job>, long: bool) -> Result<Answer, Error> {
        self.ready_to_ask(&mut *job).await?;
        let Asked { messages, pending, again } = compute(long, || job.ask(&mut OsEntropy))?;
        match (self.ask(messages).await, again) {
            (Err(e), Some(mut again)) if e.code == OPEN_AGAIN => {
                again.forget();
                self.ready_to_ask(&mut *again).await?;
                let Asked { messages, pending, .. } = again.ask(&mut OsEntropy)?;
                pending.answer(self.ask(messages).await?)
            }
            (replies, _) => pending.answer(replies?),
        }
    }

    /// Gets what the job lacks, one job after the other, so that one question serves all that wait.
    async fn ready_to_ask(&self, job: &mut dyn Job) -> Result<(), Error> {
        self.opened().await?;
        for _ in 0..OPENINGS {
            if job.is_ready() {
                return Ok(());
            }
            let _turn = self.turn.lock().await;
            if job.is_ready() {
                return Ok(());
            }
            if let Some(Opening { messages, pending }) = self.caller.missing(&mut OsEntropy)? {
                pending.open(self.ask(messages).await?, now(), &mut OsEntropy)?;
            }
        }
        let what = "Others took what was got for these rows, again and again. Ask in a moment.";
        Err(Error::new(Blame::Unreachable, "E347", what))
    }

    /// One message to each role, and their replies.
    async fn ask(&self, messages: Vec<InferRequest>) -> Result<Vec<InferReply>, Error> {
        let deadline = after(self.deadline)?;
        let before: Vec<u64> = self.clients.iter().map(Client::bytes_down).collect();
        let roles = self.clients.iter().zip(&self.file.endpoints);
        let version = self.public.manifest().version;
        let calls = roles.zip(messages).map(|((client, entry), mut message)| async move {
            message.version = version.to_string();
            client.infer(message, deadline).await.map_err(|e| said_by(&entry.name, e))
        });
        match try_join_all(calls).await {
            Err(e) if e.code == LATE => Err(self.silent(&before).unwrap_or(e)),
            replies => replies,
        }
    }

    /// At the deadline all roles may be late because they wait for one of which nothing was heard, not even a sign of life: that one is
    /// named.
    fn silent(&self, before: &[u64]) -> Option<Error> {
        let mut silent =
            self.clients.iter().zip(before).filter(|(client, heard)| client.bytes_down() == **heard);
        match (silent.next(), silent.next()) {
            (Some((client, _)), None) => Some(client.late()),
            _ => None,
        }
    }

    /// The answer for no rows.
    fn nothing(&self) -> Answer {
        let empty = |p: &Port| Tensor { rows: 0, width: p.width, data: Data::empty(p.dtype) };
        let outputs = self.caller.outputs().iter().map(empty).collect();
        Answer { outputs, scores: Vec::new(), between: Between::default() }
    }

    /// Bytes sent and received so far, below TLS, to and from all roles.
    pub fn bytes(&self) -> (u64, u64) {
        let sum = |f: fn(&Client) -> u64| self.clients.iter().map(f).sum();
        (sum(Client::bytes_up), sum(Client::bytes_down))
    }
}

/// Seconds since 1970, by this machine's clock.
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// What opening a deployment took.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpeningTimes {
    /// Until its evidence was here.
    pub evidence: Duration,
    /// Until it was appraised.
    pub verification: Duration,
}

/// The error with the role that gave it, where it does not name it itself.
fn said_by(role: &str, error: Error) -> Error {
    if error.message.contains(role) {
        return error;
    }
    Error { message: format!("`{role}` answers: {}", error.message), ..error }
}

/// So many seconds, as a user gives them, to wait.
pub fn wait_of(seconds: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Error::usage("E145", format!("A wait of {seconds} seconds is none.")))
}

/// The time that is so far ahead.
fn after(wait: Duration) -> Result<Instant, Error> {
    let end = Instant::now().checked_add(wait);
    end.ok_or_else(|| {
        Error::usage("E145", "The deadline is further ahead than time goes. Choose a shorter one.")
    })
}
