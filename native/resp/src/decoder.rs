//! The incremental decoder of a client's requests.

use crate::args::{Args, Span};
use crate::error::ProtocolError;
use crate::inline::{InlineLine, find_inline, split_words};
use crate::limits::Limits;
use crate::multibulk::{self, Outcome, Progress};
use crate::work;

/// Bytes a buffer may keep allocated while it holds nothing.
const KEPT_CAPACITY: usize = 64 * 1024;
/// Fewest bytes copied to complete a command; what turns out to be too much is handed back.
const COPY_STEP: usize = 64;

/// What [`Feed::next`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A whole command: [`Feed::args`] gives its arguments.
    Command,
    /// The input ends before the next command does.
    Incomplete {
        /// At least this many more bytes are needed, unless they break the protocol.
        need: usize,
    },
    /// The client broke the protocol; every further step gives this error again.
    Error(ProtocolError),
}

/// Decodes one connection's stream of commands, in RESP arrays of bulk strings or inline.
///
/// Each read from the socket is given to [`feed`](Self::feed). Commands are decoded in place; only
/// what is left over at the end (an incomplete command, or commands the caller did not ask for) is
/// copied into the decoder, and parsing goes on where it stopped. Work and memory are therefore
/// linear in the bytes received, whatever lengths they announce and however they are cut.
///
/// ```
/// use ferric_resp::{Decoder, Limits, Step};
///
/// let mut decoder = Decoder::new();
/// let mut feed = decoder.feed(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n*1\r\n$4", &Limits::default());
/// assert_eq!(feed.next(), Step::Command);
/// assert_eq!(&feed.args()[1], b"k");
/// assert_eq!(feed.next(), Step::Command);
/// assert_eq!(&feed.args()[0], b"PING");
/// assert!(matches!(feed.next(), Step::Incomplete { .. }));
/// drop(feed);
/// assert_eq!(decoder.buffered(), 6);
/// assert_eq!(decoder.pending(), b"*1\r\n$4");
/// ```
#[derive(Default)]
pub struct Decoder {
    /// Bytes left over from earlier input; those before `head` are done with.
    buffer: Vec<u8>,
    head: usize,
    /// Arguments of the command being parsed, or of the one last returned.
    spans: Vec<Span>,
    /// The words of an inline command, unquoted.
    words: Vec<u8>,
    /// State of the incomplete command at `buffer[head..]`; the default between commands.
    progress: Progress,
    failed: Option<ProtocolError>,
}

impl Decoder {
    /// A decoder at the start of a stream. It allocates nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with the next bytes of the stream, which may be none. Dropping the result keeps what
    /// it did not consume for the next call. A caller that stops early takes no more from its
    /// socket until [`buffered`](Self::buffered) is small again, or memory grows with the stream.
    #[inline]
    pub fn feed<'d, 'b>(&'d mut self, bytes: &'b [u8], limits: &Limits) -> Feed<'d, 'b> {
        Feed {
            decoder: self,
            input: bytes,
            at: 0,
            borrowed: 0,
            limits: *limits,
            last: Last::default(),
        }
    }

