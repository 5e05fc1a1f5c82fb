//! The layout of the live display: lights and bars on one line, or next to a small picture of the camera's view.

use super::paint::Ink;
pub use super::shapes::PICTURE;
use super::shapes::{Fitting, bar, led, picture_row};
use crate::event::{Event, state_name};
use crate::lights::{LightColour, Wiring};
use crate::mood::{MoodState, mood_word};
use std::fmt::Write;

const PICTURE_ROWS: usize = PICTURE / 2;
/// Columns of a probability bar next to the picture, and on the single line.
const BAR: usize = 22;
const MAX_SHORT_BAR: usize = 10;
/// Least size of a terminal that gets the picture: columns, rows.
const ROOM: (usize, usize) = (72, PICTURE_ROWS + 6);

const GREY: [u8; 3] = [120, 120, 120];

/// What is to be seen now.
#[derive(Clone, Debug)]
pub struct View {
    /// The latest event.
    pub event: Option<Event>,
    /// Frames processed a second.
    pub fps: Option<f32>,
    /// The crop, as planes of red, green and blue bytes, `PICTURE` x `PICTURE` each.
    pub picture: Vec<u8>,
    /// Whether `picture` holds the event's frame.
    pub fresh_picture: bool,
    /// Whether the run is over.
    pub ended: bool,
}

impl View {
    /// Nothing to be seen yet.
    pub fn empty() -> Self {
        Self { event: None, fps: None, picture: vec![0; 3 * PICTURE * PICTURE], fresh_picture: false, ended: false }
    }

    /// The state, while there is one.
    fn state(&self) -> Option<MoodState> {
        self.event.as_ref().filter(|_| !self.ended).map(|event| event.state)
    }

    fn title<'a>(&self, labels: &'a [String]) -> &'a str {
        match self.state() {
            Some(state) => state_name(state, labels),
            None if self.ended => "stopped",
            None => "...",
        }
    }

    /// Takes over what `newer` knows, and keeps the picture where it has none.
    pub(super) fn take_over(&mut self, newer: &Self) {
        self.event.clone_from(&newer.event);
        self.fps = newer.fps;
        if newer.fresh_picture {
            self.picture.copy_from_slice(&newer.picture);
            self.fresh_picture = true;
        } else if newer.event.as_ref().is_some_and(|event| event.frame.is_none()) {
            // Nothing is seen any more.
            self.fresh_picture = false;
        }
    }
}

struct Light {
    name: String,
    /// Whether it is a mood without a light.
    dark: bool,
    wire: String,
    colour: LightColour,
}

impl Light {
    /// The light, lit or dark; a blank for a mood that has none.
    fn symbol(&self, out: &mut String, ink: Ink, lit: bool) {
        match self.dark {
            true => out.push(' '),
            false => led(out, ink, self.colour, lit),
        }
    }
}

/// The live display's layout for one model and its lights.
pub struct Panel {
    lights: Vec<Light>,
    picture: bool,
    widest: usize,
}

impl Panel {
    /// The lights of `wiring`; `picture` asks for the small picture, where there is room and colour for it.
    pub fn new(wiring: &Wiring, picture: bool) -> Self {
        let lights: Vec<Light> = wiring
            .moods
            .iter()
            .chain([&wiring.camera])
            .map(|lamp| Light {
                name: mood_word(&lamp.name).to_owned(),
                dark: lamp.dark,
                wire: match lamp.pin {
                    _ if lamp.dark => "no light".to_owned(),
                    Some(pin) => format!("{}, GPIO {pin}", lamp.colour.name()),
                    None => lamp.colour.name().to_owned(),
                },
                colour: lamp.colour,
            })
            .collect();
        let widest = lights.iter().map(|light| light.name.chars().count()).max().unwrap_or(0);
        Self { lights, picture, widest }
    }

    pub(super) fn has_picture(&self) -> bool {
        self.picture
    }

    pub(super) fn labels(&self) -> Vec<String> {
        self.lights[..self.lights.len() - 1].iter().map(|light| light.name.clone()).collect()
    }

    /// Draws `view` into `lines`. `lit` has a bit for each light, the camera's last; `columns` and `rows` are the
    /// terminal's size, and no line is wider.
    pub fn draw(&self, view: &View, lit: u32, ink: Ink, (columns, rows): (usize, usize), lines: &mut Vec<String>) {
        lines.clear();
        let room = columns >= ROOM.0.max(PICTURE + self.widest + BAR + 34) && rows >= ROOM.1.max(self.lights.len() + 7);
        if self.picture && room && ink != Ink::None {
            self.beside_picture(view, lit, ink, lines);
        } else {
            lines.push(self.single_line(view, lit, ink, columns));
        }
    }

