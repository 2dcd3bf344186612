//! Rows and arguments of statements, which look alike whatever database they come from or go to.

use std::sync::Arc;

use crate::store::StoreError;

/// What stands in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing.
    Null,
    /// A number; a truth value is 0 or 1.
    Int(i64),
    /// A text.
    Text(String),
}

/// A row of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    names: Arc<[Box<str>]>,
    /// How many of the names belong to what was split off before.
    from: usize,
    cells: Vec<Cell>,
}

impl Row {
    pub(in crate::store) const fn new(names: Arc<[Box<str>]>, cells: Vec<Cell>) -> Self {
        Self { names, from: 0, cells }
    }

    /// The columns before and after the column `at`: of two tables that were joined, whose columns have the same names.
    pub(crate) fn split(mut self, at: &str) -> Option<(Self, Self)> {
        let index = self.names.iter().skip(self.from).position(|column| **column == *at)?;
        let cells = self.cells.split_off((index + 1).min(self.cells.len()));
        let after = Self { names: Arc::clone(&self.names), from: self.from + index + 1, cells };
        Some((self, after))
    }

    /// What stands in the columns, in their order.
    pub(crate) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// What stands in the column `name`.
    ///
    /// # Errors
    /// [`StoreError`] where there is no such column, or something of another kind in it.
    pub(crate) fn get<T: FromCell>(&self, name: &str) -> Result<T, StoreError> {
        let index = self.names.iter().skip(self.from).position(|column| **column == *name);
        let cell = index.and_then(|index| self.cells.get(index));
        let cell = cell.ok_or_else(|| StoreError::Database(format!("there is no column {name}").into()))?;
        T::from_cell(cell).ok_or_else(|| StoreError::Database(format!("the column {name} is of another kind").into()))
    }
}

/// What can stand in a column.
pub(crate) trait FromCell: Sized {
    /// It, where it is of this kind.
    fn from_cell(cell: &Cell) -> Option<Self>;
}

impl FromCell for i64 {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Int(number) => Some(*number),
            Cell::Null | Cell::Text(_) => None,
        }
    }
}

impl FromCell for bool {
    fn from_cell(cell: &Cell) -> Option<Self> {
        i64::from_cell(cell).map(|number| number != 0)
    }
}

impl FromCell for String {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.clone()),
            Cell::Null | Cell::Int(_) => None,
        }
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

/// What is put in the place of a question mark.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arg<'a> {
    /// A text, or nothing.
    Text(Option<&'a str>),
    /// A number, or nothing.
    Int(Option<i64>),
}

/// An [`Arg`] of one's own.
pub(crate) enum OwnArg {
    Text(Option<String>),
    Int(Option<i64>),
}

impl Arg<'_> {
    pub(crate) fn to_own(self) -> OwnArg {
        match self {
            Self::Text(text) => OwnArg::Text(text.map(str::to_owned)),
            Self::Int(number) => OwnArg::Int(number),
        }
    }
}

impl OwnArg {
    pub(crate) fn arg(&self) -> Arg<'_> {
        match self {
            Self::Text(text) => Arg::Text(text.as_deref()),
            Self::Int(number) => Arg::Int(*number),
        }
    }
}

/// What can be put in the place of a question mark.
pub(crate) trait AsArg {
    /// It.
    fn arg(&self) -> Arg<'_>;
}

impl AsArg for str {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(Some(self))
    }
}

impl AsArg for String {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(Some(self))
    }
}

impl AsArg for Option<String> {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(self.as_deref())
    }
}

impl AsArg for i64 {
    fn arg(&self) -> Arg<'_> {
        Arg::Int(Some(*self))
    }
}

impl AsArg for u32 {
    fn arg(&self) -> Arg<'_> {
        Arg::Int(Some(i64::from(*self)))
    }
}

impl AsArg for u64 {
    fn arg(&self) -> Arg<'_> {
        // No row has a number beyond that.
        Arg::Int(Some(i64::try_from(*self).unwrap_or(i64::MAX)))
    }
}

impl AsArg for Option<i64> {
    fn arg(&self) -> Arg<'_> {
        Arg::Int(*self)
    }
}

impl AsArg for Cell {
    fn arg(&self) -> Arg<'_> {
        match self {
            Self::Null => Arg::Text(None),
            Self::Int(number) => Arg::Int(Some(*number)),
            Self::Text(text) => Arg::Text(Some(text)),
        }
    }
}

impl<T: AsArg + ?Sized> AsArg for &T {
    fn arg(&self) -> Arg<'_> {
        (*self).arg()
    }
}

/// The arguments of a statement, in the order of its question marks.
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::sql::row::AsArg::arg(&$value)),*]
    };
}
pub(crate) use args;
