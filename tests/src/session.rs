//! Running a program to its end, or part of the way.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// After this long a program hangs, however slow and busy the machine is.
const HANGS: Duration = Duration::from_secs(600);

/// A program that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The command line, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Finished {
    /// The exit code; panics where a signal ended the program.
    #[track_caller]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:#?}"))
    }

    /// Checks the exit code and gives this back.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "{}\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr);
        self
    }

    /// Checks that it failed with `code` and an error text for people that holds each of `words`: no panic, no backtrace,
    /// and not on standard output.
    #[track_caller]
    pub fn expect_error(self, code: i32, words: &[&str]) -> Self {
        let this = self.expect_code(code);
        assert!(!this.stderr.contains("panicked"), "{}\n{}", this.command, this.stderr);
        for word in words {
            assert!(this.stderr.contains(word), "{word:?} is missing: {}\nstderr: {}", this.command, this.stderr);
        }
        this
    }

    /// Standard output's lines, each of them JSON.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// A program that runs.
pub struct Session {
    command: String,
    child: Child,
    stdin: Option<ChildStdin>,
    readers: [JoinHandle<()>; 2],
    output: Collected,
    errors: Collected,
}

/// What a program has written so far.
type Collected = Arc<Mutex<Vec<u8>>>;

impl Session {
    /// Starts `command`; its standard input is a pipe.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (output, errors) = (Collected::default(), Collected::default());
        let readers = [
            collect(child.stdout.take().expect("piped"), &output),
            collect(child.stderr.take().expect("piped"), &errors),
        ];
        Session { command: format!("{command:?}"), stdin: child.stdin.take(), child, readers, output, errors }
    }

    /// Runs `command` to its end, with nothing on its standard input.
    #[track_caller]
    pub fn run(command: &mut Command) -> Finished {
        Self::start(command).finish()
    }

    /// Runs `command` to its end with `bytes` on its standard input; a program that stops reading them is not an error.
    #[track_caller]
    pub fn feed(command: &mut Command, bytes: &[u8]) -> Finished {
        let mut session = Self::start(command);
        let (mut stdin, bytes) = (session.stdin.take().expect("piped"), bytes.to_vec());
        let writer = std::thread::spawn(move || stdin.write_all(&bytes).is_ok());
        let finished = session.finish();
        let _ = writer.join();
        finished
    }

    /// The process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `happened`; false when the program ends before that.
    #[track_caller]
    pub fn wait_until(&mut self, mut happened: impl FnMut() -> bool) -> bool {
        let began = Instant::now();
        loop {
            if happened() {
                return true;
            }
            if self.child.try_wait().expect("a child of ours").is_some() {
                return happened();
            }
            if began.elapsed() > HANGS {
                self.give_up();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until a whole line of standard output holds `word`; panics when the program ends without one.
    #[track_caller]
    pub fn wait_for_line(&mut self, word: &str) {
        let output = Arc::clone(&self.output);
        let found = self.wait_until(|| {
            let so_far = text(&output);
            so_far.rsplit_once('\n').is_some_and(|(lines, _)| lines.contains(word))
        });
        assert!(found, "{} ended without {word:?}: {}{}", self.command, text(&self.output), text(&self.errors));
    }

    /// Closes its standard input and waits for the program's end.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        drop(self.stdin.take());
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                break status;
            }
            if began.elapsed() > HANGS {
                self.give_up();
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        for reader in self.readers {
            reader.join().expect("a reader does not panic");
        }
        Finished { command: self.command, status, stdout: text(&self.output), stderr: text(&self.errors) }
    }

    #[track_caller]
    fn give_up(&mut self) -> ! {
        let _ = self.child.kill();
        panic!("{} hangs: no end after {HANGS:?}", self.command)
    }
}

/// Sends `signal` (such as `INT` or `KILL`) to a process.
#[track_caller]
pub fn send(signal: &str, process: u32) {
    // The shell's own `kill`: the standard library can only send SIGKILL.
    let status = Command::new("sh").args(["-c", &format!("kill -{signal} {process}")]).stderr(Stdio::null()).status();
    assert!(status.is_ok(), "sh cannot be started: {status:?}");
}

fn collect(mut from: impl Read + Send + 'static, into: &Collected) -> JoinHandle<()> {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        let mut some = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut some) {
            into.lock().expect("no reader panics").extend_from_slice(&some[..count]);
        }
    })
}

fn text(collected: &Collected) -> String {
    String::from_utf8_lossy(&collected.lock().expect("no reader panics")).into_owned()
}
