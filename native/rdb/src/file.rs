//! Files: `REDIS` and a version, then a sequence of keys with their values and of remarks about
//! them, an end mark, and a checksum of everything before.

use std::io::{self, BufRead, Read};

use crate::input::Input;
use crate::kind::{MODULE_2, MODULE_PRE_GA};
use crate::{CRC, Error, NEWEST_VERSION, Sink, ValueType, decode, module};

/// Marks of what is no value.
const SLOT_INFO: u8 = 244;
const FUNCTION: u8 = 245;
const FUNCTION_PRE_GA: u8 = 246;
const MODULE_AUX: u8 = 247;
const IDLE: u8 = 248;
const FREQUENCY: u8 = 249;
const AUX: u8 = 250;
const RESIZE: u8 = 251;
const EXPIRY_MS: u8 = 252;
const EXPIRY_SECONDS: u8 = 253;
const DATABASE: u8 = 254;
const END: u8 = 255;

/// How every file begins.
pub const MAGIC: &[u8; 5] = b"REDIS";

/// First version with a checksum at the end.
const CHECKSUM_SINCE: u16 = 5;

/// What comes next in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A remark about the file: which server wrote it, when …
    Auxiliary {
        /// Its name.
        name: Vec<u8>,
        /// What it says.
        value: Vec<u8>,
    },
    /// The keys that follow belong to this database.
    Database(u64),
    /// About as many keys follow in this database, and as many of them expire.
    Size(u64, u64),
    /// A library of functions: its source text.
    Function(Vec<u8>),
    /// Data of a module of this name which belong to no key.
    ModuleData(String),
    /// A key. Its value is next: see [`Reader::value`].
    Key(Key),
    /// A key whose value belongs to a module of this name; the value has been skipped.
    ModuleValue(Vec<u8>, String),
}

/// A key of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: Vec<u8>,
    /// How its value is stored.
    pub value_type: ValueType,
    /// When it expires, milliseconds since 1970; `None` for never.
    pub expiry_ms: Option<i64>,
}

/// Reads a file from its beginning to its end.
#[derive(Debug)]
pub struct Reader<R> {
    input: Tap<R>,
    version: u16,
    next_value: Option<ValueType>,
}

