//! XML replies of the Query protocol as JSON: elements become members, `member`s a list.

use serde_json::{Map, Value};

/// The content of the root element.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader { rest: text };
    reader.skip_prolog();
    reader.element().map(|(_, value)| value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn skip_prolog(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches('\u{feff}').trim_start();
            let end = match self.rest {
                rest if rest.starts_with("<?") => "?>",
                rest if rest.starts_with("<!--") => "-->",
                _ => return,
            };
            self.rest = self.rest.split_once(end).map_or("", |(_, rest)| rest);
        }
    }

    fn until(&mut self, end: &str) -> Result<&'a str, String> {
        let (before, rest) = self.rest.split_once(end).ok_or_else(|| format!("the XML ends before {end:?}"))?;
        self.rest = rest;
        Ok(before)
    }

    fn element(&mut self) -> Result<(&'a str, Value), String> {
        self.rest = self.rest.strip_prefix('<').ok_or("the reply is not XML")?;
        let tag = self.until(">")?;
        let name = tag.trim_end_matches('/').split_ascii_whitespace().next().unwrap_or_default();
        if tag.ends_with('/') {
            return Ok((name, Value::String(String::new())));
        }
        let (mut text, mut children) = (String::new(), Vec::new());
        while !self.rest.starts_with("</") {
            if self.rest.starts_with("<!--") {
                self.until("-->")?;
            } else if self.rest.starts_with('<') {
                children.push(self.element()?);
            } else {
                let end = self.rest.find('<').ok_or("the XML ends inside an element")?;
                text.push_str(&unescape(&self.rest[..end]));
                self.rest = &self.rest[end..];
            }
        }
        self.until(">")?;
        Ok((name, if children.is_empty() { Value::String(text) } else { collect(children) }))
    }
}

fn collect(children: Vec<(&str, Value)>) -> Value {
    if children.iter().all(|(name, _)| *name == "member") {
        return children.into_iter().map(|(_, value)| value).collect();
    }
    Value::Object(children.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        match after.split_once(';').and_then(|(name, after)| Some((entity(name)?, after))) {
            Some((character, after)) => {
                plain.push(character);
                rest = after;
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_a_reply() {
        let text = r#"<?xml version="1.0"?>
            <GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
              <GetRoleResult><Role><Arn>arn:aws:iam::1:role/a&amp;b&#x21;</Arn><Description/>
                <Tags><member><Key>k</Key></member><member><Key>l</Key></member></Tags></Role></GetRoleResult>
            </GetRoleResponse>"#;
        let role = &parse(text).unwrap()["GetRoleResult"]["Role"];
        assert_eq!(
            *role,
            json!({"Arn": "arn:aws:iam::1:role/a&b!", "Description": "",
            "Tags": [{"Key": "k"}, {"Key": "l"}]})
        );
    }

    #[test]
    fn what_is_not_xml_is_an_error() {
        for text in ["", "Bad gateway", "<a>", "<a><b></a", "<a>text"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
