//! What a person may type. Help texts and examples stand here and nowhere else.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, RangedU64ValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand};
use privet_mpc::protocols::{Header, PROTOCOLS, named};
use privet_serve::belief::Belief;
use privet_serve::gateway::Batching;

use crate::args_attest::AttestCommand;
use crate::args_bench::BenchArgs;
use crate::args_score::ScoreArgs;
use crate::args_train::{AgreeArgs, TrainArgs};
pub(crate) use crate::args_words::{KindArg, ProtectArg, RevealArg};

/// Serves one exported model so that nobody has to show anybody else their data.
#[derive(Parser)]
#[command(
    name = "privet",
    version,
    about,
    long_about = None,
    arg_required_else_help = true,
    after_help = "Examples:\n  privet demo\n  privet check model.onnx\n  privet up mpc model.onnx --dir run\n  privet predict --to run/deployment.toml rows.csv"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Shows everything on this machine: real models, real rows, plain, by three parties, and in a (simulated) enclave.
    #[command(after_help = "Examples:\n  privet demo\n  privet demo --json > demo.json")]
    Demo(DemoArgs),
    /// Says what a model needs and costs in each kind, and every problem at once.
    #[command(
        after_help = "Examples:\n  privet check model.onnx\n  privet check model.onnx --rows sample.csv --accuracy 1e-5 --json\n  privet check --train training.toml --count 250000"
    )]
    Check(CheckArgs),
    /// Plans a model and writes what each role needs to serve it.
    #[command(
        after_help = "Examples:\n  privet bundle model.onnx --kind mpc --party 'privet1 bank-a …' --party 'privet1 bank-b …' --party 'privet1 auditor …' --url https://a.example:7101 --url https://b.example:7101 --url https://c.example:7101 --out bundle\n  privet bundle model.onnx --from bundle/deployment.toml --replace 'privet1 bank-a …' --rows sample.csv --out bundle-2\n  privet bundle model.onnx --kind plain --party 'privet1 bank …' --url https://bank.example:7100 --out bundle\n  privet bundle model.onnx --kind tee --party 'privet1 cloud …' --url https://cloud.example:7100 --client-policy policy.toml --out bundle"
    )]
    Bundle(BundleArgs),
    /// Makes this machine's long-lived key and prints its one-line public half.
    #[command(
        after_help = "Examples:\n  privet keygen --name bank-a --out bank-a.key\n  privet keygen --name bank-a --out bank-a.key --replace\n  privet keygen --name clinic --out clinic.token --token"
    )]
    Keygen(KeygenArgs),
    /// Runs one role from its configuration file.
    #[command(
        after_help = "Examples:\n  privet serve plain --config server.toml\n  privet serve party --config party-0.toml\n  privet serve enclave --config enclave.toml\n  privet serve he --config he.toml\n  privet serve keys --config keys.toml\n  privet serve web --config web.toml\n  privet serve trainer --config trainer.toml"
    )]
    Serve {
        #[command(subcommand)]
        role: ServeRole,
    },
    /// Runs all roles on this machine: real processes, real TLS.
    #[command(
        after_help = "Examples:\n  privet up mpc model.onnx\n  privet up plain model.onnx --dir run\n  privet up tee model.onnx --dir run"
    )]
    Up(UpArgs),
    /// Asks a deployment about rows.
    #[command(
        after_help = "Examples:\n  privet predict --to run/deployment.toml rows.csv\n  privet predict --to run/deployment.toml rows.npz -o scores.npz\n  privet predict --to run/deployment.toml rows.csv --dangerous-accept-simulated\n  cat rows.jsonl | privet predict --to run/deployment.toml -"
    )]
    Predict(PredictArgs),
    /// Asks a deployment about the rows of a large file, and goes on where it was ended.
    #[command(
        after_help = "Examples:\n  privet score --to run/deployment.toml --in rows.parquet --out scores.parquet --keep ID\n  privet score --to run/deployment.toml --in rows.csv --out scores.jsonl --refused skip --json\n  privet score --to run/deployment.toml --in rows.parquet --out scores-3.parquet --part 3/8"
    )]
    Score(ScoreArgs),
    /// Serves a deployment on this machine to programs that know nothing of it: the Open Inference Protocol in, the private kind out.
    #[command(
        after_help = "Examples:\n  privet gateway --to run/deployment.toml --listen 127.0.0.1:8080\n  privet gateway --to run/deployment.toml --batch-rows 4096 --batch-delay 10\n  privet gateway --to run/deployment.toml --listen 0.0.0.0:8443 --caller-token token.txt --certificate gateway.pem --key gateway.key.pem"
    )]
    Gateway(GatewayArgs),
    /// Measures kinds side by side: time, bytes, error.
    #[command(
        after_help = "Examples:\n  privet bench model.onnx --rows rows.npz\n  privet bench model.onnx --kinds plain,mpc --batch-sizes 1,1024 --repeats 50 --json record.json\n  privet bench model.onnx --rows rows.npz --networks loopback,lan,wan --concurrency 1,4,16 --json record.json --resume\n  privet bench report record.json -o report.html\n  privet bench compare before.json after.json"
    )]
    Bench(BenchArgs),
    /// Says what this machine can do, and what it lacks.
    #[command(
        after_help = "Examples:\n  privet doctor --tee\n  privet doctor --tee --json\n  privet doctor --tee --evidence configfs-tsm > evidence.json\n  privet doctor --links party.toml"
    )]
    Doctor(DoctorArgs),
    /// Shows all roles of a deployment: whether they are ready, what they answer and refuse, how long it takes, and what they need.
    #[command(
        after_help = "Examples:\n  privet top --to run/deployment.toml\n  privet top --to run/deployment.toml --once --json"
    )]
    Top(TopArgs),
    /// Signs a token: who may ask an enclave about how many rows, where the bundle was made with `--token-key`.
    #[command(
        after_help = "Examples:\n  privet token --token-key owner.key --bundle deployment.toml --client clinic --rows 10000 -o clinic.token\n  privet token --token-key owner.key --bundle deployment.toml --client clinic --rows 10000 --until 2027-12-31"
    )]
    Token(TokenArgs),
    /// Trains a model on rows of several owners, none of whom shows theirs to anybody: three parties compute on shares.
    #[command(
        after_help = "Examples:\n  privet train --here run --rows bank.csv --rows bureau.csv --label BAD\n  privet train --to training.toml --key bank.key --rows bank.parquet --preparation preparation.json --out model.onnx\n  privet train --to training.toml --key bureau.key --rows bureau.csv --preparation preparation.json"
    )]
    Train(Box<TrainArgs>),
    /// Writes the agreement of a training: who has rows, who computes, what is trained, and who gets it.
    #[command(
        after_help = "Example:\n  privet agree --owner 'privet1 bank …' --owner 'privet1 bureau …' --party 'privet1 a …' --party 'privet1 b …' --party 'privet1 c …' --url https://a.example:7301 --url https://b.example:7301 --url https://c.example:7301 --rows bank.csv --label BAD --preparation preparation.json"
    )]
    Agree(Box<AgreeArgs>),
    /// Evidence that a program runs in an enclave: explains it, verifies it, says when it runs out.
    #[command(
        after_help = "Examples:\n  privet attest explain quote.bin\n  privet attest verify quote.bin --policy policy.toml --collateral collateral.json"
    )]
    Attest {
        #[command(subcommand)]
        what: AttestCommand,
    },
    /// Prints a script with which a shell completes commands, options and their values.
    #[command(
        after_help = "Examples:\n  privet completions bash > ~/.local/share/bash-completion/completions/privet\n  privet completions zsh > _privet\n  privet completions fish > ~/.config/fish/completions/privet.fish"
    )]
    Completions(CompletionsArgs),
    /// Writes manual pages, one for each command.
    #[command(after_help = "Example:\n  privet man --out ~/.local/share/man/man1")]
    Man(ManArgs),
}

