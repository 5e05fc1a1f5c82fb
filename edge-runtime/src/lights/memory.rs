//! Pins in memory: what the terminal draws, and what tests check.

use super::{LampWiring, Wiring};
use embedded_hal::digital::{Error, ErrorKind, ErrorType, OutputPin};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Changes kept; older ones are forgotten, so that nothing grows.
const HISTORY: usize = 1024;

/// Pins that remember what they were driven to.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Mutex<Board>>);

#[derive(Debug)]
struct Board {
    lamps: Vec<Socket>,
    /// Index of the light, and whether it was lit.
    history: VecDeque<(usize, bool)>,
}

#[derive(Debug)]
struct Socket {
    name: String,
    active_low: bool,
    high: bool,
    fails: bool,
}

/// One light that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The light's name.
    pub light: String,
    /// Whether it is lit from then on.
    pub lit: bool,
}

impl Memory {
    /// The pins of `wiring`; in the beginning all are low.
    pub fn new(wiring: &Wiring) -> Self {
        let socket = |lamp: &LampWiring| Socket {
            name: lamp.name.clone(),
            active_low: lamp.active_low,
            high: false,
            fails: false,
        };
        let lamps = wiring.moods.iter().chain([&wiring.camera]).map(socket).collect();
        Self(Arc::new(Mutex::new(Board { lamps, history: VecDeque::with_capacity(HISTORY) })))
    }

    /// The pin of a light, found by its name.
    pub fn pin(&self, wired: &LampWiring) -> Option<MemoryPin> {
        let index = self.board().lamps.iter().position(|lamp| lamp.name == wired.name)?;
        Some(MemoryPin { board: Arc::clone(&self.0), index })
    }

    /// Names of the lights that are lit, moods first.
    pub fn lit(&self) -> Vec<String> {
        let board = self.board();
        board.lamps.iter().filter(|lamp| lamp.lit()).map(|lamp| lamp.name.clone()).collect()
    }

    /// Whether each light is lit, moods in label order and then the camera, as bits from the lowest.
    pub fn bits(&self) -> u32 {
        let board = self.board();
        board.lamps.iter().enumerate().fold(0, |bits, (index, lamp)| bits | u32::from(lamp.lit()) << index)
    }

    /// The level of each pin, moods in label order and then the camera; `true` is high.
    pub fn levels(&self) -> Vec<bool> {
        self.board().lamps.iter().map(|lamp| lamp.high).collect()
    }

    /// The latest changes, oldest first.
    pub fn history(&self) -> Vec<Change> {
        let board = self.board();
        let change = |&(index, lit): &(usize, bool)| Change { light: board.lamps[index].name.clone(), lit };
        board.history.iter().map(change).collect()
    }

    /// Makes a pin fail from now on, or work again.
    pub fn fail(&self, light: &str, fails: bool) {
        for lamp in &mut self.board().lamps {
            if lamp.name == light {
                lamp.fails = fails;
            }
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Socket {
    fn lit(&self) -> bool {
        self.high != self.active_low
    }
}

/// A pin in memory.
#[derive(Debug)]
pub struct MemoryPin {
    board: Arc<Mutex<Board>>,
    index: usize,
}

/// A pin in memory that was set to fail.
#[derive(Debug)]
pub struct ToldToFail;

impl Error for ToldToFail {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl ErrorType for MemoryPin {
    type Error = ToldToFail;
}

impl MemoryPin {
    fn drive(&mut self, high: bool) -> Result<(), ToldToFail> {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        let lamp = &mut board.lamps[self.index];
        if lamp.fails {
            return Err(ToldToFail);
        }
        lamp.high = high;
        let change = (self.index, lamp.lit());
        if board.history.len() == HISTORY {
            board.history.pop_front();
        }
        board.history.push_back(change);
        Ok(())
    }
}

impl OutputPin for MemoryPin {
    fn set_low(&mut self) -> Result<(), ToldToFail> {
        self.drive(false)
    }

    fn set_high(&mut self) -> Result<(), ToldToFail> {
        self.drive(true)
    }
}
