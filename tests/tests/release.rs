//! What `.ci/release` packs: the same tarball for the same files, and a bill of materials. The builds themselves are its own.
#![allow(clippy::unwrap_used)]

use end_to_end_tests::root;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

fn tool(name: &str) -> Command {
    let mut command = Command::new(root().join(".ci/tools").join(name));
    command.current_dir(root());
    command
}

#[test]
fn a_bill_of_materials_names_every_package_with_its_licence() {
    if Command::new("python3").arg("--version").output().is_err() {
        return;
    }
    let tree = "edge-runtime v0.1.0 (/somewhere/edge-runtime)|MIT OR Apache-2.0\nemotion-models v0.1.0 (/somewhere/models)|MIT\n\
                serde v1.0.229|MIT/Apache-2.0\nserde_derive v1.0.229 (proc-macro)|MIT OR Apache-2.0\nserde v1.0.229|MIT/Apache-2.0 (*)\n";
    let bill = |text: &str| {
        let mut sbom = tool("sbom");
        sbom.args(["edge-runtime", "0.1.0"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = sbom.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let made = bill(tree);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!((&made["bomFormat"], &made["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    assert_eq!(made["metadata"]["component"]["name"], "edge-runtime");
    let names: Vec<&str> = made["components"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["emotion-models", "serde", "serde_derive"]);
    let serde = &made["components"][1];
    assert_eq!(serde["purl"], "pkg:cargo/serde@1.0.229");
    assert_eq!(serde["licenses"][0]["expression"], "MIT OR Apache-2.0");
    assert!(made["components"][0]["purl"].is_null(), "what is no package of the registry has no address there");
    assert!(!bill("no line of cargo tree\n").status.success() && !bill("").status.success());
}

#[test]
fn a_tarball_is_the_same_for_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let pack = |name: &str| {
        let out = folder.path().join(name);
        let packed = tool("release-tarball").arg("/bin/true").arg(&out).arg("moodlight-0.1.0-test").status().unwrap();
        assert!(packed.success());
        std::fs::read(out).unwrap()
    };
    assert_eq!(pack("a.tar.gz"), pack("b.tar.gz"));
    let listed = Command::new("tar").arg("tzf").arg(folder.path().join("a.tar.gz")).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for file in ["edge-runtime", "models/emotion.onnx", "models/face.md", "edge-runtime.1", "copyright", "README.md"] {
        assert!(listed.lines().any(|line| line == format!("moodlight-0.1.0-test/{file}")), "{file}: {listed}");
    }
}
