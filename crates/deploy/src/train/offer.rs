//! An owner's rows at a party: chunks of shares as owners send them, kept so that any row can be read by itself.
//!
//! The explicit component lies in one file, row after row, as words of 64 bits; of the others there are seeds. Complete offers have a second
//! file, of one record for each chunk: rows (4 bytes), point (32), digest of its part of the first file (32), seeds (16 each). Behind them is a
//! digest of them all, and of the tags, which lie in a third file.

use privet_mpc::protect::{Component, Protect};
use privet_mpc::protocols::replicated3::checked;
use privet_mpc::request::{Held, Layout, PartyRequest};
use privet_mpc::role::Role;
use privet_ring::prg::{Seed, Stream};
use zeroize::Zeroizing;

use super::agreement::{Agreement, MOST_ROWS};
use super::store::Store;
use super::wire::TAG;
use crate::error::Error;
use crate::mpc::aborted;

/// The ring of rows.
const RING: u32 = 64;

/// One owner's rows.
pub(super) struct Offer {
    owner: usize,
    role: Role,
    layout: Layout,
    most_rows: usize,
    chunks: Vec<Chunk>,
    rows: u32,
    complete: bool,
    wants_tags: bool,
    tags: Vec<[u8; TAG]>,
}

struct Chunk {
    rows: u32,
    point: [u8; 32],
    /// Of the explicit component; of nothing where there is none.
    digest: [u8; 32],
    /// Of the components that are seeded, in their order.
    seeds: Vec<Seed>,
}

/// The shape of a chunk of an owner's rows.
pub(super) fn layout(agreement: &Agreement, owner: usize) -> Layout {
    let mut hasher = blake3::Hasher::new_derive_key("privet 2026 an owner's rows of a training");
    hasher.update(&agreement.digest()).update(&(owner as u64).to_le_bytes());
    Layout {
        bundle: *hasher.finalize().as_bytes(),
        protect: Protect::Both,
        k: RING,
        encoded_bits: RING,
        columns: agreement.width_of(owner),
        scores: 1,
        answer_bits: RING,
        check_rows: 0,
        most_rows: usize::MAX,
    }
}

impl Offer {
    /// None yet.
    pub(super) fn new(agreement: &Agreement, owner: usize, role: Role) -> Self {
        let layout = layout(agreement, owner);
        let wants_tags = agreement.has_tags();
        Self {
            owner,
            role,
            layout,
            most_rows: agreement.most_rows.min(MOST_ROWS),
            chunks: Vec::new(),
            rows: 0,
            complete: false,
            wants_tags,
            tags: Vec::new(),
        }
    }

    /// What was completed before, if there is anything.
    pub(super) fn read(
        agreement: &Agreement,
        owner: usize,
        role: Role,
        store: &dyn Store,
    ) -> Result<Self, Error> {
        let mut offer = Self::new(agreement, owner, role);
        let Some(file) = store.get(&offer.name("offer"))? else { return Ok(offer) };
        let damaged = || damaged(owner);
        let (records, digest) = file.split_last_chunk::<32>().ok_or_else(damaged)?;
        if agreement.has_tags() {
            let tags = store.get(&offer.name("tags"))?.ok_or_else(damaged)?;
            offer.tags = tags.as_chunks::<TAG>().0.to_vec();
        }
        if offer.digest_of(records) != *digest {
            return Err(damaged());
        }
        for record in records.chunks(offer.record()) {
            let chunk = Chunk::read(record).ok_or_else(damaged)?;
            offer.rows = offer.rows.checked_add(chunk.rows).ok_or_else(damaged)?;
            offer.chunks.push(chunk);
        }
        let full = offer.layout.chunk_rows();
        let is_whole = offer.chunks.split_last().is_some_and(|(last, others)| {
            (1..=full).contains(&(last.rows as usize)) && others.iter().all(|c| c.rows as usize == full)
        });
        if !is_whole || agreement.has_tags() && offer.tags.len() != offer.rows as usize {
            return Err(damaged());
        }
        offer.check_rows(store)?;
        offer.complete = true;
        Ok(offer)
    }

