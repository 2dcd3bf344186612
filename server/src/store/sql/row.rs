//! Rows and arguments of statements, which look alike whatever database they come from or go to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::store::StoreError;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// Nothing.
    Null,
    /// A number; a truth value is 0 or 1.
    Int(i64),
    /// A text.
    Text(&'a str),
}

/// The names of the columns of an answer, which its rows share.
pub(in crate::store) type Names = Arc<[Box<str>]>;

/// The names of the columns of all answers that there were, by the statement.
#[derive(Debug, Default)]
pub(in crate::store) struct NameBook(HashMap<Box<str>, Names>);

impl NameBook {
    /// `columns`, as the rows of all answers to `sql` share them.
    pub(in crate::store) fn of<'a>(&mut self, sql: &str, columns: impl Iterator<Item = &'a str> + Clone) -> Names {
        match self.0.get(sql) {
            // They change when the schema grows.
            Some(names) if names.iter().map(AsRef::as_ref).eq(columns.clone()) => Arc::clone(names),
            _ => {
                let names: Names = columns.map(Box::from).collect();
                self.0.insert(sql.into(), Arc::clone(&names));
                names
            }
        }
    }
}

/// What stands in the columns of a row, one after the other; the texts in one piece of memory.
#[derive(Debug, Default)]
pub(in crate::store) struct Cells {
    slots: Vec<Slot>,
    texts: String,
}

#[derive(Clone, Copy, Debug)]
enum Slot {
    Null,
    Int(i64),
    /// From where to where in the texts.
    Text(usize, usize),
}

impl Cells {
    /// Room for so many.
    pub(in crate::store) fn room_for(columns: usize) -> Self {
        Self { slots: Vec::with_capacity(columns), texts: String::new() }
    }

    pub(in crate::store) fn push(&mut self, cell: Cell<'_>) {
        self.slots.push(match cell {
            Cell::Null => Slot::Null,
            Cell::Int(number) => Slot::Int(number),
            Cell::Text(text) => {
                let from = self.texts.len();
                self.texts.push_str(text);
                Slot::Text(from, self.texts.len())
            }
        });
    }

    fn get(&self, index: usize) -> Option<Cell<'_>> {
        Some(match *self.slots.get(index)? {
            Slot::Null => Cell::Null,
            Slot::Int(number) => Cell::Int(number),
            Slot::Text(from, to) => Cell::Text(self.texts.get(from..to)?),
        })
    }
}

/// A row of an answer, or some of its columns.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    names: Names,
    cells: Arc<Cells>,
    /// Which columns.
    from: usize,
    to: usize,
    /// The one after that which was asked for last: they are mostly asked for in their order.
    next: std::cell::Cell<usize>,
}

impl Row {
    pub(in crate::store) fn new(names: Names, cells: Cells) -> Self {
        Self { from: 0, to: cells.slots.len(), next: std::cell::Cell::new(0), names, cells: Arc::new(cells) }
    }

    /// The columns before and after the column `at`: of two tables that were joined, whose columns have the same names.
    pub(crate) fn split(&self, at: &str) -> Option<(Self, Self)> {
        let index = self.place(at)?;
        let after = Self { from: index + 1, next: std::cell::Cell::new(index + 1), ..self.clone() };
        Some((Self { to: index, ..self.clone() }, after))
    }

    /// What stands in the columns, in their order.
    pub(crate) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        (self.from..self.to).filter_map(|index| self.cells.get(index))
    }

    fn place(&self, name: &str) -> Option<usize> {
        let is_it = |index: &usize| self.names.get(*index).is_some_and(|column| **column == *name);
        let next = self.next.get();
        let index = (next..self.to).chain(self.from..next.min(self.to)).find(is_it)?;
        self.next.set(index + 1);
        Some(index)
    }

    /// What stands in the column `name`.
    ///
    /// # Errors
    /// [`StoreError`] where there is no such column, or something of another kind in it.
    pub(crate) fn get<'a, T: FromCell<'a>>(&'a self, name: &str) -> Result<T, StoreError> {
        let cell = self.place(name).and_then(|index| self.cells.get(index));
        let cell = cell.ok_or_else(|| StoreError::Database(format!("there is no column {name}").into()))?;
        T::from_cell(cell).ok_or_else(|| StoreError::Database(format!("the column {name} is of another kind").into()))
    }
}

/// What can stand in a column.
pub(crate) trait FromCell<'a>: Sized {
    /// It, where it is of this kind.
    fn from_cell(cell: Cell<'a>) -> Option<Self>;
}

impl FromCell<'_> for i64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(number) => Some(number),
            Cell::Null | Cell::Text(_) => None,
        }
    }
}

impl FromCell<'_> for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).map(|number| number != 0)
    }
}

impl<'a> FromCell<'a> for &'a str {
    fn from_cell(cell: Cell<'a>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text),
            Cell::Null | Cell::Int(_) => None,
        }
    }
}

impl FromCell<'_> for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        <&str>::from_cell(cell).map(str::to_owned)
    }
}

impl<'a, T: FromCell<'a>> FromCell<'a> for Option<T> {
    fn from_cell(cell: Cell<'a>) -> Option<Self> {
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
    /// Texts, for `{in ?}`.
    Texts(&'a [String]),
}

/// An [`Arg`] of one's own.
pub(crate) enum OwnArg {
    Text(Option<String>),
    Int(Option<i64>),
    Texts(Vec<String>),
}

impl Arg<'_> {
    pub(crate) fn to_own(self) -> OwnArg {
        match self {
            Self::Text(text) => OwnArg::Text(text.map(str::to_owned)),
            Self::Int(number) => OwnArg::Int(number),
            Self::Texts(texts) => OwnArg::Texts(texts.to_vec()),
        }
    }
}

impl OwnArg {
    pub(crate) fn arg(&self) -> Arg<'_> {
        match self {
            Self::Text(text) => Arg::Text(text.as_deref()),
            Self::Int(number) => Arg::Int(*number),
            Self::Texts(texts) => Arg::Texts(texts),
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

impl AsArg for Vec<String> {
    fn arg(&self) -> Arg<'_> {
        Arg::Texts(self)
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

impl AsArg for Cell<'_> {
    fn arg(&self) -> Arg<'_> {
        match *self {
            Self::Null => Arg::Text(None),
            Self::Int(number) => Arg::Int(Some(number)),
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
