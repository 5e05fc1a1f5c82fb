//! `train --summary`: layers, shapes, parameters and multiply-accumulates as a table.

use super::{Net, Op};
use std::fmt::Write;

/// Digits in groups of three.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn describe(op: &Op) -> String {
    match op {
        Op::Input => "input".into(),
        Op::Conv { kernel, stride, padding, .. } => {
            let border = if *padding == 0 { "valid" } else { "same" };
            format!("conv {kernel}x{kernel} step {stride} {border}")
        }
        Op::BatchNorm { .. } => "batch norm".into(),
        Op::Relu => "relu".into(),
        Op::MaxPool { size } => format!("max pool {size}x{size}"),
        Op::Dropout(rate) => format!("dropout {rate}"),
        Op::Add => "add".into(),
        Op::Quantize(_) => "quantize to 8 bits".into(),
        Op::GlobalAveragePool => "global average pool".into(),
        Op::Flatten => "flatten".into(),
        Op::Dense { .. } => "dense".into(),
    }
}

/// The table, ending in the totals.
pub fn summary(net: &Net) -> String {
    let mut text = format!("{:<22} {:<22} {:<16} {:>12} {:>14}\n", "layer", "kind", "output", "parameters", "MACs");
    for node in &net.nodes {
        let parameters: usize = net.parameters_of(node).iter().map(|p| p.len()).sum();
        let shape = node.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ");
        let macs = net.macs_of(node);
        let blank = |n: usize| if n == 0 { String::new() } else { grouped(n) };
        let _ = writeln!(
            text,
            "{:<22} {:<22} {shape:<16} {:>12} {:>14}",
            node.name,
            describe(&node.op),
            blank(parameters),
            blank(macs)
        );
    }
    let all: usize = net.parameters().iter().map(|p| p.len()).sum();
    let fixed: usize = net.parameters().iter().filter(|p| !p.trainable).map(|p| p.len()).sum();
    let _ = writeln!(
        text,
        "\n{} parameters ({} non-trainable), {} multiply-accumulates a picture",
        grouped(all),
        grouped(fixed),
        grouped(net.macs())
    );
    text
}