    /// Number of bytes kept that are not consumed.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.head
    }

    /// The bytes kept that are not consumed, for who wants to look at them with another decoder.
    pub fn pending(&self) -> &[u8] {
        &self.buffer[self.head..]
    }

    /// Bytes of memory allocated for input and for the bookkeeping of arguments.
    pub fn allocated(&self) -> usize {
        self.buffer.capacity()
            + self.words.capacity()
            + self.spans.capacity() * std::mem::size_of::<Span>()
    }

    /// Parses the start of `data`, going on where the last call stopped.
    #[inline]
    fn parse(
        data: &[u8],
        progress: &mut Progress,
        spans: &mut Vec<Span>,
        words: &mut Vec<u8>,
        limits: &Limits,
    ) -> Outcome {
        match data.first() {
            Some(b'*') => multibulk::parse(data, progress, spans, limits),
            Some(_) => parse_inline(data, &mut progress.scanned, spans, words, limits),
            None => Outcome::Need(1),
        }
    }

    /// Forgets the arguments of the last command, and a large command's memory with them.
    #[inline]
    fn clear_args(&mut self) {
        self.spans.clear();
        self.words.clear();
        if self.spans.capacity() > KEPT_CAPACITY / std::mem::size_of::<Span>() {
            self.spans = Vec::new();
        }
        if self.words.capacity() > KEPT_CAPACITY {
            self.words = Vec::new();
        }
    }

    /// Forgets consumed bytes: all at once when nothing else is left, otherwise when they are the
    /// larger part, so that moving the rest costs no more than it did to read what goes.
    fn compact(&mut self) {
        if self.head == self.buffer.len() {
            self.buffer.clear();
            self.head = 0;
            if self.buffer.capacity() > KEPT_CAPACITY {
                self.buffer = Vec::new();
            }
        } else if self.head > self.buffer.len() / 2 {
            work::add(self.buffered());
            self.buffer.drain(..self.head);
            self.head = 0;
            if self.buffer.capacity() / 4 > self.buffer.len().max(KEPT_CAPACITY / 4) {
                self.buffer.shrink_to(KEPT_CAPACITY);
            }
        }
    }
}

/// Parses the inline command at the start of `data`.
fn parse_inline(
    data: &[u8],
    scanned: &mut usize,
    spans: &mut Vec<Span>,
    words: &mut Vec<u8>,
    limits: &Limits,
) -> Outcome {
    match find_inline(data, scanned, limits.line_bytes()) {
        InlineLine::Partial => Outcome::Need(1),
        InlineLine::TooLong => Outcome::Failed(ProtocolError::InlineTooLong),
        InlineLine::Whole { end, next } => match split_words(&data[..end], words, spans) {
            Err(error) => Outcome::Failed(error),
            Ok(()) if spans.is_empty() => Outcome::Nothing(next),
            Ok(()) => Outcome::Command(next),
        },
    }
}

/// The command last returned: where its bytes and its arguments are.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    place: Place,
    /// Offset of the command's first byte in the input or the buffer.
    start: usize,
    inline: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    None,
    Input,
    Buffer,
}

/// A pass over one piece of input; see [`Decoder::feed`].
pub struct Feed<'d, 'b> {
    decoder: &'d mut Decoder,
    input: &'b [u8],
    /// Input before this offset is consumed, or copied into the buffer.
    at: usize,
    /// Bytes at the end of the buffer that were copied from this input for the current command.
    borrowed: usize,
    limits: Limits,
    last: Last,
}

impl Feed<'_, '_> {
    /// Decodes the next command. Empty commands are skipped, as Redis does.
    #[inline]
    #[allow(clippy::should_implement_trait)] // A step lends its arguments; an iterator cannot.
    pub fn next(&mut self) -> Step {
        if let Some(error) = self.decoder.failed {
            return Step::Error(error);
        }
        if self.last.place != Place::None {
            self.last.place = Place::None;
            self.decoder.clear_args();
        }
        if self.decoder.buffer.is_empty() { self.next_in_input() } else { self.next_in_buffer() }
    }

    /// Decodes the next command where it lies in the input.
    #[inline]
    fn next_in_input(&mut self) -> Step {
        loop {
            let Decoder { spans, words, progress, .. } = &mut *self.decoder;
            let data = &self.input[self.at..];
            match Decoder::parse(data, progress, spans, words, &self.limits) {
                Outcome::Command(len) => {
                    *progress = Progress::default();
                    let inline = data[0] != b'*';
                    self.last = Last { place: Place::Input, start: self.at, inline };
                    self.at += len;
                    return Step::Command;
                }
                Outcome::Nothing(len) => {
                    *progress = Progress::default();
                    self.at += len;
                }
                Outcome::Need(need) => return Step::Incomplete { need },
                Outcome::Failed(error) => return self.fail(error),
            }
        }
    }

