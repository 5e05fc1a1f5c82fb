//! Matrix multiplication on borrowed slices, over the `gemm` crate.

/// A read-only matrix view: element (r, c) lies at `data[r * row_stride + c * column_stride]`.
#[derive(Clone, Copy)]
pub struct MatrixView<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> MatrixView<'a> {
    /// A row-major matrix of `rows x columns`.
    ///
    /// # Panics
    /// When `data` is too short.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert!(data.len() >= rows * columns, "matrix view out of bounds");
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same elements, rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// `out = lhs * rhs`, or `out += lhs * rhs` with `accumulate`; `out` is row-major, `lhs.rows x rhs.columns`.
///
/// Single-threaded: callers split the batch over threads.
///
/// # Panics
/// When the shapes are incompatible.
pub fn matmul(out: &mut [f32], lhs: MatrixView<'_>, rhs: MatrixView<'_>, accumulate: bool) {
    let (m, k, n) = (lhs.rows, lhs.columns, rhs.columns);
    assert_eq!(k, rhs.rows, "inner dimensions differ");
    assert!(out.len() >= m * n, "output too short");
    if m == 0 || n == 0 {
        return;
    }
    // SAFETY: `out` holds m * n elements (asserted above) and is borrowed mutably; both views were
    // bounds-checked when made, and transposing only exchanges their strides.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            lhs.data.as_ptr(),
            lhs.column_stride as isize,
            lhs.row_stride as isize,
            rhs.data.as_ptr(),
            rhs.column_stride as isize,
            rhs.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    fn safe_twin(out: &mut [f32], lhs: MatrixView<'_>, rhs: MatrixView<'_>, accumulate: bool) {
        for r in 0..lhs.rows {
            for c in 0..rhs.columns {
                let sum: f32 = (0..lhs.columns)
                    .map(|i| {
                        lhs.data[r * lhs.row_stride + i * lhs.column_stride]
                            * rhs.data[i * rhs.row_stride + c * rhs.column_stride]
                    })
                    .sum();
                let cell = &mut out[r * rhs.columns + c];
                *cell = if accumulate { *cell + sum } else { sum };
            }
        }
    }

    #[test]
    fn equals_its_safe_twin() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for (m, k, n) in [(1, 1, 1), (3, 5, 7), (24, 9, 130), (17, 64, 33)] {
            let a: Vec<f32> = (0..m * k).map(|_| rng.random_range(-1.0..1.0)).collect();
            let b: Vec<f32> = (0..k * n).map(|_| rng.random_range(-1.0..1.0)).collect();
            for (transpose, accumulate) in [(false, false), (true, false), (false, true), (true, true)] {
                let (lhs, rhs) = if transpose {
                    (MatrixView::new(&a, k, m).transposed(), MatrixView::new(&b, n, k).transposed())
                } else {
                    (MatrixView::new(&a, m, k), MatrixView::new(&b, k, n))
                };
                let (mut fast, mut slow) = (vec![0.5; m * n], vec![0.5; m * n]);
                matmul(&mut fast, lhs, rhs, accumulate);
                safe_twin(&mut slow, lhs, rhs, accumulate);
                for (f, s) in fast.iter().zip(&slow) {
                    assert!((f - s).abs() < 1e-4, "{f} {s}");
                }
            }
        }
    }
}
