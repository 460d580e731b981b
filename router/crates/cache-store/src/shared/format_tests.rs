#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic in a test is its report")]

use std::sync::OnceLock;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{HEAD, Limits, Read, claim, read, write};
use crate::entry::{Entry, Lifetime, now};
use crate::invalidations::Position;
use crate::key::{Group, KeyRef};
use crate::shared::name::Name;

const LIMITS: Limits = Limits { entry: 10_000, age: 60_000, compress_above: 100 };

fn entry(value: &[u8], tags: &[&str]) -> Entry {
    let now = now();
    let lifetime =
        Lifetime { since: now - 10, fresh_until: now + 1000, revalidate_until: now + 2000, on_error_until: now + 3000 };
    Entry {
        value: value.into(),
        lifetime,
        position: Position(7),
        given_tags: tags.iter().map(|tag| Box::from(*tag)).collect(),
        own_tags: OnceLock::new(),
    }
}

fn name(item: &[u8]) -> Name {
    Name::of("p:", KeyRef { group: Group([1; 16]), item })
}

fn read_entry(bytes: &[u8], name: &Name) -> Option<Entry> {
    match read(bytes, name, 0, &LIMITS, now()) {
        Read::Entry(entry) => Some(entry),
        _ => None,
    }
}

#[test]
fn an_entry_reads_back_exactly() {
    let values =
        [Vec::new(), b"{}".to_vec(), b"abc".repeat(1000), (0..3000u32).map(|n| ((n * n) >> 3) as u8).collect()];
    for value in values {
        let (entry, name) = (entry(&value, &["a", "", "ü\n"]), name(b"x\0y\xff"));
        let (bytes, left) = write(&entry, &name, &LIMITS, now()).unwrap();
        assert!((2900..=3000).contains(&left));
        let back = read_entry(&bytes, &name).unwrap();
        assert_eq!((&back.value, back.lifetime, back.position), (&entry.value, entry.lifetime, entry.position));
        assert_eq!(back.given_tags, entry.given_tags);
        // Under another name it is no entry.
        assert!(read_entry(&bytes, &self::name(b"z")).is_none());
    }
    let (bytes, _) = write(&entry(&b"abc".repeat(1000), &[]), &name(b""), &LIMITS, now()).unwrap();
    assert!(bytes.len() < 200, "it is compressed");
    assert!(matches!(read(&claim(9), &name(b""), 0, &LIMITS, now()), Read::Claim));
}

#[test]
fn what_does_not_fit_the_limits_is_no_entry() {
    let name = name(b"");
    let write = |entry: &Entry| write(entry, &name, &LIMITS, now());
    for value in [b"a".repeat(10_001), (0..10_001u64).map(|n| xxh3_64_with_seed(&[], n) as u8).collect()] {
        assert!(read_entry(&write(&entry(&value, &[])).unwrap().0, &name).is_none());
    }
    let mut over = entry(b"1", &[]);
    over.lifetime = Lifetime { since: 0, fresh_until: 1, revalidate_until: 1, on_error_until: 1 };
    assert!(write(&over).is_none());
    // Nothing is kept for longer than allowed.
    let mut long = entry(b"1", &[]);
    long.lifetime.on_error_until = u64::MAX;
    let (bytes, left) = write(&long).unwrap();
    assert_eq!(left, LIMITS.age);
    assert!(read_entry(&bytes, &name).is_some());
    // Somebody wrote it who does not keep to that.
    let lax = Limits { age: u64::MAX / 2, ..LIMITS };
    let (bytes, _) = super::write(&long, &name, &lax, now()).unwrap();
    assert!(read_entry(&bytes, &name).is_none());
}

/// Changed bytes with a right checksum: as if a router of another version, or somebody else, had written them.
#[test]
fn no_bytes_do_harm() {
    let name = name(b"k");
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below.max(1)
    };
    let samples: Vec<Vec<u8>> = [&b"{\"a\":1}"[..], &b"abcdefgh".repeat(100)]
        .iter()
        .map(|value| write(&entry(value, &["tag", "other"]), &name, &LIMITS, now()).unwrap().0)
        .collect();
    let mut read_back = 0;
    for round in 0..200_000 {
        let mut bytes = samples[round % samples.len()].clone();
        for _ in 0..=random(3) {
            match random(4) {
                0 => bytes.truncate(random(bytes.len())),
                1 => bytes.extend((0..random(20)).map(|n| n as u8)),
                _ if bytes.is_empty() => {}
                2 => {
                    let place = random(bytes.len());
                    bytes[place] = random(256) as u8;
                }
                _ => {
                    let place = random(bytes.len());
                    bytes[place] ^= 1 << random(8);
                }
            }
        }
        let is_changed = bytes != samples[round % samples.len()];
        assert!(!is_changed || read_entry(&bytes, &name).is_none(), "the checksum finds it");
        if bytes.len() > HEAD {
            let checksum = xxh3_64_with_seed(&bytes[HEAD..], name.seed());
            bytes[4..HEAD].copy_from_slice(&checksum.to_le_bytes());
        }
        if let Some(entry) = read_entry(&bytes, &name) {
            assert!(entry.value.len() <= LIMITS.entry);
            read_back += 1;
        }
    }
    assert!(read_back > 1000, "changed values and tags are read");
}
