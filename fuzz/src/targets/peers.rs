//! What parties say to each other.

use privet_serve::peers::recorded::{frames, heads_travel};

use crate::target::Target;

pub(super) const TARGETS: &[Target] = &[
    // A piece of the longest message is made room for before it is there.
    Target::new("peer_frames", peer_frames, || vec![stream()]).with_memory(16, 64),
    Target::new("peer_heads", peer_heads, || {
        vec![[&b"PVP1\x00\x01"[..], &[7; 32], b"PVP1\x01", &[9; 32], &[1; 40]].concat()]
    }),
];

const POINTS: [[u8; 32]; 2] = [[1; 32], [2; 32]];

fn frame(point: u8, number: u32, lane: u8, body: &[u8]) -> Vec<u8> {
    let number = number | u32::from(lane) << 24;
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&[point; 32][..], &number.to_le_bytes(), &length.to_le_bytes(), body].concat()
}

fn stream() -> Vec<u8> {
    [
        frame(1, 0, 0, b"first"),
        frame(2, 0, 1, b"of another lane"),
        frame(0, 0, 0, b""),
        frame(1, 1, 0, b"second"),
        frame(9, 0, 0, b"nobody waits for it"),
        frame(2, 0, 255, b""),
    ]
    .concat()
}

fn peer_frames(bytes: &[u8]) {
    let kept = frames(&POINTS, bytes);
    assert!(kept <= bytes.len(), "more was kept than came");
}

fn peer_heads(bytes: &[u8]) {
    assert!(heads_travel(bytes), "what was read is written otherwise");
}
