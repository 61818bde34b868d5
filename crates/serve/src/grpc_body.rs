//! Bodies of `ModelInfer` without copies: tensors leave and arrive in the buffers that hold them.
//!
//! A gRPC message is a flag, a length and a protobuf message. The usual codec writes all of it into one buffer, and gathers
//! what arrives in another that grows. Here the raw contents, which are nearly all of a request, stay where they are: a
//! client sends them as pieces of their own behind the rest, and a server reads the message over the frames that came.
//! Whatever is unusual goes to the usual codec untouched, and so gets its answers.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::stream;
use h2::RecvStream;
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame};
use privet_deploy::Error;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};

use crate::call::Call;
use crate::house::Guest;
use crate::proto::ModelInferRequest;

/// The flag, which is zero for a message that is not compressed, and four bytes of length.
const PREFIX: usize = 5;
/// The number of `raw_input_contents` in the protocol's definition.
const RAW_INPUT_CONTENTS: u32 = 7;
/// Pieces up to this are cheaper to copy into one than to send as several.
const SMALL: usize = 16 << 10;

/// What [`ModelInferRequest`] would hold as `raw_input_contents`: an extension of the request that carries the rest.
#[derive(Clone)]
pub(crate) struct Contents(Vec<Bytes>);

impl Contents {
    /// Takes them out of a message.
    pub(crate) fn of(message: &mut ModelInferRequest) -> Self {
        Self(std::mem::take(&mut message.raw_input_contents))
    }

    /// As fields of the message, pieces of which the large ones are the contents themselves.
    fn fields(self) -> Vec<Bytes> {
        let field = |content: Bytes| {
            let mut head = BytesMut::with_capacity(12);
            encode_key(RAW_INPUT_CONTENTS, WireType::LengthDelimited, &mut head);
            encode_varint(content.len() as u64, &mut head);
            [head.freeze(), content]
        };
        self.0.into_iter().flat_map(field).collect()
    }
}

/// The body of a request whose message is complete: all of it is known before its first byte is sent, so that headers, message
/// and end leave in one write.
pub(crate) struct Whole {
    pub(crate) pieces: VecDeque<Bytes>,
}

