//! The layout of the live display: lights and bars beside small pictures of the camera's view, or lines of words.

use super::paint::Ink;
use super::shapes::{Flowing, bar, led, picture_row, wrapped};
use super::thumbnail::{GAP, is_on_outline};
pub use super::thumbnail::{PICTURE, Pictures, Thumbnail};
use crate::event::{Event, state_name};
use crate::lights::{LightColour, Wiring};
use crate::mood::{MoodState, mood_word};
use std::fmt::Write;

const PICTURE_ROWS: usize = PICTURE / 2;
/// Columns of a whole probability bar, and of the shortest that is drawn.
const BAR: usize = 22;
const MIN_BAR: usize = 4;
/// Columns of a light and the space after it, and of the figure after a bar.
const LIGHT: usize = 2;
const PER_CENT: usize = " 100 %".len();
/// Least size of a terminal that gets pictures: columns, rows.
const ROOM: (usize, usize) = (60, 16);
/// Least columns beside the pictures: a light, a mood of nine letters, a bar and its figure.
const MIN_LIGHTS: usize = 26;
/// Columns before, between and after pictures and lights.
const MARGINS: usize = 2 + 3 + 1;

const GREY: [u8; 3] = [120, 120, 120];

/// What is to be seen now.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The latest event.
    pub event: Option<Event>,
    /// Frames processed a second.
    pub fps: Option<f32>,
    /// The face's crop.
    pub face: Thumbnail,
    /// The whole frame.
    pub frame: Thumbnail,
    /// Width of the frame in pixels, on which the boxes of the event's faces count.
    pub frame_width: u32,
    /// Whether the pictures hold the event's frame.
    pub fresh_picture: bool,
    /// Whether the run is over.
    pub ended: bool,
}

impl View {
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

    /// Why the state is unsure.
    fn reason(&self) -> Option<&'static str> {
        self.event.as_ref().filter(|_| !self.ended)?.unsure()
    }

    /// Takes over what `newer` knows, and keeps the pictures where it has none.
    pub(super) fn take_over(&mut self, newer: &Self) {
        self.event.clone_from(&newer.event);
        self.fps = newer.fps;
        if newer.fresh_picture {
            self.face.clone_from(&newer.face);
            self.frame.clone_from(&newer.frame);
            self.frame_width = newer.frame_width;
            self.fresh_picture = true;
        } else if newer.event.as_ref().is_some_and(|event| event.frame.is_none()) {
            // Nothing is seen any more.
            self.fresh_picture = false;
        }
    }
}

/// Which pictures a run shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The lights alone, in words.
    Nothing,
    /// The face, which fills the frame.
    Face,
    /// The whole frame with a box around each face, and the face beside it where there is room.
    Frame,
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
    shown: Shown,
    widest: usize,
}

impl Panel {
    /// The lights of `wiring`, and the pictures that are wanted, where there is room.
    pub fn new(wiring: &Wiring, shown: Shown) -> Self {
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
        Self { lights, shown, widest }
    }

    pub(super) fn labels(&self) -> Vec<String> {
        self.lights[..self.lights.len() - 1].iter().map(|light| light.name.clone()).collect()
    }

    /// The pictures that a terminal of so many columns and rows has room for.
    pub fn pictures(&self, (columns, rows): (usize, usize)) -> Pictures {
        let wanted: &[Pictures] = match self.shown {
            Shown::Nothing => &[],
            Shown::Face => &[Pictures::Face],
            Shown::Frame => &[Pictures::Large, Pictures::Both, Pictures::Frame],
        };
        let fits = |pictures: &&Pictures| columns >= pictures.columns() + MIN_LIGHTS + MARGINS;
        let room = columns >= ROOM.0 && rows >= ROOM.1;
        wanted.iter().find(fits).copied().filter(|_| room).unwrap_or_default()
    }

    /// Draws `view` into `lines`. `lit` has a bit for each light, the camera's last; `columns` and `rows` are the
    /// terminal's size: no line is wider, and there are no more lines.
    pub fn draw(&self, view: &View, lit: u32, ink: Ink, (columns, rows): (usize, usize), lines: &mut Vec<String>) {
        lines.clear();
        match self.pictures((columns, rows)) {
            Pictures::None => self.words(view, lit, ink, (columns, rows), lines),
            pictures => self.beside_pictures(view, lit, ink, pictures, (columns, rows), lines),
        }
    }

