//! SIGINT and SIGTERM end a run in good order, with the lights dark; a reader who is stuck does not change that.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::{Home, json_lines};

fn send(child: &Child, signal: i32) {
    // SAFETY: kill only takes numbers; the child has not been waited for, so its number is still its own.
    let answer = unsafe { libc::kill(child.id() as libc::pid_t, signal) };
    assert_eq!(answer, 0);
}

#[test]
fn signals_stop_with_success_and_a_summary() {
    let home = Home::new();
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGUSR1, libc::SIGUSR2, libc::SIGALRM] {
        let mut child = home.program(&["--source", "test-card", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        send(&child, signal);
        let sent = Instant::now();
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(sent.elapsed() < Duration::from_secs(1), "{:?}", sent.elapsed());
        assert_eq!(json_lines(&rest).last().unwrap()["event"], "summary");
    }
}

#[test]
fn a_reader_who_never_reads_holds_up_no_live_run() {
    let home = Home::new();
    let arguments = ["--source", "test-card", "--json", "--fps", "200"];
    let mut child = home.program(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    send(&child, libc::SIGTERM);
    let sent = Instant::now();
    let code = child.wait().unwrap().code();
    assert!(sent.elapsed() < Duration::from_secs(4), "{:?}", sent.elapsed());
    assert!(matches!(code, Some(0 | 143)), "{code:?}");
}

#[test]
fn a_run_that_waits_for_a_stuck_reader_is_ended_by_force() {
    let home = Home::new();
    home.picture("face.png", "sad");
    let arguments = ["--source", "images:face.png", "--every-frame", "--loop", "--json"];
    let mut child = home.program(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1000));
    send(&child, libc::SIGTERM);
    let sent = Instant::now();
    let code = child.wait().unwrap().code();
    assert!(sent.elapsed() < Duration::from_secs(4), "{:?}", sent.elapsed());
    assert_eq!(code, Some(128 + libc::SIGTERM));
}

#[test]
fn a_pipe_that_never_ends_does_not_keep_a_stopped_run() {
    let home = Home::new();
    let mut command = home.program(&["--source", "stdin:64x48:grey", "--json", "--every-frame"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let input = child.stdin.take();
    std::thread::sleep(Duration::from_millis(500));
    send(&child, libc::SIGINT);
    let sent = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(sent.elapsed() < Duration::from_secs(1));
    drop(input);
}

#[test]
fn an_interrupt_that_ends_the_pipe_too_is_no_cut_frame() {
    let home = Home::new();
    for bytes in [0, 40, 64 * 48 + 40] {
        let mut command = home.program(&["--source", "stdin:64x48:grey", "--json", "--every-frame"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(&vec![128; bytes]).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        send(&child, libc::SIGINT);
        drop(input);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{bytes} bytes");
    }
}

/// A process's state: `T` where it is stopped.
fn state(id: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).unwrap_or('?')
}

fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_that_is_stopped_goes_on_without_a_fault() {
    let home = Home::new();
    let mut child = home.program(&["--source", "test-card", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    send(&child, libc::SIGTSTP);
    wait_for("it stops", || state(child.id()) == 'T');
    std::thread::sleep(Duration::from_millis(1500));
    send(&child, libc::SIGCONT);
    wait_for("it goes on", || state(child.id()) != 'T');
    std::thread::sleep(Duration::from_millis(300));
    send(&child, libc::SIGTERM);
    let rest: String = lines.map(|line| line.unwrap() + "\n").collect();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let summary = json_lines(&rest).pop().unwrap();
    assert!(summary["faults"] == 0 && summary["frames"].as_u64().unwrap() > 3, "{summary}");
}
