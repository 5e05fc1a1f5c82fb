//! Notifies the service manager as sd_notify(3) describes: ready, alive, what is shown, stopping.
//!
//! The frame loop itself feeds the watchdog, never a timer: a loop that hangs falls silent, and systemd restarts the
//! service. Messages are datagrams, sent without waiting and without allocating.

use crate::event::{Event, state_name};
use crate::frame::Frame;
use crate::mood::MoodState;
use crate::pipeline::Observer;
use emotion_models::CropBox;
use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::sync::Arc;
use std::time::Duration;

/// Where the service manager listens.
const SOCKET: &str = "NOTIFY_SOCKET";
/// After how many microseconds of silence it ends the program.
const WATCHDOG: &str = "WATCHDOG_USEC";
/// The process that must feed the watchdog; unset for any.
const WATCHDOG_PID: &str = "WATCHDOG_PID";

/// Minimum time between two status messages.
const STATUS_PAUSE: Duration = Duration::from_secs(1);
/// Longest message, in bytes; a status that does not fit is cut.
const MAX_MESSAGE: usize = 256;

type Message = heapless::String<MAX_MESSAGE>;

/// The service manager's socket.
#[derive(Debug)]
pub struct ServiceManager {
    socket: UnixDatagram,
    address: SocketAddr,
    /// The watchdog's timeout; `None` if there is no watchdog.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that started this program, after `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`; `None` where the
    /// first is not set.
    ///
    /// # Errors
    /// The socket's name is none, or the system gives no socket.
    pub fn of_environment() -> io::Result<Option<Self>> {
        let Some(name) = env::var_os(SOCKET).filter(|name| !name.is_empty()) else { return Ok(None) };
        let read = |variable| env::var(variable).ok();
        let watchdog = watchdog(read(WATCHDOG).as_deref(), read(WATCHDOG_PID).as_deref(), process::id());
        Self::at(&name, watchdog).map(Some)
    }

    /// One that listens at `name`: a path, or with a leading `@` a name in Linux' abstract namespace. It bears silence
    /// for as long as `watchdog` says.
    ///
    /// # Errors
    /// As [`ServiceManager::of_environment`].
    pub fn at(name: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // A manager that does not read must not hold up frames.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address: address(name)?, watchdog })
    }

    fn send(&self, message: &str) -> io::Result<()> {
        self.socket.send_to_addr(message.as_bytes(), &self.address).map(|_| ())
    }
}

fn address(name: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = name.as_encoded_bytes().strip_prefix(b"@") {
        return <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name);
    }
    SocketAddr::from_pathname(name)
}

fn watchdog(microseconds: Option<&str>, process: Option<&str>, own: u32) -> Option<Duration> {
    let meant = process.is_none_or(|process| process.parse() == Ok(own));
    let microseconds = microseconds?.parse().ok().filter(|&time| time > 0 && meant)?;
    Some(Duration::from_micros(microseconds))
}

/// Hands events on to another observer, and notifies the service manager, if there is one.
pub struct Supervised<'a> {
    observer: &'a mut dyn Observer,
    notifier: Option<Notifier>,
}

impl<'a> Supervised<'a> {
    /// `labels` are the model's.
    pub fn new(observer: &'a mut dyn Observer, manager: Option<ServiceManager>, labels: Vec<String>) -> Self {
        Self { observer, notifier: manager.map(|manager| Notifier::new(manager, labels)) }
    }

    /// Says that the run has ended.
    pub fn stopping(self) {
        if let Some(notifier) = self.notifier {
            // The process' end says the same.
            let _ = notifier.manager.send("STOPPING=1");
        }
    }
}

impl Observer for Supervised<'_> {
    fn event(&mut self, event: &Event, frame: Option<(&Frame, Option<CropBox>)>) {
        if let Some(notifier) = &mut self.notifier
            && (event.changed || event.fault.is_some())
        {
            notifier.status_due = Some(Status { state: event.state, fault: event.fault.clone() });
        }
        self.observer.event(event, frame);
    }

    fn turn(&mut self, now: Duration) {
        if let Some(notifier) = &mut self.notifier {
            notifier.turn(now);
        }
        self.observer.turn(now);
    }
}

struct Status {
    state: MoodState,
    fault: Option<Arc<str>>,
}

/// What the manager was sent, and what is to be sent next. A message that did not go out is sent again a turn later.
struct Notifier {
    manager: ServiceManager,
    labels: Vec<String>,
    ready: bool,
    fed: Option<Duration>,
    status_due: Option<Status>,
    status_at: Option<Duration>,
    failed: bool,
}

impl Notifier {
    fn new(manager: ServiceManager, labels: Vec<String>) -> Self {
        Self { manager, labels, ready: false, fed: None, status_due: None, status_at: None, failed: false }
    }

    fn turn(&mut self, now: Duration) {
        let due = |last: Option<Duration>, pause| last.is_none_or(|last| now.saturating_sub(last) >= pause);
        if !self.ready {
            self.ready = self.send("READY=1\nSTATUS=waiting for the first frame");
        }
        // Half the time that it bears, as sd_watchdog_enabled(3) advises.
        if let Some(longest) = self.manager.watchdog
            && due(self.fed, longest / 2)
            && self.send("WATCHDOG=1")
        {
            self.fed = Some(now);
        }
        if due(self.status_at, STATUS_PAUSE)
            && let Some(status_due) = self.status_due.take()
        {
            if self.send(&status(&status_due, &self.labels)) {
                self.status_at = Some(now);
            } else {
                self.status_due = Some(status_due);
            }
        }
    }

