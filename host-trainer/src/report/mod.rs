//! What the reports of both tasks share: charts, drawings, and how a page looks.

pub(crate) mod chart;
pub(crate) mod page;
pub(crate) mod svg;
