//! `privet demo`: two real models, real rows, plain, by three parties, in a simulated enclave and on ciphertexts, side by side.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use privet_bench::measure::{difference, percentile};
use privet_bench::subject::own;
use privet_bench::workload::{How, Way, Workload, cycled};
use privet_deploy::kind::{Kind, Reveal};
use privet_deploy::trust::TrustCard;
use privet_model::graph::Graph;
use privet_model::tensor::Tensor;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::PROTOCOLS;
use privet_serve::deployed::Deployed;
use privet_serve::roles::read_model;
use privet_serve::up::Running;
use privet_serve::up::network::Network;
use serde::Serialize;

use crate::args::DemoArgs;
use crate::commands::table::table;
use crate::commands::up::program;
use crate::failure::Failure;
use crate::output::{bytes, count, print, progress, seconds};
use crate::rows;

/// Requests of one row, for the median latency.
const SINGLE_ROWS: usize = 50;
/// Runs over all rows, of which the fastest counts.
const WHOLE_RUNS: usize = 3;
const DEADLINE: Duration = Duration::from_secs(60);

/// How each model is served.
const HOW: How = How { accuracy: 1e-4, reveal: Reveal::Score, protect: Protect::Both, threshold: None };
/// Which kinds, plain first.
const KINDS: [Kind; 4] = Kind::ALL;
/// Rows per request, as far as there are so many.
const SIZES: [usize; 5] = [1, 10, 100, 1000, 10_000];
/// Requests per size and kind, of which the median counts.
const REPEATS: usize = 9;

/// What ships inside the program.
struct Shipped {
    name: &'static str,
    title: &'static str,
    model: &'static [u8],
    rows: &'static [u8],
    rows_file: &'static str,
    /// The rows' columns, where the model's file does not name them, and the column of true labels.
    columns: &'static [&'static str],
    label: Option<&'static str>,
}

const SHIPPED: [Shipped; 2] = [
    Shipped {
        name: "lr-uci",
        title: "Credit default, logistic regression with imputation and scaling (scikit-learn), 30 000 real applicants",
        model: include_bytes!("../../../../models/lr-uci/model.onnx"),
        rows: include_bytes!("../../../../data/uci-credit-default/default_of_credit_card_clients.parquet"),
        rows_file: "rows.parquet",
        columns: &[
            "LIMIT_BAL",
            "SEX",
            "EDUCATION",
            "MARRIAGE",
            "AGE",
            "PAY_0",
            "PAY_2",
            "PAY_3",
            "PAY_4",
            "PAY_5",
            "PAY_6",
            "BILL_AMT1",
            "BILL_AMT2",
            "BILL_AMT3",
            "BILL_AMT4",
            "BILL_AMT5",
            "BILL_AMT6",
            "PAY_AMT1",
            "PAY_AMT2",
            "PAY_AMT3",
            "PAY_AMT4",
            "PAY_AMT5",
            "PAY_AMT6",
        ],
        label: Some("default payment next month"),
    },
    Shipped {
        name: "lr528-keras",
        title: "The reference shape: 528 features, one dense unit without bias (Keras), 128 synthetic rows",
        model: include_bytes!("../../../../models/lr528-keras/model.onnx"),
        rows: include_bytes!("../../../../models/lr528-keras/rows.npz"),
        rows_file: "rows.npz",
        columns: &[],
        label: None,
    },
];

/// One line of the report.
#[derive(Serialize)]
struct Line {
    model: &'static str,
    kind: &'static str,
    rows: usize,
    median_latency_s: f64,
    rows_per_s: f64,
    bytes_up_per_row: f64,
    bytes_between: u64,
    round_trips: u64,
    largest_difference_from_plain: f64,
    bound: Option<f64>,
    auc: Option<f64>,
    assurance: String,
    trust: TrustCard,
}

/// A request of some size, as every kind answers it.
#[derive(Serialize)]
struct Size {
    model: &'static str,
    batch: usize,
    kinds: Vec<OfKind>,
}

/// One kind at one size.
#[derive(Serialize)]
struct OfKind {
    kind: &'static str,
    median_s: f64,
    ratio_to_plain: f64,
    assurance: String,
    largest_difference_from_plain: f64,
}

