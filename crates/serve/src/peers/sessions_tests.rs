#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use proptest::prelude::*;

use privet_mpc::link::LANES;

use super::*;

const AGE: Duration = Duration::from_secs(30);

fn point(i: usize) -> Point {
    let mut point = [9; 32];
    point[..8].copy_from_slice(&i.to_le_bytes());
    point
}

fn frame(i: usize, number: u32) -> Head {
    Head { point: point(i), lane: 0, number, length: 0 }
}

#[test]
fn lanes_count_for_themselves_and_there_are_only_so_many() {
    let (mut s, now) = (Sessions::new(), Instant::now());
    let in_lane = |lane: u8, number| Head { lane, ..frame(1, number) };
    s.begin(&point(1), now).unwrap();
    for (lane, number) in [(0, 0), (LANES, 0), (3, 0), (3, 1), (0, 1)] {
        s.deliver(Side::Next, &in_lane(lane, number), vec![lane, number as u8], now);
        is_settled(&s);
    }
    for (lane, number) in [(3, 0), (0, 0), (0, 1), (LANES, 0), (3, 1)] {
        let message = Waiting::Message(vec![lane, number]);
        assert_eq!(s.take(&point(1), lane, Side::Next), message);
    }
    assert_eq!(s.take(&point(1), 5, Side::Next), Waiting::Nothing(true));
    assert_eq!((0..3).map(|_| s.number(&point(1), 2, Side::Next).unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(s.number(&point(1), LANES + 1, Side::Next), Err(LinkError::Closed));
    s.deliver(Side::Next, &in_lane(LANES + 1, 0), vec![1], now);
    assert_eq!(s.take(&point(1), 0, Side::Next), Waiting::Over(LinkError::Unasked), "there is no such lane");
    is_settled(&s);
}

/// Every account is what is really there.
fn is_settled(s: &Sessions) {
    for side in Side::BOTH {
        let at = side.index();
        let cost = |early: bool| {
            let of = s.open.values().filter(|session| !early || session.early.is_some());
            of.map(|session| session.from[at].cost()).sum::<usize>()
        };
        assert_eq!((s.unread[at], s.early_bytes[at]), (cost(false), cost(true)));
        let early = s.open.values().filter(|session| session.early.is_some_and(|(by, _)| by == side));
        assert_eq!(s.early[at].len(), early.count());
        assert!(s.early[at].len() <= EARLY && s.early_bytes[at] <= EARLY_BYTES && s.unread[at] <= UNREAD);
    }
    assert_eq!(s.running, s.open.values().filter(|session| session.early.is_none()).count());
}

#[test]
fn the_oldest_early_computation_goes_first_and_says_so() {
    let (mut s, now) = (Sessions::new(), Instant::now());
    s.deliver(Side::Next, &frame(5000, 0), vec![1], now);
    for i in 0..=EARLY {
        s.deliver(Side::Previous, &frame(i, 0), vec![1], now);
    }
    is_settled(&s);
    let begin = |s: &mut Sessions, i| s.begin(&point(i), now).map(drop);
    assert_eq!(begin(&mut s, 0), Err(Refusal::Dropped(Dropped::TooMuch(Side::Previous))));
    assert_eq!(begin(&mut s, 1), Ok(()));
    assert_eq!(begin(&mut s, 5000), Ok(()), "the other peer has its own limit");
    assert_eq!(s.take(&point(1), 0, Side::Previous), Waiting::Message(vec![1]));
    // What still comes for one that was dropped is not kept.
    s.deliver(Side::Previous, &frame(0, 1), vec![1], now);
    assert!(!s.open.contains_key(&point(0)));
    is_settled(&s);
}

#[test]
fn bytes_sent_to_what_the_other_peer_began_count_for_who_sent_them() {
    let (mut s, now) = (Sessions::new(), Instant::now());
    s.deliver(Side::Next, &frame(1, 0), vec![1], now);
    s.deliver(Side::Previous, &frame(1, 0), vec![0; EARLY_BYTES], now);
    is_settled(&s);
    let refusal = s.begin(&point(1), now).map(drop);
    assert_eq!(refusal, Err(Refusal::Dropped(Dropped::TooMuch(Side::Previous))));
}

#[test]
fn what_a_peer_began_is_forgotten_with_it_or_after_a_while() {
    let (mut s, now) = (Sessions::new(), Instant::now());
    s.deliver(Side::Next, &frame(1, 0), vec![1], now);
    s.sweep(now + AGE, AGE);
    assert!(s.open.contains_key(&point(1)));
    s.sweep(now + 2 * AGE, AGE);
    assert_eq!(s.begin(&point(1), now).err(), Some(Refusal::Dropped(Dropped::Expired(Side::Next))));
    s.deliver(Side::Next, &frame(2, 0), vec![1], now);
    s.begin(&point(3), now).unwrap();
    s.lose(Side::Next);
    assert_eq!(s.begin(&point(2), now).err(), Some(Refusal::Dropped(Dropped::Gone(Side::Next))));
    assert_eq!(s.take(&point(3), 0, Side::Next), Waiting::Over(LinkError::Closed));
    assert_eq!(s.take(&point(3), 0, Side::Previous), Waiting::Nothing(false));
    assert_eq!(s.number(&point(3), 0, Side::Next), Err(LinkError::Closed));
    is_settled(&s);
}

#[test]
fn only_so_many_run_at_once() {
    let (mut s, now) = (Sessions::new(), Instant::now());
    (0..RUNNING).for_each(|i| drop(s.begin(&point(i), now).unwrap()));
    assert_eq!(s.begin(&point(RUNNING), now).err(), Some(Refusal::Busy));
    s.end(&point(0));
    s.begin(&point(RUNNING), now).unwrap();
    is_settled(&s);
}

proptest! {
    #[test]
    fn the_accounts_are_right_whatever_happens(
        steps in proptest::collection::vec((0..9_u8, 0..6_usize, 0..3_u32, 0..200_usize), 1..200),
        lane in 0..=LANES + 1,
    ) {
        let (mut s, mut now) = (Sessions::new(), Instant::now());
        for (what, i, number, length) in steps {
            let side = Side::BOTH[length % 2];
            match what {
                0 => drop(s.begin(&point(i), now)),
                // Only what runs can end.
                1 => if s.open.get(&point(i)).is_some_and(|o| o.early.is_none()) { s.end(&point(i)) },
                2 => drop(s.take(&point(i), lane, side)),
                3 if length < 20 => s.lose(side),
                4 => { now += AGE / 4; s.sweep(now, AGE) }
                5 => s.deliver(side, &Head::end(point(i)), Vec::new(), now),
                6 => drop(s.number(&point(i), lane, side)),
                _ => s.deliver(side, &Head { lane: lane * u8::from(length % 3 == 0), ..frame(i, number) }, vec![0; length], now),
            }
            is_settled(&s);
        }
    }
}
