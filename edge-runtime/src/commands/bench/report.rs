//! What `bench` found, as text, JSON and Markdown.

use crate::event::millis;
use crate::histogram::Percentiles;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// What `bench` found.
pub(super) struct BenchReport {
    /// The model's name.
    pub model: String,
    /// The model's precision.
    pub precision: String,
    /// The engine, and what it runs on.
    pub engine: String,
    /// Which frames were processed.
    pub frames: String,
    /// How long each stage takes a frame; `None` where it never ran.
    pub stages: Vec<(&'static str, Option<Percentiles>)>,
    /// What is not a stage.
    pub facts: Vec<Fact>,
    /// Where an inference's time goes, if that was asked for.
    pub layers: Option<Layers>,
}

/// The least time of each layer, kernel by kernel.
pub(super) struct Layers {
    /// What computes the convolutions, a column each.
    pub kernels: Vec<String>,
    /// Name, multiply-accumulates, and a time for each kernel.
    pub rows: Vec<(String, usize, Vec<Duration>)>,
}

impl Layers {
    fn json(&self) -> Value {
        let row = |(name, macs, times): &(String, usize, Vec<Duration>)| {
            let times: serde_json::Map<String, Value> =
                self.kernels.iter().cloned().zip(times.iter().map(|time| millis(*time).into())).collect();
            json!({ "layer": name, "macs": macs, "ms": times })
        };
        self.rows.iter().map(row).collect()
    }

    /// The table's rows, headings first: layer, multiply-accumulates, a time for each kernel.
    fn cells(&self) -> Vec<Vec<String>> {
        let micros = |time: &Duration| format!("{:.1} µs", time.as_secs_f64() * 1e6);
        let mut rows =
            vec![["layer", "MMAC"].into_iter().map(str::to_owned).chain(self.kernels.iter().cloned()).collect()];
        rows.extend(self.rows.iter().map(|(name, macs, times)| {
            let macs = if *macs == 0 { String::new() } else { format!("{:.2}", *macs as f64 / 1e6) };
            [name.clone(), macs].into_iter().chain(times.iter().map(micros)).collect()
        }));
        rows
    }
}

/// One figure that is not a stage.
pub(super) struct Fact {
    /// Its name in JSON.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Its value in JSON.
    pub json: Value,
    /// Its value for people.
    pub shown: String,
}

impl Fact {
    /// A figure that may be unknown.
    pub fn new<T: Copy + Into<Value>>(
        key: &'static str,
        name: &'static str,
        value: Option<T>,
        shown: impl Fn(T) -> String,
    ) -> Self {
        let json = value.map_or(Value::Null, Into::into);
        Self { key, name, json, shown: value.map_or_else(|| "unknown".to_owned(), shown) }
    }
}

/// A number of bytes.
pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64)
}

impl BenchReport {
    pub fn json(&self) -> Value {
        let stages: serde_json::Map<String, Value> = self
            .stages
            .iter()
            .map(|(name, found)| {
                let values = |found: &Percentiles| json!({ "p50": millis(found.p50), "p95": millis(found.p95), "p99": millis(found.p99) });
                (name.replace(' ', "_"), found.as_ref().map_or(Value::Null, values))
            })
            .collect();
        let mut report = json!({
            "model": self.model,
            "precision": self.precision,
            "engine": self.engine,
            "frames": self.frames,
            "stages_ms": stages,
        });
        for fact in &self.facts {
            report[fact.key] = fact.json.clone();
        }
        if let Some(layers) = &self.layers {
            report["layers"] = layers.json();
        }
        report
    }

    pub fn text(&self) -> String {
        let mut text = format!("model {} ({}), {}\n{}\n\n", self.model, self.precision, self.engine, self.frames);
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{:<16}{:>12}{:>12}{:>12}", "", "p50", "p95", "p99");
        for (name, found) in &self.stages {
            let [p50, p95, p99] = columns(found);
            let _ = writeln!(text, "{name:<16}{p50:>12}{p95:>12}{p99:>12}");
        }
        if self.has_idle_stage() {
            let _ = writeln!(text, "({IDLE})");
        }
        text.push('\n');
        for fact in &self.facts {
            let _ = writeln!(text, "{}: {}", fact.name, fact.shown);
        }
        for (index, cells) in self.layers.iter().flat_map(Layers::cells).enumerate() {
            let gap = if index == 0 { "\n" } else { "" };
            let _ = write!(text, "{gap}{:<20}{:>8}", cells[0], cells[1]);
            cells[2..].iter().for_each(|cell| _ = write!(text, "{cell:>18}"));
            text.push('\n');
        }
        text
    }

    fn has_idle_stage(&self) -> bool {
        self.stages.iter().any(|(_, found)| found.is_none())
    }

    pub fn markdown(&self) -> String {
        let mut text = String::from("| stage | p50 | p95 | p99 |\n|---|---:|---:|---:|\n");
        for (name, found) in &self.stages {
            let [p50, p95, p99] = columns(found);
            // Writing into a String cannot fail.
            let _ = writeln!(text, "| {name} | {p50} | {p95} | {p99} |");
        }
        if self.has_idle_stage() {
            let _ = writeln!(text, "\n{IDLE}");
        }
        text.push_str("\n| | |\n|---|---:|\n");
        for fact in &self.facts {
            let _ = writeln!(text, "| {} | {} |", fact.name, fact.shown);
        }
        for (index, cells) in self.layers.iter().flat_map(Layers::cells).enumerate() {
            let gap = if index == 0 { "\n" } else { "" };
            let _ = writeln!(text, "{gap}| {} |", cells.join(" | "));
            if index == 0 {
                let _ = writeln!(text, "|---|{}", "---:|".repeat(cells.len() - 1));
            }
        }
        let _ = writeln!(
            text,
            "\nModel `{}` ({}), {}; {}. From `edge-runtime bench --markdown`.",
            self.model, self.precision, self.engine, self.frames
        );
        text
    }
}

/// What the columns of a stage without times mean.
const IDLE: &str = "-: never ran in these frames";

/// The columns of a stage; one that never ran has no times.
fn columns(found: &Option<Percentiles>) -> [String; 3] {
    match found {
        Some(found) => [found.p50, found.p95, found.p99].map(shown),
        None => [const { "-" }; 3].map(str::to_owned),
    }
}

/// Milliseconds, or microseconds below a hundredth of one.
fn shown(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    if millis < 0.01 { format!("{:.2} µs", millis * 1e3) } else { format!("{millis:.3} ms") }
}
