//! Which columns a value is made of.

use super::action::{Action, Step, StepId};
use super::draft::Draft;

/// The columns that the wanted values of a step are made of.
pub(crate) fn columns_of(draft: &Draft, at: StepId, is_wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut wanted: Vec<Vec<bool>> = draft.steps.iter().map(|s| vec![false; s.width]).collect();
    wanted[at] = (0..draft.width(at)).map(is_wanted).collect();
    let mut columns = Vec::new();
    for (at, step) in draft.steps[..=at].iter().enumerate().rev() {
        let of_step = std::mem::take(&mut wanted[at]);
        let values = of_step.iter().enumerate().filter(|(_, wanted)| **wanted).map(|(i, _)| i);
        match step.action {
            Action::Columns { first } => columns.extend(values.map(|i| first + i)),
            _ => values.for_each(|i| mark(draft, step, i, &mut wanted)),
        }
    }
    columns
}

/// Marks what value `i` of a step is made of.
fn mark(draft: &Draft, step: &Step, i: usize, wanted: &mut [Vec<bool>]) {
    match &step.action {
        Action::Select(indices) => wanted[step.inputs[0]][indices[i]] = true,
        Action::Sum(windows) | Action::Max(windows) => {
            windows.0[i].iter().for_each(|&from| wanted[step.inputs[0]][from] = true);
        }
        Action::Concat => {
            let mut from = i;
            for &input in &step.inputs {
                let width = draft.width(input);
                if from < width {
                    wanted[input][from] = true;
                    return;
                }
                from -= width;
            }
        }
        action if is_value_by_value(action) => {
            step.inputs.iter().for_each(|&input| wanted[input][i] = true);
        }
        _ => step.inputs.iter().for_each(|&input| wanted[input].fill(true)),
    }
}

fn is_value_by_value(action: &Action) -> bool {
    use Action::{Abs, Add, Choose, Constant, Cut, Flip, Multiply, Relu, Scale, Smooth, Subtract, Within};
    use Action::{Below, Negative, Zero};
    matches!(
        action,
        Abs | Add
            | Below
            | Choose
            | Constant(_)
            | Cut
            | Flip { .. }
            | Multiply
            | Negative
            | Relu
            | Scale { .. }
            | Smooth(_)
            | Subtract
            | Within { .. }
            | Zero
    )
}
