//! In which order steps run: as many as can at the same time, so that their rounds are the same ones.

use privet_model::private::{Action, Program, StepId};

/// Steps that need nothing but earlier waves, and each other in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wave {
    /// In which no party says anything, in order.
    pub(super) quiet: Vec<StepId>,
    /// In which parties talk: after the quiet ones, in any order.
    pub(super) talking: Vec<StepId>,
}

/// By step, how often its value is needed.
pub(super) fn uses(program: &Program) -> Vec<usize> {
    let mut uses = vec![0; program.steps.len()];
    program.steps.iter().flat_map(|s| &s.inputs).for_each(|&input| uses[input] += 1);
    program.shown.iter().for_each(|s| uses[s.step] += 1);
    uses
}

/// All steps. A step is in the wave of as many talking steps as lie before it on the longest way.
pub(super) fn waves(program: &Program) -> Vec<Wave> {
    let uses = uses(program);
    let mut waves: Vec<Wave> = Vec::new();
    // By step, the wave in which its value is there.
    let mut there: Vec<usize> = Vec::with_capacity(uses.len());
    for (at, step) in program.steps.iter().enumerate() {
        let wave = step.inputs.iter().map(|&input| there[input]).max().unwrap_or(0);
        let talks = talks(&step.action, uses[at]);
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Wave::default);
        }
        if talks { &mut waves[wave].talking } else { &mut waves[wave].quiet }.push(at);
        there.push(wave + usize::from(talks));
    }
    waves
}

/// A wide value becomes a share, which takes a round, where it is needed more than once.
fn talks(action: &Action, uses: usize) -> bool {
    use Action::{Add, Choose, Columns, Concat, Constant, Flip, Select, Subtract, Sum, Within};
    use Action::{Conv, Linear, MatMul, Multiply, Scale};
    match action {
        Columns { .. }
        | Constant(_)
        | Add
        | Subtract
        | Sum(_)
        | Select(_)
        | Concat
        | Flip { .. }
        | Within { .. } => false,
        Linear { .. } | Conv { .. } | Scale { .. } | Multiply | MatMul(_) | Choose => uses > 1,
        _ => true,
    }
}
