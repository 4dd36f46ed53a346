//! Keeps the last bytes of a stream, unpacking it on the way.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

pub(super) struct Tail {
    max: usize,
    unpack: bool,
    state: State,
}

enum State {
    Empty,
    Plain(Ring),
    Packed(Box<MultiGzDecoder<Ring>>),
}

impl Tail {
    pub fn new(max: usize, unpack: bool) -> Self {
        Self { max, unpack, state: State::Empty }
    }

    /// Takes the stream's next bytes. What cannot be unpacked ends the text there: the end of a log
    /// that is being written may be missing.
    pub fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if matches!(self.state, State::Empty) {
            let ring = Ring { max: self.max, bytes: Vec::new() };
            // A name ending in .gz does not make it one.
            self.state = if self.unpack && GZIP_MAGIC.starts_with(&bytes[..bytes.len().min(2)]) {
                State::Packed(Box::new(MultiGzDecoder::new(ring)))
            } else {
                State::Plain(ring)
            };
        }
        match &mut self.state {
            State::Plain(ring) => ring.take(bytes),
            State::Packed(decoder) => {
                let _ = decoder.write_all(bytes);
            }
            State::Empty => {}
        }
    }

    pub fn finish(self) -> String {
        match self.state {
            State::Empty => String::new(),
            State::Plain(ring) => ring.text(),
            State::Packed(mut decoder) => {
                let _ = decoder.try_finish();
                decoder.get_ref().text()
            }
        }
    }
}

struct Ring {
    max: usize,
    bytes: Vec<u8>,
}

impl Ring {
    fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Cut seldom, so that each byte is moved about once.
        if self.bytes.len() > 2 * self.max {
            self.bytes.drain(..self.bytes.len() - self.max);
        }
    }

    fn text(&self) -> String {
        let start = self.bytes.len().saturating_sub(self.max);
        String::from_utf8_lossy(&self.bytes[start..]).into_owned()
    }
}

impl Write for Ring {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn tail(chunks: &[&[u8]], max: usize, unpack: bool) -> String {
        let mut tail = Tail::new(max, unpack);
        for chunk in chunks {
            tail.push(chunk);
        }
        tail.finish()
    }

    #[test]
    fn the_end_of_plain_and_packed_text_is_kept() {
        let text = (0..5000).map(|i| format!("line {i}\n")).collect::<String>();
        assert_eq!(tail(&[text.as_bytes()], 10, false), text[text.len() - 10..]);
        let packed = gzip(&text);
        let (a, b) = packed.split_at(packed.len() / 2);
        assert_eq!(tail(&[a, b], 100, true), text[text.len() - 100..]);
        assert_eq!(tail(&[], 100, true), "");
    }

    #[test]
    fn several_members_a_cut_one_and_none_at_all() {
        let two = [gzip("first\n"), gzip("second\n")].concat();
        assert_eq!(tail(&[&two], 100, true), "first\nsecond\n");
        let packed = gzip(&"some log line\n".repeat(1000));
        assert!(tail(&[&packed[..packed.len() - 10]], 1000, true).contains("some log line"));
        assert_eq!(tail(&[b"plain, though named .gz"], 100, true), "plain, though named .gz");
    }
}
