//! Rows under tickets: the same integers as on ciphertexts, masks that are used once, and nothing that either side could read.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use std::sync::Arc;

use common::{entropy, is_even, plan_of, rows};
use privet_deploy::Error;
use privet_deploy::caller::{Asked, Caller as _, Job, OPEN_AGAIN};
use privet_deploy::check::{Planned, planned_scores};
use privet_deploy::he::bundle::{HeFile, for_he};
use privet_deploy::he::caller::HeCaller;
use privet_deploy::he::host::HeHost;
use privet_deploy::he::wire::{ANSWER, CIPHERTEXTS, HEAD, MASKED};
use privet_deploy::kind::Reveal;
use privet_deploy::oip::{Host as _, InferReply, InferRequest};
use privet_model::tensor::Tensor;

struct Scene {
    planned: Planned,
    file: HeFile,
    caller: Arc<HeCaller>,
    host: HeHost,
    columns: usize,
}

fn one(reply: InferReply) -> Vec<InferReply> {
    vec![reply]
}

impl Scene {
    fn new(columns: usize, scores: usize) -> Self {
        let planned = plan_of(columns, scores);
        let (public, file) = for_he(&planned, "m", Reveal::Score, &mut entropy(1)).unwrap();
        let (caller, host) = (HeCaller::new(&public).unwrap(), host(&file));
        Self { planned, file, caller, host, columns }
    }

    /// Asks for tickets until there are as many as wanted; how many questions that took.
    fn prepare(&self, wanted: usize) -> usize {
        self.caller.prepare_ahead(wanted);
        let mut asked = 0;
        while let Some(preparation) = self.caller.preparation(&mut entropy(7 + asked)).unwrap() {
            asked += 1;
            preparation.pending.keep(self.host.infer(preparation.messages[0].clone()).map(one)).unwrap();
        }
        asked as usize
    }

    fn job(&self, rows: &[Tensor]) -> Box<dyn Job> {
        let jobs = self.caller.jobs(Arc::new(rows.to_vec()), &mut entropy(3)).unwrap();
        jobs.into_iter().next().unwrap()
    }

    fn ask(&self, rows: &[Tensor]) -> Asked {
        self.job(rows).ask(&mut entropy(4)).unwrap()
    }

    /// The scores that are in the plan's integers.
    fn expected(&self, rows: &[Tensor]) -> Vec<f64> {
        planned_scores(&self.planned, rows).unwrap()
    }

    fn rows(&self, seed: u64, count: usize) -> Vec<Tensor> {
        rows(seed, count, self.columns)
    }
}

fn host(file: &HeFile) -> HeHost {
    let (public, integers, secret) = file.open().unwrap();
    HeHost::new(&public, integers, secret, Box::new(|| Box::new(entropy(5)))).unwrap()
}

fn under_ticket(message: &InferRequest) -> bool {
    message.inputs.iter().any(|raw| raw.name == MASKED)
}

fn data<'a>(message: &'a mut InferRequest, name: &str) -> &'a mut bytes::Bytes {
    &mut message.inputs.iter_mut().find(|raw| raw.name == name).unwrap().data
}

#[test]
fn scores_under_tickets_are_the_plans_integers() {
    for (columns, scores) in [(40, 1), (40, 3), (3, 5)] {
        let scene = Scene::new(columns, scores);
        assert!(scene.prepare(30) > 0);
        for seed in 0..6 {
            let rows = scene.rows(seed, 1 + seed as usize % 4);
            let Asked { mut messages, pending, .. } = scene.ask(&rows);
            assert!(under_ticket(&messages[0]), "there are tickets");
            // A few kilobytes: columns of k bits.
            assert!(data(&mut messages[0], MASKED).len() <= rows[0].rows * columns * 8);
            let reply = scene.host.infer(messages.remove(0)).unwrap();
            assert_eq!(pending.answer(vec![reply]).unwrap().scores, scene.expected(&rows));
        }
    }
}