pub(crate) async fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let cannot = |e: std::io::Error| Failure::ours(format!("A temporary folder cannot be made: {e}."));
    let folder = tempfile::Builder::new().prefix("privet-demo-").tempdir().map_err(cannot)?;
    let bar = progress((SHIPPED.len() * KINDS.len()) as u64, "deploying and asking");
    let (mut all, mut sizes) = (Vec::new(), Vec::new());
    for shipped in &SHIPPED {
        let (lines, by_size) = shipped.run(folder.path(), &bar).await?;
        if !args.json {
            show(shipped, &lines, &bar);
            show_sizes(&by_size, &bar);
        }
        all.extend(lines);
        sizes.extend(by_size);
    }
    bar.finish_and_clear();
    if args.json {
        print(&serde_json::json!({ "results": all, "by_batch": sizes }).to_string());
    } else {
        closing();
    }
    Ok(ExitCode::SUCCESS)
}

fn closing() {
    print(
        "\nThe enclave is SIMULATED: an ordinary process, whose owner can read it. Every part of the protocol ran (evidence, policy,",
    );
    print(
        "the sealed channel, the release of the model's key), and nothing was proven. No figure here is a hardware's.",
    );
    print("\nWho could see what\n");
    for kind in KINDS {
        print(&TrustCard::of(kind, Some((PROTOCOLS[0], Protect::Both))).to_string());
    }
    print("The UCI rows: I-C. Yeh, Default of Credit Card Clients, 2016, doi 10.24432/C55S3H, CC BY 4.0.");
    print("The model was trained on most of them, so this AUC is not one of unseen rows.");
    print("\nNext: privet check MODEL.onnx, then privet up mpc MODEL.onnx. See README.md.");
}

impl Shipped {
    async fn run(
        &self,
        folder: &Path,
        bar: &indicatif::ProgressBar,
    ) -> Result<(Vec<Line>, Vec<Size>), Failure> {
        let (model, data) = self.write(folder)?;
        let graph = self.graph(&model)?;
        let rows = Arc::new(rows::read(&data, &graph.inputs)?.tensors);
        let labels = self.label.map(|column| rows::labels(&data, column)).transpose()?;
        let program = program()?;
        let workload = Workload {
            program: &program,
            file: &model,
            graph: &graph,
            name: self.name,
            ranges: Some(&rows),
            rows: &rows,
            how: HOW,
            network: Network::default(),
        };
        let mut running: Vec<Running> = Vec::new();
        let asked = self.ask_all(&workload, &rows, labels.as_deref(), &mut running, bar).await;
        for deployment in running {
            deployment.stop().await;
        }
        asked
    }

    /// Every kind at once, each asked in turn, so that what disturbs the machine disturbs all.
    async fn ask_all(
        &self,
        workload: &Workload<'_>,
        rows: &Arc<Vec<Tensor>>,
        labels: Option<&[f64]>,
        running: &mut Vec<Running>,
        bar: &indicatif::ProgressBar,
    ) -> Result<(Vec<Line>, Vec<Size>), Failure> {
        let mut deployed = Vec::new();
        for kind in KINDS {
            let deployment = workload.start(Way { kind, protocol: PROTOCOLS[0] }).await?;
            let file = deployment.file();
            running.push(deployment);
            deployed.push((kind, Deployed::open_with(&file, DEADLINE, &own())?));
            bar.inc(1);
        }
        let (mut lines, mut plain): (Vec<Line>, Option<Vec<Tensor>>) = (Vec::new(), None);
        for (kind, deployed) in &deployed {
            let (line, outputs) = self.ask(*kind, deployed, rows, plain.as_deref(), labels).await?;
            plain.get_or_insert(outputs);
            lines.push(line);
        }
        let mut sizes = Vec::new();
        for batch in SIZES {
            sizes.push(self.size(&deployed, &Arc::new(cycled(rows, batch)), batch).await?);
        }
        Ok((lines, sizes))
    }