    fn beside_picture(&self, view: &View, lit: u32, ink: Ink, lines: &mut Vec<String>) {
        let mut right = vec![String::new(), String::new()];
        let state = view.state();
        let labels = self.labels();
        let mut title = String::new();
        match state {
            Some(MoodState::Mood(index)) => ink.foreground(&mut title, self.lights[index].colour.rgb()),
            _ => ink.foreground(&mut title, GREY),
        }
        ink.bold(&mut title);
        title.push_str(view.title(&labels));
        ink.reset(&mut title);
        right.push(title);
        right.push(String::new());
        for (index, light) in self.lights.iter().enumerate() {
            let camera = index + 1 == self.lights.len();
            if camera {
                right.push(String::new());
            }
            let mut line = String::new();
            light.symbol(&mut line, ink, lit >> index & 1 == 1);
            let _ = write!(line, " {:<width$}  ", light.name, width = self.widest);
            if camera {
                line.push_str(&" ".repeat(BAR + 7));
            } else {
                let value = self.value(view, index);
                bar(&mut line, ink, light.colour, value, BAR, state == Some(MoodState::Mood(index)));
                let _ = write!(line, " {:>3.0} % ", value * 100.0);
            }
            ink.foreground(&mut line, GREY);
            let _ = write!(line, " {}", light.wire);
            ink.reset(&mut line);
            right.push(line);
        }
        right.push(String::new());
        let mut last = String::new();
        ink.foreground(&mut last, GREY);
        last.push_str(&figures(view));
        ink.reset(&mut last);
        right.push(last);

        lines.push(String::new());
        for row in 0..PICTURE_ROWS.max(right.len()) {
            let mut line = String::from("  ");
            if row < PICTURE_ROWS {
                let picture = view.fresh_picture.then_some(view.picture.as_slice());
                picture_row(&mut line, ink, picture, row);
            } else {
                line.push_str(&" ".repeat(PICTURE));
            }
            if let Some(text) = right.get(row) {
                line.push_str("   ");
                line.push_str(text);
            }
            lines.push(line);
        }
        lines.push(String::new());
    }

    fn single_line(&self, view: &View, lit: u32, ink: Ink, columns: usize) -> String {
        let state = view.state();
        let mut line = Fitting::new(columns.saturating_sub(1));
        let camera = self.lights.len() - 1;
        line.add(2, |out| {
            led(out, ink, self.lights[camera].colour, lit >> camera & 1 == 1);
            out.push(' ');
        });
        let labels = self.labels();
        let widest = self.widest.max("no face".len());
        line.add(widest + 2, |out| {
            ink.bold(out);
            let _ = write!(out, "{:<widest$}", view.title(&labels));
            ink.reset(out);
            out.push_str("  ");
        });
        let moods = &self.lights[..camera];
        // Light, name and per cent of every mood come first; the bars share what is left.
        let plain = |light: &Light| light.name.chars().count() + " ○  100 %  ".chars().count() - 1;
        let spare = line.left.saturating_sub(moods.iter().map(plain).sum());
        let columns = (spare / moods.len().max(1)).saturating_sub(1).min(MAX_SHORT_BAR);
        // Moods without a light come last: they are the first to find no room.
        let (lit_moods, dark_moods): (Vec<_>, Vec<_>) = moods.iter().enumerate().partition(|(_, light)| !light.dark);
        for (index, light) in lit_moods.into_iter().chain(dark_moods) {
            let value = self.value(view, index);
            let columns = if columns < 3 { 0 } else { columns };
            line.add(plain(light) + columns + usize::from(columns > 0), |out| {
                light.symbol(out, ink, lit >> index & 1 == 1);
                let _ = write!(out, " {} ", light.name);
                if columns > 0 {
                    bar(out, ink, light.colour, value, columns, state == Some(MoodState::Mood(index)));
                    out.push(' ');
                }
                let _ = write!(out, "{:>3.0} %  ", value * 100.0);
            });
        }
        let figures = figures(view);
        line.add(figures.chars().count(), |out| {
            ink.foreground(out, GREY);
            out.push_str(&figures);
            ink.reset(out);
        });
        line.text
    }

    /// The smoothed probability of a label.
    fn value(&self, view: &View, index: usize) -> f32 {
        let smoothed = view.event.as_ref().and_then(|event| event.smoothed);
        smoothed.and_then(|values| values.get(index).copied()).unwrap_or(0.0)
    }
}