#[test]
fn without_tickets_rows_are_encrypted() {
    let scene = Scene::new(40, 2);
    let rows = scene.rows(1, 2);
    let asks_encrypted =
        |scene: &Scene| scene.ask(&rows).messages[0].inputs.iter().any(|raw| raw.name == CIPHERTEXTS);
    assert!(asks_encrypted(&scene));
    scene.prepare(1);
    // More rows than one ticket question has.
    let many = scene.rows(2, 3000);
    assert!(scene.ask(&many).messages[0].inputs.iter().any(|raw| raw.name == CIPHERTEXTS));
    // None was given up for them, nor for no rows.
    assert!(scene.caller.jobs(Arc::new(scene.rows(3, 0)), &mut entropy(3)).unwrap().is_empty());
    let mut under = 0;
    while under_ticket(&scene.ask(&rows).messages[0]) {
        under += 1;
    }
    assert!(under > 3 && asks_encrypted(&scene), "{under}");
}

#[test]
fn rows_may_need_the_tickets_of_several_questions() {
    let scene = Scene::new(40, 2);
    assert!(scene.prepare(400) > 2);
    let rows = scene.rows(5, 300);
    let jobs = scene.caller.jobs(Arc::new(rows.clone()), &mut entropy(3)).unwrap();
    assert!(jobs.len() > 1);
    let mut all = Vec::new();
    for job in jobs {
        let Asked { mut messages, pending, .. } = job.ask(&mut entropy(4)).unwrap();
        assert!(under_ticket(&messages[0]));
        all.extend(pending.answer(vec![scene.host.infer(messages.remove(0)).unwrap()]).unwrap().scores);
    }
    assert_eq!(all, scene.expected(&rows));
}

#[test]
fn a_model_of_many_scores_has_tickets_too() {
    let scene = Scene::new(10, 100);
    assert!(scene.prepare(3) > 0);
    let rows = scene.rows(1, 2);
    let Asked { mut messages, pending, .. } = scene.ask(&rows);
    assert!(under_ticket(&messages[0]));
    let reply = scene.host.infer(messages.remove(0)).unwrap();
    assert_eq!(pending.answer(vec![reply]).unwrap().scores, scene.expected(&rows));
}

#[test]
fn any_replica_answers_also_after_a_restart() {
    let scene = Scene::new(40, 2);
    scene.prepare(10);
    let rows = scene.rows(1, 2);
    let Asked { mut messages, pending, .. } = scene.ask(&rows);
    let reply = host(&scene.file).infer(messages.remove(0)).unwrap();
    assert_eq!(pending.answer(vec![reply]).unwrap().scores, scene.expected(&rows));
}

#[test]
fn the_servers_masks_depend_on_the_ciphertexts_too() {
    let scene = Scene::new(40, 1);
    scene.caller.prepare_ahead(1);
    let first = scene.caller.preparation(&mut entropy(40)).unwrap().unwrap();
    let mut other = first.messages[0].clone();
    // The same head with another ciphertext, to a server that does not know the key's past.
    let mut bytes = data(&mut other, CIPHERTEXTS).to_vec();
    bytes[0] ^= 1;
    *data(&mut other, CIPHERTEXTS) = bytes.into();
    let (head, same) = (data(&mut other, HEAD).clone(), data(&mut first.messages[0].clone(), HEAD).clone());
    assert_eq!(head, same);
    let of = |m: &mut InferRequest| privet_deploy::he::wire::ticket(&head, &data(m, CIPHERTEXTS).clone());
    assert_ne!(of(&mut other), of(&mut first.messages[0].clone()));
}

#[test]
fn no_mask_is_used_twice() {
    let scene = Scene::new(40, 1);
    scene.prepare(40);
    let rows = scene.rows(1, 1);
    let mut seen = std::collections::HashSet::new();
    while let Asked { messages, .. } = scene.ask(&rows)
        && under_ticket(&messages[0])
    {
        let [head, masked] = [HEAD, MASKED].map(|name| data(&mut messages[0].clone(), name).clone());
        // Another row of a ticket, and another mask, each time; the row is the same.
        assert!(seen.insert(head) && seen.insert(masked));
    }
    assert!(seen.len() >= 80);
}

