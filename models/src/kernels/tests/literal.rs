//! Sums and the numbers that must come of them, worked out by hand: halves, the ends of 8 bits, sums that f32 cannot hold.

use super::super::*;
use super::case::{Case, Residual};

/// A sum, its multiplier, the number that is added where something is, and the number that must come out.
type Row = (i32, f32, i32, i32);

const PLAIN: [Row; 20] = [
    (1, 0.5, 0, 0),
    (3, 0.5, 0, 2),
    (5, 0.5, 0, 2),
    (7, 0.5, 0, 4),
    (-1, 0.5, 0, 0),
    (-3, 0.5, 0, -2),
    (-5, 0.5, 0, -2),
    (3, 0.25, 0, 1),
    (253, 0.5, 0, 126),
    (255, 0.5, 0, 127),
    (1000, 0.5, 0, 127),
    (-255, 0.5, 0, -128),
    (-257, 0.5, 0, -128),
    (-1000, 0.5, 0, -128),
    (2_147_000_000, 1.0, 0, 127),
    (-2_147_000_000, 1.0, 0, -128),
    // 2.5 and an eight-millionth: f32 holds 2.5, the nearest with an even last digit, and that rounds down.
    (20_971_521, 1.0 / 8_388_608.0, 0, 2),
    (20_971_523, 1.0 / 8_388_608.0, 0, 3),
    (-20_971_521, 1.0 / 8_388_608.0, 0, -2),
    (0, 1.0, 0, 0),
];

/// Zero point -128, which cuts off below real zero.
const FROM_THE_END: [Row; 7] = [
    (-3, 0.5, 0, -128),
    (1, 0.5, 0, -128),
    (3, 0.5, 0, -126),
    (5, 0.5, 0, -126),
    (509, 0.5, 0, 126),
    (511, 0.5, 0, 127),
    (1000, 0.5, 0, 127),
];

/// Zero point 10, and what lies below is cut off: halves are rounded before the zero point is added.
const CUT_OFF: [Row; 6] =
    [(-5, 0.5, 0, 10), (0, 0.5, 0, 10), (1, 0.5, 0, 10), (3, 0.5, 0, 12), (233, 0.5, 0, 126), (235, 0.5, 0, 127)];

/// Own steps of a half, steps of a quarter from 4 on added to them, steps of one in the sum.
const RESIDUAL: Residual = Residual { own_zero: 0, own_scale: 0.5, added_zero: 4, added_scale: 0.25, scale: 1.0 };
const SUMS: [Row; 10] = [
    (1, 1.0, 4, 0),
    (3, 1.0, 4, 2),
    (1, 1.0, 6, 1),
    (0, 1.0, 6, 0),
    (0, 1.0, 10, 2),
    // 1.5 is rounded to 2 before it is halved and 0.5 added.
    (3, 0.5, 6, 2),
    (1000, 1.0, 4, 64),
    (-1000, 1.0, 4, -64),
    (1000, 1.0, 127, 94),
    (-1000, 1.0, -128, -97),
];

/// Every list, on one pixel with a channel for each row.
pub fn check<K: Kernel>(store: impl Fn(f32, i32) -> Value<K> + Copy, load: impl Fn(Value<K>, i32) -> f32 + Copy) {
    let lists: [(&[Row], i32, bool, Option<Residual>); 4] = [
        (&PLAIN, 0, false, None),
        (&FROM_THE_END, -128, false, None),
        (&CUT_OFF, 10, true, None),
        (&SUMS, 0, false, Some(RESIDUAL)),
    ];
    for (rows, output_zero, relu, residual) in lists {
        let input = Map { height: 1, width: 1, channels: 1, border: 0 };
        let output = Map { channels: rows.len(), ..input };
        let case = Case {
            whole: true,
            input,
            window: Window { kernel: [1, 1], stride: [1, 1], pad: [0, 0], pool: false },
            output,
            addend: residual.map(|_| output),
            // A value of one step, times a weight of 2.
            weights: vec![2.0; rows.len()],
            biases: rows.iter().map(|row| f64::from(row.0 - 2)).collect(),
            multipliers: rows.iter().map(|row| row.1).collect(),
            values: vec![8.0],
            added: rows.iter().map(|row| row.2 as f32).collect(),
            input_zero: 7,
            output_zero,
            relu,
            residual,
        };
        let expected: Vec<f32> = rows.iter().map(|row| row.3 as f32).collect();
        assert_eq!(case.computed::<K>(store, load), expected, "{}", K::NAME);
        assert_eq!(case.numbers(), expected, "the definition itself");
    }
}