    /// Whether the message went out.
    fn send(&mut self, message: &str) -> bool {
        let sent = self.manager.send(message);
        if let Err(error) = &sent
            && !self.failed
        {
            self.failed = true;
            tracing::warn!("cannot reach the service manager: {error}; check {SOCKET}");
        }
        sent.is_ok()
    }
}

/// One line on the state.
fn status(status_due: &Status, labels: &[String]) -> Message {
    let name = state_name(status_due.state, labels);
    let fault = status_due.fault.as_deref();
    let parts = ["STATUS=", name, fault.map_or("", |_| ": "), fault.unwrap_or("")];
    let mut message = Message::new();
    for letter in parts.iter().flat_map(|part| part.chars()) {
        // A line break would begin another message.
        if message.push(if letter.is_control() { ' ' } else { letter }).is_err() {
            break;
        }
    }
    message
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tempfile::TempDir;

    struct Silent;

    impl Observer for Silent {
        fn event(&mut self, _: &Event, _: Option<(&Frame, Option<CropBox>)>) {}
    }

    /// A manager's end of the socket.
    struct Heard {
        socket: UnixDatagram,
        folder: TempDir,
    }

    impl Heard {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
            socket.set_nonblocking(true).unwrap();
            Self { socket, folder }
        }

        fn manager(&self, watchdog: Option<Duration>) -> Option<ServiceManager> {
            Some(ServiceManager::at(self.folder.path().join("notify").as_os_str(), watchdog).unwrap())
        }

        fn messages(&self) -> Vec<String> {
            let mut bytes = [0; 4096];
            let next = |_| self.socket.recv(&mut bytes).ok().map(|count| bytes[..count].to_vec());
            (0..).map_while(next).map(|bytes| String::from_utf8(bytes).unwrap()).collect()
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn change(state: MoodState, fault: Option<&str>) -> Event {
        Event {
            time: Duration::ZERO,
            frame: None,
            state,
            lit: crate::mood::MoodSet::of(state),
            changed: true,
            probabilities: None,
            smoothed: None,
            latency: None,
            inference: None,
            faces: Default::default(),
            picture: None,
            fault: fault.map(Arc::from),
        }
    }

    #[test]
    fn ready_comes_first_and_the_watchdog_is_fed_at_half_its_time() {
        let heard = Heard::new();
        let mut silent = Silent;
        let mut run = Supervised::new(&mut silent, heard.manager(Some(SECOND)), Vec::new());
        for turn in 0..=30 {
            run.turn(SECOND / 20 * turn);
        }
        run.stopping();
        let messages = heard.messages();
        assert!(messages[0].starts_with("READY=1\n"), "{messages:?}");
        assert_eq!(messages[1..], ["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]);
    }

    #[test]
    fn the_status_is_the_newest_state_once_a_second() {
        let heard = Heard::new();
        let mut silent = Silent;
        let mut run = Supervised::new(&mut silent, heard.manager(None), vec!["happy".to_owned()]);
        run.turn(Duration::ZERO);
        heard.messages();
        let states = [MoodState::Mood(0), MoodState::NoFace, MoodState::Unsure, MoodState::Mood(0), MoodState::NoFace];
        for (turn, state) in states.into_iter().enumerate() {
            run.event(&change(state, None), None);
            run.turn(SECOND / 4 * turn as u32);
        }
        run.turn(SECOND * 2);
        run.event(&change(MoodState::Fault, Some("no camera\nfound")), None);
        run.turn(SECOND * 3);
        run.turn(SECOND * 9);
        assert_eq!(heard.messages(), ["STATUS=happy", "STATUS=no face", "STATUS=fault: no camera found"]);
    }

    #[test]
    fn a_long_fault_is_cut_between_letters() {
        let status_due = Status { state: MoodState::Fault, fault: Some("é".repeat(200).into()) };
        let message = status(&status_due, &[]);
        assert!((MAX_MESSAGE - 1..=MAX_MESSAGE).contains(&message.len()), "{}", message.len());
        assert!(message.starts_with("STATUS=fault: éé"));
    }

    #[test]
    fn a_manager_that_does_not_read_holds_nothing_up_and_hears_the_rest_later() {
        let heard = Heard::new();
        let mut silent = Silent;
        let mut run = Supervised::new(&mut silent, heard.manager(Some(SECOND)), Vec::new());
        for turn in 0..2000 {
            run.turn(SECOND * turn);
        }
        let queued = heard.messages().len();
        assert!(queued < 2000, "the queue took {queued} messages: this test shows nothing");
        run.turn(SECOND * 2000);
        assert_eq!(heard.messages(), ["WATCHDOG=1"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_abstract_name_is_no_path() {
        let name = format!("@moodlight-test-{}", process::id());
        let socket = UnixDatagram::bind_addr(&address(OsStr::new(&name)).unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        ServiceManager::at(OsStr::new(&name), None).unwrap().send("READY=1").unwrap();
        let mut bytes = [0; 16];
        assert_eq!(socket.recv(&mut bytes).unwrap(), 7);
    }

    #[test]
    fn the_watchdog_is_for_the_process_that_is_named() {
        let second = Some(SECOND);
        assert_eq!(watchdog(Some("1000000"), None, 7), second);
        assert_eq!(watchdog(Some("1000000"), Some("7"), 7), second);
        for (time, process) in [(Some("1000000"), Some("8")), (Some("0"), None), (Some("soon"), None), (None, None)] {
            assert_eq!(watchdog(time, process, 7), None, "{time:?} {process:?}");
        }
    }
}
