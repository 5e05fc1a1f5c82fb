//! The net the project grew from, through the programs.
#![allow(clippy::unwrap_used)]

use end_to_end_tests::{Session, draw_data, edge_runtime, host_trainer};

#[test]
fn the_summary_counts_its_parameters() {
    let summary = Session::run(host_trainer().args(["train", "--arch", "lenet", "--summary"])).expect_code(0);
    for figure in ["6,153,119", "264"] {
        assert!(summary.stdout.contains(figure), "{figure} is missing:\n{}", summary.stdout);
    }
}

#[test]
#[ignore = "takes minutes; .ci/run all runs it"]
fn it_goes_the_whole_way() {
    let folder = tempfile::tempdir().unwrap();
    let (data, run, model) = (folder.path().join("faces"), folder.path().join("run"), folder.path().join("lenet.onnx"));
    draw_data(&data, 100);
    let mut train = host_trainer();
    train.args(["train", "--arch", "lenet", "--epochs", "4", "--data"]).arg(&data).arg("--out").arg(&run);
    Session::run(&mut train).expect_code(0);
    // Export compares the folded graph with the trainer on every validation and test picture.
    Session::run(host_trainer().arg("export").arg(&run).arg("--out").arg(&model)).expect_code(0);
    let mut runtime = edge_runtime();
    runtime.arg("--model").arg(&model).args(["--every-frame", "--json", "--source"]);
    runtime.arg(format!("images:{}", data.join("test").display()));
    let output = Session::run(&mut runtime).expect_code(0);
    assert_eq!(output.json_lines().iter().filter(|event| event["frame"].is_u64()).count(), 24);
}
