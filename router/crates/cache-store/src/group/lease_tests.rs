#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic in a test is its report")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{Lease, Steady, over};

const LEASE: Duration = Duration::from_millis(1000);

#[test]
fn a_lease_begins_when_the_question_is_sent() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let lease = Lease::new(LEASE, start);
    assert!(!lease.is_held(at(0)));
    lease.renew(at(100));
    assert!(lease.is_held(at(1099)) && !lease.is_held(at(1100)));
    // An answer that was overtaken by another one shortens nothing.
    lease.renew(at(50));
    assert!(lease.is_held(at(1099)));
    assert!(over(LEASE, at(0)) > at(1000));
}

#[test]
fn a_list_is_believed_after_a_time_without_a_disturbance() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let mut steady = Steady::new(LEASE);
    assert!(!steady.is_complete(at(5000), "a"));
    steady.confirm(at(0), "a");
    steady.confirm(at(900), "a");
    assert!(!steady.is_complete(at(1000), "a") && steady.is_complete(at(1100), "a"));
    assert!(!steady.is_complete(at(1100), "b"));
    steady.confirm(at(1200), "b");
    assert!(!steady.is_complete(at(2200), "b") && steady.is_complete(at(2300), "b"));
    steady.disturb();
    assert!(!steady.is_complete(at(2300), "b"));
}

/// The order of things in a group, with a clock and a network that do what they like.
struct World {
    seed: u64,
    now: Duration,
    start: Instant,
    /// What Redis has.
    log: u64,
    list: BTreeSet<u64>,
    epoch: Option<u64>,
    read: BTreeMap<u64, u64>,
    routers: Vec<Router>,
}

struct Router {
    member: u64,
    lease: Lease,
    steady: Steady,
    applied: u64,
    turn: Option<Turn>,
    sleeps_until: Duration,
}

/// When a question is sent, arrives at Redis (and the log and the list that it sees there), and its answer is received.
type Turn = (Duration, Duration, Option<(u64, u64)>, Duration);

impl World {
    fn random(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    fn at(&self, time: Duration) -> Instant {
        self.start + time
    }

    /// Mostly fast, sometimes very slow.
    fn delay(&mut self) -> Duration {
        let longest = if self.random(60) == 0 { 1500 } else { 20 };
        Duration::from_millis(1 + self.random(longest))
    }

    fn step(&mut self, index: usize) {
        let now = self.now;
        let at_now = self.at(now);
        if self.routers[index].sleeps_until > now {
            return;
        }
        match self.routers[index].turn {
            None => {
                let (to, back) = (self.delay(), self.delay());
                if !self.routers[index].lease.is_held(at_now) {
                    self.routers[index].member = self.random(u64::MAX >> 33);
                }
                self.routers[index].turn = Some((now, now + to, None, now + to + back));
            }
            Some((sent, arrives, None, back)) if arrives <= now => {
                let new = self.random(u64::MAX >> 33);
                let epoch = *self.epoch.get_or_insert(new);
                let router = &mut self.routers[index];
                self.list.insert(router.member);
                self.read.insert(router.member, router.applied);
                router.turn = Some((sent, arrives, Some((self.log, epoch)), back));
            }
            Some((sent, _, Some((log, epoch)), back)) if back <= now => {
                let sent_at = self.at(sent);
                let fails = self.random(200) == 0;
                let pause = if self.random(150) == 0 { 3000 } else { 50 };
                let pause = Duration::from_millis(self.random(pause));
                let router = &mut self.routers[index];
                router.turn = None;
                router.sleeps_until = now + pause;
                if fails {
                    router.steady.disturb();
                    return;
                }
                router.applied = router.applied.max(log);
                router.lease.renew(sent_at);
                router.steady.confirm(at_now, &epoch.to_string());
            }
            _ => {}
        }
    }
}

#[test]
fn no_router_serves_what_was_invalidated_before_an_acknowledgement() {
    let (mut early, mut late) = (0, 0);
    for world in 0..30u64 {
        let start = Instant::now();
        let routers = (0..4).map(|member| Router {
            member,
            lease: Lease::new(LEASE, start),
            steady: Steady::new(LEASE),
            applied: 0,
            turn: None,
            sleeps_until: Duration::ZERO,
        });
        let mut world = World {
            seed: world * 7919 + 1,
            now: Duration::ZERO,
            start,
            log: 0,
            list: BTreeSet::new(),
            epoch: None,
            read: BTreeMap::new(),
            routers: routers.collect(),
        };
        // The invalidation that is waited for: its id, and when the wait is over.
        let mut waiting: Option<(u64, Instant)> = None;
        let mut acknowledged = 0;
        for millis in 0..30_000 {
            world.now = Duration::from_millis(millis);
            for index in 0..world.routers.len() {
                world.step(index);
            }
            // Redis forgets its list.
            if world.random(8000) == 0 {
                world.list.clear();
                world.epoch = None;
                world.read.clear();
            }
            let now = world.at(world.now);
            match waiting {
                None if world.random(100) == 0 => {
                    world.log += 1;
                    world.routers[0].applied = world.routers[0].applied.max(world.log);
                    waiting = Some((world.log, over(LEASE, now)));
                }
                Some((id, over)) => {
                    let me = &world.routers[0];
                    let is_listed = world.list.contains(&me.member);
                    let epoch = world.epoch.unwrap_or_default().to_string();
                    let is_complete = me.lease.is_held(now) && me.steady.is_complete(now, &epoch);
                    let others = world.list.iter().filter(|member| **member != me.member);
                    let all_have_read = { others }.all(|member| world.read.get(member).is_some_and(|read| *read >= id));
                    if is_listed && is_complete && all_have_read {
                        early += 1;
                        acknowledged = id;
                        waiting = None;
                    } else if now >= over {
                        late += 1;
                        acknowledged = id;
                        waiting = None;
                    }
                }
                None => {}
            }
            for router in &world.routers {
                assert!(!router.lease.is_held(now) || router.applied >= acknowledged, "at {millis}");
            }
        }
    }
    assert!(early > 100 && late > 100, "{early} {late}");
}
