//! Whom the user of a deployment believes: a policy, what vendors publish, and what was said on the command line.

use std::path::{Path, PathBuf};

use privet_deploy::Error;
use privet_deploy::tee::caller::Trust;
use privet_tee::policy::Policy;
use privet_tee::verify::Collateral;

use crate::config::read_text;
use crate::deployment::DeploymentFile;

/// Most bytes of one collateral file.
const LONGEST_COLLATERAL: u64 = 4 << 20;

/// What the user says beside the deployment's file. Matters for kind `tee` only.
#[derive(Clone, Debug, Default)]
pub struct Belief {
    /// Instead of the deployment's policy.
    pub policy: Option<PathBuf>,
    /// Beside the deployment's collateral.
    pub collateral: Vec<PathBuf>,
    /// The owner's token.
    pub token: Option<PathBuf>,
    /// Whether a simulator that the policy accepts gets rows.
    pub dangerous_accept_simulated: bool,
}

impl Belief {
    /// Believes the policy that comes with a deployment, a simulator's too: for one's own machine only.
    pub fn dangerous_accept_simulated() -> Self {
        Self { dangerous_accept_simulated: true, ..Self::default() }
    }

    /// With what the deployment in `folder` brings.
    pub fn trust(&self, file: &DeploymentFile, folder: &Path) -> Result<Trust, Error> {
        let own = || file.policy.as_ref().map(|path| folder.join(path));
        let path = self.policy.clone().or_else(own).ok_or_else(|| {
            Error::refused(
                "E362",
                "The deployment is an enclave's and comes without a policy that says whom to believe. Give one with `--policy FILE`.",
            )
        })?;
        let given = self.collateral.iter().cloned();
        let files = file.collateral.iter().map(|path| folder.join(path)).chain(given);
        Ok(Trust {
            policy: read_policy(&path)?,
            collateral: read_collateral(files)?,
            dangerous_accept_simulated: self.dangerous_accept_simulated,
            token: self.token.as_ref().map(|path| read_text(path)).transpose()?.map(|t| t.trim().to_owned()),
        })
    }
}

/// A policy file.
pub fn read_policy(path: &Path) -> Result<Policy, Error> {
    Policy::parse(&read_text(path)?)
        .map_err(|e| Error::usage("E365", format!("`{}` is not a policy: {e}.", path.display())))
}

/// Collateral files, as they come.
pub fn read_collateral(paths: impl Iterator<Item = PathBuf>) -> Result<Collateral, Error> {
    let read = |path: PathBuf| {
        let cannot =
            |what: String| Error::usage("E141", format!("`{}` cannot be read: {what}.", path.display()));
        let length = std::fs::metadata(&path).map_err(|e| cannot(e.to_string()))?.len();
        if length > LONGEST_COLLATERAL {
            return Err(cannot(format!(
                "it has {length} bytes, and collateral at most {LONGEST_COLLATERAL}"
            )));
        }
        std::fs::read(&path).map_err(|e| cannot(e.to_string()))
    };
    Ok(Collateral { files: paths.map(read).collect::<Result<_, _>>()? })
}