    /// Whether the rows on disk are those that came.
    fn check_rows(&self, store: &dyn Store) -> Result<(), Error> {
        if !self.has_explicit() {
            return Ok(());
        }
        let mut first = 0;
        for chunk in &self.chunks {
            let mut bytes = Zeroizing::new(vec![0; chunk.rows as usize * self.layout.columns * 8]);
            let read = store.read_at(&self.name("rows"), self.place(first), &mut bytes);
            if read.is_err() || blake3::hash(&bytes) != chunk.digest {
                return Err(damaged(self.owner));
            }
            first += chunk.rows;
        }
        Ok(())
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> u32 {
        self.rows
    }

    /// Whether these are all.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// By row, the tag of its identifier.
    pub(super) fn tags(&self) -> &[[u8; TAG]] {
        &self.tags
    }

    /// Takes a chunk, once it was found to be what its commitments say.
    pub(super) fn take(
        &mut self,
        request: PartyRequest,
        tags: Option<&[u8]>,
        store: &dyn Store,
    ) -> Result<(), Error> {
        let statement = request.statement;
        let full = self.layout.chunk_rows();
        let is_next = statement.chunk as usize == self.chunks.len()
            && self.chunks.last().is_none_or(|last| last.rows as usize == full);
        if self.complete || !is_next {
            let what = "This chunk is not the next one of an offer that is under way. Send all rows again from the first.";
            return Err(Error::usage("E352", what));
        }
        checked(&self.layout, self.role, &request).map_err(aborted)?;
        if self.rows as usize + statement.rows as usize > self.most_rows {
            return Err(Error::usage("E106", format!("One owner may give {} rows.", self.most_rows)));
        }
        let tags = self.tags_of(tags, statement.rows)?;
        let (mut seeds, mut digest) = (Vec::new(), [0; 32]);
        for held in request.held {
            match held {
                Held::Seed(seed) => seeds.push(seed),
                Held::Packed { bytes, .. } => {
                    digest = *blake3::hash(&bytes).as_bytes();
                    store.write_at(&self.name("rows"), self.place(self.rows), &bytes)?;
                }
            }
        }
        // Only now, so that a chunk which could not be written can come again.
        self.tags.extend_from_slice(tags);
        self.rows += statement.rows;
        self.chunks.push(Chunk { rows: statement.rows, point: statement.point(), digest, seeds });
        Ok(())
    }

    fn tags_of<'a>(&self, tags: Option<&'a [u8]>, rows: u32) -> Result<&'a [[u8; TAG]], Error> {
        let (tags, rest) = tags.unwrap_or_default().as_chunks::<TAG>();
        // Without tags in the agreement none may come.
        let wanted = if self.wants_tags { rows as usize } else { 0 };
        if !rest.is_empty() || tags.len() != wanted {
            let what = format!(
                "{wanted} tags of {TAG} bytes were expected beside {rows} rows; {} came.",
                tags.len()
            );
            return Err(Error::usage("E330", what));
        }
        Ok(tags)
    }

    /// Ends the offer, if so many rows came.
    pub(super) fn complete(&mut self, rows: u64, store: &dyn Store) -> Result<(), Error> {
        if rows != u64::from(self.rows) || rows == 0 {
            let what = format!(
                "{rows} rows were to come, and {} did. Send all rows again from the first.",
                self.rows
            );
            return Err(Error::usage("E352", what));
        }
        let mut sorted = self.tags.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::refused(
                "E357",
                "Two of these rows have the same identifier. Give each row once.",
            ));
        }
        // As long as it will be, so that no seed is left elsewhere.
        let mut records = Zeroizing::new(Vec::with_capacity(self.chunks.len() * self.record() + 32));
        for chunk in &self.chunks {
            records.extend_from_slice(&chunk.rows.to_le_bytes());
            records.extend_from_slice(&chunk.point);
            records.extend_from_slice(&chunk.digest);
            chunk.seeds.iter().for_each(|seed| records.extend_from_slice(seed.expose()));
        }
        let digest = self.digest_of(&records);
        records.extend_from_slice(digest.as_bytes());
        if self.has_explicit() {
            store.keep(&self.name("rows"))?;
        }
        if self.wants_tags {
            store.put(&self.name("tags"), self.tags.as_flattened())?;
        }
        store.put(&self.name("offer"), &records)?;
        self.complete = true;
        Ok(())
    }

    /// What all parties were told alike.
    pub(super) fn hash(&self, hasher: &mut blake3::Hasher) {
        hasher.update(&self.rows.to_le_bytes());
        for chunk in &self.chunks {
            hasher.update(&chunk.point);
        }
        hasher.update(self.tags.as_flattened());
    }

    /// The same, of this offer alone.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("privet 2026 an owner's rows, as parties took them");
        hasher.update(&self.layout.bundle);
        self.hash(&mut hasher);
        *hasher.finalize().as_bytes()
    }

    /// Of records as they lie on disk, and of tags.
    fn digest_of(&self, records: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_derive_key("privet 2026 an offer on disk");
        hasher.update(&self.layout.bundle).update(&(records.len() as u64).to_le_bytes()).update(records);
        hasher.update(self.tags.as_flattened());
        hasher.finalize()
    }

    /// A row's two components, in the order in which this party holds them.
    pub(super) fn row(&self, row: u32, store: &dyn Store, out: [&mut [u64]; 2]) -> Result<(), Error> {
        let full = self.layout.chunk_rows();
        let (at, within) = (row as usize / full, row as usize % full);
        let chunk = self.chunks.get(at).ok_or_else(|| Error::usage("E352", "There is no such row."))?;
        let mut seeds = chunk.seeds.iter();
        for (component, out) in self.layout.protect.components(self.role).iter().zip(out) {
            if !component.is_seeded() {
                self.explicit(row, store, out)?;
            } else if let Some(seed) = seeds.next() {
                let first = (within * self.layout.columns) as u64;
                Stream::of_chunk(seed, u32::try_from(at).unwrap_or(u32::MAX)).skipping(first).fill(out);
            }
        }
        Ok(())
    }

    fn explicit(&self, row: u32, store: &dyn Store, out: &mut [u64]) -> Result<(), Error> {
        store.read_at(&self.name("rows"), self.place(row), bytemuck::cast_slice_mut(out))?;
        for word in out {
            *word = u64::from_le(*word);
        }
        Ok(())
    }

    fn place(&self, row: u32) -> u64 {
        u64::from(row) * self.layout.columns as u64 * 8
    }

    fn name(&self, what: &str) -> String {
        format!("{what}-{}", self.owner)
    }

    /// Bytes of a chunk's record.
    fn record(&self) -> usize {
        68 + 16 * self.seeded().count()
    }

    fn has_explicit(&self) -> bool {
        self.seeded().count() < self.layout.protect.components(self.role).len()
    }

    fn seeded(&self) -> impl Iterator<Item = &Component> {
        self.layout.protect.components(self.role).iter().filter(|c| c.is_seeded())
    }
}

impl Chunk {
    fn read(record: &[u8]) -> Option<Self> {
        let mut fields = Fields(record);
        let (rows, point, digest) = (u32::from_le_bytes(fields.take()?), fields.take()?, fields.take()?);
        let mut seeds = Vec::new();
        while let Some(seed) = fields.take() {
            seeds.push(Seed::from_bytes(seed));
        }
        Some(Self { rows, point, digest, seeds })
    }
}

fn damaged(owner: usize) -> Error {
    let what = format!(
        "What this party keeps of owner {owner}'s rows (`offer-{owner}`, `rows-{owner}`, `tags-{owner}`) is damaged. Restore it from a copy; \
         without one, agree on a new training."
    );
    Error::integrity("E356", what)
}

/// Fields of a record.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }
}