    /// The same rows in one request of each kind, again and again.
    async fn size(
        &self,
        deployed: &[(Kind, Deployed)],
        rows: &Arc<Vec<Tensor>>,
        batch: usize,
    ) -> Result<Size, Failure> {
        let mut samples = vec![Vec::new(); deployed.len()];
        let mut outputs: Vec<Vec<Tensor>> = vec![Vec::new(); deployed.len()];
        for round in 0..=REPEATS {
            for (at, (_, deployed)) in deployed.iter().enumerate() {
                let start = Instant::now();
                outputs[at] = deployed.predict(Arc::clone(rows)).await?.outputs;
                // The first round warms up.
                if round > 0 {
                    samples[at].push(start.elapsed().as_secs_f64());
                }
            }
        }
        let base = percentile(&samples[0], 0.5);
        let of_kind = |at: usize, (kind, deployed): &(Kind, Deployed)| {
            let median_s = percentile(&samples[at], 0.5);
            OfKind {
                kind: kind.name(),
                median_s,
                ratio_to_plain: median_s / base,
                assurance: deployed.caller().assurance().into(),
                largest_difference_from_plain: difference(&outputs[0], &outputs[at]),
            }
        };
        let kinds = deployed.iter().enumerate().map(|(at, d)| of_kind(at, d)).collect();
        Ok(Size { model: self.name, batch, kinds })
    }

    fn write(&self, folder: &Path) -> Result<(std::path::PathBuf, String), Failure> {
        let cannot = |e: std::io::Error| Failure::ours(format!("A temporary file cannot be written: {e}."));
        let folder = folder.join(self.name);
        std::fs::create_dir_all(&folder).map_err(cannot)?;
        let (model, data) = (folder.join("model.onnx"), folder.join(self.rows_file));
        std::fs::write(&model, self.model).map_err(cannot)?;
        std::fs::write(&data, self.rows).map_err(cannot)?;
        Ok((model, data.to_string_lossy().into_owned()))
    }

    fn graph(&self, model: &Path) -> Result<Graph, Failure> {
        let mut graph = read_model(model)?.graph;
        if let (Some(port), false) = (graph.inputs.first_mut(), self.columns.is_empty()) {
            port.columns = self.columns.iter().map(ToString::to_string).collect();
        }
        Ok(graph)
    }

    async fn ask(
        &self,
        kind: Kind,
        deployed: &Deployed,
        rows: &Arc<Vec<Tensor>>,
        plain: Option<&[Tensor]>,
        labels: Option<&[f64]>,
    ) -> Result<(Line, Vec<Tensor>), Failure> {
        let count = rows.first().map_or(0, |t| t.rows);
        let median_latency_s = latency(deployed, rows, count).await?;
        let (before, _) = deployed.bytes();
        let (mut fastest, mut answer) = (f64::INFINITY, None);
        for _ in 0..WHOLE_RUNS {
            let start = Instant::now();
            answer = Some(deployed.predict(Arc::clone(rows)).await?);
            fastest = fastest.min(start.elapsed().as_secs_f64());
        }
        let sent = (deployed.bytes().0 - before) as f64 / WHOLE_RUNS as f64;
        let Some(answer) = answer else { return Err(Failure::ours("Nothing was asked.".into())) };
        let line = Line {
            model: self.name,
            kind: kind.name(),
            rows: count,
            median_latency_s,
            rows_per_s: count as f64 / fastest,
            bytes_up_per_row: sent / count as f64,
            bytes_between: answer.between.bytes,
            round_trips: 1 + answer.between.rounds,
            largest_difference_from_plain: plain.map_or(0.0, |plain| difference(plain, &answer.outputs)),
            bound: deployed.caller().bound(),
            auc: labels.and_then(|labels| auc(&answer.outputs, labels)),
            assurance: deployed.caller().assurance().into(),
            trust: TrustCard::of(kind, Some((PROTOCOLS[0], Protect::Both))),
        };
        Ok((line, answer.outputs))
    }
}