impl<R: BufRead> Reader<R> {
    /// Reads the beginning of a file.
    ///
    /// # Errors
    /// The file is none of Redis's, or of a version that is not known.
    pub fn new(input: R) -> Result<Reader<R>, Error> {
        let mut input = Tap { inner: input, digest: CRC.digest(), position: 0, kept: None };
        let head: [u8; 9] = Input(&mut input).array()?;
        let (magic, digits) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(Error::Malformed("it does not begin as a file of Redis does"));
        }
        let digits = str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u16>().ok());
        match digits.ok_or(Error::Malformed("its version is not a number"))? {
            version @ 1..=NEWEST_VERSION => Ok(Reader { input, version, next_value: None }),
            version => Err(Error::Version(version.into())),
        }
    }

    /// The version of the format.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.input.position
    }

    /// What is behind the file, after [`Reader::next_item`] has returned `None`: an append-only
    /// file may begin with this one.
    pub fn into_inner(self) -> R {
        self.input.inner
    }

    /// What comes next; `None` at the end of the file, whose checksum is right. The value of the
    /// key before must have been read.
    ///
    /// # Errors
    /// The file is malformed, or has something that cannot even be skipped.
    pub fn next_item(&mut self) -> Result<Option<Item>, Error> {
        debug_assert!(self.next_value.is_none(), "the value of the key before has not been read");
        let mut expiry_ms = None;
        loop {
            let mut input = Input(&mut self.input);
            let item = match input.byte()? {
                EXPIRY_MS => {
                    expiry_ms = Some(input.u64_le()? as i64);
                    continue;
                }
                EXPIRY_SECONDS => {
                    expiry_ms = Some(i64::from(i32::from_le_bytes(input.array()?)) * 1000);
                    continue;
                }
                IDLE => {
                    input.count()?;
                    continue;
                }
                FREQUENCY => {
                    input.byte()?;
                    continue;
                }
                SLOT_INFO => {
                    // The slot, its keys, and those of them that expire.
                    for _ in 0..3 {
                        input.count()?;
                    }
                    continue;
                }
                AUX => Item::Auxiliary { name: input.string()?, value: input.string()? },
                DATABASE => Item::Database(input.count()?),
                RESIZE => Item::Size(input.count()?, input.count()?),
                FUNCTION => Item::Function(input.string()?),
                FUNCTION_PRE_GA => {
                    return Err(Error::Unsupported(
                        "a function of a candidate of Redis 7.0".into(),
                    ));
                }
                MODULE_AUX => Item::ModuleData(module::skip_auxiliary(&mut input)?),
                END => return self.end(),
                value_type => self.key(value_type, expiry_ms)?,
            };
            return Ok(Some(item));
        }
    }

    fn key(&mut self, value_type: u8, expiry_ms: Option<i64>) -> Result<Item, Error> {
        let mut input = Input(&mut self.input);
        let value_type = match value_type {
            MODULE_2 => {
                let name = input.string()?;
                return Ok(Item::ModuleValue(name, module::skip_value(&mut input)?));
            }
            MODULE_PRE_GA => {
                let what = "a value of a module, written by a candidate of Redis 4.0,";
                return Err(Error::Unsupported(what.into()));
            }
            value_type => ValueType::of(value_type)?,
        };
        let name = input.string()?;
        self.next_value = Some(value_type);
        Ok(Item::Key(Key { name, value_type, expiry_ms }))
    }

    /// Reads the value of the key that came last. Returns its bytes with their type in front,
    /// unless they are more than `keep`.
    ///
    /// # Errors
    /// The value is malformed, or what the sink returns; the rest of the file cannot be read then.
    ///
    /// # Panics
    /// The last item was no key.
    pub fn value<S: Sink>(
        &mut self,
        sink: &mut S,
        keep: usize,
    ) -> Result<Option<Vec<u8>>, S::Error> {
        let value_type = self.next_value.take().expect("the last item was a key");
        self.input.kept = (keep > 0).then(|| Kept { bytes: vec![value_type as u8], limit: keep });
        decode::value(value_type, &mut self.input, sink)?;
        Ok(self.input.kept.take().map(|kept| kept.bytes))
    }

    /// Reads the checksum; 0 stands for none.
    fn end(&mut self) -> Result<Option<Item>, Error> {
        if self.version >= CHECKSUM_SINCE {
            let sum = self.input.digest.clone().finalize();
            let stored = Input(&mut self.input).u64_le()?;
            if stored != 0 && stored != sum {
                return Err(Error::Checksum);
            }
        }
        Ok(None)
    }
}

/// An input that counts and sums up what is read from it, and keeps the last of it.
struct Tap<R> {
    inner: R,
    digest: crc::Digest<'static, u64, crc::Table<16>>,
    position: u64,
    kept: Option<Kept>,
}

/// The bytes of a value, as long as they are few.
#[derive(Debug)]
struct Kept {
    bytes: Vec<u8>,
    limit: usize,
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.note(&out[..count]);
        Ok(count)
    }

    fn read_exact(&mut self, out: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact(out)?;
        self.note(out);
        Ok(())
    }
}

impl<R> Tap<R> {
    fn note(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.position += bytes.len() as u64;
        match &mut self.kept {
            Some(kept) if kept.bytes.len() + bytes.len() <= kept.limit => {
                kept.bytes.extend_from_slice(bytes);
            }
            _ => self.kept = None,
        }
    }
}

impl<R> std::fmt::Debug for Tap<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").field("position", &self.position).finish_non_exhaustive()
    }
}