#[derive(Subcommand)]
pub(crate) enum ServeRole {
    /// The plain kind's server.
    #[command(after_help = "Example:\n  privet serve plain --config server.toml")]
    Plain(ServeArgs),
    /// One party of the mpc kind.
    #[command(after_help = "Example:\n  privet serve party --config party-0.toml")]
    Party(ServeArgs),
    /// The dealer of the protocol `dealer2`: it prepares, ahead of time, what its two servers compute with.
    #[command(after_help = "Example:\n  privet serve dealer --config dealer.toml")]
    Dealer(ServeArgs),
    /// The host of an enclave: starts the measured program and carries sealed messages, which it cannot read.
    #[command(after_help = "Example:\n  privet serve enclave --config enclave.toml")]
    Enclave(ServeArgs),
    /// The server of the he kind: it has the model, and computes on ciphertexts.
    #[command(after_help = "Example:\n  privet serve he --config server.toml")]
    He(ServeArgs),
    /// The owner's key service: releases a model's key to enclaves that satisfy the owner's policy.
    #[command(after_help = "Example:\n  privet serve keys --config keys.toml")]
    Keys(ServeArgs),
    /// A page on which people ask a deployment from their own browser.
    #[command(after_help = "Example:\n  privet serve web --config web.toml")]
    Web(ServeArgs),
    /// One party of a training.
    #[command(after_help = "Example:\n  privet serve trainer --config trainer.toml")]
    Trainer(ServeArgs),
}

