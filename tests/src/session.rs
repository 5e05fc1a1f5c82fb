//! Running a program to its end, or part of the way.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
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
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Session {
    /// Starts `command`; its standard input is a pipe.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = drain(child.stdout.take().expect("piped"));
        let stderr = drain(child.stderr.take().expect("piped"));
        Session { command: format!("{command:?}"), stdin: child.stdin.take(), child, stdout, stderr }
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
        let text = |reader: JoinHandle<String>| reader.join().expect("the reader does not panic");
        Finished { command: self.command, status, stdout: text(self.stdout), stderr: text(self.stderr) }
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

fn drain(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = vec![];
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
