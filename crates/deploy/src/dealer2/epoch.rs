//! Which randomness is in force. Each role draws a nonce when it starts; all three together are an epoch, and every key of a ticket
//! follows from it. So a role that comes back, be it from a backup of all it ever wrote, never meets a stream of masks again.

use privet_mpc::correlated::PairKeys;
use privet_mpc::role::Role;
use privet_ring::prg::Seed;
use zeroize::Zeroize;

/// What a role draws when it starts.
pub type Nonce = [u8; 32];

/// The nonces of the dealer and of both servers, P1 first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Of the dealer.
    pub dealer: Nonce,
    /// Of P1 and P2.
    pub servers: [Nonce; 2],
}

/// What stands for an epoch in messages.
pub type EpochId = [u8; 32];

impl Epoch {
    /// Its digest.
    pub fn id(&self) -> EpochId {
        let mut hasher = blake3::Hasher::new_derive_key("privet 2026 dealer2 epoch");
        hasher.update(&self.dealer);
        for nonce in &self.servers {
            hasher.update(nonce);
        }
        *hasher.finalize().as_bytes()
    }
}

/// Which tape of an epoch: for how many rows, and its number among those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketId {
    /// In which epoch.
    pub epoch: EpochId,
    /// Rows.
    pub rows: u32,
    /// From 0.
    pub number: u64,
}

impl TicketId {
    /// The point at which all randomness of its computation is drawn.
    pub fn point(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("privet 2026 dealer2 point of a ticket");
        hasher.update(&self.epoch).update(&self.rows.to_le_bytes()).update(&self.number.to_le_bytes());
        *hasher.finalize().as_bytes()
    }

    /// The point of its computation on what hashes to `commitment`: servers that were told different things do not meet there.
    pub fn statement(&self, commitment: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("privet 2026 dealer2 statement");
        *hasher.update(&self.point()).update(commitment).finalize().as_bytes()
    }

    /// A role's keys for this ticket. Those with the dealer follow from the ticket alone, as it deals before there are rows; that of the servers
    /// from the statement too, so that a client which told them different things gets noise.
    pub fn keys(&self, me: Role, keys: &PairKeys, statement: &[u8; 32]) -> PairKeys {
        let point = self.point();
        let with_dealer = |key| derived(key, "key with the dealer", &point);
        let with_server = |key| derived(key, "key of the servers", statement);
        let (with_previous, with_next) = match me.index() {
            0 => (with_dealer(&keys.with_previous), with_dealer(&keys.with_next)),
            1 => (with_dealer(&keys.with_previous), with_server(&keys.with_next)),
            _ => (with_server(&keys.with_previous), with_dealer(&keys.with_next)),
        };
        PairKeys { with_previous, with_next }
    }

    /// The seed of the part of the mask that `server` and the dealer know, `key` being theirs: x1 with P1, x0 with P2.
    pub fn seed(&self, key: &[u8; 32]) -> Seed {
        let mut long = derived(key, "seed of a mask", &self.point());
        let mut seed = [0; 16];
        seed.copy_from_slice(&long[..16]);
        long.zeroize();
        let drawn = Seed::from_bytes(seed);
        seed.zeroize();
        drawn
    }

    /// What shows that a client was given this ticket, from the servers' key.
    pub fn token(&self, key: &[u8; 32]) -> [u8; 32] {
        derived(key, "token", &self.point())
    }
}

/// A role's key with the dealer; at the dealer that with a server.
pub(super) fn with_dealer(me: Role, server: Role, keys: &PairKeys) -> &[u8; 32] {
    let previous = if me.index() == 0 { server.index() == 2 } else { me.index() == 1 };
    if previous { &keys.with_previous } else { &keys.with_next }
}

/// The servers' key, at one of them.
pub(super) fn of_servers(me: Role, keys: &PairKeys) -> &[u8; 32] {
    if me.index() == 1 { &keys.with_next } else { &keys.with_previous }
}

fn derived(key: &[u8; 32], what: &str, point: &[u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(b"privet 2026 dealer2 ").update(what.as_bytes()).update(&[0]).update(point);
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use privet_mpc::world::World;

    use super::*;

    fn ticket() -> TicketId {
        TicketId { epoch: Epoch { dealer: [1; 32], servers: [[2; 32], [3; 32]] }.id(), rows: 4, number: 7 }
    }

    #[test]
    fn keys_are_agreed_by_pairs_and_differ_otherwise() {
        let all = World::new(3).keys();
        let of = |role: usize, statement| ticket().keys(Role::ALL[role], &all[role], &[statement; 32]);
        let [p0, p1, p2] = [of(0, 0), of(1, 5), of(2, 5)];
        assert_eq!(
            (p0.with_next, p1.with_next, p2.with_next),
            (p1.with_previous, p2.with_previous, p0.with_previous)
        );
        let told_otherwise = of(2, 6);
        assert_ne!(told_otherwise.with_previous, p2.with_previous);
        assert_eq!(told_otherwise.with_next, p2.with_next, "the dealer knows no statement");
        for server in &Role::ALL[1..] {
            let at_dealer = with_dealer(Role::ALL[0], *server, &all[0]);
            assert_eq!(at_dealer, with_dealer(*server, *server, &all[server.index()]));
        }
        assert_eq!(of_servers(Role::ALL[1], &all[1]), of_servers(Role::ALL[2], &all[2]));
    }

    /// Whatever started anew, no stream of masks is met again.
    #[test]
    fn every_nonce_and_every_number_gives_other_seeds() {
        let epoch = Epoch { dealer: [1; 32], servers: [[2; 32], [3; 32]] };
        let others = [
            Epoch { dealer: [9; 32], ..epoch },
            Epoch { servers: [[9; 32], [3; 32]], ..epoch },
            Epoch { servers: [[2; 32], [9; 32]], ..epoch },
            Epoch { servers: [[3; 32], [2; 32]], ..epoch },
        ];
        let ticket = ticket();
        let mut tickets: Vec<TicketId> =
            others.iter().map(|e| TicketId { epoch: e.id(), ..ticket }).collect();
        tickets.extend([ticket, TicketId { rows: 8, ..ticket }, TicketId { number: 8, ..ticket }]);
        let mut seen = std::collections::HashSet::new();
        for ticket in &tickets {
            assert!(seen.insert(*ticket.seed(&[1; 32]).expose()));
            assert!(seen.insert(*ticket.seed(&[2; 32]).expose()));
        }
        let mut points: Vec<[u8; 32]> =
            tickets.iter().flat_map(|t| [t.point(), t.token(&[1; 32]), t.statement(&[0; 32])]).collect();
        let count = points.len();
        points.sort_unstable();
        points.dedup();
        assert_eq!(points.len(), count);
    }
}
