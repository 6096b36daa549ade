//! Whole values, collected from a sink's calls.

use ferric_rdb::packed::Element;
use ferric_rdb::{Consumer, Error, Group, Id, Pending, Shape, Sink, StreamState, payload};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    String(Vec<u8>),
    List(Vec<Vec<u8>>),
    Set(Vec<Vec<u8>>),
    SortedSet(Vec<(Vec<u8>, f64)>),
    Hash(Vec<(Vec<u8>, Vec<u8>, u64)>),
    Stream(Stream),
}

/// A stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stream {
    pub entries: Vec<(Id, Pairs)>,
    pub state: StreamState,
    pub groups: Vec<(Group, Vec<Pel>)>,
}

/// Fields with their values.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A consumer and what it has pending.
pub type Pel = (Consumer, Vec<Pending>);

impl Value {
    /// The value of a DUMP.
    pub fn of_payload(bytes: &[u8]) -> Result<Value, Error> {
        let value = payload::verify(bytes).ok_or(Error::Checksum)?;
        let mut sink = Collect(None);
        payload::read(value, &mut sink)?;
        Ok(sink.0.expect("a value has begun"))
    }
}

/// Collects one value.
pub struct Collect(pub Option<Value>);

impl Sink for Collect {
    type Error = Error;

    fn begin(&mut self, shape: Shape, _len: u64) -> Result<(), Error> {
        assert!(self.0.is_none(), "one value at a time");
        self.0 = Some(match shape {
            Shape::String => Value::String(Vec::new()),
            Shape::List => Value::List(Vec::new()),
            Shape::Set => Value::Set(Vec::new()),
            Shape::SortedSet => Value::SortedSet(Vec::new()),
            Shape::Hash => Value::Hash(Vec::new()),
            Shape::Stream => Value::Stream(Stream::default()),
        });
        Ok(())
    }

    fn string(&mut self, value: Vec<u8>) -> Result<(), Error> {
        let Some(Value::String(string)) = &mut self.0 else { panic!("no string has begun") };
        *string = value;
        Ok(())
    }

    fn element(&mut self, element: &[u8]) -> Result<(), Error> {
        let Some(Value::List(list)) = &mut self.0 else { panic!("no list has begun") };
        list.push(element.to_vec());
        Ok(())
    }

    fn member(&mut self, member: &[u8]) -> Result<(), Error> {
        let Some(Value::Set(set)) = &mut self.0 else { panic!("no set has begun") };
        set.push(member.to_vec());
        Ok(())
    }

    fn scored(&mut self, member: &[u8], score: f64) -> Result<(), Error> {
        let Some(Value::SortedSet(set)) = &mut self.0 else { panic!("no sorted set has begun") };
        assert!(!score.is_nan());
        set.push((member.to_vec(), score));
        Ok(())
    }

    fn field(&mut self, field: &[u8], value: &[u8], expiry_ms: u64) -> Result<(), Error> {
        let Some(Value::Hash(hash)) = &mut self.0 else { panic!("no hash has begun") };
        hash.push((field.to_vec(), value.to_vec(), expiry_ms));
        Ok(())
    }

    fn entry(&mut self, id: Id, fields: &[(Element<'_>, Element<'_>)]) -> Result<(), Error> {
        let fields =
            fields.iter().map(|(field, value)| (field.text().to_vec(), value.text().to_vec()));
        let stream = self.stream();
        assert!(stream.entries.last().is_none_or(|(last, _)| *last < id));
        stream.entries.push((id, fields.collect()));
        Ok(())
    }

    fn state(&mut self, state: &StreamState) -> Result<(), Error> {
        self.stream().state = state.clone();
        Ok(())
    }

    fn group(&mut self, group: &Group) -> Result<(), Error> {
        self.stream().groups.push((group.clone(), Vec::new()));
        Ok(())
    }

    fn consumer(&mut self, consumer: &Consumer) -> Result<(), Error> {
        let (_, consumers) = self.stream().groups.last_mut().expect("a group before");
        consumers.push((consumer.clone(), Vec::new()));
        Ok(())
    }

    fn pending(&mut self, pending: &Pending) -> Result<(), Error> {
        let (_, consumers) = self.stream().groups.last_mut().expect("a group before");
        let (_, entries) = consumers.last_mut().expect("a consumer before");
        entries.push(*pending);
        Ok(())
    }
}

impl Collect {
    fn stream(&mut self) -> &mut Stream {
        match &mut self.0 {
            Some(Value::Stream(stream)) => stream,
            _ => panic!("no stream has begun"),
        }
    }
}
