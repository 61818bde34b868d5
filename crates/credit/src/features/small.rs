//! Small tables that the queries join: who applied and in which order, and what was fitted. They are Parquet files, which a
//! cluster can read as well as this process.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use privet_credit_engine::Session;

use super::applicants::Applicants;
use super::preparation::Preparation;
use crate::failure::Failure;

/// Writes and registers `applicants`, `income_by_organization` and `scores`.
pub(super) async fn register(
    session: &Session,
    folder: &Path,
    applicants: &Applicants,
    preparation: &Preparation,
) -> Result<(), Failure> {
    let positions = (0_i64..).take(applicants.ids.len()).collect::<Vec<_>>();
    let (organizations, incomes): (Vec<&String>, Vec<&f64>) =
        preparation.income_by_organization.iter().unzip();
    let organizations = StringArray::from_iter_values(organizations);
    let incomes: Float64Array = incomes.into_iter().map(|income: &f64| Some(*income)).collect();
    let mean: Float64Array = [preparation.scores_std_mean].into_iter().collect();
    let ids = Int64Array::from(applicants.ids.clone());
    let tables: [(&str, Vec<(&str, ArrayRef)>); 3] = [
        (
            "applicants",
            vec![("SK_ID_CURR", Arc::new(ids)), ("position", Arc::new(Int64Array::from(positions)))],
        ),
        (
            "income_by_organization",
            vec![("organization", Arc::new(organizations)), ("income", Arc::new(incomes))],
        ),
        ("scores", vec![("scores_std_mean", Arc::new(mean))]),
    ];
    for (name, columns) in tables {
        let path = folder.join(format!("{name}.parquet"));
        write(&path, columns)?;
        session.register_parquet(name, &path).await?;
    }
    Ok(())
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) -> Result<(), Failure> {
    let bad = |e: &dyn std::fmt::Display| Failure::writing(path, e);
    let batch = RecordBatch::try_from_iter(columns).map_err(|e| bad(&e))?;
    let file = File::create(path).map_err(|e| bad(&e))?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).map_err(|e| bad(&e))?;
    writer.write(&batch).map_err(|e| bad(&e))?;
    writer.close().map(|_| ()).map_err(|e| bad(&e))
}
