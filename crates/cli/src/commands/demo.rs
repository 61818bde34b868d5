//! `privet demo`: two real models, real rows, plain and by three parties, side by side.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use privet_bench::measure::{difference, percentile};
use privet_deploy::kind::Kind;
use privet_deploy::trust::TrustCard;
use privet_model::graph::Graph;
use privet_model::tensor::Tensor;
use privet_mpc::protect::Protect;
use privet_serve::deployed::Deployed;
use privet_serve::roles::read_model;
use serde::Serialize;

use crate::args::{DemoArgs, PlanArgs, ProtectArg, RevealArg};
use crate::commands::bench::Workload;
use crate::commands::table::table;
use crate::failure::Failure;
use crate::output::{bytes, count, print, progress, seconds};
use crate::rows;

/// Requests of one row, for the median latency.
const SINGLE_ROWS: usize = 50;
/// Runs over all rows, of which the fastest counts.
const WHOLE_RUNS: usize = 3;
const DEADLINE: Duration = Duration::from_secs(60);

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
    trust: TrustCard,
}

pub(crate) async fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let cannot = |e: std::io::Error| Failure::ours(format!("A temporary folder cannot be made: {e}."));
    let folder = tempfile::Builder::new().prefix("privet-demo-").tempdir().map_err(cannot)?;
    let bar = progress(4, "deploying and asking");
    let mut all = Vec::new();
    for shipped in &SHIPPED {
        let lines = shipped.run(folder.path(), &bar).await?;
        if !args.json {
            show(shipped, &lines, &bar);
        }
        all.extend(lines);
    }
    bar.finish_and_clear();
    if args.json {
        let text = serde_json::json!({ "results": all }).to_string();
        print(&text);
    } else {
        print("\nWho could see what\n");
        for kind in [Kind::Plain, Kind::Mpc] {
            print(&TrustCard::of(kind, Some(Protect::Both)).to_string());
        }
        print(
            "The UCI rows: I-C. Yeh, Default of Credit Card Clients, 2016, doi 10.24432/C55S3H, CC BY 4.0.",
        );
        print("The model was trained on most of them, so this AUC is not one of unseen rows.");
        print("\nNext: privet check MODEL.onnx, then privet up mpc MODEL.onnx. See README.md.");
    }
    Ok(ExitCode::SUCCESS)
}

impl Shipped {
    async fn run(&self, folder: &Path, bar: &indicatif::ProgressBar) -> Result<Vec<Line>, Failure> {
        let (model, data) = self.write(folder)?;
        let graph = self.graph(&model)?;
        let rows = Arc::new(rows::read(&data, &graph.inputs)?.tensors);
        let labels = self.label.map(|column| rows::labels(&data, column)).transpose()?;
        let options = PlanArgs {
            accuracy: 1e-4,
            protocol: "replicated3".into(),
            reveal: RevealArg::Score,
            protect: ProtectArg::Both,
            rows: None,
            name: None,
        };
        let workload = Workload {
            file: &model,
            graph: &graph,
            name: self.name.into(),
            ranges: Some(&rows),
            rows: rows.to_vec(),
            source: self.title.into(),
            plan: &options,
        };
        let mut lines: Vec<Line> = Vec::new();
        let mut plain: Option<Vec<Tensor>> = None;
        for kind in [Kind::Plain, Kind::Mpc] {
            let running = workload.start(kind).await?;
            let asked = self.ask(kind, &running.file(), &rows, plain.as_deref(), labels.as_deref()).await;
            running.stop().await;
            let (line, outputs) = asked?;
            plain.get_or_insert(outputs);
            lines.push(line);
            bar.inc(1);
        }
        Ok(lines)
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
        let mut graph = read_model(model)?;
        if let (Some(port), false) = (graph.inputs.first_mut(), self.columns.is_empty()) {
            port.columns = self.columns.iter().map(ToString::to_string).collect();
        }
        Ok(graph)
    }

    async fn ask(
        &self,
        kind: Kind,
        file: &Path,
        rows: &Arc<Vec<Tensor>>,
        plain: Option<&[Tensor]>,
        labels: Option<&[f64]>,
    ) -> Result<(Line, Vec<Tensor>), Failure> {
        let deployed = Deployed::open(file, DEADLINE)?;
        let count = rows.first().map_or(0, |t| t.rows);
        let median_latency_s = latency(&deployed, rows, count).await?;
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
            trust: TrustCard::of(kind, Some(Protect::Both)),
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
        ]);
    }
    bar.suspend(|| print(&format!("\n{}\n{out}", shipped.title)));
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
