//! Reads server-sent events off the bytes of an answer, however these are cut.
//!
//! The rules are those of the HTML standard: lines end in CR, LF or both, an empty line ends an
//! event, `data` lines add up, and an event without data is none.

use std::time::Duration;

/// The largest event that is read. A snapshot of ten thousand breakers is half of it.
const LARGEST: usize = 64 << 20;

/// One event as it was sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) event: String,
    pub(super) data: String,
}

/// An event larger than [`LARGEST`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// The bytes that are not yet an event, and what holds across events.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    after_cr: bool,
    past_first_line: bool,
    frame: Frame,
    has_data: bool,
    /// The id of the last event that was complete, and the one of the event under way.
    pub(super) last_id: Option<String>,
    next_id: Option<String>,
    /// How long the server wants clients to wait before they connect again.
    pub(super) retry: Option<Duration>,
}

impl Parser {
    /// What was half read belongs to a connection that is gone; ids and `retry` stay.
    pub(super) fn restart(&mut self) {
        let kept = Parser { last_id: self.last_id.take(), retry: self.retry, ..Parser::default() };
        *self = Parser { next_id: kept.last_id.clone(), ..kept };
    }

    /// Takes the next bytes and adds the events that they complete.
    pub(super) fn push(&mut self, bytes: &[u8], into: &mut impl Extend<Frame>) -> Result<(), TooLarge> {
        for &byte in bytes {
            match byte {
                b'\n' if self.after_cr => self.after_cr = false,
                b'\n' | b'\r' => {
                    self.after_cr = byte == b'\r';
                    into.extend(self.end_line());
                }
                _ => {
                    self.after_cr = false;
                    self.line.push(byte);
                }
            }
            if self.line.len() + self.frame.data.len() > LARGEST {
                return Err(TooLarge);
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Option<Frame> {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let mut line = text.as_ref();
        if !std::mem::replace(&mut self.past_first_line, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.frame.event),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.frame.data.push('\n');
                }
                self.frame.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.next_id = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            // A comment, or a field of a later standard.
            _ => {}
        }
        None
    }

    fn end_event(&mut self) -> Option<Frame> {
        self.last_id.clone_from(&self.next_id);
        let frame = std::mem::take(&mut self.frame);
        std::mem::take(&mut self.has_data).then_some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parser: &mut Parser, bytes: &[u8]) -> Vec<(String, String)> {
        let mut frames = Vec::new();
        parser.push(bytes, &mut frames).expect("small");
        frames.into_iter().map(|frame| (frame.event, frame.data)).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(event, data)| ((*event).to_owned(), (*data).to_owned())).collect()
    }

    #[test]
    fn events_end_at_empty_lines_of_any_kind() {
        let expected = pairs(&[("reset", "{}"), ("", "a\nb")]);
        for text in [
            "event: reset\ndata: {}\n\ndata:a\ndata: b\n\n",
            "event: reset\r\ndata: {}\r\n\r\ndata:a\r\ndata:b\r\n\r\n",
        ] {
            assert_eq!(read(&mut Parser::default(), text.as_bytes()), expected);
        }
        assert_eq!(read(&mut Parser::default(), b"event: reset\rdata: {}\r\rdata:a\rdata: b\r\r"), expected);
    }

    #[test]
    fn every_cut_of_the_bytes_reads_the_same() {
        let text = "\u{feff}: hello\r\nid: 7-1\r\nevent: tränsition\r\ndata: {\"breaker\":\"überall\"}\r\n\r\nretry: 500\ndata: x\n\n";
        let expected = pairs(&[("tränsition", "{\"breaker\":\"überall\"}"), ("", "x")]);
        for cut in 0..=text.len() {
            let (first, second) = text.as_bytes().split_at(cut);
            let mut parser = Parser::default();
            let mut seen = read(&mut parser, first);
            seen.extend(read(&mut parser, second));
            assert_eq!(seen, expected, "cut at {cut}");
            assert_eq!(parser.last_id.as_deref(), Some("7-1"));
            assert_eq!(parser.retry, Some(Duration::from_millis(500)));
        }
    }

    #[test]
    fn an_event_without_data_is_none_but_its_id_counts() {
        let mut parser = Parser::default();
        assert_eq!(read(&mut parser, b"event: reset\nid: 3\n\n:\n\n"), []);
        assert_eq!(parser.last_id.as_deref(), Some("3"));
    }

    #[test]
    fn half_an_event_of_a_lost_connection_is_forgotten_with_its_id() {
        let mut parser = Parser::default();
        assert_eq!(read(&mut parser, b"id: 1\ndata: a\n\nid: 2\nevent: reset\ndata: half").len(), 1);
        parser.restart();
        assert_eq!(parser.last_id.as_deref(), Some("1"));
        assert_eq!(read(&mut parser, b"data: b\n\n"), pairs(&[("", "b")]));
        assert_eq!(parser.last_id.as_deref(), Some("1"));
    }

    #[test]
    fn a_line_without_end_is_not_kept_for_ever() {
        let mut parser = Parser::default();
        let bytes = vec![b'x'; 1 << 20];
        let mut frames = Vec::new();
        let ended = (0..=64).map(|_| parser.push(&bytes, &mut frames)).find(Result::is_err);
        assert_eq!(ended, Some(Err(TooLarge)));
    }
}
