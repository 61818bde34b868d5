//! Two servers and a dealer ([`privet_mpc::protocols::dealer2`]): what the dealer says ahead of time, and how a client gets a part of it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`epoch`] | which randomness is in force, and the keys that follow for each ticket |
//! | [`wire`] | messages, byte by byte |
//! | [`dealer`] | the dealer: it computes its part for tickets that servers order, and keeps nothing |
//! | `kept` | what one server ordered and the other one will |
//! | [`pool`] | a server's tapes, ordered ahead, given away once and burnt before use |
//! | `turns` | one order at a time |
//! | [`server`] | a server: it gives tickets, and computes for who brings one |
//! | [`caller`] | the client |
//!
//! The way of a prediction: the servers order tapes, each from the dealer by a call of its own, before anybody asks. A client asks both servers for
//! tickets, and gets from each one of two seeds; the mask of its rows is what the seeds expand to. It sends both servers its rows less
//! the mask, and adds their answers up. Tickets are asked for some at a time, so that a client that has one is answered in one round trip, and the
//! first time in two.

pub mod caller;
pub mod dealer;
pub mod epoch;
mod kept;
pub mod pool;
pub mod server;
mod turns;
pub mod wire;

use privet_mpc::request::Layout;

/// Rows of the tickets that a request of so many rows takes, each a power of two of at most `most`: with the fewest tickets of which no more than a
/// quarter is filled up.
pub fn sizes(rows: usize, most: usize) -> Vec<(usize, usize)> {
    let (mut left, mut all) = (rows, Vec::new());
    let most = (most + 1).next_power_of_two() / 2;
    while left > 0 {
        let above = left.next_power_of_two().min(most.max(1));
        let size = if above.saturating_sub(left) > above / 4 { above / 2 } else { above };
        all.push((left.min(size), size));
        left -= left.min(size);
    }
    all
}

/// Bytes that a client sends both servers for so many rows, with tickets at hand.
pub(crate) fn bytes_up(layout: &Layout, rows: usize) -> usize {
    let copies = layout.protect.explicit_copies();
    let one = |size: usize| 2 * wire::COMPUTE_BYTES + copies * (16 + layout.explicit_len(size).unwrap_or(0));
    sizes(rows, layout.chunk_rows()).into_iter().map(|(_, size)| one(size)).sum()
}

#[cfg(test)]
mod tests {
    use super::sizes;

    #[test]
    fn tickets_hold_all_rows_and_little_else() {
        assert_eq!(sizes(0, 8), []);
        assert_eq!(sizes(1, 8), [(1, 1)]);
        assert_eq!(sizes(3, 8), [(3, 4)]);
        assert_eq!(sizes(127, 1000), [(127, 128)]);
        assert_eq!(sizes(100, 1000), [(100, 128)]);
        assert_eq!(sizes(90, 1000), [(64, 64), (26, 32)]);
        assert_eq!(sizes(20, 9), [(8, 8), (8, 8), (4, 4)]);
        for most in [1, 7, 64, 1000] {
            for rows in 1..300 {
                let all = sizes(rows, most);
                assert_eq!(all.iter().map(|(rows, _)| rows).sum::<usize>(), rows);
                assert!(all.iter().all(|&(rows, size)| {
                    size.is_power_of_two() && size <= most && rows <= size && size - rows <= size / 4
                }));
            }
        }
    }
}