#[test]
fn neither_side_reads_anything_from_its_half() {
    let scene = Scene::new(40, 1);
    scene.prepare(400);
    let (rows, mut masked, mut answers) = (scene.rows(1, 1), Vec::new(), Vec::new());
    for _ in 0..300 {
        let mut message = scene.ask(&rows).messages.remove(0);
        assert!(under_ticket(&message));
        masked.extend_from_slice(data(&mut message, MASKED));
        let reply = scene.host.infer(message).unwrap();
        answers.extend_from_slice(&reply.outputs[0].data[32..34]);
    }
    // One row, asked again and again: what the server gets, and what the client gets without its ticket, are even.
    assert!(is_even(masked.iter().map(|b| usize::from(*b)), 256));
    assert!(is_even(answers.iter().map(|b| usize::from(*b % 16)), 16));
}

#[test]
fn a_server_that_forgot_the_key_gets_it_with_the_next_question() {
    let scene = Scene::new(40, 1);
    scene.prepare(1);
    let restarted = host(&scene.file);
    scene.caller.prepare_ahead(10_000);
    let first = scene.caller.preparation(&mut entropy(30)).unwrap().unwrap();
    assert!(scene.caller.preparation(&mut entropy(31)).unwrap().is_none(), "one at a time");
    let refusal = restarted.infer(first.messages[0].clone()).map(one);
    assert_eq!(refusal.as_ref().err().unwrap().code, OPEN_AGAIN);
    first.pending.keep(refusal).unwrap();
    let second = scene.caller.preparation(&mut entropy(32)).unwrap().unwrap();
    assert!(second.pending.keep(restarted.infer(second.messages[0].clone()).map(one)).is_ok());
    // A server that does not know a key which it was just sent is not asked for ever.
    let fresh = Scene::new(40, 1);
    fresh.caller.prepare_ahead(1);
    let question = fresh.caller.preparation(&mut entropy(35)).unwrap().unwrap();
    assert!(question.pending.keep(Err(Error::refused(OPEN_AGAIN, "who?"))).is_err());
    // Another failure is told, and leaves room for another try.
    let third = scene.caller.preparation(&mut entropy(33)).unwrap().unwrap();
    assert!(third.pending.keep(Err(Error::usage("E340", "no"))).is_err());
    assert!(scene.caller.preparation(&mut entropy(34)).unwrap().is_some());
}

#[test]
fn what_does_not_fit_a_ticket_is_refused_by_its_code() {
    type Change = fn(&mut InferRequest);
    let cases: [(&str, &str, Change); 7] = [
        ("no rows", "E341", |m| set(m, 4, 0)),
        ("rows beyond all", "E341", |m| set(m, 4, 255)),
        ("a place beyond all", "E341", |m| set(m, 8, 255)),
        ("another bundle", "E333", |m| set(m, 12, 1)),
        ("a byte more", "E340", |m| {
            let longer = [&data(m, MASKED)[..], &[0]].concat();
            *data(m, MASKED) = longer.into();
        }),
        ("no rows at all", "E340", |m| m.inputs.truncate(1)),
        ("ciphertexts too", "E340", |m| m.inputs[1].name = CIPHERTEXTS.into()),
    ];
    let scene = Scene::new(40, 2);
    scene.prepare(10);
    for (what, code, change) in cases {
        let mut message = scene.ask(&scene.rows(1, 1)).messages.remove(0);
        change(&mut message);
        let error = scene.host.infer(message).err().unwrap();
        assert_eq!(error.code, code, "{what}: {error}");
    }
    // Answers of another length, or to another question.
    for change in
        [|b: &mut Vec<u8>| b.truncate(b.len() - 1), |b: &mut Vec<u8>| b.push(0), |b: &mut Vec<u8>| b[0] ^= 1]
    {
        let Asked { mut messages, pending, .. } = scene.ask(&scene.rows(1, 1));
        let mut reply: InferReply = scene.host.infer(messages.remove(0)).unwrap();
        let mut bytes = reply.outputs[0].data.to_vec();
        change(&mut bytes);
        assert_eq!(reply.outputs[0].name, ANSWER);
        reply.outputs[0].data = bytes.into();
        assert_eq!(pending.answer(vec![reply]).err().unwrap().code, "E512");
    }
}

fn set(message: &mut InferRequest, at: usize, byte: u8) {
    let mut bytes = data(message, HEAD).to_vec();
    bytes[at..at + 4].fill(byte);
    *data(message, HEAD) = bytes.into();
}
