//! `privet bundle`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use privet_deploy::Error;
use privet_deploy::bundle::{Called, Choices, MpcPart, PartyFile, PublicBundle, for_parties, for_plain};
use privet_deploy::he::bundle::{for_he, planned_for_he};
use privet_deploy::kind::{Kind, Reveal};
use privet_deploy::prepared::prepare;
use privet_deploy::tee::package;
use privet_import::{Exported, Format};
use privet_model::graph::Graph;
use privet_mpc::role::Role;
use privet_serve::PublicKey;
use privet_serve::belief::read_policy;
use privet_serve::deployed::now;
use privet_serve::deployment::{DeploymentFile, EndpointEntry};
use privet_serve::entropy::OsEntropy;
use privet_serve::keys::write_new;
use privet_serve::public_key::of_parties;
use privet_tee::statement::Hex;
use privet_tee::token::OwnerKey;
use zeroize::Zeroizing;

use crate::args::BundleArgs;
use crate::commands::bundle_before::as_before;
use crate::commands::token::read_owner_key;
use crate::commands::{model, model_name, sample};
use crate::failure::Failure;
use crate::output::print;

pub(crate) fn run(args: &BundleArgs) -> Result<ExitCode, Failure> {
    let args = &as_before(args)?;
    let model = model(&args.model, &args.plan)?;
    let keys = keys(args)?;
    let (public, mut files) = match kind(args) {
        Kind::Plain => plain(args, &model)?,
        Kind::Mpc => parties(args, &model.graph, &keys)?,
        Kind::Tee => enclave(args, &model.graph)?,
        Kind::He => ciphertexts(args, &model.graph)?,
    };
    let deployment = DeploymentFile {
        name: public.manifest().name.clone(),
        kind: kind(args),
        digest: public.digest_hex(),
        public: public.json().into(),
        policy: args.sealed.client_policy.as_ref().map(|_| POLICY.into()),
        collateral: Vec::new(),
        client_key: None,
        client_token: None,
        endpoints: keys.iter().zip(&args.urls).skip(unmet(&public)).map(entry).collect(),
    };
    files.push((args.out.join("deployment.toml"), Content::Public(deployment.to_toml()?)));
    write(&args.out, &files)?;
    eprintln!("{}", public.trust_card());
    show(args, &public, &files);
    Ok(ExitCode::SUCCESS)
}

/// Roles before the first that clients meet.
fn unmet(public: &PublicBundle) -> usize {
    public.manifest().mpc.as_ref().map_or(0, MpcPart::first_met)
}

fn show(args: &BundleArgs, public: &PublicBundle, files: &[(PathBuf, Content)]) {
    let digest = public.digest_hex();
    if args.json {
        let paths: Vec<_> = files.iter().map(|(path, _)| path.display().to_string()).collect();
        let kind = kind(args).name();
        print(&serde_json::json!({ "digest": digest, "kind": kind, "files": paths }).to_string());
    } else {
        eprintln!("{}", hand_out(kind(args)));
        if let (Kind::Plain, Reveal::Label) = (kind(args), args.plan.reveal.into()) {
            let threshold =
                args.plan.served.threshold.map(|t| format!(" and `threshold = {t}`")).unwrap_or_default();
            eprintln!(
                "The server's configuration needs `reveal = \"label\"`{threshold}; nobody else is told."
            );
        }
        if kind(args) == Kind::Plain && version(args) != 1 {
            eprintln!("The server's configuration needs `version = {}`.", version(args));
        }
        eprintln!("The bundle's digest, the same for all:");
        print(&digest);
    }
}

/// Who gets what.
fn hand_out(kind: Kind) -> &'static str {
    match kind {
        Kind::Tee => {
            "`model.secret` is for your own key service and nobody else; `model.sealed` and `public.json` for whoever runs the enclave; \
             `deployment.toml` and its policy for clients."
        }
        Kind::He => {
            "`server.bundle` holds the model and is for its server alone; `deployment.toml` for clients."
        }
        Kind::Plain | Kind::Mpc => "Give each role its own file, and clients `deployment.toml`.",
    }
}