/// Milliseconds and rate, or why there is a fault.
fn figures(view: &View) -> String {
    if view.ended {
        return "all lights dark".to_owned();
    }
    let Some(event) = &view.event else { return "waiting for the first frame".to_owned() };
    if event.fault.is_some() || event.state == MoodState::Fault {
        return "no frames: waiting for the source".to_owned();
    }
    let mut text = String::new();
    if let (Some(latency), Some(inference)) = (event.latency, event.inference) {
        let [latency, inference] = [latency, inference].map(|value| value.as_secs_f64() * 1e3);
        let _ = write!(text, "{latency:.1} ms from camera to light, {inference:.1} ms of it the model");
    }
    if let Some(fps) = view.fps {
        let _ = write!(text, ", {fps:.0} fps");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::lights::LampWiring;
    use emotion_models::Probabilities;
    use std::time::Duration;

    fn panel(labels: &[&str]) -> Panel {
        let lamp = |name: &str, colour| LampWiring {
            name: name.to_owned(),
            pin: Some(5),
            colour,
            active_low: false,
            dark: false,
        };
        let moods = labels.iter().map(|label| lamp(label, LightColour::Green)).collect();
        Panel::new(&Wiring { moods, camera: lamp("camera", LightColour::White) }, true)
    }

    fn view(smoothed: &[f32], top: usize) -> View {
        let event = Event {
            time: Duration::ZERO,
            frame: Some(0),
            state: MoodState::Mood(top),
            lit: crate::mood::MoodSet::of(MoodState::Mood(top)),
            changed: true,
            probabilities: None,
            smoothed: Probabilities::from_slice(smoothed),
            latency: Some(Duration::from_micros(1200)),
            inference: Some(Duration::from_micros(900)),
            faces: Default::default(),
            fault: None,
        };
        View { event: Some(event), fresh_picture: true, ..View::empty() }
    }

    /// Columns of a line, without what colours it.
    fn columns(line: &str) -> usize {
        let mut count = 0;
        let mut symbols = line.chars();
        while let Some(symbol) = symbols.next() {
            if symbol == '\x1b' {
                symbols.by_ref().find(|&symbol| symbol == 'm');
            } else {
                count += 1;
            }
        }
        count
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let labels: Vec<String> = (0..16).map(|index| format!("label number {index}")).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        for labels in [&["angry", "happy", "sad"][..], &["a", "b"], &labels] {
            let panel = panel(labels);
            let smoothed = vec![1.0 / labels.len() as f32; labels.len()];
            for ink in [Ink::None, Ink::Indexed, Ink::True] {
                for width in 1..130 {
                    for height in [1, 19, 20, 40] {
                        let mut lines = Vec::new();
                        panel.draw(&view(&smoothed, 1), 2, ink, (width, height), &mut lines);
                        assert!(lines.len() <= height);
                        for line in &lines {
                            assert!(columns(line) <= width, "{width}: {line:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn eighty_columns_show_every_mood_of_the_default_model() {
        let mut lines = Vec::new();
        panel(&["angry", "happy", "sad"]).draw(&view(&[0.01, 0.97, 0.02], 1), 0b1010, Ink::None, (80, 5), &mut lines);
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert!(line.starts_with("● happy    ○ angry ") && line.contains("● happy ███"), "{line}");
        assert!(line.contains("○ sad ") && line.contains(" 97 %"), "{line}");
        assert!(!line.contains('\x1b'), "{line}");
    }

    #[test]
    fn moods_without_a_light_are_the_first_to_find_no_room() {
        let mut panel = panel(&["angry", "disgust", "fear", "happy", "neutral", "sad"]);
        [1, 2, 4].into_iter().for_each(|index| panel.lights[index].dark = true);
        let mut lines = Vec::new();
        panel.draw(&view(&[0.01, 0.0, 0.0, 0.97, 0.01, 0.01], 3), 0b100_1000, Ink::None, (80, 5), &mut lines);
        assert!(lines[0].contains("● happy") && lines[0].contains("○ sad"), "{}", lines[0]);
        assert!(!lines[0].contains("calm") && !lines[0].contains("neutral"), "{}", lines[0]);
    }

    #[test]
    fn a_large_terminal_shows_the_picture_and_a_run_that_ended_says_so() {
        let panel = panel(&["angry", "happy", "sad"]);
        let mut lines = Vec::new();
        let mut view = view(&[0.01, 0.97, 0.02], 1);
        panel.draw(&view, 0b1010, Ink::True, (100, 30), &mut lines);
        assert_eq!(lines.iter().filter(|line| line.contains('▀')).count(), PICTURE_ROWS);
        view.ended = true;
        panel.draw(&view, 0, Ink::True, (100, 30), &mut lines);
        assert!(lines.concat().contains("stopped") && !lines.concat().contains('●'));
    }
}
