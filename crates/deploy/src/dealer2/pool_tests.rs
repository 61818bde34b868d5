#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::*;

const KEY: [u8; 32] = [7; 32];

/// P1's pool.
fn pool(to_dealer: ToDealer) -> Pool {
    let owner = Owner {
        me: Role::ALL[1],
        model: Called { name: "m".into(), version: 1 },
        bundle: [3; 32],
        nonce: [4; 32],
        key: Zeroizing::new(KEY),
    };
    let supply = Supply { to_dealer, bytes: 1 << 20, place: Arc::new(Memory) };
    Pool::new(owner, supply)
}

/// A server's pool, at a dealer that starts anew before each order; and all epochs that it told.
fn at_a_new_dealer_each_time() -> (Pool, Arc<Mutex<Vec<Epoch>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tells = Arc::clone(&told);
    let to_dealer = move |call: InferRequest| {
        let (order, seal) = Order::open(&call.inputs[0].data, |_| Some(&KEY))?;
        let mut told = tells.lock().unwrap();
        let mut dealer = [0; 32];
        dealer[..8].copy_from_slice(&told.len().to_le_bytes());
        let epoch = Epoch { dealer, servers: [order.nonce, [2; 32]] };
        told.push(epoch);
        let tapes = vec![Zeroizing::new(vec![1; 8]); order.count as usize];
        let reply = Dealt { epoch, tapes }.seal(&KEY, &seal);
        Ok(InferReply { outputs: vec![RawTensor::bytes(TAPES, reply)], ..InferReply::default() })
    };
    (pool(Arc::new(to_dealer)), told)
}

#[test]
fn epochs_that_ended_are_remembered_until_they_cannot_come_back() {
    let (pool, told) = at_a_new_dealer_each_time();
    for _ in 0..3 * ENDED {
        pool.introduce().unwrap();
        assert!(pool.state().ended.len() < ENDED);
    }
    let nonces: BTreeSet<Nonce> = told.lock().unwrap().iter().map(|epoch| epoch.servers[0]).collect();
    assert!(nonces.len() >= 3 && nonces.contains(&[4; 32]), "{} nonces", nonces.len());
    let state = pool.state();
    for epoch in told.lock().unwrap().iter().filter(|epoch| Some(**epoch) != state.epoch) {
        assert!(state.ended.contains(&epoch.id()) || epoch.servers[0] != state.nonce);
    }
}

/// Rows and number of each tape.
type Ordered = Arc<Mutex<Vec<(u32, u64)>>>;

/// A server's pool at a slow dealer, and the numbers of all tapes that were ordered, by rows.
fn at_a_slow_dealer() -> (Pool, Ordered) {
    let dealt = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&dealt);
    let to_dealer = move |call: InferRequest| {
        let (order, seal) = Order::open(&call.inputs[0].data, |_| Some(&KEY))?;
        std::thread::sleep(Duration::from_millis(2));
        noted.lock().unwrap().extend((order.first..).take(order.count as usize).map(|n| (order.rows, n)));
        let epoch = Epoch { dealer: [1; 32], servers: [order.nonce, [2; 32]] };
        let tapes = vec![Zeroizing::new(vec![1; 8]); order.count as usize];
        let reply = Dealt { epoch, tapes }.seal(&KEY, &seal);
        Ok(InferReply { outputs: vec![RawTensor::bytes(TAPES, reply)], ..InferReply::default() })
    };
    (pool(Arc::new(to_dealer)), dealt)
}

#[test]
fn no_tape_is_ordered_twice_however_many_miss_it() {
    let (pool, dealt) = at_a_slow_dealer();
    let given = std::thread::scope(|scope| {
        let ask = |client: u32| pool.allocate(1 << (client % 3), 4).unwrap();
        let clients: Vec<_> = (0..48).map(|client| scope.spawn(move || ask(client))).collect();
        scope.spawn(|| while pool.refill().unwrap() {});
        clients.into_iter().map(|client| client.join().unwrap().2).sum::<u32>()
    });
    let mut dealt = dealt.lock().unwrap().clone();
    let count = dealt.len();
    dealt.sort_unstable();
    dealt.dedup();
    assert_eq!((dealt.len(), given), (count, 48 * 4), "of {count} orders");
}

#[test]
fn whoever_waits_for_an_order_fails_with_it() {
    let asked = Arc::new(Mutex::new(0));
    let asks = Arc::clone(&asked);
    let gone = move |call: InferRequest| {
        let (order, seal) = Order::open(&call.inputs[0].data, |_| Some(&KEY))?;
        if order.count == 0 {
            let epoch = Epoch { dealer: [1; 32], servers: [order.nonce, [2; 32]] };
            let reply = Dealt { epoch, tapes: Vec::new() }.seal(&KEY, &seal);
            return Ok(InferReply { outputs: vec![RawTensor::bytes(TAPES, reply)], ..InferReply::default() });
        }
        *asks.lock().unwrap() += 1;
        std::thread::sleep(Duration::from_millis(200));
        Err(Error::new(Blame::Unreachable, "E304", "The dealer is gone."))
    };
    let (pool, start) = (pool(Arc::new(gone)), Instant::now());
    pool.introduce().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| assert_eq!(pool.allocate(1, 1).unwrap_err().code, "E304"));
        }
    });
    // Who came after the first order had failed orders again.
    assert!(*asked.lock().unwrap() < 8 && start.elapsed() < Duration::from_secs(2));
}