fn keys(args: &BundleArgs) -> Result<Vec<PublicKey>, Failure> {
    let kind = kind(args);
    let roles = if kind == Kind::Mpc { 3 } else { 1 };
    if args.parties.len() != roles || args.urls.len() != roles {
        let (lines, urls, kind) = (args.parties.len(), args.urls.len(), kind.name());
        let what = format!(
            "Kind `{kind}` has {roles} roles (with `dealer2` the dealer comes first); {lines} lines (`--party`) and {urls} addresses (`--url`) came."
        );
        return Err(Error::usage("E146", what).into());
    }
    Ok(of_parties(&args.parties)?)
}

/// What is to be written, and where.
type Files = Vec<(PathBuf, Content)>;

fn kind(args: &BundleArgs) -> Kind {
    args.kind.map_or(Kind::Mpc, Kind::from)
}

fn version(args: &BundleArgs) -> u64 {
    args.model_version.unwrap_or(1)
}

fn called(args: &BundleArgs) -> Called {
    Called { name: model_name(args.plan.served.name.as_deref(), &args.model), version: version(args) }
}

fn plain(args: &BundleArgs, model: &Exported) -> Result<(PublicBundle, Files), Failure> {
    let public = for_plain(called(args), &model.graph, args.plan.reveal.into(), &mut OsEntropy)?;
    Ok((public, copies(model, &args.out)))
}

/// The model under the name that its format has here, and what lies beside it under its own.
fn copies(model: &Exported, out: &Path) -> Files {
    let name = match model.format {
        Format::SavedModel => "saved_model/saved_model.pb",
        Format::TensorFlowGraph => "model.pb",
        Format::TfLite => "model.tflite",
        _ => "model.onnx",
    };
    let main = out.join(name);
    let beside = main.with_file_name("");
    let copy = |(at, file): (usize, &String)| {
        let to = if at == 0 { main.clone() } else { beside.join(file) };
        (to, Content::CopyOf(model.folder.join(file)))
    };
    model.files.iter().enumerate().map(copy).collect()
}

/// The name of the clients' policy beside `deployment.toml`.
const POLICY: &str = "policy.toml";

fn enclave(args: &BundleArgs, graph: &Graph) -> Result<(PublicBundle, Files), Failure> {
    let choices = package::Choices {
        name: model_name(args.plan.served.name.as_deref(), &args.model),
        reveal: args.plan.reveal.into(),
        version: version(args),
        tokens: args.sealed.token_key.as_deref().map(token_key).transpose()?,
        now: now(),
        dangerous_simulated: args.sealed.dangerous_simulated,
    };
    let package = package::package(graph, &choices, &mut OsEntropy)?;
    let secret = serde_json::to_string(&package.resource).map_err(|e| Failure::ours(e.to_string()))?;
    let file = |name: &str, content| (args.out.join(name), content);
    let mut files = vec![
        file("model.secret", Content::Secret(Zeroizing::new(secret))),
        file("model.sealed", Content::Bytes(package.sealed)),
        file("public.json", Content::Public(package.public.json().into())),
    ];
    if let Some(policy) = &args.sealed.client_policy {
        // Read now, so that what clients could not read is never handed out.
        read_policy(policy)?;
        files.push(file(POLICY, Content::CopyOf(policy.clone())));
    }
    Ok((package.public, files))
}

/// The public half of the key that signs tokens; the secret half is made where it is not there yet.
fn token_key(path: &Path) -> Result<Hex<32>, Failure> {
    if !path.exists() {
        let key = OwnerKey::generate(&mut OsEntropy)
            .map_err(|_| Failure::ours("The operating system gave no randomness.".into()))?;
        write_new(path, &key.to_text())?;
        eprintln!("`{}` holds the key that signs tokens: keep it, and show it to nobody.", path.display());
        return Ok(key.public());
    }
    Ok(read_owner_key(path)?.public())
}

