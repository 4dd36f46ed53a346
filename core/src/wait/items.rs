//! A job's description, taken from a list's reply when it is needed.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::kind::Items;

/// The descriptions in one page; parsed once, and only if one is asked for.
pub(crate) struct Descriptions<'a> {
    items: Option<&'a Items>,
    raw: Option<Vec<u8>>,
    parsed: Option<HashMap<String, Value>>,
}

impl<'a> Descriptions<'a> {
    pub fn new(items: Option<&'a Items>, raw: Option<Vec<u8>>) -> Self {
        Self { items, raw, parsed: None }
    }

    /// The job's description as the single call's reply has it.
    pub fn find(&mut self, id: &str) -> Option<Value> {
        let items = self.items?;
        if self.parsed.is_none() {
            self.parsed = Some(parse(items, &self.raw.take()?));
        }
        let found = self.parsed.as_mut()?.remove(id)?;
        Some(json!({ items.single: found }))
    }
}

fn parse(items: &Items, raw: &[u8]) -> HashMap<String, Value> {
    let Ok(Value::Object(mut reply)) = serde_json::from_slice(raw) else { return HashMap::new() };
    let Some(Value::Array(entries)) = reply.remove(items.list) else { return HashMap::new() };
    entries
        .into_iter()
        .filter_map(|entry| {
            let id = entry.get(items.id)?.as_str()?.to_owned();
            Some((id, entry))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEMS: Items = Items { list: "Steps", id: "Id", single: "Step" };

    #[test]
    fn a_list_entry_becomes_a_single_reply() {
        let raw = br#"{"Steps": [{"Id": "s-1", "Name": "a"}, {"Name": "no id"}], "Marker": "m"}"#.to_vec();
        let mut found = Descriptions::new(Some(&ITEMS), Some(raw));
        assert_eq!(found.find("s-1"), Some(json!({"Step": {"Id": "s-1", "Name": "a"}})));
        assert_eq!(found.find("s-2"), None);
    }

    #[test]
    fn what_cannot_be_read_describes_nothing() {
        for raw in [None, Some(b"<html>".to_vec()), Some(b"{}".to_vec()), Some(b"[]".to_vec())] {
            assert_eq!(Descriptions::new(Some(&ITEMS), raw).find("s-1"), None);
        }
        assert_eq!(Descriptions::new(None, Some(b"{}".to_vec())).find("s-1"), None);
    }
}
