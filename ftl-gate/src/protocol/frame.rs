//! Frames: the unit of the protocol, `u32 length | u8 kind | u8 flags | u32 stream | payload`, big endian.

/// The largest payload: small enough that answers travel between the pieces of a transfer.
pub const MAX_PAYLOAD: usize = 65536;
/// Bytes that may be under way per stream and direction before the receiver gives more credit.
pub const WINDOW: usize = 1 << 20;
/// More frames of this message follow.
pub const MORE: u8 = 1;
/// No more input follows on this stream.
pub const END: u8 = 2;

const HEADER: usize = 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: Kind,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Hello = 1,
    Pack = 2,
    Run = 3,
    Data = 4,
    Stdout = 5,
    Stderr = 6,
    Exit = 7,
    Cancel = 8,
    Credit = 9,
    Ping = 10,
    Pong = 11,
    Bye = 12,
    Err = 13,
}

const KINDS: [Kind; 13] = [
    Kind::Hello,
    Kind::Pack,
    Kind::Run,
    Kind::Data,
    Kind::Stdout,
    Kind::Stderr,
    Kind::Exit,
    Kind::Cancel,
    Kind::Credit,
    Kind::Ping,
    Kind::Pong,
    Kind::Bye,
    Kind::Err,
];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("the gate sent a frame of {0} bytes")]
    TooLong(usize),
    #[error("the gate sent an unknown kind of frame: {0}")]
    UnknownKind(u8),
}

/// Appends one frame. The payload is at most [`MAX_PAYLOAD`] long: longer messages go through [`encode_message`].
pub fn encode(out: &mut Vec<u8>, kind: Kind, flags: u8, stream: u32, payload: &[u8]) {
    debug_assert!(payload.len() <= MAX_PAYLOAD);
    out.reserve(HEADER + payload.len());
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    out.push(kind as u8);
    out.push(flags);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// Appends a message of any length as frames.
pub fn encode_message(out: &mut Vec<u8>, kind: Kind, stream: u32, message: &[u8]) {
    let mut chunks = message.chunks(MAX_PAYLOAD).peekable();
    if chunks.peek().is_none() {
        encode(out, kind, 0, stream, &[]);
    }
    while let Some(chunk) = chunks.next() {
        let flags = if chunks.peek().is_some() { MORE } else { 0 };
        encode(out, kind, flags, stream, chunk);
    }
}

/// Cuts a byte stream into frames.
#[derive(Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    at: usize,
}

impl Decoder {
    pub fn push(&mut self, bytes: &[u8]) {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let rest = &self.buffer[self.at..];
        let Some((header, rest)) = rest.split_first_chunk::<HEADER>() else { return Ok(None) };
        let [l0, l1, l2, l3, kind, flags, s0, s1, s2, s3] = *header;
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        if length > MAX_PAYLOAD {
            return Err(FrameError::TooLong(length));
        }
        let kind = KINDS.get((kind as usize).wrapping_sub(1)).copied().ok_or(FrameError::UnknownKind(kind))?;
        let Some(payload) = rest.get(..length) else { return Ok(None) };
        let frame = Frame { kind, flags, stream: u32::from_be_bytes([s0, s1, s2, s3]), payload: payload.to_vec() };
        self.at += HEADER + length;
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(bytes: &[u8], step: usize) -> Vec<Frame> {
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        for chunk in bytes.chunks(step) {
            decoder.push(chunk);
            while let Some(frame) = decoder.next_frame().unwrap() {
                out.push(frame);
            }
        }
        out
    }

    #[test]
    fn any_cut_gives_the_same_frames() {
        let mut bytes = Vec::new();
        encode(&mut bytes, Kind::Ping, 0, 0, b"now");
        encode_message(&mut bytes, Kind::Run, 7, &vec![b'x'; MAX_PAYLOAD + 5]);
        encode_message(&mut bytes, Kind::Bye, 0, b"");
        let whole = frames(&bytes, bytes.len());
        let sizes: Vec<_> = whole.iter().map(|f| (f.kind, f.flags, f.stream, f.payload.len())).collect();
        assert_eq!(
            sizes,
            [(Kind::Ping, 0, 0, 3), (Kind::Run, MORE, 7, MAX_PAYLOAD), (Kind::Run, 0, 7, 5), (Kind::Bye, 0, 0, 0)]
        );
        for step in [1, 3, 10, 11, 4096] {
            assert_eq!(frames(&bytes, step), whole, "step {step}");
        }
    }

    #[test]
    fn bad_frames_are_errors() {
        let check = |bytes: &[u8], expected| {
            let mut decoder = Decoder::default();
            decoder.push(bytes);
            assert_eq!(decoder.next_frame(), Err(expected));
        };
        check(&[0, 1, 0, 1, 1, 0, 0, 0, 0, 0], FrameError::TooLong(65537));
        check(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], FrameError::UnknownKind(0));
        check(&[0, 0, 0, 0, 14, 0, 0, 0, 0, 0], FrameError::UnknownKind(14));
    }
}