    fn beside_pictures(
        &self,
        view: &View,
        lit: u32,
        ink: Ink,
        pictures: Pictures,
        (columns, rows): (usize, usize),
        lines: &mut Vec<String>,
    ) {
        let right = self.column(view, lit, ink, (columns - pictures.columns() - MARGINS, rows));
        let height = PICTURE_ROWS.max(right.len());
        let above = (height - right.len()) / 2;
        let blank = rows >= height + 2;
        if blank {
            lines.push(String::new());
        }
        for row in 0..height {
            let mut line = String::from("  ");
            self.pictures_row(&mut line, view, ink, pictures, row);
            if let Some(text) = row.checked_sub(above).and_then(|index| right.get(index)) {
                line.push_str("   ");
                line.push_str(text);
            }
            lines.push(line);
        }
        if blank {
            lines.push(String::new());
        }
    }

    /// A row of the whole frame, of the face, or of both.
    fn pictures_row(&self, line: &mut String, view: &View, ink: Ink, pictures: Pictures, row: usize) {
        let nothing = Thumbnail::default();
        let seen = |picture| if view.fresh_picture { picture } else { &nothing };
        if let Some([columns, rows]) = pictures.frame() {
            let frame = seen(&view.frame);
            let above = (rows / 2).saturating_sub(frame.height.div_ceil(2)) / 2;
            let shown = row.checked_sub(above);
            let marked = |x: usize, y: usize| self.outline(view, frame, x, y);
            picture_row(line, ink, frame, (shown.unwrap_or(usize::MAX / 4), columns), marked);
        }
        if let Some(side) = pictures.face() {
            if pictures.frame().is_some() {
                line.push_str(&" ".repeat(GAP));
            }
            let above = (PICTURE_ROWS - side / 2) / 2;
            let shown = row.checked_sub(above).unwrap_or(usize::MAX / 4);
            picture_row(line, ink, seen(&view.face), (shown, side), |_, _| None);
        }
    }

    /// The colour of a face's box, where a pixel of the frame's picture lies on one.
    fn outline(&self, view: &View, frame: &Thumbnail, x: usize, y: usize) -> Option<[u8; 3]> {
        let event = view.event.as_ref()?;
        let mut on = event.faces.iter().enumerate();
        let (index, face) = on.find(|(_, face)| is_on_outline(face.face.rect, view.frame_width, frame, x, y))?;
        let state = face.state.or((index == 0).then_some(event.state));
        Some(match state {
            Some(MoodState::Mood(label)) => self.lights[label].colour.rgb(),
            _ => [205; 3],
        })
    }

    /// The lines beside the pictures: title, reason, moods, camera, figures.
    fn column(&self, view: &View, lit: u32, ink: Ink, (columns, rows): (usize, usize)) -> Vec<String> {
        let state = view.state();
        let mut title = String::new();
        ink.foreground(&mut title, self.colour(state));
        ink.bold(&mut title);
        title.extend(view.title(&self.labels()).chars().take(columns));
        ink.reset(&mut title);
        let mut last: Vec<String> = wrapped(&figures(view), columns);
        if let Some(name) = view.event.as_ref().and_then(|event| event.picture.as_deref()) {
            last.insert(0, shortened(name, columns));
        }
        let camera = self.lights.len() - 1;
        // What is not needed goes first where rows are few: figures, then moods without a light, then the others.
        let mut moods: Vec<usize> = (0..camera).collect();
        while 3 + moods.len() + last.len() > rows {
            match last.pop() {
                Some(_) => {}
                None => {
                    let dark = moods.iter().rposition(|&index| self.lights[index].dark);
                    moods.remove(dark.unwrap_or(moods.len() - 1));
                }
            }
        }
        let grey = |text: &str| {
            let mut line = String::new();
            ink.foreground(&mut line, GREY);
            line.extend(text.chars().take(columns));
            ink.reset(&mut line);
            line
        };
        let mut right = vec![title, grey(view.reason().unwrap_or_default())];
        let mut blanks = rows - 3 - moods.len() - last.len();
        right.extend(moods.into_iter().map(|index| self.light_line(view, lit, ink, columns, index)));
        let mut blank = |right: &mut Vec<String>| {
            if blanks > 0 {
                blanks -= 1;
                right.push(String::new());
            }
        };
        blank(&mut right);
        right.push(self.light_line(view, lit, ink, columns, camera));
        blank(&mut right);
        right.extend(last.iter().map(|line| grey(line)));
        right
    }

