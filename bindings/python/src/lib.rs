//! The Python package's native part: a deployment that can be asked. What is Python's own (verbs, data frames, errors) is in
//! `privet/`.

mod arrays;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use privet_deploy::Error;
use privet_model::graph::Port;
use privet_serve::belief::Belief;
use privet_serve::deployed::{Deployed, wait_of};
use pyo3::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::arrays::{from_python, to_python};

/// How often a call that waits looks whether Python wants to stop.
const GLANCE: Duration = Duration::from_millis(100);

#[pymodule]
mod _privet {
    #[pymodule_export]
    use super::Deployment;
}

/// A deployment. May be asked by several threads at a time.
#[pyclass(frozen, module = "privet._privet")]
struct Deployment {
    deployed: Deployed,
    runtime: Runtime,
}

#[pymethods]
#[allow(clippy::needless_pass_by_value, reason = "as Python calls it")]
impl Deployment {
    /// Opens `deployment.toml`; nothing is connected yet.
    #[new]
    #[pyo3(signature = (path, *, deadline, policy, collateral, token, dangerous_accept_simulated))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        deadline: f64,
        policy: Option<PathBuf>,
        collateral: Vec<PathBuf>,
        token: Option<PathBuf>,
        dangerous_accept_simulated: bool,
    ) -> PyResult<Self> {
        let belief = Belief { policy, collateral, token, dangerous_accept_simulated };
        let open = || {
            let deadline = wait_of(deadline)?;
            let deployed = Deployed::open_with(&path, deadline, &belief)?;
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
            let runtime = runtime.map_err(|e| ours(format!("No thread can be started: {e}.")))?;
            Ok(Self { deployed, runtime })
        };
        py.detach(open).map_err(|e| raised(py, &e))
    }

    /// Prepares ahead for so many rows, and goes on doing so.
    fn prepare_ahead(&self, py: Python<'_>, rows: usize) -> PyResult<()> {
        self.wait(py, self.deployed.prepare_ahead(rows))
    }

    /// What everyone knows of it, as JSON.
    fn facts(&self) -> String {
        let (file, caller) = (self.deployed.file(), self.deployed.caller());
        let manifest = self.deployed.public().manifest();
        json!({
            "name": file.name,
            "kind": file.kind.name(),
            "reveal": manifest.reveal.name(),
            "bound": caller.bound(),
            "bundle": file.digest,
            "trust": self.deployed.public().trust_card().to_string(),
            "inputs": caller.inputs().iter().map(port).collect::<Vec<_>>(),
            "outputs": caller.outputs().iter().map(port).collect::<Vec<_>>(),
        })
        .to_string()
    }

    /// What answers may be believed to have run under; an enclave's is known once it was asked.
    fn assurance(&self) -> &'static str {
        self.deployed.caller().assurance()
    }

    /// Waits until every role is ready.
    fn ready(&self, py: Python<'_>, patience: f64) -> PyResult<()> {
        let patience = wait_of(patience).map_err(|e| raised(py, &e))?;
        self.wait(py, self.deployed.ready(patience))
    }

    /// One array for each output, flat; and rounds, and bytes between the roles. `rows` has one array (rows × width, of the
    /// input's own type) or one list of text for each input. `progress` is told how many rows are answered.
    fn predict<'py>(
        &self,
        py: Python<'py>,
        rows: Vec<Bound<'py, PyAny>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Vec<Bound<'py, PyAny>>, u64, u64)> {
        let ports = self.deployed.caller().inputs();
        let rows = ports.iter().zip(&rows).map(|(port, rows)| from_python(port, rows));
        let rows = Arc::new(rows.collect::<PyResult<Vec<_>>>()?);
        let tell = |done: usize| {
            if let Some(progress) = &progress {
                // What the callback raises is its own affair: the answers are worth more.
                Python::attach(|py| drop(progress.call1(py, (done,))));
            }
        };
        let answer = self.wait(py, self.deployed.predict_with(rows, tell))?;
        let outputs =
            answer.outputs.into_iter().map(|tensor| to_python(py, tensor)).collect::<PyResult<_>>()?;
        Ok((outputs, 1 + answer.between.rounds, answer.between.bytes))
    }
}

impl Deployment {
    /// Waits without Python's lock, and stops where Python wants to.
    fn wait<T: Send>(
        &self,
        py: Python<'_>,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> PyResult<T> {
        let watched = async {
            tokio::pin!(work);
            loop {
                tokio::select! {
                    done = &mut work => return Ok::<_, PyErr>(done),
                    () = tokio::time::sleep(GLANCE) => Python::attach(|py: Python<'_>| py.check_signals())?,
                }
            }
        };
        py.detach(|| self.runtime.block_on(watched))?.map_err(|e| raised(py, &e))
    }
}

fn port(port: &Port) -> Value {
    json!({
        "name": port.name, "datatype": port.dtype.name(), "width": port.width, "shape": port.row_shape(), "columns": port.columns,
    })
}

fn ours(what: String) -> Error {
    Error::new(privet_deploy::Blame::Ours, "E902", what)
}

/// The package's own exception for this error.
fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let exception = py.import("privet.errors").and_then(|errors| {
        errors.call_method1("exception", (error.blame.exit_code(), error.code, &error.message))
    });
    exception.map_or_else(|e| e, PyErr::from_value)
}