impl ServeRole {
    /// The word for it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Plain(_) => "plain",
            Self::Party(_) => "party",
            Self::Dealer(_) => "dealer",
            Self::Enclave(_) => "enclave",
            Self::He(_) => "he",
            Self::Keys(_) => "keys",
            Self::Web(_) => "web",
            Self::Trainer(_) => "trainer",
        }
    }
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    /// The role's TOML file.
    #[arg(long)]
    pub(crate) config: PathBuf,
    /// Ends when standard input does, and so with the process that started it.
    #[arg(long)]
    pub(crate) with_parent: bool,
}

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args)]
pub(crate) struct ManArgs {
    /// The folder to write into; pages that are there already are written again.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Prints one JSON object instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is said once of a model that is served, however many plans there are.
#[derive(Args, Clone)]
pub(crate) struct ServedArgs {
    /// With `--reveal label`: above which probability (or score, of a model without one) a label is the second of two classes. Nobody
    /// is told. Without it, the model's own rule decides.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) threshold: Option<f64>,
    /// What is hidden from the parties.
    #[arg(long, value_enum, default_value_t = ProtectArg::Both)]
    pub(crate) protect: ProtectArg,
    /// Sample rows (CSV, Parquet, .npy, .npz, JSON lines) from which ranges are taken, widened twofold.
    #[arg(long)]
    pub(crate) rows: Option<String>,
    /// The name under which the model is served.
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// Takes the name of a protocol.
pub(crate) fn protocol_parser() -> PossibleValuesParser {
    PROTOCOLS.iter().map(|header| header.name).into()
}

impl PlanArgs {
    /// The protocol of that name.
    pub(crate) fn protocol(&self) -> &'static Header {
        // The parser lets no other name through.
        named(&self.protocol).unwrap_or(PROTOCOLS[0])
    }
}

/// How a model is to be served, in the words of every command that plans one.
#[derive(Args, Clone)]
pub(crate) struct PlanArgs {
    /// Largest error of what is revealed.
    #[arg(long, default_value = "1e-4")]
    pub(crate) accuracy: f64,
    /// Which protocol the parties run.
    #[arg(long, default_value = "replicated3", value_parser = protocol_parser())]
    pub(crate) protocol: String,
    /// What the client gets.
    #[arg(long, value_enum, default_value_t = RevealArg::Score)]
    pub(crate) reveal: RevealArg,
    #[command(flatten)]
    pub(crate) served: ServedArgs,
}

#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The exported model.
    #[arg(required_unless_present = "train")]
    pub(crate) model: Option<PathBuf>,
    /// Says what a training costs that was agreed on, and who sees what; steps are tried on zeros in this process.
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    pub(crate) train: Option<PathBuf>,
    /// With `--train`: how many rows there will be, of all owners together.
    #[arg(long, requires = "train", default_value_t = 100_000)]
    pub(crate) count: usize,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Prints one JSON object instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// Shows every step: what is done for which node, how many bits it has, how wrong it can be, and what it costs.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

#[derive(Args, Clone)]
pub(crate) struct BundleArgs {
    /// The exported model.
    pub(crate) model: PathBuf,
    /// How it is to be served.
    #[arg(long, value_enum, required_unless_present = "from")]
    pub(crate) kind: Option<KindArg>,
    /// A machine's one-line public key, as `privet keygen` printed it; once per role, in order.
    #[arg(long = "party", required_unless_present = "from")]
    pub(crate) parties: Vec<String>,
    /// Where that machine will listen, as `https://HOST:PORT`; once per role, in order.
    #[arg(long = "url", required_unless_present = "from")]
    pub(crate) urls: Vec<String>,
    /// A `deployment.toml` of before: kind, name, protocol, what is hidden and revealed, machines and addresses are as there, and the
    /// version is the next one. Rows and accuracy are yours to give again.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "parties", "urls"])]
    pub(crate) from: Option<PathBuf>,
    /// With `--from`: a machine's new line, which takes the place of the one with the same name. Repeatable.
    #[arg(long, value_name = "LINE", requires = "from")]
    pub(crate) replace: Vec<String>,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Your number of this version of the model. Servers have several versions side by side; a key service of `tee` can refuse lower
    /// ones. Without it 1, or the next one with `--from`.
    #[arg(long)]
    pub(crate) model_version: Option<u64>,
    #[command(flatten)]
    pub(crate) sealed: SealedArgs,
    /// The folder to write into; a file that is there already is never overwritten.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Prints one JSON object instead of the digest.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What only kind `tee` has.
#[derive(Args, Clone)]
pub(crate) struct SealedArgs {
    /// For `tee`: answers holders of your tokens only (`privet token`). The secret key that signs them; made if it is not there.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_key: Option<PathBuf>,
    /// For `tee`: the policy that clients get with the deployment.
    #[arg(long, value_name = "FILE")]
    pub(crate) client_policy: Option<PathBuf>,
    /// For `tee`: the model's key may be given to a SIMULATED enclave, and only to one. For trials.
    #[arg(long)]
    pub(crate) dangerous_simulated: bool,
}

#[derive(Args)]
pub(crate) struct KeygenArgs {
    /// What this machine is called: 1 to 64 of a-z, 0-9 and `-`.
    #[arg(long)]
    pub(crate) name: String,
    /// The file for the secret half; never overwritten.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Puts the key that is in the file aside, under another name, and makes a new one.
    #[arg(long)]
    pub(crate) replace: bool,
    /// Makes a token for a client instead of a key, and prints its digest for `[[clients]]` of a role that is alone.
    #[arg(long)]
    pub(crate) token: bool,
    /// Prints one JSON object instead of the public line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct UpArgs {
    /// How to serve.
    #[arg(value_enum)]
    pub(crate) kind: KindArg,
    /// The exported model.
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// The folder for keys, bundle and `deployment.toml`; a temporary one if left out. What is written is removed at the
    /// end.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// A page that may ask from a browser, as `https://apply.example`. Repeatable.
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub(crate) origins: Vec<String>,
    /// Prints one JSON object instead of the line that says `ready`.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct TopArgs {
    /// The deployment's file. Where roles tell clients apart, it names a `client_key` that is an operator's.
    #[arg(long)]
    pub(crate) to: PathBuf,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    pub(crate) every: f64,
    /// Looks twice and shows one picture; exits 4 where a role is not ready.
    #[arg(long)]
    pub(crate) once: bool,
    /// Prints a JSON object for each picture.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct PredictArgs {
    /// The deployment's file.
    #[arg(long)]
    pub(crate) to: PathBuf,
    /// The rows: .csv, .parquet, .npy, .npz, .jsonl, or `-` for standard input.
    pub(crate) rows: String,
    /// Where the answers go; standard output if left out.
    #[arg(short, long)]
    pub(crate) output: Option<String>,
    /// Longest wait for any role, in seconds.
    #[arg(long, default_value_t = 30.0)]
    pub(crate) deadline: f64,
    #[command(flatten)]
    pub(crate) belief: BeliefArgs,
    /// Says what it cost, as one JSON object: on standard output where `-o` names a file, on standard error where the answers
    /// themselves go to standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct GatewayArgs {
    /// The deployment's file.
    #[arg(long)]
    pub(crate) to: PathBuf,
    /// Where programs of this machine find it; port 0 takes a free one. An address that others reach needs the three options below.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    pub(crate) listen: String,
    /// A file with the token that callers must show, as `Authorization: Bearer TOKEN`; at least 20 characters.
    #[arg(long, value_name = "FILE", requires_all = ["certificate", "key"])]
    pub(crate) caller_token: Option<PathBuf>,
    /// The certificate (PEM) to show.
    #[arg(long, value_name = "FILE", requires_all = ["caller_token", "key"])]
    pub(crate) certificate: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE", requires_all = ["caller_token", "certificate"])]
    pub(crate) key: Option<PathBuf>,
    /// The most rows that several requests are asked about together; 1 asks about each alone.
    #[arg(long, default_value_t = Batching::default().rows, value_parser = at_least_one(), value_name = "ROWS")]
    pub(crate) batch_rows: usize,
    /// The longest time that a request waits for a call that takes it along, in milliseconds.
    #[arg(long, default_value_t = 5.0, value_name = "MILLISECONDS")]
    pub(crate) batch_delay: f64,
    /// Calls for small requests at a time, before requests wait for each other.
    #[arg(long, default_value_t = Batching::default().calls, value_parser = at_least_one(), value_name = "CALLS")]
    pub(crate) batch_calls: usize,
    /// Rows to prepare for ahead, in kind `he`: they then travel masked instead of encrypted, and are answered with little work.
    #[arg(long, default_value_t = 0, value_name = "ROWS")]
    pub(crate) tickets: usize,
    /// Longest wait for any role, in seconds.
    #[arg(long, default_value_t = 25.0)]
    pub(crate) deadline: f64,
    #[command(flatten)]
    pub(crate) belief: BeliefArgs,
}

/// Whom to believe, for deployments of kind `tee`.
#[derive(Args, Clone, Default)]
pub(crate) struct BeliefArgs {
    /// The policy that says which enclaves to believe, instead of the deployment's own.
    #[arg(long)]
    pub(crate) policy: Option<PathBuf>,
    /// What a vendor publishes beside its evidence: Intel's collateral (JSON), AMD's certificates (DER or PEM). Repeatable.
    #[arg(long)]
    pub(crate) collateral: Vec<PathBuf>,
    /// The file with the owner's token, where the deployment wants one.
    #[arg(long)]
    pub(crate) token: Option<PathBuf>,
    /// Sends rows to a SIMULATED enclave that the policy accepts: an ordinary process, whose owner can read them.
    #[arg(long)]
    pub(crate) dangerous_accept_simulated: bool,
}

impl From<&BeliefArgs> for Belief {
    fn from(args: &BeliefArgs) -> Self {
        Self {
            policy: args.policy.clone(),
            collateral: args.collateral.clone(),
            token: args.token.clone(),
            dangerous_accept_simulated: args.dangerous_accept_simulated,
        }
    }
}

#[derive(Args)]
pub(crate) struct TokenArgs {
    /// The secret key that signs tokens, as `privet bundle --token-key` made it.
    #[arg(long)]
    pub(crate) token_key: PathBuf,
    /// The deployment's file, or the bundle's `public.json`: tokens are for this very bundle.
    #[arg(long)]
    pub(crate) bundle: PathBuf,
    /// Your name for who gets it.
    #[arg(long)]
    pub(crate) client: String,
    /// Rows that its holder may ask about, in all.
    #[arg(long)]
    pub(crate) rows: u64,
    /// The key service grants no rows after this time, by its own clock: 2027-12-31 or 2027-12-31T12:00:00Z.
    #[arg(long)]
    pub(crate) until: Option<String>,
    /// The file for the token, never overwritten; standard output if left out.
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    /// Prints one JSON object instead of the token.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(group(ArgGroup::new("what").required(true).args(["tee", "links"])))]
pub(crate) struct DoctorArgs {
    /// What an enclave can be here: which drivers find evidence, which do not and why, and what isolates a simulated one.
    #[arg(long)]
    pub(crate) tee: bool,
    /// How far the two other parties are from the one that this configuration is of, how much goes through, and what is
    /// wrong where one cannot be reached. That party may be running; the others must be.
    #[arg(long, value_name = "CONFIG")]
    pub(crate) links: Option<PathBuf>,
    /// Asks this driver for evidence over well-known report data and prints it, and nothing else: a recording, which binds nobody
    /// to a channel.
    #[arg(long, value_name = "DRIVER", value_parser = privet_tee::attest::DRIVERS, requires = "tee")]
    pub(crate) evidence: Option<String>,
    /// Prints one JSON object instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}

/// None of something is nothing to measure.
pub(crate) fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

impl Command {
    /// Whether errors are wanted as JSON too.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Demo(a) => a.json,
            Self::Check(a) => a.json,
            Self::Predict(a) => a.json,
            Self::Top(a) => a.json,
            Self::Score(a) => a.json,
            Self::Bundle(a) => a.json,
            Self::Keygen(a) => a.json,
            Self::Up(a) => a.json,
            Self::Bench(a) => a.json.is_some(),
            Self::Doctor(a) => a.json,
            Self::Token(a) => a.json,
            Self::Attest { what } => what.wants_json(),
            Self::Train(a) => a.json,
            Self::Serve { .. } | Self::Agree(_) | Self::Gateway(_) | Self::Completions(_) | Self::Man(_) => {
                false
            }
        }
    }
}