/// How many wait for an answer over a connection.
#[derive(Clone, Default)]
pub(crate) struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    /// One more, until this is dropped.
    pub(crate) fn one(&self) -> Waits {
        self.0.fetch_add(1, Ordering::Relaxed);
        Waits(self.clone())
    }

    pub(crate) fn is_anyone(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// Someone who waits.
pub(crate) struct Waits(Waiting);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer.
pub struct Received {
    stream: RecvStream,
    _waits: Waits,
}

impl Received {
    pub(crate) fn new(stream: RecvStream, waits: Waits) -> Self {
        Self { stream, _waits: waits }
    }
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        match ready!(self.stream.poll_data(cx)) {
            Some(Ok(data)) => {
                // What was taken makes room for more.
                let _ = self.stream.flow_control().release_capacity(data.len());
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => {
                self.stream.poll_trailers(cx).map(|trailers| Some(trailers.transpose()?.map(Frame::trailers)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }
}

/// The request as it is sent: what the codec made of its message, with the contents behind it.
pub(crate) async fn outgoing(request: Request<tonic::body::Body>) -> Result<Request<Whole>, tonic::Status> {
    let (mut parts, body) = request.into_parts();
    let head = body.collect().await?.to_bytes();
    let fields = parts.extensions.remove::<Contents>().map_or_else(Vec::new, Contents::fields);
    let more: usize = fields.iter().map(Bytes::len).sum();
    let length = head.len().saturating_sub(PREFIX) + more;
    let Some((length, rest)) = u32::try_from(length).ok().zip(head.get(PREFIX..)) else {
        return Ok(Request::from_parts(parts, whole([head])));
    };
    let mut first = BytesMut::with_capacity(head.len());
    first.put_u8(0);
    first.put_u32(length);
    first.put_slice(rest);
    Ok(Request::from_parts(parts, whole(std::iter::once(first.freeze()).chain(fields))))
}

/// Neighbours that are small together become one piece.
fn whole(pieces: impl IntoIterator<Item = Bytes>) -> Whole {
    let (mut all, mut small) = (VecDeque::new(), BytesMut::new());
    for piece in pieces {
        if small.len() + piece.len() <= SMALL {
            small.put(piece);
            continue;
        }
        if !small.is_empty() {
            all.push_back(small.split().freeze());
        }
        all.push_back(piece);
    }
    if !small.is_empty() {
        all.push_back(small.freeze());
    }
    Whole { pieces: all }
}

/// The message of a request that was read here: an extension of it.
#[derive(Clone)]
pub(crate) struct Read(pub(crate) ModelInferRequest);

/// Reads a request's message, of `limit` bytes at most, over the frames that bring it. The request goes on with an empty one and
/// with [`Read`]; or as it came, where it is not one complete message that can be read.
///
/// Its bytes take room in the server as they come; where there is none, nothing more of it is read.
pub(crate) async fn incoming(request: Request<Body>, limit: usize) -> Result<Request<Body>, Error> {
    let (mut parts, body) = request.into_parts();
    let guest = parts.extensions.get::<Call>().and_then(|call| call.guest.clone());
    let (frames, rest) = frames(body, limit, guest.as_deref()).await?;
    let message =
        rest.is_none().then(|| ModelInferRequest::decode(message(frames.clone()))).and_then(Result::ok);
    let body = match message {
        Some(message) => {
            parts.extensions.insert(Read(message));
            Body::from(Bytes::from_static(&[0; PREFIX]))
        }
        None => Body::new(Again { pieces: frames.into(), rest: rest.unwrap_or_default() }),
    };
    Ok(Request::from_parts(parts, body))
}

/// The frames of one complete message; or those that came until something else was clear, and what follows them; or nothing, where it
/// is less than one message or more.
async fn frames(
    mut body: Body,
    limit: usize,
    guest: Option<&Guest>,
) -> Result<(Vec<Bytes>, Option<Body>), Error> {
    let (mut frames, mut total) = (Vec::new(), 0usize);
    loop {
        match body.frame().await {
            None => break,
            Some(Err(error)) => {
                return Ok((Vec::new(), Some(Body::from_stream(stream::iter([Err::<Bytes, _>(error)])))));
            }
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    guest.map_or(Ok(()), |guest| guest.hold(data.len()))?;
                    total += data.len();
                    frames.push(data);
                }
            }
        }
        if total < PREFIX {
            continue;
        }
        match length(&frames).filter(|length| *length <= limit) {
            None => return Ok((frames, Some(body))),
            Some(length) if total > PREFIX + length => break,
            Some(_) => {}
        }
    }
    if total >= PREFIX && length(&frames) == Some(total - PREFIX) {
        return Ok((frames, None));
    }
    // The usual codec would make room for what a message announces that is cut off, or comes behind the one that there may be.
    Ok((Vec::new(), Some(Body::empty())))
}

/// The length that a message's first bytes say, if it is not compressed.
fn length(frames: &[Bytes]) -> Option<usize> {
    let mut prefix = frames.iter().flatten().take(PREFIX).copied();
    let (flag, length) = (prefix.next()?, prefix.fold(0, |n, byte| n << 8 | usize::from(byte)));
    (flag == 0).then_some(length)
}

fn message(frames: Vec<Bytes>) -> Pieces {
    let left = frames.iter().map(Bytes::len).sum();
    let mut pieces = Pieces { pieces: frames.into(), left };
    pieces.advance(PREFIX.min(left));
    pieces
}

/// Frames as one buffer. What lies within one of them is taken out as a part of it.
struct Pieces {
    pieces: VecDeque<Bytes>,
    left: usize,
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.left
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&[], |piece| piece)
    }

    fn advance(&mut self, count: usize) {
        let mut count = count;
        self.left -= count;
        while let Some(piece) = self.pieces.front_mut() {
            let n = count.min(piece.len());
            piece.advance(n);
            count -= n;
            if !piece.is_empty() {
                return;
            }
            self.pieces.pop_front();
        }
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        match self.pieces.front_mut() {
            Some(piece) if piece.len() > count => {
                self.left -= count;
                piece.split_to(count)
            }
            Some(piece) if piece.len() == count => {
                self.left -= count;
                self.pieces.pop_front().unwrap_or_default()
            }
            _ => {
                let mut out = BytesMut::with_capacity(count);
                out.put(self.take(count));
                out.freeze()
            }
        }
    }
}

/// A body whose first frames were read already.
struct Again {
    pieces: VecDeque<Bytes>,
    rest: Body,
}

impl HttpBody for Again {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.pieces.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::proto::model_infer_request::InferInputTensor;

    fn request(contents: &[Vec<u8>]) -> ModelInferRequest {
        let input = |n: usize| InferInputTensor { name: format!("x{n}"), ..Default::default() };
        ModelInferRequest {
            model_name: "m".into(),
            inputs: (0..contents.len()).map(input).collect(),
            raw_input_contents: contents.iter().cloned().map(Bytes::from).collect(),
            ..Default::default()
        }
    }

    /// A message as gRPC carries it.
    fn framed(message: &ModelInferRequest) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.put_u32(u32::try_from(message.encoded_len()).unwrap());
        message.encode(&mut bytes).unwrap();
        bytes
    }

    /// Cut into frames of so many bytes.
    fn body(bytes: &[u8], frame: usize) -> Body {
        let frames: Vec<Result<Bytes, Infallible>> =
            bytes.chunks(frame.max(1)).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
        Body::from_stream(stream::iter(frames))
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// What a server makes of a body: the message, or the bytes that go on to the usual codec.
    fn read(bytes: &[u8], frame: usize, limit: usize) -> Result<ModelInferRequest, Vec<u8>> {
        run(async {
            let mut request = incoming(Request::new(body(bytes, frame)), limit).await.unwrap();
            match request.extensions_mut().remove::<Read>() {
                Some(Read(message)) => Ok(message),
                None => Err(request.into_body().collect().await.unwrap().to_bytes().to_vec()),
            }
        })
    }

    /// The pieces in which a message is sent.
    fn sent(message: &ModelInferRequest) -> Vec<Bytes> {
        let mut head = message.clone();
        let contents = Contents::of(&mut head);
        run(async {
            let body = tonic::body::Body::new(http_body_util::Full::new(Bytes::from(framed(&head))));
            let mut request = Request::new(body);
            request.extensions_mut().insert(contents);
            outgoing(request).await.unwrap().into_body().pieces.into()
        })
    }

    proptest! {
        #[test]
        fn what_is_sent_is_the_message_that_the_usual_codec_writes(
            contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60_000), 0..4),
        ) {
            let message = request(&contents);
            let pieces = sent(&message);
            prop_assert_eq!(pieces.concat(), framed(&message));
            prop_assert!(pieces.len() <= 1 + 2 * contents.len());
        }

        #[test]
        fn what_came_is_read_however_it_is_cut(
            contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..4),
            frame in 1usize..700,
        ) {
            let message = request(&contents);
            prop_assert!(read(&framed(&message), frame, 1 << 20) == Ok(message));
        }

        #[test]
        fn what_is_unusual_goes_on_untouched_and_nothing_of_what_is_not_one_message(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            frame in 1usize..90,
            cut in 1usize..20,
        ) {
            if let Err(on) = read(&bytes, frame, 1 << 20) {
                let announced = length(&[bytes.clone().into()]);
                let is_not_one = bytes.len() < PREFIX || announced.is_some_and(|n| n <= 1 << 20 && PREFIX + n != bytes.len());
                prop_assert_eq!(on, if is_not_one { Vec::new() } else { bytes });
            }
            let whole = framed(&request(&[vec![7; 40]]));
            let short = &whole[..whole.len() - cut];
            prop_assert!(read(short, frame, 1 << 20) == Err(Vec::new()));
            prop_assert!(read(&whole, frame, whole.len() - PREFIX - 1) == Err(whole.clone()));
            let mut compressed = whole.clone();
            compressed[0] = 1;
            prop_assert!(read(&compressed, frame, 1 << 20) == Err(compressed.clone()));
            let two = [whole.clone(), whole].concat();
            prop_assert!(read(&two, frame, 1 << 20) == Err(Vec::new()));
        }
    }

    #[test]
    fn a_large_tensor_is_not_copied() {
        let content = Bytes::from(vec![7u8; 100_000]);
        let mut message = request(&[]);
        message.raw_input_contents = vec![content.clone()];
        let Whole { pieces } = whole(Contents::of(&mut message).fields());
        assert!(pieces.iter().any(|piece| piece.as_ptr() == content.as_ptr()));
        let framed = Bytes::from(framed(&request(&[content.to_vec()])));
        let read = ModelInferRequest::decode(super::message(vec![framed.clone()])).unwrap();
        let (start, end) = (framed.as_ptr(), framed.as_ptr().wrapping_add(framed.len()));
        assert!((start..end).contains(&read.raw_input_contents[0].as_ptr()));
    }
}