    /// A light with its bar, its figure and, where there is room, where it hangs.
    fn light_line(&self, view: &View, lit: u32, ink: Ink, columns: usize, index: usize) -> String {
        let light = &self.lights[index];
        let wire = self.lights.iter().map(|light| light.wire.chars().count()).max().unwrap_or(0);
        let name_columns = self.widest.min(columns - LIGHT - PER_CENT);
        let left = columns - LIGHT - name_columns - PER_CENT;
        let bar_columns = (left.saturating_sub(2)).min(BAR);
        let mut line = String::new();
        light.symbol(&mut line, ink, lit >> index & 1 == 1);
        let name: String = light.name.chars().take(name_columns).collect();
        let _ = write!(line, " {name:<name_columns$}");
        let is_camera = index + 1 == self.lights.len();
        let mut drawn = LIGHT + name_columns;
        if !is_camera {
            let value = self.value(view, index);
            if bar_columns >= MIN_BAR {
                line.push_str("  ");
                bar(&mut line, ink, light.colour, value, bar_columns, view.state() == Some(MoodState::Mood(index)));
                drawn += 2 + bar_columns;
            }
            let _ = write!(line, "{:>width$.0} %", value * 100.0, width = PER_CENT - 2);
            drawn += PER_CENT;
        }
        let wire_at = LIGHT + name_columns + 2 + BAR + PER_CENT + 2;
        if wire_at + wire <= columns {
            line.push_str(&" ".repeat(wire_at - drawn));
            ink.foreground(&mut line, GREY);
            line.push_str(&light.wire);
            ink.reset(&mut line);
        }
        line
    }

    /// Everything in words, the state first.
    fn words(&self, view: &View, lit: u32, ink: Ink, (columns, rows): (usize, usize), lines: &mut Vec<String>) {
        let mut flowing = Flowing::new(lines, columns.saturating_sub(1), rows);
        let (state, labels) = (view.state(), self.labels());
        let camera = self.lights.len() - 1;
        let winner = match state {
            Some(MoodState::Mood(index)) => Some(index),
            _ => None,
        };
        if let Some(index) = winner {
            self.mood_word(&mut flowing, view, lit, ink, index, true);
        } else {
            let title = view.title(&labels);
            flowing.add(title.chars().count(), 2, |out| {
                ink.bold(out);
                out.push_str(title);
                ink.reset(out);
            });
            if let Some(reason) = view.reason() {
                let reason = format!("({reason})");
                reason.split(' ').for_each(|word| flowing.add(word.chars().count(), 1, |out| out.push_str(word)));
            }
        }
        // Moods without a light come last: they are the first to find no room.
        let others = (0..camera).filter(|&index| Some(index) != winner);
        let (lit_moods, dark_moods): (Vec<usize>, Vec<usize>) = others.partition(|&index| !self.lights[index].dark);
        for index in lit_moods {
            self.mood_word(&mut flowing, view, lit, ink, index, false);
        }
        flowing.add(LIGHT + self.lights[camera].name.chars().count(), 2, |out| {
            self.lights[camera].symbol(out, ink, lit >> camera & 1 == 1);
            let _ = write!(out, " {}", self.lights[camera].name);
        });
        for index in dark_moods {
            self.mood_word(&mut flowing, view, lit, ink, index, false);
        }
        let mut gap = 2;
        let name = view.event.as_ref().and_then(|event| event.picture.as_deref());
        for word in name.into_iter().chain(figures(view).split(' ')) {
            let word = shortened(word, columns.saturating_sub(1));
            flowing.add(word.chars().count(), gap, |out| {
                ink.foreground(out, GREY);
                out.push_str(&word);
                ink.reset(out);
            });
            gap = 1;
        }
    }

    /// A mood's light, name and per cent.
    fn mood_word(&self, flowing: &mut Flowing<'_>, view: &View, lit: u32, ink: Ink, index: usize, bold: bool) {
        let (light, value) = (&self.lights[index], self.value(view, index));
        let symbol = if light.dark { 0 } else { LIGHT };
        flowing.add(symbol + light.name.chars().count() + PER_CENT, 2, |out| {
            if !light.dark {
                light.symbol(out, ink, lit >> index & 1 == 1);
                out.push(' ');
            }
            if bold {
                ink.bold(out);
            }
            out.push_str(&light.name);
            let _ = write!(out, "{:>width$.0} %", value * 100.0, width = PER_CENT - 2);
            if bold {
                ink.reset(out);
            }
        });
    }

