//! Layers that an optimiser has joined with what follows them.

use super::{Call, image, matrix};
use crate::source::Obstacle;
use crate::translate::image::Layout;
use crate::translate::{Name, Translated, one};

pub(super) fn mat_mul(call: &mut Call<'_, '_>) -> Translated {
    let product = matrix::product(call)?;
    one(followed(call, product, Layout::Last)?)
}

pub(super) fn conv(call: &mut Call<'_, '_>) -> Translated {
    let layout = call.layout()?;
    let convolved = image::convolved(call)?;
    one(followed(call, convolved, layout)?)
}

/// The other inputs belong to the steps, in order.
fn followed(call: &mut Call<'_, '_>, mut x: Name, layout: Layout) -> Result<Name, Obstacle> {
    let steps: Vec<String> = call.attrs().texts("fused_ops").into_iter().map(str::to_owned).collect();
    let mut others = 2;
    for step in steps {
        x = match step.as_str() {
            "BiasAdd" => {
                let bias = call.input(others)?;
                others += 1;
                call.draft.bias(&x, &bias, layout)
            }
            "FusedBatchNorm" => {
                let mut given = [const { String::new() }; 4];
                for name in &mut given {
                    *name = call.input(others)?;
                    others += 1;
                }
                let [scale, shift, mean, variance] = given.each_ref().map(String::as_str);
                let epsilon = call.attrs().float("epsilon", 1e-4);
                call.draft.batch_norm(&x, [scale, shift, mean, variance], epsilon, layout)
            }
            other => activation(call, &x, other)?,
        };
    }
    Ok(x)
}

fn activation(call: &mut Call<'_, '_>, x: &str, name: &str) -> Result<Name, Obstacle> {
    let data_type = call.data_type();
    Ok(match name {
        "Relu" | "Elu" | "Sigmoid" | "Tanh" => call.draft.map(name, &[x], Vec::new()),
        "Relu6" => call.draft.clip(x, 0.0, Some(6.0), data_type),
        "LeakyRelu" => {
            let slope = call.attrs().float("leakyrelu_alpha", 0.2);
            call.draft.leaky_relu(x, slope)
        }
        "GeluExact" => call.draft.gelu(x, false),
        "GeluApproximate" => call.draft.gelu(x, true),
        other => {
            let hint = "Export the graph without the optimiser's fusions.";
            return Err(Obstacle::new(format!("It is joined with {other}, which is not supported."), hint));
        }
    })
}
