//! Checks a request against its shape: AWS ignores what it does not know, so a
//! typo would change what runs without a word.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::shapes::{Member, Shape, Shapes, members};
use super::suggest;
use super::time;

/// The problems found, each with its path. Times written as text become numbers on the way.
pub struct Check {
    shapes: Shapes,
    path: String,
    problems: Vec<Problem>,
}

pub struct Problem {
    pub path: String,
    pub message: String,
    /// A member that the shape does not have: AWS may have added it since.
    pub unknown: bool,
}

impl Check {
    /// Checks `body` as input of `operation`, whose input has the shape `input`.
    pub fn run(shapes: Shapes, operation: &str, input: &str, body: &mut Value) -> Vec<Problem> {
        let mut check = Self { shapes, path: operation.to_owned(), problems: Vec::new() };
        match shapes.shape(input) {
            Shape::Structure(line) | Shape::Union(line) => check.structure(line, false, body),
            _ => check.structure("", false, body),
        }
        check.problems
    }

    fn problem(&mut self, message: String) {
        self.problems.push(Problem { path: self.path.clone(), message, unknown: false });
    }

    fn at(&mut self, part: std::fmt::Arguments<'_>, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        let _ = self.path.write_fmt(part);
        check(self);
        self.path.truncate(length);
    }

    fn value(&mut self, shape: &'static str, value: &mut Value) {
        match self.shapes.shape(shape) {
            Shape::Anything => {}
            Shape::Text | Shape::Bytes => self.expect(value.is_string(), "text", value),
            Shape::Whole => self.expect(value.is_i64() || value.is_u64(), "a whole number", value),
            Shape::Number => self.expect(value.is_number(), "a number", value),
            Shape::Boolean => self.expect(value.is_boolean(), "true or false", value),
            Shape::Time => self.time(value),
            Shape::List(item) => self.list(item, value),
            Shape::Map(item) => self.map(item, value),
            Shape::Structure(line) => self.structure(line, false, value),
            Shape::Union(line) => self.structure(line, true, value),
        }
    }

    fn expect(&mut self, right: bool, what: &str, value: &Value) {
        if !right {
            self.problem(format!("expected {what}, got {}", describe(value)));
        }
    }

    fn time(&mut self, value: &mut Value) {
        match value {
            Value::Number(_) => {}
            Value::String(text) => match time::epoch_seconds(text) {
                Some(seconds) => *value = seconds.into(),
                None => self.problem(format!("{text:?} is not a time: expected Unix seconds or ISO 8601")),
            },
            _ => self.problem(format!("expected a time, got {}", describe(value))),
        }
    }

    fn list(&mut self, item: &'static str, value: &mut Value) {
        let Value::Array(items) = value else { return self.expect(false, "a list", value) };
        for (index, value) in items.iter_mut().enumerate() {
            self.at(format_args!("[{index}]"), |check| check.value(item, value));
        }
    }

    fn map(&mut self, item: &'static str, value: &mut Value) {
        let Value::Object(entries) = value else { return self.expect(false, "an object", value) };
        for (key, value) in entries {
            self.at(format_args!(".{key}"), |check| check.value(item, value));
        }
    }

    fn structure(&mut self, line: &'static str, union: bool, value: &mut Value) {
        let Value::Object(given) = value else { return self.expect(false, "an object", value) };
        let known: Vec<Member> = members(line).collect();
        for (name, value) in given.iter_mut() {
            match known.iter().find(|member| member.name == name) {
                Some(member) => self.at(format_args!(".{name}"), |check| check.value(member.shape, value)),
                None => self.unknown(name, &known),
            }
        }
        for member in &known {
            if member.required && !given.contains_key(member.name) {
                self.problem(format!("missing required parameter '{}'", member.name));
            }
        }
        if union && given.len() != 1 {
            self.problem(format!("exactly one of {} must be set, got {}", names(&known), given.len()));
        }
        fill_tokens(&known, given);
    }

    fn unknown(&mut self, name: &str, known: &[Member]) {
        let message = match suggest::nearest(name, known.iter().map(|member| member.name)) {
            Some(near) => format!("unknown parameter '{name}', did you mean '{near}'?"),
            None if known.is_empty() => format!("unknown parameter '{name}', there are none"),
            None => format!("unknown parameter '{name}', known are {}", names(known)),
        };
        self.problems.push(Problem { path: self.path.clone(), message, unknown: true });
    }
}

/// As boto3 does: a request without idempotency token gets one.
fn fill_tokens(known: &[Member], given: &mut Map<String, Value>) {
    for member in known.iter().filter(|member| member.token) {
        given.entry(member.name).or_insert_with(|| super::token().into());
    }
}

fn names(known: &[Member]) -> String {
    const SHOWN: usize = 12;
    let mut text = known.iter().take(SHOWN).map(|member| member.name).collect::<Vec<_>>().join(", ");
    if known.len() > SHOWN {
        let _ = write!(text, " and {} more", known.len() - SHOWN);
    }
    text
}

/// What a value is, without its content: it may be secret.
fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
