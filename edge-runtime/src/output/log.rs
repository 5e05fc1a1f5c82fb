//! Messages for people, on standard error, written by a thread of their own: a slow reader holds up no frame, and the
//! live display makes room for them.

use super::{paint, screen};
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Messages that may wait for a slow reader; further ones are lost.
const QUEUED_MESSAGES: usize = 64;
/// How long the end of the program waits for one.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

enum Message {
    Text(Vec<u8>),
    /// Everything before this was written.
    Flush(SyncSender<()>),
}

/// Where messages go.
#[derive(Clone)]
pub struct Log(SyncSender<Message>);

/// Sends `tracing`'s messages to standard error from now on. Returns `None` if that was done before.
pub fn start_log() -> Option<Log> {
    let (sender, messages) = sync_channel(QUEUED_MESSAGES);
    thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&messages)).ok()?;
    let log = Log(sender);
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .without_time()
        .with_target(false)
        .with_ansi(paint::colour_wanted() && io::stderr().is_terminal())
        .with_max_level(tracing::Level::INFO)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).ok()?;
    Some(log)
}

impl Log {
    /// Waits, not for long, until what was said is written.
    pub fn flush(&self) {
        let (sender, written) = sync_channel(1);
        if self.0.try_send(Message::Flush(sender)).is_ok() {
            let _ = written.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let _ = self.0.try_send(Message::Text(one_line(text)));
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A message as one line: a line break in it is that of a file's name.
fn one_line(text: &[u8]) -> Vec<u8> {
    let (message, end) = text.split_at(text.len() - usize::from(text.ends_with(b"\n")));
    let mut line = Vec::with_capacity(text.len());
    for &byte in message {
        match byte {
            b'\n' => line.extend(b"\\n"),
            b'\r' => line.extend(b"\\r"),
            byte => line.push(byte),
        }
    }
    line.extend(end);
    line
}

fn write_all(messages: &Receiver<Message>) {
    while let Ok(message) = messages.recv() {
        match message {
            Message::Text(text) => screen::above(|| {
                let _ = io::stderr().write_all(&text);
            }),
            Message::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(one_line(b"a\nb\rc\n"), b"a\\nb\\rc\n");
        assert_eq!(one_line(b""), b"");
    }
}
