//! The input shapes of the operations we offer, from the tables in `core/shapes`.
//!
//! `core/shapes/generate.py` writes them and says how they read.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Service name, its table's text, and the text indexed by the first word of each line.
struct Table {
    service: &'static str,
    text: &'static str,
    lines: OnceLock<HashMap<&'static str, &'static str>>,
}

macro_rules! tables {
    ($count:literal: $($service:literal),+) => {
        static TABLES: [Table; $count] = [$(Table {
            service: $service,
            text: include_str!(concat!("../../shapes/", $service, ".txt")),
            lines: OnceLock::new(),
        }),+];
    };
}

tables!(7: "emr", "sfn", "glue", "ssm", "logs", "sts", "iam");

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    Whole,
    Number,
    Boolean,
    Time,
    Bytes,
    Anything,
    List(&'static str),
    Map(&'static str),
    Structure(&'static str),
    /// A structure of which exactly one member is set.
    Union(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub name: &'static str,
    pub shape: &'static str,
    pub required: bool,
    /// Made up when the caller gives none.
    pub token: bool,
}

/// The shapes of one service.
#[derive(Clone, Copy)]
pub struct Shapes(&'static HashMap<&'static str, &'static str>);

impl Shapes {
    /// `None` for a service without a table.
    pub fn of(service: &str) -> Option<Self> {
        let table = TABLES.iter().find(|table| table.service == service)?;
        Some(Self(table.lines.get_or_init(|| table.text.lines().filter_map(|line| line.split_once(' ')).collect())))
    }

    /// The name of the shape of an operation's input; `-` for one without input.
    pub fn input(self, operation: &str) -> Option<&'static str> {
        self.0.get(operation)?.strip_prefix("= ")
    }

    pub fn operations(self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter(|(_, line)| line.starts_with('=')).map(|(name, _)| *name)
    }

    /// The shape of that name; a name the table lacks cannot be checked.
    pub fn shape(self, name: &str) -> Shape {
        match name {
            "s" => Shape::Text,
            "i" => Shape::Whole,
            "n" => Shape::Number,
            "b" => Shape::Boolean,
            "t" => Shape::Time,
            "x" => Shape::Bytes,
            _ => match self.0.get(name).map(|line| line.split_at(1)) {
                Some(("[", rest)) => Shape::List(rest.trim_start()),
                Some(("<", rest)) => Shape::Map(rest.trim_start()),
                Some(("{", rest)) => Shape::Structure(rest),
                Some(("|", rest)) => Shape::Union(rest),
                _ => Shape::Anything,
            },
        }
    }
}

/// The members in a structure's line.
pub fn members(line: &'static str) -> impl Iterator<Item = Member> {
    line.split_ascii_whitespace().filter_map(|word| {
        let at = word.find([':', '!', '~'])?;
        let mark = word.as_bytes()[at];
        Some(Member { name: &word[..at], shape: &word[at + 1..], required: mark == b'!', token: mark == b'~' })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_that_is_named_is_there() {
        for table in &TABLES {
            let shapes = Shapes::of(table.service).unwrap();
            for line in table.text.lines() {
                let mut words = line.split(' ').skip(1);
                let names: Vec<&str> = match words.next().unwrap() {
                    "{" | "|" => members(line.split_once(' ').unwrap().1).map(|member| member.shape).collect(),
                    _ => words.collect(),
                };
                for name in names.into_iter().filter(|name| *name != "d" && *name != "-") {
                    assert_ne!(shapes.shape(name), Shape::Anything, "{}: {line}: {name}", table.service);
                }
            }
        }
    }

    #[test]
    fn every_operation_offered_has_a_shape() {
        for (service, operations) in crate::service::OPERATIONS {
            let shapes = Shapes::of(service).unwrap();
            for operation in *operations {
                assert!(shapes.input(operation).is_some(), "{service} {operation}: run core/shapes/generate.py");
            }
            assert_eq!(shapes.operations().count(), operations.len(), "{service}: run core/shapes/generate.py");
        }
    }
}
