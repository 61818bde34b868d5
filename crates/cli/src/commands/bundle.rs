//! `privet bundle`.

use std::path::Path;
use std::process::ExitCode;

use privet_deploy::Error;
use privet_deploy::bundle::{Choices, PublicBundle, for_parties, for_plain};
use privet_deploy::check::planned;
use privet_deploy::kind::Kind;
use privet_model::graph::Graph;
use privet_serve::PublicKey;
use privet_serve::deployment::{DeploymentFile, EndpointEntry};
use privet_serve::entropy::OsEntropy;
use privet_serve::keys::write_new;
use privet_serve::roles::read_model;
use zeroize::Zeroizing;

use crate::args::BundleArgs;
use crate::commands::{model_name, sample};
use crate::failure::Failure;
use crate::output::print;

pub(crate) fn run(args: &BundleArgs) -> Result<ExitCode, Failure> {
    let graph = read_model(&args.model)?;
    let keys = keys(args)?;
    std::fs::create_dir_all(&args.out).map_err(|e| cannot_write(&args.out, &e))?;
    let public = match args.kind.into() {
        Kind::Plain => plain(args, &graph)?,
        Kind::Mpc => parties(args, &graph, &keys)?,
        kind @ (Kind::Tee | Kind::He) => {
            return Err(
                Error::refused("E221", format!("Kind `{}` is not in this version.", kind.name())).into()
            );
        }
    };
    let file = args.out.join("deployment.toml");
    let deployment = DeploymentFile {
        name: public.manifest().name.clone(),
        kind: args.kind.into(),
        digest: public.digest_hex(),
        public: public.json().into(),
        endpoints: keys.iter().zip(&args.urls).map(entry).collect(),
    };
    std::fs::write(&file, deployment.to_toml()?).map_err(|e| cannot_write(&file, &e))?;
    eprintln!("{}", public.trust_card());
    eprintln!(
        "Give each role its own file, and clients `deployment.toml`. The bundle's digest, the same for all:"
    );
    print(&public.digest_hex());
    Ok(ExitCode::SUCCESS)
}

fn keys(args: &BundleArgs) -> Result<Vec<PublicKey>, Failure> {
    let kind = Kind::from(args.kind);
    let roles = if kind == Kind::Mpc { 3 } else { 1 };
    if args.parties.len() != roles || args.urls.len() != roles {
        let (lines, urls, kind) = (args.parties.len(), args.urls.len(), kind.name());
        let what = format!(
            "Kind `{kind}` has {roles} roles; {lines} lines (`--party`) and {urls} addresses (`--url`) came."
        );
        return Err(Error::usage("E146", what).into());
    }
    Ok(args.parties.iter().map(|line| line.parse()).collect::<Result<_, Error>>()?)
}

fn plain(args: &BundleArgs, graph: &Graph) -> Result<PublicBundle, Failure> {
    let name = model_name(args.plan.name.as_deref(), &args.model);
    let outputs = graph.outputs.iter().map(|(port, _)| port.clone()).collect();
    let model = args.out.join("model.onnx");
    std::fs::copy(&args.model, &model).map_err(|e| cannot_write(&model, &e))?;
    Ok(for_plain(&name, graph.inputs.clone(), outputs, &mut OsEntropy)?)
}

fn parties(args: &BundleArgs, graph: &Graph, keys: &[PublicKey]) -> Result<PublicBundle, Failure> {
    let rows = sample(args.plan.rows.as_deref(), graph)?;
    let plan = planned(graph, args.plan.accuracy, rows.as_deref())?;
    let choices = Choices {
        name: model_name(args.plan.name.as_deref(), &args.model),
        protect: args.plan.protect.into(),
        reveal: args.plan.reveal.into(),
        parties: keys.iter().map(ToString::to_string).collect(),
    };
    let (public, halves) = for_parties(&plan.cut, &plan.plan, &plan.integers, choices, &mut OsEntropy)?;
    for half in &halves {
        let path = args.out.join(format!("party-{}.bundle", half.party));
        let text =
            serde_json::to_string(half).map(Zeroizing::new).map_err(|e| Failure::ours(e.to_string()))?;
        write_new(&path, &text)?;
    }
    Ok(public)
}

fn entry((key, url): (&PublicKey, &String)) -> EndpointEntry {
    EndpointEntry {
        name: key.name().into(),
        http_url: url.clone(),
        grpc_url: url.clone(),
        key: Some(key.to_string()),
        ca: None,
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Error::usage("E144", format!("`{}` cannot be written: {error}.", path.display())).into()
}
