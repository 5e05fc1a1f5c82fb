//! `man`: the manual page, made from the command line's own definition.

use crate::cli::{Cli, SOURCES};
use crate::exit::{EXIT_CODES, Failure};
use crate::output;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};
use std::io;

const DESCRIPTION: &str = "\
Frames come from a camera, and a small neural network names the mood of the face in them: angry, happy or sad, or whatever \
labels the model has. Each mood has its light, on a pin of the Raspberry Pi's header or drawn in the terminal. A further \
light tells that the camera is on; it blinks when no mood can be known, as when the camera is unplugged.

Frames stay in memory: nothing is stored, and nothing leaves the device.

The Debian package runs this program as the service moodlight: see systemctl status moodlight for what it shows now, and \
journalctl -u moodlight for its messages.";

const FILES: [(&str, &str); 4] = [
    (
        "~/.config/moodlight/config.toml",
        "The user's configuration; below $XDG_CONFIG_HOME where that is set. The config command prints one, with comments.",
    ),
    (
        "/etc/moodlight/config.toml",
        "The system's configuration, which the service reads; others read it where the user has none.",
    ),
    ("/usr/share/moodlight/models/", "The Debian package's model, the one inside the program, with its card."),
    ("/usr/lib/systemd/system/moodlight.service", "The Debian package's service."),
];

const SIGNALS: [(&str, &str); 3] = [
    (
        "SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2",
        "Stop in good order, all lights dark. After two seconds, or at a second signal, the program ends by force, its \
         lights dark as well.",
    ),
    (
        "SIGTSTP, SIGCONT",
        "Ctrl-Z and fg: the lights go dark, a program that reads the camera stops, and both go on where they were.",
    ),
    ("SIGKILL", "Leaves the lights as they are: run the dark command, as the service does."),
];

const ENVIRONMENT: [(&str, &str); 4] = [
    ("XDG_CONFIG_HOME", "Where the user's configuration is, in place of ~/.config."),
    ("NO_COLOR", "Set to anything, turns colours off."),
    ("PATH", "Where programs that read the camera modules are searched for."),
    (
        "NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID",
        "Set by the service manager: it is told when the lights are open and the frame loop runs, what they show, and, \
         from inside the frame loop, that it still turns.",
    ),
];

pub(super) fn print() -> Result<(), Failure> {
    Ok(output::print(page()?)?)
}

fn page() -> io::Result<Vec<u8>> {
    let mut command = Cli::command();
    command.build();
    let main = Man::new(command.clone()).title("EDGE-RUNTIME").manual("Moodlight");
    let mut page = Vec::new();
    main.render_title(&mut page)?;
    main.render_name_section(&mut page)?;
    let mut text = Roff::new();
    heading(&mut text, "SYNOPSIS");
    text.text([bold("edge-runtime"), roman(" ["), italic("OPTIONS"), roman("]")]);
    text.control("br", []);
    text.text([bold("edge-runtime"), roman(" "), italic("COMMAND"), roman(" ["), italic("OPTIONS"), roman("]")]);
    heading(&mut text, "DESCRIPTION");
    for paragraph in DESCRIPTION.split("\n\n") {
        text.control("PP", []);
        text.text([roman(paragraph)]);
    }
    text.to_writer(&mut page)?;
    main.render_options_section(&mut page)?;
    page.extend(b".SH COMMANDS\n");
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        describe(command, &mut page)?;
    }
    let mut text = Roff::new();
    heading(&mut text, "SOURCES");
    listed(&mut text, SOURCES);
    heading(&mut text, "EXIT STATUS");
    listed(&mut text, EXIT_CODES);
    for (name, entries) in [("FILES", &FILES[..]), ("SIGNALS", &SIGNALS), ("ENVIRONMENT", &ENVIRONMENT)] {
        heading(&mut text, name);
        for (tag, body) in entries {
            entry(&mut text, tag, body);
        }
    }
    heading(&mut text, "SEE ALSO");
    text.text([
        bold("rpicam-vid"),
        roman("(1), "),
        bold("systemctl"),
        roman("(1), "),
        bold("journalctl"),
        roman("(1)"),
    ]);
    text.to_writer(&mut page)?;
    Ok(page)
}

/// A command, with the options that are its own.
fn describe(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let name = command.get_name();
    let mut text = Roff::new();
    text.control("SS", [format!("edge-runtime {name}").as_str()]);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    // Every option of the default command stands above already.
    let default = name == "run";
    text.text([roman(format!("{about}.{}", if default { " It takes every option above." } else { "" }))]);
    text.to_writer(page)?;
    if default {
        return Ok(());
    }
    let own = command.get_arguments().filter(|option| !option.is_global_set() && option.get_id() != "help");
    let options = Command::new("options").disable_help_flag(true).args(own.cloned());
    let mut text = Vec::new();
    Man::new(options).render_options_section(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let entries = text.split_once(".SH OPTIONS\n").map_or("", |(_, entries)| entries);
    page.extend(entries.as_bytes());
    Ok(())
}

fn heading(text: &mut Roff, name: &str) {
    text.control("SH", [name]);
}

fn entry(text: &mut Roff, tag: &str, body: &str) {
    text.control("TP", []);
    text.text([bold(tag)]);
    text.text([roman(body)]);
}

/// A list as `--help` shows it: a heading, then lines of a name, two or more spaces and what it means, then remarks.
fn listed(text: &mut Roff, list: &str) {
    for line in list.lines().skip(1).map(str::trim) {
        match line.split_once("  ") {
            Some((tag, body)) => entry(text, tag, body.trim_start()),
            None if line.is_empty() => drop(text.control("PP", [])),
            None => drop(text.text([roman(line)])),
        }
    }
}