fn parties(args: &BundleArgs, graph: &Graph, keys: &[PublicKey]) -> Result<(PublicBundle, Files), Failure> {
    let rows = sample(args.plan.served.rows.as_deref(), graph)?;
    let reveal = args.plan.reveal.into();
    let plan = prepare(graph, reveal, args.plan.accuracy, rows.as_deref()).map_err(Error::from)?;
    let choices = Choices {
        protocol: args.plan.protocol(),
        name: called(args),
        protect: args.plan.served.protect.into(),
        reveal,
        parties: keys.iter().map(ToString::to_string).collect(),
    };
    let (public, halves) = for_parties(&plan, choices, &mut OsEntropy)?;
    let file = |half: &PartyFile| {
        let text = serde_json::to_string(half).map_err(|e| Failure::ours(e.to_string()))?;
        let role = Role::new(half.party.into()).unwrap_or(Role::ALL[0]);
        let path = args.out.join(format!("{}.bundle", args.plan.protocol().role_name(role)));
        Ok((path, Content::Secret(Zeroizing::new(text))))
    };
    Ok((public, halves.iter().map(file).collect::<Result<_, Failure>>()?))
}

fn ciphertexts(args: &BundleArgs, graph: &Graph) -> Result<(PublicBundle, Files), Failure> {
    let rows = sample(args.plan.served.rows.as_deref(), graph)?;
    let reveal = args.plan.reveal.into();
    let planned = planned_for_he(graph, reveal, args.plan.accuracy, rows.as_deref())?;
    let (public, half) = for_he(&planned, called(args), reveal, &mut OsEntropy)?;
    let text = serde_json::to_string(&half).map_err(|e| Failure::ours(e.to_string()))?;
    Ok((public, vec![(args.out.join("server.bundle"), Content::Secret(Zeroizing::new(text)))]))
}

/// What is to stand in a file.
enum Content {
    Secret(Zeroizing<String>),
    Public(String),
    Bytes(Vec<u8>),
    CopyOf(PathBuf),
}

/// Writes all files, or none where one would replace another.
fn write(folder: &Path, files: &[(PathBuf, Content)]) -> Result<(), Failure> {
    let taken =
        |(path, content): &&(PathBuf, Content)| path.symlink_metadata().is_ok() && !content.is_in(path);
    if let Some((path, _)) = files.iter().find(taken) {
        let what = "exists and was left as it is, and nothing was written. Choose another folder, or move it away first";
        return Err(Error::usage("E144", format!("`{}` {what}.", path.display())).into());
    }
    for (path, content) in files {
        let folder = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(folder).map_err(|e| cannot_write(folder, &e))?;
        content.write(path)?;
    }
    Ok(())
}

impl Content {
    /// Whether the file holds this already, as the model does that is bundled where it lies.
    fn is_in(&self, path: &Path) -> bool {
        match self {
            Self::CopyOf(model) => {
                let read = |path: &Path| std::fs::read(path).ok();
                read(path).is_some_and(|there| read(model).is_some_and(|model| there == model))
            }
            Self::Secret(_) | Self::Public(_) | Self::Bytes(_) => false,
        }
    }

    fn write(&self, path: &Path) -> Result<(), Failure> {
        let written = match self {
            Self::Secret(text) => return Ok(write_new(path, text)?),
            Self::Public(text) => std::fs::write(path, text),
            Self::Bytes(bytes) => std::fs::write(path, bytes),
            // A copy onto itself would empty it.
            Self::CopyOf(_) if self.is_in(path) => Ok(()),
            Self::CopyOf(model) => std::fs::copy(model, path).map(|_| ()),
        };
        written.map_err(|e| cannot_write(path, &e))
    }
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
