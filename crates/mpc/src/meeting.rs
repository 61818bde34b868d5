//! Where the three parties of a [`World`] meet, computation by computation: hosts of a program in which parties talk to
//! each other, in one process. **Nothing here protects anything.**

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Abort;
use crate::link::{Links, Peers};
use crate::role::{PARTIES, Role};
use crate::world::World;

/// What each party of `world` meets the others by. Each waits as long as the world's deadline.
pub fn meeting(world: World) -> [Arc<dyn Peers>; PARTIES] {
    let place = Arc::new(Place { world, ends: Mutex::default() });
    Role::ALL.map(|me| Arc::new(Seat { me, place: Arc::clone(&place) }) as Arc<dyn Peers>)
}

struct Place {
    world: World,
    /// Of each computation, the ends that were not taken yet.
    ends: Mutex<HashMap<[u8; 32], [Option<Links>; PARTIES]>>,
}

struct Seat {
    me: Role,
    place: Arc<Place>,
}

impl Peers for Seat {
    fn meet(&self, point: &[u8; 32]) -> Result<Links, Abort> {
        let mut ends = self.place.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let of_point = ends.entry(*point).or_insert_with(|| self.place.world.links().map(Some));
        let taken = || Abort::Client("The same request is already running.".into());
        let own = of_point[self.me.index()].take().ok_or_else(taken);
        if of_point.iter().all(Option::is_none) {
            ends.remove(point);
        }
        own
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;
    use crate::link::LinkError;

    #[test]
    fn parties_meet_at_the_same_point_only_and_once() {
        let [p0, p1, p2] = meeting(World::new(1).deadline(Duration::from_millis(50)));
        let mut at_p0 = p0.meet(&[1; 32]).unwrap();
        assert!(p0.meet(&[1; 32]).is_err(), "it is running");
        let mut at_p1 = p1.meet(&[1; 32]).unwrap();
        let mut elsewhere = p2.meet(&[2; 32]).unwrap();
        at_p0.next.send("", b"hello").unwrap();
        assert_eq!(at_p1.previous.recv("", 5).unwrap(), b"hello");
        assert_eq!(elsewhere.next.recv("", 5), Err(LinkError::Late));
    }
}
