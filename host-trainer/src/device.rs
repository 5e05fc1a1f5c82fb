//! Where the computation runs, and through which operators.

use crate::failure::{Kind, failure};
#[cfg(any(feature = "cuda", feature = "wgpu"))]
use crate::output::tell;
use anyhow::Result;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// A kind of device, as flags and files write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DeviceName {
    /// The processor.
    #[default]
    Cpu,
    /// The first CUDA graphics card; in programs built with `--features cuda`.
    Cuda,
    /// The first graphics card that Vulkan, Metal or DirectX offers; in programs built with `--features wgpu`.
    Wgpu,
}

/// Which convolution, normalisation and pooling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OperatorSet {
    /// Ours where they exist (on the CPU), burn's elsewhere.
    #[default]
    Fast,
    /// burn's own everywhere, as a reference.
    #[serde(alias = "burn")]
    #[value(alias = "burn")]
    Reference,
}

/// A device and the operators that run on it.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Without gradients.
    device: Device,
    /// Whether our own operators run.
    fast: bool,
}

impl Engine {
    /// The processor with our own operators.
    pub fn cpu() -> Self {
        Engine { device: Device::flex(), fast: true }
    }

    /// Opens a device.
    ///
    /// # Errors
    /// When this program was built without that kind of device, or the machine has none.
    pub fn open(name: DeviceName, operators: OperatorSet) -> Result<Self> {
        match name {
            DeviceName::Cpu => Ok(Engine { device: Device::flex(), fast: operators == OperatorSet::Fast }),
            DeviceName::Cuda => graphics("cuda", cuda),
            DeviceName::Wgpu => graphics("wgpu", wgpu),
        }
    }

    /// The device on which tensors collect gradients.
    pub fn learning(&self) -> Device {
        self.device.clone().autodiff()
    }

    /// The device without gradients.
    pub fn scoring(&self) -> Device {
        self.device.clone()
    }

    /// Whether our own operators run.
    pub fn fast(&self) -> bool {
        self.fast
    }
}

/// Opens a graphics card. Missing drivers make burn panic, which is caught here and returned as an error.
fn graphics(name: &str, open: fn() -> Option<Device>) -> Result<Engine> {
    let tried = std::panic::catch_unwind(|| {
        let device = open()?;
        #[cfg(any(feature = "cuda", feature = "wgpu"))]
        if let Some(identity) = device.identity() {
            tell!("training on {}", identity.name);
        }
        // A first computation shows whether the device really works.
        let one = burn::tensor::Tensor::<1>::from_data([1.0f32], &device);
        Some((one + 1.0).into_data().try_to_vec::<f32>().ok().map(|_| device))
    });
    match tried {
        Ok(None) => {
            let message = format!(
                "this program was built without {name}; build it with: cargo build --release -p host-trainer --features {name}"
            );
            Err(failure(Kind::Usage, message))
        }
        Ok(Some(Some(device))) => Ok(Engine { device, fast: false }),
        Ok(Some(None)) | Err(_) => {
            let message = format!("--device {name}: no such device answers here; --device cpu works everywhere");
            Err(failure(Kind::Usage, message))
        }
    }
}

fn cuda() -> Option<Device> {
    #[cfg(feature = "cuda")]
    return Some(Device::cuda(0));
    #[cfg(not(feature = "cuda"))]
    None
}

fn wgpu() -> Option<Device> {
    #[cfg(feature = "wgpu")]
    return Some(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice));
    #[cfg(not(feature = "wgpu"))]
    None
}
