//! Which of libcamera's programs is installed, and which cameras it lists.

use crate::source::child::{end_with_us, kill_group, last_words, log_plainly, on_path};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The programs that deliver frames, the newer name first.
const PROGRAMS: [&str; 2] = ["rpicam-vid", "libcamera-vid"];
/// How long listing may take: a Pi Zero needs two seconds.
const LIST_TIMEOUT: Duration = Duration::from_secs(8);

/// The cameras libcamera lists, as it writes them; `Err` with what the program says where it fails. `None` where
/// neither `rpicam-vid` nor `libcamera-vid` is on PATH.
pub fn list_cameras() -> Option<Result<Vec<String>, String>> {
    program().map(|program| list(&program, LIST_TIMEOUT))
}

/// The first of the programs that is on PATH.
pub(super) fn program() -> Option<PathBuf> {
    on_path(&PROGRAMS)
}

fn list(program: &Path, timeout: Duration) -> Result<Vec<String>, String> {
    let mut command = Command::new(program);
    command.arg("--list-cameras").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    log_plainly(&mut command);
    end_with_us(&mut command);
    let mut child = command.spawn().map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    // Some versions list on standard output, some on standard error; a thread each, so that neither fills up.
    let listen = |pipe: Option<Box<dyn Read + Send>>| {
        thread::spawn(move || {
            let mut text = Vec::new();
            let _ = pipe.map(|pipe| pipe.take(1 << 16).read_to_end(&mut text));
            text
        })
    };
    let output = listen(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let errors = listen(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let until = Instant::now() + timeout;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(10)),
            _ => {
                kill_group(&child);
                let _ = child.kill();
                let _ = child.wait();
                return Err("it does not answer".to_owned());
            }
        }
    };
    let [output, errors] = [output, errors].map(|thread| thread.join().unwrap_or_default());
    if !status.success() {
        let said = last_words(&String::from_utf8_lossy(&errors));
        return Err(if said.is_empty() { format!("it ends ({status}) without a word") } else { said });
    }
    Ok([output, errors].iter().flat_map(|text| cameras(&String::from_utf8_lossy(text))).collect())
}

/// The lines that name a camera, such as `0 : imx708 [4608x2592] (/base/...)`.
fn cameras(text: &str) -> Vec<String> {
    let names_one = |line: &&str| {
        let number = line.split_once(':').map(|(number, _)| number.trim_end().parse::<u8>());
        number.is_some_and(|number| number.is_ok()) && line.contains('[')
    };
    text.lines().map(str::trim).filter(names_one).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::source::child::found_in;
    use crate::source::child::tests::script;

    #[test]
    fn cameras_are_read_from_the_list() {
        let list = "Available cameras\n-----------------\n0 : imx708 [4608x2592 10-bit RGGB] (/base/soc/i2c0mux)\n    \
                    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]\n1 : ov5647 [2592x1944]\n";
        let found = cameras(list);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("0 : imx708") && found[1].starts_with("1 : ov5647"));
        assert!(cameras("No cameras available!\n").is_empty());
    }

    #[test]
    fn the_program_is_asked_and_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let list = |text: &str| list(&script(folder.path(), "rpicam-vid", text), Duration::from_millis(500));
        assert_eq!(list("echo '0 : imx219 [3280x2464]' >&2").unwrap(), ["0 : imx219 [3280x2464]"]);
        assert_eq!(list("echo 'No cameras available!'").unwrap(), [""; 0]);
        assert_eq!(
            list("echo '[0:00:01.5] [99] ERROR no such tuning' >&2; exit 3").unwrap_err(),
            "ERROR no such tuning"
        );
        assert_eq!(list("kill -SEGV $$").unwrap_err(), "it ends (signal: 11 (SIGSEGV)) without a word");
        let start = Instant::now();
        assert_eq!(list("exec sleep 60").unwrap_err(), "it does not answer");
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn the_newer_name_wins_wherever_it_is() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = std::env::join_paths([first.path(), second.path()]).unwrap();
        assert_eq!(found_in(&path, &PROGRAMS), None);
        let older = script(first.path(), "libcamera-vid", "");
        assert_eq!(found_in(&path, &PROGRAMS), Some(older));
        // A file that cannot be started is no program.
        std::fs::write(first.path().join("rpicam-vid"), "").unwrap();
        let newer = script(second.path(), "rpicam-vid", "");
        assert_eq!(found_in(&path, &PROGRAMS), Some(newer));
    }
}