    /// Decodes the next command out of the buffer, completing it from the input.
    fn next_in_buffer(&mut self) -> Step {
        loop {
            let Decoder { buffer, head, spans, words, progress, .. } = &mut *self.decoder;
            if *head == buffer.len() {
                self.decoder.compact();
                return self.next_in_input();
            }
            let start = *head;
            let data = &buffer[start..];
            match Decoder::parse(data, progress, spans, words, &self.limits) {
                Outcome::Command(len) => {
                    let inline = data[0] != b'*';
                    self.last = Last { place: Place::Buffer, start, inline };
                    self.consume_buffered(len);
                    return Step::Command;
                }
                Outcome::Nothing(len) => self.consume_buffered(len),
                Outcome::Need(need) if self.at == self.input.len() => {
                    return Step::Incomplete { need };
                }
                Outcome::Need(need) => self.borrow(need),
                Outcome::Failed(error) => return self.fail(error),
            }
        }
    }

    /// Appends the next input to the buffer, `need` bytes of it or a few more.
    fn borrow(&mut self, need: usize) {
        let rest = &self.input[self.at..];
        let taken = &rest[..rest.len().min(need.max(COPY_STEP))];
        work::add(taken.len());
        self.decoder.buffer.extend_from_slice(taken);
        self.at += taken.len();
        self.borrowed += taken.len();
    }

    /// Takes `len` bytes off the buffer's front. What was copied there beyond them goes back to the
    /// input, where the next commands are decoded in place.
    fn consume_buffered(&mut self, len: usize) {
        let decoder = &mut *self.decoder;
        decoder.progress = Progress::default();
        decoder.head += len;
        let surplus = decoder.buffered().min(self.borrowed);
        decoder.buffer.truncate(decoder.buffer.len() - surplus);
        self.at -= surplus;
        self.borrowed = 0;
    }

    #[cold]
    fn fail(&mut self, error: ProtocolError) -> Step {
        self.decoder.failed = Some(error);
        Step::Error(error)
    }

    /// The arguments of the command the last step gave. None before the first one.
    #[inline]
    pub fn args(&self) -> Args<'_> {
        let source: &[u8] = match self.last.place {
            Place::None => return Args::new(&[], &[]),
            _ if self.last.inline => return Args::new(&self.decoder.words, &self.decoder.spans),
            Place::Input => self.input,
            Place::Buffer => &self.decoder.buffer,
        };
        Args::new(&source[self.last.start..], &self.decoder.spans)
    }

    /// Puts the last command back: the next step, in this pass or a later one, gives it again.
    /// Without a last command, or a second time, it does nothing.
    pub fn unread(&mut self) {
        match self.last.place {
            Place::None => return,
            Place::Input => self.at = self.last.start,
            Place::Buffer => self.decoder.head = self.last.start,
        }
        self.last.place = Place::None;
        self.decoder.clear_args();
    }

    /// Replaces the limits, from the next command on.
    pub fn set_limits(&mut self, limits: &Limits) {
        self.limits = *limits;
    }

    /// Bytes that no step has consumed: in the input and kept from earlier.
    pub fn remaining(&self) -> usize {
        self.decoder.buffered() + self.input.len() - self.at
    }
}

impl Feed<'_, '_> {
    /// Drops the input not decoded yet instead of keeping it: for who only wanted to look at it
    /// and has another decoder for the stream.
    pub fn discard(mut self) {
        self.at = self.input.len();
    }
}

impl Drop for Feed<'_, '_> {
    fn drop(&mut self) {
        let decoder = &mut *self.decoder;
        if self.last.place != Place::None {
            decoder.clear_args();
        }
        if decoder.failed.is_some() {
            *decoder = Decoder { failed: decoder.failed, ..Decoder::default() };
            return;
        }
        if decoder.head > 0 {
            decoder.compact();
        }
        let rest = &self.input[self.at..];
        if !rest.is_empty() {
            work::add(rest.len());
            decoder.buffer.extend_from_slice(rest);
        }
    }
}