    /// The colour of a state's title.
    fn colour(&self, state: Option<MoodState>) -> [u8; 3] {
        match state {
            Some(MoodState::Mood(index)) => self.lights[index].colour.rgb(),
            _ => GREY,
        }
    }

    /// The smoothed probability of a label.
    fn value(&self, view: &View, index: usize) -> f32 {
        let smoothed = view.event.as_ref().and_then(|event| event.smoothed);
        smoothed.and_then(|values| values.get(index).copied()).unwrap_or(0.0)
    }
}

/// A name of at most so many columns: of a longer one the end, which tells pictures apart.
fn shortened(name: &str, columns: usize) -> String {
    let count = name.chars().count();
    if count <= columns {
        return name.to_owned();
    }
    let end = name.chars().skip(count + 3 - columns.max(3));
    "...".chars().chain(end).take(columns).collect()
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
        Panel::new(&Wiring { moods, camera: lamp("camera", LightColour::White) }, Shown::Face)
    }

    fn view(smoothed: &[f32], top: usize) -> View {
        let event = Event {
            time: Duration::ZERO,
            frame: Some(0),
            state: MoodState::Mood(top),
            lit: crate::mood::MoodSet::of(MoodState::Mood(top)),
            changed: true,
            smoothed: Probabilities::from_slice(smoothed),
            latency: Some(Duration::from_micros(1200)),
            inference: Some(Duration::from_micros(900)),
            ..Event::default()
        };
        let face = Thumbnail { width: PICTURE, height: PICTURE, planes: vec![90; 3 * PICTURE * PICTURE] };
        View { event: Some(event), face, fresh_picture: true, ..View::default() }
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
    fn a_few_rows_say_the_winner_first_and_break_between_words() {
        let mut lines = Vec::new();
        let panel = panel(&["angry", "happy", "sad"]);
        panel.draw(&view(&[0.01, 0.97, 0.02], 1), 0b1010, Ink::None, (80, 5), &mut lines);
        assert_eq!(
            lines,
            [
                "● happy  97 %  ○ angry   1 %  ○ sad   2 %  ● camera  1.2 ms from camera to",
                "light, 0.9 ms of it the model"
            ]
        );
        panel.draw(&view(&[0.01, 0.97, 0.02], 1), 0b1010, Ink::None, (24, 2), &mut lines);
        // What does not fit is left out.
        assert_eq!(lines, ["● happy  97 %", "○ angry   1 %  ● camera"]);
        let mut unsure = view(&[0.4, 0.4, 0.2], 1);
        unsure.event.as_mut().unwrap().state = MoodState::Unsure;
        panel.draw(&unsure, 0b1000, Ink::None, (40, 5), &mut lines);
        assert_eq!(lines[0], "unsure (no face is in view)");
    }

    #[test]
    fn from_sixty_columns_and_sixteen_rows_on_there_is_a_picture() {
        let panel = panel(&["angry", "contempt", "disgust", "fear", "happy", "neutral", "sad"]);
        let view = view(&[0.01, 0.0, 0.0, 0.0, 0.97, 0.01, 0.01], 4);
        let mut lines = Vec::new();
        for (columns, rows, pictured) in [(60, 16, true), (59, 16, false), (60, 15, false), (80, 24, true)] {
            panel.draw(&view, 0b1001_0000, Ink::True, (columns, rows), &mut lines);
            assert_eq!(lines.concat().contains('▀'), pictured, "{columns}x{rows}");
            assert!(lines.len() <= rows && lines.concat().contains("calm"), "{columns}x{rows}: {lines:?}");
        }
        // The pins are the first to go.
        panel.draw(&view, 0, Ink::None, (120, 30), &mut lines);
        assert!(lines.concat().contains("GPIO 5"));
        panel.draw(&view, 0, Ink::None, (80, 30), &mut lines);
        assert!(!lines.concat().contains("GPIO") && lines.concat().contains("██"));
    }

    #[test]
    fn moods_without_a_light_are_the_first_to_find_no_room() {
        let mut panel = panel(&["angry", "disgust", "fear", "happy", "neutral", "sad"]);
        [1, 2, 4].into_iter().for_each(|index| panel.lights[index].dark = true);
        let mut lines = Vec::new();
        panel.draw(&view(&[0.01, 0.0, 0.0, 0.97, 0.01, 0.01], 3), 0b100_1000, Ink::None, (50, 1), &mut lines);
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
