//! What the reports of both tasks share: charts, contact sheets, drawings, and how a page looks.

pub(crate) mod chart;
pub(crate) mod page;
pub(crate) mod sheet;
pub(crate) mod svg;
pub(crate) mod table;
