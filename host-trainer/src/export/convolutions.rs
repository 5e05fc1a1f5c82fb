//! The kinds of a quantised graph's convolutions.

use crate::failure::{Kind, failure};
use crate::nets::{Net, Op};
use anyhow::Result;
use emotion_models::pb::ModelProto;

/// Refuses the graph of a quantised net whose convolutions are not all integer. A convolution that is the net's last layer, a face
/// net's head, stays in floating point, as a classifier's last layer does.
///
/// # Errors
/// Says how many are of which kind.
pub fn check_convolutions(net: &Net, model: &ModelProto) -> Result<()> {
    if !net.is_quantized() {
        return Ok(());
    }
    let count =
        |kind: &str| model.graph.iter().flat_map(|graph| &graph.node).filter(|node| node.op_type == kind).count();
    let is_convolution = |index: &usize| matches!(net.nodes[*index].op, Op::Conv { .. });
    let (heads, inner): (Vec<usize>, Vec<usize>) =
        (0..net.nodes.len()).filter(is_convolution).partition(|&index| net.is_last(index));
    let (wanted, integer, float) = (inner.len(), count("QLinearConv"), count("Conv"));
    if integer == wanted && float == heads.len() {
        return Ok(());
    }
    let message = format!(
        "nothing was written: of the net's {wanted} convolutions before its last layer the exported graph has {integer} in integers and {float} in \
         floating point; this is a fault in the export, please report it"
    );
    Err(failure(Kind::Model, message))
}