/// Median seconds of a request of one row.
async fn latency(deployed: &Deployed, rows: &[Tensor], count: usize) -> Result<f64, Failure> {
    let mut samples = Vec::new();
    for i in 0..SINGLE_ROWS.min(count) {
        let row: Vec<Tensor> = rows.iter().map(|t| t.slice(i, i + 1)).collect();
        let start = Instant::now();
        deployed.predict(Arc::new(row)).await?;
        samples.push(start.elapsed().as_secs_f64());
    }
    Ok(percentile(&samples, 0.5))
}

/// Area under the ROC curve of the last column of the last numeric output: the probability that a random positive row
/// scores above a random negative one, ties counting half (Mann and Whitney).
fn auc(outputs: &[Tensor], labels: &[f64]) -> Option<f64> {
    let tensor = outputs.last()?;
    let values = tensor.to_f64()?;
    let mut pairs: Vec<(f64, bool)> = values
        .chunks(tensor.width)
        .zip(labels)
        .map(|(row, &label)| (row[row.len() - 1], label > 0.5))
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = pairs.iter().filter(|(_, positive)| *positive).count() as f64;
    let negatives = pairs.len() as f64 - positives;
    let mut rank_sum = 0.0;
    let mut below = 0;
    for ties in pairs.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let rank = below as f64 + f64::midpoint(ties.len() as f64, 1.0);
        rank_sum += rank * ties.iter().filter(|(_, positive)| *positive).count() as f64;
        below += ties.len();
    }
    (positives > 0.0 && negatives > 0.0)
        .then(|| (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

fn show(shipped: &Shipped, lines: &[Line], bar: &indicatif::ProgressBar) {
    let head = [
        "",
        "rows",
        "median latency",
        "rows/s",
        "up per row",
        "between parties",
        "round trips",
        "largest difference",
        "proven bound",
        "AUC",
        "assurance",
    ];
    let mut out = table(&head);
    for line in lines {
        out.add_row([
            line.kind.to_owned(),
            count(line.rows as f64),
            seconds(line.median_latency_s),
            count(line.rows_per_s),
            bytes(line.bytes_up_per_row),
            bytes(line.bytes_between as f64),
            line.round_trips.to_string(),
            if line.kind == "plain" {
                "-".into()
            } else {
                format!("{:.1e}", line.largest_difference_from_plain)
            },
            line.bound.map_or("-".into(), |b| format!("{b:.1e}")),
            line.auc.map_or("-".into(), |a| format!("{a:.4}")),
            line.assurance.clone(),
        ]);
    }
    bar.suspend(|| print(&format!("\n{}\n{out}", shipped.title)));
}

/// Time by rows per request, kinds side by side: medians of the same rows, the same answers.
fn show_sizes(sizes: &[Size], bar: &indicatif::ProgressBar) {
    let Some(first) = sizes.first() else { return };
    let head = first.kinds.iter().flat_map(|k| {
        let name = if k.assurance == "simulated" { format!("{} (SIMULATED)", k.kind) } else { k.kind.into() };
        if k.kind == "plain" { vec![name] } else { vec![name, "to plain".into()] }
    });
    let head: Vec<String> = std::iter::once("rows per request".into()).chain(head).collect();
    let mut out = table(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for size in sizes {
        let cells = size.kinds.iter().flat_map(|k| {
            let time = seconds(k.median_s);
            if k.kind == "plain" { vec![time] } else { vec![time, format!("{:.2}x", k.ratio_to_plain)] }
        });
        out.add_row(std::iter::once(count(size.batch as f64)).chain(cells).collect::<Vec<_>>());
    }
    bar.suspend(|| print(&format!("The same rows, the same answers, by rows per request:\n{out}")));
}

#[cfg(test)]
mod tests {
    use privet_model::tensor::Data;

    use super::*;

    #[test]
    fn auc_is_the_chance_of_right_order() {
        let scores = |v: Vec<f64>| [Tensor { rows: v.len(), width: 1, data: Data::F64(v) }];
        let labels = [0.0, 0.0, 1.0, 1.0];
        assert_eq!(auc(&scores(vec![0.1, 0.4, 0.35, 0.8]), &labels), Some(0.75));
        assert_eq!(auc(&scores(vec![0.5; 4]), &labels), Some(0.5));
        assert_eq!(auc(&scores(vec![0.5; 4]), &[1.0; 4]), None);
    }
}
