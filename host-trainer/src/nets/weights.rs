//! The values of a net's parameters, by name.

use super::QuantParamsSource;
use super::{Net, Node, Parameter, Start};
use crate::random::{Purpose, stream};
use emotion_models::QuantParams;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// One tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Shape.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// Tensors by name, in name order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights(pub BTreeMap<String, Array>);

/// Why weights could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file system said no.
    #[error("cannot read weights from {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a safetensors file, or cut short.
    #[error("{path} is not a whole safetensors file ({reason}); train again or resume from another checkpoint")]
    Format {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl Weights {
    /// Fresh weights for a net; the same seed gives the same weights.
    pub fn initial(net: &Net, seed: u64) -> Self {
        let mut rng = stream(Purpose::Weights, seed, 0, 0);
        Weights(net.parameters().into_iter().map(|p| (p.name.clone(), start(&p, &mut rng))).collect())
    }

    /// The values of one tensor; empty when there is none of that name.
    pub fn values(&self, name: &str) -> &[f32] {
        self.0.get(name).map_or(&[], |array| &array.values)
    }

    /// Scale and zero point of an [`super::Op::Quantize`] layer; of one that has seen nothing yet, the smallest scale there is.
    pub fn quant_params(&self, node: &Node, source: QuantParamsSource) -> QuantParams {
        match (source, self.values(&format!("{}.range", node.name))) {
            (QuantParamsSource::Given(params), _) => params,
            (QuantParamsSource::Observed, &[low, high]) => QuantParams::over(low, high),
            (QuantParamsSource::Observed, _) => QuantParams::over(0.0, 0.0),
        }
    }

    /// Writes a safetensors file; `notes` go into its header.
    ///
    /// # Errors
    /// What the file system says, and the file keeps its former content.
    pub fn save(&self, path: &Path, notes: &BTreeMap<String, String>) -> anyhow::Result<()> {
        let bytes: Vec<(&String, &Array, Vec<u8>)> = self
            .0
            .iter()
            .map(|(name, array)| (name, array, array.values.iter().flat_map(|v| v.to_le_bytes()).collect()))
            .collect();
        let views = bytes.iter().map(|(name, array, bytes)| {
            TensorView::new(Dtype::F32, array.shape.clone(), bytes).map(|view| (name.as_str(), view))
        });
        let views = views.collect::<Result<Vec<_>, _>>()?;
        let notes = Some(notes.clone().into_iter().collect());
        let file = safetensors::serialize(views, notes)?;
        Ok(crate::files::write_whole(path, &file)?)
    }

    /// Reads a safetensors file of 32-bit floats, and the notes in its header.
    ///
    /// # Errors
    /// [`WeightsError`] names the file and what is wrong with it.
    pub fn load(path: &Path) -> Result<(Self, BTreeMap<String, String>), WeightsError> {
        let name = || path.display().to_string();
        let file = std::fs::read(path).map_err(|source| WeightsError::Read { path: name(), source })?;
        let format = |reason: String| WeightsError::Format { path: name(), reason };
        let (_, header) = SafeTensors::read_metadata(&file).map_err(|e| format(e.to_string()))?;
        let notes = header.metadata().clone().unwrap_or_default().into_iter().collect();
        let tensors = SafeTensors::deserialize(&file).map_err(|e| format(e.to_string()))?;
        let mut weights = Weights::default();
        for (tensor, view) in tensors.tensors() {
            if view.dtype() != Dtype::F32 {
                return Err(format(format!("{tensor} holds {}, not F32", view.dtype())));
            }
            let values = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            weights.0.insert(tensor, Array { shape: view.shape().to_vec(), values });
        }
        Ok((weights, notes))
    }
}

fn start(parameter: &Parameter, rng: &mut ChaCha8Rng) -> Array {
    let len = parameter.len();
    let values = match parameter.start {
        Start::Constant(value) => vec![value; len],
        Start::Glorot { fan_in, fan_out } => {
            let limit = (6.0 / (fan_in + fan_out) as f32).sqrt();
            (0..len).map(|_| rng.random_range(-limit..limit)).collect()
        }
        Start::He { fan_in } => {
            let normal = rand_distr::Normal::new(0.0, (2.0 / fan_in as f32).sqrt());
            let draw = |rng: &mut ChaCha8Rng| normal.map_or(0.0, |n| rng.sample(n));
            (0..len).map(|_| draw(rng)).collect()
        }
    };
    Array { shape: parameter.shape.clone(), values }
}
