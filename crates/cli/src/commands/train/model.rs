//! What a training gives: a model for whom it is opened to, or a deployment whose parties keep it.

use std::path::Path;
use std::time::{Duration, Instant};

use privet_deploy::Blame;
use privet_deploy::kind::Kind;
use privet_serve::deployment::{DeploymentFile, EndpointEntry};
use privet_serve::training::lead::bundle;
use privet_serve::training::owner::Owner;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::training::onnx::{self, Trained};
use crate::training::preparation::Preparation;

/// Between two looks whether the training is over.
const PAUSE: Duration = Duration::from_millis(500);

/// Gets the weights, once there are any, and writes them as an ONNX file.
pub(super) async fn fetch(
    owner: &Owner,
    patience: Duration,
    preparation: Option<&Path>,
    out: &Path,
) -> Result<Value, Failure> {
    let start = Instant::now();
    let weights = loop {
        match owner.model().await {
            Ok(weights) => break weights,
            Err(error)
                if (matches!(error.blame, Blame::Unreachable | Blame::Busy) || error.code == "E352")
                    && start.elapsed() < patience =>
            {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    };
    let agreement = owner.agreement();
    let names: Vec<String> = agreement.feature_names().into_iter().cloned().collect();
    // Another owner's columns are prepared as that owner does it, and nobody else knows how.
    let preparation = preparation.filter(|path| path.exists()).map(Preparation::read).transpose()?;
    let preparation = preparation.filter(|preparation| preparation.only(&names).is_ok());
    let trained = Trained {
        columns: &names,
        preparation: preparation.as_ref(),
        weights: &weights.weights,
        bias: Some(weights.intercept).filter(|_| agreement.model.intercept),
        logistic: agreement.has_classes(),
    };
    onnx::write(out, &trained)?;
    match preparation {
        Some(_) => eprintln!("`{}` takes filled and clipped rows, and scales them itself.", out.display()),
        None => eprintln!("`{}` takes rows as they were given: prepared.", out.display()),
    }
    Ok(json!(out.display().to_string()))
}

/// Has each party write its half of a bundle, and writes what clients need.
pub(super) async fn keep(owner: &Owner, out: &Path) -> Result<Value, Failure> {
    let public = bundle(owner).await?;
    let entry = |(at, party): (usize, &privet_deploy::train::agreement::PartyEntry)| EndpointEntry {
        name: format!("party-{at}"),
        http_url: party.url.clone(),
        grpc_url: party.url.clone(),
        key: Some(party.key.clone()),
        ca: None,
    };
    let file = DeploymentFile {
        name: public.manifest().name.clone(),
        kind: Kind::Mpc,
        digest: public.digest_hex(),
        public: public.json().into(),
        policy: None,
        collateral: Vec::new(),
        client_key: None,
        client_token: None,
        endpoints: owner.agreement().parties.iter().enumerate().map(entry).collect(),
    };
    std::fs::write(out, file.to_toml()?).map_err(|e| cannot(out, &e))?;
    eprintln!(
        "Each party has its half of the model in its state's folder, as `party-N.bundle`: it answers with `privet serve party`, whose \
         `bundle` is that file. Clients need `{}`.",
        out.display()
    );
    Ok(json!(out.display().to_string()))
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    privet_deploy::Error::usage("E144", format!("`{}` cannot be written: {error}.", path.display())).into()
}
